"""A large agency for benchmarks, the same each time: written as text and copied in by COPY.

Stays are spread over eight years, long ones among many short; a client is in about three programs, seldom twice in the
same; one in fifty records is linked to another. Programs have up to three dated capacities.
"""

import hashlib
import io
import random
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import date, timedelta

from django.db import connection
from django.db.backends.utils import CursorWrapper

from core import audit
from core.choices import GENDERS, IMMIGRATION_STATUSES, LANGUAGES, RACES, SEXUAL_ORIENTATIONS
from core.management.owner import as_owner
from core.models import Department, Program, ProgramCapacity

SEED = 20261125
PROGRAMS, DEPARTMENTS = 240, 24
FIRST, LAST = date(2018, 11, 26), date(2026, 11, 25)
DAYS = (LAST - FIRST).days
SYLLABLES = tuple(consonant + vowel for consonant in "bdfghklmnrstvz" for vowel in "aeio")
TABLES = ("clients", "client_program_enrollments")
_CHUNK = 20_000


def fill(clients: int) -> None:
    """`clients` clients with three times as many enrollments. No one acts and nothing is logged."""
    programs = _programs()
    with as_owner(), connection.cursor() as cursor, bare(cursor, *TABLES):
        _copy(
            "clients (client_id, first_name, last_name, dob, gender, sexual_orientation, race, immigration_status, "
            "languages_spoken, phone_number, email, linked_to)",
            _clients(clients),
        )
        _copy("client_program_enrollments (client_id, program_id, start_date, end_date)", _stays(clients, programs))


@contextmanager
def bare(cursor: CursorWrapper, *tables: str) -> Iterator[None]:
    """Within it `tables` have no triggers, no foreign keys to check, no index but their key. All come back at the
    end, which is much faster than keeping them up to date row by row.
    """
    cursor.execute(
        "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint "
        "WHERE conrelid = ANY(%s::regclass[]) AND contype IN ('x', 'u')",
        [list(tables)],
    )
    constraints = cursor.fetchall()
    for table, name, _ in constraints:
        cursor.execute(f'ALTER TABLE {table} DROP CONSTRAINT "{name}"')
    cursor.execute(
        "SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid) FROM pg_index "
        "WHERE indrelid = ANY(%s::regclass[]) AND NOT indisprimary",
        [list(tables)],
    )
    indexes = cursor.fetchall()
    for name, _ in indexes:
        cursor.execute(f"DROP INDEX {name}")
    for table in tables:
        cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER ALL")
    yield
    cursor.execute("SET maintenance_work_mem = '512MB'")
    for table in tables:
        cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER ALL")
    for _, definition in indexes:
        cursor.execute(definition)
    for table, name, definition in constraints:
        cursor.execute(f'ALTER TABLE {table} ADD CONSTRAINT "{name}" {definition}')
    cursor.execute("VACUUM (FREEZE, ANALYZE)")


def _programs() -> list[str]:
    """Keys of new programs, each with its capacities."""
    rng = random.Random(SEED)
    with audit.acting(None, channel="command"):
        departments = [Department.objects.create(name=f"Department {n:02}") for n in range(DEPARTMENTS)]
        programs = Program.objects.bulk_create(
            Program(name=f"Program {n:03}", department=departments[n % DEPARTMENTS]) for n in range(PROGRAMS)
        )
        ProgramCapacity.objects.bulk_create(
            ProgramCapacity(program=program, capacity=rng.randrange(20, 2000), effective_date=date(2019 + 3 * n, 1, 1))
            for program in programs
            for n in range(rng.randrange(3))
        )
    return [str(program.pk) for program in programs]


def _copy(target: str, lines: Iterable[str]) -> None:
    with connection.cursor() as cursor, cursor.copy(f"COPY {target} FROM STDIN") as copy:
        waiting = io.StringIO()
        for number, line in enumerate(lines, start=1):
            waiting.write(line)
            if number % _CHUNK == 0:
                copy.write(waiting.getvalue())
                waiting = io.StringIO()
        copy.write(waiting.getvalue())


def client_key(number: int) -> str:
    """A UUID that looks like any other."""
    return hashlib.md5(f"client {number}".encode(), usedforsecurity=False).hexdigest()


def _clients(number: int) -> Iterator[str]:
    rng = random.Random(SEED + 1)
    gender, orientation = _weighted(GENDERS, 0.06), _weighted(SEXUAL_ORIENTATIONS, 0.3)
    race, status, language = _weighted(RACES, 0.15), _weighted(IMMIGRATION_STATUSES, 0.2), _weighted(LANGUAGES, 0)
    born = date(1936, 1, 1)
    for n in range(number):
        first, last = ("".join(rng.choices(SYLLABLES, k=3)).title() for _ in range(2))
        dob = "\\N" if rng.random() < 0.02 else (born + timedelta(days=rng.randrange(30_000))).isoformat()
        spoken = {_pick(rng, language) for _ in range(rng.choice((0, 1, 1, 1, 2, 2, 3)))}
        languages = "{" + ",".join(f'"{word}"' for word in sorted(spoken)) + "}" if spoken else "\\N"
        linked = client_key(n - 1 - rng.randrange(9)) if n % 50 == 49 else "\\N"
        yield "\t".join((
            client_key(n), first, last, dob, _pick(rng, gender), _pick(rng, orientation), _pick(rng, race),
            _pick(rng, status), languages, f"416-555-{n % 10_000:04}", f"{first}.{n}@example.org", linked,
        )) + "\n"  # fmt: skip


def _stays(clients: int, programs: list[str]) -> Iterator[str]:
    """Per client one to five programs; in one of ten of them a second stay after the first."""
    rng = random.Random(SEED + 2)
    days = [(FIRST + timedelta(days=n)).isoformat() for n in range(DAYS + 1)]
    for n in range(clients):
        key = client_key(n)
        for place in rng.sample(range(PROGRAMS), rng.choice((1, 2, 2, 3, 3, 3, 4, 4))):
            start = rng.randrange(DAYS + 1)
            for _ in range(2 if rng.random() < 0.1 else 1):
                end = start + (rng.randrange(3) if rng.random() < 0.2 else int(rng.expovariate(1 / 120)))
                last = days[end] if end <= DAYS else "\\N"
                yield f"{key}\t{programs[place]}\t{days[start]}\t{last}\n"
                start = end + rng.randrange(1, 200)
                if start > DAYS:
                    break


def _weighted(words: tuple[str, ...], missing: float) -> tuple[list[str], list[float]]:
    """The first words are the common ones; `missing` of all are NULL."""
    weights = [1 / (place + 1) ** 1.2 for place in range(len(words))]
    total = sum(weights)
    spread, reached = [], 0.0
    for weight in weights:
        reached += (1 - missing) * weight / total
        spread.append(reached)
    return [*words, "\\N"], [*spread, 1.0]


def _pick(rng: random.Random, choice: tuple[list[str], list[float]]) -> str:
    words, spread = choice
    return rng.choices(words, cum_weights=spread)[0]
