"""Files too long for a request: queued, worked on one after the other, stopped, interrupted and tried again."""

import threading
from unittest.mock import patch

import pytest
from django.db import connection
from django.utils import timezone

from admin_ext import import_progress
from core.errors import FileBusy, FileRefused, NotAllowed
from core.ingest import batches, jobs, pipeline, previews
from core.linking import candidates
from core.models import AuditEntry, Client, ImportBatch, ImportFile, ImportProgress, Staff

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _short(settings: object) -> None:
    settings.CCD_REQUEST_ROWS = 3


def file(rows: int, start: int = 0) -> bytes:
    names = "abcdefghijklmnopqrstuvwxyz"
    lines = [
        f"S-{n},{names[n % 26] * 5}an,{names[(n * 7 + 3) % 26] * 4}o,19{50 + n}-01-02"
        for n in range(start, start + rows)
    ]
    return "\n".join(["uid_external,first_name,last_name,dob", *lines]).encode()


def submit(actor: Staff | None, content: bytes | None = None, name: str = "a.csv") -> ImportBatch:
    return jobs.submit(content or file(5), file_name=name, source="SMIS", actor=actor)


def waiting_jobs() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM procrastinate_jobs WHERE status = 'todo' AND queue_name = 'files'")
        return cursor.fetchone()[0]


@pytest.mark.parametrize(("rows", "is_long"), [(0, False), (3, False), (4, True), (9, True)])
def test_a_file_is_long_above_the_setting(rows: int, is_long: bool) -> None:
    assert jobs.is_long(file(rows), file_name="a.csv", source="SMIS") is is_long


def test_a_file_that_cannot_be_read_does_not_wait_to_be_refused() -> None:
    assert not jobs.is_long(b"nothing,of,ours\n" + b"1,2,3\n" * 9, file_name="a.csv", source="SMIS")


def test_a_long_file_waits_and_is_previewed_by_the_worker(coordinator: Staff) -> None:
    batch = submit(coordinator)
    assert (batch.status, waiting_jobs(), jobs.ahead_of(batch)) == ("queued", 1, 0)
    assert not Client.objects.exists()
    jobs.work(batch.pk)
    batch.refresh_from_db()
    assert (batch.status, batch.summary["created"]) == ("previewed", 5)
    assert not Client.objects.exists()
    assert not ImportProgress.objects.exists()
    assert ImportFile.objects.get().preview is not None


def test_a_long_file_that_was_confirmed_is_taken_in_by_the_worker(coordinator: Staff, administrator: Staff) -> None:
    batch = submit(coordinator)
    jobs.work(batch.pk)
    batch.refresh_from_db()
    assert jobs.confirm(batch, actor=administrator) is None
    batch.refresh_from_db()
    assert (batch.status, batch.progress.kind, batch.progress.total) == ("queued", "apply", 5)
    assert not Client.objects.exists()
    with pytest.raises(FileRefused, match="waiting for its turn"):
        jobs.confirm(batch, actor=administrator)
    jobs.work(batch.pk)
    batch.refresh_from_db()
    assert (batch.status, Client.objects.count()) == ("applied", 5)
    assert AuditEntry.objects.get(action="import").changed_by == administrator
    assert not ImportProgress.objects.exists()
    assert not ImportFile.objects.exists()


def test_a_short_file_is_taken_in_at_once(coordinator: Staff) -> None:
    batch = previews.preview(file(3), file_name="a.csv", source="SMIS", actor=coordinator)
    assert jobs.confirm(batch, actor=coordinator).outcomes == {"created": 3}


def test_a_job_that_comes_twice_or_too_late_does_nothing(coordinator: Staff) -> None:
    batch = submit(coordinator)
    jobs.work(batch.pk)
    jobs.work(batch.pk)
    batch.refresh_from_db()
    assert batch.status == "previewed"
    jobs.confirm(batch, actor=coordinator)
    jobs.cancel(batch, actor=coordinator)
    jobs.work(batch.pk)
    batch.refresh_from_db()
    assert batch.status == "cancelled"
    assert not Client.objects.exists()
    assert not ImportFile.objects.exists()


