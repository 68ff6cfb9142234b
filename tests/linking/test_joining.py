"""Link two clients, take it back: a pointer, the chosen fields, and both records exactly as they were."""

from collections.abc import Callable
from datetime import date

import pytest
from django.db import connection

from core import audit, records
from core.errors import Conflict, Invalid, NotAllowed
from core.linking.joining import link, mark_not_same, unlink
from core.linking.overlaps import overlaps
from core.models import AuditEntry, Client, ClientIdentifier, ClientLink, Discharge, Enrollment, Intake, Program, Staff

pytestmark = pytest.mark.django_db

TABLES = (
    "clients",
    "client_identifiers",
    "client_program_enrollments",
    "intakes",
    "discharges",
    "service_restrictions",
)


@pytest.fixture
def twice(amina: Client, shelter: Program) -> Client:
    """Amina entered once more, with things of her own, by a file."""
    with audit.acting(None, channel="import"):
        client = Client.objects.create(
            first_name="Aminah", last_name="Youssef", dob=amina.dob, phone_number="416-555-0100", email="a@example.org"
        )
        Enrollment.objects.create(
            client=client, program=shelter, start_date=date(2024, 6, 1), end_date=date(2024, 7, 1)
        )
        Intake.objects.create(client=client, program=shelter, intake_date=date(2024, 6, 1))
        Discharge.objects.create(client=client, program=shelter, discharge_date=date(2024, 7, 1))
        ClientIdentifier.objects.create(client=client, source_system="SMIS", uid_external="S-1")
    return client


