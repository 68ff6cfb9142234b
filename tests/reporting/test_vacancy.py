"""Vacancy Tracker: capacity of that day, people in on that day (CONTRACT §4)."""

from collections.abc import Callable
from datetime import date, timedelta

from django.test import Client as Browser
from django.utils import timezone

import reporting
from core import audit
from core.models import Client, Program, Staff
from reporting.vacancy import places

Enroll = Callable[..., Client]


def vacancy(day: str) -> dict[str, tuple]:
    """Program → (capacity, occupied, vacant)."""
    rows = reporting.get("vacancy").rows(None, {"as_of": date.fromisoformat(day)})
    return {row[1]: row[3:6] for row in rows}


def test_both_ends_of_an_enrollment_count(shelter: Program, enroll: Enroll):
    enroll(shelter, "2025-03-10", "2025-03-20")
    found = [
        vacancy(day)["Hostel A"][1] for day in ("2025-03-09", "2025-03-10", "2025-03-20", "2025-03-21", "2025-03-15")
    ]
    assert found == [0, 1, 1, 0, 1]


def test_vacant_is_negative_over_capacity(shelter: Program, enroll: Enroll, set_capacity: Callable[..., None]):
    set_capacity(shelter, 2, None)
    for _ in range(5):
        enroll(shelter, "2025-01-01")
    assert vacancy("2090-01-01")["Hostel A"] == (2, 5, -3)


def test_a_capacity_of_nought_is_a_capacity(shelter: Program, set_capacity: Callable[..., None]):
    set_capacity(shelter, 0, date(2025, 1, 1))
    assert vacancy("2025-01-01")["Hostel A"] == (0, 0, 0)


def test_without_capacity_both_are_empty(clinic: Program, enroll: Enroll):
    enroll(clinic, "2025-01-01")
    assert vacancy("2025-01-01")["Clinic"] == (None, 1, None)


def test_capacity_is_that_of_the_day(shelter: Program, set_capacity: Callable[..., None]):
    set_capacity(shelter, 12, date(2025, 6, 1))
    set_capacity(shelter, None, date(2025, 9, 1))
    set_capacity(shelter, 20, date(2025, 12, 1))
    days = ("2025-05-31", "2025-06-01", "2025-08-31", "2025-09-01", "2025-11-30", "2025-12-01")
    assert [vacancy(day)["Hostel A"][0] for day in days] == [10, 12, 12, None, None, 20]


def test_before_its_first_day_a_program_has_no_capacity(clinic: Program, set_capacity: Callable[..., None]):
    set_capacity(clinic, 8, date(2025, 6, 1))
    assert [vacancy(day)["Clinic"][0] for day in ("2025-05-31", "2025-06-01")] == [None, 8]


def test_linked_records_take_one_place(shelter: Program, enroll: Enroll):
    kept, other = enroll(shelter, "2025-01-01"), enroll(shelter, "2025-01-01")
    with audit.acting(None, channel="link"):
        Client.objects.filter(pk=other.pk).update(linked_to=kept)
    assert vacancy("2025-01-01")["Hostel A"] == (10, 1, 9)


def test_a_closed_program_is_left_out_unless_someone_is_in_it(shelter: Program, clinic: Program, enroll: Enroll):
    enroll(clinic, "2025-01-01", "2025-07-31")
    with audit.acting(None, channel="command"):
        Program.objects.update(closed_on=date(2025, 6, 30))
    assert set(vacancy("2025-06-30")) == {"Hostel A", "Clinic"}
    assert set(vacancy("2025-07-01")) == {"Clinic"}
    assert set(vacancy("2025-08-01")) == set()


def test_a_closed_program_has_no_places(shelter: Program, enroll: Enroll):
    enroll(shelter, "2025-01-01")
    with audit.acting(None, channel="command"):
        Program.objects.update(closed_on=date(2025, 6, 30))
    assert vacancy("2025-06-30")["Hostel A"] == (10, 1, 9)
    assert vacancy("2025-07-01")["Hostel A"] == (0, 1, -1)


def test_the_first_page_counts_places_as_the_report_does(leader: Staff, shelter: Program, enroll: Enroll):
    enroll(shelter, "2025-01-01")
    with audit.acting(None, channel="command"):
        Program.objects.update(closed_on=timezone.localdate() - timedelta(days=7))
    browser = Browser()
    browser.force_login(leader, backend="django.contrib.auth.backends.ModelBackend")
    page = browser.get("/admin/").content.decode()
    assert "1 of 0 places occupied, 1 over capacity" in page


def test_programs_of_one_name_are_told_apart_and_sorted_by_department(twins: tuple[Program, Program], enroll: Enroll):
    enroll(twins[1], "2025-01-01")
    rows = reporting.get("vacancy").rows(None, {"as_of": date(2030, 1, 1)})
    assert [row[:2] + row[3:6] for row in rows] == [
        ("Housing", "Case Management", 7, 1, 6),
        ("Shelter", "Case Management", 5, 0, 5),
        ("Shelter", "Hostel A", 10, 0, 10),
    ]


def test_overflow_of_one_program_does_not_eat_anothers_room():
    day = date(2025, 1, 1)
    rows = [
        ("A", "over", "", 10, 13, -3, day),
        ("A", "room", "", 10, 4, 6, day),
        ("A", "no capacity", "", None, 50, None, day),
    ]
    assert places(rows) == (20, 17, 6, 3)
    figures = reporting.get("vacancy").page(rows, {"as_of": day}).figures
    assert [(figure.value, figure.label) for figure in figures] == [
        ("6", "places vacant"),
        ("17 of 20", "places occupied"),
        ("3", "over capacity"),
        ("50", "in programs without a capacity"),
    ]
    lines = reporting.get("vacancy").page(rows, {"as_of": day}).blocks[0].lines
    assert [line.cells[2] for line in lines] == ["6", "over by 3", "6", "–"]
