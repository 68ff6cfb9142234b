"""Organizational Summary: who is served, and how they are counted (CONTRACT §4 and §6)."""

from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.db import connection

import reporting
from admin_ext import words
from core import audit
from core.errors import NotAllowed
from core.models import Client, Program, Staff
from reporting.demographics import age_case, having, years_before
from reporting.report import percent
from tests.reporting import oracle

Enroll = Callable[..., Client]


def rows(first: str, last: str, **places: object) -> list[tuple]:
    params = {"date_from": date.fromisoformat(first), "date_to": date.fromisoformat(last), **places}
    return reporting.get("org_summary").rows(None, params)


def numbers(section: str, first: str, last: str) -> dict[str, int]:
    return {row[2]: row[3] for row in rows(first, last) if row[0] == section}


def total(first: str, last: str) -> int:
    return numbers("total", first, last)["clients served"]


@pytest.mark.parametrize(
    ("first", "last", "served"),
    [
        ("2025-03-10", "2025-03-20", 1),
        ("2025-03-20", "2025-03-31", 1),  # its last day is the period's first
        ("2025-03-01", "2025-03-10", 1),  # its first day is the period's last
        ("2025-03-21", "2025-03-31", 0),
        ("2025-03-01", "2025-03-09", 0),
        ("2025-03-15", "2025-03-15", 1),
        ("2025-03-10", "2025-03-10", 1),
        ("2025-01-01", "2025-12-31", 1),
    ],
)
def test_both_ends_of_an_enrollment_count(shelter: Program, enroll: Enroll, first: str, last: str, served: int):
    enroll(shelter, "2025-03-10", "2025-03-20")
    assert total(first, last) == served


def test_a_stay_of_one_day_counts_on_that_day_alone(shelter: Program, enroll: Enroll):
    enroll(shelter, "2025-03-10", "2025-03-10")
    assert [total(day, day) for day in ("2025-03-09", "2025-03-10", "2025-03-11")] == [0, 1, 0]


def test_an_open_enrollment_counts_for_ever(shelter: Program, enroll: Enroll):
    enroll(shelter, "2025-03-10")
    assert total("2090-01-01", "2090-01-01") == 1


@pytest.mark.parametrize("day", ["2025-03-09", "2025-11-02"])
def test_the_days_on_which_clocks_change_are_days(shelter: Program, enroll: Enroll, day: str):
    enroll(shelter, day, day)
    assert total(day, day) == 1


def test_someone_in_several_programs_counts_once(twins: tuple[Program, Program], shelter: Program, enroll: Enroll):
    client = enroll(shelter, "2025-01-01")
    for program in twins:
        enroll(program, "2025-01-01", client=client)
    assert numbers("reconciliation", "2025-01-01", "2025-01-31") == {
        "sum of programs": 3,
        "counted in more than one program": 2,
        "different clients": 1,
    }
    assert numbers("department", "2025-01-01", "2025-01-31") == {"Housing": 1, "Shelter": 1}
    programs = [row[1:4] for row in rows("2025-01-01", "2025-01-31") if row[0] == "program"]
    assert programs == [
        ("Housing", "Case Management", 1),
        ("Shelter", "Case Management", 1),
        ("Shelter", "Hostel A", 1),
    ]


def test_linked_records_are_one_person_with_the_survivors_demographics(
    shelter: Program, clinic: Program, enroll: Enroll
):
    kept = enroll(shelter, "2025-01-01", gender="Woman", languages_spoken=["French"], dob=date(1990, 1, 1))
    other = enroll(clinic, "2025-01-01", gender="Man", languages_spoken=["English"])
    enroll(shelter, "2025-02-01", client=other)
    with audit.acting(None, channel="link"):
        Client.objects.filter(pk=other.pk).update(linked_to=kept)
    period = ("2025-01-01", "2025-03-31")
    assert total(*period) == 1
    assert numbers("gender", *period) == {"Woman": 1}
    assert numbers("language", *period) == {"French": 1}
    assert numbers("reconciliation", *period)["sum of programs"] == 2  # once in Hostel A although both records are in


def test_a_linked_record_counts_although_the_survivor_was_never_enrolled(shelter: Program, enroll: Enroll):
    other = enroll(shelter, "2025-01-01", gender="Man")
    with audit.acting(None, channel="link"):
        kept = Client.objects.create(first_name="K", gender="Woman")
        Client.objects.filter(pk=other.pk).update(linked_to=kept)
    assert numbers("gender", "2025-01-01", "2025-01-31") == {"Woman": 1}


def test_several_languages_count_once_in_each(shelter: Program, enroll: Enroll):
    enroll(shelter, "2025-01-01", languages_spoken=["French", "English", " French "])
    enroll(shelter, "2025-01-01", languages_spoken=["Zulu", ""])
    for missing in (None, [], ["", "  "]):
        enroll(shelter, "2025-01-01", languages_spoken=missing)
    expected = {"English": 1, "French": 1, "Zulu": 1, "Not recorded": 3}
    found = numbers("language", "2025-01-01", "2025-01-31")
    assert found == expected
    assert list(found) == list(expected)


