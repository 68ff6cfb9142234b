"""A file's rows into staging, a portion at a time: those known again as they are, the others checked."""

from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Final, TypeVar

from django.db.backends.utils import CursorWrapper
from django.utils import timezone

from core.ingest import profiles, remembered, staging
from core.ingest.check import Checker
from core.ingest.profile import SourceProfile
from core.ingest.programs import ProgramEntry, ProgramIndex
from core.ingest.reader import RawRow, Table
from core.ingest.remembered import Memory
from core.models import ImportBatch, Program

PORTION: Final = 1_000  # rows; so many are in memory at once, and so often one may stop
Progress = Callable[[str, int], None]
Item = TypeVar("Item")


def checker(headers: Sequence[str], source: SourceProfile) -> Checker:
    """What checks rows under these headers today, with the programs there are."""
    programs = ProgramIndex(_programs(), profiles.program_names(source.name))
    return Checker(source, headers, programs, timezone.localdate())


def memory_of(cursor: CursorWrapper, batch: ImportBatch, table: Table, source: SourceProfile) -> Memory:
    """What is remembered of the source and still holds."""
    names = profiles.program_names(source.name)
    decides = remembered.meaning(source, table.headers, _programs(), names, timezone.localdate())
    return Memory(cursor, batch, decides)


def _programs() -> list[ProgramEntry]:
    rows = Program.objects.select_related("department").order_by("pk")
    return [ProgramEntry(*entry) for entry in rows.values_list("program_id", "name", "department__name")]


def load(
    cursor: CursorWrapper, table: Table, source: SourceProfile, memory: Memory, progress: Progress, *, trusting: bool
) -> int:
    """Fill an empty staging table. Returns how many rows the file has. `trusting`: rows known again are not checked."""
    staging.create(cursor)
    checks, number = checker(table.headers, source), 0
    for portion in _portions(table.rows()):
        _load(cursor, portion, checks, memory, trusting=trusting)
        number += len(portion)
        progress("read", number)
    staging.index(cursor)
    if trusting:
        _check_doubtful(cursor, checks, memory)
    return number


def _load(cursor: CursorWrapper, portion: list[RawRow], checks: Checker, memory: Memory, *, trusting: bool) -> None:
    digests = list(map(memory.digest, portion))
    known = memory.recall(digests) if trusting else {}
    recalled, others = [], []
    for raw, digest in zip(portion, digests, strict=True):
        if digest in known:
            recalled.append((raw, digest, known[digest]))
        else:
            others.append((raw, digest))
    if recalled:
        staging.load_known(cursor, recalled)
    if others:
        staging.load(cursor, ((checks.check(raw), digest) for raw, digest in others))


def _check_doubtful(cursor: CursorWrapper, checks: Checker, memory: Memory) -> None:
    """Let the rows go the whole road that were known again but do not stand alone."""
    for numbers in _portions(iter(memory.doubtful())):
        taken = staging.take_out(cursor, numbers)
        staging.load(cursor, ((checks.check(RawRow(number, tuple(cells))), digest) for number, cells, digest in taken))


def _portions(rows: Iterator[Item]) -> Iterator[list[Item]]:
    while portion := list(islice(rows, PORTION)):
        yield portion
