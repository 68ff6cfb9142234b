"""How fast reports answer, as ratios in one run: naive queries (one COUNT(DISTINCT) per breakdown, as the ORM makes
them; a correlated subquery per program) against ours, on a large agency.

    python benchmarks/reports.py [CLIENTS] [--keep | --make]

Works in a database of its own on the server of the settings, made and dropped here; with --keep it stays, and the next
run with as many clients takes it as it is. --make makes and keeps it, and measures nothing. Every number is the median
of several rounds in a warm cache.
"""

import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from statistics import median
from time import perf_counter
from unittest import mock

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "ccd.settings")
os.environ["CCD_TEST_DATABASE"] = "bench_reports"

import django  # noqa: E402

django.setup()

from django.conf import settings  # noqa: E402
from django.core.cache import caches  # noqa: E402
from django.db import connection  # noqa: E402
from django.db.models import Count, F, IntegerField, OuterRef, QuerySet, Subquery  # noqa: E402
from django.db.models.functions import Coalesce  # noqa: E402
from django.test import Client as Browser  # noqa: E402

import reporting  # noqa: E402
from benchmarks import _population  # noqa: E402
from core import audit  # noqa: E402
from core.choices import LEADER  # noqa: E402
from core.management.owner import as_owner  # noqa: E402
from core.models import Client, Department, Enrollment, Program, Role, Staff, StaffRole  # noqa: E402
from reporting import report as report_module  # noqa: E402
from reporting import served, snapshot  # noqa: E402
from reporting.reading import room  # noqa: E402
from reporting.remembered import remembered  # noqa: E402

YEAR = {"date_from": date(2025, 4, 1), "date_to": date(2026, 3, 31)}
DAY = date(2026, 3, 31)
FIELDS = ("gender", "sexual_orientation", "race", "immigration_status", "languages_spoken", "dob")
ROUNDS = 3


@contextmanager
def database(clients: int, keep: bool) -> Iterator[None]:
    """The agency; made where it is not there already."""
    with as_owner():
        connection.creation.create_test_db(verbosity=0, autoclobber=True, keepdb=keep, serialize=False)
    try:
        if not keep or Client.objects.count() != clients:
            if Client.objects.exists():
                sys.exit("The kept database holds another number of clients: run once without --keep.")
            started = perf_counter()
            _population.fill(clients)
            print(
                f"{clients:,} clients, {Enrollment.objects.count():,} enrollments in {perf_counter() - started:.0f} s"
            )
        yield
    finally:
        if not keep:
            with as_owner():
                connection.creation.destroy_test_db(str(settings.DATABASES["default"]["NAME"]), verbosity=0)


def timed(work: Callable[[], object], rounds: int = ROUNDS) -> float:
    """Median milliseconds; the first round is to warm up."""
    work()
    spent = []
    for _ in range(rounds):
        started = perf_counter()
        work()
        spent.append(perf_counter() - started)
    return 1000 * median(spent)


def naive_summary() -> list[object]:
    """The total and each breakdown by a query of its own, as one would write it first."""
    served = Enrollment.objects.active_between(YEAR["date_from"], YEAR["date_to"]).order_by()
    person = Count(Coalesce("client__linked_to", "client"), distinct=True)
    kept = [served.aggregate(n=person)]
    for field in ("program__department", "program", *(f"client__{name}" for name in FIELDS)):
        kept.append(list(served.values(field).annotate(n=person)))
    return kept


def naive_vacancy() -> list[object]:
    """A correlated subquery per program."""
    inside: QuerySet = (
        Enrollment.objects.active_on(DAY).filter(program=OuterRef("pk")).order_by().values("program")
        .annotate(n=Count(Coalesce("client__linked_to", "client"), distinct=True)).values("n")
    )  # fmt: skip
    programs = Program.objects.annotate(inside=Coalesce(Subquery(inside, output_field=IntegerField()), 0))
    return list(programs.annotate(vacant=F("capacity_current") - F("inside")).values_list("name", "inside", "vacant"))


def summary(**places: object) -> list[object]:
    """Ours."""
    return reporting.get("org_summary").rows(None, {**YEAR, **places})


def vacancy() -> list[object]:
    """Ours."""
    return reporting.get("vacancy").rows(None, {"as_of": DAY})


