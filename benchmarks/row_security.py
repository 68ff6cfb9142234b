"""What the rights cost, as ratios in one run: lists of people who see assigned clients against the Administrator's;
the same with the database's second wall and without; reports with row-level security and without; and what the entry
in the access log takes of a page.

    python benchmarks/row_security.py [CLIENTS]

Works in a database of its own on the server of the settings, made and dropped here. What is compared is measured in
turns, so that other work on the machine slows both. `sql` is the time within the database's answers, `page` the whole
request, `log` the access log's insert.
"""

import io
import os
import sys
from collections import defaultdict
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
from core.models import Department, Enrollment, Program, ProgramStaff, Role, Staff, StaffRole  # noqa: E402

PROGRAMS = 98
ROUNDS = 15
LOGGED = 20_000
FEW, MANY = "Staff, 300 clients", "Staff, 5,000 clients"
PAGES = {
    "list": "/admin/core/client/",
    "search": "/admin/core/client/?q=bado",
    "filter": "/admin/core/client/?gender=Woman&o=2",
    "last page": "/admin/core/client/?p=6",
    "enrollments": "/admin/core/enrollment/",
    "restrictions": "/admin/core/restriction/",
    "one client": "",
}
LISTS = ("list", "search", "filter", "last page", "enrollments", "restrictions")
REPORTS = ("org_summary", "vacancy")
# Three stays per client, three in ten clients still there; then two programs with so many there now, and three
# times as many who left. One client in fifty is linked to the next, one in twenty was restricted, some still are.
# The access log holds as many pages of fifty clients as LOGGED says.
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
CREATE INDEX ON numbered (n);
ANALYZE numbered;
UPDATE clients c SET linked_to = other.client_id FROM numbered one JOIN numbered other ON other.n = one.n + 1
WHERE one.n %% 50 = 1 AND c.client_id = one.client_id;
INSERT INTO client_program_enrollments (client_id, program_id, start_date, end_date)
SELECT client_id, program_id, start, CASE WHEN k = 2 AND n %% 10 < 3 THEN NULL ELSE start + 60 END
FROM numbered, generate_series(0, 2) k, LATERAL (SELECT current_date - 1900 + (k * 600 + n * 7 %% 500)::int AS start) s
JOIN places ON true WHERE p = 1 + (n * 31 + k * 17) %% %(programs)s;
INSERT INTO client_program_enrollments (client_id, program_id, start_date, end_date)
SELECT client_id, program_id, current_date - 1000,
       CASE WHEN n %% (%(clients)s / here) = 0 THEN NULL ELSE current_date - 500 END
FROM (VALUES ('Few', 300), ('Many', 5000)) sizes (name, here) JOIN programs USING (name),
     numbered WHERE n %% (%(clients)s / here) < 4;
INSERT INTO service_restrictions (client_id, scope, start_date, end_date, reason)
SELECT client_id, 'org', current_date - 200, CASE WHEN n %% 3 = 0 THEN NULL ELSE current_date - 100 END, 'Bench'
FROM numbered WHERE n %% 20 = 0;
INSERT INTO access_log (staff_id, action, entity, client_ids, number)
SELECT (SELECT staff_id FROM staff LIMIT 1), 'list', 'clients', array_agg(client_id), 50
FROM (generate_series(1, %(logged)s) page CROSS JOIN generate_series(1, 50) k)
JOIN numbered ON n = 1 + (page * 7919 + k * 104729) %% %(clients)s GROUP BY page;
DROP TABLE numbered, places;
"""
_FILLED = ("clients", "client_program_enrollments", "service_restrictions")
_PROTECTED = "SELECT relname FROM pg_class WHERE relrowsecurity AND relnamespace = 'public'::regnamespace"
_LOG = 'INSERT INTO "access_log"'


class Times:
    """Milliseconds of several goes: the whole, within the database, and of the access log's insert."""

    def __init__(self) -> None:
        self.goes: list[list[float]] = []

    def go(self, work: Callable[[], object]) -> None:
        """Do it once more."""
        spent = [0.0, 0.0, 0.0]

        def clock(execute: Callable, sql: str, *arguments: Any) -> object:
            started = perf_counter()
            try:
                return execute(sql, *arguments)
            finally:
                took = perf_counter() - started
                spent[1] += took
                spent[2] += took if sql.startswith(_LOG) else 0

        with connection.execute_wrapper(clock):
            started = perf_counter()
            work()
            spent[0] = perf_counter() - started
        self.goes.append([part * 1000 for part in spent])

    def __getitem__(self, part: int) -> float:
        return median(go[part] for go in self.goes)


