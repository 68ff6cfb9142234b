"""Small numbers in files that leave the agency: hidden, and not to be found again by subtraction."""

import random
from collections.abc import Callable
from datetime import date, timedelta

import numpy as np
import pytest
from scipy.optimize import linprog

import reporting
from core.errors import CannotLeave, NotAllowed
from core.models import Client, Department, Program, Staff
from reporting.demographics import DEMOGRAPHICS, NOT_RECORDED
from reporting.leaving import NO_LANGUAGE, TOTAL, hidden_of
from reporting.report import HIDDEN, percent
from reporting.rounding import rounded
from reporting.suppression import Sum, hidden, ranges
from tests.reporting import world
from tests.reporting.attack import Attacker
from tests.reporting.overlaps import Overlaps

pytestmark = pytest.mark.django_db
Enroll = Callable[..., Client]
JANUARY = {"date_from": date(2025, 1, 1), "date_to": date(2025, 1, 31)}


def one_place_each(agency: dict) -> dict:
    """Nobody in two programs, no program of a name with another: sums that can be subtracted from."""
    seen: dict = {}
    for person in agency["clients"]:
        person["linked_to"] = None
    for number, place in enumerate(agency["programs"]):
        place["name"] = f"Program {number}"
    agency["enrollments"] = [
        stay for stay in agency["enrollments"] if seen.setdefault(stay["client"], stay["program"]) == stay["program"]
    ]
    return agency


def everything(params: dict, threshold: int, *, adds_up: bool, withheld: bool = True) -> Attacker:
    """An attacker who has the file of the agency, of each department and of each program."""
    report, attacker = reporting.get("org_summary"), Attacker(adds_up=adds_up)

    def file(places: dict) -> list[tuple]:
        asked = {**params, **places}
        if withheld:
            return report.shared(None, asked, threshold)
        return [(*row[:3], HIDDEN if row[0] != "reconciliation" and row[3] < threshold else row[3], row[4])
                for row in report.rows(None, asked)]  # fmt: skip

    attacker.read(file({}))
    for department in Department.objects.all():
        attacker.read(file({"department": department}), department.name)
    for program in Program.objects.select_related("department"):
        attacker.read(file({"program": program}), program.department.name, program.name)
    return attacker


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("adds_up", [True, False], ids=["sums", "overlaps"])
@pytest.mark.parametrize("threshold", [5, 11])
def test_no_hidden_number_follows_from_all_files_of_a_period(seed: int, adds_up: bool, threshold: int):
    agency = world.make(seed, clients=260, programs=7)
    world.store(one_place_each(agency) if adds_up else agency)
    first = world.day(random.Random(seed))
    params = {"date_from": first, "date_to": first + timedelta(days=400)}
    attacker = everything(params, threshold, adds_up=adds_up)
    assert attacker.hidden
    found = {cell: ends for cell, ends in attacker.bounds().items() if ends[1] - ends[0] < 1}
    assert found == {}


def test_the_attacker_finds_what_hiding_small_numbers_alone_leaves_open():
    """The test above would prove nothing with an attacker who never finds anything."""
    world.store(one_place_each(world.make(1, clients=80, programs=4)))
    first = world.day(random.Random(1))
    params = {"date_from": first, "date_to": first + timedelta(days=400)}
    attacker = everything(params, 5, adds_up=True, withheld=False)
    assert any(ends[1] - ends[0] < 1 for ends in attacker.bounds().values())


def overlapping(seed: int, *, base: int) -> Overlaps:
    """The files of four periods, each a fortnight longer or shorter at an end than another."""
    world.store(one_place_each(world.make(seed, clients=260, programs=7)))
    report, first = reporting.get("org_summary"), world.EPOCH + timedelta(days=200)
    step = timedelta(days=14)
    periods = [(first + i * step, first + timedelta(days=300) + j * step) for i in range(2) for j in range(2)]
    files = {
        (since, until): report.shared(None, {"date_from": since, "date_to": until}, 11, base)
        for since, until in periods
    }
    return Overlaps(files, base=base, threshold=11)


@pytest.mark.parametrize("base", [1, 5], ids=["exact", "rounded"])
@pytest.mark.parametrize("seed", range(3))
def test_no_hidden_number_follows_from_files_of_overlapping_periods(seed: int, base: int):
    attacker = overlapping(seed, base=base)
    assert attacker.hidden
    assert attacker.recovered() == {}


def between(base: int) -> Overlaps:
    """What no file of ours does: hide in a month a number that the same month tells with a day less and a day more."""
    shorter, month, longer = [(date(2025, 1, 3 - i), date(2025, 1, 29 + i)) for i in range(3)]
    whole, women, others = ("total", "", "clients served"), ("gender", "", "Woman"), ("gender", "", "Unknown")
    told = [(*whole, 40), (*women, 25), (*others, 15)]
    return Overlaps(
        {shorter: told, month: [(*whole, 40), (*women, HIDDEN), (*others, HIDDEN)], longer: told},
        base=base,
        threshold=11,
    )


