"""The whole road of a daily file on small files: who is linked, what is written, what waits, what is said."""

import csv
import json
import os
from collections.abc import Callable
from datetime import date
from io import StringIO
from pathlib import Path
from time import time

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError
from reversion.models import Version

from core import audit
from core.errors import FileInterrupted, FileRefused
from core.ingest import batches, pipeline, previews
from core.models import (
    AuditEntry,
    Client,
    ClientIdentifier,
    Discharge,
    Enrollment,
    ImportBatch,
    ImportFile,
    ImportRow,
    Intake,
    Program,
    Restriction,
    SourceDisagreement,
    Staff,
)

pytestmark = pytest.mark.django_db

HEADERS = (
    "uid_external",
    "first_name",
    "last_name",
    "dob",
    "gender",
    "phone_number",
    "email",
    "street",
    "unit",
    "city",
    "postal_code",
    "languages_spoken",
    "program",
    "intake_date",
    "start_date",
    "end_date",
    "discharge_date",
    "discharge_reason",
)


def line(**values: str) -> str:
    buffer = StringIO()
    csv.writer(buffer).writerow([values.get(name, "") for name in HEADERS])
    return buffer.getvalue()


@pytest.fixture
def feed(tmp_path: Path, settings: object) -> Callable[..., tuple[dict, list[dict]]]:
    """feed("SMIS", row, row…) runs ingest_daily and returns (summary, outcomes by row)."""
    settings.DATA_DIR = tmp_path
    number = 0

    def run(source: str, *rows: dict[str, str], **options: object) -> tuple[dict, list[dict]]:
        nonlocal number
        number += 1
        path = tmp_path / f"{source}{number}.csv"
        path.write_text(",".join(HEADERS) + "\n" + "".join(line(**row) for row in rows))
        outcomes = tmp_path / f"{source}{number}.outcomes.csv"
        out = StringIO()
        call_command("ingest_daily", src=path, source=source, outcomes=outcomes, json=True, stdout=out, **options)
        with outcomes.open(encoding="utf-8-sig", newline="") as file:
            return json.loads(out.getvalue()), list(csv.DictReader(file))

    return run


AMINA = {"first_name": "Amina", "last_name": "Yusuf", "dob": "1990-04-02"}


def outcomes(rows: list[dict]) -> list[str]:
    return [row["outcome"] for row in rows]


def test_a_new_person_is_created_with_identifier_intake_and_enrollment(feed: Callable, shelter: Program) -> None:
    summary, rows = feed(
        "SMIS",
        {
            "uid_external": "S-1",
            "first_name": "Zoë",
            "last_name": "O'Neil",
            "dob": "1985-02-28",
            "gender": "F",
            "program": "hostel a",
            "intake_date": "2026-01-05",
            "languages_spoken": "English; Somali",
        },
    )
    client = Client.objects.get()
    assert summary["created"] == summary["rows"] == summary["intakes"] == summary["enrollments"] == 1
    assert rows[0]["client_id"] == str(client.pk)
    assert (client.first_name, client.last_name, client.dob) == ("Zoë", "O'Neil", date(1985, 2, 28))
    assert client.languages_spoken == ["English", "Somali"]
    assert client.uid_external == "S-1"
    assert ClientIdentifier.objects.get().source_system == "SMIS"
    assert Intake.objects.get().source_system == "SMIS"
    enrollment = Enrollment.objects.get()
    assert (enrollment.start_date, enrollment.end_date) == (date(2026, 1, 5), None)


def test_the_log_names_the_batch_and_counts_it_once(feed: Callable, shelter: Program) -> None:
    before = AuditEntry.objects.latest("position").position
    summary, _ = feed("SMIS", {**AMINA, "uid_external": "S-1", "program": "Hostel A", "start_date": "2026-01-05"})
    new = AuditEntry.objects.filter(position__gt=before).order_by("position")
    assert [(e.entity, e.action) for e in new] == [
        ("clients", "create"),
        ("client_identifiers", "create"),
        ("client_program_enrollments", "create"),
        ("import_batches", "import"),
    ]
    assert {(e.channel, str(e.reference_id)) for e in new} == {("import", summary["batch_id"])}
    assert new.last().diff_json["after"]["created"] == 1


