"""Asking back and answering on screen, what the requester hears of, and what the page says of a conflict."""

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from admin_ext.marking import marked
from core import approvals, audit, records
from core.approvals import Draft
from core.models import Client, Enrollment, PendingChange, Program, Staff
from tests.admin_ext.conftest import url

pytestmark = pytest.mark.django_db


@pytest.fixture
def change(amina: Client, manager: Staff) -> PendingChange:
    return approvals.propose(amina, actor=manager, values={"gender": "Man"}, reason="She told us")


def text(response: Any) -> str:
    return response.content.decode()


def said(response: Any) -> list[str]:
    return [str(message) for message in response.context["messages"]]


def test_a_question_is_asked_read_and_answered(
    browse: Callable, change: PendingChange, manager: Staff, coordinator: Staff, leader: Staff, entries: Callable
) -> None:
    desk, own = browse(coordinator), browse(manager)
    entries()
    response = desk.post(url("pendingchange_send_back", change.pk), {"rationale": "Who said so?"}, follow=True)
    assert said(response) == ["Sent back: Change client Amina Yusuf."]
    assert [(e.entity, e.action) for e in entries()] == [("proposal_notes", "create"), ("pending_changes", "update")]
    page = text(own.get(url("pendingchange_change", change.pk)))
    assert "Who said so?" in page
    assert "Your answer" in page
    assert "sent back" in text(own.get(url("pendingchange_changelist")))
    assert own.post(url("pendingchange_answer", change.pk), {"rationale": "She did"}).status_code == 302
    page = text(desk.get(url("pendingchange_change", change.pk)))
    assert page.index("Who said so?") < page.index("She did")
    assert browse(leader).get(url("pendingchange_change", change.pk)).status_code == 404


def test_an_empty_question_or_answer_is_refused_on_the_page(
    browse: Callable, change: PendingChange, manager: Staff, coordinator: Staff, entries: Callable
) -> None:
    entries()
    response = browse(coordinator).post(url("pendingchange_send_back", change.pk), {"rationale": " "})
    assert (response.status_code, "Say what you need to know" in said(response)[0]) == (409, True)
    response = browse(manager).post(url("pendingchange_answer", change.pk), {"rationale": "x"})
    assert (response.status_code, "Nothing was asked" in said(response)[0]) == (409, True)
    assert entries() == []


def test_what_waits_for_an_answer_is_not_in_the_badge_but_in_the_list(
    browse: Callable, change: PendingChange, coordinator: Staff
) -> None:
    desk = browse(coordinator)
    assert desk.get(reverse("admin:index")).wsgi_request.ccd_waiting == 1
    approvals.send_back(change, actor=coordinator, question="Who?")
    assert desk.get(reverse("admin:index")).wsgi_request.ccd_waiting == 0
    for status in ("waiting", "sent_back"):
        listed = desk.get(url("pendingchange_changelist"), {"status": status}).context["cl"].result_list
        assert [row.pk for row in listed] == [change.pk]


@pytest.mark.parametrize("verb", ["send_back", "answer"])
def test_the_verbs_are_posts_alone(
    browse: Callable, change: PendingChange, coordinator: Staff, entries: Callable, verb: str
) -> None:
    entries()
    assert browse(coordinator).get(url(f"pendingchange_{verb}", change.pk)).status_code == 405
    assert entries() == []


def test_a_manager_forging_the_posts_asks_and_decides_nothing(
    browse: Callable, change: PendingChange, manager: Staff, entries: Callable
) -> None:
    entries()
    for verb in ("approve", "decline", "send_back"):
        data = {"rationale": "Mine", "take": ["gender"], "together": "1"}
        assert browse(manager).post(url(f"pendingchange_{verb}", change.pk), data).status_code == 403
    assert entries() == []


def test_all_that_was_sent_together_is_declined_together(
    browse: Callable, amina: Client, clinic: Program, leader: Staff, coordinator: Staff
) -> None:
    values = {"client": amina, "program": clinic, "start_date": date(2024, 5, 1)}
    drafts = [Draft(Client, amina, {"alias": "M"}), Draft(Enrollment, None, values)]
    sent = approvals.submit(drafts, actor=leader, reason="Moved")
    page = text(browse(coordinator).get(url("pendingchange_change", sent[0].pk)))
    assert "Decline all 2" in page
    data = {"together": "1", "rationale": "Not hers"}
    assert browse(coordinator).post(url("pendingchange_decline", sent[1].pk), data).status_code == 302
    assert set(PendingChange.objects.values_list("status", "rationale")) == {("declined", "Not hers")}


def test_the_page_of_a_record_closed_meanwhile_says_so_and_nothing_breaks(
    browse: Callable, amina: Client, change: PendingChange, coordinator: Staff
) -> None:
    records.change(amina, actor=coordinator, values={"closed_on": date(2024, 12, 1)})
    browser = browse(coordinator)
    assert "was closed by" in text(browser.get(url("pendingchange_change", change.pk)))
    response = browser.post(url("pendingchange_approve", change.pk), {"take": ["gender"]})
    assert (response.status_code, "open the record again" in said(response)[0]) == (409, True)


