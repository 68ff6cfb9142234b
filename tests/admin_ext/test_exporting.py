"""Exports of lists: the filtered rows, explicit columns, no formula, an entry in the access log."""

import csv
import io
from datetime import date

import pytest
from openpyxl import load_workbook

from core import audit
from core.models import AccessEntry, Client
from tests.admin_ext.conftest import url


def _rows(response: object) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(b"".join(response.streaming_content).decode("utf-8-sig"))))


def test_the_filtered_clients_leave_as_csv(browse, analyst, amina, stranger):
    with audit.acting(None, channel="command"):
        Client.objects.filter(pk=amina.pk).update(
            address={"city": "Toronto"}, alias="=1+1", languages_spoken=["Cree", "Dari"]
        )
    response = browse(analyst).get(url("client_export", "csv"), {"gender": "Woman"})
    (row,) = _rows(response)
    assert (row["first_name"], row["city"], row["alias"]) == ("Amina", "Toronto", "'=1+1")
    assert (row["dob"], row["languages_spoken"]) == ("1990-04-02", "Cree;Dari")
    entry = AccessEntry.objects.get(action="export")
    assert (entry.staff, entry.entity, entry.number, entry.detail) == (analyst, "clients", 1, "gender=Woman")


def test_xlsx_has_the_same_rows_and_dates(browse, coordinator, amina):
    response = browse(coordinator).get(url("client_export", "xlsx"))
    rows = list(load_workbook(io.BytesIO(response.getvalue())).active.values)
    assert rows[0][:3] == ("client_id", "uid_external", "first_name")
    assert rows[1][2] == "Amina"
    assert date(1990, 4, 2) in [getattr(cell, "date", lambda: None)() for cell in rows[1] if cell is not None]


@pytest.mark.parametrize("name", ["client", "program", "enrollment", "restriction", "intake", "discharge"])
@pytest.mark.parametrize("role", ["manager", "leader", "worker"])
def test_who_may_not_export_gets_no_file_and_no_link(request, browse, amina, role, name):
    browser = browse(request.getfixturevalue(role))
    assert browser.get(url(f"{name}_export", "csv")).status_code == 403
    assert "/export." not in browser.get(url(f"{name}_changelist")).content.decode()


@pytest.mark.parametrize("name", ["program", "enrollment", "restriction", "intake", "discharge"])
def test_every_list_can_be_exported(browse, administrator, amina, shelter, name):
    browser = browse(administrator)
    assert url(f"{name}_export", "csv") in browser.get(url(f"{name}_changelist")).content.decode()
    rows = _rows(browser.get(url(f"{name}_export", "csv")))
    assert len(rows) == (1 if name in ("program", "enrollment") else 0)


def test_another_kind_of_file_is_not_found(browse, administrator):
    assert browse(administrator).get(url("client_export", "exe")).status_code == 404


def test_lookups_of_an_export_are_no_oracle(browse, analyst, amina):
    assert browse(analyst).get(url("client_export", "csv"), {"first_name__startswith": "A"}).status_code == 400


def test_spreadsheets_are_told_that_a_list_is_utf_8(browse, analyst, amina):
    with audit.acting(None, channel="command"):
        Client.objects.filter(pk=amina.pk).update(first_name="Zoë")
    content = b"".join(browse(analyst).get(url("client_export", "csv")).streaming_content)
    assert content.startswith("\ufeffclient_id,".encode())
    assert content.count("\ufeff".encode()) == 1
    assert ",Zoë," in content.decode()