def test_the_same_content_again_changes_nothing(feed: Callable, shelter: Program) -> None:
    rows = (
        {
            **AMINA,
            "uid_external": "S-1",
            "gender": "F",
            "phone_number": "416-555-0100",
            "postal_code": "M5V 2T6",
            "program": "Hostel A",
            "intake_date": "2026-01-04",
            "start_date": "2026-01-05",
            "discharge_date": "2026-02-01",
            "discharge_reason": "Housed",
        },
        {
            "first_name": "Li",
            "last_name": "Wei",
            "dob": "1970-01-09",
            "program": "Hostel A",
            "start_date": "2026-03-01",
        },
    )
    feed("SMIS", *rows)
    before = AuditEntry.objects.latest("position").position
    summary, said = feed("SMIS", *rows, {"first_name": "New", "last_name": "Person", "dob": "2001-01-01"})
    assert outcomes(said) == ["unchanged", "unchanged", "created"]
    assert (summary["intakes"], summary["enrollments"], summary["discharges"]) == (0, 0, 0)
    written = AuditEntry.objects.filter(position__gt=before).values_list("entity", "action")
    assert list(written) == [("import_batches", "import"), ("clients", "create")]


def test_the_same_bytes_are_refused_unless_asked_for(feed: Callable, tmp_path: Path) -> None:
    feed("SMIS", AMINA)
    with pytest.raises(CommandError, match="very bytes were taken in from SMIS"):
        call_command("ingest_daily", src=tmp_path / "SMIS1.csv", source="smis")
    assert ImportBatch.objects.filter(status="refused").count() == 1
    call_command("ingest_daily", src=tmp_path / "SMIS1.csv", source="SMIS", allow_repeat=True, stdout=StringIO())
    assert Client.objects.count() == 1


def test_a_blank_never_erases_and_a_new_value_updates(feed: Callable) -> None:
    feed("SMIS", {**AMINA, "uid_external": "S-1", "gender": "F", "phone_number": "416-555-0100"})
    _, rows = feed("SMIS", {**AMINA, "uid_external": "S-1", "phone_number": "(416) 555 0199"})
    client = Client.objects.get()
    assert outcomes(rows) == ["updated"]
    assert (client.gender, client.phone_number) == ("Woman", "(416) 555 0199")


def test_case_and_accents_are_no_difference(feed: Callable) -> None:
    feed("SMIS", {"uid_external": "S-1", "first_name": "José", "last_name": "García-Ruiz", "dob": "1980-05-05"})
    _, rows = feed(
        "SMIS", {"uid_external": "S-1", "first_name": "JOSE", "last_name": "GARCIA RUIZ", "dob": "1980-05-05"}
    )
    assert outcomes(rows) == ["unchanged"]
    assert Client.objects.get().last_name == "García-Ruiz"


def test_case_accents_and_points_of_an_address_are_no_difference_but_its_numbers_are(feed: Callable) -> None:
    address = {"street": "12 Rue Église St.", "unit": "4-B", "city": "Montréal", "postal_code": "H2X 1Y4"}
    feed("SMIS", {**AMINA, "uid_external": "S-1", **address})
    shouted = {"street": "12 RUE EGLISE ST", "unit": "4-b", "city": "MONTREAL", "postal_code": "h2x 1y4"}
    _, rows = feed("SMIS", {**AMINA, "uid_external": "S-1", **shouted})
    assert outcomes(rows) == ["unchanged"]
    assert Client.objects.get().address == address
    _, rows = feed("SMIS", {**AMINA, "uid_external": "S-1", "street": "124 Rue Eglise St"})
    assert outcomes(rows) == ["updated"]
    assert Client.objects.get().address == {**address, "street": "124 Rue Eglise St"}


def test_an_address_in_capitals_is_no_disagreement_with_what_a_person_entered(feed: Callable) -> None:
    feed("SMIS", {**AMINA, "uid_external": "S-1"})
    with audit.acting(None, channel="admin"):
        Client.objects.update(address={"street": "12 King St", "city": "Toronto"})
    feed("SMIS", {**AMINA, "uid_external": "S-1", "street": "12 KING ST.", "city": "TORONTO"})
    assert not SourceDisagreement.objects.exists()


