"""The audit log as CSV: one line per field, oldest of the filtered list last, read in portions."""

import csv
from collections.abc import Iterator

from django.db import models
from django.utils import timezone

from admin_ext.files import BYTE_ORDER_MARK
from core.audit import sentences
from core.audit.sentences import Line, Reading
from core.audit.words import EMPTY
from core.models import Staff
from core.normalise import escape_formula

PORTION = 500
COLUMNS = (
    "when", "who", "asked_by", "road", "action", "entity", "entity_id", "what", "field", "before", "after", "reason",
    "reference_id",
)  # fmt: skip


class _Echo:
    """csv.writer writes to it and gets its line back."""

    def write(self, line: str) -> str:
        return line


def csv_lines(entries: models.QuerySet, *, viewer: Staff) -> Iterator[str]:
    """The file line by line, with a byte order mark, for spreadsheets. Never more than a portion in memory."""
    writer = csv.writer(_Echo())
    yield BYTE_ORDER_MARK + writer.writerow(COLUMNS)
    for reading in _readings(entries, viewer):
        for line in reading.lines or [Line("", "", "")]:
            yield writer.writerow([escape_formula(text) for text in _cells(reading, line)])


def _readings(entries: models.QuerySet, viewer: Staff) -> Iterator[Reading]:
    """By position, not by offset: what is written meanwhile does not shift the rest."""
    ordered, last = entries.order_by("-position"), None
    while True:
        rest = ordered if last is None else ordered.filter(position__lt=last)
        portion = list(rest[:PORTION])
        if not portion:
            return
        yield from sentences.read(portion, viewer=viewer)
        last = portion[-1].position


def _cells(reading: Reading, line: Line) -> list[str]:
    entry = reading.entry
    return [
        timezone.localtime(entry.changed_at).isoformat(timespec="seconds"),
        reading.who,
        reading.asked_by or "",
        reading.road,
        entry.action,
        entry.entity,
        str(entry.entity_id or ""),
        reading.what,
        line.label,
        "" if line.before == EMPTY else line.before,
        "" if line.after == EMPTY else line.after,
        reading.reason or "",
        str(entry.reference_id or ""),
    ]