def test_the_attacker_finds_what_two_files_leave_open():
    assert sorted(between(1).recovered().values()) == [15, 25]


def test_of_rounded_files_the_same_attacker_learns_no_exact_number():
    assert between(5).recovered() == {}


def test_numbers_are_rounded_to_a_multiple_beside_them_and_always_alike():
    for number in range(11, 200):
        there = rounded(number, ("gender", "", "Woman"), 5)
        assert there % 5 == 0
        assert abs(there - number) < 5
        assert there == rounded(number, ("gender", "", "Woman"), 5)
        assert rounded(number, ("gender", "", "Woman"), 1) == number


def test_rounding_adds_nothing_on_average():
    moved = [rounded(number, ("cell", cell), 5) - number for number in range(11, 111) for cell in range(100)]
    assert abs(sum(moved) / len(moved)) < 0.06  # four standard errors of 10,000 roundings


def test_a_rounded_file_tells_multiples_and_no_exact_sum(shelter: Program, enroll: Enroll):
    """Percentages are those of what is told, or the exact number would follow from them."""
    for gender, number in (("Woman", 30), ("Man", 21)):
        for _ in range(number):
            enroll(shelter, "2025-01-01", gender=gender)
    rows = reporting.get("org_summary").shared(None, JANUARY, 11, 5)
    told = {row[:3]: row[3:] for row in rows}
    assert {number % 5 for number, _ in told.values() if number != HIDDEN} == {0}
    total, (women, share) = told["total", "", "clients served"][0], told["gender", "", "Woman"]
    assert share == percent(women, total)
    assert told["reconciliation", "", "sum of programs"] == (HIDDEN, HIDDEN)
    assert told["reconciliation", "", "different clients"][0] == total


def spoken_by(shelter: Program, enroll: Enroll, *spoken: tuple[int, list[str]]) -> dict[tuple, object]:
    """The file that leaves of an agency where so many people speak these: row → number told."""
    for number, languages in spoken:
        for _ in range(number):
            enroll(shelter, "2025-01-01", languages_spoken=languages)
    return {row[:3]: row[3] for row in reporting.get("org_summary").shared(None, JANUARY, 11)}


def test_the_largest_language_does_not_tell_of_how_many_none_is_recorded(shelter: Program, enroll: Enroll):
    told = spoken_by(shelter, enroll, (28, ["English"]), (2, []))
    assert told[TOTAL] == 30
    assert told[NO_LANGUAGE] == told["language", "", "English"] == HIDDEN


def test_of_how_many_no_language_is_recorded_does_not_tell_the_one_that_some_speak(shelter: Program, enroll: Enroll):
    told = spoken_by(shelter, enroll, (5, ["Hindi"]), (25, []))
    assert told[NO_LANGUAGE] == told["language", "", "Hindi"] == HIDDEN


def test_no_more_languages_are_hidden_than_it_takes(shelter: Program, enroll: Enroll):
    told = spoken_by(shelter, enroll, (15, ["English"]), (13, ["French"]), (2, []))
    assert told[NO_LANGUAGE] == HIDDEN
    assert (told["language", "", "English"], told["language", "", "French"]) == (15, 13)


def test_where_no_language_is_recorded_of_anyone_the_total_is_told(shelter: Program, enroll: Enroll):
    assert spoken_by(shelter, enroll, (30, []))[NO_LANGUAGE] == 30


@pytest.mark.parametrize("seed", range(60))
def test_hidden_languages_may_be_anything_over_a_range_as_wide_as_the_threshold(seed: int):
    dice, threshold = random.Random(seed), 11
    people = dice.randrange(threshold, 60)
    gap, second = dice.choice([0, 0.05, 0.3, 0.9]), dice.choice([0, 0.1, 0.8])
    cells = {TOTAL: people}
    for _ in range(people):
        spoken = {"English"} if dice.random() < 0.8 else {dice.choice(["French", "Hindi", "Cree"])}
        spoken |= {"Twi"} if dice.random() < second else set()
        for language in spoken if dice.random() >= gap else {NOT_RECORDED}:
            cells["language", "", language] = cells.get(("language", "", language), 0) + 1
    away = hidden_of(cells, threshold)
    assert {cell for cell, number in cells.items() if number < threshold} <= away <= cells.keys()
    attacker = Attacker(adds_up=False)
    attacker.read((*cell, HIDDEN if cell in away else number, None) for cell, number in cells.items())
    # Of eleven people a hidden number may be one to ten, whatever else is hidden.
    wide = min(threshold - 1, people - 2)
    narrow = {cell: ends for cell, ends in attacker.bounds().items() if ends[1] - ends[0] < wide}
    assert narrow == {}


