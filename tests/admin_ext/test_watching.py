"""Every look leaves exactly one entry in the access log: who, what, which clients, how many. So does every refusal."""

from collections.abc import Callable
from datetime import date
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client as Browser
from django.test.utils import CaptureQueriesContext

from core import access, audit
from core.models import AccessEntry, Client, Enrollment, PendingChange, Program, Staff, StaffRole
from tests.admin_ext.conftest import client_form, url

Entry = tuple[str, str | None, list[Any] | None, int | None, str | None]


@pytest.fixture
def looked() -> Callable[[Staff], list[Entry]]:
    """looked(staff): the entries of this person since the last call, oldest first."""
    seen: set[Any] = set()

    def new(staff: Staff) -> list[Entry]:
        found = AccessEntry.objects.filter(staff=staff).exclude(pk__in=seen).order_by("accessed_at")
        rows = list(found)
        seen.update(row.pk for row in rows)
        return [(row.action, row.entity, row.client_ids, row.number, row.detail) for row in rows]

    return new


def test_opening_a_client_and_its_history(browse, coordinator, amina, looked):
    browser = browse(coordinator)
    browser.get(url("client_change", amina.pk))
    browser.get(url("client_history", amina.pk))
    assert looked(coordinator) == [
        ("open", "clients", [amina.pk], None, None),
        ("history", "clients", [amina.pk], None, None),
    ]


def test_a_list_holds_the_clients_shown_on_that_page(browse, manager, amina, stranger, looked):
    browser = browse(manager)
    browser.get(url("client_changelist"))
    browser.get(url("client_changelist"), {"gender": "Woman"})
    browser.get(url("client_changelist"), {"q": "amina yusuf"})
    browser.get(url("client_changelist"), {"q": "nobody at all"})
    assert looked(manager) == [
        ("list", "clients", sorted([amina.pk, stranger.pk]), 2, None),
        ("list", "clients", [amina.pk], 1, "gender=Woman"),
        ("search", "clients", [amina.pk], 1, "q=amina yusuf"),
        ("search", "clients", None, 0, "q=nobody at all"),
    ]


def test_a_long_list_holds_its_page_alone(browse, manager, looked):
    with audit.acting(None, channel="command"):
        Client.objects.bulk_create(Client(first_name="A", last_name=f"{n:03}") for n in range(120))
    browser = browse(manager)
    for query, shown in (({}, 50), ({"p": "3"}, 20), ({"all": ""}, 50)):
        browser.get(url("client_changelist"), query)
        [(_, _, clients, number, _)] = looked(manager)
        assert (len(clients), number) == (shown, 120)


def test_rows_of_a_client_lead_to_the_client(browse, worker, amina, shelter, looked):
    browser, enrollment = browse(worker), Enrollment.objects.get()
    browser.get(url("enrollment_changelist"))
    browser.get(url("enrollment_change", enrollment.pk))
    browser.get(url("program_change", shelter.pk))
    assert looked(worker) == [
        ("list", "client_program_enrollments", [amina.pk], 1, None),
        ("open", "client_program_enrollments", [amina.pk], None, str(enrollment.pk)),
        ("open", "programs", [amina.pk], None, str(shelter.pk)),
    ]


def test_a_linked_record_named_on_the_page_is_there_too(browse, coordinator, amina, looked):
    with audit.acting(None, channel="link"):
        other = Client.objects.create(first_name="Amina", last_name="Y", linked_to=amina)
    browse(coordinator).get(url("client_change", amina.pk))
    [(_, _, clients, _, _)] = looked(coordinator)
    assert clients == sorted([amina.pk, other.pk])


def test_an_autocomplete_is_a_look(browse, coordinator, amina, stranger, looked):
    query = {"app_label": "core", "model_name": "enrollment", "field_name": "client"}
    browser = browse(coordinator)
    browser.get("/admin/autocomplete/", {**query, "term": "amin"})
    browser.get("/admin/autocomplete/", {**query, "term": "zzz"})
    browser.get("/admin/autocomplete/", {**query, "field_name": "program", "term": "hostel"})
    assert looked(coordinator) == [
        ("choose", "clients", [amina.pk], 1, "q=amin"),
        ("choose", "clients", None, 0, "q=zzz"),
    ]


