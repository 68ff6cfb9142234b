"""Nobody is entered a second time without having looked who is there."""

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from admin_ext import similar
from core import approvals, audit, rules
from core.approvals import Draft
from core.models import AccessEntry, Client, PendingChange, Staff
from tests.admin_ext.conftest import url

pytestmark = pytest.mark.django_db

AGAIN = {"first_name": "Amína", "last_name": "Yusuf", "dob": "1990-04-02"}


@pytest.mark.parametrize("role", ["coordinator", "manager"])
def test_a_similar_person_is_shown_before_anything_is_written_or_sent(
    browse: Callable, amina: Client, role: str, entries: Callable, request: pytest.FixtureRequest
) -> None:
    staff = request.getfixturevalue(role)
    browser, data = browse(staff), {**AGAIN, "proposal_reason": "New at the desk"}
    entries()
    response = browser.post(url("client_add"), data)
    assert response.status_code == 200
    page = response.content.decode()
    assert "Amina Yusuf · 1990-04-02" in page
    assert url("client_change", amina.pk) in page
    assert entries() == []
    assert (
        amina.pk in AccessEntry.objects.filter(staff=staff, client_ids__isnull=False).latest("accessed_at").client_ids
    )
    seen = response.context["similar"].seen
    assert browser.post(url("client_add"), {**data, similar.SEEN: "other"}).status_code == 200
    assert entries() == []
    assert browser.post(url("client_add"), {**data, similar.SEEN: seen}).status_code == 302
    [entry] = entries()
    assert entry.entity == ("clients" if role == "coordinator" else "pending_changes")


def test_someone_unlike_all_others_goes_straight_through(browse: Callable, amina: Client, coordinator: Staff) -> None:
    data = {"first_name": "Ines", "last_name": "Vidal", "dob": "1985-02-03"}
    assert browse(coordinator).post(url("client_add"), data).status_code == 302


def test_whom_one_may_not_see_is_counted_and_not_named(
    browse: Callable, amina: Client, manager: Staff, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No role that proposes is scoped today; the page must not be what lets one see, should there be one."""
    visible_to = rules.visible_to
    monkeypatch.setattr(
        similar.rules, "visible_to", lambda who, model: visible_to(who, model).none() if model is Client else None
    )
    response = browse(manager).post(url("client_add"), {**AGAIN, "proposal_reason": "New"})
    page = response.content.decode()
    assert "a coordinator will check" in page
    assert str(amina.pk) not in page
    assert "Amina" not in page
    assert response.context["similar"].hidden == 1


def test_the_page_of_the_proposal_shows_who_it_may_be(
    browse: Callable, amina: Client, manager: Staff, coordinator: Staff
) -> None:
    values: dict[str, Any] = {"first_name": "Amina", "last_name": "Yusuf", "dob": date(1990, 4, 2)}
    [change] = approvals.submit([Draft(Client, None, values)], actor=manager, reason="New")
    page = browse(coordinator).get(url("pendingchange_change", change.pk)).content.decode()
    assert "Perhaps this person is known already" in page
    assert url("client_change", amina.pk) in page
    assert "known already" not in browse(manager).get(url("pendingchange_change", change.pk)).content.decode()


def test_a_proposal_written_by_hand_with_impossible_values_has_a_page_all_the_same(
    browse: Callable, amina: Client, manager: Staff, coordinator: Staff
) -> None:
    values = {"first_name": "Amina", "last_name": "Yusuf"}
    [change] = approvals.submit([Draft(Client, None, values)], actor=manager, reason="New")
    odd = PendingChange(
        entity="clients",
        entity_id=change.entity_id,
        kind="create",
        diff_json={"before": None, "after": {"dob": "yesterday"}},
        requested_by=manager,
    )
    with audit.acting(manager, channel="approval"):
        odd.save(force_insert=True)
    assert browse(coordinator).get(url("pendingchange_change", odd.pk)).status_code == 200
