"""How well and how fast rows find their clients, against the plain exact rule and a trigram look-up per row.

    python benchmarks/linking.py [CLIENTS ...]        # default 10000 100000; --rows 50000 for another file

Works in a database of its own on the server of the settings, made and dropped here. People and file come from
benchmarks/_city.py, which knows whom each row means. Ratios are of one run.
"""

import argparse
import csv
import io
import os
import resource
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "ccd.settings")
os.environ["CCD_TEST_DATABASE"] = "bench_linking"

import django  # noqa: E402

django.setup()

from _city import City, Row  # noqa: E402
from django.conf import settings  # noqa: E402
from django.db import connection  # noqa: E402
from psycopg.types.json import Jsonb  # noqa: E402

from core.ingest import pipeline  # noqa: E402
from core.management.owner import as_owner  # noqa: E402

COLUMNS = ("first_name", "last_name", "dob", "gender", "phone_number", "email", "address")
HEADERS = (
    "uid_external", "first_name", "last_name", "dob", "gender", "phone_number", "email", "street", "city", "postal_code"
)  # fmt: skip
# As the spec has it: folded name and date of birth, exactly one client.
EXACT = """
    SELECT s.row_number, min(c.client_id::text) FROM probe s
    JOIN clients c ON (c.first_folded, c.last_folded, c.dob) = (ccd_fold(s.first), ccd_fold(s.last), s.dob)
    GROUP BY s.row_number HAVING count(*) = 1
"""
TRIGRAM = """
    SELECT client_id FROM clients WHERE search_text %% ccd_plain(%s)
    ORDER BY similarity(search_text, ccd_plain(%s)) DESC LIMIT 5
"""


@contextmanager
def database(city: City) -> Iterator[list[str]]:
    """A database of the city's clients; gives their keys in the order of its people. Loaded without audit."""
    with as_owner():
        connection.creation.create_test_db(verbosity=0, autoclobber=True)
    try:
        with as_owner(), connection.cursor() as cursor:
            cursor.execute("ALTER TABLE clients DISABLE TRIGGER USER")
            cursor.execute("CREATE TEMP TABLE loaded (place serial, LIKE clients INCLUDING DEFAULTS)")
            names = ", ".join(COLUMNS)
            with cursor.copy(f"COPY loaded ({names}) FROM STDIN") as copy:
                for p in city.people:
                    address = Jsonb({"street": p.street, "city": "Toronto", "postal_code": p.postal})
                    gender = "Woman" if p.woman else "Man"
                    copy.write_row((p.first, p.last, p.dob, gender, p.phone or None, p.email or None, address))
            cursor.execute(
                f"INSERT INTO clients (client_id, {names}) SELECT client_id, {names} FROM loaded ORDER BY place"
            )
            cursor.execute("ALTER TABLE clients ENABLE TRIGGER USER")
            started = perf_counter()
            cursor.execute(
                "INSERT INTO client_keys (key, client_id) SELECT DISTINCT k, client_id FROM clients CROSS JOIN LATERAL "
                "unnest(ccd_match_keys(first_folded, last_folded, dob, phone_digits, email, postal_key, "
                "ccd_street(address))) AS k WHERE k IS NOT NULL"
            )
            print(f"  keys of {len(city.people):,} clients: {perf_counter() - started:.1f} s")
            cursor.execute("SELECT client_id::text FROM loaded ORDER BY place")
            keys = [key for (key,) in cursor.fetchall()]
            cursor.execute("VACUUM ANALYZE clients")
            cursor.execute("VACUUM ANALYZE client_keys")
        yield keys
    finally:
        with as_owner():
            connection.creation.destroy_test_db(str(settings.DATABASES["default"]["NAME"]), verbosity=0)


