"""What is odd about a record saved by hand."""

from datetime import date, timedelta

import pytest
from django.utils import timezone

from core import audit, records
from core.models import Client, Discharge, Enrollment, Intake, Program, Staff
from core.remarks import remarks

pytestmark = pytest.mark.django_db


def test_what_is_odd_about_a_saved_record_is_said_and_not_refused(
    coordinator: Staff, amina: Client, shelter: Program, clinic: Program
) -> None:
    def made(model: type, **values: object) -> list[str]:
        return remarks(records.create(model, actor=coordinator, values={"client": amina, **values}))

    ahead = timezone.localdate() + timedelta(days=400)
    assert made(Enrollment, program=clinic, start_date=date(2026, 1, 1)) == []
    assert made(Enrollment, program=clinic, start_date=date(1980, 1, 1), end_date=date(1980, 1, 2)) == [
        "The start date 1980-01-01 is before the client was born (1990-04-02).",
        "The end date 1980-01-02 is before the client was born (1990-04-02).",
    ]
    assert made(Intake, program=clinic, intake_date=ahead) == [f"The intake date {ahead} lies in the future."]
    assert made(Discharge, program=shelter, discharge_date=date(2026, 3, 1)) == []
    assert made(Discharge, program=shelter, discharge_date=date(2026, 4, 1)) == [
        "No enrollment in the program was open on 2026-04-01; none was ended."
    ]
    records.change(amina, actor=coordinator, values={"email": "notamail", "phone_number": "abc"})
    amina.refresh_from_db()
    assert remarks(amina) == [
        "The e-mail address “notamail” does not look like one.",
        "The phone number “abc” has no digit.",
        "An enrollment of the client begins before the date of birth 1990-04-02.",
    ]


def test_a_stay_in_a_program_that_was_closed_is_said(coordinator: Staff, amina: Client, clinic: Program) -> None:
    with audit.acting(None, channel="command"):
        Program.objects.filter(pk=clinic.pk).update(closed_on=date(2026, 1, 31))
    clinic.refresh_from_db()
    values = {"client": amina, "program": clinic, "start_date": date(2026, 1, 31), "end_date": date(2026, 1, 31)}
    assert remarks(records.create(Enrollment, actor=coordinator, values=values)) == []
    late = records.create(
        Enrollment, actor=coordinator, values={**values, "start_date": date(2026, 2, 1), "end_date": None}
    )
    assert remarks(late) == ["Clinic was closed on 2026-01-31, before 2026-02-01."]