def test_an_export_names_its_clients(browse, analyst, amina, stranger, looked):
    browser = browse(analyst)
    browser.get(url("client_export", "csv"), {"gender": "Woman"})
    assert browser.get(url("enrollment_export", "xlsx")).getvalue()
    browser.get(url("program_export", "csv"))
    assert looked(analyst) == [
        ("export", "clients", [amina.pk], 1, "gender=Woman"),
        ("export", "client_program_enrollments", sorted([amina.pk, stranger.pk]), 2, None),
        ("export", "programs", None, 2, None),
    ]


def test_a_large_export_is_told_by_its_number(browse, analyst, amina, stranger, looked, monkeypatch):
    monkeypatch.setattr(access, "MOST_CLIENTS", 1)
    browse(analyst).get(url("client_export", "csv"))
    assert looked(analyst) == [("export", "clients", None, 2, None)]


def test_the_audit_log_and_a_proposal_name_their_client(browse, coordinator, manager, amina, looked):
    browse(manager).post(url("client_change", amina.pk), client_form(amina, alias="Mina", proposal_reason="She said"))
    proposal = PendingChange.objects.get()
    browser = browse(coordinator)
    browser.get(url("pendingchange_change", proposal.pk))
    browser.get(url("auditentry_changelist"), {"entity": "clients"})
    assert looked(coordinator) == [
        ("open", "pending_changes", [amina.pk], None, str(proposal.pk)),
        ("list", "audit_log", [amina.pk], 1, "entity=clients"),
    ]


def test_pages_that_say_nothing_of_anyone_leave_nothing(browse, administrator, looked):
    browser = browse(administrator)
    for page in ("/admin/", url("client_add"), "/admin/jsi18n/", "/admin/password_change/", "/admin/login/"):
        browser.get(page)
    assert looked(administrator) == []


def test_a_form_filled_with_a_client_shows_one(browse, coordinator, amina, looked):
    browse(coordinator).get(url("restriction_add"), {"client": str(amina.pk)})
    assert looked(coordinator) == [("add", "service_restrictions", [amina.pk], None, f"client={amina.pk}")]


def test_a_write_is_the_audit_logs_and_its_refused_page_a_look(browse, coordinator, amina, looked):
    browser = browse(coordinator)
    browser.post(url("client_change", amina.pk), client_form(amina, alias="Mina"))
    assert looked(coordinator) == []
    browser.post(url("client_change", amina.pk), client_form(amina, dob="nonsense"))
    assert looked(coordinator) == [("open", "clients", [amina.pk], None, None)]


def test_foreign_and_nonexistent_are_refused_and_noted_alike(browse, worker, stranger, looked):
    browser, missing = browse(worker), uuid4()
    pages = [url("client_change", stranger.pk), url("client_change", missing), url("client_history", stranger.pk)]
    answers = [browser.get(page) for page in pages]
    assert {answer.status_code for answer in answers} == {404}
    assert len({answer.content for answer in answers}) == 1
    assert looked(worker) == [
        ("refused", "clients", [stranger.pk], None, pages[0]),
        ("refused", "clients", [missing], None, pages[1]),
        ("refused", "clients", [stranger.pk], None, pages[2]),
    ]


@pytest.mark.parametrize(
    ("page", "status", "entity"),
    [
        (url("staff_changelist"), 403, "staff"),
        (url("client_export", "csv"), 403, "clients"),
        (url("client_changelist") + "?first_name__startswith=A", 400, "clients"),
        ("/admin/reports/vacancy/", 403, "report vacancy"),
        ("/admin/nowhere/", 404, None),
        ("/admin/core/client/a%00b/change/", 404, "clients"),
    ],
)
def test_a_denied_address_is_noted(browse, worker, looked, page, status, entity):
    assert browse(worker).get(page).status_code == status
    [(action, table, clients, number, detail)] = looked(worker)
    assert (action, table, clients, number) == ("refused", entity, None, None)
    assert detail == page.split("?")[0].replace("%00", "")


def test_a_forged_post_is_noted(browse, worker, stranger, looked):
    browse(worker).post(url("client_change", stranger.pk), {"first_name": "Forged"})
    assert looked(worker) == [("refused", "clients", [stranger.pk], None, url("client_change", stranger.pk))]


