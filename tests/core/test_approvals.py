"""Proposals: nothing is written before a second person agrees, and then exactly once."""

from collections.abc import Callable
from datetime import date
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import IntegrityError

from core import approvals, audit
from core.approvals import Draft
from core.errors import CCDError, Conflict, Invalid, NotAllowed
from core.models import (
    AuditEntry,
    Client,
    ClientIdentifier,
    Department,
    Discharge,
    Enrollment,
    PendingChange,
    Program,
    Restriction,
    Staff,
)

pytestmark = pytest.mark.django_db

Entry = tuple[str, str, UUID | None, UUID | None, UUID | None, str | None, dict]


def entries(since: int) -> list[Entry]:
    """What was logged after position `since`: entity, action, actor, requester, proposal, reason, diff; by approval."""
    found = AuditEntry.objects.filter(position__gt=since).order_by("position")
    assert {e.channel for e in found} <= {"approval"}
    return [
        (e.entity, e.action, e.changed_by_id, e.requested_by_id, e.reference_id, e.reason, e.diff_json) for e in found
    ]


def mark() -> int:
    return AuditEntry.objects.latest("position").position


def directly(record: Any, **values: Any) -> None:
    """Someone else changes the record meanwhile."""
    with audit.acting(None, channel="command"):
        type(record).objects.filter(pk=record.pk).update(**values)


@pytest.fixture
def change(amina: Client, manager: Staff) -> PendingChange:
    """The manager proposes another gender and a phone number for Amina."""
    values = {"gender": "Trans woman", "phone_number": " 416-555-0101 ", "last_name": "Yusuf"}
    return approvals.propose(amina, actor=manager, values=values, reason="She told us")