def test_a_second_file_waits_behind_the_first(coordinator: Staff) -> None:
    first, second = submit(coordinator), submit(coordinator, file(5, start=10), "b.csv")
    ImportProgress.objects.filter(batch=first).update(changed_at="2026-01-01T00:00Z")
    assert (jobs.ahead_of(first), jobs.ahead_of(second)) == (0, 1)


def test_while_another_file_comes_in_it_waits_on(coordinator: Staff) -> None:
    batch = submit(coordinator)
    with patch.object(batches, "take_lock", lambda: False), pytest.raises(FileBusy):
        jobs.work(batch.pk)
    batch.refresh_from_db()
    assert batch.status == "queued"
    jobs.work(batch.pk)
    batch.refresh_from_db()
    assert batch.status == "previewed"


def test_a_refusal_is_no_failure_of_the_job(coordinator: Staff) -> None:
    pipeline.take(file(5), file_name="a.csv", source="SMIS", actor=None, options=pipeline.Options(writes_files=False))
    batch = submit(coordinator)
    jobs.work(batch.pk)
    batch.refresh_from_db()
    assert batch.status == "refused"
    assert "These very bytes" in batch.reason
    assert not ImportProgress.objects.exists()


def test_an_interrupted_file_is_tried_again(coordinator: Staff) -> None:
    batch = submit(coordinator)
    with patch.object(pipeline, "_settle", side_effect=RuntimeError("ours")), pytest.raises(RuntimeError):
        jobs.work(batch.pk)
    batch.refresh_from_db()
    assert batch.status == "interrupted"
    jobs.again(batch, actor=coordinator)
    jobs.work(batch.pk)
    batch.refresh_from_db()
    assert batch.status == "previewed"
    with pytest.raises(FileRefused, match="was not interrupted"):
        jobs.again(batch, actor=coordinator)


def _killed_while_confirmed(actor: Staff) -> ImportBatch:
    """A short file whose process died after it said that it runs."""
    batch = previews.preview(file(2), file_name="a.csv", source="SMIS", actor=actor)
    ImportBatch.objects.filter(pk=batch.pk).update(status="interrupted")
    batch.refresh_from_db()
    return batch


def test_a_short_file_killed_while_it_was_confirmed_is_tried_again(coordinator: Staff) -> None:
    batch = _killed_while_confirmed(coordinator)
    report = jobs.again(batch, actor=coordinator)
    assert report is not None
    assert report.outcomes == {"created": 2}
    batch.refresh_from_db()
    assert (batch.status, ImportFile.objects.exists()) == ("applied", False)


def test_or_forgotten_with_its_bytes(coordinator: Staff) -> None:
    batch = _killed_while_confirmed(coordinator)
    jobs.cancel(batch, actor=coordinator)
    batch.refresh_from_db()
    assert (batch.status, ImportFile.objects.exists()) == ("cancelled", False)


def test_a_long_file_that_was_interrupted_is_forgotten_not_stopped(coordinator: Staff) -> None:
    batch = submit(coordinator)
    ImportBatch.objects.filter(pk=batch.pk).update(status="interrupted")
    batch.refresh_from_db()
    jobs.cancel(batch, actor=coordinator)
    batch.refresh_from_db()
    assert (batch.status, ImportFile.objects.exists(), ImportProgress.objects.exists()) == ("cancelled", False, False)


@pytest.mark.django_db(transaction=True)
def test_a_file_the_worker_has_just_begun_with_is_not_called_interrupted(coordinator: Staff) -> None:
    """It says running before its transaction holds the lock."""
    batch = submit(coordinator)
    batch.status = "running"
    batch.save(update_fields=["status"])
    assert not batches.is_interrupted(batch)
    submit(coordinator, file(6), "b.csv")  # with the lock in hand
    batch.refresh_from_db()
    assert batch.status == "running"
    ImportProgress.objects.filter(batch=batch).update(changed_at=timezone.now() - batches.GRACE)
    assert batches.is_interrupted(batch)
    submit(coordinator, file(7), "c.csv")
    batch.refresh_from_db()
    assert batch.status == "interrupted"


