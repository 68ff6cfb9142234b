"""Taking a daily file back: all of it or nothing, and only while nothing later stands on what it wrote."""

import threading
from datetime import date
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.db.models import Model

from core import approvals, audit, records, rules
from core.errors import Conflict, FileBusy, Invalid, NotAllowed
from core.ingest import batches, desk, pipeline, undo
from core.linking.joining import link, mark_not_same, unlink
from core.models import (
    AuditEntry,
    Client,
    ClientIdentifier,
    Department,
    Discharge,
    Enrollment,
    ImportBatch,
    ImportRow,
    Intake,
    Program,
    Restriction,
    SourceDisagreement,
    Staff,
)

pytestmark = pytest.mark.django_db

HEADERS = (
    *("uid_external", "first_name", "last_name", "dob", "gender", "phone_number", "email", "street", "postal_code"),
    *("languages_spoken", "program", "intake_date", "start_date", "end_date", "discharge_date", "discharge_reason"),
)
INES = {"uid_external": "S-2", "first_name": "Ines", "last_name": "Vidal", "dob": "1985-01-31"}
AMINA = {"uid_external": "S-1", "first_name": "Amina", "last_name": "Yusuf", "dob": "1990-04-02"}
# The tables of section 3 of the contract that a file may write.
TABLES = (Client, ClientIdentifier, Intake, Enrollment, Discharge, SourceDisagreement)


def feed(*rows: dict[str, str], source: str = "SMIS", name: str = "a.csv", actor: Staff | None = None) -> ImportBatch:
    lines = [",".join(HEADERS), *(",".join(row.get(column, "") for column in HEADERS) for row in rows)]
    report = pipeline.take(
        "\n".join(lines).encode(),
        file_name=name,
        source=source,
        actor=actor,
        options=pipeline.Options(writes_files=False),
    )
    return ImportBatch.objects.get(pk=report.batch_id)


def everything() -> dict[str, list[dict[str, Any]]]:
    """All rows that a file may write, with all columns but the time of the last change."""
    return {
        model.__name__: [
            {key: value for key, value in row.items() if key != "updated_at"}
            for row in model.objects.order_by("pk").values()
        ]
        for model in TABLES
    }


def obstacles(batch: ImportBatch, actor: Staff) -> str:
    """What stands in the way, said by the plan and by the refusal alike; nothing was written."""
    before, log = everything(), AuditEntry.objects.count()
    said = [each.sentence for each in undo.plan(batch, actor=actor).obstacles]
    with pytest.raises(Conflict) as caught:
        undo.undo(batch, actor=actor, reason="Wrong file")
    assert str(caught.value) == " ".join(said)
    assert everything() == before
    assert AuditEntry.objects.count() == log
    batch.refresh_from_db()
    assert batch.status == "applied"
    return str(caught.value)


def test_nothing_is_left_of_a_file_of_new_people(coordinator: Staff, shelter: Program) -> None:
    before = everything()
    batch = feed(
        {**AMINA, "gender": "F", "program": "Hostel A", "intake_date": "2026-01-05", "start_date": "2026-01-05"},
        {**INES, "program": "Hostel A", "start_date": "2026-01-05", "discharge_date": "2026-02-01"},
        {**INES, "phone_number": "416-555-0100"},
    )
    assert Client.objects.count() == 2
    done = undo.undo(batch, actor=coordinator, reason="Wrong file")
    assert everything() == before
    assert done.removes["clients"] == 2
    assert undo.in_words(done.removes) == ["2 clients", "2 identifiers", "2 enrollments", "1 intake", "1 discharge"]
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM client_keys")
        assert cursor.fetchone()[0] == 0