@pytest.mark.parametrize("missing", [None, "", "   "])
def test_missing_is_not_recorded_and_comes_last(shelter: Program, enroll: Enroll, missing: str | None):
    for gender in ("Two-Spirit", "Agender", "Woman", "Zebra", missing):
        enroll(shelter, "2025-01-01", gender=gender)
    found = numbers("gender", "2025-01-01", "2025-01-31")
    assert list(found) == ["Woman", "Two-Spirit", "Agender", "Zebra", "Not recorded"]


@pytest.mark.parametrize(
    ("dob", "day", "group"),
    [
        ("2009-03-31", "2025-03-31", "16-24"),  # sixteen on that very day
        ("2009-04-01", "2025-03-31", "0-15"),
        ("2000-04-01", "2025-03-31", "16-24"),
        ("2000-03-31", "2025-03-31", "25-34"),
        ("1960-03-31", "2025-03-31", "65+"),
        ("1960-04-01", "2025-03-31", "55-64"),
        ("2000-02-29", "2025-02-28", "16-24"),  # no 29 February in 2025: one year older on 1 March
        ("2000-02-29", "2025-03-01", "25-34"),
        ("2008-02-29", "2024-02-28", "0-15"),
        ("2008-02-29", "2024-02-29", "16-24"),
        ("2025-03-31", "2025-03-31", "0-15"),
        ("2025-04-30", "2025-03-31", "0-15"),  # expected child, entered before birth
        (None, "2025-03-31", "Not recorded"),
    ],
)
def test_age_is_age_on_the_last_day(shelter: Program, enroll: Enroll, dob: str | None, day: str, group: str):
    enroll(shelter, "2020-01-01", dob=dob)
    assert numbers("age_group", "2023-01-01", day) == {group: 1}


@pytest.mark.parametrize("dob", [date(2008, 2, 28), date(2008, 2, 29), date(2008, 3, 1), date(2007, 2, 28)], ids=str)
@pytest.mark.parametrize("years", [16, 25, 65])
def test_a_leap_day_is_the_same_birthday_wherever_ages_are_told(
    dob: date, years: int, enroll: Enroll, shelter: Program
):
    """Reports, the lists behind them, clients' pages, the oracle and PostgreSQL: on every day about the birthday."""
    enroll(shelter, "2000-01-01", dob=dob)
    for day in (date(dob.year + years, 2, 27) + timedelta(days=n) for n in range(4)):
        sql, cuts = age_case(day)
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT {sql}, extract(year FROM age(%s, dob))::int FROM clients", [*cuts, day])
            ((group, age),) = cursor.fetchall()
        assert words.age_on(dob, day) == oracle.age_on(dob, day) == age, day
        assert oracle.age_group(dob, day) == group, day
        assert having(Client.objects.all(), "age_group", group, day).exists(), day


def test_years_before_keeps_to_the_calendar():
    assert years_before(date(2024, 2, 29), 16) == date(2008, 2, 29)
    assert years_before(date(2024, 2, 29), 25) == date(1999, 2, 28)
    assert years_before(date(10, 1, 1), 16) == date.min


def test_percent_is_of_the_total_with_one_decimal_halves_up():
    assert percent(1, 16) == Decimal("6.3")
    assert str(percent(3, 3)) == "100.0"
    assert str(percent(0, 0)) == "0.0"


def test_an_empty_period_has_a_total_and_a_reconciliation(shelter: Program):
    assert [row[0] for row in rows("2025-01-01", "2025-01-31")] == ["total"] + ["reconciliation"] * 3
    assert {(row[3], str(row[4])) for row in rows("2025-01-01", "2025-01-31")} == {(0, "0.0")}


def test_programs_that_served_no_one_are_left_out(shelter: Program, clinic: Program, enroll: Enroll):
    enroll(shelter, "2025-01-01")
    assert numbers("program", "2025-01-01", "2025-01-31") == {"Hostel A": 1}


def test_sections_come_in_the_order_of_the_contract(shelter: Program, enroll: Enroll):
    enroll(shelter, "2025-01-01")
    sections = list(dict.fromkeys(row[0] for row in rows("2025-01-01", "2025-01-31")))
    assert sections == [
        "total",
        "department",
        "program",
        "gender",
        "sexual_orientation",
        "race",
        "immigration_status",
        "language",
        "age_group",
        "reconciliation",
    ]


def test_group_is_empty_except_in_section_program(shelter: Program, enroll: Enroll):
    enroll(shelter, "2025-01-01")
    for section, group, *_ in rows("2025-01-01", "2025-01-31"):
        assert group == ("Shelter" if section == "program" else "")


def test_it_refuses_someone_who_may_not_read_reports(worker: Staff):
    with pytest.raises(NotAllowed):
        reporting.get("org_summary").rows(worker, {"date_from": date(2025, 1, 1), "date_to": date(2025, 1, 31)})


def test_every_reader_gets_the_numbers_of_the_system(shelter: Program, enroll: Enroll, analyst: Staff, leader: Staff):
    enroll(shelter, "2025-01-01")
    params = {"date_from": date(2025, 1, 1), "date_to": date(2025, 1, 31)}
    report = reporting.get("org_summary")
    assert report.rows(analyst, params) == report.rows(leader, params) == report.rows(None, params)
