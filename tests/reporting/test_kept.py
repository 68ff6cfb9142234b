"""Kept runs: what has moved since, why, and the proof of it."""

import random
from collections.abc import Callable
from datetime import date, timedelta
from threading import Event, Thread

import pytest
from django.db import connection, transaction
from django.test import Client as Browser
from django.urls import reverse

import reporting
from core import audit, runs
from core.errors import Conflict, NotAllowed
from core.models import AuditEntry, Client, Department, Enrollment, Program, ReportRun, Staff
from reporting import kept
from tests.reporting import world

PARAMS = {"date_from": date(2025, 1, 1), "date_to": date(2025, 3, 31)}
pytestmark = pytest.mark.django_db
Enroll = Callable[..., Client]


def keep(actor: Staff, params: dict | None = None) -> ReportRun:
    report, params = reporting.get("org_summary"), params or PARAMS
    found = kept.answer(report, actor=actor, params=params)
    return runs.keep(
        "org_summary",
        actor=actor,
        parameters={},
        rows=kept.plain(found.rows),
        people=len(found.people),
        people_sha256=kept.seal(found.people),
        position=found.position,
    )


def moved(run: ReportRun, actor: Staff, params: dict | None = None) -> kept.Moved:
    return kept.moved(run, reporting.get("org_summary"), actor=actor, params=params or PARAMS)


def link(client: Client, to: Client | None) -> None:
    with audit.acting(None, channel="link"):
        Client.objects.filter(pk=client.pk).update(linked_to=to)


def test_late_entries_and_links_are_told_apart(shelter: Program, clinic: Program, enroll: Enroll, leader: Staff):
    people = [enroll(shelter, "2025-01-01") for _ in range(3)]
    run = keep(leader)
    for _ in range(2):
        enroll(clinic, "2025-02-01")
    link(people[1], people[0])
    found = moved(run, leader)
    assert found.sentence == "4: +2 entered late, −1 linked"
    assert found.proved
    assert ("total / clients served", 3, 4) in found.cells
    assert ("program / Health / Clinic", None, 2) in found.cells


def test_corrected_dates_and_removed_stays_are_told_apart(shelter: Program, enroll: Enroll, leader: Staff):
    gone, early, late = enroll(shelter, "2025-01-01"), enroll(shelter, "2025-01-01"), enroll(shelter, "2025-06-01")
    run = keep(leader)
    with audit.acting(None, channel="command"):
        Enrollment.objects.filter(client=gone).delete()
        Enrollment.objects.filter(client=early).update(start_date="2024-01-01", end_date="2024-02-01")
        Enrollment.objects.filter(client=late).update(start_date="2025-03-01")
    assert moved(run, leader).sentence == "1: +1 dates corrected, −1 dates corrected, −1 removed"
    assert moved(run, leader).proved


def test_only_the_people_asked_for_come_and_go(shelter: Program, enroll: Enroll, leader: Staff):
    woman, man = enroll(shelter, "2025-01-01", gender="Woman"), enroll(shelter, "2025-01-01", gender="Man")
    run = keep(leader, {**PARAMS, "gender": "Woman"})
    enroll(shelter, "2025-01-01", gender="Man")
    with audit.acting(None, channel="command"):
        Enrollment.objects.filter(client__in=[woman, man]).delete()
    found = moved(run, leader, {**PARAMS, "gender": "Woman"})
    assert (found.sentence, found.proved) == ("0: −1 removed", True)


def test_unlinking_gives_a_person_back(shelter: Program, enroll: Enroll, leader: Staff):
    one, two = enroll(shelter, "2025-01-01"), enroll(shelter, "2025-01-01")
    link(two, one)
    run = keep(leader)
    link(two, None)
    assert moved(run, leader).sentence == "2: +1 unlinked"
    assert moved(run, leader).proved


def test_where_nothing_moved_it_says_so(shelter: Program, enroll: Enroll, leader: Staff):
    enroll(shelter, "2025-01-01")
    run = keep(leader)
    enroll(shelter, "2026-01-01")
    found = moved(run, leader)
    assert (found.sentence, found.proved, found.cells) == ("1: nobody came or went", True, ())


def test_a_false_hash_is_not_proved(shelter: Program, enroll: Enroll, leader: Staff):
    enroll(shelter, "2025-01-01")
    run = keep(leader)
    run.people_sha256 = "0" * 64
    assert not moved(run, leader).proved


@pytest.mark.parametrize("seed", range(8))
def test_random_edits_are_explained_to_the_last_person(seed: int, leader: Staff):
    agency, dice = world.make(seed), random.Random(seed)
    world.store(agency)
    first = world.day(dice)
    params = {"date_from": first, "date_to": first + timedelta(days=200)}
    run = keep(leader, params)
    _edit(dice)
    found = moved(run, leader, params)
    assert found.proved
    assert found.now - found.came.total() + found.went.total() == found.then == run.people