@pytest.mark.parametrize("seed", range(40))
def test_ranges_are_those_of_linear_programming(seed: int):
    """Narrowing sum by sum gives what solving all of them at once gives."""
    dice = random.Random(seed)
    leaves = {f"p{d}{p}": dice.randrange(1, 20) for d in range(3) for p in range(dice.randrange(1, 4))}
    cells = dict(leaves)
    sums = []
    for d in range(3):
        parts = tuple(leaf for leaf in leaves if leaf[1] == str(d))
        cells[f"d{d}"] = sum(leaves[leaf] for leaf in parts)
        sums.append(Sum(f"d{d}", parts))
    cells["t"] = sum(leaves.values())
    sums.append(Sum("t", ("d0", "d1", "d2")))
    gone = {cell for cell in cells if cell != "t" and dice.random() < 0.6}
    found, expected = ranges(cells, sums, gone), solved(cells, sums, gone)
    assert found.keys() == expected.keys()
    for cell, ends in found.items():
        assert ends == pytest.approx(expected[cell]), cell


def solved(cells: dict, sums: list[Sum], gone: set) -> dict:
    order = sorted(gone)
    matrix, right = [], []
    for line in sums:
        factors = {line.whole: 1, **dict.fromkeys(line.parts, -1)}
        matrix.append([factors.get(cell, 0) for cell in order])
        right.append(-sum(factor * cells[cell] for cell, factor in factors.items() if cell not in gone))
    found = {}
    for place, cell in enumerate(order):
        aim = np.eye(len(order))[place]
        top = max(cells.values()) + sum(cells.values())
        ends = [linprog(sign * aim, A_eq=matrix, b_eq=right, bounds=(1, top)).fun for sign in (1, -1)]
        found[cell] = (ends[0], -ends[1])
    return found


def test_every_file_tells_the_same_of_a_place(shelter: Program, clinic: Program, enroll: Enroll):
    for program, number in ((shelter, 3), (clinic, 40)):
        for _ in range(number):
            enroll(program, "2025-01-01", gender="Woman")
    report = reporting.get("org_summary")
    rows = report.shared(None, {**JANUARY, "program": shelter}, 11)
    assert {row[3] for row in rows} == {HIDDEN}
    rows = report.shared(None, {**JANUARY, "department": shelter.department}, 11)
    assert {row[3] for row in rows} == {HIDDEN}
    assert not {row[0] for row in rows} & set(DEMOGRAPHICS)


def test_of_one_hidden_number_in_a_sum_another_is_hidden_too(shelter: Program, enroll: Enroll):
    for gender, number in (("Woman", 30), ("Man", 20), ("Two-Spirit", 3)):
        for _ in range(number):
            enroll(shelter, "2025-01-01", gender=gender)
    rows = reporting.get("org_summary").shared(None, JANUARY, 11)
    assert {row[2]: row[3] for row in rows if row[0] == "gender"} == {"Woman": 30, "Man": HIDDEN, "Two-Spirit": HIDDEN}
    assert {row[4] for row in rows if row[3] == HIDDEN} == {HIDDEN}


def test_where_the_total_is_small_no_percentage_and_no_reconciliation_tells_it(shelter: Program, enroll: Enroll):
    enroll(shelter, "2025-01-01")
    rows = reporting.get("org_summary").shared(None, JANUARY, 11)
    assert {row[4] for row in rows} == {HIDDEN}
    assert {row[3] for row in rows} == {HIDDEN}


def test_large_numbers_alone_hide_nothing():
    assert hidden({"t": 60, "a": 40, "b": 20}, [Sum("t", ("a", "b"))], 11) == set()


def test_some_people_alone_do_not_leave(shelter: Program):
    with pytest.raises(CannotLeave, match="Leave the demographics open"):
        reporting.get("org_summary").shared(None, {**JANUARY, "gender": "Woman"}, 11)


def test_vacancies_hide_what_the_summary_of_the_day_hides(shelter: Program, clinic: Program, enroll: Enroll):
    for _ in range(3):
        enroll(shelter, "2025-01-01")
    for _ in range(40):
        enroll(clinic, "2025-01-01")
    rows = reporting.get("vacancy").shared(None, {"as_of": date(2025, 1, 1)}, 11)
    assert [row[1:6] for row in rows] == [("Clinic", None, None, HIDDEN, None), ("Hostel A", None, 10, HIDDEN, HIDDEN)]


def test_it_asks_for_the_right(worker: Staff):
    for slug in ("org_summary", "vacancy"):
        with pytest.raises(NotAllowed):
            reporting.get(slug).shared(worker, {**JANUARY, "as_of": date(2025, 1, 1)}, 11)