def test_another_source_finds_the_person_by_name_and_dob(feed: Callable, amina: Client) -> None:
    _, rows = feed("EMHWare", {**AMINA, "first_name": " amina ", "uid_external": "E-9"})
    assert outcomes(rows) == ["updated"]
    assert rows[0]["client_id"] == str(amina.pk)
    assert ClientIdentifier.objects.get().client_id == amina.pk
    assert Client.objects.get().uid_external == "E-9"


def test_an_identifier_typed_by_hand_is_recognised(feed: Callable) -> None:
    with audit.acting(None, channel="command"):
        Client.objects.create(first_name="Amina", last_name="Yusuf", dob=date(1990, 4, 2), uid_external="S-7")
    _, rows = feed("SMIS", {**AMINA, "uid_external": "S-7"})
    assert outcomes(rows) == ["updated"]
    assert Client.objects.count() == 1


def test_names_the_other_way_round_do_not_turn_ours_round_whoever_sends_them(feed: Callable) -> None:
    otto = {"first_name": "Ottokar", "last_name": "Lindenbaum", "dob": "1966-02-02", "phone_number": "416-555-0101"}
    turned = otto | {"first_name": otto["last_name"], "last_name": otto["first_name"]}
    feed("SMIS", {**otto, "uid_external": "S-1"})
    _, rows = feed("EMHWare", {**turned, "uid_external": "E-1"})
    assert "the other way round" in rows[0]["reason"]
    assert outcomes(rows) == ["updated"], "the identifier of EMHWare is new"
    _, rows = feed("SMIS", {**otto, "uid_external": "S-1"}, allow_repeat=True)
    assert (outcomes(rows), rows[0]["reason"]) == (["unchanged"], "")
    client = Client.objects.get()
    assert (client.first_name, client.last_name) == ("Ottokar", "Lindenbaum")


def test_a_later_row_of_a_new_person_does_not_turn_the_names_round(feed: Callable) -> None:
    otto = {"first_name": "Ottokar", "last_name": "Lindenbaum", "dob": "1966-02-02", "phone_number": "416-555-0101"}
    _, rows = feed("SMIS", otto, otto | {"first_name": otto["last_name"], "last_name": otto["first_name"]})
    assert rows[0]["outcome"] == "created"
    assert "the other way round" in rows[1]["reason"]
    client = Client.objects.get()
    assert (client.first_name, client.last_name) == ("Ottokar", "Lindenbaum")


def test_a_recycled_identifier_is_held(feed: Callable) -> None:
    feed("SMIS", {**AMINA, "uid_external": "S-1"})
    _, rows = feed("SMIS", {"uid_external": "S-1", "first_name": "Boris", "last_name": "Petrov", "dob": "1961-11-30"})
    assert (rows[0]["outcome"], rows[0]["reason_code"]) == ("held", "recycled_identifier")
    assert rows[0]["candidate_ids"] == str(Client.objects.get().pk)
    assert rows[0]["client_id"] == ""


def test_a_second_identifier_from_the_same_source_is_held(feed: Callable) -> None:
    feed("SMIS", {**AMINA, "uid_external": "S-1"})
    _, rows = feed("SMIS", {**AMINA, "uid_external": "S-2"})
    assert (rows[0]["outcome"], rows[0]["reason_code"]) == ("held", "other_identifier")
    assert "S-1" in rows[0]["reason"]


def test_several_candidates_are_held_with_their_keys(feed: Callable) -> None:
    with audit.acting(None, channel="command"):
        twins = [Client.objects.create(first_name="Amina", last_name="Yusuf", dob=date(1990, 4, 2)) for _ in range(2)]
    summary, rows = feed("SMIS", AMINA)
    assert (rows[0]["outcome"], rows[0]["reason_code"]) == ("held", "several_candidates")
    assert set(rows[0]["candidate_ids"].split(";")) == {str(t.pk) for t in twins}
    assert Path(summary["rejects_file"]).exists()


def test_phone_and_postal_code_both_different_hold_the_row(feed: Callable) -> None:
    feed("SMIS", {**AMINA, "phone_number": "416-555-0100", "postal_code": "M5V 2T6"})
    _, rows = feed("SMIS", {**AMINA, "phone_number": "416-555-0199", "postal_code": "K1A 0B1"})
    assert (rows[0]["outcome"], rows[0]["reason_code"]) == ("held", "conflicting_contact")


