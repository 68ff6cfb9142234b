"""How well and how fast rows find their clients, against the plain exact rule, a trigram look-up per row and Splink.

    python benchmarks/linking.py [CLIENTS ...]        # default 10000 100000
        --rows 50000    rows of the file that is judged
        --keep          the city stays, and the next run takes it as it is
        --make          only make and keep it

Each city has a database of its own on the server of the settings. Who is in it, and whom each row of the file means, is
said by benchmarks/_city.py. Splink is asked where requirements-bench.txt is installed. Ratios are of one run.
"""

import argparse
import csv
import json
import os
import resource
import subprocess
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from time import perf_counter
from uuid import UUID

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "ccd.settings")

import django  # noqa: E402

django.setup()

from django.db import connection  # noqa: E402

from benchmarks._city_data import CityData, connect, settle  # noqa: E402
from core.ingest import pipeline  # noqa: E402

# So many rows are timed, end to end.
TIMED = 10_000
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


@dataclass
class Found:
    """What became of the rows of a file: the client each was linked to, or those it was held over."""

    linked: dict[int, str]
    held: dict[int, list[str]] = field(default_factory=dict)
    seconds: float = 0.0
    linking: float = 0.0  # seconds of it


def judge(meant: list[tuple[str, str]], found: Found) -> dict[str, object]:
    """Counts of what became of the rows, and of which kind the wrong links are."""
    right = wrong = held_right = 0
    kinds: Counter[str] = Counter()
    for number, (key, how) in enumerate(meant, start=1):
        client = str(UUID(key)) if key else None
        if number in found.linked:
            if found.linked[number] == client:
                right += 1
            else:
                wrong += 1
                kinds[how] += 1
        held_right += number in found.held and client in found.held[number]
    known = sum(bool(key) for key, _ in meant)
    return {
        "links": right + wrong, "wrong": wrong, "share": wrong / max(right + wrong, 1), "recall": right / known,
        "held": len(found.held) / len(meant), "held right": held_right / known, "kinds": kinds,
    }  # fmt: skip


def exact(data: CityData, number: int) -> Found:
    """Links of the plain exact rule."""
    with connection.cursor() as cursor:
        cursor.execute("CREATE TEMP TABLE probe (row_number int, first text, last text, dob date)")
        with cursor.copy("COPY probe FROM STDIN") as copy:
            for place, row in enumerate(data.rows(number), start=1):
                copy.write_row((place, row["first_name"], row["last_name"], row["dob"] or None))
        cursor.execute("ANALYZE probe")
        cursor.execute(EXACT)
        linked = dict(cursor.fetchall())
        cursor.execute("DROP TABLE probe")
    return Found(linked)


def ours(data: CityData, number: int) -> Found:
    """The whole road, rolled back."""
    begun: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "outcomes.csv"
        options = pipeline.Options(
            dry_run=True, releases=True, outcomes=path, rejects=Path(folder) / "rejects.csv",
            progress=lambda stage, _: begun.setdefault(stage, perf_counter()),
        )  # fmt: skip
        content, started = data.content(number), perf_counter()
        pipeline.take(content, file_name="bench.csv", source="EMHWare", actor=None, options=options)
        found = Found({}, seconds=perf_counter() - started, linking=begun["apply"] - begun["link"])
        with path.open(encoding="utf-8-sig", newline="") as file:
            for row in csv.DictReader(file):
                if row["outcome"] in ("updated", "unchanged"):
                    found.linked[int(row["row_number"])] = row["client_id"]
                elif row["outcome"] == "held":
                    found.held[int(row["row_number"])] = row["candidate_ids"].split(";")
    return found


def trigram(data: CityData, number: int = 50) -> float:
    """Seconds per row of a trigram look-up, of the first few."""
    with connection.cursor() as cursor:
        started = perf_counter()
        for row in data.rows(number):
            name = f"{row['first_name']} {row['last_name']}"
            cursor.execute(TRIGRAM, [name, name])
            cursor.fetchall()
        return (perf_counter() - started) / number


def splink(data: CityData, number: int) -> dict[str, float] | None:
    """What Splink's predict step took and found, in a process of its own; None where it is not installed."""
    if find_spec("splink") is None:
        return None
    command = [sys.executable, "-m", "benchmarks._splink_city", str(data.clients), str(number)]
    return json.loads(subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout)


def quality(data: CityData, number: int) -> None:
    """One line per rule, and what ours is to the exact one."""
    meant = data.meant(number)
    plain, full = judge(meant, exact(data, number)), ours(data, number)
    bits = judge(meant, full)
    for title, told in (("exact rule", plain), ("bits", bits)):
        print(
            f"  {title:<12}{told['links']:>8,} links{told['wrong']:>6,} wrong ({told['share']:.5f}) "
            f"recall {told['recall']:.3f}  held {told['held']:.3f} "
            f"(with the right client: {told['held right']:.3f} of the known)"
        )
        print(f"      wrong: {dict(told['kinds'].most_common(8))}")
    ratio, recall = bits["share"] / max(plain["share"], 1e-9), bits["recall"] / plain["recall"]
    print(f"  wrong links per link, ours to the exact rule's: {ratio:.2f}; recall {recall:.2f} x")
    print(
        f"  {len(meant):,} rows {full.seconds:.1f} s end to end, linking {full.linking:.1f} s; peak memory {peak()} MB"
    )


def speed(data: CityData, number: int) -> None:
    """A short file end to end, against look-ups one by one and against Splink's predict step alone."""
    short, row, other = ours(data, number), trigram(data), splink(data, number)
    print(
        f"  {number:,} rows {short.seconds:.1f} s end to end, linking {short.linking:.1f} s; peak memory {peak()} MB; "
        f"a trigram look-up per row would take {row * number:,.0f} s: {row * number / short.seconds:,.0f} x"
    )
    if other is None:
        print("  Splink is not installed (requirements-bench.txt)")
        return
    there = other["seconds"]
    print(
        f"  Splink's predict step {there:.1f} s on the same rows, {there / short.seconds:.2f} x of ours end to end, "
        f"{there / short.linking:.2f} x of our linking; its likeliest client is right for "
        f"{other['best is right']:.3f} of the known"
    )


def peak() -> int:
    """Of this process, MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def main(clients: int, rows: int, *, keep: bool) -> None:
    """Make the city in a process of its own, whose memory is not ours; then judge and time."""
    data = CityData(clients)
    number = min(rows, clients)
    print(f"{clients:,} clients, a file of {number:,} rows", flush=True)
    if not data.exists():
        subprocess.run([sys.executable, __file__, str(clients), "--make"], check=True)
    connect(data)
    settle(data)
    speed(data, min(TIMED, number))
    settle(data)
    quality(data, number)
    if not keep:
        data.drop()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("clients", nargs="*", type=int)
    parser.add_argument("--rows", type=int, default=50_000)
    parser.add_argument("--keep", action="store_true")
    parser.add_argument("--make", action="store_true")
    given = parser.parse_args()
    for size in given.clients or (10_000, 100_000):
        if given.make:
            CityData(size).make()
        else:
            main(size, given.rows, keep=given.keep)
