"""Managers and leaders use the ordinary pages: what they save waits for a second person and changes nothing."""

from datetime import date
from uuid import uuid4

import pytest

from core import audit
from core.models import Client, Department, Enrollment, PendingChange, Program, ProgramStaff, Restriction
from tests.admin_ext.conftest import client_form, empty_formsets, url

CANONICAL = (Client, Enrollment, Restriction, Program, Department, ProgramStaff)


def _rows() -> list[list[dict]]:
    return [list(model.objects.order_by("pk").values()) for model in CANONICAL]


@pytest.fixture(params=["manager", "leader"])
def proposer(request):
    return request.getfixturevalue(request.param)


def test_the_page_says_submit_for_approval(browse, proposer, amina):
    body = browse(proposer).get(url("client_change", amina.pk)).content.decode()
    assert "Submit for approval" in body
    assert "Save and stay" not in body
    assert 'name="proposal_reason"' in body


def test_an_edit_becomes_a_proposal_and_changes_nothing(browse, proposer, amina, entries):
    before = _rows()
    entries()
    data = client_form(amina, gender="Man", proposal_reason="She told me", _continue="1")
    response = browse(proposer).post(url("client_change", amina.pk), data, follow=True)
    assert _rows() == before
    (change,) = PendingChange.objects.all()
    assert (change.entity, change.entity_id, change.requested_by) == ("clients", amina.pk, proposer)
    assert change.diff_json == {"before": {"gender": "Woman"}, "after": {"gender": "Man"}}
    assert change.reason == "She told me"
    assert [entry.entity for entry in entries()] == ["pending_changes"]
    body = response.content.decode()
    assert "Nothing was changed yet" in body
    assert "changed successfully" not in body
    assert "1 change is waiting for approval" in body


def test_the_reason_is_required(browse, manager, amina):
    response = browse(manager).post(url("client_change", amina.pk), client_form(amina, gender="Man"))
    assert response.status_code == 200
    assert "Say why" in response.content.decode()
    assert not PendingChange.objects.exists()


def test_inline_rows_become_proposals_too(browse, manager, amina, clinic):
    before = _rows()
    row = {
        "enrollments-TOTAL_FORMS": "1",
        "enrollments-0-program": str(clinic.pk),
        "enrollments-0-start_date": "2024-03-01",
    }
    data = client_form(amina, alias="Mina", proposal_reason="Both", **row)
    response = browse(manager).post(url("client_change", amina.pk), data)
    assert response.status_code == 302
    assert _rows() == before
    assert sorted(PendingChange.objects.values_list("entity", "kind")) == [
        ("client_program_enrollments", "create"),
        ("clients", "change"),
    ]
    assert len(set(PendingChange.objects.values_list("group_id", flat=True))) == 1


@pytest.mark.parametrize("name", ["client", "enrollment", "restriction", "program", "department"])
def test_a_new_record_is_proposed(browse, manager, amina, clinic, name):
    before = _rows()
    values = {
        "client": {"first_name": "Noor", "last_name": "Haddad"},
        "enrollment": {"client": str(amina.pk), "program": str(clinic.pk), "start_date": "2026-01-01"},
        "restriction": {"client": str(amina.pk), "scope": "org", "start_date": "2026-01-01", "reason": "Fight"},
        "program": {"name": "Kitchen", "department": str(clinic.department_id)},
        "department": {"name": "Food"},
    }[name]
    response = browse(manager).post(url(f"{name}_add"), {**values, "proposal_reason": "New"}, follow=True)
    assert _rows() == before
    assert PendingChange.objects.get().kind == "create"
    assert "added successfully" not in response.content.decode()


def test_what_would_be_refused_is_refused_now(browse, manager, amina, shelter):
    data = {"client": str(amina.pk), "program": str(shelter.pk), "start_date": "2024-05-01", "proposal_reason": "x"}
    response = browse(manager).post(url("enrollment_add"), data)
    assert response.status_code == 200
    assert "during those days already" in response.content.decode()
    assert not PendingChange.objects.exists()


