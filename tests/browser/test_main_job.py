"""The main job as a coordinator does it: a file goes in, the person is found, the place is taken."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from core.models import AuditEntry, Client, Program, Staff
from tests.browser.conftest import log_in

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser, pytest.mark.slow]

FILE = (
    "SMIS Client No,Surname,Given Name,DOB,Shelter,Admission Date\n"
    "S-1,Yusuf,Amina,1990-04-02,Hostel A,2026-01-05\n"
    "S-2,Vidal,Ines,1985-02-30,Hostel A,2026-01-05\n"
)


def test_a_coordinator_takes_a_file_in_and_finds_person_and_vacancy(
    page: Page, live_server: LiveServer, coordinator: Staff, shelter: Program, tmp_path: Path
) -> None:
    path = tmp_path / "smis.csv"
    path.write_text(FILE)
    log_in(page, live_server, coordinator)
    page.goto(f"{live_server.url}/admin/core/importbatch/add/")
    page.select_option("select[name=source]", "SMIS")
    page.set_input_files("input[type=file]", str(path))
    page.get_by_role("button", name="Check and preview").click()
    expect(page.get_by_text("1985-02-30").first).to_be_visible()
    assert not Client.objects.exists()

    page.get_by_role("button", name="Confirm and take in").click()
    expect(page.get_by_text("Taken in: 1 created, 1 rejected.")).to_be_visible()
    client = Client.objects.get()
    assert AuditEntry.objects.get(action="import").changed_by == coordinator

    page.goto(f"{live_server.url}/admin/core/client/")
    page.fill("#searchbar", "amína yus")
    page.keyboard.press("Enter")
    page.get_by_role("link", name="Amina Yusuf").click()
    expect(page).to_have_url(re.compile(f"/admin/core/client/{client.pk}/change/"))
    expect(page.get_by_text("Hostel A since 2026-01-05")).to_be_visible()

    page.goto(f"{live_server.url}/admin/reports/vacancy/")
    row = page.get_by_role("row").filter(has_text="Hostel A")
    expect(row).to_contain_text("10")
    expect(row).to_contain_text("9")
