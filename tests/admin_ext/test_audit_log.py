"""The audit log's screens: read only, filtered, in words; the same as CSV for those who may export."""

import csv
from collections.abc import Callable
from datetime import date
from io import StringIO
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from core import approvals, audit, records
from core.models import AccessEntry, AuditEntry, Client, Enrollment, ImportBatch, Program, Staff
from tests.admin_ext.conftest import url

pytestmark = pytest.mark.django_db


@pytest.fixture
def edited(amina: Client, coordinator: Staff) -> AuditEntry:
    """The coordinator gave Amina an alias."""
    records.change(amina, actor=coordinator, values={"alias": "=Mina", "phone_number": "1"}, reason="She told us")
    return AuditEntry.objects.get(entity="clients", action="update")


def shown(response: Any) -> list[str]:
    return [entry.reading.what for entry in response.context["cl"].result_list]


def rows(response: Any) -> list[dict[str, str]]:
    return list(csv.DictReader(StringIO(b"".join(response.streaming_content).decode("utf-8-sig"))))


def test_the_list_says_when_who_road_and_what(browse: Callable, edited: AuditEntry, coordinator: Staff) -> None:
    response = browse(coordinator).get(url("auditentry_changelist"))
    page = response.content.decode()
    assert shown(response)[0] == "Changed client Amina Yusuf"
    assert "“She told us”" in page
    assert "Direct edit" in page
    assert str(coordinator) in page
    assert "Alias, Phone number" in page
    assert " ".join(page.split()).count(f"{AuditEntry.objects.count()} entries") == 1


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"entity": "programs"}, ["Added program Hostel A"]),
        ({"action": "update"}, ["Changed client Amina Yusuf"]),
        ({"channel": "admin"}, ["Changed client Amina Yusuf"]),
        ({"who": "coordinator"}, ["Changed client Amina Yusuf"]),
        ({"who": "nonsense"}, []),
        ({"who": "system", "entity": "clients"}, ["Added client Amina Yusuf"]),
        ({"changed_at_from": "today", "action": "update"}, ["Changed client Amina Yusuf"]),
        ({"changed_at_to": "today", "action": "update"}, ["Changed client Amina Yusuf"]),
        ({"changed_at_to": "2020-01-01"}, []),
        ({"changed_at_from": "2999-01-01"}, []),
        ({"q": "amina yus", "action": "update"}, ["Changed client Amina Yusuf"]),
        ({"q": "nobody"}, []),
        ({"q": "key", "action": "update"}, ["Changed client Amina Yusuf"]),
    ],
)
def test_it_filters_by_record_days_person_action_and_road_and_finds_clients(
    browse: Callable, edited: AuditEntry, coordinator: Staff, amina: Client, query: dict, expected: list[str]
) -> None:
    stand_ins = {"coordinator": coordinator.pk, "key": amina.pk, "today": timezone.localdate()}
    query = {name: str(stand_ins.get(value, value)) for name, value in query.items()}
    assert shown(browse(coordinator).get(url("auditentry_changelist"), query)) == expected


@pytest.mark.parametrize("end", ["9999-12-31", "0001-01-01"])
def test_any_day_there_is_may_be_asked_for(browse: Callable, edited: AuditEntry, coordinator: Staff, end: str) -> None:
    for name in ("changed_at_from", "changed_at_to"):
        assert browse(coordinator).get(url("auditentry_changelist"), {name: end}).status_code == 200


@pytest.mark.parametrize("query", [{"changed_at_from": "nonsense"}, {"diff_json__icontains": "x"}, {"q": "\x00"}])
def test_an_odd_question_is_no_accident(browse: Callable, edited: AuditEntry, coordinator: Staff, query: dict) -> None:
    assert browse(coordinator).get(url("auditentry_changelist"), query).status_code in (200, 302, 400)


def test_one_entry_shows_before_and_after_and_leads_to_record_and_proposal(
    browse: Callable, amina: Client, manager: Staff, coordinator: Staff
) -> None:
    change = approvals.propose(amina, actor=manager, values={"gender": "Man"}, reason="Asked")
    approvals.approve(change, actor=coordinator, rationale="Agreed")
    entry = AuditEntry.objects.get(entity="clients", action="update")
    page = browse(coordinator).get(url("auditentry_change", entry.pk)).content.decode()
    for expected in ("Woman", "Man", "Agreed", str(manager), str(coordinator), "Approved proposal"):
        assert expected in page
    assert url("client_change", amina.pk) in page
    assert url("pendingchange_change", change.pk) in page


