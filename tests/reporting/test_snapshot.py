"""The columnar copy and the memory: equal to counting by hand, and out of use the moment something changes."""

import random
from collections.abc import Callable
from datetime import date, timedelta
from io import StringIO
from pathlib import Path
from threading import Event, Thread

import psycopg
import pytest
from django.core.cache import caches
from django.core.management import call_command
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

import reporting
from core import audit
from core.models import Client, Department, Enrollment, Program, Staff
from reporting import marks, served, snapshot
from tests.reporting import oracle, world
from tests.reporting.test_oracle import periods

Enroll = Callable[..., Client]
JANUARY = {"date_from": date(2025, 1, 1), "date_to": date(2025, 1, 31)}


@pytest.fixture(autouse=True)
def shelf(tmp_path: Path, settings: Settings) -> Path:
    settings.DATA_DIR = tmp_path
    caches["reports"].clear()
    return tmp_path / "snapshots"


@pytest.mark.django_db
@pytest.mark.parametrize("seed", range(2))
def test_every_cell_is_what_counting_by_hand_gives(seed: int, monkeypatch: pytest.MonkeyPatch):
    agency = world.make(seed)
    world.store(agency)
    snapshot.write()
    monkeypatch.setattr(served, "counts_by_sql", None)  # it must be the snapshot that answers
    monkeypatch.setattr(served, "newcomers_by_sql", None)
    report, vacancy = reporting.get("org_summary"), reporting.get("vacancy")
    for first, last in periods(seed):
        params = {"date_from": first, "date_to": last}
        assert report.rows(None, params) == oracle.org_summary(agency, first, last)
        assert served.newcomers(None, params) == oracle.newcomers(agency, first, last)
        assert vacancy.rows(None, {"as_of": first}) == oracle.vacancy(agency, first)


@pytest.mark.django_db
def test_places_and_trends_are_those_of_sql():
    agency = world.make(5)
    world.store(agency)
    vacancy, dice = reporting.get("vacancy"), random.Random(5)
    first = world.day(dice)
    asked = [
        {"date_from": first, "date_to": first + timedelta(days=300), "program": program, "department": department}
        for program in [None, *Program.objects.select_related("department")]
        for department in [None, *Department.objects.all()]
    ]
    plain = [(served.counts_by_sql(None, p), served.newcomers_by_sql(None, p)) for p in asked]
    trend = vacancy.beside(None, {"as_of": first})
    copy = snapshot.Snapshot(snapshot.write())
    for params, (counts, new) in zip(asked, plain, strict=True):
        found = copy.counts(params)
        assert {section: +numbers for section, numbers in found.items()} == {s: +n for s, n in counts.items()}
        assert copy.newcomers(params) == new
    assert snapshot.fresh()
    assert vacancy.beside(None, {"as_of": first}) == trend


@pytest.mark.django_db
def test_it_is_out_of_use_the_moment_something_changes(shelter: Program, enroll: Enroll):
    enroll(shelter, "2025-01-01")
    snapshot.write()
    assert snapshot.fresh()
    enroll(shelter, "2025-01-01")
    assert snapshot.fresh() is None
    assert reporting.get("org_summary").rows(None, JANUARY)[0][3] == 2


@pytest.mark.django_db
def test_people_of_one_value_alone_are_asked_of_the_database(shelter: Program, enroll: Enroll):
    enroll(shelter, "2025-01-01", gender="Woman")
    enroll(shelter, "2025-01-01", gender="Man")
    snapshot.write()
    assert reporting.get("org_summary").rows(None, {**JANUARY, "gender": "Woman"})[0][3] == 1


@pytest.mark.django_db
def test_its_files_are_the_programs_own_and_hold_no_names(shelf: Path, shelter: Program, enroll: Enroll):
    client = enroll(shelter, "2025-01-01", first_name="Unmistakable")
    folder = snapshot.write()
    assert (shelf.stat().st_mode & 0o777, folder.stat().st_mode & 0o777) == (0o700, 0o700)
    everything = b"".join(path.read_bytes() for path in folder.iterdir())
    assert b"Unmistakable" not in everything
    assert client.pk.bytes not in everything
    assert str(client.pk).encode() not in everything


@pytest.mark.django_db
def test_the_copy_someone_may_be_reading_outlives_the_next_one_alone(shelf: Path, shelter: Program, enroll: Enroll):
    enroll(shelter, "2025-01-01")
    snapshot.write()
    last, now = snapshot.write(), snapshot.write()
    assert {path for path in shelf.iterdir() if path.is_dir()} == {last, now}
    assert snapshot.Snapshot(last).newcomers(JANUARY) == snapshot.Snapshot(now).newcomers(JANUARY) == (1, 0)