def test_every_field_of_a_known_client_gets_its_earlier_value(coordinator: Staff, shelter: Program) -> None:
    feed(
        {
            **AMINA,
            "phone_number": "416-555-0100",
            "street": "1 King St",
            "languages_spoken": "Somali;English",
            "program": "Hostel A",
            "start_date": "2026-01-05",
        },
        name="first.csv",
    )
    before = everything()
    batch = feed(
        {
            **AMINA,
            "first_name": "Aminah",
            "gender": "F",
            "phone_number": "416-555-0199",
            "email": "a@example.org",
            "street": "2 Queen St",
            "postal_code": "M5V 2T6",
            "languages_spoken": "French",
            "program": "Hostel A",
            "intake_date": "2026-01-04",
            "discharge_date": "2026-03-01",
            "discharge_reason": "Housed",
        },
        {**AMINA, "phone_number": "416-555-0200"},  # a second change of one field by the same file
    )
    assert Client.objects.get().phone_number == "416-555-0200"
    assert Enrollment.objects.get().end_date == date(2026, 3, 1)
    done = undo.undo(batch, actor=coordinator, reason="Wrong file")
    assert everything() == before
    assert done.restores == {"clients": 1, "client_program_enrollments": 1}
    assert done.removes == {"intakes": 1, "discharges": 1}


def test_it_is_one_act_in_the_log_with_before_and_after(coordinator: Staff, amina: Client) -> None:
    batch = feed({**AMINA, "phone_number": "416-555-0100"}, INES)
    position = AuditEntry.objects.latest("position").position
    undo.undo(batch, actor=coordinator, reason="Sent twice")
    new = AuditEntry.objects.filter(position__gt=position).order_by("position")
    assert sorted((e.entity, e.action) for e in new) == [
        ("client_identifiers", "delete"),
        ("client_identifiers", "delete"),
        ("clients", "delete"),
        ("clients", "update"),
        ("import_batches", "update"),
    ]
    assert {(e.changed_by, e.channel, e.reference_id, e.reason) for e in new} == {
        (coordinator, "import", batch.pk, "Sent twice")
    }
    own = new.get(entity="clients", action="update")
    assert own.diff_json == {
        "before": {"phone_number": "416-555-0100", "uid_external": "S-1"},
        "after": {"phone_number": None, "uid_external": None},
    }
    assert new.last().diff_json == {"before": {"status": "applied"}, "after": {"status": "undone"}}
    batch.refresh_from_db()
    assert (batch.status, batch.undone_by, batch.reason) == ("undone", coordinator, "Sent twice")
    assert batch.undone_at is not None


def test_the_rows_of_the_file_stay_without_the_clients_that_are_gone(coordinator: Staff, amina: Client) -> None:
    batch = feed(AMINA, INES)
    undo.undo(batch, actor=coordinator, reason="Wrong file")
    assert list(ImportRow.objects.order_by("row_number").values_list("outcome", "client")) == [
        ("updated", amina.pk),
        ("created", None),
    ]


def test_the_same_bytes_may_come_in_again_and_do_the_same(coordinator: Staff, shelter: Program) -> None:
    row = {**INES, "program": "Hostel A", "start_date": "2026-01-05"}
    undo.undo(feed(row), actor=coordinator, reason="Wrong day")
    again = feed(row)
    assert (again.status, again.repeated, again.summary["created"]) == ("applied", False, 1)


def test_it_is_taken_back_once(coordinator: Staff) -> None:
    batch = feed(INES)
    undo.undo(batch, actor=coordinator, reason="Wrong file")
    with pytest.raises(Conflict, match="taken back"):
        undo.undo(batch, actor=coordinator, reason="Again")
    batch.refresh_from_db()
    batch.status = "applied"
    with pytest.raises(Exception, match="stays so"):
        batch.save(update_fields=["status"])


@pytest.mark.parametrize("status", ["previewed", "refused", "cancelled", "interrupted", "running"])
def test_what_was_not_taken_in_cannot_be_taken_back(coordinator: Staff, status: str) -> None:
    batch = ImportBatch.objects.create(source_system="SMIS", file_name="a.csv", sha256="0", size=1, status=status)
    with pytest.raises(Conflict, match="Only a file that was taken in"):
        undo.undo(batch, actor=coordinator, reason="Wrong file")


