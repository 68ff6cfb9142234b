"""A proposal may be sent back with a question; it waits for the answer, and its content stays as it was sent."""

import pytest
from django.db import IntegrityError

from core import approvals, audit, rules
from core.errors import Conflict, Invalid, NotAllowed
from core.models import AuditEntry, Client, PendingChange, ProposalNote, Staff

pytestmark = pytest.mark.django_db


@pytest.fixture
def change(amina: Client, manager: Staff) -> PendingChange:
    return approvals.propose(amina, actor=manager, values={"gender": "Man"}, reason="Asked")


@pytest.fixture
def sent_back(change: PendingChange, coordinator: Staff) -> PendingChange:
    return approvals.send_back(change, actor=coordinator, question=" Who said so? ")


def logged(since: int) -> list[tuple]:
    entries = AuditEntry.objects.filter(position__gt=since).order_by("position")
    return list(entries.values_list("entity", "action", "changed_by", "requested_by", "reference_id", "channel"))


def mark() -> int:
    return AuditEntry.objects.latest("position").position


def test_a_question_waits_for_an_answer_and_both_are_kept_and_logged(
    amina: Client, change: PendingChange, manager: Staff, coordinator: Staff
) -> None:
    since = mark()
    asked = approvals.send_back(change, actor=coordinator, question=" Who said so? ")
    assert (asked.status, asked.is_sent_back) == ("pending", True)
    answered = approvals.answer(change, actor=manager, answer="She did, at intake")
    assert (answered.status, answered.is_sent_back) == ("pending", False)
    assert list(change.notes.values_list("kind", "author", "text")) == [
        ("question", coordinator.pk, "Who said so?"),
        ("answer", manager.pk, "She did, at intake"),
    ]
    road = (manager.pk, change.pk, "approval")
    assert logged(since) == [
        ("proposal_notes", "create", coordinator.pk, *road),
        ("pending_changes", "update", coordinator.pk, *road),
        ("proposal_notes", "create", manager.pk, *road),
        ("pending_changes", "update", manager.pk, *road),
    ]
    amina.refresh_from_db()
    assert amina.gender == "Woman"


def test_what_was_sent_back_can_still_be_decided_or_withdrawn(
    amina: Client, sent_back: PendingChange, manager: Staff, coordinator: Staff
) -> None:
    decided = approvals.approve(sent_back, actor=coordinator)
    assert (decided.status, decided.is_sent_back) == ("approved", False)
    other = approvals.propose(amina, actor=manager, values={"alias": "M"}, reason="")
    approvals.send_back(other, actor=coordinator, question="Why?")
    assert approvals.withdraw(other, actor=manager).is_sent_back is False


def test_nothing_is_asked_twice_before_it_is_answered(sent_back: PendingChange, administrator: Staff) -> None:
    with pytest.raises(Conflict, match="waits for an answer"):
        approvals.send_back(sent_back, actor=administrator, question="And?")
    assert ProposalNote.objects.count() == 1


def test_what_was_not_asked_is_not_answered(change: PendingChange, manager: Staff) -> None:
    with pytest.raises(Conflict, match="Nothing was asked"):
        approvals.answer(change, actor=manager, answer="Because")


def test_a_decided_proposal_is_neither_sent_back_nor_answered(
    sent_back: PendingChange, manager: Staff, coordinator: Staff
) -> None:
    approvals.decline(sent_back, actor=coordinator, rationale="No")
    with pytest.raises(Conflict, match="declined this proposal"):
        approvals.send_back(sent_back, actor=coordinator, question="Who?")
    with pytest.raises(Conflict, match="declined this proposal"):
        approvals.answer(sent_back, actor=manager, answer="She")


@pytest.mark.parametrize("text", ["", " \n"])
def test_an_empty_question_or_answer_is_refused(
    change: PendingChange, manager: Staff, coordinator: Staff, text: str
) -> None:
    with pytest.raises(Invalid) as refusal:
        approvals.send_back(change, actor=coordinator, question=text)
    assert list(refusal.value.faults) == ["question"]
    approvals.send_back(change, actor=coordinator, question="Who?")
    with pytest.raises(Invalid) as refusal:
        approvals.answer(change, actor=manager, answer=text)
    assert list(refusal.value.faults) == ["answer"]
    change.refresh_from_db()
    assert change.is_sent_back


@pytest.mark.parametrize("role", ["manager", "leader", "analyst", "worker"])
def test_only_who_decides_asks(change: PendingChange, role: str, request: pytest.FixtureRequest) -> None:
    with pytest.raises(NotAllowed):
        approvals.send_back(change, actor=request.getfixturevalue(role), question="Who?")


@pytest.mark.parametrize("role", ["leader", "coordinator", "administrator", "analyst", "worker"])
def test_only_who_sent_it_answers(sent_back: PendingChange, role: str, request: pytest.FixtureRequest) -> None:
    with pytest.raises(NotAllowed):
        approvals.answer(sent_back, actor=request.getfixturevalue(role), answer="She")


def test_what_was_said_is_seen_by_who_decides_and_who_sent_it_alone(
    sent_back: PendingChange, manager: Staff, coordinator: Staff, leader: Staff, analyst: Staff, worker: Staff
) -> None:
    seen = [rules.visible_to(who, ProposalNote).count() for who in (coordinator, manager, leader, analyst, worker)]
    assert seen == [1, 1, 0, 0, 0]


@pytest.mark.parametrize("values", [{"text": "Other"}, {"kind": "answer"}])
def test_what_was_said_stays_as_it_was_said(sent_back: PendingChange, coordinator: Staff, values: dict) -> None:
    with pytest.raises(IntegrityError, match="stays as it was said"), audit.acting(coordinator, channel="approval"):
        ProposalNote.objects.update(**values)


def test_what_was_said_is_not_deleted(sent_back: PendingChange, coordinator: Staff) -> None:
    with pytest.raises(IntegrityError, match="stays as it was said"), audit.acting(coordinator, channel="approval"):
        ProposalNote.objects.all().delete()