def checksum() -> str:
    """Over every column of every client and of all that hangs on them."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT md5(string_agg(row, '' ORDER BY row)) FROM ("
            + " UNION ALL ".join(f"SELECT to_jsonb(t)::text AS row FROM {table} t" for table in TABLES)
            + ") all_rows"
        )
        return cursor.fetchone()[0]


def test_a_link_is_a_pointer_and_what_hangs_on_either_stays(amina: Client, twice: Client, coordinator: Staff) -> None:
    stays = list(Enrollment.objects.order_by("pk").values_list("pk", "client"))
    updated = {c.pk: c.updated_at for c in Client.objects.all()}
    made = link(twice, amina, actor=coordinator, reason="same passport")
    assert Client.objects.get(pk=twice.pk).linked_to_id == amina.pk
    assert Client.objects.get(pk=amina.pk).linked_to_id is None
    assert list(Enrollment.objects.order_by("pk").values_list("pk", "client")) == stays
    assert {c.pk: c.updated_at for c in Client.objects.all()} == updated
    assert (made.verdict, made.decided_by, made.reason) == ("same", coordinator, "same passport")
    entries = AuditEntry.objects.filter(channel="link").values_list("entity", "action", "changed_by")
    assert list(entries.order_by("position")) == [
        ("clients", "update", coordinator.pk),
        ("client_links", "create", coordinator.pk),
    ]


@pytest.mark.parametrize("take", [(), ("first_name", "phone_number", "email")])
def test_unlink_restores_a_checksum_over_both_and_all_their_rows(
    amina: Client, twice: Client, coordinator: Staff, take: tuple
) -> None:
    with audit.acting(coordinator, channel="admin"):
        Client.objects.filter(pk=amina.pk).update(gender="Woman", email="old@example.org")
    before = checksum()
    made = link(twice, amina, actor=coordinator, take=take)
    assert checksum() != before
    if take:
        shown = Client.objects.get(pk=amina.pk)
        assert (shown.first_name, shown.phone_number, shown.email) == ("Aminah", "416-555-0100", "a@example.org")
        assert {"first_name", "phone_number", "email"} <= set(shown.edited_fields)
    unlink(made, actor=coordinator)
    assert checksum() == before
    assert ClientLink.objects.get().undone_by == coordinator


def test_what_was_changed_since_stays_changed(amina: Client, twice: Client, coordinator: Staff) -> None:
    made = link(twice, amina, actor=coordinator, take=["phone_number", "email"])
    shown = Client.objects.get(pk=amina.pk)
    records.change(shown, actor=coordinator, values={"email": "new@example.org", "race": "Black"})
    unlink(made, actor=coordinator)
    shown.refresh_from_db()
    assert (shown.phone_number, shown.email, shown.race) == (None, "new@example.org", "Black")
    assert "phone_number" not in shown.edited_fields
    assert {"email", "race"} <= set(shown.edited_fields)
    assert Client.objects.get(pk=twice.pk).phone_number == "416-555-0100"


def test_records_linked_before_follow_and_come_back(amina: Client, twice: Client, coordinator: Staff) -> None:
    with audit.acting(None, channel="command"):
        third = Client.objects.create(first_name="Amina", last_name="Y")
    before = checksum()
    first = link(third, twice, actor=coordinator)
    second = link(twice, amina, actor=coordinator)
    assert set(Client.objects.filter(linked_to=amina).values_list("pk", flat=True)) == {twice.pk, third.pk}
    unlink(second, actor=coordinator)
    assert Client.objects.get(pk=third.pk).linked_to_id == twice.pk
    unlink(first, actor=coordinator)
    assert checksum() == before


def test_links_may_be_taken_back_in_the_other_order(amina: Client, twice: Client, coordinator: Staff) -> None:
    with audit.acting(None, channel="command"):
        third = Client.objects.create(first_name="Amina", last_name="Y")
    before = checksum()
    first = link(third, twice, actor=coordinator)
    second = link(twice, amina, actor=coordinator)
    unlink(first, actor=coordinator)
    assert Client.objects.get(pk=third.pk).linked_to_id is None
    unlink(second, actor=coordinator)
    assert checksum() == before


def test_a_record_linked_anew_stays_where_it_was_linked(amina: Client, twice: Client, coordinator: Staff) -> None:
    with audit.acting(None, channel="command"):
        third = Client.objects.create(first_name="Amina", last_name="Y")
    first = link(third, twice, actor=coordinator)
    second = link(twice, amina, actor=coordinator)
    unlink(first, actor=coordinator)
    link(third, amina, actor=coordinator)
    unlink(second, actor=coordinator)
    assert Client.objects.get(pk=third.pk).linked_to_id == amina.pk
    assert Client.objects.get(pk=twice.pk).linked_to_id is None


@pytest.mark.parametrize("is_first_first", [True, False])
def test_whoever_lent_a_field_takes_it_back_in_any_order(
    amina: Client, twice: Client, coordinator: Staff, is_first_first: bool
) -> None:
    with audit.acting(None, channel="import"):
        Client.objects.filter(pk=amina.pk).update(phone_number="416-555-1003")
        third = Client.objects.create(first_name="Amina", last_name="Y", phone_number="416-555-1002")
    first = link(twice, amina, actor=coordinator, take=["phone_number"])
    second = link(third, amina, actor=coordinator, take=["phone_number"])
    for made in (first, second) if is_first_first else (second, first):
        unlink(made, actor=coordinator)
    found = Client.objects.get(pk=amina.pk)
    assert (found.phone_number, found.edited_fields) == ("416-555-1003", [])


def test_not_the_same_holds_through_a_third_record(amina: Client, twice: Client, coordinator: Staff) -> None:
    with audit.acting(None, channel="command"):
        third = Client.objects.create(first_name="Amina", last_name="Y")
    mark_not_same(third, amina, actor=coordinator)
    link(third, twice, actor=coordinator)
    with pytest.raises(Conflict, match="whom these two stand for"):
        link(twice, amina, actor=coordinator)


@pytest.mark.parametrize("role", ["manager", "leader", "analyst", "worker"])
def test_others_may_neither_link_nor_unlink(
    request: pytest.FixtureRequest, amina: Client, twice: Client, coordinator: Staff, role: str
) -> None:
    person = request.getfixturevalue(role)
    with pytest.raises(NotAllowed):
        link(twice, amina, actor=person)
    made = link(twice, amina, actor=coordinator)
    with pytest.raises(NotAllowed):
        unlink(made, actor=person)
    assert Client.objects.get(pk=twice.pk).linked_to_id == amina.pk


def test_it_refuses_what_makes_no_sense(amina: Client, twice: Client, coordinator: Staff) -> None:
    with pytest.raises(Invalid, match="itself"):
        link(amina, amina, actor=coordinator)
    with pytest.raises(Invalid, match="no fields"):
        link(twice, amina, actor=coordinator, take=["linked_to"])
    made = link(twice, amina, actor=coordinator)
    with pytest.raises(Conflict, match="already"):
        link(twice, amina, actor=coordinator)
    with pytest.raises(Conflict, match="already"):
        link(amina, twice, actor=coordinator)
    unlink(made, actor=coordinator)
    with pytest.raises(Conflict, match="already"):
        unlink(made, actor=coordinator)
    mark_not_same(amina, twice, actor=coordinator)
    with pytest.raises(Conflict, match="for ever"):
        link(twice, amina, actor=coordinator)


def test_linked_records_are_not_said_to_be_two_people(amina: Client, twice: Client, coordinator: Staff) -> None:
    with audit.acting(None, channel="link"):
        third = Client.objects.create(first_name="Amina-Rose", last_name="Yusuf", linked_to=amina)
    made = link(twice, amina, actor=coordinator)
    for one, other in ((twice, amina), (amina, twice), (twice, third)):
        with pytest.raises(Conflict, match="unlink them first"):
            mark_not_same(one, other, actor=coordinator)
    with pytest.raises(Invalid, match="not two records"):
        mark_not_same(amina, amina, actor=coordinator)
    unlink(made, actor=coordinator)
    assert mark_not_same(twice, amina, actor=coordinator).verdict == "not_same"


def test_overlapping_enrollments_become_tasks_until_they_are_put_in_order(
    amina: Client, twice: Client, coordinator: Staff
) -> None:
    assert overlaps() == []
    link(twice, amina, actor=coordinator)
    (found,) = overlaps(amina.pk)
    assert (found.person, found.first_start, found.second_start) == (amina.pk, date(2024, 1, 1), date(2024, 6, 1))
    assert overlaps() == [found]
    records.end(Enrollment.objects.get(pk=found.first), actor=coordinator, on=date(2024, 5, 31))
    assert overlaps() == []


def test_a_file_about_either_record_finds_the_one_shown_and_repeats_nothing(
    amina: Client, twice: Client, coordinator: Staff, feed: Callable
) -> None:
    link(twice, amina, actor=coordinator)
    stays, intakes, discharges = (model.objects.count() for model in (Enrollment, Intake, Discharge))
    rows = feed(
        {
            "uid_external": "S-1", "first_name": "Aminah", "last_name": "Youssef", "dob": "1990-04-02",
            "program": "Hostel A", "intake_date": "2024-06-01", "start_date": "2024-06-01",
            "discharge_date": "2024-07-01",
        }
    )  # fmt: skip
    assert rows[0]["client_id"] == str(amina.pk)
    assert [model.objects.count() for model in (Enrollment, Intake, Discharge)] == [stays, intakes, discharges]


def test_unlink_after_an_import_keeps_what_the_file_brought(
    amina: Client, twice: Client, coordinator: Staff, feed: Callable
) -> None:
    made = link(twice, amina, actor=coordinator, take=["phone_number"])
    feed({"uid_external": "S-1", "first_name": "Aminah", "last_name": "Youssef", "dob": "1990-04-02", "race": "Black"})
    unlink(made, actor=coordinator)
    shown = Client.objects.get(pk=amina.pk)
    assert (shown.race, shown.phone_number, shown.linked_to_id) == ("Black", None, None)
    assert ClientIdentifier.objects.get(uid_external="S-1").client_id == twice.pk
