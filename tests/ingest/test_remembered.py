"""Rows known again from an earlier file take a shorter road, and nobody can tell from what becomes of them."""

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, datetime
from typing import Any
from unittest.mock import patch

import pytest
from django.db import connection, connections, transaction

from core import audit
from core.audit.settled import settled_position
from core.ingest import loading, pipeline, undo
from core.ingest.check import Checker
from core.linking.joining import link, unlink
from core.models import (
    AuditEntry,
    Client,
    ClientIdentifier,
    Discharge,
    Enrollment,
    ImportBatch,
    ImportRow,
    Intake,
    Program,
    RememberedRow,
    SourceDisagreement,
    SourceSettings,
    Staff,
)
from tests.ingest.files import csv_bytes

pytestmark = pytest.mark.django_db

HEADERS = (
    *("uid_external", "first_name", "last_name", "dob", "gender", "phone_number", "email", "postal_code"),
    *("program", "intake_date", "start_date", "end_date", "discharge_date", "discharge_reason"),
)
INES = {"uid_external": "S-2", "first_name": "Ines", "last_name": "Vidal", "dob": "1985-01-31", "email": "i@x.org"}
AMINA = {"uid_external": "S-1", "first_name": "Amina", "last_name": "Yusuf", "dob": "1990-04-02", "gender": "F"}
STAY = {"program": "Hostel A", "intake_date": "2026-01-05", "start_date": "2026-01-05"}
WRITTEN = (Client, ClientIdentifier, Intake, Enrollment, Discharge, SourceDisagreement)
Row = dict[str, str]


def feed(*rows: Row, headers: tuple[str, ...] = HEADERS, source: str = "SMIS") -> ImportBatch:
    """Take a file in; the same bytes may come again."""
    report = pipeline.take(
        csv_bytes(headers, *([row.get(column, "") for column in headers] for row in rows)),
        file_name="a.csv",
        source=source,
        actor=None,
        options=pipeline.Options(writes_files=False, repeat=True),
    )
    return ImportBatch.objects.get(pk=report.batch_id)


def outcomes(batch: ImportBatch) -> list[str]:
    return list(batch.rows.order_by("row_number").values_list("outcome", flat=True))


@contextmanager
def checked() -> Iterator[list[int]]:
    """The numbers of the rows that are checked meanwhile."""
    numbers: list[int] = []
    check = Checker.check

    def counting(self: Checker, raw: Any) -> Any:
        numbers.append(raw.number)
        return check(self, raw)

    with patch.object(Checker, "check", counting):
        yield numbers


@pytest.fixture
def known(shelter: Program) -> tuple[Row, Row]:
    """Two rows that came in a file before and are known again."""
    rows = {**AMINA, **STAY}, {**INES, **STAY}
    feed(*rows)
    return rows


def test_a_row_that_came_before_is_not_checked_again_and_is_unchanged(known: tuple[Row, Row]) -> None:
    log = AuditEntry.objects.exclude(action="import").count()
    with checked() as numbers:
        batch = feed(*known)
    assert numbers == []
    assert outcomes(batch) == ["unchanged"] * 2
    assert batch.summary["unchanged"] == batch.summary["rows"] == 2
    assert AuditEntry.objects.exclude(action="import").count() == log
    amina = ImportRow.objects.get(batch=batch, row_number=1)
    assert amina.client == Client.objects.get(first_name="Amina")
    assert amina.cells[:4] == ["S-1", "Amina", "Yusuf", "1990-04-02"]


def test_only_the_row_that_says_something_new_is_checked(known: tuple[Row, Row]) -> None:
    amina, ines = known
    with checked() as numbers:
        batch = feed(amina, {**ines, "email": "ines@x.org"})
    assert numbers == [2]
    assert outcomes(batch) == ["unchanged", "updated"]


def test_of_an_identifier_whose_row_changed_the_old_row_is_forgotten(known: tuple[Row, Row]) -> None:
    amina, ines = known
    feed(amina, {**ines, "email": "ines@x.org"})
    assert RememberedRow.objects.count() == 2
    with checked() as numbers:
        batch = feed(amina, ines)
    assert numbers == [2]
    assert outcomes(batch) == ["unchanged", "updated"]


@pytest.mark.parametrize("cell", ['a"b', "a\\b", "a\tb", "a\nb\r\nc", "\\N", "a\n\\.\nb", "{a,b}", "NULL", "é\u00a0x"])
def test_cells_are_kept_as_they_came(shelter: Program, cell: str) -> None:
    headers = ("uid_external", "first_name", "last_name", "dob", "Remark")
    row = {**AMINA, "Remark": cell}
    feed(row, headers=headers)
    with checked() as numbers:
        batch = feed(row, headers=headers)
    assert numbers == []
    assert ImportRow.objects.get(batch=batch).cells == ["S-1", "Amina", "Yusuf", "1990-04-02", cell]


