"""How fast a daily file goes in, as ratios in one run against stock django-import-export loading the same clients
without linking, audit, versions, intakes or enrollments; and against COPY and an upsert of the same clients.

    python benchmarks/ingest.py [ROWS] [STOCK_ROWS]     all of it, and where the time goes
    python benchmarks/ingest.py memory ROWS             peak memory of a process that takes ROWS full rows in
    python benchmarks/ingest.py xlsx ROWS               reading a workbook, against openpyxl

Stock is measured on STOCK_ROWS (2,000): its time is linear, row by row. Works in a database of its own on the server of
the settings, made and dropped here.
"""

import csv
import io
import os
import random
import resource
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from time import perf_counter

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "ccd.settings")
os.environ["CCD_TEST_DATABASE"] = "bench_ccd"

import django  # noqa: E402

django.setup()

import openpyxl  # noqa: E402
import tablib  # noqa: E402
from django.conf import settings  # noqa: E402
from django.db import connection, models  # noqa: E402
from import_export.resources import ModelResource  # noqa: E402

from core import audit  # noqa: E402
from core.ingest import jobs, loading, pipeline, sources, versions  # noqa: E402
from core.ingest.reader import open_table  # noqa: E402
from core.ingest.resource import COLUMNS  # noqa: E402
from core.management.owner import as_owner  # noqa: E402
from core.models import Department, Program  # noqa: E402

SEED = 20261123
PROGRAMS = 20
SYLLABLES = tuple(consonant + vowel for consonant in "bdfghklmnrstvz" for vowel in "aeio")
PHONE = COLUMNS.index("phone_number")
STAY = COLUMNS.index("department")  # from here on a row says where the client stays
STOCK = ("uid_external", "first_name", "last_name", "preferred_name", "alias", "dob", "gender", "sexual_orientation",
         "race", "immigration_status", "phone_number", "email")  # fmt: skip


class StockClient(models.Model):
    """A table like clients, with its indexes and generated columns and without its triggers."""

    client_id = models.UUIDField(primary_key=True, db_default=models.Func(function="gen_random_uuid"))
    first_name = models.CharField(max_length=150)
    last_name = models.CharField(max_length=150)
    preferred_name = models.CharField(max_length=150, blank=True)
    alias = models.CharField(max_length=150, blank=True)
    dob = models.DateField(null=True)
    gender = models.CharField(max_length=100, blank=True)
    sexual_orientation = models.CharField(max_length=100, blank=True)
    race = models.CharField(max_length=100, blank=True)
    immigration_status = models.CharField(max_length=100, blank=True)
    phone_number = models.CharField(max_length=60, blank=True)
    email = models.CharField(max_length=254, blank=True)
    uid_external = models.CharField(max_length=100, unique=True)

    class Meta:
        app_label = "core"  # an app that is installed; the table is made by hand
        db_table = "stock_clients"

    def __str__(self) -> str:
        return self.uid_external


class StockResource(ModelResource):
    """As its documentation shows it: the model, the key, the fields; everything else as it comes."""

    class Meta:
        model = StockClient
        import_id_fields = ("uid_external",)
        fields = STOCK


def rows(number: int) -> Iterator[list[str]]:
    """`number` rows of 25 columns about different people, the same each time."""
    rng = random.Random(SEED)
    for index in range(number):
        first, last = ("".join(rng.choices(SYLLABLES, k=4)).title() for _ in range(2))
        born = date(1940, 1, 1) + timedelta(days=rng.randrange(25_000))
        start = date(2026, 1, 1) + timedelta(days=rng.randrange(200))
        left = start + timedelta(days=rng.randrange(1, 60))
        yield [
            f"S-{index}", first, last, "", "", str(born), rng.choice("MF"), "Straight", "English;Somali", "Black", "PR",
            f"416-555-{index % 10_000:04}", f"p{index}@example.org", f"{index} King St", "", "Toronto", "ON", "M5V 2T6",
            "", f"Program {index % PROGRAMS}", str(start), str(start), "", str(left), "Housed",
        ]  # fmt: skip