@pytest.mark.django_db
@pytest.mark.parametrize("text", ["", "nonsense", "../.."])
def test_a_broken_copy_is_no_copy(shelf: Path, text: str):
    shelf.mkdir()
    (shelf / snapshot.KEPT).write_text(text)
    assert snapshot.fresh() is None


@pytest.mark.django_db
def test_a_copy_of_another_version_is_no_copy(shelter: Program, enroll: Enroll, monkeypatch: pytest.MonkeyPatch):
    enroll(shelter, "2025-01-01")
    snapshot.write()
    assert snapshot.fresh()
    monkeypatch.setattr(snapshot, "FORMAT", snapshot.FORMAT + 1)
    assert snapshot.fresh() is None


@pytest.mark.django_db
def test_the_command_writes_once_and_again_when_something_changed(shelter: Program, enroll: Enroll):
    def run() -> str:
        out = StringIO()
        call_command("snapshot", stdout=out)
        return out.getvalue()

    assert "written in" in run()
    assert run() == ""
    enroll(shelter, "2025-01-01")
    assert "written in" in run()


@pytest.mark.django_db
def test_a_report_asked_again_comes_from_memory_until_something_changes(shelter: Program, enroll: Enroll):
    def rows() -> tuple[int, int]:
        with CaptureQueriesContext(connection) as seen:
            total = reporting.get("org_summary").rows(None, JANUARY)[0][3]
        return total, len([query for query in seen if "served" in query["sql"]])

    enroll(shelter, "2025-01-01")
    assert [rows(), rows()] == [(1, 1), (1, 0)]
    enroll(shelter, "2025-01-01")
    assert rows() == (2, 1)


@pytest.mark.django_db
def test_answers_to_other_questions_and_for_others_are_not_mixed(shelter: Program, clinic: Program, worker: Staff):
    report = reporting.get("vacancy")
    assert len(report.rows(None, {"as_of": date(2025, 1, 1)})) == 2
    assert len(report.rows(None, {"as_of": date(2025, 1, 1), "department": clinic.department})) == 1
    with pytest.raises(Exception, match="no right"):
        report.rows(worker, {"as_of": date(2025, 1, 1)})


@pytest.mark.django_db(transaction=True)
def test_a_mark_falls_when_a_write_that_was_under_way_is_committed(shelter: Program):
    """Its audit entry has a smaller number than one that was there already."""
    began, go = Event(), Event()

    def slow() -> None:
        try:
            with transaction.atomic(), audit.acting(None, channel="command"):
                client = Client.objects.create(first_name="Slow")
                Enrollment.objects.create(client=client, program=shelter, start_date="2025-01-01")
                began.set()
                go.wait(20)
        finally:
            connection.close()

    thread = Thread(target=slow)
    thread.start()
    try:
        assert began.wait(20)
        with audit.acting(None, channel="command"):
            Client.objects.create(first_name="Quick")
        mark = marks.take()
        assert marks.holds(mark)
    finally:
        go.set()
        thread.join()
    assert marks.take().position == mark.position
    assert not marks.holds(mark)


@pytest.mark.django_db(transaction=True)
def test_a_mark_names_the_youngest_that_is_under_way(shelter: Program):
    """Younger than any that has ended, it is not in the snapshot's own list."""
    params = {**connection.get_connection_params()}
    for name in ("cursor_factory", "context"):
        params.pop(name, None)
    with psycopg.connect(**params) as elsewhere, psycopg.connect(**{**params, "dbname": "postgres"}) as stranger:
        (number,) = elsewhere.execute("SELECT pg_current_xact_id()::text").fetchone()
        stranger.execute("SELECT pg_current_xact_id()")
        mark = marks.take()
        assert mark.under_way == (number,)
        assert marks.holds(mark)
        elsewhere.commit()
    assert not marks.holds(mark)
    assert marks.take().under_way == ()


@pytest.mark.django_db(transaction=True)
def test_a_mark_holds_whatever_is_committed_in_another_database_of_the_server(shelter: Program):
    params = {**connection.get_connection_params(), "dbname": "postgres"}
    for name in ("cursor_factory", "context"):
        params.pop(name, None)
    with psycopg.connect(**params) as elsewhere:
        elsewhere.execute("SELECT pg_current_xact_id()")  # from now on it is under way
        mark = marks.take()
        elsewhere.commit()
    assert marks.holds(mark)
    assert mark.under_way == ()
