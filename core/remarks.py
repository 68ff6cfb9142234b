"""What is odd about a record saved by hand and may be true all the same: said to whoever saved it, refused to nobody. A
daily file notes the same of its rows.
"""

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from django.db import models
from django.utils import timezone

from core.models import Client, Discharge, Enrollment, Intake
from core.normalise import looks_like_email

_AHEAD: Final = timedelta(days=365)  # a stay may be planned so long before


def remarks(record: models.Model) -> list[str]:
    """Sentences about a record that was saved; none where nothing is odd."""
    if isinstance(record, Client):
        return [*_of_client(record)]
    if not isinstance(record, Enrollment | Intake | Discharge):
        return []
    return [*_of_days(record), *(_of_discharge(record) if isinstance(record, Discharge) else _of_program(record))]


def _of_client(client: Client) -> Iterator[str]:
    if client.email and not looks_like_email(client.email):
        yield f"The e-mail address “{client.email}” does not look like one."
    if client.phone_number and not re.search(r"\d", client.phone_number):
        yield f"The phone number “{client.phone_number}” has no digit."
    if client.dob and client.enrollments.filter(start_date__lt=client.dob).exists():
        yield f"An enrollment of the client begins before the date of birth {client.dob}."


def _of_days(record: Enrollment | Intake | Discharge) -> Iterator[str]:
    born, today = record.client.dob, timezone.localdate()
    for field in record._meta.concrete_fields:
        day = getattr(record, field.attname)
        if not isinstance(field, models.DateField) or isinstance(field, models.DateTimeField) or day is None:
            continue
        if born is not None and day < born:
            yield f"The {field.verbose_name} {day} is before the client was born ({born})."
        if day > today + (_AHEAD if isinstance(record, Enrollment) else timedelta(0)):
            yield f"The {field.verbose_name} {day} lies in the future."


def _of_program(record: Enrollment | Intake) -> Iterator[str]:
    day = record.start_date if isinstance(record, Enrollment) else record.intake_date
    closed = record.program.closed_on
    if closed is not None and day > closed:
        yield f"{record.program} was closed on {closed}, before {day}."


def _of_discharge(discharge: Discharge) -> Iterator[str]:
    where = {"client__in": Client.objects.of_person(discharge.client_id), "program": discharge.program_id}
    same = Discharge.objects.filter(**where, discharge_date=discharge.discharge_date).exclude(pk=discharge.pk)
    if same.exists():
        yield f"Another discharge from this program on {discharge.discharge_date} is recorded already."
    if not Enrollment.objects.filter(**where, end_date=discharge.discharge_date).exists():
        yield f"No enrollment in the program was open on {discharge.discharge_date}; none was ended."