def test_without_a_reason_nothing_is_taken_back(coordinator: Staff) -> None:
    batch = feed(INES)
    with pytest.raises(Invalid, match="Say why"):
        undo.undo(batch, actor=coordinator, reason="  ")
    assert Client.objects.count() == 1


def test_only_those_entitled_take_files_back(manager: Staff, leader: Staff, analyst: Staff, worker: Staff) -> None:
    batch = feed(INES)
    for person in (manager, leader, analyst, worker):
        assert not rules.allows(person, "core.undo_batch", batch)
        for verb in (
            lambda p=person: undo.plan(batch, actor=p),
            lambda p=person: undo.undo(batch, actor=p, reason="x"),
        ):
            with pytest.raises(NotAllowed):
                verb()
    assert Client.objects.filter(first_name="Ines").exists()


# What stands in the way


def test_a_later_edit_of_the_same_field_stands_in_the_way(coordinator: Staff, amina: Client) -> None:
    batch = feed({**AMINA, "phone_number": "416-555-0100"})
    records.change(amina, actor=coordinator, values={"phone_number": "416-555-0101"})
    said = obstacles(batch, coordinator)
    assert said.startswith("Amina Yusuf: the record was changed (phone number) on ")
    assert said.endswith(f"by {coordinator}.")


def test_a_later_edit_of_another_field_does_not(coordinator: Staff, amina: Client) -> None:
    batch = feed({**AMINA, "phone_number": "416-555-0100"})
    records.change(amina, actor=coordinator, values={"gender": "Man"})
    undo.undo(batch, actor=coordinator, reason="Wrong file")
    amina.refresh_from_db()
    assert (amina.phone_number, amina.gender, amina.edited_fields) == (None, "Man", ["gender"])


def test_any_later_edit_of_a_client_it_made_stands_in_the_way(coordinator: Staff) -> None:
    batch = feed(INES)
    records.change(Client.objects.get(), actor=coordinator, values={"gender": "Woman"})
    assert "Ines Vidal: the record was changed (gender)" in obstacles(batch, coordinator)


def test_an_approved_proposal_stands_in_the_way(coordinator: Staff, manager: Staff, amina: Client) -> None:
    batch = feed({**AMINA, "phone_number": "416-555-0100"})
    amina.refresh_from_db()
    proposal = approvals.propose(amina, actor=manager, values={"phone_number": "416-555-0177"}, reason="New one")
    approvals.approve(proposal, actor=coordinator, rationale="")
    assert "was changed (phone number)" in obstacles(batch, coordinator)


def test_a_proposal_that_waits_about_a_client_it_made_stands_in_the_way(coordinator: Staff, manager: Staff) -> None:
    batch = feed(INES)
    approvals.propose(Client.objects.get(), actor=manager, values={"gender": "Woman"}, reason="Asked")
    assert "waits for a decision" in obstacles(batch, coordinator)


def test_a_later_file_that_changed_the_field_stands_in_the_way_until_it_is_taken_back(
    coordinator: Staff, amina: Client
) -> None:
    first = feed({**AMINA, "phone_number": "416-555-0100"})
    second = feed({**AMINA, "phone_number": "416-555-0101"}, name="b.csv")
    assert "was changed (phone number)" in obstacles(first, coordinator)
    undo.undo(second, actor=coordinator, reason="Wrong file")
    undo.undo(first, actor=coordinator, reason="Wrong file")
    amina.refresh_from_db()
    assert (amina.phone_number, amina.uid_external) == (None, None)


