"""Approvals: what waits, one proposal in three columns, and decisions that are one POST each."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client as Browser
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from core import approvals, audit
from core.approvals import Draft
from core.models import AuditEntry, Client, ClientIdentifier, Enrollment, PendingChange, Program, Staff
from tests.admin_ext.conftest import url

pytestmark = pytest.mark.django_db


@pytest.fixture
def change(amina: Client, manager: Staff) -> PendingChange:
    """The manager proposes another gender and a phone number for Amina."""
    values = {"gender": "Trans woman", "phone_number": "416-555-0101"}
    return approvals.propose(amina, actor=manager, values=values, reason="She told us")


def text(response: Any) -> str:
    return response.content.decode()


def said(response: Any) -> list[str]:
    return [str(message) for message in response.context["messages"]]


def moved(amina: Client, **values: Any) -> None:
    with audit.acting(None, channel="command"):
        Client.objects.filter(pk=amina.pk).update(**values)


class TestList:
    def test_it_shows_what_waits_oldest_first(
        self, browse: Callable, amina: Client, change: PendingChange, leader: Staff, coordinator: Staff
    ) -> None:
        old = approvals.propose(amina.enrollments.get(), actor=leader, values={"end_date": date(2024, 9, 1)}, reason="")
        approvals.decline(old, actor=coordinator, rationale="No")
        later = approvals.propose(amina, actor=leader, values={"alias": "Mina"}, reason="")
        response = browse(coordinator).get(url("pendingchange_changelist"))
        assert [shown.pk for shown in response.context["cl"].result_list] == [change.pk, later.pk]
        assert "Change client Amina Yusuf" in text(response)
        assert "“She told us”" in text(response)
        assert "Gender, Phone number" in text(response)

    def test_it_says_how_long_something_waits(
        self, browse: Callable, amina: Client, manager: Staff, coordinator: Staff
    ) -> None:
        with audit.acting(manager, channel="approval"):
            PendingChange.objects.create(
                entity="clients",
                entity_id=amina.pk,
                diff_json={"before": {"alias": None}, "after": {"alias": "M"}},
                requested_by=manager,
                requested_at=timezone.now() - timedelta(days=3, hours=2),
            )
        assert "3 days ago" in text(browse(coordinator).get(url("pendingchange_changelist")))

    @pytest.mark.parametrize(
        ("query", "number"),
        [
            ({"status": "approved"}, 1),
            ({"status": "declined"}, 0),
            ({"status": "withdrawn"}, 0),
            ({"status": "all"}, 3),
            ({"entity": "clients"}, 1),
            ({"entity": "client_program_enrollments"}, 1),
            ({"requester": "manager"}, 1),
            ({"requester": "nonsense"}, 0),
            ({"program": "shelter"}, 1),
            ({"program": "clinic"}, 0),
            ({"q": "yus"}, 2),
            ({"q": "nobody"}, 0),
        ],
    )
    def test_it_filters_by_status_requester_record_program_and_client(
        self,
        browse: Callable,
        amina: Client,
        change: PendingChange,
        manager: Staff,
        leader: Staff,
        coordinator: Staff,
        shelter: Program,
        clinic: Program,
        query: dict,
        number: int,
    ) -> None:
        approvals.propose(amina.enrollments.get(), actor=leader, values={"end_date": date(2024, 9, 1)}, reason="")
        done = approvals.propose(amina, actor=leader, values={"alias": "Mina"}, reason="")
        approvals.approve(done, actor=coordinator)
        people = {"manager": manager.pk, "shelter": shelter.pk, "clinic": clinic.pk}
        query = {key: str(people.get(value, value)) for key, value in query.items()}
        response = browse(coordinator).get(url("pendingchange_changelist"), query)
        assert response.status_code == 200
        assert len(response.context["cl"].result_list) == number

    def test_a_manager_sees_only_their_own_and_no_actions(
        self, browse: Callable, amina: Client, change: PendingChange, manager: Staff, leader: Staff
    ) -> None:
        approvals.propose(amina, actor=leader, values={"alias": "CANARY"}, reason="")
        for status in ("waiting", "all"):
            response = browse(manager).get(url("pendingchange_changelist"), {"status": status})
            assert [shown.pk for shown in response.context["cl"].result_list] == [change.pk]
            assert "CANARY" not in text(response)
            assert str(leader) not in text(response)
            assert response.context["action_form"] is None

    @pytest.mark.parametrize("role", ["analyst", "worker"])
    def test_others_have_no_inbox(
        self, browse: Callable, change: PendingChange, role: str, request: pytest.FixtureRequest
    ) -> None:
        browser = browse(request.getfixturevalue(role))
        assert browser.get(url("pendingchange_changelist")).status_code == 403
        known, unknown = (
            browser.get(url("pendingchange_change", change.pk)),
            browser.get(url("pendingchange_change", uuid4())),
        )
        assert (known.status_code, known.content) == (unknown.status_code, unknown.content)
        assert known.status_code == 404

    def test_nothing_is_added_or_deleted_here(
        self, browse: Callable, change: PendingChange, coordinator: Staff
    ) -> None:
        browser = browse(coordinator)
        assert browser.get(url("pendingchange_add")).status_code == 403
        assert browser.post(url("pendingchange_delete", change.pk), {"post": "yes"}).status_code == 403
        assert browser.post(url("pendingchange_change", change.pk), {"status": "approved"}).status_code == 405
        change.refresh_from_db()
        assert change.status == "pending"

    def test_its_queries_do_not_grow_with_the_list(
        self, browse: Callable, amina: Client, change: PendingChange, manager: Staff, coordinator: Staff
    ) -> None:
        browser = browse(coordinator)

        def queries() -> int:
            with CaptureQueriesContext(connection) as captured:
                browser.get(url("pendingchange_changelist"))
            return len(captured)

        browser.get(url("pendingchange_changelist"))
        few = queries()
        for number in range(8):
            approvals.propose(amina, actor=manager, values={"alias": f"A{number}"}, reason="")
        assert queries() == few


class TestPage:
    def test_it_shows_when_proposed_now_and_proposed_who_and_why(
        self, browse: Callable, amina: Client, change: PendingChange, manager: Staff, coordinator: Staff, leader: Staff
    ) -> None:
        approvals.propose(amina.enrollments.get(), actor=leader, values={"end_date": date(2024, 9, 1)}, reason="")
        moved(amina, gender="Non-binary")
        before = AuditEntry.objects.count()
        response = browse(coordinator).get(url("pendingchange_change", change.pk))
        rows = [
            (r.comparison.label, r.when_proposed, r.now, r.proposed, r.comparison.is_stale)
            for r in response.context["rows"]
        ]
        assert rows == [
            ("Gender", "Woman", "Non-binary", "Trans woman", True),
            ("Phone number", "—", "—", "416-555-0101", False),
        ]
        page = text(response)
        assert "changed since" in page
        assert str(manager) in page
        assert "She told us" in page
        assert [other.title for other in response.context["others"]] == [
            "End the enrollment of Amina Yusuf in Hostel A"
        ]
        assert AuditEntry.objects.count() == before

    def test_the_requester_reads_and_may_withdraw_but_not_decide(
        self, browse: Callable, change: PendingChange, manager: Staff
    ) -> None:
        page = text(browse(manager).get(url("pendingchange_change", change.pk)))
        assert "Withdraw" in page
        assert "Decline" not in page
        assert ">Approve<" not in page.replace(" ", "").replace("\n", "")

    def test_another_manager_does_not_find_it(self, browse: Callable, change: PendingChange, leader: Staff) -> None:
        for name in ("change", "approve", "decline", "withdraw", "history"):
            browser = browse(leader)
            act = browser.get if name in ("change", "history") else browser.post
            assert act(url(f"pendingchange_{name}", change.pk)).status_code == 404

    def test_the_requester_reads_outcome_rationale_and_which_fields_were_taken(
        self, browse: Callable, change: PendingChange, manager: Staff, coordinator: Staff
    ) -> None:
        approvals.approve(change, actor=coordinator, rationale="Phone is not hers", fields={"gender"})
        response = browse(manager).get(url("pendingchange_change", change.pk))
        assert "Phone is not hers" in text(response)
        assert {row.comparison.name: row.was_taken for row in response.context["rows"]} == {
            "gender": True,
            "phone_number": False,
        }
        assert "Withdraw" not in text(response)

    def test_creations_removals_and_odd_content_have_a_page(
        self, browse: Callable, amina: Client, clinic: Program, manager: Staff, coordinator: Staff
    ) -> None:
        values = {"client": amina, "program": clinic, "start_date": date(2024, 5, 1)}
        new, gone = approvals.submit(
            [Draft(Enrollment, None, values), Draft(Enrollment, amina.enrollments.get(), {}, "delete")],
            actor=manager,
            reason="",
        )
        with audit.acting(manager, channel="approval"):
            odd = PendingChange.objects.create(
                entity="staff", entity_id=uuid4(), diff_json={"after": {"email": "x"}}, requested_by=manager
            )
        browser = browse(coordinator)
        page = text(browser.get(url("pendingchange_change", new.pk)))
        assert "Clinic" in page
        assert "Approve all 2 sent together" in page
        assert "Remove the enrollment of Amina Yusuf in Hostel A" in text(
            browser.get(url("pendingchange_change", gone.pk))
        )
        assert "cannot be shown" in text(browser.get(url("pendingchange_change", odd.pk)))


class TestDecide:
    def test_approving_takes_the_ticked_fields(
        self, browse: Callable, amina: Client, change: PendingChange, coordinator: Staff, entries: Callable
    ) -> None:
        entries()
        response = browse(coordinator).post(
            url("pendingchange_approve", change.pk), {"take": ["gender"], "rationale": "Seen"}, follow=True
        )
        assert said(response) == ["Approved: Change client Amina Yusuf."]
        amina.refresh_from_db()
        assert (amina.gender, amina.phone_number) == ("Trans woman", None)
        assert [(e.entity, e.action, e.channel, e.changed_by_id, e.reference_id, e.reason) for e in entries()] == [
            ("clients", "update", "approval", coordinator.pk, change.pk, "Seen"),
            ("pending_changes", "update", "approval", coordinator.pk, change.pk, "Seen"),
        ]

    def test_without_a_ticked_field_it_says_so(
        self, browse: Callable, change: PendingChange, coordinator: Staff
    ) -> None:
        response = browse(coordinator).post(url("pendingchange_approve", change.pk), {"rationale": "kept text"})
        assert response.status_code == 409
        assert "Choose at least one" in said(response)[0]
        assert "kept text" in text(response)

    def test_a_field_that_moved_has_to_be_chosen_for(
        self, browse: Callable, amina: Client, change: PendingChange, coordinator: Staff, entries: Callable
    ) -> None:
        moved(amina, gender="Non-binary")
        entries()
        browser, address = browse(coordinator), url("pendingchange_approve", change.pk)
        # The page was opened before it moved; then without a choice; then on a value that moved again.
        for data in (
            {"take": ["gender", "phone_number"]},
            {"take": ["phone_number"], "seen_gender": '"Non-binary"'},
            {"take": ["phone_number"], "seen_gender": '"Woman"', "stale_gender": "proposed"},
        ):
            response = browser.post(address, data)
            assert response.status_code == 409
            assert "Gender" in said(response)[0]
        assert entries() == []
        data = {"take": ["phone_number"], "seen_gender": '"Non-binary"', "stale_gender": "now"}
        assert browser.post(address, data).status_code == 302
        amina.refresh_from_db()
        assert (amina.gender, amina.phone_number) == ("Non-binary", "416-555-0101")

    def test_what_was_seen_may_be_overridden(
        self, browse: Callable, amina: Client, change: PendingChange, coordinator: Staff
    ) -> None:
        moved(amina, gender="Non-binary")
        data = {"seen_gender": '"Non-binary"', "stale_gender": "proposed"}
        assert browse(coordinator).post(url("pendingchange_approve", change.pk), data).status_code == 302
        amina.refresh_from_db()
        assert (amina.gender, amina.phone_number) == ("Trans woman", None)

    def test_declining_needs_a_rationale(
        self, browse: Callable, amina: Client, change: PendingChange, coordinator: Staff, entries: Callable
    ) -> None:
        entries()
        browser, address = browse(coordinator), url("pendingchange_decline", change.pk)
        response = browser.post(address, {"rationale": " "})
        assert "Say why" in said(response)[0]
        assert entries() == []
        assert browser.post(address, {"rationale": "Not hers"}).status_code == 302
        change.refresh_from_db()
        assert (change.status, change.rationale, change.reviewed_by) == ("declined", "Not hers", coordinator)
        assert [(e.entity, e.action) for e in entries()] == [("pending_changes", "update")]

    def test_the_second_decision_is_told_of_the_first(
        self, browse: Callable, change: PendingChange, coordinator: Staff, administrator: Staff, entries: Callable
    ) -> None:
        approvals.decline(change, actor=coordinator, rationale="No")
        entries()
        response = browse(administrator).post(url("pendingchange_approve", change.pk), {"take": ["gender"]})
        assert f"{coordinator} declined this proposal on" in said(response)[0]
        assert entries() == []

    def test_no_one_decides_on_their_own(
        self, browse: Callable, amina: Client, person: Callable[..., Staff], entries: Callable
    ) -> None:
        both = person("Manager", "Client Data Coordinator")
        change = approvals.propose(amina, actor=both, values={"gender": "Man"}, reason="")
        entries()
        browser = browse(both)
        assert "Withdraw" in text(browser.get(url("pendingchange_change", change.pk)))
        assert browser.post(url("pendingchange_approve", change.pk), {"take": ["gender"]}).status_code == 403
        assert browser.post(url("pendingchange_decline", change.pk), {"rationale": "No"}).status_code == 403
        assert entries() == []

    def test_a_manager_forging_the_post_decides_nothing(
        self, browse: Callable, change: PendingChange, manager: Staff, entries: Callable
    ) -> None:
        entries()
        browser = browse(manager)
        assert browser.post(url("pendingchange_approve", change.pk), {"take": ["gender"]}).status_code == 403
        action = {"action": "approve_selected", "_selected_action": [str(change.pk)], "rationale": "x"}
        browser.post(url("pendingchange_changelist"), action)
        change.refresh_from_db()
        assert change.status == "pending"
        assert entries() == []

    @pytest.mark.parametrize("role", ["analyst", "worker"])
    @pytest.mark.parametrize("verb", ["approve", "decline", "withdraw"])
    def test_roles_without_an_inbox_find_nothing_to_decide(
        self, browse: Callable, change: PendingChange, role: str, verb: str, request: pytest.FixtureRequest
    ) -> None:
        browser = browse(request.getfixturevalue(role))
        assert browser.post(url(f"pendingchange_{verb}", change.pk), {"rationale": "x"}).status_code == 404

    @pytest.mark.parametrize("verb", ["approve", "decline", "withdraw"])
    def test_it_takes_a_post_with_a_token(
        self, browse: Callable, change: PendingChange, coordinator: Staff, verb: str
    ) -> None:
        assert browse(coordinator).get(url(f"pendingchange_{verb}", change.pk)).status_code == 405
        careless = Browser(enforce_csrf_checks=True)
        careless.force_login(coordinator, backend="django.contrib.auth.backends.ModelBackend")
        assert careless.post(url(f"pendingchange_{verb}", change.pk), {"take": "gender"}).status_code == 403
        change.refresh_from_db()
        assert change.status == "pending"

    def test_the_requester_withdraws(self, browse: Callable, change: PendingChange, manager: Staff) -> None:
        response = browse(manager).post(url("pendingchange_withdraw", change.pk), follow=True)
        assert said(response) == ["Withdrawn: Change client Amina Yusuf."]
        change.refresh_from_db()
        assert (change.status, change.withdrawn, change.reviewed_by) == ("declined", True, None)
        assert browse(manager).post(url("pendingchange_withdraw", change.pk)).status_code == 409

    def test_what_was_sent_together_is_approved_together(
        self, browse: Callable, clinic: Program, leader: Staff, coordinator: Staff
    ) -> None:
        key = uuid4()
        sent = approvals.submit(
            [
                Draft(Client, None, {"client_id": key, "first_name": "Ines", "last_name": "Vidal"}),
                Draft(ClientIdentifier, None, {"client": Client(pk=key), "source_system": "SMIS", "uid_external": "7"}),
            ],
            actor=leader,
            reason="New",
        )
        data = {"together": "1", "rationale": "Met her"}
        assert browse(coordinator).post(url("pendingchange_approve", sent[1].pk), data).status_code == 302
        assert Client.objects.get(pk=key).identifiers.count() == 1

    def test_several_are_approved_with_one_rationale_and_refusals_are_named(
        self, browse: Callable, amina: Client, change: PendingChange, leader: Staff, coordinator: Staff
    ) -> None:
        stale = approvals.propose(amina, actor=leader, values={"gender": "Man"}, reason="")
        fine = approvals.propose(amina, actor=leader, values={"alias": "Mina"}, reason="")
        action = {
            "action": "approve_selected",
            "_selected_action": [str(c.pk) for c in (fine, stale, change)],
            "rationale": "All seen",
        }
        response = browse(coordinator).post(url("pendingchange_changelist"), action, follow=True)
        refusal, done = said(response)
        assert "The record moved" in refusal
        assert done == "Approved: 2 proposals."
        assert list(PendingChange.objects.order_by("requested_at").values_list("status", "rationale")) == [
            ("approved", "All seen"),
            ("pending", None),
            ("approved", "All seen"),
        ]

    def test_several_are_not_declined_without_a_rationale(
        self, browse: Callable, change: PendingChange, coordinator: Staff
    ) -> None:
        action = {"action": "decline_selected", "_selected_action": [str(change.pk)], "rationale": ""}
        response = browse(coordinator).post(url("pendingchange_changelist"), action, follow=True)
        assert "Say why" in said(response)[0]
        change.refresh_from_db()
        assert change.status == "pending"


def test_of_a_record_that_is_gone_the_page_says_so_before_one_decides(browse, change, amina, coordinator):
    stay = amina.enrollments.get()
    proposed = approvals.propose(stay, actor=change.requested_by, values={"end_date": date(2024, 3, 1)}, reason="")
    page = url("pendingchange_change", proposed.pk)
    assert "is not there any more" not in text(browse(coordinator).get(page))
    with audit.acting(None, channel="command"):
        stay.delete()
    assert "The record is not there any more. Decline this proposal." in text(browse(coordinator).get(page))