class TestPropose:
    def test_it_writes_one_proposal_with_only_what_differs_and_no_client(
        self, amina: Client, change: PendingChange, manager: Staff
    ) -> None:
        kept = PendingChange.objects.get()
        assert kept.diff_json == {
            "before": {"gender": "Woman", "phone_number": None},
            "after": {"gender": "Trans woman", "phone_number": "416-555-0101"},
        }
        assert (kept.entity, kept.entity_id, kept.kind) == ("clients", amina.pk, "change")
        assert (kept.client_id, kept.group_id, kept.status) == (amina.pk, None, "pending")
        assert (kept.requested_by, kept.reason, kept.reviewed_by) == (manager, "She told us", None)
        amina.refresh_from_db()
        assert (amina.gender, amina.phone_number, amina.edited_fields) == ("Woman", None, [])

    def test_its_only_audit_entry_is_the_proposal_itself(self, amina: Client, manager: Staff) -> None:
        since = mark()
        change = approvals.propose(amina, actor=manager, values={"gender": "Man"}, reason="Asked")
        [(entity, action, actor, requester, reference, reason, diff)] = entries(since)
        assert (entity, action, actor, requester, reference, reason) == (
            ("pending_changes", "create", manager.pk, None, None, "Asked")
        )
        assert diff["before"] is None
        assert diff["after"]["change_id"] == str(change.pk)

    @pytest.mark.parametrize("values", [{}, {"gender": "Woman"}, {"gender": " Woman ", "alias": ""}])
    def test_it_refuses_what_changes_nothing(self, amina: Client, manager: Staff, values: dict) -> None:
        with pytest.raises(Invalid, match="Nothing differs"):
            approvals.propose(amina, actor=manager, values=values, reason="")
        assert not PendingChange.objects.exists()

    @pytest.mark.parametrize(
        "values",
        [
            {"first_name": "", "last_name": " "},
            {"dob": date(2999, 1, 1)},
            {"linked_to": None},
            {"client_id": uuid4()},
            {"edited_fields": []},
            {"search_text": "x"},
            {"nonsense": "x"},
        ],
    )
    def test_it_refuses_values_that_do_not_hold_and_fields_no_one_edits(
        self, amina: Client, manager: Staff, values: dict
    ) -> None:
        since = mark()
        with pytest.raises(Invalid):
            approvals.propose(amina, actor=manager, values=values, reason="")
        assert entries(since) == []

    def test_what_only_the_database_sees_is_refused_at_once(self, amina: Client, manager: Staff) -> None:
        draft = Draft(
            Enrollment, None, {"client": amina, "program": amina.enrollments.get().program, "start_date": date.today()}
        )
        with pytest.raises(Invalid, match="in this program during those days"):
            approvals.submit([draft], actor=manager, reason="")

    @pytest.mark.parametrize("role", ["coordinator", "analyst", "worker", "administrator"])
    def test_only_managers_and_leaders_propose(self, amina: Client, role: str, request: pytest.FixtureRequest) -> None:
        with pytest.raises(NotAllowed):
            approvals.propose(amina, actor=request.getfixturevalue(role), values={"gender": "Man"}, reason="")

    def test_staff_records_cannot_be_proposed(self, manager: Staff) -> None:
        with pytest.raises(NotAllowed):
            approvals.propose(manager, actor=manager, values={"email": "x@example.org"}, reason="")

    def test_several_drafts_form_one_group_and_unchanged_ones_are_dropped(
        self, amina: Client, clinic: Program, leader: Staff
    ) -> None:
        enrollment = amina.enrollments.get()
        sent = approvals.submit(
            [
                Draft(Client, amina, {"gender": "Man"}),
                Draft(Enrollment, enrollment, {"start_date": enrollment.start_date}),
                Draft(Enrollment, None, {"client": amina, "program": clinic, "start_date": date(2024, 5, 1)}),
            ],
            actor=leader,
            reason="Moved",
        )
        first, second = PendingChange.objects.all()
        assert [first.pk, second.pk] == [change.pk for change in sent]
        assert first.group_id is not None
        assert first.group_id == second.group_id
        assert second.diff_json == {
            "before": None,
            "after": {"client_id": str(amina.pk), "program_id": str(clinic.pk), "start_date": "2024-05-01"},
        }
        assert (second.kind, second.client_id) == ("create", amina.pk)
        assert not Enrollment.objects.filter(pk=second.entity_id).exists()

    def test_a_removal_holds_what_would_go(self, amina: Client, manager: Staff) -> None:
        enrollment = amina.enrollments.get()
        [change] = approvals.submit([Draft(Enrollment, enrollment, {}, "delete")], actor=manager, reason="Mistake")
        assert change.diff_json["after"] is None
        assert change.diff_json["before"] == {
            "client_id": str(amina.pk),
            "program_id": str(enrollment.program_id),
            "start_date": "2024-01-01",
        }
        assert Enrollment.objects.filter(pk=enrollment.pk).exists()

    def test_the_same_is_sent_once_while_it_waits(
        self, amina: Client, clinic: Program, manager: Staff, leader: Staff, coordinator: Staff
    ) -> None:
        move = Draft(Enrollment, None, {"client": amina, "program": clinic, "start_date": date(2024, 1, 1)})
        for _ in range(2):
            sent = [
                approvals.propose(amina, actor=manager, values={"gender": "Man"}, reason="Asked"),
                *approvals.submit([move], actor=manager, reason="Moved"),
            ]
            since = mark()
            with pytest.raises(Conflict, match="You have proposed the same already; it waits for approval"):
                approvals.propose(amina, actor=manager, values={"gender": "Man"}, reason="Asked once more")
            with pytest.raises(Conflict, match="You have proposed the same already"):
                approvals.submit([move], actor=manager, reason="Twice")
            assert entries(since) == []
            for change in sent:
                approvals.withdraw(change, actor=manager)
        approvals.propose(amina, actor=leader, values={"gender": "Man"}, reason="Somebody else may ask, too")
        approvals.propose(
            amina, actor=manager, values={"gender": "Man", "alias": "Mina"}, reason="And more may be asked"
        )

    def test_what_is_never_deleted_is_not_proposed_for_removal(self, amina: Client, manager: Staff) -> None:
        with pytest.raises(Invalid, match="closed or ended"):
            approvals.submit([Draft(Client, amina, {}, "delete")], actor=manager, reason="")

    def test_enrolling_a_barred_client_needs_the_reason_at_once(
        self, amina: Client, clinic: Program, manager: Staff, coordinator: Staff
    ) -> None:
        with audit.acting(None, channel="command"):
            Restriction.objects.create(client=amina, scope="org", start_date=date(2024, 1, 1))
        values = {"client": amina, "program": clinic, "start_date": date(2024, 5, 1)}
        with pytest.raises(Invalid, match="override"):
            approvals.submit([Draft(Enrollment, None, values)], actor=manager, reason="")
        [change] = approvals.submit(
            [Draft(Enrollment, None, values | {"override_reason": "Medical"})], actor=manager, reason=""
        )
        approvals.approve(change, actor=coordinator)
        assert Enrollment.objects.get(pk=change.entity_id).override_reason == "Medical"


