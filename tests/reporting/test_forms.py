"""Parameters: what a period is compared with, and which people one may ask for."""

from collections.abc import Callable
from datetime import date

import pytest

import reporting
from core.models import Client, Program
from reporting.forms import period_before


@pytest.mark.parametrize(
    ("first", "last", "before"),
    [
        ("2025-03-01", "2025-03-31", ("2025-02-01", "2025-02-28")),  # a month, the month before
        ("2025-01-01", "2025-03-31", ("2024-10-01", "2024-12-31")),
        ("2024-04-01", "2025-03-31", ("2023-04-01", "2024-03-31")),
        ("2025-04-01", "2025-11-25", ("2024-08-05", "2025-03-31")),  # 239 days
        ("2025-03-31", "2025-03-31", ("2025-03-30", "2025-03-30")),
        ("2024-02-01", "2024-02-28", ("2024-01-04", "2024-01-31")),  # no whole month in a leap year
    ],
)
def test_a_period_is_compared_with_the_one_right_before_it(first: str, last: str, before: tuple[str, str]):
    found = period_before(date.fromisoformat(first), date.fromisoformat(last))
    assert tuple(map(str, found)) == before


def test_where_the_calendar_begins_there_is_nothing_before():
    assert period_before(date.min, date(2025, 1, 1)) is None
    assert period_before(date(2025, 1, 1), date.max) is None


def asked(**values: str) -> tuple[dict, dict]:
    form = reporting.get("org_summary").bind({"date_from": "2025-01-01", "date_to": "2025-01-31", **values}, actor=None)
    return (form.cleaned_data if form.is_valid() else {}), form.errors


@pytest.mark.django_db
def test_a_value_is_of_the_vocabulary_or_of_someone(amina: Client):
    assert asked(gender="woman")[0]["gender"] == "Woman"
    assert asked(gender="not RECORDED")[0]["gender"] == "Not recorded"
    _, errors = asked(gender="Wooman")
    assert errors["gender"] == ["There is no gender 'Wooman'. Nearest: Woman, Man, Trans woman."]


@pytest.mark.django_db
def test_a_value_outside_the_vocabulary_can_be_asked_for_where_someone_has_it(
    enroll: Callable[..., Client], shelter: Program
):
    enroll(shelter, "2025-01-01", gender="Agender")
    assert asked(gender="Agender")[0]["gender"] == "Agender"