def content(rows: list[Row]) -> bytes:
    """The file of the rows."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(HEADERS)
    for row in rows:
        p = row.person
        gender = "Woman" if p.woman else "Man"
        city = "Toronto" if p.street else ""
        writer.writerow((row.uid, p.first, p.last, row.dob or "", gender, p.phone, p.email, p.street, city, p.postal))
    return buffer.getvalue().encode()


def judge(rows: list[Row], keys: list[str], linked: dict[int, str], held: dict[int, list[str]]) -> dict[str, object]:
    """Counts of what became of the rows, and of which kind the wrong links are."""
    known = sum(row.meant >= 0 for row in rows)
    right = wrong = found = 0
    kinds: Counter[str] = Counter()
    for number, row in enumerate(rows, start=1):
        meant = keys[row.meant] if row.meant >= 0 else None
        if number in linked:
            if linked[number] == meant:
                right += 1
            else:
                wrong += 1
                kinds[row.how or "as we have it"] += 1
        found += number in held and meant in held[number]
    return {
        "links": right + wrong, "wrong": wrong, "recall": right / known, "held": len(held) / len(rows),
        "held right": found / known, "kinds": kinds, "new": len(rows) - known,
    }  # fmt: skip


def exact(rows: list[Row]) -> dict[int, str]:
    """Links of the plain exact rule."""
    with connection.cursor() as cursor:
        cursor.execute("CREATE TEMP TABLE probe (row_number int, first text, last text, dob date)")
        with cursor.copy("COPY probe FROM STDIN") as copy:
            for number, row in enumerate(rows, start=1):
                copy.write_row((number, row.person.first, row.person.last, row.dob))
        cursor.execute("ANALYZE probe")
        cursor.execute(EXACT)
        found = dict(cursor.fetchall())
        cursor.execute("DROP TABLE probe")
    return found


def ours(rows: list[Row], *, dry_run: bool = True) -> tuple[dict[int, str], dict[int, list[str]], pipeline.Report]:
    """The whole road, rolled back: links and held rows by number, and the report."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "outcomes.csv"
        options = pipeline.Options(dry_run=dry_run, outcomes=path, rejects=Path(folder) / "rejects.csv")
        report = pipeline.take(content(rows), file_name="bench.csv", source="EMHWare", actor=None, options=options)
        linked, held = {}, {}
        with path.open(encoding="utf-8-sig", newline="") as file:
            for row in csv.DictReader(file):
                if row["outcome"] in ("updated", "unchanged"):
                    linked[int(row["row_number"])] = row["client_id"]
                elif row["outcome"] == "held":
                    held[int(row["row_number"])] = row["candidate_ids"].split(";")
    return linked, held, report


def trigram(rows: list[Row], number: int = 20) -> float:
    """Seconds per row of a trigram look-up, of the first few."""
    with connection.cursor() as cursor:
        started = perf_counter()
        for row in rows[:number]:
            name = f"{row.person.first} {row.person.last}"
            cursor.execute(TRIGRAM, [name, name])
            cursor.fetchall()
        return (perf_counter() - started) / number


def main(clients: int, number: int) -> None:
    """One line per rule for a file of `number` rows, then how long 10,000 rows take."""
    print(f"{clients:,} clients, a file of {number:,} rows")
    city = City(clients)
    people = list(city.people)
    rows = list(city.rows(number))
    city.people = people
    with database(city) as keys:
        plain = judge(rows, keys, exact(rows), {})
        started = perf_counter()
        linked, held, _ = ours(rows)
        seconds = perf_counter() - started
        bits = judge(rows, keys, linked, held)
        for title, found in (("exact rule", plain), ("bits", bits)):
            share = found["wrong"] / max(found["links"], 1)
            print(
                f"  {title:<12}{found['links']:>8,} links{found['wrong']:>6,} wrong ({share:.5f}) "
                f"recall {found['recall']:.3f}  held {found['held']:.3f} "
                f"(with the right client: {found['held right']:.3f} of the known)"
            )
            print(f"      wrong: {dict(found['kinds'].most_common(8))}")
        ratio = (bits["wrong"] / max(bits["links"], 1)) / max(plain["wrong"] / max(plain["links"], 1), 1e-9)
        recall = bits["recall"] / plain["recall"]
        print(f"  wrong links per link, ours to the exact rule's: {ratio:.2f}; recall {recall:.2f} x")
        few = rows[:10_000]
        started = perf_counter()
        ours(few)
        short = perf_counter() - started
        row = trigram(few)
        print(
            f"  {number:,} rows {seconds:.1f} s, 10,000 rows {short:.1f} s end to end; a trigram look-up per row "
            f"would take {row * 10_000:,.0f} s: {row * 10_000 / short:,.0f} x; peak memory "
            f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB"
        )


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("clients", nargs="*", type=int)
    parser.add_argument("--rows", type=int, default=50_000)
    given = parser.parse_args()
    for size in given.clients or (10_000, 100_000):
        main(size, min(given.rows, size))