class TestApprove:
    def test_it_writes_the_record_and_says_who_asked_who_agreed_and_why(
        self, amina: Client, change: PendingChange, manager: Staff, coordinator: Staff
    ) -> None:
        since = mark()
        decided = approvals.approve(change, actor=coordinator, rationale="Seen the papers")
        amina.refresh_from_db()
        assert (amina.gender, amina.phone_number) == ("Trans woman", "416-555-0101")
        assert amina.edited_fields == ["gender", "phone_number"]
        decided.refresh_from_db()
        assert (decided.status, decided.reviewed_by, decided.rationale) == ("approved", coordinator, "Seen the papers")
        first, second = entries(since)
        road = (coordinator.pk, manager.pk, change.pk, "Seen the papers")
        assert first == ("clients", "update", *road, change.diff_json)
        assert second[:6] == ("pending_changes", "update", *road)
        assert second[6]["before"]["status"] == "pending"
        assert second[6]["after"]["status"] == "approved"

    def test_without_a_rationale_the_log_keeps_the_reason_of_the_proposal(
        self, change: PendingChange, coordinator: Staff
    ) -> None:
        since = mark()
        assert approvals.approve(change, actor=coordinator).rationale is None
        assert [entry[5] for entry in entries(since)] == ["She told us", "She told us"]

    def test_single_fields_are_taken_and_others_left(
        self, amina: Client, change: PendingChange, coordinator: Staff
    ) -> None:
        since = mark()
        decided = approvals.approve(change, actor=coordinator, fields={"gender"})
        amina.refresh_from_db()
        assert (amina.gender, amina.phone_number) == ("Trans woman", None)
        assert entries(since)[0][6] == {"before": {"gender": "Woman"}, "after": {"gender": "Trans woman"}}
        assert approvals.taken(decided) == {"gender"}

    @pytest.mark.parametrize("fields", [[], ["dob"], ["client_id"]])
    def test_it_refuses_fields_that_were_not_proposed(
        self, change: PendingChange, coordinator: Staff, fields: list[str]
    ) -> None:
        with pytest.raises(Invalid):
            approvals.approve(change, actor=coordinator, fields=fields)
        change.refresh_from_db()
        assert change.status == "pending"

    def test_it_refuses_own_proposal_even_of_a_coordinator_and_so_does_the_database(
        self, amina: Client, person: Callable[..., Staff]
    ) -> None:
        both = person("Manager", "Client Data Coordinator")
        change = approvals.propose(amina, actor=both, values={"gender": "Man"}, reason="")
        since = mark()
        with pytest.raises(NotAllowed, match="own proposal"):
            approvals.approve(change, actor=both)
        with pytest.raises(NotAllowed, match="own proposal"):
            approvals.decline(change, actor=both, rationale="No")
        with pytest.raises(IntegrityError), audit.acting(both, channel="approval"):
            PendingChange.objects.update(status="approved", reviewed_by=both)
        assert entries(since) == []

    @pytest.mark.parametrize("role", ["manager", "leader", "analyst", "worker"])
    def test_only_coordinators_and_administrators_decide(
        self, change: PendingChange, role: str, request: pytest.FixtureRequest
    ) -> None:
        actor = request.getfixturevalue(role)
        since = mark()
        with pytest.raises(NotAllowed):
            approvals.approve(change, actor=actor)
        with pytest.raises(NotAllowed):
            approvals.decline(change, actor=actor, rationale="No")
        assert entries(since) == []

    def test_a_second_decision_is_told_who_decided_and_when(
        self, amina: Client, change: PendingChange, coordinator: Staff, administrator: Staff
    ) -> None:
        approvals.approve(change, actor=coordinator)
        since = mark()
        with pytest.raises(Conflict, match=rf"{coordinator} approved this proposal on \d{{4}}-\d\d-\d\d \d\d:\d\d"):
            approvals.approve(change, actor=administrator)
        with pytest.raises(Conflict, match="approved this proposal"):
            approvals.decline(change, actor=administrator, rationale="No")
        with pytest.raises(Conflict, match="approved this proposal"):
            approvals.withdraw(change, actor=change.requested_by)
        assert entries(since) == []

    def test_a_reason_given_before_the_restriction_does_not_enroll_in_spite_of_it(
        self, amina: Client, clinic: Program, manager: Staff, coordinator: Staff
    ) -> None:
        def bar(**values: object) -> None:
            with audit.acting(None, channel="command"):
                Restriction.objects.create(client=amina, scope="org", reason="Assault", **values)

        def ask() -> PendingChange:
            (change,) = approvals.submit([Draft(Enrollment, None, values)], actor=manager, reason="Urgent")
            return change

        values = {"client": amina, "program": clinic, "start_date": date(2026, 2, 1), "override_reason": "Urgent"}
        bar(start_date=date(2025, 1, 1), end_date=date(2025, 12, 31))
        early = ask()
        bar(start_date=date(2026, 3, 1))
        since = mark()
        with pytest.raises(Conflict, match="barred from the whole organization from 2026-03-01, until further notice"):
            approvals.approve(early, actor=coordinator)
        with pytest.raises(Conflict, match="does not speak of it"):
            approvals.approve_group([early], actor=coordinator)
        assert entries(since) == []
        approvals.decline(early, actor=coordinator, rationale="Barred since")
        approvals.approve(ask(), actor=coordinator)  # sent in sight of it
        assert amina.enrollments.filter(program=clinic).exists()

    def test_a_new_row_gets_the_key_it_was_promised(
        self, amina: Client, clinic: Program, leader: Staff, coordinator: Staff
    ) -> None:
        values = {"client": amina, "program": clinic, "start_date": date(2024, 5, 1)}
        [change] = approvals.submit([Draft(Enrollment, None, values)], actor=leader, reason="Asked")
        since = mark()
        approvals.approve(change, actor=coordinator)
        made = Enrollment.objects.get(pk=change.entity_id)
        assert (made.client, made.program, made.start_date) == (amina, clinic, date(2024, 5, 1))
        assert [entry[:5] for entry in entries(since)] == [
            ("client_program_enrollments", "create", coordinator.pk, leader.pk, change.pk),
            ("pending_changes", "update", coordinator.pk, leader.pk, change.pk),
        ]

    def test_an_approved_discharge_ends_the_enrollment(
        self, amina: Client, shelter: Program, manager: Staff, coordinator: Staff
    ) -> None:
        values = {"client": amina, "program": shelter, "discharge_date": date(2024, 6, 30)}
        [change] = approvals.submit([Draft(Discharge, None, values)], actor=manager, reason="Housed")
        approvals.approve(change, actor=coordinator)
        assert amina.enrollments.get().end_date == date(2024, 6, 30)

    def test_an_approved_removal_removes(self, amina: Client, manager: Staff, coordinator: Staff) -> None:
        enrollment = amina.enrollments.get()
        [change] = approvals.submit([Draft(Enrollment, enrollment, {}, "delete")], actor=manager, reason="Mistake")
        approvals.approve(change, actor=coordinator)
        assert not amina.enrollments.exists()
        assert PendingChange.objects.get().status == "approved"

    def test_nothing_is_decided_where_the_write_fails(
        self, amina: Client, clinic: Program, manager: Staff, coordinator: Staff
    ) -> None:
        values = {"client": amina, "program": clinic, "start_date": date(2024, 5, 1)}
        [change] = approvals.submit([Draft(Enrollment, None, values)], actor=manager, reason="")
        with audit.acting(None, channel="command"):
            Enrollment.objects.create(**values)
        since = mark()
        with pytest.raises(Invalid, match="in this program during those days"):
            approvals.approve(change, actor=coordinator)
        change.refresh_from_db()
        assert change.status == "pending"
        assert entries(since) == []

    @pytest.mark.parametrize(
        ("entity", "after"),
        [
            ("clients", {"dob": "yesterday"}),
            ("clients", {"linked_to": str(uuid4())}),
            ("staff", {"email": "x@example.org"}),
            ("no_such_table", {"x": 1}),
        ],
    )
    def test_a_proposal_written_by_hand_with_impossible_content_is_refused_in_words(
        self, amina: Client, manager: Staff, coordinator: Staff, entity: str, after: dict
    ) -> None:
        with audit.acting(manager, channel="approval"):
            change = PendingChange.objects.create(
                entity=entity,
                entity_id=amina.pk,
                diff_json={"before": dict.fromkeys(after), "after": after},
                requested_by=manager,
            )
        with pytest.raises(CCDError):
            approvals.approve(change, actor=coordinator)
        change.refresh_from_db()
        assert change.status == "pending"

    def test_a_field_named_by_its_own_name_is_understood(
        self, amina: Client, clinic: Program, manager: Staff, coordinator: Staff
    ) -> None:
        enrollment = amina.enrollments.get()
        with audit.acting(manager, channel="approval"):
            change = PendingChange.objects.create(
                entity="client_program_enrollments",
                entity_id=enrollment.pk,
                diff_json={"before": {"program": str(enrollment.program_id)}, "after": {"program": str(clinic.pk)}},
                requested_by=manager,
            )
        approvals.approve(change, actor=coordinator)
        enrollment.refresh_from_db()
        assert enrollment.program == clinic


