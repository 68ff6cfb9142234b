"""Files too long for a request: `manage.py work` takes them one after the other, and says how far it is.

The batch is the truth, a job of procrastinate only the bell that wakes the worker. So a job that comes twice, late or
for a batch that was cancelled meanwhile does nothing, and a killed worker leaves an interrupted batch, not a lock.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from time import monotonic
from typing import Final
from uuid import UUID

import psycopg
from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone
from procrastinate import JobContext, RetryStrategy
from procrastinate.contrib.django import app

from core import audit, rules
from core.errors import FileBusy, FileInterrupted, FileRefused
from core.ingest import batches, measuring, pipeline, previews
from core.ingest.profiles import effective
from core.ingest.reader import open_table
from core.ingest.report import Options, Progress, Report
from core.models import ImportBatch, ImportFile, ImportProgress, Staff

QUEUE: Final = measuring.QUEUE
AGAIN: Final = 5  # seconds until a file that found another one on its way in is tried again
EVERY: Final = 0.5  # seconds between two writes of the progress
_QUEUED, _RUNNING = ImportBatch.Status.QUEUED, ImportBatch.Status.RUNNING
_STOPPABLE: Final = (ImportBatch.Status.QUEUED, ImportBatch.Status.RUNNING)


class _Stopped(Exception):
    """Someone asked for it: leaves the file's transaction."""


def is_long(content: bytes, *, file_name: str, source: str) -> bool:
    """More rows than a request should hold (CCD_REQUEST_ROWS). What cannot be read is not: its preview says why."""
    try:
        rows = open_table(content, file_name, effective(source)).rows()
        return next(islice(rows, settings.CCD_REQUEST_ROWS, None), None) is not None
    except FileRefused:
        return False


def submit(content: bytes, *, file_name: str, source: str, actor: Staff | None) -> ImportBatch:
    """Receive a long file; the worker makes its preview. Raises NotAllowed, UnknownSource."""
    with transaction.atomic():
        batch = batches.receive(content, file_name=file_name, source=source, actor=actor)
        ImportFile.objects.create(batch=batch, content=content)
        _enqueue(batch, ImportProgress.Kind.PREVIEW, actor, total=content.count(b"\n"))  # near enough for a bar
    return batch


def confirm(batch: ImportBatch, *, actor: Staff | None) -> Report | None:
    """Take in a previewed file, or release one held whole: here and now, or where it is long by the worker (None).

    Raises FileRefused, NotAllowed.
    """
    if (batch.summary or {}).get("rows", 0) <= settings.CCD_REQUEST_ROWS:
        return previews.confirm(batch, actor=actor)
    rules.require(actor, "core.ingest_files")
    with audit.acting(actor, channel="import", reference=batch.pk):
        locked = ImportBatch.objects.select_for_update().get(pk=batch.pk)
        previews.waiting_file(locked)
        _enqueue(locked, ImportProgress.Kind.APPLY, actor, total=(locked.summary or {}).get("rows", 0))
    return None


def again(batch: ImportBatch, *, actor: Staff | None) -> Report | None:
    """Take up a file that was interrupted once more: a long one in the queue (None), a short one at once. Raises
    FileRefused, NotAllowed.
    """
    rules.require(actor, "core.ingest_files")
    with transaction.atomic():
        locked = ImportBatch.objects.select_for_update().get(pk=batch.pk)
        progress = ImportProgress.objects.filter(batch=locked).first()
        has_file = ImportFile.objects.filter(batch=locked).exists()
        if not has_file or not batches.is_interrupted(locked):
            raise FileRefused("This file was not interrupted, or its bytes are gone: upload it again.")
        if progress is not None:
            _enqueue(locked, ImportProgress.Kind(progress.kind), actor, total=progress.total)
            return None
    return previews.confirm(batch, actor=actor)


def cancel(batch: ImportBatch, *, actor: Staff | None) -> None:
    """Forget a file that waits for its turn or was interrupted; ask the worker to stop one that is on its way in, which
    it does before its next stage or thousand rows. Any other as previews.cancel(). Raises FileRefused, NotAllowed.
    """
    rules.require(actor, "core.ingest_files")
    with transaction.atomic():
        locked = ImportBatch.objects.select_for_update().get(pk=batch.pk)
        has_file = ImportFile.objects.filter(batch=locked).exists()
        if locked.status == _QUEUED or (has_file and batches.is_interrupted(locked)):
            _forget(locked)
            return
        if locked.status == _RUNNING and ImportProgress.objects.filter(batch=locked).update(is_stopping=True):
            return
    previews.cancel(batch, actor=actor)


def _enqueue(batch: ImportBatch, kind: ImportProgress.Kind, actor: Staff | None, *, total: int) -> None:
    """Within the caller's transaction: batch, progress and job come to be together."""
    batch.status, batch.reason = _QUEUED, None
    batch.save(update_fields=["status", "reason"])
    fresh = {"kind": kind, "actor": actor, "stage": "", "number": 0, "total": total, "is_stopping": False}
    ImportProgress.objects.update_or_create(batch=batch, defaults={**fresh, "changed_at": timezone.now()})
    ingest.defer(batch=str(batch.pk))


