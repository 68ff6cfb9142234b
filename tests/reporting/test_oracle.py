"""Every cell of both reports against a brute-force count in plain Python, over random agencies and periods."""

import random
from datetime import date, timedelta

import pytest

import reporting
from core.models import Department, Program
from reporting import served
from reporting.demographics import DEMOGRAPHICS
from tests.reporting import oracle, world

PERIODS = 200


def periods(seed: int) -> list[tuple[date, date]]:
    """Random ones, many of which begin or end on a day when a stay does, or on the day before or after."""
    dice, found = random.Random(seed), []
    edges = [day for stay in world.make(seed)["enrollments"] for day in (stay["start"], stay["end"]) if day]
    while len(found) < PERIODS:
        first = world.day(dice)
        last = first + timedelta(days=dice.choice([0, 1, 30, 365, dice.randrange(1500)]))
        if dice.random() < 0.5:
            first = dice.choice(edges) + timedelta(days=dice.randrange(-1, 2))
        if dice.random() < 0.5:
            last = dice.choice(edges) + timedelta(days=dice.randrange(-1, 2))
        found.append((min(first, last), max(first, last)))
    return found


def test_the_periods_have_their_edges_and_the_nights_when_clocks_change() -> None:
    agency, days = world.make(0), {day for pair in periods(0) for day in pair}
    assert {stay["start"] for stay in agency["enrollments"]} & days
    assert {stay["end"] for stay in agency["enrollments"]} & days
    assert {date(2024, 3, 10), date(2024, 11, 3)} & days
    assert any(first == last for first, last in periods(0))


@pytest.mark.django_db
@pytest.mark.parametrize("seed", range(2))
def test_every_cell_of_the_summary_is_what_counting_by_hand_gives(seed: int) -> None:
    agency = world.make(seed)
    world.store(agency)
    report = reporting.get("org_summary")
    for first, last in periods(seed):
        assert report.rows(None, {"date_from": first, "date_to": last}) == oracle.org_summary(agency, first, last)


@pytest.mark.django_db
@pytest.mark.parametrize("seed", range(2))
def test_who_is_new_and_who_returns_is_what_counting_by_hand_gives(seed: int) -> None:
    agency = world.make(seed)
    world.store(agency)
    for first, last in periods(seed)[:60]:
        found = served.newcomers(None, {"date_from": first, "date_to": last})
        assert found == oracle.newcomers(agency, first, last)


@pytest.mark.django_db
@pytest.mark.parametrize("seed", range(3))
def test_some_people_alone_are_those_with_the_value(seed: int) -> None:
    agency = world.make(seed)
    world.store(agency)
    report, dice = reporting.get("org_summary"), random.Random(seed)
    for first, last in periods(seed)[:10]:
        params = {"date_from": first, "date_to": last}
        whole = [row for row in report.rows(None, params) if row[0] in DEMOGRAPHICS]
        for section, _, value, number, _ in dice.sample(whole, min(6, len(whole))):
            rows = report.rows(None, {**params, section: value})
            assert rows[0][3] == number
            assert [row[3] for row in rows if row[0] == section and row[2] == value] == [number]


@pytest.mark.django_db
@pytest.mark.parametrize("seed", range(2))
def test_the_trend_is_the_vacancies_of_each_of_its_days(seed: int) -> None:
    agency = world.make(seed)
    world.store(agency)
    report, dice = reporting.get("vacancy"), random.Random(seed)
    for _ in range(5):
        beside = report.beside(None, {"as_of": world.day(dice)})
        for place, day in enumerate(beside["days"]):
            for row in oracle.vacancy(agency, day):
                assert beside["trend"].get(row[:2], (0,) * len(beside["days"]))[place] == row[4]


@pytest.mark.django_db
@pytest.mark.parametrize("seed", range(6, 9))
def test_a_department_or_program_restricts_the_people_to_it(seed: int) -> None:
    agency = world.make(seed)
    world.store(agency)
    report, dice = reporting.get("org_summary"), random.Random(seed)
    departments = {department.name: department for department in Department.objects.all()}
    for place in [*agency["programs"], *agency["programs"]]:
        first = world.day(dice)
        last = first + timedelta(days=dice.randrange(800))
        params = {"date_from": first, "date_to": last, "department": departments[place["department"]]}
        expected = oracle.org_summary(agency, first, last, department=place["department"])
        assert report.rows(None, params) == expected
        params["program"] = Program.objects.get(pk=place["id"])
        expected = oracle.org_summary(agency, first, last, place["department"], place["name"])
        assert report.rows(None, params) == expected


@pytest.mark.django_db
@pytest.mark.parametrize("seed", range(6))
def test_every_cell_of_the_vacancies_is_what_counting_by_hand_gives(seed: int) -> None:
    agency = world.make(seed)
    world.store(agency)
    report, dice = reporting.get("vacancy"), random.Random(seed)
    days = {world.day(dice) for _ in range(60)} | {date(2000, 1, 1), date(2100, 1, 1)}
    for program in agency["programs"]:
        for since in [*program["capacities"], program["closed_on"]]:
            if since is not None:
                days |= {since - timedelta(days=1), since, since + timedelta(days=1)}
    for day in days:
        assert report.rows(None, {"as_of": day}) == oracle.vacancy(agency, day)


@pytest.mark.django_db
@pytest.mark.parametrize("seed", range(9, 12))
def test_the_list_behind_a_number_is_as_long_as_the_number(seed: int) -> None:
    agency = world.make(seed)
    world.store(agency)
    dice = random.Random(seed)
    for _ in range(4):
        day = world.day(dice)
        params = {"date_from": day, "date_to": day + timedelta(days=dice.randrange(400)), "as_of": day}
        for slug, column in [("org_summary", 3), ("vacancy", 4)]:
            report = reporting.get(slug)
            for row in report.rows(None, params):
                people = report.people(None, params, row)
                if people is None:
                    assert row[0] == "reconciliation"
                else:
                    assert people.count() == row[column] == report.number(row), row
