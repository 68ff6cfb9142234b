"""A file's rows into staging, a portion at a time: those known again as they are, the others checked."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from itertools import islice, starmap
from typing import Final, Self, TypeVar

from django.db.backends.utils import CursorWrapper
from django.utils import timezone

from core.ingest import profiles, remembered, staging
from core.ingest.check import Checker
from core.ingest.profile import SourceProfile
from core.ingest.programs import ProgramEntry, ProgramIndex
from core.ingest.reader import RawRow, Table
from core.ingest.remembered import Memory
from core.linking import candidates
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
    with _Behind() as behind:
        ready = partial(_write, cursor, [], [], range(0))
        for portion in _portions(table.rows()):
            digests = list(map(memory.digest, portion))
            behind.wait()
            known = memory.recall(digests) if trusting else {}
            behind.begin(ready)
            rows = list(zip(portion, digests, strict=True))
            recalled = [staging.known_line(raw, digest, known[digest]) for raw, digest in rows if digest in known]
            others = [staging.line(checks.check(raw), digest) for raw, digest in rows if digest not in known]
            ready = partial(_write, cursor, recalled, others, range(portion[0].number, portion[-1].number + 1))
            number += len(portion)
            progress("read", number)
        behind.begin(ready)
    staging.index(cursor)
    if trusting:
        _check_doubtful(cursor, checks, memory)
    return number


class _Behind:
    """One piece of work for the database at a time, done while Python goes on reading: a connection is one thread's at
    any moment. What it raises, wait() raises.
    """

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="daily-file")
        self._begun: Future[None] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        """Nobody else gets the connection before the work is done."""
        self._pool.shutdown()
        if kind is None:
            self.wait()

    def begin(self, work: Callable[[], None]) -> None:
        self.wait()
        self._begun = self._pool.submit(work)

    def wait(self) -> None:
        begun, self._begun = self._begun, None
        if begun is not None:
            begun.result()


def _write(cursor: CursorWrapper, recalled: list[str], others: list[str], span: range) -> None:
    """The lines of one portion, and what linking asks of its rows."""
    if recalled:
        staging.load_known(cursor, recalled)
    if others:
        staging.load(cursor, others)
        candidates.add(cursor, span)


def _check_doubtful(cursor: CursorWrapper, checks: Checker, memory: Memory) -> None:
    """Let the rows go the whole road that were known again but do not stand alone."""
    for numbers in _portions(iter(memory.doubtful())):
        taken = staging.take_out(cursor, numbers)
        checked = ((checks.check(RawRow(number, tuple(cells))), digest) for number, cells, digest in taken)
        staging.load(cursor, starmap(staging.line, checked))


def _portions(rows: Iterator[Item]) -> Iterator[list[Item]]:
    while portion := list(islice(rows, PORTION)):
        yield portion