def by_hand(record: Any, **values: Any) -> None:
    with audit.acting(None, channel="admin"):
        type(record).objects.filter(pk=record.pk).update(**values)


def edit_client(amina: Client) -> None:
    by_hand(amina, phone_number="416-555-0100")


def end_enrollment(amina: Client) -> None:
    by_hand(Enrollment.objects.get(client=amina), end_date=date(2026, 3, 1))


def remove_intake(amina: Client) -> None:
    with audit.acting(None, channel="admin"):
        Intake.objects.filter(client=amina).delete()


def move_identifier(amina: Client) -> None:
    by_hand(ClientIdentifier.objects.get(client=amina), client=Client.objects.get(first_name="Ines"))


def move_enrollment(amina: Client) -> None:
    by_hand(
        Enrollment.objects.get(client=amina),
        client=Client.objects.get(first_name="Ines"),
        end_date="2020-02-01",
        start_date="2020-01-01",
    )


def link_to_ines(amina: Client) -> None:
    link(amina, Client.objects.get(first_name="Ines"), actor=None, reason="Same person")


def link_ines_to_her(amina: Client) -> None:
    link(Client.objects.get(first_name="Ines"), amina, actor=None, reason="Same person")


def rename_program(amina: Client) -> None:
    by_hand(Program.objects.get(name="Hostel A"), name="Hostel B")


def map_a_word(amina: Client) -> None:
    with audit.acting(None, channel="admin"):
        SourceSettings.objects.create(source_system="SMIS", value_maps={"gender": {"F": "Man"}})


@pytest.mark.parametrize(
    "event",
    [
        *(edit_client, end_enrollment, remove_intake, move_identifier, move_enrollment, link_to_ines, link_ines_to_her),
        *(rename_program, map_a_word),
    ],
)
def test_a_row_goes_the_whole_road_once_something_of_its_client_or_its_words_is_new(
    known: tuple[Row, Row], event: Callable[[Client], None]
) -> None:
    event(Client.objects.get(first_name="Amina"))
    with checked() as numbers:
        feed(*known)
    assert 1 in numbers


def test_a_row_of_the_kept_client_is_looked_at_again_after_an_unlink(known: tuple[Row, Row]) -> None:
    amina, ines = Client.objects.get(first_name="Amina"), Client.objects.get(first_name="Ines")
    made = link(ines, amina, actor=None, reason="Same person")
    feed(known[0])
    with checked() as numbers:
        feed(known[0])
    assert numbers == []
    unlink(made, actor=None, reason="They are sisters")
    with checked() as numbers:
        feed(known[0])
    assert numbers == [1]


def test_columns_in_another_order_or_of_another_source_are_other_rows(known: tuple[Row, Row]) -> None:
    with checked() as numbers:
        feed(*known, headers=tuple(reversed(HEADERS)))
    assert numbers == [1, 2]
    with checked() as numbers:
        feed(*known, source="EMHWare")
    assert numbers == [1, 2]


def test_rows_with_a_note_or_without_an_identifier_are_looked_at_every_time(shelter: Program) -> None:
    noted, nameless = {**AMINA, "gender": "Unheard of"}, {**INES, "uid_external": ""}
    for _ in range(2):
        with checked() as numbers:
            feed(noted, nameless)
        assert numbers == [1, 2]
    assert not RememberedRow.objects.exists()


def test_the_same_row_twice_in_a_file_is_a_duplicate(known: tuple[Row, Row]) -> None:
    batch = feed(known[0], known[0], known[1])
    assert outcomes(batch) == ["unchanged", "duplicate", "unchanged"]


def test_another_row_of_the_same_identifier_is_weighed_against_the_known_one(known: tuple[Row, Row]) -> None:
    batch = feed({**known[0], "phone_number": "416-555-0199"}, *known)
    assert outcomes(batch) == ["updated", "unchanged", "unchanged"]
    stranger = {**INES, "uid_external": "S-1"}
    batch = feed(stranger, *known)
    assert outcomes(batch)[0] == "held"


def test_a_row_that_is_only_found_to_be_of_a_known_client_by_its_name_makes_the_file_go_the_whole_road(
    known: tuple[Row, Row],
) -> None:
    unnamed = {**AMINA, "uid_external": "", "phone_number": "416-555-0199"}
    with checked() as numbers:
        batch = feed(unnamed, *known)
    assert numbers == [1, 1, 2, 3]
    assert outcomes(batch) == ["updated", "unchanged", "unchanged"]
    assert [row.row_number for row in ImportRow.objects.filter(batch=batch)] == [1, 2, 3]


def test_a_file_taken_back_is_not_remembered(shelter: Program, coordinator: Staff) -> None:
    batch = feed({**AMINA, **STAY})
    undo.undo(batch, actor=coordinator, reason="Wrong file")
    with checked() as numbers:
        assert outcomes(feed({**AMINA, **STAY})) == ["created"]
    assert numbers == [1]


