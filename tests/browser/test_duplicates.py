"""Duplicates by keys alone: move, compare, link, and take it back."""

import pytest
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from core import audit
from core.models import Client, ClientLink, Staff
from tests.browser.conftest import log_in

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_pair_is_linked_by_keys_and_unlinked_on_its_page(
    page: Page, live_server: LiveServer, coordinator: Staff, amina: Client
) -> None:
    with audit.acting(None, channel="command"):
        Client.objects.create(first_name="Amnia", last_name="Yusuf", dob=amina.dob, gender="Woman")
    before = list(Client.objects.order_by("pk").values())
    log_in(page, live_server, coordinator)
    page.goto(f"{live_server.url}/admin/core/clientlink/")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Why they may be one person")).to_be_visible()
    page.fill("#id_reason", "sun")  # s, u and n are letters while one types
    page.locator("#id_reason").blur()
    page.keyboard.press("s")
    expect(page.get_by_role("heading", name="One person")).to_be_visible()
    made = ClientLink.objects.get()
    assert (made.verdict, made.reason, made.decided_by) == ("same", "sun", coordinator)
    page.get_by_role("button", name="Unlink").click()
    expect(page.get_by_text("Taken back on")).to_be_visible()
    assert list(Client.objects.order_by("pk").values()) == before