def test_phone_and_postal_code_both_different_are_a_move_where_the_email_is_the_same(feed: Callable) -> None:
    mail = {"email": "amina@example.org"}
    feed("SMIS", {**AMINA, **mail, "phone_number": "416-555-0100", "postal_code": "M5V 2T6"})
    _, rows = feed("EMHWare", {**AMINA, **mail, "phone_number": "416-555-0199", "postal_code": "K1A 0B1"})
    assert rows[0]["outcome"] == "updated"


@pytest.mark.parametrize(
    "near",
    [
        {"first_name": "Yusuf", "last_name": "Amina"},
        {"first_name": "Amnia"},
        {"dob": "1990-02-04"},
        {"dob": "1990-04-03"},
        {"dob": ""},
    ],
    ids=["swapped names", "typo", "day and month swapped", "one digit", "missing dob"],
)
def test_a_near_person_is_held(feed: Callable, amina: Client, near: dict) -> None:
    _, rows = feed("SMIS", {**AMINA, **near, "uid_external": "S-1"})
    assert (rows[0]["outcome"], rows[0]["reason_code"]) == ("held", "uncertain_match")
    assert rows[0]["candidate_ids"] == str(amina.pk)


@pytest.mark.parametrize(
    "other",
    [
        {"first_name": "Fatuma"},  # a twin
        {"dob": "1961-09-17"},  # father and son
        {"first_name": "Boris", "last_name": "Petrov"},
    ],
    ids=["twin", "another date", "same dob only"],
)
def test_another_person_is_created(feed: Callable, amina: Client, other: dict) -> None:
    _, rows = feed("SMIS", {**AMINA, **other})
    assert outcomes(rows) == ["created"]
    assert Client.objects.count() == 2


def test_rows_of_one_file_are_linked_to_each_other(feed: Callable, shelter: Program, clinic: Program) -> None:
    _, rows = feed(
        "SMIS",
        {**AMINA, "uid_external": "S-1", "program": "Hostel A", "start_date": "2026-01-05"},
        {**AMINA, "uid_external": "S-1", "program": "Clinic", "start_date": "2026-01-07"},
        {**AMINA, "uid_external": "", "program": "Clinic", "start_date": "2026-01-07"},
        {**AMINA, "uid_external": "S-1", "program": "Hostel A", "start_date": "2026-01-05"},
        {**AMINA, "first_name": "Amnia"},
        {**AMINA, "uid_external": "S-2"},
        {"uid_external": "S-1", "first_name": "Boris", "last_name": "Petrov", "dob": "1961-11-30"},
    )
    assert outcomes(rows) == ["created", "updated", "unchanged", "duplicate", "held", "held", "held"]
    assert rows[4]["reason_code"] == rows[5]["reason_code"] == "uncertain_match"
    assert rows[6]["reason_code"] == "recycled_identifier"
    client = Client.objects.get()
    assert {row["client_id"] for row in rows[:4]} == {str(client.pk)}
    assert {row["candidate_ids"] for row in rows[4:]} == {str(client.pk)}
    assert Enrollment.objects.count() == 2


def test_the_last_row_of_a_person_stands(feed: Callable) -> None:
    _, rows = feed(
        "SMIS",
        {**AMINA, "uid_external": "S-1", "phone_number": "416-555-0100"},
        {**AMINA, "uid_external": "S-1", "phone_number": "416-555-0101"},
        {**AMINA, "uid_external": "S-1", "email": "amina@example.org"},
    )
    assert outcomes(rows) == ["created", "updated", "updated"]
    client = Client.objects.get()
    assert (client.phone_number, client.email) == ("416-555-0101", "amina@example.org")


def test_a_discharge_ends_the_open_enrollment(feed: Callable, amina: Client, shelter: Program) -> None:
    summary, rows = feed(
        "SMIS", {**AMINA, "program": "Hostel A", "discharge_date": "2026-03-31", "discharge_reason": "Housed"}
    )
    assert outcomes(rows) == ["updated"]
    assert Enrollment.objects.get().end_date == date(2026, 3, 31)
    assert Discharge.objects.get().reason == "Housed"
    assert (summary["enrollments"], summary["discharges"]) == (1, 1)


