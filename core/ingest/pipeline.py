"""One road for daily files, whichever door they come in by: read, check, stage, link, apply, report.

run() is one transaction: killed at any moment, either all of the file is in or none. The batch, written in a
transaction of its own before and after, says which.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from time import monotonic
from typing import Any

from django.conf import settings
from django.db import DataError, IntegrityError, InterfaceError, OperationalError, connection, transaction
from django.db import Error as DatabaseError
from django.db.backends.utils import CursorWrapper
from django.db.models import Count
from django.utils import timezone
from psycopg import Error as DriverError
from psycopg import InterfaceError as DriverInterfaceError
from psycopg import OperationalError as DriverOperationalError

from core import audit, rules
from core.choices import OUTCOMES
from core.errors import FileBusy, FileHeld, FileInterrupted, FileRefused
from core.ingest import limits, loading, measuring, profiles, rejects, staging, telling, versions
from core.ingest.apply_clients import apply_clients
from core.ingest.apply_stays import apply_stays, hold_overlaps
from core.ingest.reader import open_table
from core.ingest.sources import profile
from core.linking import answers
from core.linking.rows import link_rows, settle_repeated
from core.models import ImportBatch, ImportFile, ImportProgress, Staff

# One daily file at a time: the number only has to differ from other advisory locks of this database.
LOCK = 0x0CCD_0001
Progress = Callable[[str, int], None]
# The worker takes the lock a moment after it says that it runs, and says what came of it a moment after it let go.
GRACE = timedelta(seconds=10)
# The connection was cut, the server stopped, its disk is full: no fault of the file.
_STOPPED = (OperationalError, InterfaceError, DriverOperationalError, DriverInterfaceError)


@dataclass
class Report:
    """What became of a file: counts that add up to its rows, and where the files about it are."""

    rows: int = 0
    outcomes: dict[str, int] = field(default_factory=dict)
    written: dict[str, int] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    seconds: float = 0.0
    rejects_file: str | None = None
    batch_id: str | None = None
    preview: dict[str, Any] | None = None

    def summary(self) -> dict[str, Any]:
        """The JSON summary of CONTRACT §4."""
        return {
            "rows": self.rows,
            **{name: self.outcomes.get(name, 0) for name in OUTCOMES},
            **{name: self.written.get(name, 0) for name in ("intakes", "enrollments", "discharges")},
            "seconds": round(self.seconds, 3),
            "rows_per_second": round(self.rows / self.seconds) if self.seconds else 0,
            "rejects_file": self.rejects_file,
            "batch_id": self.batch_id,
        }


def _unheard(stage: str, number: int) -> None:
    """Nobody waits for news of the stage and how many rows of it are done."""


class _RolledBack(Exception):
    """Leaves the transaction of a dry run."""


@dataclass
class Options:
    """How to run: a dry run does all but the write; `repeat` takes the same bytes again; a preview `writes_files` to no
    folder, since its page shows what would be in them. A person who has seen it `releases` a file outside its limits.
    """

    dry_run: bool = False
    repeat: bool = False
    releases: bool = False
    writes_files: bool = True
    rejects: Path | None = None
    outcomes: Path | None = None
    progress: Progress = _unheard


def take(content: bytes, *, file_name: str, source: str, actor: Staff | None, options: Options | None = None) -> Report:
    """The whole road in one call: receive and run. A dry run leaves nothing in the database, not even a batch.

    Raises FileRefused, UnknownSource, NotAllowed.
    """
    options = options or Options()
    if not options.dry_run:
        return run(
            receive(content, file_name=file_name, source=source, actor=actor), content, actor=actor, options=options
        )
    try:
        with transaction.atomic():
            batch = receive(content, file_name=file_name, source=source, actor=actor)
            report = run(batch, content, actor=actor, options=options)
            raise _RolledBack
    except _RolledBack:
        return report


def receive(content: bytes, *, file_name: str, source: str, actor: Staff | None) -> ImportBatch:
    """A batch for these bytes, saved on its own, so that a killed run leaves a trace.

    Raises NotAllowed, UnknownSource.
    """
    rules.require(actor, "core.ingest_files")
    batch = ImportBatch(
        source_system=profile(source).name,
        file_name=Path(file_name).name[:255],
        sha256=hashlib.sha256(content).hexdigest(),
        size=len(content),
        created_by=actor,
    )
    with transaction.atomic():
        if _locked():
            _mark_interrupted()
        batch.save(force_insert=True)
    return batch


def _mark_interrupted() -> None:
    """With the lock in hand no run is under way: what still says running was killed, and nothing of it is in. But for
    one that the worker has just begun with, or just ended.
    """
    just_now = ImportProgress.objects.filter(changed_at__gt=timezone.now() - GRACE).values("batch")
    ImportBatch.objects.filter(status=ImportBatch.Status.RUNNING).exclude(pk__in=just_now).update(
        status=ImportBatch.Status.INTERRUPTED, finished_at=timezone.now()
    )


def is_interrupted(batch: ImportBatch) -> bool:
    """The batch was killed: it says running, and no run is under way."""
    if batch.status != ImportBatch.Status.RUNNING:
        return batch.status == ImportBatch.Status.INTERRUPTED
    if ImportProgress.objects.filter(batch=batch, changed_at__gt=timezone.now() - GRACE).exists():
        return False
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT FROM pg_locks JOIN pg_database d ON d.oid = database "
            "WHERE datname = current_database() AND locktype = 'advisory' AND objid = %s AND granted)",
            [LOCK],
        )
        return not cursor.fetchone()[0]


def _locked() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [LOCK])
        return cursor.fetchone()[0]


def run(batch: ImportBatch, content: bytes, *, actor: Staff | None, options: Options | None = None) -> Report:
    """Take the file in. Raises FileRefused, with the batch marked refused and nothing else written; FileInterrupted
    where the database stopped half way.
    """
    options = options or Options()
    started = monotonic()
    files: list[tuple[Path, Path]] = []
    done = False
    report = Report(batch_id=None if options.dry_run else str(batch.pk))
    try:
        with audit.acting(actor, channel="import", reference=batch.pk):
            if not _locked():
                raise FileBusy("Another daily file is being taken in right now; try again when it is done.")
            _take_in(batch, content, actor, options, report)
            _hold_whole(batch, options, report)
            _write_files(batch, options, report, files)
            report.seconds = monotonic() - started
            _close(batch, report, actor)
            if options.dry_run:
                raise _RolledBack
    except _RolledBack:
        done = True
    except _STOPPED as error:
        _interrupt(batch, options, error)
        done = True
    except (DataError, IntegrityError, DriverError) as error:
        said = str(error).splitlines()[0]
        refuse(batch, options, FileRefused(f"The database refused a row of this file: {said}. Nothing was taken in."))
    except FileHeld as error:
        _wait_for_release(batch, content, options, report, error)
    except FileRefused as error:
        refuse(batch, options, error)
    else:
        done = True
    finally:
        for temporary, path in files:
            if done:
                rejects.publish(temporary, path)
            else:
                temporary.unlink(missing_ok=True)
    return report


def _hold_whole(batch: ImportBatch, options: Options, report: Report) -> None:
    """Raise FileHeld where the file is outside its limits; who releases it is told so all the same."""
    with connection.cursor() as cursor:
        found = limits.reasons(cursor, batch, report.rows, report.outcomes)
    if found and not options.releases:
        report.preview = telling.preview(batch)
        raise FileHeld(" ".join(found))
    report.notes = [*(f"Outside its limits: {sentence}" for sentence in found), *report.notes]


def _wait_for_release(batch: ImportBatch, content: bytes, options: Options, report: Report, error: FileHeld) -> None:
    """Nothing of it is in; keep the bytes with what it would do, until previews.py releases or refuses it."""
    if not options.dry_run:
        batch.status, batch.reason = ImportBatch.Status.HELD, str(error)
        batch.summary, batch.notes = report.summary() | {"rejects_file": None}, report.notes
        with transaction.atomic():
            batch.save(update_fields=["status", "reason", "summary", "notes", "headers"])
            ImportFile.objects.update_or_create(batch=batch, defaults={"content": content, "preview": report.preview})
    raise error


def _interrupt(batch: ImportBatch, options: Options, error: Exception) -> None:
    """Mark the batch and raise FileInterrupted; return where the database had committed before it went away.

    The update waits for a commit still under way. Where the database cannot be asked, the lock tells later.
    """
    said = next(iter(str(error).splitlines()), type(error).__name__)
    sentence = (
        f"The database stopped half way: {said}. Nothing of the file is in; take it in again when the database is well."
    )
    mine = ImportBatch.objects.filter(pk=batch.pk)
    try:
        if not options.dry_run and not mine.filter(status=ImportBatch.Status.RUNNING).update(
            status=ImportBatch.Status.INTERRUPTED, reason=sentence, finished_at=timezone.now()
        ):
            batch.refresh_from_db()
            if batch.status == ImportBatch.Status.APPLIED:
                return
    except DatabaseError:
        pass
    raise FileInterrupted(sentence) from error


def refuse(batch: ImportBatch, options: Options, error: FileRefused) -> None:
    """Mark the batch and raise the error. A file that only came at a bad moment waits on for confirmation."""
    if isinstance(error, FileBusy) and ImportFile.objects.filter(batch=batch).exists():
        batch.status = ImportBatch.Status.PREVIEWED
        batch.save(update_fields=["status"])
    elif isinstance(error, FileInterrupted) and not options.dry_run:  # a preview; its bytes stay for another try
        batch.status, batch.reason, batch.finished_at = ImportBatch.Status.INTERRUPTED, str(error), timezone.now()
        batch.save(update_fields=["status", "reason", "finished_at"])
    elif not options.dry_run:
        batch.status, batch.reason, batch.finished_at = ImportBatch.Status.REFUSED, str(error), timezone.now()
        batch.save(update_fields=["status", "reason", "finished_at"])
        ImportFile.objects.filter(batch=batch).delete()
    raise error


def _take_in(batch: ImportBatch, content: bytes, actor: Staff | None, options: Options, report: Report) -> None:
    """Read, check, stage, link and apply, all in the caller's transaction."""
    source = profiles.effective(batch.source_system)
    _refuse_repeat(batch, options)
    table = open_table(content, batch.file_name, source)
    batch.headers = list(table.headers)
    with connection.cursor() as cursor:
        memory = loading.memory_of(cursor, batch, table, source)
        report.rows = loading.load(cursor, table, source, memory, options.progress, trusting=True)
        link(cursor, source.name, waits_on=True, progress=options.progress)
        if memory.clashes():
            loading.load(cursor, table, source, memory, options.progress, trusting=False)
            link(cursor, source.name, waits_on=True, progress=options.progress)
        report.notes = telling.notes(table, source)
        options.progress("apply", report.rows)
        apply_clients(cursor, source.name, batch.pk)
        options.progress("stays", report.rows)
        report.written = apply_stays(cursor, source.name, batch.pk)
        options.progress("settle", report.rows)
        profiles.collect_unmapped(source, table.columns)
        _settle(cursor, batch, report)
        memory.keep()
        if report.outcomes.get("created"):
            measuring.ask()
        options.progress("report", report.rows)
        versions.snapshot(cursor, batch.pk, actor=actor, comment=f"Daily file {batch.file_name}"[:500])