def test_nothing_different_is_no_proposal(browse, manager, amina):
    data = client_form(amina, proposal_reason="Hm")
    response = browse(manager).post(url("client_change", amina.pk), data, follow=True)
    assert "Nothing differed" in response.content.decode()
    assert not PendingChange.objects.exists()


def test_ending_is_proposed(browse, manager, amina):
    before = _rows()
    enrollment = Enrollment.objects.get()
    browser = browse(manager)
    assert browser.post(url("enrollment_end", enrollment.pk), {"end_date": "2026-01-01"}).status_code == 200
    browser.post(url("enrollment_end", enrollment.pk), {"end_date": "2026-01-01", "reason": "Moved"})
    assert _rows() == before
    assert PendingChange.objects.get().diff_json["after"] == {"end_date": "2026-01-01"}


def test_deleting_is_proposed_with_a_reason(browse, manager, amina):
    enrollment = Enrollment.objects.get()
    browser = browse(manager)
    assert "Submit for approval" in browser.get(url("enrollment_delete", enrollment.pk)).content.decode()
    browser.post(url("enrollment_delete", enrollment.pk), {"post": "yes"})
    assert not PendingChange.objects.exists()
    browser.post(url("enrollment_delete", enrollment.pk), {"post": "yes", "reason": "Typo"})
    assert PendingChange.objects.get().kind == "delete"
    assert Enrollment.objects.filter(pk=enrollment.pk).exists()


def test_a_removal_is_proposed_once(browse, manager, amina):
    browser, address = browse(manager), url("enrollment_delete", amina.enrollments.get().pk)
    data = {"post": "yes", "reason": "Entered twice"}
    browser.post(address, data)
    page = browser.post(address, data, follow=True)
    assert "You have proposed to remove this already" in page.content.decode()
    assert PendingChange.objects.count() == 1


def test_a_removed_member_of_a_program_is_proposed(browse, manager, shelter, worker):
    link = shelter.program_staff.get()
    prefix = "program_staff"
    data = {
        "name": shelter.name,
        "department": str(shelter.department_id),
        "capacity_current": "10",
        "proposal_reason": "Left",
        **empty_formsets(prefix, "enrollments", "capacities"),
        f"{prefix}-TOTAL_FORMS": "1",
        f"{prefix}-INITIAL_FORMS": "1",
        f"{prefix}-0-program_staff_id": str(link.pk),
        f"{prefix}-0-program": str(shelter.pk),
        f"{prefix}-0-DELETE": "on",
    }
    response = browse(manager).post(url("program_change", shelter.pk), data)
    assert response.status_code == 302
    assert ProgramStaff.objects.filter(pk=link.pk).exists()
    assert PendingChange.objects.get().kind == "delete"


def test_an_analyst_neither_saves_nor_proposes(browse, analyst, amina, entries):
    entries()
    browser = browse(analyst)
    assert browser.get(url("client_change", amina.pk)).status_code == 200
    assert browser.post(url("client_change", amina.pk), client_form(amina, gender="Man")).status_code == 403
    assert browser.get(url("client_add")).status_code == 403
    assert entries() == []


def test_someone_elses_proposal_is_in_no_banner_of_a_manager(browse, manager, leader, coordinator, amina):
    browse(leader).post(url("client_change", amina.pk), client_form(amina, gender="Man", proposal_reason="CANARY"))
    assert "CANARY" not in browse(manager).get(url("client_change", amina.pk)).content.decode()
    assert "CANARY" in browse(coordinator).get(url("client_change", amina.pk)).content.decode()


def test_a_forged_key_of_a_new_row_is_not_taken(browse, manager, amina, clinic):
    data = {"client": str(uuid4()), "program": str(clinic.pk), "start_date": str(date.today()), "proposal_reason": "x"}
    assert browse(manager).post(url("enrollment_add"), data).status_code == 200
    assert not PendingChange.objects.exists()


def test_both_roles_edit_directly(browse, person, amina):
    both = person("Manager", "Client Data Coordinator")
    browse(both).post(url("client_change", amina.pk), client_form(amina, gender="Man"))
    amina.refresh_from_db()
    assert amina.gender == "Man"
    with audit.acting(None, channel="command"):
        assert not PendingChange.objects.exists()