def test_a_discharge_without_enrollment_is_recorded_and_noted(feed: Callable, amina: Client, clinic: Program) -> None:
    _, rows = feed("SMIS", {**AMINA, "program": "Clinic", "discharge_date": "2026-03-31"})
    assert outcomes(rows) == ["updated"]
    assert "none was ended" in rows[0]["reason"]
    assert Discharge.objects.count() == 1
    assert Enrollment.objects.get().end_date is None


def test_a_file_may_end_one_stay_and_begin_the_next(feed: Callable, amina: Client, shelter: Program) -> None:
    _, rows = feed(
        "SMIS",
        {**AMINA, "program": "Hostel A", "start_date": "2026-06-01"},
        {**AMINA, "program": "Hostel A", "start_date": "2024-01-01", "end_date": "2026-05-31"},
    )
    assert outcomes(rows) == ["updated", "updated"]
    stays = Enrollment.objects.order_by("start_date").values_list("start_date", "end_date")
    assert list(stays) == [(date(2024, 1, 1), date(2026, 5, 31)), (date(2026, 6, 1), None)]


def test_an_overlapping_start_is_held_and_nothing_of_the_row_goes_in(
    feed: Callable, amina: Client, shelter: Program
) -> None:
    _, rows = feed("SMIS", {**AMINA, "program": "Hostel A", "start_date": "2025-05-05", "phone_number": "416-555-0100"})
    assert (rows[0]["outcome"], rows[0]["reason_code"]) == ("held", "overlapping_enrollment")
    assert "2024-01-01" in rows[0]["reason"]
    assert Client.objects.get().phone_number is None


def test_an_end_inside_the_next_stay_is_held(feed: Callable, amina: Client, shelter: Program) -> None:
    with audit.acting(None, channel="command"):
        Enrollment.objects.update(end_date=date(2024, 1, 31))
        Enrollment.objects.create(client=amina, program=shelter, start_date=date(2024, 3, 1))
    _, rows = feed("SMIS", {**AMINA, "program": "Hostel A", "start_date": "2024-01-01", "discharge_date": "2024-04-01"})
    assert (rows[0]["outcome"], rows[0]["reason_code"]) == ("held", "overlapping_enrollment")
    assert "2024-03-01" in rows[0]["reason"]
    assert not Discharge.objects.exists()


def test_two_sources_may_use_the_same_uid_for_two_people(feed: Callable) -> None:
    feed("SMIS", {**AMINA, "uid_external": "104"})
    _, rows = feed("EMHWare", {"uid_external": "104", "first_name": "Bo", "last_name": "Li", "dob": "1971-01-02"})
    assert outcomes(rows) == ["created"]
    assert Client.objects.get(last_name="Li").uid_external is None
    assert ClientIdentifier.objects.filter(uid_external="104").count() == 2


def test_an_intake_during_a_stay_adds_only_the_intake(feed: Callable, amina: Client, shelter: Program) -> None:
    summary, rows = feed("SMIS", {**AMINA, "program": "Hostel A", "intake_date": "2025-05-05"})
    assert outcomes(rows) == ["updated"]
    assert (summary["intakes"], summary["enrollments"]) == (1, 0)


def test_what_a_person_edited_is_kept_and_the_disagreement_opened_once(
    feed: Callable, amina: Client, coordinator: Staff
) -> None:
    with audit.acting(coordinator, channel="admin"):
        Client.objects.update(phone_number="416-555-0111")
    row = {**AMINA, "phone_number": "416-555-0222", "email": "a@example.org"}
    _, rows = feed("SMIS", row)
    feed("SMIS", row, {"first_name": "Other", "last_name": "File", "dob": "2000-01-01"})
    client = Client.objects.get(last_name="Yusuf")
    assert outcomes(rows) == ["updated"]
    assert "phone number" in rows[0]["reason"]
    assert (client.phone_number, client.email) == ("416-555-0111", "a@example.org")
    disagreement = SourceDisagreement.objects.get()
    assert (disagreement.field, disagreement.ours, disagreement.theirs) == (
        "phone_number",
        "416-555-0111",
        "416-555-0222",
    )


