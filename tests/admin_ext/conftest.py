"""A logged-in browser per person, and how a change form is posted."""

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from django.test import Client as Browser
from django.urls import reverse

from core import audit
from core.models import AuditEntry, Client, Enrollment, Program, Staff


@pytest.fixture
def browse() -> Callable[[Staff], Browser]:
    """browse(staff) is a browser in which they are logged in."""

    def log_in(staff: Staff) -> Browser:
        browser = Browser()
        browser.force_login(staff, backend="django.contrib.auth.backends.ModelBackend")
        return browser

    return log_in


@pytest.fixture
def stranger(clinic: Program) -> Client:
    """A client of the clinic whom the worker of Hostel A has no business with."""
    with audit.acting(None, channel="command"):
        client = Client.objects.create(
            first_name="Canarina", last_name="Hiddenson", dob=date(1970, 5, 5), uid_external="CANARY-77"
        )
        Enrollment.objects.create(client=client, program=clinic, start_date=date(2024, 1, 1))
    return client


@pytest.fixture
def entries() -> Callable[[], list[AuditEntry]]:
    """entries() are the audit entries since the last call, oldest first."""
    seen = {"position": _last()}

    def new() -> list[AuditEntry]:
        found = list(AuditEntry.objects.filter(position__gt=seen["position"]).order_by("position"))
        seen["position"] = _last()
        return found

    return new


def _last() -> int:
    return AuditEntry.objects.order_by("-position").values_list("position", flat=True).first() or 0


def url(name: str, *arguments: object) -> str:
    """Address of an admin page of core."""
    return reverse(f"admin:core_{name}", args=arguments)


INLINES = ("enrollments", "intakes", "discharges", "restrictions", "identifiers")


def empty_formsets(*prefixes: str) -> dict[str, str]:
    """What the browser posts for tabs nobody touched."""
    ends = {"TOTAL_FORMS": "0", "INITIAL_FORMS": "0", "MIN_NUM_FORMS": "0", "MAX_NUM_FORMS": "1000"}
    return {f"{prefix}-{end}": value for prefix in prefixes for end, value in ends.items()}


def client_form(client: Client, **changed: Any) -> dict[str, Any]:
    """The client page as the browser posts it, with some fields changed."""
    names = ("first_name", "last_name", "preferred_name", "alias", "gender", "race", "phone_number", "email")
    values = {name: getattr(client, name) or "" for name in names}
    values |= {"dob": client.dob or "", "uid_external": client.uid_external or ""}
    return {**values, **empty_formsets(*INLINES), **changed}
