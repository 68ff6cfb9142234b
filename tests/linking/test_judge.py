"""Whether one identifier may mean two spellings of a person."""

from datetime import date

import pytest

from core.linking.judge import Level, Person, compatible, dob_level

AMINA = Person("amina", "yusuf", date(1990, 4, 2))


@pytest.mark.parametrize(
    ("other", "level"),
    [
        (date(1990, 4, 2), Level.SAME),
        (date(1990, 2, 4), Level.CLOSE),
        (date(1990, 4, 3), Level.CLOSE),
        (date(1909, 4, 2), Level.CLOSE),
        (date(1991, 5, 2), Level.FAR),
        (date(1961, 4, 2), Level.FAR),
        (None, Level.MISSING),
    ],
)
def test_dates_are_compared_by_their_parts(other: date | None, level: Level) -> None:
    assert dob_level(AMINA.dob, other) is level


@pytest.mark.parametrize(
    ("other", "may"),
    [
        (Person("amina", "hassan", date(1990, 4, 2)), True),
        (Person("amina", "hassan", None), True),
        (Person("amina", "yusuf", date(1990, 2, 4)), True),
        (Person("yusuf", "amina", date(1990, 4, 2)), True),
        (Person("amina", "yusuf", date(1961, 9, 17)), False),
        (Person("boris", "petrov", date(1990, 4, 2)), False),
        (Person("boris", "yusuf", date(1961, 9, 17)), False),
        (Person("amina", "hassan", date(1990, 2, 4)), False),
    ],
    ids=["married", "no date", "slip of the pen", "swapped", "another date", "another name", "uncle", "two doubts"],
)
def test_one_identifier_may_mean_both(other: Person, may: bool) -> None:
    assert compatible(AMINA, other) is may