def test_a_later_file_about_a_client_it_made_stands_in_the_way(coordinator: Staff) -> None:
    first = feed(INES)
    second = feed(INES, name="b.csv", source="EMHWare")
    said = obstacles(first, coordinator)
    assert "EMHWare b.csv" in said
    assert "1 row about clients whom this file made" in said
    undo.undo(second, actor=coordinator, reason="Wrong file")
    undo.undo(first, actor=coordinator, reason="Wrong file")
    assert not Client.objects.exists()


@pytest.mark.parametrize("what", ["enrollment", "restriction", "discharge", "identifier", "grant"])
def test_what_came_later_to_a_client_it_made_stands_in_the_way(
    coordinator: Staff, worker: Staff, shelter: Program, what: str
) -> None:
    batch = feed(INES)
    ines = Client.objects.get()
    values: dict[str, tuple[Any, dict[str, Any]]] = {
        "enrollment": (Enrollment, {"program": shelter, "start_date": date(2026, 1, 1)}),
        "restriction": (Restriction, {"scope": "org", "start_date": date(2026, 1, 1), "reason": "Violence"}),
        "discharge": (Discharge, {"program": shelter, "discharge_date": date(2026, 1, 1)}),
        "identifier": (ClientIdentifier, {"source_system": "FFAI", "uid_external": "F-1"}),
    }
    if what == "grant":
        with audit.acting(coordinator, channel="admin"):
            ines.assignments.create(user=worker, permission=_permission())
    else:
        model, given = values[what]
        records.create(model, actor=coordinator, values={"client": ines, **given})
    assert "came later and would hang in the air" in obstacles(batch, coordinator)
    assert ines.assignments.count() == (what == "grant")


def _permission() -> Permission:
    return Permission.objects.get(codename="view_client", content_type__app_label="core")


def test_a_link_of_a_client_it_made_stands_in_the_way(coordinator: Staff, amina: Client) -> None:
    batch = feed(INES)
    link(Client.objects.get(first_name="Ines"), amina, actor=coordinator, reason="One person")
    assert "Ines Vidal" in obstacles(batch, coordinator)


@pytest.mark.parametrize("shown", ["theirs", "the file's"])
def test_a_link_that_was_taken_back_goes_with_the_client_the_file_made(
    coordinator: Staff, amina: Client, shown: str
) -> None:
    before = everything()
    batch = feed(INES)
    both = Client.objects.get(first_name="Ines"), amina
    made = link(*(both if shown == "theirs" else reversed(both)), actor=coordinator, take=["gender"], reason="One")
    assert "Ines Vidal" in obstacles(batch, coordinator)
    unlink(made, actor=coordinator, reason="Two after all")
    done = undo.undo(batch, actor=coordinator, reason="Wrong file")
    assert done.removes["client_links"] == 1
    assert everything() == before
    assert AuditEntry.objects.filter(entity="client_links", entity_id=made.pk).count() == 3


def test_that_two_are_not_the_same_goes_with_the_client_the_file_made(coordinator: Staff, amina: Client) -> None:
    before = everything()
    batch = feed(INES)
    mark_not_same(Client.objects.get(first_name="Ines"), amina, actor=coordinator, reason="Cousins")
    undo.undo(batch, actor=coordinator, reason="Wrong file")
    assert everything() == before


def test_what_was_edited_while_a_link_stood_stands_in_the_way_after_it_was_taken_back(
    coordinator: Staff, amina: Client
) -> None:
    batch = feed(INES)
    ines = Client.objects.get(first_name="Ines")
    made = link(amina, ines, actor=coordinator, reason="One")
    records.change(ines, actor=coordinator, values={"email": "ines@example.org"})
    unlink(made, actor=coordinator, reason="Two after all")
    assert "was changed (email" in obstacles(batch, coordinator).lower().replace("e-mail", "email")


def test_an_ended_enrollment_that_was_moved_since_stands_in_the_way(coordinator: Staff, amina: Client) -> None:
    batch = feed({**AMINA, "program": "Hostel A", "discharge_date": "2026-03-01"})
    records.change(Enrollment.objects.get(), actor=coordinator, values={"end_date": date(2026, 3, 5)})
    assert "the enrollment was changed (end date)" in obstacles(batch, coordinator)


