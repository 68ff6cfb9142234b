"""The weights of linking are measured anew by the worker, after the file that made the agency grow."""

import pytest
from django.db import connection

from core.ingest import jobs, measuring, pipeline
from core.linking import model
from core.models import LinkModel, Staff

HEADERS = "uid_external,first_name,last_name,dob"


def file(rows: int, start: int = 0) -> bytes:
    syllables = [consonant + vowel for consonant in "bdfgkl" for vowel in "aeiou"]

    def name(n: int) -> str:
        return (syllables[n % 30] + syllables[n // 30 % 30] + syllables[n * 7 % 30]).title()

    lines = [
        f"S-{n},{name(n)},{name(n * 13 + 5)},{1940 + n % 60}-{1 + n % 12:02}-{1 + n % 28:02}"
        for n in range(start, start + rows)
    ]
    return "\n".join([HEADERS, *lines]).encode()


def take(content: bytes, **options: object) -> pipeline.Report:
    how = pipeline.Options(releases=True, **options)
    return pipeline.take(content, file_name="a.csv", source="SMIS", actor=None, options=how)


def waiting() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM procrastinate_jobs WHERE status = 'todo' AND task_name LIKE '%measure'")
        return cursor.fetchone()[0]


@pytest.mark.django_db
def test_a_dry_run_a_small_agency_and_a_file_that_creates_nobody_ask_for_nothing() -> None:
    take(file(700), dry_run=True)
    take(file(100))
    assert waiting() == 0
    take(file(100), repeat=True)
    assert waiting() == 0


@pytest.mark.django_db
def test_a_file_that_makes_the_agency_grow_by_a_tenth_asks_once_and_what_was_measured_holds() -> None:
    assert take(file(700)).outcomes["created"] > 500
    assert waiting() == 1
    assert not LinkModel.objects.exists()
    measuring.measure()
    measuring.measure()
    kept = LinkModel.objects.get()
    assert not model.is_outgrown()
    take(file(30, start=700))  # fewer than a tenth
    assert waiting() == 1
    take(file(100, start=730))
    assert waiting() == 2
    assert LinkModel.objects.get() == kept
    assert model.is_outgrown()


@pytest.mark.django_db(transaction=True)
def test_the_worker_measures_what_the_next_file_would_have_measured() -> None:
    take(file(700))
    jobs.run_worker(wait=False)
    by_worker = LinkModel.objects.get()
    LinkModel.objects.all().delete()
    by_file = model.current()
    assert waiting() == 0
    assert (by_worker.u, by_worker.m) == (model._lists(by_file.u), model._lists(by_file.m))
    assert by_worker.frequencies == {"counts": by_file.counts, "rest": by_file.rest}


@pytest.mark.django_db(transaction=True)
def test_a_long_file_that_the_worker_takes_in_is_followed_by_the_measuring(
    settings: object, coordinator: Staff
) -> None:
    settings.CCD_REQUEST_ROWS = 3
    batch = jobs.submit(file(700), file_name="a.csv", source="SMIS", actor=coordinator)
    jobs.run_worker(wait=False)
    assert (waiting(), LinkModel.objects.count()) == (0, 0)  # a preview keeps nothing
    batch.refresh_from_db()
    jobs.confirm(batch, actor=coordinator)
    jobs.run_worker(wait=False)
    batch.refresh_from_db()
    assert batch.status == "applied"
    assert (waiting(), LinkModel.objects.count()) == (0, 1)
