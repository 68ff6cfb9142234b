"""Duplicates: what waits, side by side; linking with fields chosen, unlinking, and the page of a decision."""

from collections.abc import Callable
from datetime import date

import pytest
from django.db import connection
from django.test import Client as Browser
from django.test.utils import CaptureQueriesContext

from core import audit
from core.linking.joining import link
from core.models import AuditEntry, Client, ClientLink, Enrollment, Intake, Program, Staff
from tests.admin_ext.conftest import url

pytestmark = pytest.mark.django_db


@pytest.fixture
def twice(amina: Client, shelter: Program) -> Client:
    """Amina again, with a slip of the pen, a phone number, and a stay that overlaps hers."""
    with audit.acting(None, channel="command"):
        client = Client.objects.create(
            first_name="Amnia", last_name="Yusuf", dob=amina.dob, gender="Woman", phone_number="416 555 0142"
        )
        Enrollment.objects.create(client=client, program=shelter, start_date=date(2024, 6, 1))
    return client


@pytest.fixture
def desk(browse: Callable[[Staff], Browser], coordinator: Staff) -> Browser:
    return browse(coordinator)


def test_a_group_of_three_is_shown_together_with_every_bit(desk: Browser, amina: Client, twice: Client) -> None:
    with audit.acting(None, channel="command"):
        Client.objects.create(first_name="Yusuf", last_name="Amina", dob=amina.dob)
    page = desk.get(url("clientlink_changelist"))
    (group,) = page.context["groups"]
    assert len(group.clients) == 3
    for pair in group.pairs:
        (candidate,) = pair.why.candidates
        assert sum(line.bits for line in candidate.lines) == pytest.approx(pair.bits, abs=0.05)


def test_the_pair_offers_each_field_that_differs_and_prefers_a_value_to_none(
    desk: Browser, amina: Client, twice: Client
) -> None:
    page = desk.get(url("clientlink_link", twice.pk, amina.pk))
    assert {c.field: c.take for c in page.context["choices"]} == {"first_name": False, "phone_number": True}
    assert page.context["why"].candidates[0].client == amina.pk


def test_a_blank_is_not_offered_to_be_taken(desk: Browser, amina: Client, twice: Client) -> None:
    page = desk.get(url("clientlink_link", amina.pk, twice.pk)).content.decode()
    assert 'value="first_name"' in page
    assert 'value="phone_number"' not in page
    assert "nothing to take" in page


def test_linking_takes_the_chosen_fields_and_keeps_why(
    desk: Browser, amina: Client, twice: Client, coordinator: Staff
) -> None:
    answer = desk.post(url("clientlink_link", twice.pk, amina.pk), {"take": ["phone_number"], "reason": "same phone"})
    made = ClientLink.objects.get()
    assert answer.url == url("clientlink_change", made.pk)
    amina.refresh_from_db()
    twice.refresh_from_db()
    assert (amina.first_name, amina.phone_number, twice.linked_to_id) == ("Amina", "416 555 0142", amina.pk)
    assert (made.decided_by, made.reason) == (coordinator, "same phone")
    assert AuditEntry.objects.latest("position").channel == "link"
    page = desk.get(answer.url)
    assert page.context["taken"] == [("Phone number", "—", "416 555 0142")]
    (candidate,) = page.context["why"].candidates
    assert sum(line.bits for line in candidate.lines) == pytest.approx(candidate.total, abs=0.05)
    assert "Date of birth" in {line.label for line in candidate.lines}


def test_unlinking_from_the_page_gives_both_back(desk: Browser, amina: Client, twice: Client) -> None:
    before = list(Client.objects.order_by("pk").values())
    desk.post(url("clientlink_link", twice.pk, amina.pk), {"take": ["phone_number"]})
    made = ClientLink.objects.get()
    desk.post(url("clientlink_unlink", made.pk), {"reason": "they are cousins"})
    assert list(Client.objects.order_by("pk").values()) == before
    said = desk.get(url("clientlink_change", made.pk)).content.decode()
    assert "Taken back on" in said
    assert "Unlink: two records again" not in said


def test_a_link_that_is_refused_says_why_and_keeps_what_was_chosen(
    desk: Browser, amina: Client, twice: Client, coordinator: Staff
) -> None:
    link(twice, amina, actor=coordinator)
    answer = desk.post(url("clientlink_link", twice.pk, amina.pk), {"take": ["first_name"], "reason": "again"})
    assert answer.status_code == 409
    assert "linked to another record already" in answer.content.decode()
    assert [c.field for c in answer.context["choices"] if c.take] == ["first_name"]
    assert ClientLink.objects.count() == 1