def test_only_those_entitled_have_files_worked_on(coordinator: Staff, manager: Staff, analyst: Staff) -> None:
    batch = submit(coordinator)
    for person in (manager, analyst):
        for verb in (
            lambda p=person: submit(p, file(6)),
            lambda p=person: jobs.cancel(batch, actor=p),
            lambda p=person: jobs.again(batch, actor=p),
        ):
            with pytest.raises(NotAllowed):
                verb()
    assert ImportBatch.objects.get().status == "queued"


@pytest.mark.django_db(transaction=True)
def test_progress_is_seen_by_others_and_a_stop_takes_all_of_it_back(coordinator: Staff) -> None:
    batch = submit(coordinator)
    jobs.work(batch.pk)
    batch.refresh_from_db()
    jobs.confirm(batch, actor=coordinator)
    seen: list[tuple[str, int]] = []

    apply = pipeline.apply_clients

    def look(*arguments: object) -> None:
        """What another connection sees while the file is on its way in; then someone asks to stop."""

        def other() -> None:
            row = ImportProgress.objects.get()
            seen.append((row.stage, Client.objects.count()))
            jobs.cancel(ImportBatch.objects.get(), actor=coordinator)
            connection.close()

        thread = threading.Thread(target=other)
        thread.start()
        thread.join()
        apply(*arguments)

    with patch.object(pipeline, "apply_clients", side_effect=look):
        jobs.work(batch.pk)
    assert seen == [("apply", 0)]
    batch.refresh_from_db()
    assert batch.status == "cancelled"
    assert not Client.objects.exists()
    assert not ImportFile.objects.exists()
    assert not AuditEntry.objects.filter(entity="clients").exists()


@pytest.mark.django_db(transaction=True)
def test_the_worker_takes_what_waits_one_after_the_other(coordinator: Staff) -> None:
    batches = [submit(coordinator), submit(coordinator, file(5, start=10), "b.csv")]
    jobs.run_worker(wait=False)
    assert [ImportBatch.objects.get(pk=batch.pk).status for batch in batches] == ["previewed", "previewed"]
    for batch in batches:
        jobs.confirm(ImportBatch.objects.get(pk=batch.pk), actor=coordinator)
    jobs.run_worker(wait=False)
    assert Client.objects.count() == 10
    assert waiting_jobs() == 0


_WRITING = ("apply", "stays", "settle", "report")


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("empty_lines", [0, 1, 30])  # from the line ends the length is guessed
def test_the_bar_moves_through_reading_linking_and_writing_and_never_back(
    coordinator: Staff, amina: Client, empty_lines: int
) -> None:
    """There is somebody to look for: in an empty agency linking begins with the other half."""
    batch = submit(coordinator, file(5) + b"\n" * empty_lines)
    told, write = [], jobs._Reporter.__call__

    def look(self: jobs._Reporter, stage: str, number: int) -> None:
        self._next = 0.0  # every time, not twice a second
        write(self, stage, number)
        shown = import_progress.told(ImportBatch.objects.select_related("progress").get())
        told.append((shown["stage"], shown["percent"], shown["detail"]))

    with patch.object(jobs._Reporter, "__call__", look), patch.object(candidates, "CHUNK", 2):
        jobs.work(batch.pk)
    linking = [(percent, detail) for stage, percent, detail in told if stage == import_progress.WORDS["link"]]
    half = [(25, "0 of 5 rows"), (25, "0 of 5 rows"), (30, "1 of 5 rows"), (35, "2 of 5 rows")]
    assert linking == [*half, (35, "2 of 5 rows"), (40, "3 of 5 rows"), (45, "4 of 5 rows")]
    writing = [percent for stage, percent, _ in told if stage in map(import_progress.WORDS.get, _WRITING)]
    assert writing == [50, 70, 85, 90]
    assert [percent for _, percent, _ in told] == sorted(percent for _, percent, _ in told)
