"""One road for daily files, whichever door they come in by: read, check, stage, link, apply, report.

run() is one transaction: killed at any moment, either all of the file is in or none. The batch, written in a
transaction of its own before and after, says which.
"""

from datetime import datetime
from functools import partial
from pathlib import Path
from time import monotonic

from django.conf import settings
from django.db import DataError, IntegrityError, InterfaceError, OperationalError, connection, transaction
from django.db.backends.utils import CursorWrapper
from django.db.models import Count
from django.utils import timezone
from psycopg import Error as DriverError
from psycopg import InterfaceError as DriverInterfaceError
from psycopg import OperationalError as DriverOperationalError

from core import audit
from core.choices import OUTCOMES
from core.errors import FileHeld, FileRefused
from core.ingest import batches, fed_back, limits, loading, measuring, profiles, rejects, staging, telling, versions
from core.ingest.apply_clients import apply_clients
from core.ingest.apply_stays import apply_stays
from core.ingest.reader import open_table
from core.ingest.report import Options, Progress, Report, unheard
from core.ingest.spans import hold_overlaps
from core.linking import answers
from core.linking.rows import link_rows, settle_repeated
from core.models import ImportBatch, Staff
from core.normalise import LONGEST_NAME, shortened

# The connection was cut, the server stopped, its disk is full: no fault of the file.
_STOPPED = (OperationalError, InterfaceError, DriverOperationalError, DriverInterfaceError)


class _RolledBack(Exception):
    """Leaves the transaction of a dry run."""


def take(content: bytes, *, file_name: str, source: str, actor: Staff | None, options: Options | None = None) -> Report:
    """The whole road in one call: receive and run. A dry run leaves nothing in the database, not even a batch.

    Raises FileRefused, UnknownSource, NotAllowed.
    """
    options = options or Options()
    if not options.dry_run:
        batch = batches.receive(content, file_name=file_name, source=source, actor=actor)
        return run(batch, content, actor=actor, options=options)
    try:
        with transaction.atomic():
            batch = batches.receive(content, file_name=file_name, source=source, actor=actor)
            report = run(batch, content, actor=actor, options=options)
            raise _RolledBack
    except _RolledBack:
        return report


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
            batches.take_turn()
            _take_in(batch, content, actor, options, report)
            _hold_whole(batch, options, report)
            _write_files(batch, options, report, files)
            report.seconds = monotonic() - started
            report.preview = telling.preview(batch)
            batches.close(batch, report)
            if options.dry_run:
                raise _RolledBack
    except _RolledBack:
        done = True
    except _STOPPED as error:
        batches.interrupt(batch, options, error)
        done = True
    except (DataError, IntegrityError, DriverError) as error:
        said = str(error).splitlines()[0]
        sentence = f"The database refused a row of this file: {said}. Nothing was taken in."
        batches.refuse(batch, options, FileRefused(sentence))
    except FileHeld as error:
        batches.wait_for_release(batch, content, options, report, error)
    except FileRefused as error:
        batches.refuse(batch, options, error)
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
        found = limits.reasons(cursor, batch, report)
    if found and not options.releases:
        report.preview = telling.preview(batch)
        raise FileHeld(" ".join(found))
    report.notes = [*(f"Outside its limits: {sentence}" for sentence in found), *report.notes]


def _take_in(batch: ImportBatch, content: bytes, actor: Staff | None, options: Options, report: Report) -> None:
    """Read, check, stage, link and apply, all in the caller's transaction."""
    source = profiles.effective(batch.source_system)
    batches.refuse_repeat(batch, options)
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
        if table.is_fed_back:
            report.fed_back = fed_back.settle(cursor, batch, table, actor)
        memory.keep()
        if report.outcomes.get("created"):
            measuring.ask()
        options.progress("report", report.rows)
        versions.snapshot(cursor, batch.pk, actor=actor, comment=f"Daily file {batch.file_name}"[:500])


def link(cursor: CursorWrapper, source: str, *, waits_on: bool = False, progress: Progress = unheard) -> None:
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


def _settle(cursor: CursorWrapper, batch: ImportBatch, report: Report) -> None:
    """Give every row its outcome, keep the rows, and prove that the counts add up to the file."""
    cursor.execute(
        f"""
        INSERT INTO import_rows (batch_id, row_number, outcome, reason_code, reason, note, client_id, candidate_ids,
                                 score, evidence, cells, answer_key)
        SELECT %s, row_number, {staging.OUTCOME}, reason_code, reason, note, client_id, candidate_ids, score,
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
    """CCD_DATA_DIR/rejects/<file>.<timestamp>.rejects.csv, of a very long name the end."""
    stem = shortened(file_name, LONGEST_NAME)
    return settings.DATA_DIR / "rejects" / f"{stem}.{now:%Y%m%dT%H%M%S%f}.rejects.csv"
