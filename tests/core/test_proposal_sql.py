"""What raw SQL may not do to a proposal, whoever says they are acting."""

from collections.abc import Callable

import pytest
from django.db import IntegrityError, connection

from core import approvals, audit
from core.models import Client, PendingChange, Staff

pytestmark = pytest.mark.django_db


@pytest.fixture
def change(amina: Client, manager: Staff) -> PendingChange:
    return approvals.propose(amina, actor=manager, values={"gender": "Man"}, reason="Asked")


def update(change: PendingChange, actor: Staff | None, setting: str, *values: object) -> None:
    with audit.acting(actor, channel="command"), connection.cursor() as cursor:
        cursor.execute(f"UPDATE pending_changes SET {setting} WHERE change_id = %s", [*values, change.pk])


def test_the_requester_decides_in_no_ones_name(change: PendingChange, manager: Staff, coordinator: Staff) -> None:
    for reviewer in (manager, coordinator):
        with pytest.raises(IntegrityError, match="own proposal|not_decided_by_requester"):
            update(change, manager, "status = 'approved', reviewed_by = %s", reviewer.pk)
    with pytest.raises(IntegrityError, match="change_decided_by_someone"):
        update(change, manager, "status = 'approved'")
    change.refresh_from_db()
    assert change.status == "pending"


def test_the_system_does_not_decide_for_the_requester(change: PendingChange, manager: Staff) -> None:
    with pytest.raises(IntegrityError, match="change_not_decided_by_requester"):
        update(change, None, "status = 'approved', reviewed_by = %s", manager.pk)


@pytest.mark.parametrize("status", ["approved", "declined"])
def test_a_decision_names_who_decided(change: PendingChange, coordinator: Staff, status: str) -> None:
    with pytest.raises(IntegrityError):
        update(change, coordinator, "status = %s", status)


def test_no_one_decides_in_another_ones_name(change: PendingChange, coordinator: Staff, administrator: Staff) -> None:
    with pytest.raises(IntegrityError, match="the one who decides"):
        update(change, coordinator, "status = 'approved', reviewed_by = %s", administrator.pk)


def test_a_table_of_ones_own_gives_nobody_a_role(change: PendingChange, leader: Staff) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TEMP TABLE staff_roles AS SELECT staff_id, role_id FROM public.staff, public.roles "
            "WHERE name = 'Administrator'"
        )
    with pytest.raises(IntegrityError, match="only a coordinator or an administrator"):
        update(change, leader, "status = 'approved', reviewed_by = %s", leader.pk)


@pytest.mark.parametrize("role", ["leader", "analyst", "worker"])
def test_who_may_not_decide_does_not(change: PendingChange, role: str, request: pytest.FixtureRequest) -> None:
    actor = request.getfixturevalue(role)
    with pytest.raises(IntegrityError, match="only a coordinator or an administrator"):
        update(change, actor, "status = 'approved', reviewed_by = %s", actor.pk)


def test_a_closed_account_does_not_decide(change: PendingChange, person: Callable[..., Staff]) -> None:
    former = person("Client Data Coordinator", active=False)
    with pytest.raises(IntegrityError, match="only a coordinator or an administrator"):
        update(change, former, "status = 'approved', reviewed_by = %s", former.pk)


def test_no_one_withdraws_for_another(change: PendingChange, coordinator: Staff) -> None:
    with pytest.raises(IntegrityError, match="withdrawn by the one who sent it"):
        update(change, coordinator, "status = 'declined', withdrawn = true")


@pytest.mark.parametrize(
    "setting",
    [
        """diff_json = '{"before": null, "after": {"gender": "Other"}}'""",
        "reason = 'Other'",
        "client_id = NULL",
        "group_id = gen_random_uuid()",
        "entity = 'programs'",
        "kind = 'delete'",
        "requested_at = now() - interval '1 day'",
        "change_id = gen_random_uuid()",
    ],
)
def test_what_was_sent_stays_as_it_was_sent(change: PendingChange, manager: Staff, setting: str) -> None:
    with pytest.raises(IntegrityError, match="cannot be changed afterwards"):
        update(change, manager, setting)


def test_a_decided_proposal_never_moves_again(change: PendingChange, coordinator: Staff) -> None:
    approvals.approve(change, actor=coordinator)
    for setting in ("status = 'pending', reviewed_by = NULL", "rationale = 'Other'", "is_sent_back = true"):
        with pytest.raises(IntegrityError, match="never moves again"):
            update(change, coordinator, setting)


def test_none_is_born_decided_by_its_requester(change: PendingChange, manager: Staff, coordinator: Staff) -> None:
    with (
        pytest.raises(IntegrityError, match="own proposal"),
        audit.acting(manager, channel="approval"),
        connection.cursor() as cursor,
    ):
        cursor.execute(
            "INSERT INTO pending_changes (entity, entity_id, diff_json, requested_by, status, reviewed_by) "
            "SELECT entity, entity_id, diff_json, requested_by, 'approved', %s FROM pending_changes",
            [coordinator.pk],
        )


def test_proposals_are_not_deleted(change: PendingChange, coordinator: Staff) -> None:
    with pytest.raises(IntegrityError, match="proposals are kept"), audit.acting(coordinator, channel="command"):
        PendingChange.objects.all().delete()
