"""A small agency with known numbers."""

from collections.abc import Callable
from datetime import date

import pytest

from core import audit
from core.models import Client, Department, Enrollment, Program


@pytest.fixture
def enroll(db: None) -> Callable[..., Client]:
    """enroll(program, "2025-01-01", "2025-01-31") enrolls a new client, or the one given."""

    def make(program: Program, start: str, end: str | None = None, client: Client | None = None, **values) -> Client:
        with audit.acting(None, channel="command"):
            client = client or Client.objects.create(**{"first_name": "A", "last_name": "B", **values})
            Enrollment.objects.create(client=client, program=program, start_date=start, end_date=end)
        return client

    return make


@pytest.fixture
def twins(shelter: Program) -> tuple[Program, Program]:
    """Two programs of one name in two departments."""
    with audit.acting(None, channel="command"):
        other = Department.objects.create(name="Housing")
        return (
            Program.objects.create(name="Case Management", department=shelter.department, capacity_current=5),
            Program.objects.create(name="Case Management", department=other, capacity_current=7),
        )


@pytest.fixture
def set_capacity(db: None) -> Callable[..., None]:
    """set_capacity(program, 12, date(2025, 6, 1)) as a coordinator does: capacity and its first day."""

    def change(program: Program, capacity: int | None, since: date | None) -> None:
        with audit.acting(None, channel="command"):
            program.capacity_current, program.capacity_effective_date = capacity, since
            program.save(update_fields=["capacity_current", "capacity_effective_date"])

    return change
