"""Possible duplicates inside the database, and the verdict that they are not."""

import pytest
from django.db import connection
from django.db.backends.utils import CursorWrapper
from django.test import Client as Browser
from django.urls import reverse

from core import audit
from core.errors import Conflict, NotAllowed
from core.linking import model
from core.linking.duplicates import suspects
from core.linking.joining import mark_not_same
from core.models import AuditEntry, Client, ClientLink, LinkModel, Staff

pytestmark = pytest.mark.django_db


@pytest.fixture
def twice(amina: Client) -> Client:
    with audit.acting(None, channel="command"):
        Client.objects.create(first_name="Fatuma", last_name="Yusuf", dob=amina.dob)
        return Client.objects.create(first_name="Amnia", last_name="Yusuf", dob=amina.dob)


def test_someone_entered_twice_is_suspected_and_a_twin_is_not(amina: Client, twice: Client) -> None:
    assert {(s.client, s.other) for s in suspects()} == {tuple(sorted((amina.pk, twice.pk)))}


def test_a_verdict_lasts_and_is_logged(amina: Client, twice: Client, coordinator: Staff) -> None:
    mark_not_same(twice, amina, actor=coordinator, reason="cousins")
    assert suspects() == []
    entry = AuditEntry.objects.latest("position")
    assert (entry.entity, entry.channel, entry.changed_by) == ("client_links", "link", coordinator)
    with pytest.raises(Conflict, match="already"):
        mark_not_same(amina, twice, actor=coordinator)


def test_others_may_not_decide(amina: Client, twice: Client, manager: Staff) -> None:
    with pytest.raises(NotAllowed):
        mark_not_same(amina, twice, actor=manager)
    assert not ClientLink.objects.exists()


def test_the_page_shows_the_pair_and_takes_the_verdict_by_post(
    amina: Client, twice: Client, coordinator: Staff, client: Browser
) -> None:
    client.force_login(coordinator)
    page = client.get(reverse("admin:core_clientlink_changelist")).content.decode()
    assert "Amnia Yusuf" in page
    address = reverse("admin:core_clientlink_not_same", args=[amina.pk, twice.pk])
    assert client.get(address).status_code == 405
    assert client.post(address, follow=True).status_code == 200
    assert ClientLink.objects.get().verdict == "not_same"


@pytest.mark.parametrize("kept", [0, 600], ids=["few clients", "many clients and an old model"])
def test_the_page_writes_nothing_and_measures_nothing(
    amina: Client, twice: Client, coordinator: Staff, client: Browser, kept: int
) -> None:
    """Neither where a file would measure for the first time, nor where it would measure anew."""
    if kept:
        with audit.acting(None, channel="command"):
            Client.objects.bulk_create(Client(first_name=f"Ana {i}", last_name=f"Li{i}") for i in range(kept))
        version = model.current().version
        LinkModel.objects.update(clients=1)
    client.force_login(coordinator)
    with connection.cursor() as cursor:
        before = written(cursor)
        assert client.get(reverse("admin:core_clientlink_changelist")).status_code == 200
        after = written(cursor)
    assert {name for name in after if after[name] != before.get(name, 0)} <= {"access_log"}
    assert list(LinkModel.objects.values_list("version", "clients")) == ([(version, 1)] if kept else [])


def written(cursor: CursorWrapper) -> dict[str, int]:
    """Rows written so far in this transaction, by table that lasts longer than it."""
    cursor.execute(
        "SELECT relname, n_tup_ins + n_tup_upd + n_tup_del FROM pg_stat_xact_user_tables WHERE schemaname = 'public'"
    )
    return dict(cursor.fetchall())


@pytest.mark.parametrize("role", ["manager", "leader", "analyst", "worker"])
def test_others_do_not_see_the_page(request: pytest.FixtureRequest, client: Browser, role: str) -> None:
    client.force_login(request.getfixturevalue(role))
    assert client.get(reverse("admin:core_clientlink_changelist")).status_code in (403, 404)
