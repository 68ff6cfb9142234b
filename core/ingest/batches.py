"""Where a batch stands, and the lock under which one file at a time goes in. All but close() is written outside the
file's own transaction, so that a killed run leaves a trace.
"""

import hashlib
from datetime import timedelta
from pathlib import Path

from django.db import Error as DatabaseError
from django.db import connection, transaction
from django.utils import timezone

from core import rules
from core.errors import FileBusy, FileHeld, FileInterrupted, FileRefused
from core.ingest.report import Options, Report
from core.ingest.sources import profile
from core.models import ImportBatch, ImportFile, ImportProgress, Staff

# One daily file at a time: the number only has to differ from other advisory locks of this database.
LOCK = 0x0CCD_0001
# The worker takes the lock a moment after it says that it runs, and says what came of it a moment after it let go.
GRACE = timedelta(seconds=10)


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
        if take_lock():
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


def take_lock() -> bool:
    """Take the lock of daily files until the transaction ends; False where another holds it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [LOCK])
        return cursor.fetchone()[0]


def take_turn(other: str = "Another daily file") -> None:
    """The same, raising FileBusy where a file is on its way in: `other`, to whoever asks."""
    if not take_lock():
        raise FileBusy(f"{other} is being taken in right now; try again when it is done.")


def refuse_repeat(batch: ImportBatch, options: Options) -> None:
    """Raise FileRefused where the very same bytes are in already; told to `repeat`, note that they are in once more."""
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


def wait_for_release(batch: ImportBatch, content: bytes, options: Options, report: Report, error: FileHeld) -> None:
    """Nothing of it is in; keep the bytes with what it would do, until previews.py releases or refuses it."""
    if not options.dry_run:
        batch.status, batch.reason = ImportBatch.Status.HELD, str(error)
        batch.summary, batch.notes = report.summary() | {"rejects_file": None}, report.notes
        with transaction.atomic():
            batch.save(update_fields=["status", "reason", "summary", "notes", "headers"])
            ImportFile.objects.update_or_create(batch=batch, defaults={"content": content, "preview": report.preview})
    raise error


def interrupt(batch: ImportBatch, options: Options, error: Exception) -> None:
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
        ImportBatch.objects.filter(pk=batch.pk, status=ImportBatch.Status.RUNNING).update(status=batch.status)
    elif isinstance(error, FileInterrupted) and not options.dry_run:  # a preview; its bytes stay for another try
        batch.status, batch.reason, batch.finished_at = ImportBatch.Status.INTERRUPTED, str(error), timezone.now()
        batch.save(update_fields=["status", "reason", "finished_at"])
    elif not options.dry_run:
        batch.status, batch.reason, batch.finished_at = ImportBatch.Status.REFUSED, str(error), timezone.now()
        batch.save(update_fields=["status", "reason", "finished_at"])
        ImportFile.objects.filter(batch=batch).delete()
    raise error


def close(batch: ImportBatch, report: Report) -> None:
    """The batch is applied; the database writes its one import entry."""
    batch.status, batch.finished_at = ImportBatch.Status.APPLIED, timezone.now()
    batch.summary, batch.notes = report.summary(), report.notes
    batch.save(update_fields=["status", "finished_at", "summary", "notes", "headers", "repeated", "log_position"])
    ImportFile.objects.filter(batch=batch).delete()
