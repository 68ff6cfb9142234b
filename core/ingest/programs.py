"""Which program a row is about."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import NamedTuple
from uuid import UUID

from core.ingest.faults import CellFault, quote
from core.normalise import fold


class ProgramEntry(NamedTuple):
    """One program of the agency."""

    program_id: UUID
    name: str
    department: str


class ProgramFault(CellFault):
    """A program name that leads to no program, or to several."""


def said_with(name: str, department: str | None) -> str:
    """What a source has for a program, where its department decides which one is meant: as it is kept and shown."""
    return f"{name} (department {department})" if department else name


class ProgramIndex:
    """All programs by folded name; before that by `own`, what the source has for them (folded) → program."""

    def __init__(self, entries: Iterable[ProgramEntry], own: Mapping[str, UUID] | None = None) -> None:
        self._by_name: defaultdict[str, list[ProgramEntry]] = defaultdict(list)
        known: dict[UUID, ProgramEntry] = {}
        for entry in entries:
            self._by_name[fold(entry.name)].append(entry)
            known[entry.program_id] = entry
        self._own = {text: known[key] for text, key in (own or {}).items() if key in known}

    def find(self, name: str, department: str | None) -> UUID:
        """The one program of that name, in that department where one is given. Raises ProgramFault.

        What a source calls a program of ours by stands before our own names; but where the name is one of ours, and the
        row has a department, the department decides.
        """
        named = self._by_name.get(fold(name), []) if fold(name) else []
        if (own := self._own.get(fold(said_with(name, department)))) is not None:
            return own.program_id
        own = self._own.get(fold(name))
        if own is not None and (not named or not department or fold(own.department) == fold(department)):
            return own.program_id
        if not named:
            raise ProgramFault("unknown_program", f"is not a program of the agency. {self._hint(name)}")
        inside = [entry for entry in named if not department or fold(entry.department) == fold(department)]
        if not inside:
            raise ProgramFault(
                "program_not_in_department",
                f"is not a program of {quote(department or '')}; it belongs to {_departments(named)}."
                " Correct the department or leave it blank.",
            )
        if len(inside) > 1:
            raise ProgramFault("ambiguous_program", _ambiguity(inside, department))
        return inside[0].program_id

    def _hint(self, name: str) -> str:
        near = get_close_matches(fold(name), self._by_name, n=3, cutoff=0.6)
        names = [self._by_name[folded][0].name for folded in near]
        if not names:
            return "Correct the name, or have the program added first."
        return f"Did you mean {_listed([quote(each) for each in names], 'or')}?"


def _ambiguity(entries: Sequence[ProgramEntry], department: str | None) -> str:
    if department:
        return f"is the name of {len(entries)} programs of {quote(department)}; have one of them renamed."
    return f"is a program in {_departments(entries)}; give the department, too."


def _departments(entries: Sequence[ProgramEntry]) -> str:
    return _listed([quote(name) for name in sorted({entry.department for entry in entries})], "and")


def _listed(words: Sequence[str], conjunction: str) -> str:
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} {conjunction} {words[-1]}"
