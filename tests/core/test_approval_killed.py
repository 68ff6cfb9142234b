"""Killed between any two statements of an approval, or just before its commit: all of it is there, or nothing."""

import os
import subprocess
import sys
from datetime import date
from urllib.parse import quote

import pytest
from django.conf import settings
from django.db import connection

from core import approvals
from core.models import AuditEntry, Client, Discharge, Enrollment, PendingChange, Program, Staff

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]


def environment() -> dict[str, str]:
    """Another process on the test database."""
    at = connection.settings_dict
    host, port = quote(at["HOST"], safe=""), f":{at['PORT']}" if at["PORT"] else ""
    url = f"postgres://{at['USER']}:{quote(at['PASSWORD'] or '')}@{host}{port}/{at['NAME']}"
    return {**os.environ, "DATABASE_URL": url, "DEBUG": "1", "DJANGO_SETTINGS_MODULE": "ccd.settings"}


def state(change: PendingChange) -> tuple:
    """All that an approval of a discharge writes: the discharge, the ended enrollment, the decision, the log."""
    return (
        Discharge.objects.count(),
        Enrollment.objects.get().end_date,
        PendingChange.objects.get(pk=change.pk).status,
        AuditEntry.objects.filter(reference_id=change.pk).count(),
    )


def test_killed_before_any_statement_or_the_commit_nothing_is_there(
    amina: Client, shelter: Program, manager: Staff, coordinator: Staff
) -> None:
    values = {"client": amina, "program": shelter, "discharge_date": date(2024, 6, 30)}
    [change] = approvals.submit([approvals.Draft(Discharge, None, values)], actor=manager, reason="Housed")
    assert state(change) == (0, None, "pending", 0)
    run = subprocess.run(
        [sys.executable, "-m", "tests.core.killing", str(change.pk), str(coordinator.pk)],
        cwd=settings.BASE_DIR,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=300,
        check=True,
    )
    *killed, last = [line.split(maxsplit=1)[1] for line in run.stdout.splitlines()]
    assert len(killed) > 15, "an approval has more statements than that"
    assert set(killed) == {"killed pending"}
    assert last == "exit 0 approved"
    # Nothing but the last attempt left anything: three entries of one act.
    assert state(change) == (1, date(2024, 6, 30), "approved", 3)
