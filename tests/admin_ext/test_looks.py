"""Who looked at this client; what did this person look at: for those allowed, in words, a page at a time."""

from collections.abc import Callable
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from core import access
from core.models import AccessEntry, Client, Program, Staff
from tests.admin_ext.conftest import url


def _sentences(response: object) -> list[str]:
    return [row["what"] for row in response.context["rows"]]


@pytest.mark.parametrize("role", ["administrator", "coordinator", "manager", "leader", "analyst", "worker"])
def test_who_reads_who_looked(request, browse, amina, role):
    browser, may = browse(request.getfixturevalue(role)), role in ("administrator", "coordinator")
    page = url("client_access", amina.pk)
    assert browser.get(page).status_code == (200 if may else 403)
    assert (page in browser.get(url("client_change", amina.pk)).content.decode()) is may


@pytest.mark.parametrize("role", ["coordinator", "manager", "leader", "analyst", "worker"])
@pytest.mark.parametrize("page", ["staff_looks", "staff_sees"])
def test_only_administrators_read_what_a_person_looked_at_or_sees(request, browse, administrator, role, page):
    browser, answers = browse(request.getfixturevalue(role)), []
    for key in (administrator.pk, uuid4()):
        answers.append(browser.get(url(page, key)))
    assert {answer.status_code for answer in answers} <= {403, 404}
    assert all(administrator.email.encode() not in answer.content for answer in answers)


@pytest.mark.parametrize("page", ["client_access", "client_assign", "staff_looks", "staff_sees"])
def test_what_is_not_there_is_not_found(browse, administrator, page):
    for key in (uuid4(), "nonsense", "a%00b"):
        assert browse(administrator).get(url(page, key)).status_code == 404


def test_foreign_and_nonexistent_are_the_same(browse, worker, stranger):
    browser = browse(worker)
    for page in ("client_access", "client_assign"):
        foreign, missing = browser.get(url(page, stranger.pk)), browser.get(url(page, uuid4()))
        assert (foreign.status_code, foreign.content) == (missing.status_code, missing.content)
        assert foreign.status_code == 404


def test_it_tells_who_did_what_newest_first(browse, coordinator, worker, other_worker, amina):
    staff = browse(worker)
    staff.get(url("client_change", amina.pk))
    staff.get(url("client_changelist"), {"q": "amina"})
    browse(other_worker).get(url("client_change", amina.pk))
    response = browse(coordinator).get(url("client_access", amina.pk))
    told = [(row["who"], row["what"], row["detail"]) for row in response.context["rows"]]
    assert told == [
        (other_worker, "A page of clients", url("client_change", amina.pk)),
        (worker, "Searched clients, 1 found", "“amina”"),
        (worker, "Opened the client’s page", ""),
    ]


def test_it_tells_nothing_of_other_clients(browse, coordinator, worker, amina, stranger):
    access.record(worker, "open", "clients", clients=[stranger.pk])
    assert _sentences(browse(coordinator).get(url("client_access", amina.pk))) == []


def test_what_a_person_looked_at_names_clients_and_records(browse, administrator, worker, shelter, amina):
    staff = browse(worker)
    staff.get(url("program_change", shelter.pk))
    staff.get(url("client_change", amina.pk))
    staff.get(url("staff_changelist"))
    access.record(worker, "download", "report vacancy", detail="as_of: 2026-01-01")
    access.record(worker, "list", "report org_summary", clients=[amina.pk], number=1)
    response = browse(administrator).get(url("staff_looks", worker.pk))
    assert [(row["what"], row["clients"]) for row in response.context["rows"]] == [
        ("Listed the people behind the report org summary, 1 found", [amina]),
        ("Downloaded the report vacancy", []),
        ("A page of staff", []),
        ("Opened the client’s page", [amina]),
        (f"Opened {shelter}", [amina]),
    ]
    assert "Amina Yusuf" in response.content.decode()


def test_reading_the_log_is_in_the_log(browse, administrator, worker, amina):
    access.record(worker, "open", "clients", clients=[amina.pk])
    browser = browse(administrator)
    for page in (url("client_access", amina.pk), url("staff_looks", worker.pk), url("staff_sees", worker.pk)):
        browser.get(page)
    found = AccessEntry.objects.filter(staff=administrator).order_by("accessed_at")
    assert [(entry.action, entry.client_ids) for entry in found] == [
        ("access", [amina.pk]),
        ("looks", [amina.pk]),
        ("sees", [amina.pk]),
    ]


def test_every_action_there_is_has_its_words(browse, administrator, worker, amina):
    for action in ("open", "choose", "add", "delete", "end", "assign", "unassign", "index", "set password", "new one"):
        access.record(worker, action, None if action == "index" else "clients", detail=str(amina.pk))
    told = _sentences(browse(administrator).get(url("staff_looks", worker.pk)))
    assert told[0] == "New one: clients"
    assert len(set(told)) == 10


def test_pages_are_fifty_long_and_cost_the_same(browse, administrator, worker, shelter: Program, amina: Client):
    def add(number: int) -> None:
        for _ in range(number):
            access.record(worker, "open", "programs", clients=[amina.pk], detail=str(shelter.pk))

    def cost(page: str, **query: object) -> tuple[int, int]:
        with CaptureQueriesContext(connection) as found:
            response = browser.get(page, query)
        return len(response.context["rows"]), len(found)

    browser: Callable = browse(administrator)
    add(2)
    pages = (url("staff_looks", worker.pk), url("client_access", amina.pk))
    few = [cost(page)[1] for page in pages]
    add(60)
    many = [cost(page) for page in pages]
    assert [(50, number) for number in few] == many
    assert cost(pages[0], p=2)[0] == 12
    assert "Page 2 of 2" in browser.get(pages[0], {"p": 2}).content.decode()


def test_the_pages_only_read(browse, administrator, worker: Staff, amina, entries):
    browser = browse(administrator)
    entries()
    for page in (url("client_access", amina.pk), url("staff_looks", worker.pk), url("staff_sees", worker.pk)):
        assert browser.get(page).status_code == 200
    assert entries() == []