def link(cursor: CursorWrapper, source: str, *, waits_on: bool = False, progress: Progress = _unheard) -> None:
    """Decide whom each staged row is about, and which rows must wait for a person. `waits_on`: rows that wait from an
    earlier file do so still.
    """
    progress("link", 0)
    link_rows(cursor, source, partial(progress, "link"))
    if waits_on:
        answers.keep_waiting(cursor, source)
    staging.count(cursor)  # else plans still believe that no row has found a client
    hold_overlaps(cursor)
    settle_repeated(cursor)


def _refuse_repeat(batch: ImportBatch, options: Options) -> None:
    earlier = ImportBatch.objects.filter(
        sha256=batch.sha256, source_system=batch.source_system, status=ImportBatch.Status.APPLIED
    ).order_by("created_at")
    first = earlier.first()
    if first is None:
        return
    if not options.repeat:
        when = timezone.localtime(first.finished_at or first.created_at)
        raise FileRefused(
            f"These very bytes were taken in from {batch.source_system} on {when:%Y-%m-%d at %H:%M} "
            f"as {first.file_name}. On the command line, --allow-repeat takes them in again."
        )
    batch.repeated = True


def _settle(cursor: CursorWrapper, batch: ImportBatch, report: Report) -> None:
    """Give every row its outcome, keep the rows, and prove that the counts add up to the file."""
    settle_outcomes(cursor)
    cursor.execute(
        f"""
        INSERT INTO import_rows (batch_id, row_number, outcome, reason_code, reason, note, client_id, candidate_ids,
                                 score, evidence, cells, answer_key)
        SELECT %s, row_number, outcome, reason_code, reason, note, client_id, candidate_ids, score,
               evidence || jsonb_build_object('uid', uid_external), cells,
               CASE WHEN outcome = 'held' THEN {answers.KEY} END
        FROM staging s
        UNION ALL
        SELECT %s, row_number, 'unchanged', NULL, NULL, NULL, client_id, NULL, NULL, NULL, cells, NULL FROM known_rows
        """,
        [batch.pk, batch.pk],
    )
    report.outcomes = dict(batch.rows.order_by().values_list("outcome").annotate(number=Count("pk")))
    if set(report.outcomes) - set(OUTCOMES) or sum(report.outcomes.values()) != report.rows:
        raise AssertionError(f"outcomes do not add up to the file: {report.outcomes}, {report.rows} rows")


