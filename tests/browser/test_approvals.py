"""A manager proposes, a coordinator decides, the manager reads it: with the mouse and with the keys."""

from datetime import date

import pytest
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from core import approvals
from core.models import AuditEntry, Client, Enrollment, PendingChange, Program, Staff
from tests.browser.conftest import log_in

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser, pytest.mark.slow]


def test_a_manager_proposes_two_things_one_is_approved_one_declined_and_both_are_read(
    page: Page,
    live_server: LiveServer,
    manager: Staff,
    coordinator: Staff,
    amina: Client,
    clinic: Program,
) -> None:
    log_in(page, live_server, manager)
    page.goto(f"{live_server.url}/admin/core/client/{amina.pk}/change/")
    panel = page.locator("#ccd-sending")
    expect(panel).to_contain_text("Nothing differs from the record yet.")
    page.fill("#id_phone_number", "416-555-0142")
    expect(panel.get_by_role("row").filter(has_text="Phone number")).to_contain_text("—416-555-0142")

    page.locator("a[href='#enrollments']").evaluate("tab => tab.click()")  # Unfold may have put it into its menu
    page.locator("#enrollments-group").get_by_text("Add another").last.click()
    page.locator("select[name=enrollments-1-program]").select_option(str(clinic.pk))
    page.locator("input[name=enrollments-1-start_date]").fill("2026-02-01")
    expect(panel.get_by_role("row").filter(has_text="New enrollment").first).to_contain_text("Clinic")
    page.fill("[name=proposal_reason]", "She called from a new phone and starts at the clinic")
    page.get_by_role("button", name="Submit for approval").click()
    expect(page.get_by_text("Nothing was changed yet").first).to_be_visible()
    expect(page.get_by_text("2 changes are waiting for approval")).to_be_visible()
    amina.refresh_from_db()
    assert (amina.phone_number, amina.enrollments.count()) == (None, 1)

    log_in(page, live_server, coordinator)
    page.goto(f"{live_server.url}/admin/core/pendingchange/")
    expect(page.locator("#result_list").get_by_text("Change client Amina Yusuf")).to_be_visible()
    expect(page.locator("#result_list").get_by_text("Enroll Amina Yusuf in Clinic")).to_be_visible()
    page.keyboard.press("j")  # the keys: the first one, opened and approved
    page.keyboard.press("Enter")
    expect(page.get_by_text("She called from a new phone").first).to_be_visible()
    page.keyboard.press("a")
    expect(page.get_by_text("Approved: Change client Amina Yusuf.")).to_be_visible()
    page.get_by_role("link", name="Enroll Amina Yusuf in Clinic").click()
    page.fill("#id_rationale", "The clinic is full until March")
    page.get_by_role("button", name="Decline", exact=True).click()
    expect(page.get_by_text("Declined: Enroll Amina Yusuf in Clinic.")).to_be_visible()
    amina.refresh_from_db()
    assert (amina.phone_number, amina.enrollments.count()) == ("416-555-0142", 1)
    entry = AuditEntry.objects.filter(entity="clients", action="update").latest("position")
    assert (entry.changed_by, entry.requested_by, entry.channel) == (coordinator, manager, "approval")

    log_in(page, live_server, manager)
    news = page.locator(".ccd-news")
    expect(news).to_contain_text("The clinic is full until March")
    expect(news.get_by_text("approved")).to_be_visible()
    news.get_by_role("link", name="Enroll Amina Yusuf in Clinic").click()
    expect(page.get_by_text("The clinic is full until March")).to_be_visible()
    page.goto(f"{live_server.url}/admin/")
    expect(page.locator(".ccd-news").get_by_role("link")).to_have_count(1)


def test_several_are_declined_with_the_keys_and_one_rationale(
    page: Page, live_server: LiveServer, manager: Staff, coordinator: Staff, amina: Client
) -> None:
    for alias in ("Mina", "Ama"):
        approvals.propose(amina, actor=manager, values={"alias": alias}, reason="Asked")
    log_in(page, live_server, coordinator)
    page.goto(f"{live_server.url}/admin/core/pendingchange/")
    for key in ("j", "x", "j", "x", "d"):
        page.keyboard.press(key)
    expect(page.locator("input[name=rationale]")).to_be_focused()
    page.keyboard.type("Ask again with a paper")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Declined: 2 proposals.")).to_be_visible()
    assert set(PendingChange.objects.values_list("status", "rationale")) == {("declined", "Ask again with a paper")}


def test_a_question_goes_back_and_the_answer_comes(
    page: Page, live_server: LiveServer, manager: Staff, coordinator: Staff, amina: Client
) -> None:
    stay = Enrollment.objects.get()
    change = approvals.propose(stay, actor=manager, values={"end_date": date(2026, 1, 1)}, reason="Moved out")
    log_in(page, live_server, coordinator)
    page.goto(f"{live_server.url}/admin/core/pendingchange/{change.pk}/change/")
    page.keyboard.press("d")  # without a rationale: that is asked for first
    expect(page.locator("#id_rationale")).to_be_focused()
    page.keyboard.type("Where to?")
    page.get_by_role("button", name="Send back with a question").click()
    expect(page.get_by_text("Sent back: End the enrollment")).to_be_visible()

    log_in(page, live_server, manager)
    page.locator(".ccd-news").get_by_role("link").click()
    expect(page.get_by_text("Where to?")).to_be_visible()
    page.fill("#id_rationale", "To her sister")
    page.get_by_role("button", name="Answer").click()
    expect(page.get_by_text("Answered: End the enrollment")).to_be_visible()
    change.refresh_from_db()
    assert (change.status, change.is_sent_back, change.notes.count()) == ("pending", False, 2)
