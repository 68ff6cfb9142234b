"""What one may not see is indistinguishable from what does not exist, by every door of the screens."""

from uuid import uuid4

import pytest

from core import audit, rules
from core.models import Enrollment, ProgramStaff, Staff
from tests.admin_ext.conftest import client_form, url

CANARIES = ("Canarina", "Hiddenson", "CANARY-77")


def _tells_nothing(response: object) -> bool:
    body = response.content.decode() + str(response.headers)
    return not any(canary in body for canary in CANARIES)


def test_staff_do_not_find_a_foreign_client_in_lists(browse, worker, amina, stranger):
    browser = browse(worker)
    for name in ("client_changelist", "enrollment_changelist", "restriction_changelist", "intake_changelist"):
        response = browser.get(url(name))
        assert response.status_code == 200, name
        assert _tells_nothing(response), name
    assert "Amina" in browser.get(url("client_changelist")).content.decode()


@pytest.mark.parametrize("search", ["Canarina", "hidden", "CANARY-77", "1970-05-05"])
def test_staff_do_not_find_a_foreign_client_by_search(browse, worker, amina, stranger, search):
    response = browse(worker).get(url("client_changelist"), {"q": search})
    assert response.context["cl"].result_count == 0


@pytest.mark.parametrize("page", ["client_change", "client_history", "client_delete"])
def test_foreign_and_nonexistent_are_the_same_page(browse, worker, stranger, page):
    browser = browse(worker)
    foreign, missing = browser.get(url(page, stranger.pk)), browser.get(url(page, uuid4()))
    assert foreign.status_code == missing.status_code
    assert foreign.content == missing.content
    assert foreign.status_code == (403 if page == "client_delete" else 404)


def test_a_post_to_foreign_and_nonexistent_answers_the_same(browse, worker, stranger, entries):
    browser = browse(worker)
    data = client_form(stranger, first_name="Forged")
    entries()
    foreign, missing = (
        browser.post(url("client_change", stranger.pk), data),
        browser.post(url("client_change", uuid4()), data),
    )
    assert (foreign.status_code, foreign.content) == (missing.status_code, missing.content)
    stranger.refresh_from_db()
    assert stranger.first_name == "Canarina"
    assert entries() == []


def test_a_malformed_key_is_not_found(browse, coordinator):
    assert browse(coordinator).get(url("client_change", "nonsense")).status_code == 404


def test_autocomplete_offers_only_what_one_sees(browse, worker, amina, stranger):
    query = {"app_label": "core", "model_name": "enrollment", "field_name": "client"}
    browser = browse(worker)
    assert _tells_nothing(browser.get("/admin/autocomplete/", {**query, "term": "Canarina"}))
    everyone = browser.get("/admin/autocomplete/", {**query, "term": ""}).json()["results"]
    assert [row["text"] for row in everyone] == ["Amina Yusuf · 1990-04-02"]


def test_autocomplete_of_a_model_one_may_not_view_is_refused(browse, worker):
    query = {"app_label": "core", "model_name": "program", "field_name": "department", "term": ""}
    assert browse(worker).get("/admin/autocomplete/", query).status_code == 403


def test_an_initial_value_never_prints_a_client_that_is_not_there(browse, coordinator, amina):
    browser = browse(coordinator)
    known = browser.get(url("restriction_add"), {"client": str(amina.pk)})
    assert "Amina Yusuf" in known.content.decode()
    for odd in (str(uuid4()), "nonsense"):
        response = browser.get(url("restriction_add"), {"client": odd})
        assert response.status_code == 200
        assert "client" not in response.context["adminform"].form.initial


def test_staff_reach_no_add_form(browse, worker, stranger):
    response = browse(worker).get(url("enrollment_add"), {"client": str(stranger.pk)})
    assert response.status_code == 403
    assert _tells_nothing(response)


@pytest.mark.parametrize(
    "lookup", ["first_name__startswith", "uid_external", "dob__year", "client__first_name", "linked_to__last_name"]
)
def test_lookups_are_no_oracle(browse, coordinator, worker, amina, lookup):
    for person in (coordinator, worker):
        assert browse(person).get(url("client_changelist"), {lookup: "A"}).status_code == 400


def test_the_declared_filters_work(browse, coordinator, amina, shelter):
    browser = browse(coordinator)
    for query, found in (
        ({"gender": "Woman"}, 1),
        ({"gender": "Man"}, 0),
        ({"gender": "-"}, 0),
        ({"program": str(shelter.pk)}, 1),
        ({"program": str(uuid4())}, 0),
        ({"restricted": "yes"}, 0),
        ({"restricted": "no"}, 1),
        ({"record": "open"}, 1),
        ({"language": "Cree"}, 0),
    ):
        response = browser.get(url("client_changelist"), query)
        assert response.context["cl"].result_count == found, query


def test_staff_see_no_history_link_nor_page(browse, worker, amina):
    browser = browse(worker)
    assert url("client_history", amina.pk) not in browser.get(url("client_change", amina.pk)).content.decode()
    assert browser.get(url("client_history", amina.pk)).status_code == 403


def test_a_program_page_shows_staff_only_clients_they_see(browse, worker, shelter, amina, stranger):
    response = browse(worker).get(url("program_change", shelter.pk))
    assert "Amina" in response.content.decode()
    assert _tells_nothing(response)


def test_staff_may_not_open_another_program(browse, worker, clinic):
    assert browse(worker).get(url("program_change", clinic.pk)).status_code == 404


def test_whoever_works_in_several_programs_is_one_account(browse, worker, shelter, clinic, other_worker):
    with audit.acting(None, channel="command"):
        for staff in (worker, other_worker):
            ProgramStaff.objects.get_or_create(program=clinic, staff=staff)
            ProgramStaff.objects.get_or_create(program=shelter, staff=staff)
    assert sorted(rules.visible_to(worker, Staff), key=str) == sorted([worker, other_worker], key=str)
    for page in ("staff_change", "staff_history"):
        assert browse(worker).get(url(page, worker.pk)).status_code == 403


def test_no_role_sees_a_page_without_log_in(client, amina):
    for page in (url("client_changelist"), url("client_change", amina.pk), "/admin/"):
        assert client.get(page)["Location"].startswith("/admin/login/")


def test_looking_writes_nothing(browse, administrator, amina, shelter, entries):
    browser = browse(administrator)
    enrollment = Enrollment.objects.get()
    entries()
    pages = [
        url(f"{name}_{page}")
        for name in ("client", "program", "enrollment", "restriction", "staff")
        for page in ("changelist", "add")
    ]
    pages += [url("client_change", amina.pk), url("client_history", amina.pk), url("enrollment_end", enrollment.pk)]
    pages += [url("enrollment_delete", enrollment.pk), url("staff_password", administrator.pk), "/admin/"]
    for page in pages:
        assert browser.get(page).status_code == 200, page
    assert entries() == []
    assert Enrollment.objects.filter(end_date__isnull=True).exists()
