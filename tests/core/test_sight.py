"""Why someone sees a client: the same clients as visible_to(), each with its rule, by few queries."""

from collections.abc import Callable
from datetime import date, timedelta

import pytest
from django.contrib.auth.models import AnonymousUser
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from core import assignments, audit, rules, sight
from core.choices import ANALYST, ROLES, STAFF
from core.models import Client, ClientAssignment, Enrollment, Program, Staff

pytestmark = pytest.mark.django_db


@pytest.fixture
def town(shelter: Program, clinic: Program, amina: Client, coordinator: Staff, worker: Staff) -> dict[str, Client]:
    """Clients at every edge of the rules, for the worker of Hostel A."""
    today = timezone.localdate()
    with audit.acting(None, channel="command"):
        names = (
            "in clinic",
            "gone 90",
            "gone 91",
            "future",
            "linked",
            "granted",
            "granted over",
            "named link",
            "no one",
        )
        made = {name: Client.objects.create(first_name=name, last_name="Town") for name in names}

        def stay(name: str, program: Program, start: date, end: date | None = None) -> None:
            Enrollment.objects.create(client=made[name], program=program, start_date=start, end_date=end)

        stay("in clinic", clinic, date(2024, 1, 1))
        stay("gone 90", shelter, date(2024, 1, 1), today - timedelta(days=90))
        stay("gone 91", shelter, date(2024, 1, 1), today - timedelta(days=91))
        stay("future", shelter, today + timedelta(days=1))
        stay("linked", shelter, date(2024, 1, 1))
        Client.objects.filter(pk=made["linked"].pk).update(linked_to=made["no one"])
        Client.objects.filter(pk=made["named link"].pk).update(linked_to=made["in clinic"])
    for name in ("granted", "granted over", "named link"):
        assignments.assign(made[name], worker, actor=coordinator)
    with audit.acting(None, channel="command"):
        ClientAssignment.objects.filter(content_object=made["granted over"]).update(end_date=today - timedelta(days=1))
    return {**made, "amina": amina}


def test_it_explains_exactly_the_visible_clients(
    person: Callable[..., Staff], worker: Staff, other_worker: Staff, town: dict[str, Client]
) -> None:
    people = [
        worker,
        other_worker,
        *(person(role) for role in ROLES),
        person(STAFF, ANALYST),
        person(),
        AnonymousUser(),
    ]
    people.append(person(STAFF, active=False))
    everyone = Client.objects.all()
    for user in people:
        explained = sight.why_visible(user, everyone)
        assert set(explained) == set(rules.visible_to(user, Client).values_list("pk", flat=True)), user
        assert all(explained.values())


def test_it_names_the_rule(worker: Staff, town: dict[str, Client]) -> None:
    why = sight.why_visible(worker, town.values())
    told = {name: why[client.pk] for name, client in town.items() if client.pk in why}
    assert told == {
        "amina": ["Works in Hostel A: client enrolled since 2024-01-01"],
        "gone 90": ["Works in Hostel A: enrollment ended 90 days ago, within 90"],
        "linked": ["Works in Hostel A: client enrolled since 2024-01-01"],
        "no one": ["Works in Hostel A: client enrolled since 2024-01-01 (as linked Town, the same person)"],
        "granted": ["Granted by name, without an end"],
        "named link": ["Granted by name, without an end"],
        "in clinic": ["Granted by name, without an end (as named link Town, the same person)"],
    }


def test_two_reasons_are_both_told(worker: Staff, coordinator: Staff, amina: Client) -> None:
    until = timezone.localdate() + timedelta(days=5)
    assignments.assign(amina, worker, actor=coordinator, until=until)
    assert sight.why_visible(worker, [amina])[amina.pk] == [
        "Works in Hostel A: client enrolled since 2024-01-01",
        f"Granted by name through {until}",
    ]


def test_a_role_that_sees_all_is_the_reason(manager: Staff, amina: Client) -> None:
    assert sight.why_visible(manager, [amina]) == {amina.pk: ["Role Manager: sees all clients"]}


def test_it_counts_different_people_per_rule(worker: Staff, manager: Staff, town: dict[str, Client]) -> None:
    assert [(reason.title, reason.number) for reason in sight.reasons_of(worker)] == [
        ("Hostel A", 3),
        ("Granted by name", 2),
    ]
    [reason] = sight.reasons_of(manager)
    assert (reason.title, reason.number) == ("Role Manager: sees all clients", Client.objects.canonical().count())


def test_no_role_no_reasons(person: Callable[..., Staff], amina: Client) -> None:
    assert sight.reasons_of(person()) == []
    assert sight.reasons_of(person(STAFF, active=False)) == []


def test_the_number_of_queries_does_not_grow(worker: Staff, town: dict[str, Client]) -> None:
    def queries(clients: list[Client]) -> int:
        user = Staff.objects.get(pk=worker.pk)
        with CaptureQueriesContext(connection) as found:
            sight.why_visible(user, clients)
        return len(found)

    assert queries([town["amina"]]) == queries(list(town.values())) == 3  # roles, stays, grants
