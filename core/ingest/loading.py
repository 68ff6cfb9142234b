"""A file's rows into staging, a portion at a time: those known again as they are, the others checked."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from itertools import chain, islice, starmap
from typing import Final, NamedTuple, Self, TypeVar

from django.db.backends.utils import CursorWrapper
from django.utils import timezone

from core.ingest import profiles, remembered, staging
from core.ingest.check import Checker
from core.ingest.profile import SourceProfile
from core.ingest.programs import ProgramEntry, ProgramIndex
from core.ingest.reader import RawRow, Table
from core.ingest.remembered import Memory, Recalled
from core.ingest.report import Progress
from core.linking import candidates
from core.models import ImportBatch, Program

PORTION: Final = 1_000  # rows; four times as many are in memory at once, and so often one may stop
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
    """Fill an empty staging table. Returns how many rows the file has. `trusting`: rows known again are not checked.

    While PostgreSQL writes one portion and looks up the next but one, Python checks the one between them and reads on.
    """
    staging.create(cursor)
    checks, number = checker(table.headers, source), 0
    last, lines = _NOTHING, _lines(checks, _NOTHING, {})
    with _Beside() as beside:
        for portion in chain(_portions(table.rows()), ([], [])):
            read = _Read(portion, list(map(memory.digest, portion)))
            known = beside.result()
            beside.begin(partial(_write_and_recall, cursor, memory, lines, read if trusting else _NOTHING))
            lines = _lines(checks, last, known)
            number += len(last.rows)
            progress("read", number)
            last = read
    staging.index(cursor)
    if trusting:
        _check_doubtful(cursor, checks, memory)
    return number


class _Read(NamedTuple):
    """A portion as it was read."""

    rows: list[RawRow]
    digests: list[bytes | None]


_NOTHING: Final = _Read([], [])


class _Lines(NamedTuple):
    """A portion as it is written, and the numbers of its rows."""

    recalled: list[str]
    others: list[str]
    span: range


def _lines(checks: Checker, read: _Read, known: Recalled) -> _Lines:
    """Rows known again as they are, the others checked."""
    recalled, others = [], []
    for raw, digest in zip(*read, strict=True):
        if digest in known:
            recalled.append(staging.known_line(raw, digest, known[digest]))
        else:
            others.append(staging.line(checks.check(raw), digest))
    return _Lines(recalled, others, range(read.rows[0].number, read.rows[-1].number + 1) if read.rows else range(0))


def _write_and_recall(cursor: CursorWrapper, memory: Memory, lines: _Lines, read: _Read) -> Recalled:
    """Write one portion, and what linking asks of its rows; say what is remembered of another."""
    if lines.recalled:
        staging.load_known(cursor, lines.recalled)
    if lines.others:
        staging.load(cursor, lines.others)
        candidates.add(cursor, lines.span)
    return memory.recall(read.digests)


class _Beside:
    """One piece of work for the database at a time, done beside what Python does: at any moment a connection is one
    thread's.
    """

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="daily-file")
        self._begun: Future[Recalled] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        """Nobody else gets the connection before the work is done."""
        self._pool.shutdown()
        if kind is None:
            self.result()

    def begin(self, work: Callable[[], Recalled]) -> None:
        """Begin the next, once the result of the last was taken."""
        self._begun = self._pool.submit(work)

    def result(self) -> Recalled:
        """Wait for what was begun, if anything was. Raises what it raised."""
        begun, self._begun = self._begun, None
        return begun.result() if begun is not None else {}


def _check_doubtful(cursor: CursorWrapper, checks: Checker, memory: Memory) -> None:
    """Let the rows go the whole road that were known again but do not stand alone."""
    for numbers in _portions(iter(memory.doubtful())):
        taken = staging.take_out(cursor, numbers)
        checked = ((checks.check(RawRow(number, tuple(cells))), digest) for number, cells, digest in taken)
        staging.load(cursor, starmap(staging.line, checked))


def _portions(rows: Iterator[Item]) -> Iterator[list[Item]]:
    while portion := list(islice(rows, PORTION)):
        yield portion