@contextmanager
def database(clients: int) -> Iterator[dict[str, Browser]]:
    """A fresh database filled as its owner, its triggers out of the way; who is logged in."""
    with as_owner():
        connection.creation.create_test_db(verbosity=0, autoclobber=True)
    try:
        people = _people()
        with as_owner(), connection.cursor() as cursor:
            for table in _FILLED:
                cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
            cursor.execute(_FILL, {"clients": clients, "programs": PROGRAMS, "logged": LOGGED})
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


def page(browser: Browser, address: str) -> Callable[[], None]:
    """Asks for the page and reads it."""

    def ask() -> None:
        response = browser.get(address)
        if response.status_code != 200:
            raise RuntimeError(f"{address} answered {response.status_code}")

    return ask


def report(slug: str) -> Callable[[], None]:
    """A report as commands and the web make it: of a year, or of today."""
    today = date.today()
    year = ("--from", str(today.replace(year=today.year - 1, day=1)), "--to", str(today))
    period = year if slug == "org_summary" else ("--as-of", str(today))
    return lambda: call_command("report", slug, *period, "--json", stdout=io.StringIO())


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


def addresses() -> dict[tuple[str, str], str]:
    """(page, person) → address: one client is a client of the person's own program."""
    found = {}
    for person, program in ((ADMINISTRATOR, "Many"), (FEW, "Few"), (MANY, "Many")):
        client = Enrollment.objects.filter(program__name=program, end_date=None).order_by("client_id").first().client_id
        for name, address in PAGES.items():
            found[name, person] = address or f"/admin/core/client/{client}/change/"
    return found


def lists(people: dict[str, Browser]) -> tuple[dict, dict]:
    """(page, person) → times, with the wall and without, everyone in turns."""
    on: dict[tuple[str, str], Times] = defaultdict(Times)
    off: dict[tuple[str, str], Times] = defaultdict(Times)
    for (name, person), address in addresses().items():
        on[name, person], off[name, person] = Times(), Times()
        page(people[person], address)()
    for _ in range(ROUNDS):
        for (name, person), address in addresses().items():
            ask = page(people[person], address)
            on[name, person].go(ask)
            with mock.patch.object(wall, "behind", return_value=nullcontext()):
                off[name, person].go(ask)
    return on, off


def reports(people: dict[str, Browser]) -> tuple[dict, dict]:
    """Title → times of what people above the wall read, with the policies and without, in turns."""
    works = {slug: report(slug) for slug in REPORTS}
    works |= {f"Administrator, {name}": page(people[ADMINISTRATOR], PAGES[name]) for name in ("list", "enrollments")}
    with_policies: dict[str, Times] = {title: Times() for title in works}
    bare: dict[str, Times] = {title: Times() for title in works}
    for _ in range(4):
        for title, work in works.items():
            work()
            for _ in range(3):
                with_policies[title].go(work)
        with without_policies():
            for title, work in works.items():
                work()
                for _ in range(3):
                    bare[title].go(work)
    return with_policies, bare


def line(title: str, times: Times, base: Times | None = None, of: str = "") -> None:
    ratio = f"{times[0] / base[0]:>7.2f} × {of}" if base else ""
    print(f"{title:<46}{times[0]:>8.1f} ms page{times[1]:>8.1f} ms sql{times[2]:>6.1f} ms log{ratio}")


def verdict(what: str, value: float, limit: float, unit: str) -> bool:
    print(f"{'ok  ' if value <= limit else 'MISS'} {what}: {value:.2f}{unit} (at most {limit:g})")
    return value <= limit


def main(clients: int) -> int:
    """Print times and ratios; the last lines hold them against the limits. 1 where one is missed."""
    with database(clients) as people:
        on, off = lists(people)
        policies, bare = reports(people)
    for name in PAGES:
        for person in people:
            line(f"{name}: {person}", on[name, person], on[name, ADMINISTRATOR], "the Administrator's")
            if person != ADMINISTRATOR:
                line("    without the wall", off[name, person])
    for title, times in policies.items():
        line(title, times, bare[title], "the same without policies")
    held = []
    for person in (FEW, MANY):
        for name in LISTS:
            ours, wall_down = on[name, person][0], off[name, person][0]
            held.append(
                verdict(f"{person}, {name}: of the Administrator's", ours / on[name, ADMINISTRATOR][0], 1.5, "×")
            )
            held.append(verdict(f"{person}, {name}: the wall adds", 100 * (ours / wall_down - 1), 20, " %"))
    for slug in REPORTS:
        held.append(verdict(f"{slug}: the policies add", 100 * (policies[slug][0] / bare[slug][0] - 1), 20, " %"))
    return 0 if all(held) else 1


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 200_000))