def drill_downs() -> dict[str, Callable[[], object]]:
    """One of each kind: a department, a program, the first page of each list of people."""
    department, program = Department.objects.order_by("name")[0], Program.objects.order_by("name")[0]
    report, rows = reporting.get("org_summary"), summary()

    def listed(section: str) -> Callable[[], object]:
        row = next(row for row in rows if row[0] == section)
        people = report.people(None, YEAR, row)
        found = people.order_by("last_name", "first_name", "client_id").only("first_name", "last_name", "dob")

        def first_page() -> None:
            with room():
                list(found[:100])

        return first_page

    return {
        "one department": lambda: summary(department=department),
        "one program": lambda: summary(program=program),
        **{f"people: {section}": listed(section) for section in ("total", "department", "program", "gender", "language",
                                                                 "age_group")},
    }  # fmt: skip


def line(title: str, spent: float, base: float | None = None, limit: str = "") -> None:
    """One measurement, with what it is held against."""
    ratio = (
        "" if base is None else f"{base / spent:>8.1f} × faster" if base > spent else f"{spent / base:>8.2f} × of it"
    )
    print(f"{title:<44}{spent:>10.1f} ms{ratio}{'   ' + limit if limit else ''}", flush=True)


def main(clients: int, keep: bool) -> None:
    """Print times and ratios, and what they are held to."""
    # Each answer is made anew, until memory itself is measured.
    fresh = mock.patch.object(report_module, "remembered", lambda actor, name, params, make: make())
    with fresh, database(clients, keep), tempfile.TemporaryDirectory(prefix="ccd-bench-") as folder:
        settings.DATA_DIR = Path(folder)
        naive = timed(naive_summary)
        line("summary, naive queries", naive)
        ours = timed(summary)
        line("summary, SQL", ours, naive, "at least 3 ×")
        drilled = {name: timed(work, 2) for name, work in drill_downs().items()}
        for name, spent in drilled.items():
            line(f"    {name}", spent, ours, "at most 3 × of the summary")
        subquery = timed(naive_vacancy, 3)
        line("vacancy, correlated subquery", subquery)
        line("vacancy, SQL", timed(vacancy), subquery, "at least 15 ×, at most 120 ms")
        started = perf_counter()
        snapshot.write()
        print(f"snapshot written in {perf_counter() - started:.1f} s")
        expected = (served.counts_by_sql(None, YEAR), served.newcomers_by_sql(None, YEAR))
        copied = (served.counts(None, YEAR), served.newcomers(None, YEAR))
        print(f"snapshot and SQL agree: {[+n for n in expected[0].values()] == [+n for n in copied[0].values()]}")
        line("summary, snapshot", timed(summary), naive, "at least 25 ×")
        line("vacancy, snapshot", timed(vacancy), subquery)
        with mock.patch.object(report_module, "remembered", remembered):
            line("summary asked again", timed(summary), naive, "at most 20 ms")
            pages()


def pages() -> None:
    """Both pages as someone sees them who asks first, and who asks again."""
    browser = Browser(SERVER_NAME="localhost")
    browser.force_login(reader(), backend="django.contrib.auth.backends.ModelBackend")
    for slug, query in (("org_summary", YEAR), ("vacancy", {"as_of": DAY})):
        for title, forget in (("first", True), ("again", False)):
            spent = []
            for _ in range(ROUNDS):
                if forget:
                    caches["reports"].clear()
                started = perf_counter()
                answer = browser.get(f"/admin/reports/{slug}/", {name: str(day) for name, day in query.items()})
                spent.append(perf_counter() - started)
                if answer.status_code != 200:
                    raise RuntimeError(f"{slug} answered {answer.status_code}")
            line(f"page {slug}, {title}", 1000 * median(spent), limit="at most 1 s")


def reader() -> Staff:
    """A leader."""
    with audit.acting(None, channel="command"):
        staff, _ = Staff.objects.get_or_create(email="leader@example.org", first_name="Bench", last_name="Leader")
        StaffRole.objects.get_or_create(staff=staff, role=Role.objects.get(name=LEADER))
    snapshot.write()  # the account is in the audit log, too
    return staff


def make(clients: int) -> None:
    """Only the agency."""
    with database(clients, keep=True):
        pass


if __name__ == "__main__":
    given = [argument for argument in sys.argv[1:] if not argument.startswith("--")]
    size = int(given[0]) if given else 1_000_000
    if "--make" in sys.argv:
        make(size)
    else:
        main(size, "--keep" in sys.argv)
