"""How fast a daily file goes in, as ratios in one run: against COPY and an upsert of the same clients, without linking,
audit, versions, intakes or enrollments.

    python benchmarks/ingest.py [ROWS]

Works in a database of its own on the server of the settings, made and dropped here.
"""

import csv
import os
import random
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from time import perf_counter

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "ccd.settings")
os.environ["CCD_TEST_DATABASE"] = "bench_ccd"

import django  # noqa: E402

django.setup()

from django.conf import settings  # noqa: E402
from django.db import connection  # noqa: E402

from core import audit  # noqa: E402
from core.ingest import pipeline  # noqa: E402
from core.ingest.resource import COLUMNS  # noqa: E402
from core.management.owner import as_owner  # noqa: E402
from core.models import Department, Program  # noqa: E402

SEED = 20261123
PROGRAMS = 20
SYLLABLES = tuple(consonant + vowel for consonant in "bdfghklmnrstvz" for vowel in "aeio")


def rows(number: int) -> Iterator[list[str]]:
    """`number` rows of 25 columns about different people, the same each time."""
    rng = random.Random(SEED)
    for index in range(number):
        first, last = ("".join(rng.choices(SYLLABLES, k=4)).title() for _ in range(2))
        born = date(1940, 1, 1) + timedelta(days=rng.randrange(25_000))
        start = date(2026, 1, 1) + timedelta(days=rng.randrange(300))
        yield [
            f"S-{index}", first, last, "", "", str(born), rng.choice("MF"), "Straight", "English;Somali", "Black", "PR",
            f"416-555-{index % 10_000:04}", f"p{index}@example.org", f"{index} King St", "", "Toronto", "ON", "M5V 2T6",
            "", f"Program {index % PROGRAMS}", str(start), str(start), "", "", "",
        ]  # fmt: skip


def content(number: int, *, changed: int = 0) -> bytes:
    """A file; in every `changed`-th row another phone number."""
    with tempfile.TemporaryFile("w+", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for index, row in enumerate(rows(number)):
            if changed and index % changed == 0:
                row[11] = f"647-555-{index % 10_000:04}"
            writer.writerow(row)
        file.seek(0)
        return file.read().encode()


@contextmanager
def database() -> Iterator[None]:
    """A fresh database with its programs."""
    with as_owner():
        connection.creation.create_test_db(verbosity=0, autoclobber=True)
    try:
        with audit.acting(None, channel="command"):
            department = Department.objects.create(name="Bench")
            Program.objects.bulk_create(Program(name=f"Program {n}", department=department) for n in range(PROGRAMS))
        yield
    finally:
        with as_owner():
            connection.creation.destroy_test_db(str(settings.DATABASES["default"]["NAME"]), verbosity=0)


def upsert(number: int) -> float:
    """Seconds for COPY to a table like clients and INSERT … ON CONFLICT, nothing else."""
    columns = "uid_external, first_name, last_name, dob, gender, phone_number, email"
    picked = [(row[0], row[1], row[2], row[5], row[6], row[11], row[12]) for row in rows(number)]
    with connection.cursor() as cursor:
        cursor.execute("CREATE TEMP TABLE plain AS SELECT * FROM clients LIMIT 0")
        cursor.execute("CREATE UNIQUE INDEX ON plain (uid_external)")
        started = perf_counter()
        cursor.execute("CREATE TEMP TABLE loaded AS SELECT * FROM clients LIMIT 0")
        with cursor.copy(f"COPY loaded ({columns}) FROM STDIN") as copy:
            for row in picked:
                copy.write_row(row)
        cursor.execute(
            f"INSERT INTO plain ({columns}) SELECT {columns} FROM loaded ON CONFLICT (uid_external) DO NOTHING"
        )
        return perf_counter() - started


def ingest(name: str, data: bytes) -> float:
    """Seconds for one file by the whole road."""
    started = perf_counter()
    pipeline.take(data, file_name=name, source="SMIS", actor=None, options=pipeline.Options(repeat=True))
    return perf_counter() - started


def main(number: int) -> None:
    """Print seconds, rows per second and the ratio to the plain upsert."""
    first, second = content(number), content(number, changed=10)
    with database():
        plain = upsert(number)
        print(f"{'COPY and upsert of the clients':<38}{plain:>8.2f} s{number / plain:>12,.0f} rows/s{1:>10.1f} ×")
        for title, data in (
            ("all new: client, intake, enrollment", first),
            ("unchanged", first),
            ("10 % changed", second),
        ):
            seconds = ingest(f"{title[:3]}.csv", data)
            print(f"{title:<38}{seconds:>8.2f} s{number / seconds:>12,.0f} rows/s{seconds / plain:>10.1f} ×")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000)
