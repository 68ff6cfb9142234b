"""The History page: who approved and who proposed; for administrators the versions, each to be restored by a POST."""

from collections.abc import Callable

import pytest

from core import approvals, records, versions
from core.models import Client, Program, Staff
from tests.admin_ext.conftest import url

pytestmark = pytest.mark.django_db


@pytest.fixture
def moved(amina: Client, coordinator: Staff) -> Client:
    records.change(amina, actor=coordinator, values={"gender": "Man"})
    records.change(amina, actor=coordinator, values={"gender": "Non-binary", "alias": "Mina"})
    amina.refresh_from_db()
    return amina


def oldest(client: Client) -> int:
    """After the first change by hand."""
    return versions.versions_of(client)[1].pk


def test_the_history_says_who_approved_who_proposed_and_why(
    browse: Callable, amina: Client, manager: Staff, coordinator: Staff
) -> None:
    change = approvals.propose(amina, actor=manager, values={"gender": "Man"}, reason="She told us")
    approvals.approve(change, actor=coordinator, rationale="Seen the papers")
    body = browse(coordinator).get(url("client_history", amina.pk)).content.decode()
    assert f"Approved by <strong>{coordinator}</strong>, proposed by <strong>{manager}</strong>" in body
    assert "“Seen the papers”" in body


def test_an_administrator_sees_the_versions_and_restores_one(
    browse: Callable, moved: Client, administrator: Staff, entries: Callable
) -> None:
    browser = browse(administrator)
    address = url("client_version", moved.pk, oldest(moved))
    assert address in browser.get(url("client_history", moved.pk)).content.decode()
    entries()
    page = browser.get(address)
    assert {(row["label"], row["now"], row["was"]) for row in page.context["rows"]} == {
        ("Gender", "Non-binary", "Man"),
        ("Alias", "Mina", "—"),
    }
    assert entries() == []
    response = browser.post(address, {"reason": "Wrong person"}, follow=True)
    assert "Restored." in response.content.decode()
    moved.refresh_from_db()
    assert (moved.gender, moved.alias) == ("Man", None)
    [entry] = entries()
    assert (entry.entity, entry.changed_by) == ("clients", administrator)
    assert "Restored the version of" in browser.get(url("client_history", moved.pk)).content.decode()


def test_without_a_reason_it_says_so_and_restores_nothing(
    browse: Callable, moved: Client, administrator: Staff, entries: Callable
) -> None:
    entries()
    response = browse(administrator).post(url("client_version", moved.pk, oldest(moved)), {"reason": " "})
    assert "Say why" in response.content.decode()
    assert entries() == []


@pytest.mark.parametrize("role", ["coordinator", "manager", "leader", "analyst", "worker"])
def test_others_see_no_versions_and_restore_none(
    browse: Callable, moved: Client, role: str, request: pytest.FixtureRequest
) -> None:
    browser = browse(request.getfixturevalue(role))
    address = url("client_version", moved.pk, oldest(moved))
    assert browser.get(address).status_code == 403
    assert browser.post(address, {"reason": "Mine"}).status_code == 403
    assert "Versions kept" not in browser.get(url("client_history", moved.pk)).content.decode()
    moved.refresh_from_db()
    assert moved.gender == "Non-binary"


def test_a_version_of_another_record_is_not_there(
    browse: Callable, moved: Client, stranger: Client, administrator: Staff
) -> None:
    browser = browse(administrator)
    for version in (oldest(moved), 0, 2**62, "x", "²"):
        assert browser.get(url("client_version", stranger.pk, version)).status_code == 404
        assert browser.post(url("client_version", stranger.pk, version), {"reason": "Forged"}).status_code == 404


def test_a_record_one_may_not_see_has_no_versions_either(browse: Callable, stranger: Client, worker: Staff) -> None:
    assert browse(worker).get(url("client_version", stranger.pk, 1)).status_code == 404


def test_a_program_has_its_own(
    browse: Callable, amina: Client, administrator: Staff, coordinator: Staff, shelter: Program
) -> None:
    records.change(shelter, actor=coordinator, values={"location": "Main Street"})
    records.change(shelter, actor=coordinator, values={"location": "High Street"})
    address = url("program_version", shelter.pk, versions.versions_of(shelter)[1].pk)
    browse(administrator).post(address, {"reason": "Moved back"})
    shelter.refresh_from_db()
    assert shelter.location == "Main Street"