class TestStale:
    def test_the_comparison_shows_when_proposed_now_and_proposed(self, amina: Client, change: PendingChange) -> None:
        directly(amina, gender="Non-binary")
        phone, gender = sorted(approvals.compare(change), key=lambda c: c.label, reverse=True)
        assert (gender.name, gender.label, gender.when_proposed, gender.now, gender.proposed, gender.is_stale) == (
            ("gender", "Gender", "Woman", "Non-binary", "Trans woman", True)
        )
        assert (phone.when_proposed, phone.now, phone.proposed, phone.is_stale) == (None, None, "416-555-0101", False)

    def test_nothing_is_written_until_the_coordinator_has_chosen(
        self, amina: Client, change: PendingChange, coordinator: Staff
    ) -> None:
        directly(amina, gender="Non-binary")
        since = mark()
        with pytest.raises(approvals.Stale, match="Gender") as refusal:
            approvals.approve(change, actor=coordinator)
        assert refusal.value.names == ("gender",)
        amina.refresh_from_db()
        assert (amina.gender, amina.phone_number) == ("Non-binary", None)
        assert entries(since) == []

    def test_keeping_what_is_there_now(self, amina: Client, change: PendingChange, coordinator: Staff) -> None:
        directly(amina, gender="Non-binary")
        approvals.approve(change, actor=coordinator, fields={"phone_number"})
        amina.refresh_from_db()
        assert (amina.gender, amina.phone_number) == ("Non-binary", "416-555-0101")

    def test_taking_the_proposal_in_spite_of_what_was_seen(
        self, amina: Client, change: PendingChange, coordinator: Staff
    ) -> None:
        directly(amina, gender="Non-binary")
        seen = {c.name: c.seen for c in approvals.compare(change)}
        approvals.approve(change, actor=coordinator, accept_stale=seen)
        amina.refresh_from_db()
        assert amina.gender == "Trans woman"

    def test_a_choice_made_before_it_moved_again_does_not_count(
        self, amina: Client, change: PendingChange, coordinator: Staff
    ) -> None:
        directly(amina, gender="Non-binary")
        seen = {c.name: c.seen for c in approvals.compare(change)}
        directly(amina, gender="Man")
        with pytest.raises(approvals.Stale):
            approvals.approve(change, actor=coordinator, accept_stale=seen)

    def test_a_field_that_moved_to_what_is_proposed_needs_no_choice(
        self, amina: Client, change: PendingChange, coordinator: Staff
    ) -> None:
        directly(amina, gender="Trans woman")
        since = mark()
        approvals.approve(change, actor=coordinator)
        assert entries(since)[0][6] == {"before": {"phone_number": None}, "after": {"phone_number": "416-555-0101"}}

    def test_other_fields_may_move(self, amina: Client, change: PendingChange, coordinator: Staff) -> None:
        directly(amina, race="Black")
        approvals.approve(change, actor=coordinator)
        amina.refresh_from_db()
        assert (amina.race, amina.gender) == ("Black", "Trans woman")

    def test_a_row_filled_in_since_is_not_removed_unseen(
        self, amina: Client, manager: Staff, coordinator: Staff
    ) -> None:
        enrollment = amina.enrollments.get()
        [change] = approvals.submit([Draft(Enrollment, enrollment, {}, "delete")], actor=manager, reason="")
        directly(enrollment, end_date=date(2024, 3, 1))
        with pytest.raises(approvals.Stale, match="End date"):
            approvals.approve(change, actor=coordinator)
        seen = {c.name: c.seen for c in approvals.compare(change) if c.is_stale}
        approvals.approve(change, actor=coordinator, accept_stale=seen)
        assert not amina.enrollments.exists()

    def test_a_record_that_is_gone_says_so(self, amina: Client, manager: Staff, coordinator: Staff) -> None:
        enrollment = amina.enrollments.get()
        change = approvals.propose(enrollment, actor=manager, values={"end_date": date(2024, 3, 1)}, reason="")
        with audit.acting(None, channel="command"):
            enrollment.delete()
        with pytest.raises(Conflict, match="not there any more"):
            approvals.approve(change, actor=coordinator)
        assert approvals.target(change) is None


