"""The rejects desk with the keys: a row is answered, one becomes a new person, a program is named once."""

import os
from datetime import date
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from core import audit
from core.ingest import desk
from core.models import Client, ImportRow, Program, Staff
from tests.browser.conftest import log_in
from tests.ingest.test_desk import AMINA, feed

BORIS = {"first_name": "Boris", "last_name": "Novak", "dob": "1971-12-30"}
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser, pytest.mark.slow]


def test_a_coordinator_clears_the_desk_with_the_keys(
    page: Page, live_server: LiveServer, coordinator: Staff, shelter: Program
) -> None:
    with audit.acting(None, channel="command"):
        for phone in ("416-555-0101", "416-555-0102"):
            Client.objects.create(first_name="Amina", last_name="Yusuf", dob=date(1990, 4, 2), phone_number=phone)
    feed(
        {**AMINA, "uid_external": "S-1", "phone_number": "416-555-0102"},
        {**AMINA, "uid_external": "S-2", "phone_number": "647-555-0177"},
        {**BORIS, "program": "Hostl", "start_date": "2024-02-01"},
    )
    log_in(page, live_server, coordinator)
    page.goto(f"{live_server.url}/admin/desk/")
    _show(page, "people")
    expect(page.get_by_text("1 of 2")).to_be_visible()
    page.keyboard.press("j")
    expect(page.get_by_text("2 of 2")).to_be_visible()
    page.keyboard.press("k")
    expect(page.get_by_text("1 of 2")).to_be_visible()
    theirs = page.locator("th", has_text="Amina Yusuf").nth(1).locator("a")
    key = (theirs.get_attribute("href") or "").split("/")[-3]
    page.keyboard.press("2")
    expect(page.get_by_text("It is Amina Yusuf: 1 row taken in.")).to_be_visible()
    page.keyboard.press("n")
    expect(page.get_by_text("A new client: 1 row taken in.")).to_be_visible()
    _show(page, "program")
    page.get_by_label("Program meant by Hostl").select_option(str(shelter.pk))
    page.get_by_role("button", name="It is this one").click()
    expect(page.get_by_text("Nothing waits")).to_be_visible()
    answered = ImportRow.objects.get(row_number=1)
    assert (str(answered.client_id), answered.settled_as, answered.settled_by) == (key, "same", coordinator)
    assert Client.objects.count() == 4
    assert not desk.open_rows().exists()


def _show(page: Page, name: str) -> None:
    """Pictures to look at, where CCD_SHOTS names a folder."""
    if folder := os.environ.get("CCD_SHOTS"):
        for width in (1280, 420):
            for theme in ("light", "dark"):
                page.set_viewport_size({"width": width, "height": 900})
                page.evaluate(f"document.documentElement.classList.toggle('dark', {str(theme == 'dark').lower()})")
                page.screenshot(path=Path(folder) / f"{name}-{width}-{theme}.png", full_page=True)
        page.evaluate("document.documentElement.classList.remove('dark')")
        page.set_viewport_size({"width": 1280, "height": 900})