def test_a_file_with_one_change_leaves_what_the_whole_road_would_leave(shelter: Program, clinic: Program) -> None:
    """Random files and edits in two worlds, one of which remembers nothing."""
    rng, passed_over = random.Random(20261126), 0
    for number in range(25):
        rows = [some_row(rng) for _ in range(rng.randrange(1, 12))]
        with transaction.atomic():
            with patch.object(loading.Memory, "recall", lambda self, digests: {}):
                whole = state(feed(*rows))
            transaction.set_rollback(True)
        with checked() as numbers:
            assert state(feed(*rows)) == whole, f"file {number}"
        passed_over += len(set(range(1, len(rows) + 1)) - set(numbers))
        if rng.random() < 0.5:
            some_edit(rng)
    assert passed_over > 10


def some_row(rng: random.Random) -> Row:
    """A row of one of a few people; mostly the same words each time."""
    who = rng.randrange(6)
    row = {
        "uid_external": f"S-{who}",
        "first_name": ["Amina", "Ines", "Omar", "Lea", "Tom", "Vera"][who],
        "last_name": ["Yusuf", "Vidal", "Haddad", "Roy", "Lee", "Novak"][who],
        "dob": f"19{60 + who}-0{1 + who}-1{who}",
        "program": "Hostel A",
        "start_date": "2026-01-05",
    }
    odd = rng.randrange(12)
    changes: dict[int, Row] = {
        0: {"phone_number": f"416-555-01{rng.randrange(10):02}"},
        1: {"program": "Clinic", "intake_date": "2026-02-01"},
        2: {"uid_external": ""},
        3: {"end_date": "2026-05-01"},
        4: {"first_name": "Someone", "last_name": "Else"},
        5: {"uid_external": f"S-{who}b"},
        6: {"gender": rng.choice(["F", "M", "Unheard of"])},
    }
    return row | changes.get(odd, {})


def some_edit(rng: random.Random) -> None:
    client = rng.choice(list(Client.objects.order_by("pk")))
    if rng.random() < 0.5:
        by_hand(client, phone_number=f"647-555-01{rng.randrange(10):02}")
    elif enrollment := Enrollment.objects.filter(client=client).first():
        with audit.acting(None, channel="admin"):
            enrollment.delete()


def state(batch: ImportBatch) -> dict[str, Any]:
    """What became of each row and what stands in every table, without times; keys drawn by chance are told by names."""
    names = {client.pk: (client.first_name, client.dob) for client in Client.objects.all()}
    rows = batch.rows.order_by("row_number").values_list("row_number", "outcome", "reason_code", "note", "client_id")
    found: dict[str, Any] = {"rows": [(*row[:4], names.get(row[4])) for row in rows]}
    left_out = {"client_id", "batch_id"}
    for model in WRITTEN:
        keys = {model._meta.pk.attname, "entity_id"}
        found[model.__name__] = sorted(
            repr(
                (
                    names.get(row.get("client_id")),
                    {k: v for k, v in row.items() if k not in left_out | keys and not isinstance(v, datetime)},
                )
            )
            for row in model.objects.values()
        )
    return found


@pytest.mark.django_db(transaction=True)
def test_where_someone_writes_meanwhile_nothing_new_is_remembered_and_their_client_is_looked_at(
    shelter: Program,
) -> None:
    feed({**AMINA, **STAY}, {**INES, **STAY})
    RememberedRow.objects.all().delete()
    other = connections.create_connection("default")
    try:
        with other.cursor() as cursor:
            cursor.execute("BEGIN")
            cursor.execute("SELECT set_config('ccd.channel', 'admin', true)")
            cursor.execute("UPDATE clients SET phone_number = '416-555-0100' WHERE first_name = 'Amina'")
            with connection.cursor() as mine:
                assert settled_position(mine) is None
            feed({**INES, **STAY})
            assert not RememberedRow.objects.exists()
            cursor.execute("COMMIT")
    finally:
        other.close()
    with connection.cursor() as mine:
        assert settled_position(mine) == AuditEntry.objects.latest("position").position
    feed({**INES, **STAY})
    assert RememberedRow.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_an_edit_that_began_before_a_file_and_ended_after_it_is_not_missed(shelter: Program) -> None:
    """Its number in the log is smaller than the file's own."""
    row = {**AMINA, **STAY}
    feed(row)
    other = connections.create_connection("default")
    try:
        with other.cursor() as cursor:
            cursor.execute("BEGIN")
            cursor.execute("SELECT set_config('ccd.channel', 'admin', true)")
            cursor.execute("UPDATE client_program_enrollments SET end_date = '2026-02-01'")
            with checked() as numbers:
                feed(row)
            assert numbers == []
            cursor.execute("COMMIT")
    finally:
        other.close()
    with checked() as numbers:
        feed(row)
    assert numbers == [1]
