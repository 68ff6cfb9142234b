"""What rows of a daily file do to the enrollments of one client in one program: which they end, which they begin."""

import csv
from datetime import date, timedelta
from io import StringIO

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core import audit, records
from core.ingest import pipeline, undo
from core.linking.joining import link
from core.models import (
    Client,
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

COLUMNS = ("intake_date", "start_date", "end_date", "discharge_date")
Stay = tuple[str, str | None]
Row = dict[str, str]


@pytest.fixture
def noor(shelter: Program) -> Client:
    """A client without any enrollment yet."""
    with audit.acting(None, channel="command"):
        return Client.objects.create(first_name="Noor", last_name="Haddad", dob=date(1988, 7, 3))


def stay(client: Client, program: Program, start: str, end: str | None = None) -> Enrollment:
    with audit.acting(None, channel="command"):
        return Enrollment.objects.create(client=client, program=program, start_date=start, end_date=end)


def feed(*rows: Row) -> list[ImportRow]:
    """The rows of a file about Noor in Hostel A, as they came out."""
    text = StringIO()
    writer = csv.writer(text)
    writer.writerow(["first_name", "last_name", "dob", "program", *COLUMNS])
    for row in rows:
        writer.writerow(["Noor", "Haddad", "1988-07-03", "Hostel A", *(row.get(name, "") for name in COLUMNS)])
    how = pipeline.Options(writes_files=False, repeat=True)
    report = pipeline.take(text.getvalue().encode(), file_name="a.csv", source="SMIS", actor=None, options=how)
    return list(ImportBatch.objects.get(pk=report.batch_id).rows.order_by("row_number"))


def stays() -> list[Stay]:
    found = Enrollment.objects.order_by("start_date", "end_date").values_list("start_date", "end_date")
    return [(str(start), str(end) if end else None) for start, end in found]


def intake(day: str, **more: str) -> Row:
    return {"intake_date": day, **more}


def start(day: str, **more: str) -> Row:
    return {"start_date": day, **more}


def discharge(day: str) -> Row:
    return {"discharge_date": day}


@pytest.mark.parametrize(
    ("rows", "after"),
    [
        pytest.param([intake("2026-03-01", discharge_date="2026-05-01")], [("2026-01-01", "2026-05-01")], id="one row"),
        pytest.param([intake("2026-03-01", end_date="2026-05-01")], [("2026-01-01", "2026-05-01")], id="by its end"),
        pytest.param(
            [intake("2026-03-01"), discharge("2026-05-01")], [("2026-01-01", "2026-05-01")], id="one row each"
        ),
        pytest.param(
            [discharge("2026-05-01"), intake("2026-03-01")], [("2026-01-01", "2026-05-01")], id="the other way round"
        ),
        pytest.param(
            [discharge("2026-02-01"), intake("2026-03-01"), discharge("2026-05-01")],
            [("2026-01-01", "2026-02-01"), ("2026-03-01", "2026-05-01")],
            id="discharged, back, discharged",
        ),
        pytest.param(
            [intake("2026-02-01", discharge_date="2026-02-10"), intake("2026-03-01", discharge_date="2026-03-10")],
            [("2026-01-01", "2026-02-10"), ("2026-03-01", "2026-03-10")],
            id="two intakes, two discharges",
        ),
        pytest.param(
            [start("2026-01-01", end_date="2026-02-01"), intake("2026-03-01"), discharge("2026-05-01")],
            [("2026-01-01", "2026-02-01"), ("2026-03-01", "2026-05-01")],
            id="ended by name, back, discharged",
        ),
        pytest.param(
            [
                start("2026-01-01", end_date="2026-02-01"),
                start("2026-01-01", end_date="2026-04-01"),
                intake("2026-03-01"),
            ],
            [("2026-01-01", "2026-04-01")],
            id="an end corrected beyond the intake",
        ),
    ],
)
def test_an_intake_inside_an_enrollment_does_not_take_its_end_away(
    noor: Client, shelter: Program, rows: list[Row], after: list[Stay]
):
    stay(noor, shelter, "2026-01-01")
    kept = feed(*rows)
    assert stays() == after
    assert not any("none was ended" in (row.note or "") for row in kept)
    assert [row.outcome for row in kept] == ["updated"] * len(rows) or len(after) == 1


def test_of_new_people_too_an_intake_inside_takes_no_end_away(noor: Client):
    feed(intake("2026-01-01"), intake("2026-03-01"), discharge("2026-05-01"))
    assert stays() == [("2026-01-01", "2026-05-01")]


def test_a_row_that_is_held_takes_no_end_away(noor: Client, shelter: Program):
    stay(noor, shelter, "2026-01-01")
    held, ended = feed(start("2026-03-01"), discharge("2026-05-01"))
    assert (held.reason_code, ended.outcome, ended.note) == ("overlapping_enrollment", "updated", None)
    assert stays() == [("2026-01-01", "2026-05-01")]


def test_an_end_that_is_right_stands_beside_one_that_is_held(noor: Client, shelter: Program):
    stay(noor, shelter, "2026-01-01", "2026-02-01")
    stay(noor, shelter, "2026-06-01", "2026-07-01")
    right, wrong = feed(start("2026-01-01", end_date="2026-03-01"), start("2026-01-01", end_date="2026-06-15"))
    assert (right.outcome, right.note, wrong.reason_code) == ("updated", None, "overlapping_enrollment")
    assert stays() == [("2026-01-01", "2026-03-01"), ("2026-06-01", "2026-07-01")]


def test_a_discharge_ends_what_all_linked_records_have_open(noor: Client, shelter: Program, coordinator: Staff):
    with audit.acting(None, channel="command"):
        other = Client.objects.create(first_name="Nour", last_name="Haddad", dob=date(1988, 7, 3))
    stay(noor, shelter, "2026-01-01")
    stay(other, shelter, "2026-02-01")
    link(other, noor, actor=coordinator, reason="One person")
    (row,) = feed(discharge("2026-05-01"))
    assert (row.outcome, row.note) == ("updated", None)
    assert stays() == [("2026-01-01", "2026-05-01"), ("2026-02-01", "2026-05-01")]
    assert Discharge.objects.count() == 1


def test_a_row_whose_end_another_row_replaces_says_so(noor: Client, shelter: Program):
    stay(noor, shelter, "2026-01-01")
    first, second = feed(discharge("2026-04-01"), discharge("2026-05-01"))
    assert first.note == "Row 2 gives another end of the same enrollment, which stands."
    assert second.note is None
    assert stays() == [("2026-01-01", "2026-05-01")]


def test_a_row_whose_end_a_person_has_set_says_that_this_was_kept(noor: Client, shelter: Program, coordinator: Staff):
    enrollment = stay(noor, shelter, "2026-01-01")
    with audit.acting(coordinator, channel="admin"):
        Enrollment.objects.filter(pk=enrollment.pk).update(end_date="2026-03-01")
    (row,) = feed(start("2026-01-01", end_date="2026-05-01"))
    assert row.note == "Kept the end that a person entered; the file says otherwise."
    assert SourceDisagreement.objects.count() == 1
    assert stays() == [("2026-01-01", "2026-03-01")]


def test_where_nothing_was_open_that_is_said(noor: Client, shelter: Program):
    stay(noor, shelter, "2026-01-01", "2026-02-01")
    (row,) = feed(discharge("2026-05-01"))
    assert row.note == "No enrollment in the program was open on 2026-05-01; none was ended."


def told(row: Row, source: str = "SMIS", reason: str = "Housed") -> tuple[ImportBatch, ImportRow]:
    """A file with one row about Noor in Hostel A, by her identifier, and the row as it came out."""
    cells = {"uid_external": "N-1", "first_name": "Noor", "last_name": "Haddad", "dob": "1988-07-03"}
    cells |= {"program": "Hostel A", "discharge_reason": reason, **row}
    text = f"{','.join(cells)}\n{','.join(cells.values())}\n"
    how = pipeline.Options(writes_files=False, repeat=True)
    report = pipeline.take(text.encode(), file_name="a.csv", source=source, actor=None, options=how)
    batch = ImportBatch.objects.get(pk=report.batch_id)
    return batch, batch.rows.get()


def left(day: str) -> Row:
    """A whole stay from 2 January, left on that day."""
    return {"intake_date": "2026-01-02", "start_date": "2026-01-02", "discharge_date": day}


def discharges() -> list[tuple[str, str | None]]:
    return [(str(each.discharge_date), each.reason) for each in Discharge.objects.order_by("discharge_date")]


BOTH_KEPT = "A discharge on 2026-01-10 is recorded for the same stay; both are kept."


@pytest.mark.parametrize("day", ["2026-01-12", "2026-01-08"])
def test_a_discharge_that_its_source_corrects_is_corrected_not_doubled(noor: Client, coordinator: Staff, day: str):
    told(left("2026-01-10"))
    batch, row = told(left(day), reason="")
    assert (discharges(), stays()) == ([(day, "Housed")], [("2026-01-02", day)])
    assert (row.outcome, row.note, batch.summary["discharges"]) == ("updated", None, 1)
    _, again = told(left(day), reason="")
    assert (again.outcome, again.note, discharges()) == ("unchanged", None, [(day, "Housed")])
    undo.undo(batch, actor=coordinator, reason="Wrong file")
    assert (discharges(), stays()) == ([("2026-01-10", "Housed")], [("2026-01-02", "2026-01-10")])


def test_a_discharge_is_corrected_as_often_as_its_source_does_and_with_its_reason(noor: Client):
    for day, reason in (("2026-01-10", "Housed"), ("2026-01-12", "Hospital"), ("2026-01-09", "Housed")):
        told(left(day), reason=reason)
        assert discharges() == [(day, reason)]


def test_a_discharge_of_another_source_is_kept_beside_the_new_one(noor: Client):
    told(left("2026-01-10"), source="FFAI")
    _, row = told(left("2026-01-12"))
    assert [day for day, _ in discharges()] == ["2026-01-10", "2026-01-12"]
    assert row.note == BOTH_KEPT


@pytest.mark.parametrize("change", [{"reason": "Hospital"}, {"discharge_date": date(2026, 1, 10)}])
def test_a_discharge_that_a_person_touched_is_kept_beside_the_new_one(
    noor: Client, coordinator: Staff, change: dict[str, object]
):
    told(left("2026-01-10"))
    with audit.acting(coordinator, channel="admin"):
        Discharge.objects.update(discharge_date=date(2026, 1, 9))
        Discharge.objects.update(**{"discharge_date": date(2026, 1, 10), **change})
    _, row = told(left("2026-01-12"))
    assert [day for day, _ in discharges()] == ["2026-01-10", "2026-01-12"]
    assert row.note == BOTH_KEPT


def test_a_discharge_by_hand_is_kept_beside_the_new_one(noor: Client, shelter: Program, coordinator: Staff):
    stay(noor, shelter, "2026-01-02", "2026-01-10")
    with audit.acting(coordinator, channel="admin"):
        Discharge.objects.create(client=noor, program=shelter, discharge_date=date(2026, 1, 10))
    _, row = told(left("2026-01-12"))
    assert (len(discharges()), row.note) == (2, BOTH_KEPT)


def test_a_row_that_does_not_name_the_stay_corrects_no_discharge(noor: Client):
    told(left("2026-01-10"))
    _, row = told(discharge("2026-01-08"))
    assert ([day for day, _ in discharges()], row.note) == (["2026-01-08", "2026-01-10"], BOTH_KEPT)


def test_a_discharge_that_the_file_gives_as_well_is_not_moved(noor: Client):
    feed(left("2026-01-10"))
    _, second = feed(left("2026-01-10"), left("2026-01-12"))
    assert [day for day, _ in discharges()] == ["2026-01-10", "2026-01-12"]
    assert second.note == BOTH_KEPT


def test_the_discharge_of_another_stay_is_not_moved(noor: Client):
    told({"start_date": "2025-12-01", "discharge_date": "2025-12-10"})
    told(left("2026-01-10"))
    told(left("2026-01-12"))
    assert [day for day, _ in discharges()] == ["2025-12-10", "2026-01-12"]


def corrected(model: type[Intake | Discharge], coordinator: Staff, **values: object) -> None:
    """A person changes the only record of the model."""
    records.change(model.objects.get(), actor=coordinator, values=values)


def test_a_corrected_intake_does_not_come_back_with_the_next_export(noor: Client, coordinator: Staff):
    told(left("2026-01-10"))
    for day in (date(2026, 1, 3), date(2026, 1, 4)):
        corrected(Intake, coordinator, intake_date=day)
        _, row = told(left("2026-01-10"))
        assert (row.outcome, Intake.objects.get().intake_date) == ("unchanged", day)
        assert row.note == f"Kept the intake on {day}: a person has corrected the day from 2026-01-02."


def test_a_corrected_discharge_does_not_come_back_with_the_next_export(noor: Client, coordinator: Staff):
    told(left("2026-01-10"))
    corrected(Discharge, coordinator, discharge_date=date(2026, 1, 12))
    _, row = told(left("2026-01-10"))
    assert (row.outcome, discharges()) == ("unchanged", [("2026-01-12", "Housed")])
    assert row.note == "Kept the discharge on 2026-01-12: a person has corrected the day from 2026-01-10."


def test_an_intake_on_another_day_than_the_corrected_one_is_added(noor: Client, coordinator: Staff):
    told(left("2026-01-10"))
    corrected(Intake, coordinator, intake_date=date(2026, 1, 3))
    _, row = told({"intake_date": "2026-01-05"}, reason="")
    assert (row.outcome, row.note, Intake.objects.count()) == ("updated", None, 2)


def test_what_a_file_corrected_is_no_correction_by_hand(noor: Client):
    for day in ("2026-01-10", "2026-01-12", "2026-01-10"):
        _, row = told(left(day))
        assert (row.note, discharges()) == (None, [(day, "Housed")])


DAYS = st.integers(0, 12).map(lambda number: str(date(2026, 1, 1) + timedelta(days=number)))


@st.composite
def files(draw: st.DrawFn) -> tuple[list[Stay], list[Row]]:
    """Up to two enrollments that do not overlap, and up to four rows of which each is right in itself."""
    days = sorted(draw(st.sets(DAYS, min_size=0, max_size=4)))
    there = list(zip(days[::2], [*days[1::2], None], strict=False))
    rows = []
    for _ in range(draw(st.integers(1, 4))):
        row = draw(st.fixed_dictionaries({}, optional=dict.fromkeys(COLUMNS, DAYS)))
        begins = row.get("start_date") or row.get("intake_date")
        for name in ("end_date", "discharge_date"):
            if begins and name in row and row[name] < begins:
                del row[name]
        if row:
            rows.append(row)
    return there, rows


@given(files())
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_a_file_says_of_ends_is_true(noor: Client, shelter: Program, file: tuple[list[Stay], list[Row]]):
    """Whatever comes in whichever order: a discharge that was taken in ends what was open then, but for an end that
    another row gave; and where a row is told that nobody was enrolled, nobody was.
    """
    there, rows = file
    with transaction.atomic():
        for begins, ends in there:
            stay(noor, shelter, begins, ends)
        kept = feed(*rows) if rows else []
        after = [(begins, ends or "9999") for begins, ends in stays()]
        for row, said in zip(kept, rows, strict=True):
            ends = min(filter(None, (said.get("end_date"), said.get("discharge_date"))), default=None)
            if ends is None or row.outcome in ("held", "rejected", "duplicate"):
                continue
            inside = [each for each in after if each[0] <= ends <= each[1]]
            ended = any(each[1] == ends for each in after)
            if "none was ended" in (row.note or ""):
                assert not inside, (there, rows, after)
                before = [begins for begins, last in there if begins <= ends <= (last or "9999")]
                assert not before, (there, rows, after)
            elif "gives another end" not in (row.note or ""):
                assert ended, (there, rows, after)
        transaction.set_rollback(True)


@pytest.mark.parametrize(
    ("since", "until", "noted"),
    [
        ("2026-09-02", None, True),
        ("2026-12-31", None, True),
        ("2027-01-01", None, False),
        ("2026-08-01", "2026-09-01", False),
    ],
)
def test_a_row_that_makes_a_stay_longer_in_spite_of_a_restriction_says_so(
    noor: Client, shelter: Program, since: str, until: str | None, noted: bool
) -> None:
    feed(start("2026-01-05", end_date="2026-09-01"))
    with audit.acting(None, channel="command"):
        Restriction.objects.create(client=noor, scope="program", program=shelter, start_date=since, end_date=until)
    (row,) = feed(start("2026-01-05", end_date="2026-12-31"))
    assert row.outcome == "updated"
    assert ("a coordinator should know" in (row.note or "")) is noted
    (row,) = feed(start("2026-01-05", end_date="2026-10-31"))
    assert "a coordinator should know" not in (row.note or "")
