"""A record that was linked or closed after something was proposed about it is a conflict with words, never a 500."""

from datetime import date

import pytest

from core import approvals, audit, records
from core.approvals import Draft
from core.errors import Conflict
from core.models import AuditEntry, Client, Enrollment, PendingChange, Program, Staff

pytestmark = pytest.mark.django_db


@pytest.fixture
def survivor(db: None) -> Client:
    with audit.acting(None, channel="command"):
        return Client.objects.create(first_name="Amina", last_name="Youssouf", dob=date(1990, 4, 2))


@pytest.fixture
def change(amina: Client, manager: Staff) -> PendingChange:
    return approvals.propose(amina, actor=manager, values={"gender": "Man"}, reason="Asked")


def enrolling(client: Client, program: Program, manager: Staff) -> PendingChange:
    values = {"client": client, "program": program, "start_date": date(2024, 5, 1)}
    return approvals.submit([Draft(Enrollment, None, values)], actor=manager, reason="Asked")[0]


def linked(client: Client, survivor: Client, actor: Staff | None) -> None:
    with audit.acting(actor, channel="link"):
        Client.objects.filter(pk=client.pk).update(linked_to=survivor)


def refused(change: PendingChange, actor: Staff, words: str) -> None:
    since = AuditEntry.objects.latest("position").position
    with pytest.raises(Conflict, match=words):
        approvals.approve(change, actor=actor)
    change.refresh_from_db()
    assert change.status == "pending"
    assert not AuditEntry.objects.filter(position__gt=since).exists()


def test_a_client_linked_meanwhile_names_whom_to_and_by_whom(
    amina: Client, survivor: Client, change: PendingChange, coordinator: Staff, administrator: Staff
) -> None:
    linked(amina, survivor, administrator)
    refused(change, coordinator, rf"was linked to Amina Youssouf.* by {administrator} on \d{{4}}.*Decline it")
    assert approvals.decline(change, actor=coordinator, rationale="Ask again").status == "declined"


def test_unlinked_again_it_can_be_approved(
    amina: Client, survivor: Client, change: PendingChange, coordinator: Staff
) -> None:
    linked(amina, survivor, coordinator)
    with audit.acting(coordinator, channel="link"):
        Client.objects.filter(pk=amina.pk).update(linked_to=None)
    assert approvals.approve(change, actor=coordinator).status == "approved"


def test_a_new_row_for_a_client_linked_meanwhile_is_refused_but_an_old_one_can_be_ended(
    amina: Client, survivor: Client, clinic: Program, manager: Staff, coordinator: Staff
) -> None:
    new = enrolling(amina, clinic, manager)
    ending = approvals.propose(
        amina.enrollments.get(), actor=manager, values={"end_date": date(2024, 9, 1)}, reason="Left"
    )
    linked(amina, survivor, None)
    refused(new, coordinator, "was linked to Amina Youssouf.* on")
    assert approvals.approve(ending, actor=coordinator).status == "approved"


def test_a_client_closed_meanwhile_is_a_conflict_until_it_is_opened_again(
    amina: Client, change: PendingChange, coordinator: Staff
) -> None:
    records.change(amina, actor=coordinator, values={"closed_on": date(2024, 12, 1)})
    refused(change, coordinator, rf"was closed by {coordinator} on .*open the record again")
    records.change(amina, actor=coordinator, values={"closed_on": None})
    assert approvals.approve(change, actor=coordinator).status == "approved"


def test_a_program_closed_meanwhile_takes_no_new_client(
    amina: Client, clinic: Program, manager: Staff, coordinator: Staff
) -> None:
    change = enrolling(amina, clinic, manager)
    records.change(clinic, actor=coordinator, values={"closed_on": date(2026, 1, 1)})
    refused(change, coordinator, "Clinic was closed")


def test_what_was_closed_before_it_was_proposed_is_no_surprise(
    amina: Client, manager: Staff, coordinator: Staff
) -> None:
    records.change(amina, actor=coordinator, values={"closed_on": date(2024, 12, 1)})
    change = approvals.propose(amina, actor=manager, values={"gender": "Man"}, reason="")
    assert approvals.approve(change, actor=coordinator).status == "approved"


def test_a_proposal_to_close_meets_another_closing_as_a_field_that_moved(
    amina: Client, manager: Staff, coordinator: Staff
) -> None:
    change = approvals.propose(amina, actor=manager, values={"closed_on": date(2024, 11, 1)}, reason="")
    records.change(amina, actor=coordinator, values={"closed_on": date(2024, 12, 1)})
    with pytest.raises(approvals.Stale):
        approvals.approve(change, actor=coordinator)


def test_a_text_that_differs_in_stray_spaces_alone_has_not_moved(
    amina: Client, manager: Staff, coordinator: Staff
) -> None:
    change = approvals.propose(amina, actor=manager, values={"alias": "Mina"}, reason="")
    with audit.acting(None, channel="command"):
        Client.objects.filter(pk=amina.pk).update(alias="  Mina ")
    [compared] = approvals.compare(change)
    assert (compared.now, compared.is_stale, compared.is_already_so) == ("Mina", False, True)