def content(number: int, *, full: bool = True, changed: int = 0) -> bytes:
    """A file; in every `changed`-th row another phone number; not `full`, nothing about a stay."""
    with tempfile.TemporaryFile("w+", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for index, row in enumerate(rows(number)):
            if changed and index % changed == 0:
                row[PHONE] = f"647-555-{index % 10_000:04}"
            writer.writerow(row if full else [*row[:STAY], *[""] * (len(row) - STAY)])
        file.seek(0)
        return file.read().encode()


@contextmanager
def database() -> Iterator[None]:
    """A fresh database with its programs."""
    with as_owner():
        connection.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False)
    try:
        with audit.acting(None, channel="command"):
            department = Department.objects.create(name="Bench")
            Program.objects.bulk_create(Program(name=f"Program {n}", department=department) for n in range(PROGRAMS))
        yield
    finally:
        with as_owner():
            connection.creation.destroy_test_db(str(settings.DATABASES["default"]["NAME"]), verbosity=0)


def upsert(number: int) -> float:
    """Seconds for COPY of the clients' columns and INSERT … ON CONFLICT into a table with the indexes of clients."""
    columns = ", ".join(STOCK)
    picked = [[row[COLUMNS.index(name)] or None for name in STOCK] for row in rows(number)]
    with as_owner(), connection.cursor() as cursor:
        cursor.execute("CREATE TABLE plain_clients (LIKE clients INCLUDING ALL)")
        started = perf_counter()
        cursor.execute("CREATE TEMP TABLE loaded AS SELECT * FROM clients LIMIT 0")
        with cursor.copy(f"COPY loaded ({columns}) FROM STDIN") as copy:
            for row in picked:
                copy.write_row(row)
        cursor.execute(
            f"INSERT INTO plain_clients ({columns}) SELECT {columns} FROM loaded "
            "ON CONFLICT (uid_external) DO UPDATE SET " + ", ".join(f"{name} = EXCLUDED.{name}" for name in STOCK)
        )
        seconds = perf_counter() - started
        cursor.execute("DROP TABLE plain_clients, loaded")
        return seconds


def stock(number: int, case: str) -> float:
    """Seconds per row for django-import-export to import clients: new ones, or of whom nothing or a tenth changed."""
    with as_owner(), connection.cursor() as cursor:
        cursor.execute("TRUNCATE stock_clients")
    if case != "all new":
        _stock(number)
    return _stock(number, changed=10 if case == "10 % changed" else 0) / number


def _stock(number: int, *, changed: int = 0) -> float:
    """Seconds for django-import-export to read and import the clients of a file, with its defaults."""
    text = io.StringIO(newline="")
    reader = csv.DictReader(io.StringIO(content(number, full=False, changed=changed).decode()))
    writer = csv.DictWriter(text, STOCK, extrasaction="ignore")
    writer.writeheader()
    writer.writerows(reader)
    started = perf_counter()
    result = StockResource().import_data(tablib.Dataset().load(text.getvalue(), format="csv"), raise_errors=True)
    seconds = perf_counter() - started
    if result.total_rows != number or result.has_errors():
        raise SystemExit("stock did not take the file in")
    return seconds


@contextmanager
def stages() -> Iterator[dict[str, float]]:
    """Seconds per stage of the files taken in meanwhile."""
    spent: dict[str, float] = {}
    named = {
        "read, check, COPY to staging": (loading, "load"),
        "link: identifiers, names, scores": (pipeline, "link_rows"),
        "hold what overlaps": (pipeline, "hold_overlaps"),
        "clients, identifiers, their audit": (pipeline, "apply_clients"),
        "intakes, enrollments, discharges, their audit": (pipeline, "apply_stays"),
        "outcomes, rows kept": (pipeline, "_settle"),
        "versions": (versions, "snapshot"),
    }
    kept = {title: getattr(*where) for title, where in named.items()}
    for title, (module, name) in named.items():
        setattr(module, name, _timed(kept[title], title, spent))
    try:
        yield spent
    finally:
        for title, (module, name) in named.items():
            setattr(module, name, kept[title])


def _timed(work: Callable, title: str, spent: dict[str, float]) -> Callable:
    def timed(*args: object, **kwargs: object) -> object:
        started = perf_counter()
        try:
            return work(*args, **kwargs)
        finally:
            spent[title] = spent.get(title, 0.0) + perf_counter() - started

    return timed


def ingest(name: str, data: bytes) -> float:
    """Seconds for one file by the whole road."""
    started = perf_counter()
    report = pipeline.take(
        data, file_name=name, source="SMIS", actor=None, options=pipeline.Options(repeat=True, releases=True)
    )
    seconds = perf_counter() - started
    print(f"    {name}: {report.outcomes}", file=sys.stderr)
    return seconds


