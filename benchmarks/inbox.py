"""How fast the approvals open with 10,000 proposals waiting, and that no page asks more the more there wait.

    python benchmarks/inbox.py [WAITING]

Works in a database of its own on the server of the settings, made and dropped here. Medians of whole requests in this
process, without a web server before it; as ratios to the same page with 100 waiting, in one run.
"""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "ccd.settings")
os.environ["CCD_TEST_DATABASE"] = "bench_inbox"

import django  # noqa: E402

django.setup()

from django.conf import settings  # noqa: E402
from django.db import connection  # noqa: E402
from django.test import Client as Browser  # noqa: E402
from django.urls import reverse  # noqa: E402

from core import audit  # noqa: E402
from core.choices import COORDINATOR, MANAGER  # noqa: E402
from core.management.owner import as_owner  # noqa: E402
from core.models import Department, PendingChange, Program, Role, Staff, StaffRole  # noqa: E402

ROUNDS = 9
FEW, CLIENTS, AT_MOST = 100, 20_000, 300.0
# Every second proposal is about a client's own fields, the others enroll one; a hundred days of them.
_CLIENTS = """
INSERT INTO clients (first_name, last_name, dob, gender)
SELECT 'Person', 'Number ' || n, date '1950-01-01' + n %% 20000, 'Woman' FROM generate_series(1, %s) n
"""
_PROPOSALS = """
INSERT INTO pending_changes (entity, entity_id, kind, diff_json, requested_by, requested_at, reason, client_id)
SELECT CASE n %% 2 WHEN 0 THEN 'clients' ELSE 'client_program_enrollments' END,
       CASE n %% 2 WHEN 0 THEN client_id ELSE gen_random_uuid() END,
       CASE n %% 2 WHEN 0 THEN 'change' ELSE 'create' END,
       CASE n %% 2 WHEN 0 THEN jsonb_build_object('before', jsonb_build_object('gender', 'Woman', 'alias', NULL),
                                                 'after', jsonb_build_object('gender', 'Man', 'alias', 'A' || n))
       ELSE jsonb_build_object('before', NULL, 'after', jsonb_build_object('client_id', client_id,
            'program_id', %(program)s::text, 'start_date', '2026-01-05')) END,
       %(staff)s, now() - make_interval(mins => n * 14), 'Asked at the desk', client_id
FROM generate_series(%(since)s, %(until)s) n JOIN
     (SELECT client_id, row_number() OVER (ORDER BY client_id) AS r FROM clients) c ON r = 1 + n * 7 %% %(clients)s
"""


@contextmanager
def database() -> Iterator[tuple[Browser, Staff, Program]]:
    """A fresh one with clients, a program, and a coordinator who is logged in."""
    with as_owner():
        connection.creation.create_test_db(verbosity=0, autoclobber=True)
    try:
        with audit.acting(None, channel="command"):
            program = Program.objects.create(name="Hostel", department=Department.objects.create(name="Bench"))
            people = [_person(number, role) for number, role in enumerate((COORDINATOR, MANAGER))]
            with connection.cursor() as cursor:
                cursor.execute(_CLIENTS, [CLIENTS])
        browser = Browser(SERVER_NAME="localhost")
        browser.force_login(people[0], backend="django.contrib.auth.backends.ModelBackend")
        yield browser, people[1], program
    finally:
        with as_owner():
            connection.creation.destroy_test_db(str(settings.DATABASES["default"]["NAME"]), verbosity=0)


def _person(number: int, role: str) -> Staff:
    staff = Staff.objects.create(first_name=role, last_name="Bench", email=f"{number}@example.org")
    StaffRole.objects.create(staff=staff, role=Role.objects.get(name=role))
    return staff


def fill(manager: Staff, program: Program, since: int, until: int) -> None:
    """Proposals number `since` through `until`."""
    values = {"staff": manager.pk, "program": program.pk, "since": since, "until": until, "clients": CLIENTS}
    with audit.acting(manager, channel="approval"), connection.cursor() as cursor:
        cursor.execute(_PROPOSALS, values)
    with as_owner(), connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")


def pages() -> dict[str, str]:
    """What a coordinator opens."""
    inbox = reverse("admin:core_pendingchange_changelist")
    middle = PendingChange.objects.order_by("requested_at")[PendingChange.objects.count() // 2]
    return {
        "inbox": inbox,
        "inbox, last pages": f"{inbox}?p=2",
        "inbox, one record type": f"{inbox}?entity=clients",
        "inbox, found by name": f"{inbox}?q=person+7",
        "one proposal": reverse("admin:core_pendingchange_change", args=[middle.pk]),
        "first page, with badge": reverse("admin:index"),
    }


def timed(browser: Browser, address: str) -> tuple[float, int]:
    """Milliseconds (median) and queries of a request."""

    def ask() -> float:
        started = perf_counter()
        if (status := browser.get(address).status_code) != 200:
            raise RuntimeError(f"{address} answered {status}")
        return (perf_counter() - started) * 1000

    asked: list[str] = []

    def counted(execute: Callable, sql: str, *arguments: Any) -> object:
        asked.append(sql)
        return execute(sql, *arguments)

    ask()
    with connection.execute_wrapper(counted):
        ask()
    return median(ask() for _ in range(ROUNDS)), len(asked)


def main(waiting: int) -> None:
    """Print times, ratios and queries; the last line holds the inbox against its limit."""
    settings.DEBUG = False  # with it Django would keep every statement
    with database() as (browser, manager, program):
        fill(manager, program, 1, FEW)
        few = {name: timed(browser, address) for name, address in pages().items()}
        fill(manager, program, FEW + 1, waiting)
        many = {name: timed(browser, address) for name, address in pages().items()}
    print(f"{'':<26}{f'{FEW:,} wait':>12}{f'{waiting:,} wait':>14}{'ratio':>9}{'queries':>14}")
    for name, (slow, queries) in many.items():
        quick, before = few[name]
        print(f"{name:<26}{quick:>9.0f} ms{slow:>11.0f} ms{slow / quick:>8.2f}×{before:>7} → {queries}")
    constant = all(many[name][1] == few[name][1] for name in many)
    print(
        f"The inbox with {waiting:,} waiting: {many['inbox'][0]:.0f} ms (at most {AT_MOST:.0f}); "
        f"queries {'are constant' if constant else 'GROW'}"
    )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000)