def test_an_end_set_by_a_person_is_kept(feed: Callable, amina: Client, shelter: Program, coordinator: Staff) -> None:
    with audit.acting(coordinator, channel="admin"):
        Enrollment.objects.update(end_date=date(2026, 1, 31))
    feed("SMIS", {**AMINA, "program": "Hostel A", "start_date": "2024-01-01", "end_date": "2026-02-15"})
    assert Enrollment.objects.get().end_date == date(2026, 1, 31)
    assert SourceDisagreement.objects.get().entity == "client_program_enrollments"


def test_bad_rows_are_rejected_and_the_rest_goes_in(feed: Callable, shelter: Program) -> None:
    summary, rows = feed(
        "SMIS",
        {**AMINA, "program": "Hostel B", "start_date": "2026-01-05"},
        {"first_name": "Good", "last_name": "Row", "dob": "1999-09-09"},
        {"first_name": "Bad", "last_name": "Date", "dob": "2024-02-30"},
        {"dob": "1999-09-09"},
    )
    assert outcomes(rows) == ["rejected", "created", "rejected", "rejected"]
    assert rows[0]["reason_code"] == "unknown_program"
    assert "Hostel A" in rows[0]["reason"]
    assert "2024-02-30" in rows[2]["reason"]
    assert rows[3]["reason_code"] == "missing_name"
    assert summary["created"] + summary["rejected"] == summary["rows"]
    assert Client.objects.get().first_name == "Good"


def test_a_corrected_rejects_file_can_be_fed_back(feed: Callable, shelter: Program, tmp_path: Path) -> None:
    summary, _ = feed("SMIS", {**AMINA, "first_name": "=Amina", "program": "Hostle A", "start_date": "2026-01-05"})
    path = Path(summary["rejects_file"])
    text = path.read_text(encoding="utf-8-sig")
    assert "'=Amina" in text
    corrected = tmp_path / "corrected.csv"
    corrected.write_text(text.replace("Hostle A,", "Hostel A,"), encoding="utf-8")
    call_command("ingest_daily", src=corrected, source="SMIS", stdout=StringIO())
    assert Client.objects.get().first_name == "=Amina"
    assert Enrollment.objects.count() == 1


def test_a_dry_run_tells_all_and_writes_nothing(feed: Callable, shelter: Program) -> None:
    before = AuditEntry.objects.count()
    summary, rows = feed("SMIS", {**AMINA, "program": "Hostel A", "start_date": "2026-01-05"}, dry_run=True)
    assert outcomes(rows) == ["created"]
    assert summary["batch_id"] is None
    assert AuditEntry.objects.count() == before
    assert not Client.objects.exists()
    assert not ImportBatch.objects.exists()


def test_a_refusal_leaves_its_batch_and_nothing_else(tmp_path: Path, amina: Client) -> None:
    bad = tmp_path / "bad.csv"
    bad.write_bytes(b"first_name,last_name\nAna,\xff\xfe\n")
    with pytest.raises(CommandError):
        call_command("ingest_daily", src=bad, source="SMIS")
    batch = ImportBatch.objects.get()
    assert batch.status == "refused"
    assert batch.reason
    assert not ImportRow.objects.exists()
    assert Client.objects.count() == 1


def test_a_quote_that_never_closes_refuses_the_file(tmp_path: Path) -> None:
    path = tmp_path / "open.csv"
    path.write_text('first_name,last_name\nAna,Roy\nBo,"Li\n' + "Cy,Fay\n" * 50)
    with pytest.raises(CommandError, match="quot"):
        call_command("ingest_daily", src=path, source="SMIS")
    assert ImportBatch.objects.get().status == "refused"
    assert not Client.objects.exists()


def test_blank_rows_are_no_rows_and_said(tmp_path: Path) -> None:
    path = tmp_path / "blank.csv"
    path.write_text("first_name,last_name\nAmina,Yusuf\n,\n\n , \nBo,Li\n,\n")
    out = StringIO()
    call_command("ingest_daily", src=path, source="SMIS", dry_run=True, stdout=out)
    assert "2 rows in" in out.getvalue()
    assert "3 blank rows were passed over" in out.getvalue()


