"""The access log: one insert per entry, never changed, read by those who may."""

from collections.abc import Callable
from datetime import date
from uuid import uuid4

import pytest
from django.db import DatabaseError, connection, transaction
from django.test.utils import CaptureQueriesContext

from core import access, audit, rules
from core.choices import ADMINISTRATOR, ANALYST, COORDINATOR, LEADER, MANAGER, ROLES, STAFF
from core.errors import NotAllowed
from core.models import AccessEntry, Client, Staff

pytestmark = pytest.mark.django_db


def test_an_entry_is_one_insert(worker: Staff, amina: Client) -> None:
    with CaptureQueriesContext(
        connection,
    ) as queries:
        access.record(worker, "open", "clients", clients=[amina.pk, amina.pk], number=1, detail="q=ami\x00na")
    assert len(queries) == 1
    entry = AccessEntry.objects.get()
    assert (entry.staff, entry.action, entry.entity) == (worker, "open", "clients")
    assert (entry.client_ids, entry.number, entry.detail) == ([amina.pk], 1, "q=amina")


def test_nothing_shown_is_null_and_long_texts_are_cut(worker: Staff) -> None:
    access.record(worker.pk, "x" * 99, detail="y" * 999)
    entry = AccessEntry.objects.get()
    assert (entry.client_ids, entry.number, entry.entity) == (None, None, None)
    assert (len(entry.action), len(entry.detail)) == (40, 500)


@pytest.mark.parametrize("change", ["UPDATE access_log SET action = 'nothing'", "DELETE FROM access_log"])
def test_an_entry_stays(worker: Staff, change: str) -> None:
    access.record(worker, "open", "clients")
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(change)
    assert AccessEntry.objects.get().action == "open"


@pytest.mark.parametrize("role", ROLES)
def test_who_reads_it(person: Callable[..., Staff], amina: Client, role: str) -> None:
    viewer = person(role)
    access.record(viewer, "open", "clients", clients=[amina.pk])
    of_client = rules.allows(viewer, "core.view_client_access", amina)
    of_staff = rules.allows(viewer, "core.view_accessentry")
    assert of_client is (role in {ADMINISTRATOR, COORDINATOR})
    assert of_staff is rules.allows(viewer, "core.see_as") is (role == ADMINISTRATOR)
    if of_client:
        assert [entry.staff for entry in access.of_client(amina, viewer=viewer)] == [viewer]
    else:
        with pytest.raises(NotAllowed):
            access.of_client(amina, viewer=viewer)
    if not of_staff:
        with pytest.raises(NotAllowed):
            access.of_staff(viewer, viewer=viewer)


def test_linked_records_are_one_person(worker: Staff, coordinator: Staff, amina: Client) -> None:
    with audit.acting(None, channel="link"):
        shown = Client.objects.create(first_name="Amina", last_name="Y", dob=date(1990, 4, 2))
        Client.objects.filter(pk=amina.pk).update(linked_to=shown)
    amina.refresh_from_db()
    access.record(worker, "open", "clients", clients=[amina.pk])
    access.record(worker, "list", "clients", clients=[shown.pk])
    access.record(worker, "list", "clients", clients=[uuid4()])
    for client in (amina, shown):
        assert access.of_client(client, viewer=coordinator).count() == 2


def test_what_a_person_looked_at_is_theirs_alone(administrator: Staff, worker: Staff, other_worker: Staff) -> None:
    access.record(worker, "list", "clients")
    access.record(other_worker, "list", "programs")
    assert [entry.entity for entry in access.of_staff(worker, viewer=administrator)] == ["clients"]


def test_the_roles_here_are_all_there_are() -> None:
    assert set(ROLES) == {ADMINISTRATOR, COORDINATOR, MANAGER, LEADER, STAFF, ANALYST}