def test_a_post_without_its_token_is_noted(worker, amina, looked):
    browser = Browser(enforce_csrf_checks=True)
    browser.force_login(worker, backend="django.contrib.auth.backends.ModelBackend")
    assert browser.post(url("client_change", amina.pk), {}).status_code == 403
    assert looked(worker) == [("refused", "clients", [amina.pk], None, url("client_change", amina.pk))]


def test_who_is_not_logged_in_is_sent_to_log_in_and_leaves_nothing(client, amina):
    for page in (url("client_change", amina.pk), "/admin/nowhere/"):
        assert client.get(page).status_code == 302
    assert not AccessEntry.objects.exists()


@pytest.mark.parametrize("how", ["closed", "without role"])
@pytest.mark.parametrize("method", ["get", "post"])
def test_the_next_request_of_a_live_session_is_refused(browse, worker, amina, looked, how, method):
    browser = browse(worker)
    assert browser.get(url("client_change", amina.pk)).status_code == 200
    looked(worker)
    with audit.acting(None, channel="command"):
        if how == "closed":
            Staff.objects.filter(pk=worker.pk).update(active=False)
        else:
            StaffRole.objects.filter(staff=worker).delete()
    for page in (url("client_change", amina.pk), url("client_changelist"), "/admin/"):
        response = getattr(browser, method)(page)
        assert response.status_code == 302
        assert response["Location"].startswith("/admin/login/")
        assert b"Amina" not in browser.get(response["Location"]).content
        assert [(entry[0], entry[4]) for entry in looked(worker)] == [("refused", page)]


def test_a_lost_role_is_lost_at_the_next_request(browse, person, amina):
    both = person("Staff", "Analyst")
    browser = browse(both)
    assert browser.get(url("client_change", amina.pk)).status_code == 200
    with audit.acting(None, channel="command"):
        StaffRole.objects.filter(staff=both, role__name="Analyst").delete()
    assert browser.get(url("client_change", amina.pk)).status_code == 404


@pytest.mark.parametrize("page", ["client_changelist", "enrollment_changelist", "client_change", "program_change"])
def test_an_entry_is_one_query_however_many_clients(browse, worker, amina, shelter: Program, page):
    browser = browse(worker)
    address = url(page, *({"client_change": [amina.pk], "program_change": [shelter.pk]}.get(page, [])))

    def queries() -> list[str]:
        with CaptureQueriesContext(connection) as found:
            assert browser.get(address).status_code == 200
        return [query["sql"] for query in found]

    queries()  # what is asked once per process, of content types
    few = queries()
    with audit.acting(None, channel="command"):
        clients = Client.objects.bulk_create(Client(first_name="A", last_name=f"{n:03}") for n in range(15))
        Enrollment.objects.bulk_create(
            Enrollment(client=client, program=shelter, start_date=date(2024, 1, 1)) for client in clients
        )
    many = queries()
    assert len(many) == len(few)
    assert sum('INSERT INTO "access_log"' in sql for sql in many) == 1


def test_a_page_that_cannot_be_noted_is_not_shown(browse, coordinator, amina, monkeypatch):
    def broken(*args: object, **values: object) -> None:
        raise RuntimeError("no log")

    monkeypatch.setattr(access, "record", broken)
    browser = browse(coordinator)
    browser.raise_request_exception = False
    response = browser.get(url("client_change", amina.pk))
    assert response.status_code == 500
    assert b"Amina" not in response.content


@pytest.mark.parametrize("page", ["p=" + "0" * 600 + "1", "p=9999", "o=" + "1." * 300, "p=00"])
@pytest.mark.parametrize("export", [url("client_export", "csv"), url("auditentry_export")])
def test_an_odd_page_or_order_hides_no_filter_and_stops_no_export(browse, administrator, amina, looked, page, export):
    known = "gender=Woman" if "client" in export else "entity=clients"
    answer = browse(administrator).get(f"{export}?{page}&{known}")
    assert answer.status_code == 200
    b"".join(answer.streaming_content)
    assert looked(administrator)[-1][-1].startswith(known)
