"""Files that wait for a person: looked at before they are taken in, or held whole until released or refused."""

from django.db import transaction
from django.utils import timezone

from core import audit, rules
from core.errors import FileBusy, FileRefused
from core.ingest.batches import is_interrupted, receive, refuse, take_turn
from core.ingest.pipeline import run
from core.ingest.report import Options, Progress, Report
from core.models import ImportBatch, ImportFile, Staff


def preview(content: bytes, *, file_name: str, source: str, actor: Staff | None) -> ImportBatch:
    """Run the file and roll back; keep the bytes with what it would do, until confirm() or cancel().

    Raises FileRefused, NotAllowed, UnknownSource.
    """
    return preview_of(receive(content, file_name=file_name, source=source, actor=actor), content, actor=actor)


def preview_of(
    batch: ImportBatch, content: bytes, *, actor: Staff | None, progress: Progress = lambda stage, number: None
) -> ImportBatch:
    """The preview of a batch that was received. Raises FileRefused, with the batch marked so."""
    how = Options(dry_run=True, writes_files=False, releases=True, progress=progress)
    try:
        report = run(batch, content, actor=actor, options=how)
    except FileRefused as error:
        refuse(batch, Options(), error)
    batch.status, batch.finished_at = ImportBatch.Status.PREVIEWED, None
    batch.summary, batch.notes = report.summary(), report.notes
    with transaction.atomic():
        batch.save(update_fields=["status", "summary", "notes", "headers"])
        ImportFile.objects.update_or_create(batch=batch, defaults={"content": content, "preview": report.preview})
    return batch


def confirm(batch: ImportBatch, *, actor: Staff | None, progress: Progress = lambda stage, number: None) -> Report:
    """Take in a previewed file, or release one that was held whole; once more, where that was interrupted. One that
    comes at a bad moment waits on as it did. Raises FileRefused (also where it was decided already), NotAllowed.
    """
    rules.require(actor, "core.ingest_files")
    with audit.acting(actor, channel="import", reference=batch.pk):
        locked = ImportBatch.objects.select_for_update().get(pk=batch.pk)
        content = bytes(waiting_file(locked).content)
        take_turn()
        before = {"status": locked.status, "reason": locked.reason}
        locked.status, locked.reason = ImportBatch.Status.RUNNING, None
        locked.save(update_fields=["status", "reason"])
    try:
        return run(locked, content, actor=actor, options=Options(releases=True, progress=progress))
    except FileBusy:
        ImportBatch.objects.filter(pk=batch.pk, status=ImportBatch.Status.PREVIEWED).update(**before)
        raise


def cancel(batch: ImportBatch, *, actor: Staff | None) -> None:
    """Do not take in a previewed file, or refuse one that was held whole; its bytes are removed.

    Raises FileRefused, NotAllowed.
    """
    rules.require(actor, "core.ingest_files")
    with audit.acting(actor, channel="import", reference=batch.pk):
        locked = ImportBatch.objects.select_for_update().get(pk=batch.pk)
        waiting_file(locked).delete()
        if locked.status == ImportBatch.Status.HELD:
            locked.status = ImportBatch.Status.REFUSED
            locked.reason = f"Held whole and then refused by {actor or 'the system'}. {locked.reason}"
        else:
            locked.status = ImportBatch.Status.CANCELLED
        locked.finished_at = timezone.now()
        locked.save(update_fields=["status", "reason", "finished_at"])


def waiting_file(batch: ImportBatch) -> ImportFile:
    """The bytes of a file that waits for a decision, or whose confirmation was interrupted. Raises FileRefused where it
    does not.
    """
    waiting = ImportFile.objects.filter(batch=batch).first()
    waits = batch.status in (ImportBatch.Status.PREVIEWED, ImportBatch.Status.HELD) or is_interrupted(batch)
    if waiting is None or not waits:
        raise FileRefused(f"This file does not wait for confirmation any more: {batch.get_status_display().lower()}.")
    return waiting