def _edit(dice: random.Random) -> None:
    stays = list(Enrollment.objects.order_by("start_date", "pk"))
    clients, programs = list(Client.objects.order_by("pk")), list(Program.objects.order_by("pk"))
    with audit.acting(None, channel="command"):
        for stay in dice.sample(stays, 12):
            Enrollment.objects.filter(pk=stay.pk).delete()
        for stay in dice.sample(stays, 12):
            Enrollment.objects.filter(pk=stay.pk).update(end_date=stay.start_date)
        for client in dice.sample([c for c in clients if c.linked_to_id], 3):
            Client.objects.filter(pk=client.pk).update(linked_to=None)
        roots = [c for c in clients if not c.linked_to_id and not Client.objects.filter(linked_to=c.pk).exists()]
        for child, root in zip(dice.sample(roots[:20], 4), dice.sample(roots[20:], 4), strict=True):
            Client.objects.filter(pk=child.pk).update(linked_to=root)
        for _ in range(10):
            client = Client.objects.create(first_name="New")
            Enrollment.objects.create(client=client, program=dice.choice(programs), start_date=world.day(dice))


def test_keeping_is_one_audited_row_and_needs_the_right(shelter: Program, leader: Staff, worker: Staff):
    before = AuditEntry.objects.count()
    run = keep(leader)
    entry = AuditEntry.objects.latest("position")
    assert (AuditEntry.objects.count() - before, entry.entity, entry.entity_id) == (1, "report_runs", run.pk)
    with pytest.raises(NotAllowed):
        keep(worker)


def test_the_page_keeps_and_compares(client: Browser, leader: Staff, amina: Client, enroll: Enroll, shelter: Program):
    client.force_login(leader)
    query = {"date_from": "2025-01-01", "date_to": "2025-01-31", "gender": "Woman"}
    answer = client.post(reverse("admin:report_keep", args=["org_summary"]), query)
    run = ReportRun.objects.get()
    assert run.parameters == query
    assert answer["Location"] == f"/admin/reports/org_summary/kept/?run={run.pk}"
    enroll(shelter, "2025-01-01", gender="Woman")
    body = client.get(answer["Location"]).content.decode()
    assert "2: +1 entered late" in body
    assert "Proved" in body
    assert client.get(reverse("admin:report_kept", args=["org_summary"])).status_code == 200


@pytest.mark.parametrize("key", ["x", "59d404df-94b2-4413-af75-93414bc138bd"])
def test_an_unknown_run_is_not_found(client: Browser, leader: Staff, key: str):
    client.force_login(leader)
    assert client.get(reverse("admin:report_kept", args=["org_summary"]), {"run": key}).status_code == 404


def test_vacancies_are_kept_too(client: Browser, leader: Staff, amina: Client, enroll: Enroll, shelter: Program):
    client.force_login(leader)
    answer = client.post(reverse("admin:report_keep", args=["vacancy"]), {"as_of": "2025-01-31"})
    enroll(shelter, "2025-01-01")
    assert "2: +1 entered late" in client.get(answer["Location"]).content.decode()


def test_another_capacity_is_told_of_a_kept_vacancy_run(shelter: Program, leader: Staff) -> None:
    report, params = reporting.get("vacancy"), {"as_of": date(2025, 3, 1)}
    found = kept.answer(report, actor=leader, params=params)
    run = ReportRun(
        report="vacancy",
        rows=kept.plain(found.rows),
        people=len(found.people),
        people_sha256=kept.seal(found.people),
        position=found.position,
    )
    with audit.acting(None, channel="command"):
        Program.objects.filter(pk=shelter.pk).update(capacity_current=62, capacity_effective_date=date(2025, 2, 1))
    cells = kept.moved(run, report, actor=leader, params=params).cells
    name = f"{shelter.department.name} / {shelter.name}"
    assert cells == ((f"{name} · capacity", 10, 62), (f"{name} · vacant", 10, 62))


def test_rows_that_read_the_same_are_compared_each_with_itself(enroll: Enroll, leader: Staff) -> None:
    with audit.acting(None, channel="command"):
        one, other = (Department.objects.create(name=name) for name in ("A / B", "A"))
        few = Program.objects.create(name="C", department=one)
        many = Program.objects.create(name="B / C", department=other)
    for program in (few, many, many):
        enroll(program, "2025-01-01")
    run = keep(leader)
    enroll(many, "2025-01-01")
    cells = [cell for cell in moved(run, leader).cells if cell[0].startswith("program")]
    assert cells == [("program / A / B / C", 2, 3)]


@pytest.mark.django_db(transaction=True)
def test_a_run_is_not_kept_while_something_is_being_written(shelter: Program, leader: Staff) -> None:
    """Its entry in the log may have a smaller number than the last one that can be seen."""
    began, go = Event(), Event()

    def slow() -> None:
        try:
            with transaction.atomic(), audit.acting(None, channel="command"):
                Client.objects.create(first_name="Slow")
                began.set()
                go.wait(20)
        finally:
            connection.close()

    report = reporting.get("org_summary")
    thread = Thread(target=slow)
    thread.start()
    try:
        assert began.wait(20)
        with pytest.raises(Conflict, match="being written at this moment"):
            kept.answer(report, actor=leader, params=PARAMS, patience=0)
    finally:
        go.set()
        thread.join()
    assert kept.answer(report, actor=leader, params=PARAMS, patience=0).people == set()