def test_an_unknown_field_is_refused(desk: Browser, amina: Client, twice: Client) -> None:
    answer = desk.post(url("clientlink_link", twice.pk, amina.pk), {"take": ["linked_to_id"]})
    assert answer.status_code == 409
    assert not ClientLink.objects.exists()


def test_stays_that_overlap_after_a_link_are_tasks_until_put_in_order(
    desk: Browser, amina: Client, twice: Client, coordinator: Staff
) -> None:
    tasks = url("clientlink_changelist") + "?tab=overlaps"
    assert desk.get(tasks).context["tasks"] == []
    link(twice, amina, actor=coordinator)
    ((person, program, _),) = desk.get(tasks).context["tasks"]
    assert (person, program.name) == (amina, "Hostel A")
    with audit.acting(coordinator, channel="admin"):
        Enrollment.objects.filter(client=amina).update(end_date=date(2024, 5, 31))
    assert desk.get(tasks).context["tasks"] == []


def test_what_was_decided_is_listed_and_opens(desk: Browser, amina: Client, twice: Client) -> None:
    desk.post(url("clientlink_not_same", twice.pk, amina.pk))
    (row,) = desk.get(url("clientlink_changelist") + "?tab=not_same").context["decisions"]
    page = desk.get(url("clientlink_change", row.pk))
    assert page.status_code == 200
    assert "Unlink" not in page.content.decode()
    assert list(desk.get(url("clientlink_changelist") + "?tab=linked").context["decisions"]) == []


def test_looking_changes_nothing(desk: Browser, amina: Client, twice: Client, coordinator: Staff) -> None:
    made = link(twice, amina, actor=coordinator)
    position = AuditEntry.objects.latest("position").position
    for address in (url("clientlink_change", made.pk), url("clientlink_link", twice.pk, amina.pk)):
        assert desk.get(address).status_code == 200
    assert desk.get(url("clientlink_unlink", made.pk)).status_code == 405
    assert AuditEntry.objects.latest("position").position == position


@pytest.mark.parametrize("role", ["Manager", "Leader", "Analyst", "Staff"])
def test_others_see_and_decide_nothing(
    browse: Callable[[Staff], Browser],
    person: Callable[..., Staff],
    amina: Client,
    twice: Client,
    coordinator: Staff,
    role: str,
) -> None:
    browser = browse(person(role))
    made = link(twice, amina, actor=coordinator)
    assert browser.get(url("clientlink_change", made.pk)).status_code == 404
    assert browser.post(url("clientlink_unlink", made.pk)).status_code == 404
    assert browser.post(url("clientlink_link", twice.pk, amina.pk)).status_code in (403, 404)
    assert ClientLink.objects.get().undone_at is None


def test_the_list_and_the_tasks_take_as_many_queries_for_many_as_for_a_few(
    desk: Browser, shelter: Program, coordinator: Staff
) -> None:
    def queries(number: int, year: int, tab: str) -> int:
        with audit.acting(coordinator, channel="admin"):
            for month in range(1, number + 1):
                pair = [
                    Client.objects.create(first_name=first, last_name=f"Yusuf{month}", dob=date(year, month, 3))
                    for first in ("Amina", "Amnia")
                ]
                for one in pair:
                    Enrollment.objects.create(client=one, program=shelter, start_date=date(2024, 6, 1))
                if tab:
                    link(*pair, actor=coordinator)
        desk.get(url("clientlink_changelist"), {"tab": tab})
        with CaptureQueriesContext(connection) as seen:
            assert desk.get(url("clientlink_changelist"), {"tab": tab}).status_code == 200
        return len(seen)

    for tab in ("", "linked", "overlaps"):
        assert queries(2, 1950 + len(tab), tab) == queries(9, 1970 + len(tab), tab), tab


def test_the_shown_record_says_what_hangs_on_the_other(
    desk: Browser, coordinator: Staff, amina: Client, twice: Client, clinic: Program
) -> None:
    with audit.acting(None, channel="command"):
        for program in (clinic, amina.enrollments.get().program):
            Intake.objects.create(client=twice, program=program, intake_date=date(2024, 6, 1))
    link(twice, amina, actor=coordinator, reason="The same")
    page = desk.get(url("client_change", amina.pk)).content.decode()
    assert "Amnia Yusuf</a>, with 1 enrollment, 2 intakes on that record" in page
