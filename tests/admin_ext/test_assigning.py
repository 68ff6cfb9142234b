"""Clients granted by name: the tab of the client, the tab of the staff member, the pages that assign and end."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.utils import timezone

from core import assignments
from core.models import ClientAssignment
from tests.admin_ext.conftest import client_form, empty_formsets, url


def _prefixes(response: object) -> list[str]:
    return [inline.formset.prefix for inline in response.context["inline_admin_formsets"]]


@pytest.fixture
def granted(coordinator, other_worker, amina) -> ClientAssignment:
    return assignments.assign(amina, other_worker, actor=coordinator, reason="Covers for a colleague")


@pytest.mark.parametrize("role", ["administrator", "coordinator", "manager", "leader", "analyst", "worker"])
def test_who_has_the_tab_and_its_pages(request, browse, amina, granted, role):
    browser, may = browse(request.getfixturevalue(role)), role in ("administrator", "coordinator")
    response = browser.get(url("client_change", amina.pk))
    assert ("assignments" in _prefixes(response)) is may
    assert ("Covers for a colleague" in response.content.decode()) is may
    for page in (url("client_assign", amina.pk), url("client_unassign", amina.pk, granted.pk)):
        assert browser.get(page).status_code == (200 if may else 403)


@pytest.mark.parametrize("role", ["manager", "leader", "analyst", "worker"])
def test_no_one_else_assigns_or_ends(request, browse, amina, granted, role, entries):
    browser = browse(request.getfixturevalue(role))
    entries()
    data = {"staff": str(granted.user_id), "until": "", "on": str(timezone.localdate())}
    for page in (url("client_assign", amina.pk), url("client_unassign", amina.pk, granted.pk)):
        assert browser.post(page, data).status_code == 403
    assert entries() == []


def test_a_coordinator_assigns_and_ends(browse, coordinator, other_worker, amina, entries):
    browser, today = browse(coordinator), timezone.localdate()
    assert browse(other_worker).get(url("client_change", amina.pk)).status_code == 404
    entries()
    until = today + timedelta(days=3)
    data = {"staff": str(other_worker.pk), "until": str(until), "reason": "Covers"}
    response = browser.post(url("client_assign", amina.pk), data)
    assert response["Location"] == url("client_change", amina.pk) + "#assignments"
    made = ClientAssignment.objects.get()
    assert (made.user, made.content_object, made.end_date, made.reason) == (other_worker, amina, until, "Covers")
    assert [(entry.entity, entry.action, entry.changed_by) for entry in entries()] == [
        ("client_assignments", "create", coordinator)
    ]
    assert browse(other_worker).get(url("client_change", amina.pk)).status_code == 200
    page = url("client_unassign", amina.pk, made.pk)
    assert browser.post(page, {"on": str(today - timedelta(days=1))}).status_code == 302
    assert browse(other_worker).get(url("client_change", amina.pk)).status_code == 404
    shown = browser.get(url("client_change", amina.pk)).content.decode()
    assert str(other_worker) in shown
    assert "ended" in shown


def test_looking_at_the_pages_assigns_nothing(browse, coordinator, amina, granted, entries):
    entries()
    for page in (url("client_assign", amina.pk), url("client_unassign", amina.pk, granted.pk)):
        assert browse(coordinator).get(page, {"staff": str(granted.user_id), "on": "2020-01-01"}).status_code == 200
    assert entries() == []


def test_a_refusal_is_said_beside_its_field(browse, coordinator, other_worker, amina, granted):
    browser, page = browse(coordinator), url("client_assign", amina.pk)
    past = str(timezone.localdate() - timedelta(days=1))
    for data, name in (
        ({"staff": "", "until": ""}, "staff"),
        ({"staff": str(coordinator.pk)}, "staff"),
        ({"staff": "nonsense"}, "staff"),
        ({"staff": str(other_worker.pk), "until": past}, "until"),
        ({"staff": str(other_worker.pk), "until": str(timezone.localdate())}, "until"),
    ):
        response = browser.post(page, data)
        assert response.status_code == 200
        assert list(response.context["form"].errors) == [name], data
    assert ClientAssignment.objects.get().end_date is None


def test_offered_are_open_accounts_that_do_not_see_everyone(
    browse, person, administrator, coordinator, manager, analyst, worker, other_worker, amina
):
    person("Staff", active=False)
    person()
    response = browse(coordinator).get(url("client_assign", amina.pk))
    assert set(response.context["form"].fields["staff"].queryset) == {worker, other_worker}


def test_the_assignment_of_another_client_is_not_found(browse, coordinator, amina, stranger, granted, entries):
    browser, data = browse(coordinator), {"on": str(timezone.localdate())}
    entries()
    for client, key in ((stranger.pk, granted.pk), (amina.pk, uuid4()), (uuid4(), granted.pk)):
        for method in (browser.get, browser.post):
            assert method(url("client_unassign", client, key), data).status_code == 404
    assert entries() == []


def test_rows_that_are_only_shown_are_not_read_from_a_post(browse, coordinator, amina, granted, entries):
    forged = {
        **empty_formsets("assignments"),
        "assignments-TOTAL_FORMS": "1",
        "assignments-INITIAL_FORMS": "1",
        "assignments-0-assignment_id": str(granted.pk),
        "assignments-0-end_date": "2020-01-01",
        "assignments-0-DELETE": "on",
    }
    entries()
    response = browse(coordinator).post(url("client_change", amina.pk), client_form(amina, alias="Mina", **forged))
    assert response.status_code == 302
    assert [entry.entity for entry in entries()] == ["clients"]
    assert ClientAssignment.objects.get().end_date is None


def test_the_staff_page_shows_what_was_granted(browse, administrator, other_worker, amina, granted):
    response = browse(administrator).get(url("staff_change", other_worker.pk))
    assert _prefixes(response) == ["program_staff", "clientassignment_set"]
    body = response.content.decode()
    assert url("client_change", amina.pk) in body
    assert url("client_unassign", amina.pk, granted.pk) in body


def test_see_as_shows_their_clients_with_the_rule(browse, administrator, other_worker, amina, stranger, granted):
    response = browse(administrator).get(url("staff_sees", other_worker.pk))
    assert response.context["rows"] == [
        (stranger, ["Works in Clinic: client enrolled since 2024-01-01"]),
        (amina, ["Granted by name, without an end"]),
    ]
    assert [(reason.title, reason.number) for reason in response.context["reasons"]] == [
        ("Clinic", 1),
        ("Granted by name", 1),
    ]


def test_see_as_is_their_list(browse, administrator, manager, worker, other_worker, amina, stranger, granted):
    for staff in (manager, worker, other_worker):
        theirs = browse(staff).get(url("client_changelist")).context["cl"].result_list
        shown = browse(administrator).get(url("staff_sees", staff.pk)).context["rows"]
        assert [client for client, _ in shown] == list(theirs)
        assert all(why for _, why in shown)


def test_see_as_is_searched_by_name(browse, administrator, other_worker, amina, stranger, granted):
    browser, page = browse(administrator), url("staff_sees", other_worker.pk)
    for term, found in (("hidden", [stranger]), ("yusuf amina", [amina]), ("nobody", []), ("\x00", [stranger, amina])):
        assert [client for client, _ in browser.get(page, {"q": term}).context["rows"]] == found


def test_see_as_of_a_closed_account_is_empty(browse, administrator, person, amina):
    for staff, sentence in ((person("Staff", active=False), "is closed"), (person(), "has no role")):
        response = browse(administrator).get(url("staff_sees", staff.pk))
        assert response.context["rows"] == []
        assert sentence in response.content.decode()


@pytest.mark.parametrize("method", ["post", "put", "delete"])
def test_pages_that_only_read_take_no_other_method(browse, administrator, worker, amina, method):
    browser = browse(administrator)
    for page in (url("staff_sees", worker.pk), url("staff_looks", worker.pk), url("client_access", amina.pk)):
        assert getattr(browser, method)(page).status_code == 405