def settle_outcomes(cursor: CursorWrapper) -> None:
    """Give every staged row without an outcome the one that says what it wrote."""
    cursor.execute(
        """
        UPDATE staging SET outcome = CASE
            WHEN road = 'new' THEN 'created' WHEN wrote THEN 'updated' ELSE 'unchanged' END
        WHERE outcome IS NULL
        """
    )


def _write_files(batch: ImportBatch, options: Options, report: Report, files: list[tuple[Path, Path]]) -> None:
    """Write the rejects and outcomes files by temporary names, each noted in `files`: published after the commit."""
    if not options.writes_files:
        return
    if options.outcomes:
        files.append((rejects.write_rows(options.outcomes, batch), options.outcomes))
    open_rows = report.outcomes.get("held", 0) + report.outcomes.get("rejected", 0)
    if options.rejects or open_rows:
        path = options.rejects or default_rejects(batch.file_name, timezone.localtime())
        files.append((rejects.write_rows(path, batch, only=("held", "rejected")), path))
        report.rejects_file = str(path)


def default_rejects(file_name: str, now: datetime) -> Path:
    """CCD_DATA_DIR/rejects/<file>.<timestamp>.rejects.csv."""
    return settings.DATA_DIR / "rejects" / f"{file_name}.{now:%Y%m%dT%H%M%S%f}.rejects.csv"


def _close(batch: ImportBatch, report: Report, actor: Staff | None) -> None:
    """The batch is applied; the database writes its one import entry. A dry run keeps what would be shown instead."""
    report.preview = telling.preview(batch)
    batch.status, batch.finished_at = ImportBatch.Status.APPLIED, timezone.now()
    batch.summary, batch.notes = report.summary(), report.notes
    batch.save(update_fields=["status", "finished_at", "summary", "notes", "headers", "repeated", "log_position"])
    ImportFile.objects.filter(batch=batch).delete()
