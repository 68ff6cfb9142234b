"""The parameters of linking: who sets them, what they do, and what they would have done."""

from collections.abc import Callable

import pytest
from django.db import IntegrityError, connection, transaction
from django.test import Client as Browser
from django.urls import reverse

from core import audit
from core.errors import Invalid, NotAllowed
from core.linking import parameters
from core.linking.joining import mark_not_same
from core.linking.rehearsal import rehearse
from core.models import AuditEntry, Client, LinkSettings, Staff

pytestmark = pytest.mark.django_db

TYPO = {"first_name": "Amnia", "last_name": "Yusuf", "dob": "1990-04-02"}


def test_an_administrator_changes_them_and_it_is_logged(administrator: Staff) -> None:
    assert parameters.current() == parameters.Parameters()
    assert parameters.change({"auto_bits": 12.0, "mode": "suggest"}, actor=administrator) == {"auto_bits", "mode"}
    assert (parameters.current().auto_bits, parameters.current().links) == (12.0, False)
    entry = AuditEntry.objects.latest("position")
    assert (entry.entity, entry.changed_by) == ("link_settings", administrator)
    assert parameters.change({"auto_bits": 12.0}, actor=administrator) == frozenset()
    assert LinkSettings.objects.count() == 1


@pytest.mark.parametrize("role", ["coordinator", "manager", "leader", "analyst", "worker"])
def test_others_may_not(request: pytest.FixtureRequest, role: str) -> None:
    with pytest.raises(NotAllowed):
        parameters.change({"auto_bits": 1.0}, actor=request.getfixturevalue(role))
    assert not LinkSettings.objects.exists()


def test_what_makes_no_sense_is_refused(administrator: Staff) -> None:
    with pytest.raises(Invalid, match="at least as sure"):
        parameters.change({"auto_bits": 1.0, "hold_bits": 2.0}, actor=administrator)
    with pytest.raises(Invalid, match="Bits lie between"):
        parameters.change({"margin_bits": -1.0}, actor=administrator)


@pytest.mark.parametrize(
    "values", ["(false, 'off', 10, -4, 5)", "(true, 'never', 10, -4, 5)", "(true, 'off', -5, -6, 5)"]
)
def test_the_database_refuses_it_too(values: str) -> None:
    statement = (
        "INSERT INTO link_settings (settings_id, single, mode, auto_bits, hold_bits, margin_bits) "
        f"SELECT gen_random_uuid(), v.* FROM (VALUES {values}) v"
    )
    with pytest.raises(IntegrityError), transaction.atomic(), audit.acting(None, channel="command"):
        connection.cursor().execute(statement)


@pytest.mark.parametrize(
    ("mode", "auto", "outcome"),
    [("automatic", 10.0, "held"), ("automatic", 5.0, "updated"), ("suggest", 5.0, "held"), ("off", 5.0, "created")],
)
def test_the_switch_and_the_threshold_decide_what_becomes_of_a_row(
    amina: Client, administrator: Staff, feed: Callable, mode: str, auto: float, outcome: str
) -> None:
    parameters.change({"mode": mode, "auto_bits": auto}, actor=administrator)
    (row,) = feed({**TYPO, "phone_number": "416-555-0100"})
    assert row["outcome"] == outcome


@pytest.mark.parametrize("mode", ["off", "suggest", "automatic"])
def test_equal_name_and_date_link_in_every_mode(amina: Client, administrator: Staff, feed: Callable, mode: str) -> None:
    parameters.change({"mode": mode}, actor=administrator)
    (row,) = feed({"first_name": "AMINA", "last_name": "Yusuf", "dob": "1990-04-02", "email": "a@example.org"})
    assert (row["outcome"], row["client_id"]) == ("updated", str(amina.pk))


def test_a_rehearsal_tells_what_would_have_been_and_what_people_said(
    amina: Client, coordinator: Staff, feed: Callable
) -> None:
    feed({**TYPO, "uid_external": "S-1"}, {"first_name": "Aminaa", "last_name": "Yusuf", "dob": "1990-04-02"})
    now = rehearse(parameters.Parameters())
    assert (now.rows, now.linked, now.held, now.more) == (2, 0, 2, 0)
    braver = rehearse(parameters.Parameters(auto_bits=5.0))
    assert (braver.linked, braver.more, braver.more_rejected) == (2, 2, 0)
    with audit.acting(None, channel="command"):
        other = Client.objects.create(first_name="Amnia", last_name="Yusuf")
        other.identifiers.create(source_system="SMIS", uid_external="S-1")
    braver = rehearse(parameters.Parameters(auto_bits=5.0))
    assert (braver.more, braver.more_rejected) == (2, 1)
    bits = {"total": 7.0, "bar": "", "bits": {}, "client": str(other.pk)}
    mark_not_same(amina, other, actor=coordinator, evidence={"candidates": [bits]})
    assert rehearse(parameters.Parameters(auto_bits=5.0)).pairs_rejected == 1
    assert rehearse(parameters.Parameters()).pairs_linked == 0
    assert "2 more linked than then, 1 of which" in braver.sentence


def test_what_no_threshold_would_have_linked_is_not_rehearsed(amina: Client, feed: Callable) -> None:
    feed({"first_name": "Amina", "last_name": "Yusuf", "dob": "1990-04-02", "uid_external": "S-1"})
    (row,) = feed({"first_name": "Amina", "last_name": "Yusuf", "dob": "1990-04-02", "uid_external": "S-2"})
    assert row["reason_code"] == "other_identifier"
    found = rehearse(parameters.Parameters())
    assert (found.rows, found.linked, found.more, found.fewer) == (1, 1, 0, 0)


def test_the_page_rehearses_by_get_and_saves_by_post(
    amina: Client, administrator: Staff, feed: Callable, client: Browser
) -> None:
    feed(TYPO)
    client.force_login(administrator)
    address = reverse("admin:core_clientlink_parameters")
    values = {"mode": "automatic", "auto_bits": "5", "hold_bits": "-4", "margin_bits": "5"}
    page = client.get(address, values).content.decode()
    assert "would have linked 1" in page
    assert "With 1 client that is: a row is linked by itself from 5.0 bits" in page
    assert "the same name and date of birth from 1.0, and waits for a person from -10.0" in page
    assert not LinkSettings.objects.exists()
    page = client.post(address, {**values, "hold_bits": "9"}).content.decode()
    assert "at least as sure" in page
    assert client.post(address, {**values, "reason": "tried"}).status_code == 302
    assert LinkSettings.objects.get().auto_bits == 5.0
    assert AuditEntry.objects.filter(entity="link_settings").get().reason == "tried"


@pytest.mark.parametrize("role", ["coordinator", "manager", "leader", "analyst", "worker"])
def test_others_do_not_see_the_page(request: pytest.FixtureRequest, client: Browser, role: str) -> None:
    client.force_login(request.getfixturevalue(role))
    assert client.get(reverse("admin:core_clientlink_parameters")).status_code in (403, 404)
