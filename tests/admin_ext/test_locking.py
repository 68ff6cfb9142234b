"""Guessing passwords locks the account for a while, says so plainly, and tells nobody which accounts there are."""

from datetime import timedelta

import pytest
from axes.models import AccessAttempt
from django.test import Client as Browser
from django.utils import timezone
from pytest_django import Settings

from core.models import AuditEntry, Staff
from tests.admin_ext.conftest import url
from tests.conftest import PASSWORD

LOGIN = "/admin/login/"
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _few(settings: Settings) -> None:
    settings.AXES_FAILURE_LIMIT = 3


def tried(email: str, password: str = "wrong", **values: str) -> int:
    return Browser().post(LOGIN, {"username": email, "password": password}, **values).status_code


@pytest.mark.parametrize("role", ["worker", "coordinator", "administrator"])
def test_the_third_wrong_password_locks_the_account_and_the_right_one_does_not_open_it(request, role):
    staff = request.getfixturevalue(role)
    assert [tried(staff.email) for _ in range(4)] == [200, 200, 429, 429]
    said = Browser().post(LOGIN, {"username": staff.email, "password": PASSWORD})
    assert said.status_code == 429
    assert "Too many wrong passwords for this account. Try again in 15 minutes" in said.content.decode()


def test_an_account_that_there_is_not_is_locked_just_the_same(worker):
    pages = []
    for email in (worker.email, "nobody@example.org"):
        answers = [Browser().post(LOGIN, {"username": email, "password": "wrong"}) for _ in range(3)]
        pages.append([(answer.status_code, answer.content if answer.status_code == 429 else b"") for answer in answers])
    assert pages[0] == pages[1]


def test_another_spelling_another_address_or_another_browser_is_no_other_account(worker):
    worker.email = "sasha@example.org"
    Staff.objects.filter(pk=worker.pk).update(last_login=None)
    ways = ("sasha@example.org", " SASHA@Example.org ", "\u017fasha@example.org")
    told = [
        tried(way, REMOTE_ADDR=f"10.0.0.{n}", HTTP_USER_AGENT=f"browser {n}") for n, way in enumerate((*ways, ways[0]))
    ]
    assert told == [200, 200, 429, 429]


def test_only_that_account_is_locked(worker, other_worker):
    for _ in range(3):
        tried(worker.email)
    assert tried(other_worker.email, PASSWORD) == 302


def test_after_a_while_it_opens_by_itself_and_guessing_on_does_not_put_that_off(worker, settings: Settings):
    for _ in range(5):
        tried(worker.email)
    attempt = AccessAttempt.objects.get()
    assert attempt.failures_since_start == 3
    AccessAttempt.objects.update(attempt_time=timezone.now() - settings.AXES_COOLOFF_TIME - timedelta(seconds=1))
    assert tried(worker.email, PASSWORD) == 302


def test_a_right_password_forgets_the_wrong_ones(worker):
    assert [tried(worker.email), tried(worker.email), tried(worker.email, PASSWORD)] == [200, 200, 302]
    assert not AccessAttempt.objects.exists()
    assert tried(worker.email) == 200


def test_a_new_password_from_an_administrator_opens_it_at_once(browse, administrator, worker):
    for _ in range(3):
        tried(worker.email)
    new = "quite another 1"
    browse(administrator).post(url("staff_password", worker.pk), {"password1": new, "password2": new})
    assert tried(worker.email, new) == 302


def test_neither_password_nor_token_is_kept(worker):
    tried(worker.email, "nearly-right")
    attempt = AccessAttempt.objects.get()
    kept = " ".join(str(value) for value in vars(attempt).values())
    assert "nearly-right" not in kept


def test_ones_own_new_password_is_in_the_log_without_it(browse, worker, entries):
    entries()
    new = {"old_password": PASSWORD, "new_password1": "quite another 1", "new_password2": "quite another 1"}
    assert browse(worker).post("/admin/password_change/", new).status_code == 302
    (entry,) = entries()
    worker.refresh_from_db()
    assert (entry.entity, entry.entity_id, entry.action, entry.changed_by) == ("staff", worker.pk, "update", worker)
    assert entry.diff_json["before"] == {"credentials_changed_at": None}
    assert entry.diff_json["after"].keys() == {"credentials_changed_at"}
    assert worker.password not in str(entry.diff_json)


def test_a_wrong_old_password_changes_nothing_and_leaves_no_trace(browse, worker, entries):
    entries()
    new = {"old_password": "wrong", "new_password1": "quite another 1", "new_password2": "quite another 1"}
    assert browse(worker).post("/admin/password_change/", new).status_code == 200
    assert entries() == []


def test_hashing_the_same_password_more_dearly_at_a_login_is_no_change(worker, settings: Settings, entries):
    """Django does so by itself when its settings ask for more; nobody acts."""
    settings.PASSWORD_HASHERS = [
        "django.contrib.auth.hashers.ScryptPasswordHasher",
        "django.contrib.auth.hashers.PBKDF2PasswordHasher",
    ]
    before = worker.password
    entries()
    assert tried(worker.email, PASSWORD) == 302
    worker.refresh_from_db()
    assert worker.password != before
    assert worker.credentials_changed_at is None
    assert not AuditEntry.objects.filter(entity="staff", entity_id=worker.pk, action="update").exists()