def ratios(number: int, stock_number: int) -> None:
    """Print seconds, rows per second and the ratios of every case. What each is compared with is measured before and
    after it, and the mean taken: a machine that others share is faster at one minute than at the next.
    """
    tables: dict[str, dict[str, float]] = {}
    for kind, full in (("clients", False), ("full rows", True)):
        with database():
            with as_owner(), connection.cursor() as cursor:
                cursor.execute("CREATE TABLE stock_clients (LIKE clients INCLUDING ALL)")
                cursor.execute("GRANT ALL ON stock_clients TO ccd_app")
            for case, changed in (("all new", 0), ("unchanged", 0), ("10 % changed", 10)):
                _case(f"{kind} {case}", case, stock_number, number, content(number, full=full, changed=changed), tables)
    _where(tables, number)


def _case(
    title: str, case: str, stock_number: int, number: int, data: bytes, tables: dict[str, dict[str, float]]
) -> None:
    def compared_with() -> tuple[float, float]:
        return stock(stock_number, case), upsert(number) / number

    before = compared_with()
    with stages() as spent:
        seconds = ingest(f"{title}.csv", data)
    _let_work()
    slow, plain = (sum(both) / 2 for both in zip(before, compared_with(), strict=True))
    tables[title] = {**spent, "all": seconds}
    print(
        f"{title:<26}{seconds:>8.2f} s{number / seconds:>9,.0f} rows/s{slow * number / seconds:>8.1f} × stock"
        f" ({1 / slow:,.0f} rows/s){seconds / number / plain:>7.1f} × the time of COPY and upsert"
        f" ({1 / plain:,.0f} rows/s)",
        flush=True,
    )


def _let_work() -> None:
    """What a file leaves to the worker is done before the next one comes, as it is overnight."""
    started = perf_counter()
    jobs.run_worker(wait=False)
    print(f"{'    the worker afterwards':<39}{perf_counter() - started:>8.2f} s", flush=True)


def _where(tables: dict[str, dict[str, float]], number: int) -> None:
    print(f"\nmicroseconds per row{'':<28}" + "".join(f"{title:>24}" for title in tables))
    for stage in dict.fromkeys(stage for spent in tables.values() for stage in spent):
        print(f"{stage:<48}" + "".join(f"{spent.get(stage, 0) / number * 1e6:>24,.0f}" for spent in tables.values()))


def memory(number: int) -> None:
    """Peak memory of this process, before and after a file of full rows."""
    with tempfile.NamedTemporaryFile("w+", newline="") as file, database():
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        writer.writerows(rows(number))
        file.flush()
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        with stages() as spent:
            seconds = ingest("long.csv", Path(file.name).read_bytes())
        _where({f"{number:,} full rows": {**spent, "all": seconds}}, number)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{number:,} full rows in {seconds:.1f} s; peak memory {peak:.0f} MB, {before:.0f} MB before the file")


def xlsx(number: int) -> None:
    """Seconds to read every cell of a workbook, by our reader and by openpyxl's read-only one."""
    book, buffer = openpyxl.Workbook(write_only=True), io.BytesIO()
    sheet = book.create_sheet()
    sheet.append(list(COLUMNS))
    for row in rows(number):
        sheet.append(row)
    book.save(buffer)
    data = buffer.getvalue()
    started = perf_counter()
    ours = sum(1 for _ in open_table(data, "book.xlsx", sources.profile("SMIS")).rows())
    middle = perf_counter()
    theirs = sum(1 for _ in openpyxl.load_workbook(io.BytesIO(data), read_only=True).active.iter_rows(values_only=True))
    ended = perf_counter()
    if ours + 1 != theirs:
        raise SystemExit(f"{ours} rows read by us, {theirs - 1} by openpyxl")
    print(
        f"{number:,} rows of XLSX: ours {middle - started:.2f} s, openpyxl {ended - middle:.2f} s,"
        f" {(ended - middle) / (middle - started):.1f} ×"
    )


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["memory", number]:
            memory(int(number))
        case ["xlsx", number]:
            xlsx(int(number))
        case [*numbers]:
            ratios(*map(int, [*numbers, *("10000", "2000")[len(numbers) :]]))
            xlsx(int((numbers or ["10000"])[0]))
