"""The further reports, each over a few rows one can count."""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

import reporting
from core import audit
from core.errors import CannotLeave
from core.models import (
    Client,
    Department,
    Discharge,
    ImportBatch,
    Intake,
    PendingChange,
    Program,
    ProgramStaff,
    Restriction,
    Staff,
)

pytestmark = pytest.mark.django_db
Enroll = Callable[..., Client]
DAY = date(2025, 6, 30)


def rows(slug: str, actor: Staff | None = None, **params: object) -> list[tuple]:
    return reporting.get(slug).rows(actor, params or {"as_of": DAY})


def write(record: object) -> None:
    with audit.acting(None, channel="command"):
        record.save()


def test_inactive_is_who_was_not_heard_of_for_ninety_days(shelter: Program, enroll: Enroll):
    silent = enroll(shelter, "2024-01-01")
    enroll(shelter, "2025-04-01")  # ninety days before the day
    seen, left = enroll(shelter, "2024-01-01"), enroll(shelter, "2024-02-01", "2025-06-29")
    write(Intake(client=seen, program=shelter, intake_date=DAY))
    write(Discharge(client=left, program=shelter, discharge_date=DAY))
    report = reporting.get("inactive")
    (row,) = rows("inactive")
    assert row == ("Shelter", "Hostel A", 3, 1, Decimal("33.3"), date(2024, 1, 1))
    assert list(report.people(None, {"as_of": DAY}, row)) == [silent]


def test_places_stand_in_one_order_in_every_report(enroll: Enroll):
    places = [("A", "b"), ("A", "C / D"), ("A / B", "E"), ("a-b", "F")]
    with audit.acting(None, channel="command"):
        departments = {name: Department.objects.create(name=name) for name in dict(reversed(places))}
        programs = [Program.objects.create(name=name, department=departments[of]) for of, name in reversed(places)]
    for program in programs:
        enroll(program, "2024-01-01")
    for slug in ("inactive", "completeness", "vacancy"):
        assert list(dict.fromkeys(row[:2] for row in rows(slug))) == places, slug


def test_restrictions_by_place_reason_and_state(shelter: Program, amina: Client):
    for program, first, last in (
        (shelter, "2025-01-01", None),
        (shelter, "2025-06-01", "2025-06-30"),  # its last day is the day
        (shelter, "2025-01-01", "2025-06-29"),
        (shelter, "2025-07-01", None),
        (None, "2025-01-01", None),
    ):
        write(
            Restriction(
                client=amina, scope="program" if program else "org", program=program, start_date=first, end_date=last,
                reason="Violence",
            )
        )  # fmt: skip
    assert rows("restrictions") == [
        ("", "Whole organization", "Violence", 1, 0, 0, 0, None),
        ("Shelter", "Hostel A", "Violence", 2, 1, 1, 1, 105),
    ]


def test_completeness_counts_values_that_are_not_blank(shelter: Program, enroll: Enroll):
    enroll(shelter, "2025-01-01", gender="Woman", languages_spoken=["French"], address={"city": "Toronto"})
    enroll(shelter, "2025-01-01", gender=" ", languages_spoken=[""], address={"city": ""})
    found = {row[2]: row[3:] for row in rows("completeness")}
    half, none = (2, 1, Decimal("50.0")), (2, 0, Decimal("0.0"))
    assert (found["gender"], found["languages spoken"], found["address"], found["race"]) == (half, half, half, none)


def test_import_quality_adds_up_applied_files_and_counts_refused_ones():
    began = timezone.make_aware(datetime(2025, 6, 30, 23, 30))
    for number, (status, summary) in enumerate(
        (
            ("applied", {"rows": 10, "created": 7, "held": 2, "rejected": 1}),
            ("refused", None),
            ("applied", {"rows": 10}),
        )
    ):
        write(
            ImportBatch(
                source_system="SMIS", file_name="f", sha256=str(number), size=1, status=status, summary=summary,
                created_at=began,
            )
        )  # fmt: skip
    (row,) = rows("import_quality", date_from=DAY, date_to=DAY)
    assert row == ("SMIS", 2, 1, 20, 7, 0, 0, 0, 2, 1, Decimal("15.0"), DAY)
    assert rows("import_quality", date_from=DAY + timedelta(days=1), date_to=date(2025, 7, 31)) == []


def test_of_proposals_managers_see_their_own(person: Callable[..., Staff], amina: Client, coordinator: Staff):
    one, two = person("Manager"), person("Manager")
    for staff in (one, one, two):
        write(
            PendingChange(
                entity="clients", entity_id=amina.pk, diff_json={"before": {}, "after": {}}, requested_by=staff
            )
        )
    today = timezone.localdate()
    asked = {"date_from": today, "date_to": today}
    assert rows("proposals", coordinator, **asked) == [("clients", 3, 3, 0, 0, 0, 0, None)]
    assert rows("proposals", one, **asked)[0][1] == 2
    assert rows("proposals", two, **asked)[0][1] == 1


def test_staffing_names_who_and_what_is_without(worker: Staff, shelter: Program, clinic: Program, enroll: Enroll):
    enroll(clinic, "2025-01-01")
    assert rows("staffing") == [
        ("staff without clients", "", worker.get_full_name() if hasattr(worker, "get_full_name") else str(worker), 0),
        ("clients without staff", "Health", "Clinic", 1),
    ]
    write(ProgramStaff(program=clinic, staff=worker))
    assert rows("staffing") == []


def test_a_page_puts_programs_below_their_department_and_opens_the_list_behind_a_number(
    shelter: Program, clinic: Program, enroll: Enroll
):
    for program in (shelter, shelter, clinic):
        enroll(program, "2024-01-01")
    report = reporting.get("inactive")
    (block,) = report.page(rows("inactive"), {"as_of": DAY}).blocks
    assert [(line.label, line.kind, line.key) for line in block.lines] == [
        ("Health", "group", ""),
        ("Clinic", "", "Health / Clinic"),
        ("Shelter", "group", ""),
        ("Hostel A", "", "Shelter / Hostel A"),
    ]
    assert block.headers[block.lines[1].opens + 1] == "Inactive"
    assert block.lines[3].cells[block.lines[3].opens] == "2"


def test_completeness_shows_a_line_per_program_and_a_column_per_field(shelter: Program, enroll: Enroll):
    enroll(shelter, "2024-01-01", gender="Woman")
    enroll(shelter, "2024-01-01", gender=None)
    (block,) = reporting.get("completeness").page(rows("completeness"), {"as_of": DAY}).blocks
    assert block.headers[:4] == ("Program", "Clients", "Date of birth", "Gender")
    assert block.headers[-2:] == ("E-mail", "Address")
    assert [(line.label, line.cells[0], line.cells[2]) for line in block.lines[1:]] == [("Hostel A", "2", "50 %")]


@pytest.mark.parametrize("slug", ["org_summary", "vacancy", "inactive", "completeness", "restrictions", "staffing"])
def test_only_reports_that_may_leave_offer_it(slug: str):
    report = reporting.get(slug)
    assert report.leaves == (slug in ("org_summary", "vacancy"))
    if not report.leaves:
        with pytest.raises(CannotLeave):
            report.shared(None, {}, 11)