def test_an_end_is_not_taken_back_into_an_enrollment_that_came_later(coordinator: Staff, amina: Client) -> None:
    batch = feed({**AMINA, "program": "Hostel A", "end_date": "2026-03-01"})
    enrollment = Enrollment.objects.get()
    values = {"client": amina, "program": enrollment.program, "start_date": date(2026, 4, 1)}
    records.create(Enrollment, actor=coordinator, values=values)
    assert "would be open again, and one that came later begins on 2026-04-01" in obstacles(batch, coordinator)


def test_a_disagreement_that_was_decided_stands_in_the_way(coordinator: Staff, amina: Client) -> None:
    records.change(amina, actor=coordinator, values={"gender": "Man"})
    batch = feed({**AMINA, "gender": "F"})
    disagreement = SourceDisagreement.objects.get()
    with audit.acting(coordinator, channel="admin"):
        disagreement.status = "kept"
        disagreement.save(update_fields=["status"])
    assert "source disagreement was changed" in obstacles(batch, coordinator)


def test_an_open_disagreement_goes_with_its_file(coordinator: Staff, amina: Client) -> None:
    records.change(amina, actor=coordinator, values={"gender": "Man"})
    batch = feed({**AMINA, "gender": "F"})
    undo.undo(batch, actor=coordinator, reason="Wrong file")
    assert not SourceDisagreement.objects.exists()


def test_a_file_that_ends_a_stay_and_begins_the_next_is_taken_back(
    coordinator: Staff, amina: Client, shelter: Program
) -> None:
    before = everything()
    stay = {**AMINA, "program": "Hostel A"}
    batch = feed({**stay, "start_date": "2024-01-01", "end_date": "2026-02-01"}, {**stay, "start_date": "2026-03-01"})
    assert Enrollment.objects.count() == 2
    assert undo.plan(batch, actor=coordinator).is_free
    undo.undo(batch, actor=coordinator, reason="Wrong file")
    assert everything() == before


def test_an_identifier_that_a_new_person_got_goes_back_to_whose_it_was(coordinator: Staff) -> None:
    feed(AMINA)
    before = everything()
    batch = feed({**INES, "uid_external": AMINA["uid_external"]}, name="b.csv")
    desk.answer_new(desk.open_rows().get(), actor=coordinator)
    assert ClientIdentifier.objects.get().client.first_name == "Ines"
    assert undo.plan(batch, actor=coordinator).is_free
    undo.undo(batch, actor=coordinator, reason="Wrong file")
    assert everything() == before


def test_more_obstacles_than_a_page_holds_are_counted(coordinator: Staff, monkeypatch: pytest.MonkeyPatch) -> None:
    batch = feed(
        *(
            {**INES, "uid_external": f"S-{n}", "first_name": f"I{'abcdefgh'[n]}nes", "dob": f"19{n + 50}-01-01"}
            for n in range(5)
        )
    )
    monkeypatch.setattr(undo, "TOLD", 2)
    for client in Client.objects.all():
        records.change(client, actor=coordinator, values={"gender": "Woman"})
    found = undo.plan(batch, actor=coordinator)
    assert len(found.obstacles) == 2
    assert found.more == Client.objects.count() - 2 > 0
    with pytest.raises(Conflict, match=f"And {found.more} more"):
        undo.undo(batch, actor=coordinator, reason="Wrong file")


def test_a_file_that_only_brought_an_identifier_is_taken_back_too(coordinator: Staff, amina: Client) -> None:
    feed(AMINA)
    batch = feed(AMINA, name="b.csv", source="EMHWare")
    done = undo.undo(batch, actor=coordinator, reason="Wrong source")
    assert done.removes == {"client_identifiers": 1}