def test_a_file_of_another_source_is_noted(tmp_path: Path) -> None:
    path = tmp_path / "wrong.csv"
    path.write_text(
        "Client Identifier;Last Name;First Name;Birth Date;Race / Ethnic Origin;Citizenship;Home Phone;Program Name\n"
        "E-1;Yusuf;Amina;02/04/1990;;;;\n"
    )
    out = StringIO()
    call_command("ingest_daily", src=path, source="SMIS", dry_run=True, stdout=out)
    assert "look like the headers of EMHWare" in out.getvalue()


def test_an_unknown_source_is_refused_with_the_known_ones(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("first_name,last_name\nA,B\n")
    with pytest.raises(CommandError, match="SMIS"):
        call_command("ingest_daily", src=path, source="HIFIS")
    assert not ImportBatch.objects.exists()


def test_a_restriction_is_noted_on_the_row(feed: Callable, shelter: Program) -> None:
    with audit.acting(None, channel="command"):
        client = Client.objects.create(first_name="Amina", last_name="Yusuf", dob=date(1990, 4, 2))
        Restriction.objects.create(client=client, scope="org", start_date=date(2026, 1, 1))
    _, rows = feed("SMIS", {**AMINA, "program": "Hostel A", "start_date": "2026-01-05"})
    assert outcomes(rows) == ["updated"]
    assert "restriction" in rows[0]["reason"]


def test_a_stay_in_a_closed_program_is_noted_on_the_row_that_brings_it(feed: Callable, shelter: Program) -> None:
    with audit.acting(None, channel="command"):
        Program.objects.filter(pk=shelter.pk).update(closed_on=date(2026, 1, 4))
    row = {**AMINA, "program": "Hostel A", "start_date": "2026-01-05"}
    assert feed("SMIS", row)[1][0]["reason"] == "Hostel A was closed on 2026-01-04, before 2026-01-05."
    assert feed("SMIS", {**row, "end_date": "2026-01-06"})[1][0]["reason"] == ""


def test_a_preview_leaves_no_file_behind(coordinator: Staff, tmp_path: Path, settings: object) -> None:
    settings.DATA_DIR = tmp_path
    batch = previews.preview(b"first_name,last_name,dob\nA,B,x\n", file_name="a.csv", source="SMIS", actor=coordinator)
    assert batch.summary["rejected"] == 1
    assert batch.summary["rejects_file"] is None
    assert not list(tmp_path.iterdir())


def test_a_preview_in_which_the_database_stops_keeps_its_bytes(
    coordinator: Staff, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = b"first_name,last_name,dob\nAmina,Yusuf,1990-04-02\n"
    batch = batches.receive(content, file_name="a.csv", source="SMIS", actor=coordinator)
    ImportFile.objects.create(batch=batch, content=content)

    def stop(*args: object) -> None:
        raise OperationalError("the connection is lost")

    monkeypatch.setattr(pipeline, "apply_clients", stop)
    with pytest.raises(FileInterrupted, match="the connection is lost"):
        previews.preview_of(batch, content, actor=coordinator)
    batch.refresh_from_db()
    assert (batch.status, "connection is lost" in batch.reason) == ("interrupted", True)
    assert bytes(ImportFile.objects.get(batch=batch).content) == content


def test_preview_writes_nothing_and_confirm_takes_it_in(coordinator: Staff, shelter: Program) -> None:
    content = b"first_name,last_name,dob,program,start_date\nAmina,Yusuf,1990-04-02,Hostel A,2026-01-05\n"
    batch = previews.preview(content, file_name="a.csv", source="SMIS", actor=coordinator)
    assert (batch.status, batch.summary["created"]) == ("previewed", 1)
    assert not Client.objects.exists()
    report = previews.confirm(batch, actor=coordinator)
    assert report.outcomes == {"created": 1}
    assert Client.objects.count() == 1
    assert not ImportFile.objects.exists()
    assert AuditEntry.objects.get(action="import").changed_by == coordinator
    with pytest.raises(FileRefused, match="applied"):
        previews.confirm(batch, actor=coordinator)


def test_a_file_confirmed_at_a_bad_moment_waits_on(coordinator: Staff, monkeypatch: pytest.MonkeyPatch) -> None:
    batch = previews.preview(b"first_name,last_name\nA,B\n", file_name="a.csv", source="SMIS", actor=coordinator)
    with monkeypatch.context() as patch:
        patch.setattr(batches, "take_lock", lambda: False)  # another file is on its way in
        with pytest.raises(FileRefused, match="try again"):
            previews.confirm(batch, actor=coordinator)
    batch.refresh_from_db()
    assert batch.status == "previewed"
    assert previews.confirm(batch, actor=coordinator).outcomes == {"created": 1}


@pytest.mark.parametrize("target", ["the file itself", "a folder"])
def test_a_target_that_cannot_be_written_refuses_before_anything_is_written(tmp_path: Path, target: str) -> None:
    path = tmp_path / "a.csv"
    path.write_text("first_name,last_name\nAmina,Yusuf\n")
    outcomes = {"the file itself": path, "a folder": tmp_path}[target]
    with pytest.raises(CommandError, match="overwritten|folder"):
        call_command("ingest_daily", src=path, source="SMIS", outcomes=outcomes)
    assert path.read_text().startswith("first_name")
    assert not Client.objects.exists()
    assert not list(tmp_path.glob(".*.part"))


def test_what_a_killed_run_left_half_written_goes_a_day_later(tmp_path: Path) -> None:
    path = tmp_path / "a[1].csv"
    path.write_text("first_name,last_name\nAmina,Yusuf\n")
    two_days_ago = time() - 2 * 24 * 3600
    for name in (".out[1].csv.7.part", ".b.csv.20260101.rejects.csv.7.part", ".others.7.part"):
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (two_days_ago, two_days_ago))
    (tmp_path / ".out[1].csv.8.part").touch()
    cannot_go = tmp_path / ".c.rejects.csv.7.part"
    cannot_go.mkdir()
    os.utime(cannot_go, (two_days_ago, two_days_ago))
    given = {"outcomes": tmp_path / "out[1].csv", "rejects": tmp_path / "now.rejects.csv"}
    call_command("ingest_daily", src=path, source="SMIS", **given)
    left = sorted(each.name for each in tmp_path.glob(".*"))
    assert left == [cannot_go.name, ".others.7.part", ".out[1].csv.8.part"]


def test_a_crash_of_ours_leaves_no_half_written_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.csv"
    path.write_text("first_name,last_name\nAmina,Yusuf\n")

    def crash(*arguments: object) -> None:
        raise RuntimeError("ours")

    monkeypatch.setattr(batches, "close", crash)
    with pytest.raises(RuntimeError, match="ours"):
        call_command("ingest_daily", src=path, source="SMIS", outcomes=tmp_path / "out.csv")
    assert sorted(file.name for file in tmp_path.iterdir()) == ["a.csv"]
    assert not Client.objects.exists()


def test_cancel_removes_the_bytes(coordinator: Staff) -> None:
    batch = previews.preview(b"first_name,last_name\nA,B\n", file_name="a.csv", source="SMIS", actor=coordinator)
    previews.cancel(batch, actor=coordinator)
    batch.refresh_from_db()
    assert batch.status == "cancelled"
    assert not ImportFile.objects.exists()


def test_only_those_entitled_take_files_in(manager: Staff, analyst: Staff, worker: Staff) -> None:
    for person in (manager, analyst, worker):
        with pytest.raises(Exception, match="no right"):
            previews.preview(b"first_name,last_name\nA,B\n", file_name="a.csv", source="SMIS", actor=person)
    assert not ImportBatch.objects.exists()


def test_the_history_keeps_a_version_of_what_a_file_wrote(feed: Callable, shelter: Program) -> None:
    feed(
        "SMIS",
        {
            **AMINA,
            "uid_external": "S-1",
            "languages_spoken": "Somali",
            "program": "Hostel A",
            "start_date": "2026-01-05",
        },
    )
    client = Client.objects.get()
    version = Version.objects.get_for_object(client).get()
    assert version.field_dict["languages_spoken"] == ["Somali"]
    assert version.field_dict["dob"] == date(1990, 4, 2)
    assert version.revision.comment == "Daily file SMIS1.csv"
