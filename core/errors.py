"""The exceptions of the domain. Each carries a sentence a coordinator understands.

Inside core a refusal is raised as one of these; the edge (a command, a screen) turns it into a message.
"""


class CCDError(Exception):
    """A refusal with a sentence that says what, where and what to do."""


class NotAllowed(CCDError):
    """The actor has no right to this; says nothing about what exists."""


class Invalid(CCDError):
    """The values do not hold. `faults` maps a field name to its sentences ('' for the record as a whole)."""

    def __init__(self, faults: dict[str, list[str]]) -> None:
        self.faults = faults
        super().__init__(" ".join(sentence for sentences in faults.values() for sentence in sentences))


class Conflict(CCDError):
    """The record moved, or someone else decided, since it was looked at."""


class Busy(CCDError):
    """Others held the same records for too long; nothing was written and it may be tried again as it is."""


class FileRefused(CCDError):
    """A whole file cannot be taken in; nothing of it was used."""


class FileBusy(FileRefused):
    """Another file is on its way in; this one was not looked at and may be tried again as it is."""


class FileInterrupted(FileRefused):
    """The database stopped half way: nothing of the file is in, and it may be taken in again as it is."""


class FileHeld(FileRefused):
    """The file is outside the limits of its source and waits, whole, for a coordinator to release or refuse it."""


class UnknownSource(FileRefused):
    """No source of that name is declared in core/ingest/sources."""


class UnknownReport(CCDError):
    """No report of that name is declared in reporting."""


class CannotLeave(CCDError):
    """This answer cannot leave the agency without telling of single people."""


class BackupFailed(CCDError):
    """A backup or its proof did not come through."""