def test_an_identifier_shown_first_and_another_field_are_one_entry_and_are_taken_back_together(
    coordinator: Staff,
) -> None:
    with audit.acting(None, channel="command"):
        client = Client.objects.create(first_name="Amina", last_name="Yusuf", dob="1990-04-02")
    before = everything()
    batch = feed({**AMINA, "phone_number": "416-555-0100"})
    client.refresh_from_db()
    assert (client.uid_external, client.phone_number) == ("S-1", "416-555-0100")
    entry = AuditEntry.objects.get(entity="clients", action="update", entity_id=client.pk)
    assert {"uid_external", "phone_number"} <= entry.diff_json["after"].keys()
    undo.undo(batch, actor=coordinator, reason="wrong file")
    assert everything() == before


@pytest.mark.django_db(transaction=True)
def test_no_file_is_taken_back_while_another_comes_in(coordinator: Staff) -> None:
    batch = feed(INES)
    held, done = threading.Event(), threading.Event()

    def hold() -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(%s)", [batches.LOCK])
            held.set()
            done.wait(20)
            cursor.execute("SELECT pg_advisory_unlock(%s)", [batches.LOCK])
        connection.close()

    other = threading.Thread(target=hold)
    other.start()
    assert held.wait(20)
    try:
        with pytest.raises(FileBusy, match="try again"):
            undo.undo(batch, actor=coordinator, reason="Wrong file")
    finally:
        done.set()
        other.join()
    assert Client.objects.count() == 1


def test_a_program_of_the_same_name_is_none_of_its_business(coordinator: Staff, shelter: Program) -> None:
    """What the file only read, the program, may change in between."""
    batch = feed({**INES, "program": "Hostel A", "start_date": "2026-01-05"})
    records.change(shelter, actor=coordinator, values={"name": "Hostel B"})
    undo.undo(batch, actor=coordinator, reason="Wrong file")
    assert Department.objects.count() == 1
    assert not Enrollment.objects.exists()


@pytest.mark.parametrize("model", [Enrollment, Intake, Discharge, ClientIdentifier])
def test_a_record_of_the_file_that_was_removed_by_hand_stands_in_the_way(
    coordinator: Staff, shelter: Program, model: type[Model]
) -> None:
    stay = {"program": "Hostel A", "intake_date": "2026-01-05", "start_date": "2026-01-05"}
    batch = feed({**INES, **stay, "discharge_date": "2026-02-01", "discharge_reason": "Housed"})
    records.remove(model.objects.get(), actor=coordinator, reason="Entered wrongly")
    assert f"the {model._meta.verbose_name} was removed on" in obstacles(batch, coordinator)


@pytest.mark.parametrize(
    ("came", "linked", "stands"),
    [("after", False, True), ("after", True, True), ("before", False, False), ("elsewhere", False, False)],
)
def test_a_stay_is_not_given_back_days_on_which_the_person_was_barred_since(
    coordinator: Staff, amina: Client, shelter: Program, clinic: Program, came: str, linked: bool, stands: bool
) -> None:
    def bar() -> None:
        with audit.acting(coordinator, channel="admin"):
            whose = Client.objects.create(first_name="Amina", last_name="Too", linked_to=amina) if linked else amina
            where = clinic if came == "elsewhere" else shelter
            Restriction.objects.create(client=whose, scope="program", program=where, start_date=date(2026, 9, 2))

    if came == "before":
        bar()
    batch = feed({**AMINA, "program": "Hostel A", "discharge_date": "2026-09-01"})
    assert Enrollment.objects.get(program=shelter).end_date == date(2026, 9, 1)
    if came != "before":
        bar()
    if stands:
        assert "Hostel A would go on, and since this file came" in obstacles(batch, coordinator)
    else:
        undo.undo(batch, actor=coordinator, reason="Wrong file")
        assert Enrollment.objects.get(program=shelter).end_date is None
