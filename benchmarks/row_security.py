"""What the database's second wall costs, as ratios in one run: the client list of people who see assigned clients
against the Administrator's, with the wall and without; and the organizational summary with row-level security and
without.

    python benchmarks/row_security.py [CLIENTS]

Works in a database of its own on the server of the settings, made and dropped here. `sql` is the time within the
database's answers, `page` the whole request.
"""

import io
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from datetime import date
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any
from unittest import mock

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "ccd.settings")
os.environ["CCD_TEST_DATABASE"] = "bench_wall"

import django  # noqa: E402

django.setup()

from django.conf import settings  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db import connection  # noqa: E402
from django.test import Client as Browser  # noqa: E402

from admin_ext import wall  # noqa: E402
from core import audit  # noqa: E402
from core.choices import ADMINISTRATOR, STAFF  # noqa: E402
from core.management.owner import as_owner  # noqa: E402
from core.models import Department, Program, ProgramStaff, Role, Staff, StaffRole  # noqa: E402

PROGRAMS = 98
ROUNDS = 9
FEW, MANY = "Staff, 300 clients", "Staff, 5,000 clients"
PAGES = {
    "list": "/admin/core/client/",
    "search": "/admin/core/client/?q=bado",
    "enrollments": "/admin/core/enrollment/",
}
# Three stays per client, three in ten clients still there; then two programs with so many there now, and three
# times as many who left.
_FILL = """
INSERT INTO clients (first_name, last_name, dob, gender, race)
SELECT initcap(w[1 + n %% 56] || w[1 + n / 56 %% 56]),
       initcap(w[1 + h %% 56] || w[1 + h / 56 %% 56] || w[1 + h / 3136 %% 56]),
       date '1940-01-01' + n %% 25000, CASE n %% 2 WHEN 0 THEN 'Woman' ELSE 'Man' END, 'Black'
FROM (SELECT n, abs(hashint4(n)) AS h FROM generate_series(1, %(clients)s) n) numbers,
     (SELECT array_agg(c || v) AS w FROM unnest(string_to_array('b d f g h k l m n r s t v z', ' ')) c,
             unnest(ARRAY['a', 'e', 'i', 'o']) v) syllables;
CREATE TEMP TABLE numbered AS SELECT client_id, row_number() OVER (ORDER BY client_id) AS n FROM clients;
CREATE TEMP TABLE places AS SELECT program_id, name, row_number() OVER (ORDER BY name) AS p FROM programs
    WHERE name LIKE 'Program %%';
INSERT INTO client_program_enrollments (client_id, program_id, start_date, end_date)
SELECT client_id, program_id, start, CASE WHEN k = 2 AND n %% 10 < 3 THEN NULL ELSE start + 60 END
FROM numbered, generate_series(0, 2) k, LATERAL (SELECT current_date - 1900 + (k * 600 + n * 7 %% 500)::int AS start) s
JOIN places ON true WHERE p = 1 + (n * 31 + k * 17) %% %(programs)s;
INSERT INTO client_program_enrollments (client_id, program_id, start_date, end_date)
SELECT client_id, program_id, current_date - 1000,
       CASE WHEN n %% (%(clients)s / here) = 0 THEN NULL ELSE current_date - 500 END
FROM (VALUES ('Few', 300), ('Many', 5000)) sizes (name, here) JOIN programs USING (name),
     numbered WHERE n %% (%(clients)s / here) < 4;
DROP TABLE numbered, places;
"""
_PROTECTED = "SELECT relname FROM pg_class WHERE relrowsecurity AND relnamespace = 'public'::regnamespace"


@contextmanager
def database(clients: int) -> Iterator[dict[str, Browser]]:
    """A fresh database filled as its owner, its triggers out of the way; who is logged in."""
    with as_owner():
        connection.creation.create_test_db(verbosity=0, autoclobber=True)
    try:
        people = _people()
        with as_owner(), connection.cursor() as cursor:
            for table in ("clients", "client_program_enrollments"):
                cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
            cursor.execute(_FILL, {"clients": clients, "programs": PROGRAMS})
            cursor.execute("VACUUM ANALYZE")
        yield people
    finally:
        with as_owner():
            connection.creation.destroy_test_db(str(settings.DATABASES["default"]["NAME"]), verbosity=0)