def _forget(batch: ImportBatch) -> None:
    batch.status, batch.finished_at = ImportBatch.Status.CANCELLED, timezone.now()
    batch.save(update_fields=["status", "finished_at"])
    ImportFile.objects.filter(batch=batch).delete()
    ImportProgress.objects.filter(batch=batch).delete()


@app.task(queue=QUEUE, retry=RetryStrategy(wait=AGAIN, retry_exceptions={FileBusy}), pass_context=True)
def ingest(context: JobContext, *, batch: str) -> None:
    """The job: see work()."""
    work(UUID(batch))


def work(key: UUID) -> None:
    """Do what waits to be done with the batch. Raises FileBusy where another file is on its way in: it waits on."""
    batch, progress = _taken(key)
    if batch is None or progress is None:
        return
    content = bytes(ImportFile.objects.get(batch=batch).content)
    try:
        with _reported(batch.pk) as report:
            if progress.kind == ImportProgress.Kind.PREVIEW:
                previews.preview_of(batch, content, actor=progress.actor, progress=report)
            else:
                how = Options(releases=True, progress=report)
                pipeline.run(batch, content, actor=progress.actor, options=how)
    except FileBusy:
        ImportBatch.objects.filter(pk=key).update(status=_QUEUED)
        raise
    except FileInterrupted:
        raise  # the bytes stay, for whoever tries again
    except FileRefused:
        pass  # the batch says why
    except _Stopped:
        _forget(ImportBatch.objects.get(pk=key))
        return
    except BaseException:
        ImportBatch.objects.filter(pk=key, status=_RUNNING).update(
            status=ImportBatch.Status.INTERRUPTED, finished_at=timezone.now()
        )
        raise
    ImportProgress.objects.filter(batch=key).delete()


def _taken(key: UUID) -> tuple[ImportBatch | None, ImportProgress | None]:
    """The batch, running from now on; nothing where it does not wait any more."""
    with transaction.atomic():
        batch = ImportBatch.objects.select_for_update().filter(pk=key, status=_QUEUED).first()
        if batch is not None:
            batch.status, batch.reason = _RUNNING, None
            batch.save(update_fields=["status", "reason"])
            ImportProgress.objects.filter(batch=key).update(changed_at=timezone.now())
        return batch, ImportProgress.objects.select_related("actor").filter(batch=key).first()


@contextmanager
def _reported(key: UUID) -> Iterator[Progress]:
    """A callback for the pipeline that writes how far it is on a connection of its own, where others see it at once,
    and raises _Stopped where someone asked for that.
    """
    params = connection.get_connection_params()
    for name in ("cursor_factory", "context"):
        params.pop(name, None)
    role = connection.settings_dict["OPTIONS"].get("assume_role")
    with psycopg.connect(**params, autocommit=True) as beside:
        if role:
            beside.execute(psycopg.sql.SQL("SET ROLE {}").format(psycopg.sql.Identifier(role)))
        yield _Reporter(beside, key)


class _Reporter:
    """Writes at most twice a second, and at every new stage. How many rows there are is known once all are read."""

    def __init__(self, beside: psycopg.Connection, key: UUID) -> None:
        self._beside, self._key = beside, key
        self._stage, self._next = "", 0.0
        self._rows: int | None = None

    def __call__(self, stage: str, number: int) -> None:
        if stage == "read":
            self._rows = number
        if stage == self._stage and monotonic() < self._next:
            return
        self._stage, self._next = stage, monotonic() + EVERY
        row = self._beside.execute(
            "UPDATE import_progress SET stage = %s, number = %s, total = coalesce(%s, greatest(total, %s)), "
            "changed_at = now() WHERE batch_id = %s RETURNING is_stopping",
            [stage, number, None if stage == "read" else self._rows, number, self._key],
        ).fetchone()
        if row is not None and row[0]:
            raise _Stopped


def ahead_of(batch: ImportBatch) -> int:
    """How many files wait before this one or are on their way in."""
    others = ImportBatch.objects.filter(status__in=_STOPPABLE, progress__isnull=False).exclude(pk=batch.pk)
    return others.filter(progress__changed_at__lt=batch.progress.changed_at).count()


def has_worker() -> bool:
    """A worker gave a sign of life within the last minute."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT FROM procrastinate_workers WHERE last_heartbeat > now() - interval '60 s')"
        )
        return cursor.fetchone()[0]


def run_worker(*, wait: bool = True) -> None:
    """Work until told to stop (SIGTERM, SIGINT), or with `wait` false until nothing is left."""
    with app.replace_connector(app.connector.get_worker_connector()) as worker:
        worker.run_worker(queues=[QUEUE], concurrency=1, wait=wait, delete_jobs="always", listen_notify=wait)