class TestDecline:
    def test_it_keeps_the_rationale_and_changes_nothing_else(
        self, amina: Client, change: PendingChange, manager: Staff, coordinator: Staff
    ) -> None:
        since = mark()
        approvals.decline(change, actor=coordinator, rationale="Not confirmed")
        change.refresh_from_db()
        assert (change.status, change.reviewed_by, change.rationale, change.withdrawn) == (
            ("declined", coordinator, "Not confirmed", False)
        )
        amina.refresh_from_db()
        assert amina.gender == "Woman"
        [entry] = entries(since)
        assert entry[:6] == ("pending_changes", "update", coordinator.pk, manager.pk, change.pk, "Not confirmed")

    @pytest.mark.parametrize("rationale", ["", "  "])
    def test_it_needs_a_rationale(self, change: PendingChange, coordinator: Staff, rationale: str) -> None:
        with pytest.raises(Invalid) as refusal:
            approvals.decline(change, actor=coordinator, rationale=rationale)
        assert list(refusal.value.faults) == ["rationale"]
        change.refresh_from_db()
        assert change.status == "pending"


class TestWithdraw:
    def test_the_requester_takes_it_back_and_no_one_reviewed_it(self, change: PendingChange, manager: Staff) -> None:
        since = mark()
        approvals.withdraw(change, actor=manager)
        change.refresh_from_db()
        assert (change.status, change.withdrawn, change.reviewed_by) == ("declined", True, None)
        [entry] = entries(since)
        assert entry[:5] == ("pending_changes", "update", manager.pk, manager.pk, change.pk)

    @pytest.mark.parametrize("role", ["coordinator", "leader", "analyst", "worker"])
    def test_no_one_else_withdraws_it(self, change: PendingChange, role: str, request: pytest.FixtureRequest) -> None:
        with pytest.raises(NotAllowed):
            approvals.withdraw(change, actor=request.getfixturevalue(role))

    def test_a_withdrawn_proposal_is_not_approved(
        self, change: PendingChange, manager: Staff, coordinator: Staff
    ) -> None:
        approvals.withdraw(change, actor=manager)
        with pytest.raises(Conflict, match="withdrew"):
            approvals.approve(change, actor=coordinator)


