"""Accounts: for administrators alone."""

import pytest

from core.models import AccessEntry, Role, Staff
from tests.admin_ext.conftest import empty_formsets, url

PASSWORD = "tin whistle 47"


def _form(**changed: object) -> dict[str, object]:
    values = {"first_name": "Ines", "last_name": "Prado", "email": "ines@example.org", "active": "on"}
    return {**values, **empty_formsets("program_staff"), **changed}


def _role(name: str) -> str:
    return str(Role.objects.get(name=name).pk)


@pytest.mark.parametrize("role", ["coordinator", "manager", "leader", "worker", "analyst"])
def test_no_one_else_opens_an_account_page(request, browse, administrator, role):
    browser = browse(request.getfixturevalue(role))
    for page in (url("staff_changelist"), url("staff_add"), url("staff_change", administrator.pk)):
        assert browser.get(page).status_code in (403, 404)
    assert browser.get(url("staff_password", administrator.pk)).status_code in (403, 404)


def test_an_account_is_created_with_roles_and_can_log_in(browse, client, administrator, entries):
    entries()
    roles = [_role("Manager"), _role("Leader")]
    response = browse(administrator).post(url("staff_add"), _form(roles=roles, password1=PASSWORD, password2=PASSWORD))
    assert response.status_code == 302, response.context["adminform"].form.errors
    staff = Staff.objects.get(email="ines@example.org")
    assert staff.role_names == {"Manager", "Leader"}
    assert sorted(entry.entity for entry in entries()) == ["staff", "staff_roles", "staff_roles"]
    assert client.login(username="ines@example.org", password=PASSWORD)


def test_a_weak_or_mistyped_password_is_refused(browse, administrator):
    browser = browse(administrator)
    for first, second in (("short", "short"), (PASSWORD, "other"), ("password123", "password123")):
        response = browser.post(url("staff_add"), _form(password1=first, password2=second))
        assert response.status_code == 200
    assert not Staff.objects.filter(email="ines@example.org").exists()


def test_the_same_email_in_other_letters_is_refused(browse, administrator, worker):
    data = _form(email=worker.email.upper(), password1=PASSWORD, password2=PASSWORD)
    response = browse(administrator).post(url("staff_add"), data)
    assert "exists already" in response.content.decode()


def test_an_address_that_is_another_in_small_letters_locks_nobody_out(browse, client, administrator):
    """In capitals the dotless ı is an I."""
    browser = browse(administrator)
    for email in ("ines@example.org", "ınes@example.org"):
        form = _form(email=email, roles=[_role("Manager")], password1=PASSWORD, password2=PASSWORD)
        assert browser.post(url("staff_add"), form).status_code == 302
    answer = client.post("/admin/login/", {"username": " Ines@Example.org", "password": PASSWORD})
    assert answer.status_code == 302
    assert client.get("/admin/").wsgi_request.user.email == "ines@example.org"


def test_an_account_is_closed_and_its_roles_changed(browse, administrator, worker):
    data = _form(first_name=worker.first_name, last_name=worker.last_name, email=worker.email, roles=[_role("Analyst")])
    del data["active"]
    response = browse(administrator).post(url("staff_change", worker.pk), data)
    assert response.status_code == 302
    worker = Staff.objects.get(pk=worker.pk)
    assert (worker.active, worker.role_names) == (False, {"Analyst"})


def test_no_one_changes_their_own_roles(browse, administrator):
    data = _form(
        first_name=administrator.first_name,
        last_name=administrator.last_name,
        email=administrator.email,
        roles=[_role("Manager")],
    )
    response = browse(administrator).post(url("staff_change", administrator.pk), data)
    assert response.status_code == 200
    assert "own roles" in str(response.context["adminform"].form.errors["roles"])
    assert Staff.objects.get(pk=administrator.pk).role_names == {"Administrator"}


def test_the_form_offers_no_superuser(browse, administrator, worker):
    data = _form(
        first_name="X",
        last_name=worker.last_name,
        email=worker.email,
        is_superuser="on",
        user_permissions="1",
        groups="1",
        password="x",
    )
    browse(administrator).post(url("staff_change", worker.pk), data)
    staff = Staff.objects.get(pk=worker.pk)
    assert staff.first_name == "X"
    assert not staff.is_superuser
    assert staff.check_password("correct horse")


def test_a_password_is_set_and_who_did_it_is_noted(browse, administrator, worker):
    browser = browse(administrator)
    response = browser.post(url("staff_password", worker.pk), {"password1": PASSWORD, "password2": PASSWORD})
    assert response.status_code == 302
    assert Staff.objects.get(pk=worker.pk).check_password(PASSWORD)
    assert AccessEntry.objects.get(action="set password").staff == administrator