def test_a_daily_file_shows_its_summary(browse: Callable, coordinator: Staff, analyst: Staff) -> None:
    with audit.acting(None, channel="import"):
        batch = ImportBatch.objects.create(
            source_system="SMIS", file_name="smis.csv", sha256="0" * 64, size=9, status="applied", summary={"rows": 31}
        )
    entry = AuditEntry.objects.get(action="import")
    page = browse(coordinator).get(url("auditentry_change", entry.pk)).content.decode()
    assert "Summary" in page
    assert "31" in page
    assert url("importbatch_change", batch.pk) in page
    assert url("importbatch_change", batch.pk) not in (
        browse(analyst).get(url("auditentry_change", entry.pk)).content.decode()
    )


def test_nothing_can_be_written_here(browse: Callable, edited: AuditEntry, administrator: Staff) -> None:
    browser = browse(administrator)
    assert browser.get(url("auditentry_add")).status_code == 403
    assert browser.post(url("auditentry_delete", edited.pk), {"post": "yes"}).status_code == 403
    assert browser.post(url("auditentry_change", edited.pk), {"entity": "x"}).status_code == 405
    assert AuditEntry.objects.filter(pk=edited.pk, entity="clients").exists()


@pytest.mark.parametrize("role", ["worker", "other_worker"])
def test_staff_have_no_audit_log(
    browse: Callable, edited: AuditEntry, role: str, request: pytest.FixtureRequest
) -> None:
    browser = browse(request.getfixturevalue(role))
    assert browser.get(url("auditentry_changelist")).status_code == 403
    assert browser.get(url("auditentry_export")).status_code == 403
    known, unknown = browser.get(url("auditentry_change", edited.pk)), browser.get(url("auditentry_change", uuid4()))
    assert known.status_code == unknown.status_code == 404
    assert known.content == unknown.content


def test_a_manager_sees_the_entries_of_records_and_no_accounts(
    browse: Callable, edited: AuditEntry, manager: Staff, administrator: Staff
) -> None:
    with audit.acting(administrator, channel="admin"):
        Staff.objects.filter(pk=administrator.pk).update(first_name="CANARY")
    browser = browse(manager)
    response = browser.get(url("auditentry_changelist"), {"entity": "staff"})
    assert shown(response) == []
    assert shown(browser.get(url("auditentry_changelist")))[0] == "Changed client Amina Yusuf"
    entry = AuditEntry.objects.get(entity="staff", action="update")
    assert browser.get(url("auditentry_change", entry.pk)).status_code == 404


def test_the_csv_holds_what_the_list_holds_a_line_per_field_and_no_formula(
    browse: Callable, edited: AuditEntry, analyst: Staff, coordinator: Staff, amina: Client
) -> None:
    response = browse(analyst).get(url("auditentry_export"), {"action": "update"})
    assert response.headers["Content-Type"].startswith("text/csv")
    first, second = rows(response)
    assert (first["who"], first["road"], first["action"]) == (str(coordinator), "Direct edit", "update")
    assert (first["entity"], first["entity_id"]) == ("clients", str(amina.pk))
    assert (first["field"], first["before"], first["after"]) == ("Alias", "", "'=Mina")
    assert (second["field"], second["after"], second["reason"]) == ("Phone number", "1", "She told us")
    entry = AccessEntry.objects.get()
    assert (entry.staff, entry.action, entry.entity, entry.detail) == (analyst, "export", "audit_log", "action=update")
    assert (entry.client_ids, entry.number) == ([amina.pk], 1)


@pytest.mark.parametrize("role", ["manager", "leader"])
def test_managers_read_and_do_not_export(
    browse: Callable, edited: AuditEntry, role: str, request: pytest.FixtureRequest
) -> None:
    browser = browse(request.getfixturevalue(role))
    assert "CSV of this list" not in browser.get(url("auditentry_changelist")).content.decode()
    assert browser.get(url("auditentry_export")).status_code == 403
    assert not AccessEntry.objects.filter(action="export").exists()


def test_the_csv_is_written_in_portions(
    browse: Callable, amina: Client, shelter: Program, coordinator: Staff, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("admin_ext.audit_export.PORTION", 3)
    total = AuditEntry.objects.count()
    response = browse(coordinator).get(url("auditentry_export"))
    keys = {(row["when"], row["entity"], row["entity_id"]) for row in rows(response)}
    assert len(keys) >= total - 8 > 0
    assert {row["entity"] for row in rows(browse(coordinator).get(url("auditentry_export"), {"entity": "roles"}))} <= {
        "roles"
    }


def test_its_queries_do_not_grow_with_the_list(
    browse: Callable, amina: Client, shelter: Program, coordinator: Staff
) -> None:
    browser = browse(coordinator)

    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            browser.get(url("auditentry_changelist"))
        return len(captured)

    with audit.acting(coordinator, channel="admin"):
        records.change(amina, actor=coordinator, values={"alias": "M"})
    queries()
    few = queries()
    with audit.acting(coordinator, channel="admin"):
        for number in range(15):
            client = Client.objects.create(first_name=f"C{number}", last_name="X")
            Enrollment.objects.create(client=client, program=shelter, start_date=date(2024, 1, 1))
    assert queries() == few