class TestGroup:
    @pytest.fixture
    def newcomer(self, clinic: Program, leader: Staff) -> list[PendingChange]:
        """A new client with an identifier and an enrollment, sent as one."""
        key = uuid4()
        client = Client(pk=key)
        return approvals.submit(
            [
                Draft(Client, None, {"client_id": key, "first_name": "Ines", "last_name": "Vidal"}),
                Draft(ClientIdentifier, None, {"client": client, "source_system": "SMIS", "uid_external": "7"}),
                Draft(Enrollment, None, {"client": client, "program": clinic, "start_date": date(2024, 5, 1)}),
            ],
            actor=leader,
            reason="New",
        )

    def test_it_makes_a_new_client_and_what_hangs_on_it(
        self, newcomer: list[PendingChange], coordinator: Staff
    ) -> None:
        since = mark()
        approvals.approve_group(reversed(newcomer), actor=coordinator, rationale="Met")
        client = Client.objects.get(pk=newcomer[0].entity_id)
        assert client.enrollments.count() == client.identifiers.count() == 1
        assert [(entry[0], entry[4]) for entry in entries(since)] == [
            ("clients", newcomer[0].pk),
            ("pending_changes", newcomer[0].pk),
            ("client_identifiers", newcomer[1].pk),
            ("pending_changes", newcomer[1].pk),
            ("client_program_enrollments", newcomer[2].pk),
            ("pending_changes", newcomer[2].pk),
        ]

    def test_what_hangs_on_a_record_waits_for_it(self, newcomer: list[PendingChange], coordinator: Staff) -> None:
        with pytest.raises(Conflict, match="may itself wait"):
            approvals.approve(newcomer[2], actor=coordinator)

    def test_it_is_all_or_none(self, newcomer: list[PendingChange], coordinator: Staff) -> None:
        approvals.decline(newcomer[1], actor=coordinator, rationale="Other person")
        since = mark()
        with pytest.raises(Conflict, match="declined this proposal"):
            approvals.approve_group(newcomer, actor=coordinator)
        assert not Client.objects.exists()
        assert entries(since) == []

    def test_a_department_with_its_program_is_approved_one_by_one_in_order(
        self, leader: Staff, coordinator: Staff
    ) -> None:
        key = uuid4()
        sent = approvals.submit(
            [
                Draft(Department, None, {"department_id": key, "name": "Youth"}),
                Draft(Program, None, {"name": "Drop-in", "department": Department(pk=key), "capacity_current": 3}),
            ],
            actor=leader,
            reason="",
        )
        for change in sent:
            approvals.approve(change, actor=coordinator)
        assert Program.objects.get().department.name == "Youth"

    def test_what_waits_for_a_record_is_shown_as_far_as_one_may_see(
        self, amina: Client, change: PendingChange, leader: Staff, coordinator: Staff, manager: Staff
    ) -> None:
        other = approvals.propose(
            amina.enrollments.get(), actor=leader, values={"end_date": date(2024, 9, 1)}, reason=""
        )
        assert list(approvals.waiting_for(amina, viewer=coordinator)) == [change, other]
        assert list(approvals.waiting_for(amina, viewer=manager)) == [change]
        approvals.decline(change, actor=coordinator, rationale="No")
        assert list(approvals.waiting_for(amina, viewer=coordinator)) == [other]