class TestNews:
    """The requester's dashboard: what became of a proposal, until it was opened."""

    def news(self, browser: Any) -> list[tuple[str, str | None]]:
        return [(row["title"], row["said"]) for row in browser.get(reverse("admin:index")).context["news"]]

    @pytest.mark.parametrize("verb", ["approve", "decline"])
    def test_a_decision_is_news_until_it_was_opened(
        self, browse: Callable, change: PendingChange, manager: Staff, coordinator: Staff, leader: Staff, verb: str
    ) -> None:
        own = browse(manager)
        own.get(url("pendingchange_change", change.pk))  # opened before it was decided: not read
        assert self.news(own) == []
        getattr(approvals, verb)(change, actor=coordinator, rationale="Seen")
        assert self.news(own) == [("Change client Amina Yusuf", "Seen")]
        assert "Seen" in text(own.get(reverse("admin:index")))
        assert self.news(browse(leader)) == self.news(browse(coordinator)) == []
        own.get(url("pendingchange_change", change.pk))
        assert self.news(own) == []

    def test_a_question_is_news_too_and_ones_own_doing_is_not(
        self, browse: Callable, amina: Client, change: PendingChange, manager: Staff, coordinator: Staff
    ) -> None:
        approvals.send_back(change, actor=coordinator, question="Who?")
        gone = approvals.propose(amina, actor=manager, values={"alias": "M"}, reason="")
        approvals.withdraw(gone, actor=manager)
        assert self.news(browse(manager)) == [("Change client Amina Yusuf", "Who?")]

    def test_its_queries_do_not_grow_with_the_news(
        self, browse: Callable, amina: Client, manager: Staff, coordinator: Staff
    ) -> None:
        browser = browse(manager)

        def queries(number: int) -> int:
            for _ in range(number):
                alias = f"A{PendingChange.objects.count()}"
                sent = approvals.propose(amina, actor=manager, values={"alias": alias}, reason="")
                approvals.send_back(sent, actor=coordinator, question="Why?")
            with CaptureQueriesContext(
                connection,
            ) as captured:
                browser.get(reverse("admin:index"))
            return len(captured)

        assert queries(1) == queries(4)


class TestMarking:
    def test_words_that_went_and_came_are_marked_in_long_texts(self) -> None:
        gone, come = marked("He may not enter the kitchen after dark", "He may not enter the hostel after dark")
        assert gone == "He may not enter the <del>kitchen</del> after dark"
        assert come == "He may not enter the <ins>hostel</ins> after dark"

    @pytest.mark.parametrize(
        ("before", "after"),
        [
            ("Woman", "Man"),
            ("", "x" * 5000),
            ("nothing at all is alike in here", "quite other words, every one of them"),
        ],
    )
    def test_short_overlong_and_unlike_texts_are_left_alone(self, before: str, after: str) -> None:
        assert marked(before, after) == (before, after)

    def test_what_people_typed_stays_text(self) -> None:
        gone, come = marked("the <b>bold</b> reason as it was given", "the <b>bold</b> reason as it is <i>given</i>")
        assert "<b>" not in gone + come
        assert "&lt;b&gt;" in gone

    def test_the_page_marks_a_long_reason(
        self, browse: Callable, amina: Client, manager: Staff, coordinator: Staff
    ) -> None:
        with audit.acting(None, channel="command"):
            stay = amina.enrollments.get()
            Enrollment.objects.filter(pk=stay.pk).update(override_reason="The nurse asked for a bed on medical grounds")
            stay.refresh_from_db()
        wanted = {"override_reason": "The doctor asked for a bed on medical grounds"}
        change = approvals.propose(stay, actor=manager, values=wanted, reason="")
        page = text(browse(coordinator).get(url("pendingchange_change", change.pk)))
        assert "The <del>nurse</del> asked" in page
        assert "The <ins>doctor</ins> asked" in page


class TestBeforeSending:
    """What the page tells the script that shows before and after."""

    def test_who_proposes_gets_what_the_record_held_also_after_a_refused_post(
        self, browse: Callable, amina: Client, manager: Staff
    ) -> None:
        with audit.acting(None, channel="command"):
            Client.objects.filter(pk=amina.pk).update(languages_spoken=["Somali", "French"], address={"city": "Guelph"})
        response = browse(manager).get(url("client_change", amina.pk))
        fields = response.context["opened"]["fields"]
        assert (fields["gender"]["values"], fields["gender"]["text"]) == (["Woman"], "Woman")
        assert fields["languages_spoken"]["values"] == ["Somali", "French"]
        assert fields["address_city"]["text"] == "Guelph"
        assert fields["dob"]["values"] == ["1990-04-02"]
        assert fields["enrollments-0-start_date"]["row"] == "Amina Yusuf in Hostel A from 2024-01-01"
        assert set(response.context["opened"]["rows"]["enrollments"]["labels"]) >= {"program", "start_date"}
        assert "proposal_reason" not in fields
        assert 'id="ccd-opened"' in text(response)

    def test_who_edits_directly_gets_none_of_it(self, browse: Callable, amina: Client, coordinator: Staff) -> None:
        assert "ccd-opened" not in text(browse(coordinator).get(url("client_change", amina.pk)))
