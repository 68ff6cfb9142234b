"""Headers, plain pages in place of tracebacks, and the addresses outside the admin."""

import pytest
from django.db import OperationalError
from django.test import Client as Browser

from tests.admin_ext.conftest import url


def test_the_root_leads_to_the_admin(client, db):
    assert client.get("/")["Location"] == "/admin/"


def test_healthz_says_ok_and_nothing_else_without_a_database(client):
    for host in ("127.0.0.1:8000", "10.1.2.3"):
        response = client.get("/healthz", headers={"host": host})
        assert (response.status_code, response.content) == (200, b"ok")
    assert client.get("/admin/", headers={"host": "10.1.2.3"}).status_code == 400


def test_log_in_leads_to_the_first_page(client, coordinator):
    response = client.post("/admin/login/", {"username": coordinator.email.upper(), "password": "correct horse"})
    assert response["Location"] == "/admin/"


def test_admin_pages_stay_in_no_cache_and_in_no_frame(browse, coordinator, amina):
    response = browse(coordinator).get(url("client_change", amina.pk))
    assert response["Cache-Control"] == "no-store"
    assert response["X-Frame-Options"] == "DENY"
    for rule in ("frame-ancestors 'none'", "object-src 'none'", "base-uri 'self'", "form-action 'self'"):
        assert rule in response["Content-Security-Policy"]
    assert "camera=()" in response["Permissions-Policy"]


def test_cookies_are_secure_over_https_and_work_over_http(coordinator):
    for secure in (True, False):
        browser = Browser()
        data = {"username": coordinator.email, "password": "correct horse"}
        response = browser.post("/admin/login/", data, secure=secure)
        assert response.status_code == 302
        assert bool(response.cookies["sessionid"]["secure"]) is secure
        assert response.cookies["sessionid"]["httponly"]


@pytest.mark.parametrize("debug", [True, False])
def test_a_refusal_tells_nothing(browse, worker, stranger, settings, debug):
    settings.DEBUG = debug
    for page, status in (
        (url("department_changelist"), 403),
        (url("client_change", stranger.pk), 404),
        ("/admin/nowhere/", 404),
    ):
        response = browse(worker).get(page)
        assert response.status_code == status
        body = response.content.decode()
        assert "Central Client Database" in body
        for word in ("Traceback", "Exception", "core.", "Canarina", str(stranger.pk), "Request URL"):
            assert word not in body


@pytest.mark.parametrize("debug", [True, False])
def test_without_a_database_the_page_says_one_moment(browse, coordinator, settings, monkeypatch, debug):
    settings.DEBUG = debug
    browser = browse(coordinator)

    def down(*args: object, **kwargs: object) -> None:
        raise OperationalError("could not connect to server")

    monkeypatch.setattr("django.contrib.auth.middleware.get_user", down)
    response = browser.get("/admin/")
    assert response.status_code == 503
    assert "could not connect" not in response.content.decode()


@pytest.mark.parametrize("method", ["process_request", "process_response"])
def test_a_session_that_fails_says_one_moment(settings, monkeypatch, method):
    settings.DEBUG = True

    def down(*args: object, **kwargs: object) -> None:
        raise OperationalError("could not connect to server")

    monkeypatch.setattr(f"django.contrib.sessions.middleware.SessionMiddleware.{method}", down)
    response = Browser().get("/")
    assert response.status_code == 503
    assert response["Content-Security-Policy"]


def test_a_post_without_token_is_refused(coordinator, amina):
    browser = Browser(enforce_csrf_checks=True)
    browser.force_login(coordinator, backend="django.contrib.auth.backends.ModelBackend")
    refused = browser.post(url("client_change", amina.pk), {"first_name": "X"})
    assert refused.status_code == 403
    assert "Nothing was changed. Open the page again." in refused.content.decode()


def test_whoever_mistypes_a_password_is_told_of_no_staff_account(db):
    page = Browser().post("/admin/login/", {"username": "nobody@example.org", "password": "x"}).content.decode()
    assert "E-mail and password do not fit together" in page
    assert "staff account" not in page


def test_view_on_site_is_gone(browse, coordinator, amina):
    assert browse(coordinator).get(f"/admin/r/1/{amina.pk}/").status_code == 404


def test_groups_are_not_administered(browse, administrator):
    assert browse(administrator).get("/admin/auth/group/").status_code == 404


@pytest.mark.parametrize("query", ["?gender=%00", "?q=a%00b", "?_to_field=", "?p=x", "?program=x", "?o=99"])
def test_odd_addresses_are_no_server_errors(browse, coordinator, amina, query):
    browser = browse(coordinator)
    for page in (url("client_changelist"), url("client_change", amina.pk), url("enrollment_add")):
        assert browser.get(page + query).status_code < 500


def test_a_posted_key_that_is_none_is_an_error_on_the_form(browse, coordinator, amina):
    data = {"client": "nonsense", "program": "nonsense", "start_date": "nonsense"}
    response = browse(coordinator).post(url("enrollment_add"), data)
    assert set(response.context["adminform"].form.errors) == {"client", "program", "start_date"}
