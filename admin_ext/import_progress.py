"""How far a long file is, in words and in percent."""

from typing import Any

from core.ingest import batches, jobs
from core.models import ImportBatch, ImportFile, ImportProgress

WORDS = {
    "": "Waiting for the worker",
    "read": "Reading and checking rows",
    "link": "Finding out who each row is about",
    "apply": "Writing what is new of clients",
    "stays": "Writing intakes, enrollments and discharges",
    "settle": "Keeping the rows with what became of them",
    "report": "Keeping versions and the report",
}
# Where each stage begins on the bar; within reading and linking it moves with the rows.
_BEGINS = {"": 0, "read": 0, "link": 25, "apply": 50, "stays": 70, "settle": 85, "report": 90}


def is_under_way(batch: ImportBatch) -> bool:
    """It waits for the worker, or the worker is at it."""
    if not hasattr(batch, "progress"):
        return False
    if batch.status == ImportBatch.Status.QUEUED:
        return True
    return batch.status == ImportBatch.Status.RUNNING and not batches.is_interrupted(batch)


def may_try_again(batch: ImportBatch) -> bool:
    """Taking it in was interrupted, and the bytes are still there."""
    stopped = (ImportBatch.Status.RUNNING, ImportBatch.Status.INTERRUPTED)
    if batch.status not in stopped or not batches.is_interrupted(batch):
        return False
    return ImportFile.objects.filter(batch=batch).exists()


def told(batch: ImportBatch) -> dict[str, Any]:
    """What the page and its script show."""
    if not is_under_way(batch):
        return {"done": True, "percent": 100, "stage": batch.get_status_display(), "detail": ""}
    progress = batch.progress
    if batch.status == ImportBatch.Status.QUEUED:
        return {"done": False, "percent": 0, "stage": WORDS[""], "detail": _queue(batch)}
    stage = "Stopping" if progress.is_stopping else WORDS.get(progress.stage, progress.stage)
    return {
        "done": False,
        "percent": round(_BEGINS.get(progress.stage, 0) + _within(progress)),
        "stage": stage,
        "detail": _rows(progress),
    }


def _within(progress: ImportProgress) -> float:
    """How much of the bar's part for the stage. How many rows there are is a guess until they are read."""
    if progress.stage == "read":
        return 25 * progress.number / progress.total if progress.total > progress.number else 12
    return 25 * progress.number / max(progress.total, 1) if progress.stage == "link" else 0


def _rows(progress: ImportProgress) -> str:
    if progress.stage == "link":
        return f"{progress.number:,} of {progress.total:,} rows"
    return f"{progress.number:,} rows" if progress.number else ""


def _queue(batch: ImportBatch) -> str:
    ahead = jobs.ahead_of(batch)
    before = f"{ahead} file{'s' if ahead > 1 else ''} before this one. " if ahead else ""
    return before + ("" if jobs.has_worker() else "No worker is running: have manage.py work started.")
