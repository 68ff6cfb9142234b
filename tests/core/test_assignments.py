"""Clients granted by name: through the last day, one row per person and client, each change in the audit log."""

from collections.abc import Callable
from datetime import date, timedelta

import pytest
from django.utils import timezone

from core import assignments, audit, rules
from core.audit import sentences
from core.choices import ADMINISTRATOR, ANALYST, COORDINATOR, LEADER, MANAGER, STAFF
from core.errors import Invalid, NotAllowed
from core.models import AuditEntry, Client, ClientAssignment, Staff

pytestmark = pytest.mark.django_db


def _day(days: int) -> date:
    return timezone.localdate() + timedelta(days=days)


def _logged() -> list[tuple[str, str | None]]:
    found = AuditEntry.objects.filter(entity="client_assignments").order_by("position")
    return [(entry.action, (entry.diff_json["after"] or {}).get("end_date")) for entry in found]


def test_an_assignment_lets_them_see_the_client(coordinator: Staff, other_worker: Staff, amina: Client) -> None:
    assert not rules.allows(other_worker, "core.view_client", amina)
    made = assignments.assign(amina, other_worker, actor=coordinator, until=_day(7), reason=" Covers ")
    assert rules.allows(other_worker, "core.view_client", amina)
    assert (made.end_date, made.reason, made.permission.codename) == (_day(7), "Covers", "view_client")
    entry = AuditEntry.objects.get(entity="client_assignments")
    assert (entry.action, entry.changed_by, entry.channel, entry.client_id) == (
        "create",
        coordinator,
        "admin",
        amina.pk,
    )


def test_it_ends_after_its_last_day(coordinator: Staff, other_worker: Staff, amina: Client) -> None:
    made = assignments.assign(amina, other_worker, actor=coordinator)
    assert assignments.end(made, actor=coordinator, on=_day(0))
    assert rules.allows(other_worker, "core.view_client", amina)
    assert assignments.end(made, actor=coordinator, on=_day(-1))
    assert not rules.allows(other_worker, "core.view_client", amina)
    assert not assignments.end(made, actor=coordinator, on=_day(-1))
    assert ClientAssignment.objects.count() == 1
    assert _logged() == [("create", None), ("update", str(_day(0))), ("update", str(_day(-1)))]


def test_the_same_person_twice_extends(coordinator: Staff, other_worker: Staff, amina: Client) -> None:
    first = assignments.assign(amina, other_worker, actor=coordinator, until=_day(3), reason="Covers")
    again = assignments.assign(amina, other_worker, actor=coordinator, until=_day(9))
    assert (again.pk, again.end_date, again.reason) == (first.pk, _day(9), "Covers")
    open_end = assignments.assign(amina, other_worker, actor=coordinator)
    assert open_end.end_date is None
    assert ClientAssignment.objects.count() == 1


def test_the_same_again_writes_nothing(coordinator: Staff, other_worker: Staff, amina: Client) -> None:
    for _ in range(2):
        assignments.assign(amina, other_worker, actor=coordinator, until=_day(3))
    assert _logged() == [("create", str(_day(3)))]


def test_an_ended_one_begins_again(coordinator: Staff, other_worker: Staff, amina: Client) -> None:
    made = assignments.assign(amina, other_worker, actor=coordinator)
    assignments.end(made, actor=coordinator, on=_day(-1))
    assignments.assign(amina, other_worker, actor=coordinator, until=_day(2))
    assert rules.allows(other_worker, "core.view_client", amina)
    assert ClientAssignment.objects.get().end_date == _day(2)


def test_assigning_never_shortens(coordinator: Staff, other_worker: Staff, amina: Client) -> None:
    assignments.assign(amina, other_worker, actor=coordinator)
    with pytest.raises(Invalid) as refusal:
        assignments.assign(amina, other_worker, actor=coordinator, until=_day(1))
    assert "until" in refusal.value.faults
    assert ClientAssignment.objects.get().end_date is None


def test_ending_never_extends(coordinator: Staff, other_worker: Staff, amina: Client) -> None:
    made = assignments.assign(amina, other_worker, actor=coordinator, until=_day(1))
    for day in (_day(2), _day(-2)):
        with pytest.raises(Invalid):
            assignments.end(made, actor=coordinator, on=day)
    assert _logged() == [("create", str(_day(1)))]


def test_a_last_day_in_the_past_is_refused(coordinator: Staff, other_worker: Staff, amina: Client) -> None:
    with pytest.raises(Invalid):
        assignments.assign(amina, other_worker, actor=coordinator, until=_day(-1))
    assert assignments.assign(amina, other_worker, actor=coordinator, until=_day(0)).end_date == _day(0)


@pytest.mark.parametrize(
    ("roles", "active"), [((MANAGER,), True), ((STAFF, ANALYST), True), ((), True), ((STAFF,), False)]
)
def test_a_grant_without_effect_is_refused(
    person: Callable[..., Staff], coordinator: Staff, amina: Client, roles: tuple[str, ...], active: bool
) -> None:
    with pytest.raises(Invalid) as refusal:
        assignments.assign(amina, person(*roles, active=active), actor=coordinator)
    assert "staff" in refusal.value.faults
    assert not ClientAssignment.objects.exists()


@pytest.mark.parametrize("role", [MANAGER, LEADER, STAFF, ANALYST])
def test_no_one_else_assigns_or_ends(
    person: Callable[..., Staff], coordinator: Staff, other_worker: Staff, amina: Client, role: str
) -> None:
    made = assignments.assign(amina, other_worker, actor=coordinator)
    actor = person(role)
    with pytest.raises(NotAllowed):
        assignments.assign(amina, other_worker, actor=actor)
    with pytest.raises(NotAllowed):
        assignments.end(made, actor=actor, on=_day(-1))
    assert _logged() == [("create", None)]


@pytest.mark.parametrize("role", [ADMINISTRATOR, COORDINATOR])
def test_administrators_and_coordinators_do(
    person: Callable[..., Staff], other_worker: Staff, amina: Client, role: str
) -> None:
    actor = person(role)
    assignments.end(assignments.assign(amina, other_worker, actor=actor), actor=actor, on=_day(0))
    assert _logged() == [("create", None), ("update", str(_day(0)))]


def test_it_joins_the_act_around_it(coordinator: Staff, other_worker: Staff, amina: Client) -> None:
    with audit.acting(coordinator, channel="admin", reason="All at once"):
        assignments.assign(amina, other_worker, actor=coordinator)
    assert AuditEntry.objects.get(entity="client_assignments").reason == "All at once"


def test_the_history_tells_it_without_the_name_of_the_right(
    coordinator: Staff, other_worker: Staff, amina: Client
) -> None:
    made = assignments.assign(amina, other_worker, actor=coordinator, reason="Covers")
    assignments.end(made, actor=coordinator, on=_day(0))
    entries = AuditEntry.objects.filter(entity="client_assignments").order_by("position")
    first, second = sentences.read(list(entries), viewer=coordinator)
    assert first.what == f"Let {other_worker} see Amina Yusuf"
    assert [(line.label, line.after) for line in first.lines] == [("Reason", "Covers")]
    assert second.what == f"Let {other_worker} see Amina Yusuf through {_day(0)}"
    assert [line.label for line in second.lines] == ["End date"]