def _people() -> dict[str, Browser]:
    with audit.acting(None, channel="command"):
        department = Department.objects.create(name="Bench")
        names = (*(f"Program {n:02}" for n in range(PROGRAMS)), "Few", "Many")
        programs = {name: Program.objects.create(name=name, department=department) for name in names}
        found = {}
        for title, role, program in ((ADMINISTRATOR, ADMINISTRATOR, ""), (FEW, STAFF, "Few"), (MANY, STAFF, "Many")):
            staff = Staff.objects.create(first_name=title, last_name="Bench", email=f"{len(found)}@example.org")
            StaffRole.objects.create(staff=staff, role=Role.objects.get(name=role))
            if program:
                ProgramStaff.objects.create(staff=staff, program=programs[program])
            found[title] = Browser(SERVER_NAME="localhost")
            found[title].force_login(staff, backend="django.contrib.auth.backends.ModelBackend")
    return found


def timed(work: Callable[[], object]) -> tuple[float, float]:
    """Milliseconds of `work` and, of these, within the database; medians."""
    spent: list[float] = []

    def clock(execute: Callable, *arguments: Any) -> object:
        started = perf_counter()
        try:
            return execute(*arguments)
        finally:
            spent[-1] += perf_counter() - started

    whole = []
    work()
    with connection.execute_wrapper(clock):
        for _ in range(ROUNDS):
            spent.append(0)
            started = perf_counter()
            work()
            whole.append(perf_counter() - started)
    return median(whole) * 1000, median(spent) * 1000


def page(browser: Browser, address: str) -> Callable[[], None]:
    """Asks for the page and reads it."""

    def ask() -> None:
        response = browser.get(address)
        if response.status_code != 200:
            raise RuntimeError(f"{address} answered {response.status_code}")

    return ask


def summary() -> None:
    """The organizational summary of a year, as commands and the web make it."""
    today = date.today()
    call_command(
        "report", "org_summary", "--from", str(today.replace(year=today.year - 1, day=1)), "--to", str(today), "--json",
        stdout=io.StringIO(),
    )  # fmt: skip


@contextmanager
def without_policies() -> Iterator[None]:
    """Row-level security off in this database."""
    with as_owner(), connection.cursor() as cursor:
        cursor.execute(_PROTECTED)
        tables = [name for (name,) in cursor.fetchall()]
        for table in tables:
            cursor.execute(f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY")
    yield
    with as_owner(), connection.cursor() as cursor:
        for table in tables:
            cursor.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")


def line(title: str, times: tuple[float, float], base: tuple[float, float] | None = None, of: str = "") -> None:
    whole, sql = times
    ratio = f"{whole / base[0]:>7.2f} ×{sql / base[1]:>7.2f} × sql of {of}" if base else ""
    print(f"{title:<46}{whole:>8.1f} ms{sql:>8.1f} ms sql{ratio}")


def main(clients: int) -> None:
    """Print times and ratios; the last lines hold them against the limits."""
    with database(clients) as people:
        on, off = {}, {}
        for name, address in PAGES.items():
            for person, browser in people.items():
                ask = page(browser, address)
                with mock.patch.object(wall, "behind", return_value=nullcontext()):
                    off[name, person] = timed(ask)
                on[name, person] = timed(ask)
                line(f"{name}: {person}", on[name, person], on[name, ADMINISTRATOR], ADMINISTRATOR)
                line("    without the wall", off[name, person])
        report = timed(summary)
        with without_policies():
            bare_report = timed(summary)
            bare = {name: timed(page(people[ADMINISTRATOR], address)) for name, address in PAGES.items()}
        line("org_summary", report, bare_report, "the same without policies")
        for name in PAGES:
            line(f"{name}: {ADMINISTRATOR}", on[name, ADMINISTRATOR], bare[name], "the same without policies")
    for person in (FEW, MANY):
        whole, bare_list = on["list", person][0], off["list", person][0]
        print(
            f"{person}: their list {whole / on['list', ADMINISTRATOR][0]:.2f} × the Administrator's (at most 1.5); "
            f"the wall {100 * (whole / bare_list - 1):+.0f} % of it (at most 20)"
        )
    print(f"org_summary: the policies {100 * (report[0] / bare_report[0] - 1):+.0f} % (at most 20)")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 200_000)
