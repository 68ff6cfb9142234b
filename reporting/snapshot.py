"""A columnar copy for large agencies: Parquet files below CCD_DATA_DIR/snapshots, read by DuckDB.

Written by `manage.py snapshot` and stamped with the mark taken before it was read. Used while the mark holds, else the
question goes to PostgreSQL; the tests hold both to equal numbers cell by cell. It carries no names and no keys of
clients, but dates of birth and demographics: its folder is for the program alone.
"""

import json
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterable
from datetime import date
from functools import cache, lru_cache
from pathlib import Path
from typing import Any
from uuid import UUID

import duckdb
from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, connections, transaction

from reporting import marks
from reporting.demographics import (
    AGE_GROUPS,
    AGES,
    DEMOGRAPHICS,
    NOT_RECORDED,
    OLDEST,
    languages,
    named,
    years_before,
)

KEPT = "current"
# Changes with the files' columns: a copy that an older version wrote is no copy.
FORMAT = 2
_COPIED = {
    "stay": """SELECT coalesce(linked_to, client_id) AS client, program_id AS program, start_date, end_date
        FROM client_program_enrollments JOIN clients USING (client_id)""",
    "client": """SELECT client_id AS client, gender, sexual_orientation, race, immigration_status,
        array_to_json(languages_spoken)::text AS language, dob FROM clients WHERE linked_to IS NULL""",
    "place": """SELECT program_id AS program, programs.name, departments.name AS department, department_id
        FROM programs JOIN departments USING (department_id)""",
}
_TEXTS = ("gender", "sexual_orientation", "race", "immigration_status", "language")
# Numbers in place of keys and texts: a hundred times less to hash.
_MAKE = """
CREATE TABLE person AS SELECT row_number() OVER () - 1 AS person, * FROM client;
CREATE TABLE spot AS SELECT row_number() OVER (ORDER BY program) - 1 AS spot, * FROM place;
COPY (
    SELECT spot::INTEGER AS spot, program::VARCHAR AS program, name, department,
           department_id::VARCHAR AS department_id, (dense_rank() OVER (ORDER BY department_id))::INTEGER AS area
    FROM spot
) TO '{folder}/places.parquet';
COPY (
    SELECT person::INTEGER AS person, spot::INTEGER AS spot, start_date,
           coalesce(end_date, DATE '9999-12-31') AS end_date
    FROM stay JOIN person USING (client) JOIN spot USING (program)
    ORDER BY end_date, start_date
) TO '{folder}/stays.parquet';
COPY (SELECT person::INTEGER AS person, {codes}, dob FROM person ORDER BY person) TO '{folder}/people.parquet';
"""
_WORDS = """
CREATE TABLE words_{name} AS
SELECT row_number() OVER (ORDER BY {name} NULLS FIRST) - 1 AS code, {name} AS word
FROM (SELECT DISTINCT {name} FROM client);
COPY words_{name} TO '{folder}/words_{name}.parquet';
"""
_CODE = "(SELECT code FROM words_{name} WHERE word IS NOT DISTINCT FROM person.{name})::INTEGER AS {name}"
_YOUNGER = " ".join(f"WHEN dob > ? THEN {place}" for place in range(len(AGE_GROUPS)))
_AGE = f"CASE WHEN dob IS NULL THEN -1 {_YOUNGER} ELSE {AGES.index(OLDEST)} END"
# Each question is one statement over the files. `served` has a row per person and place, `person` one per person.
_COUNTS = """
WITH served AS MATERIALIZED (
    SELECT DISTINCT person, spot FROM {stays} WHERE start_date <= ? AND end_date >= ? {chosen}
),
person AS MATERIALIZED (SELECT * FROM {people} WHERE person IN (SELECT person FROM served)),
areas AS (SELECT DISTINCT area, department FROM {places})
SELECT 'department' AS section, NULL AS place, department AS value, NULL AS code, number FROM (
    SELECT area, count(*) AS number FROM (SELECT DISTINCT person, area FROM served JOIN {places} USING (spot))
    GROUP BY area
) JOIN areas USING (area)
UNION ALL
SELECT 'program', department, name, NULL, count(*)
FROM served JOIN {places} USING (spot) GROUP BY spot, department, name
UNION ALL
SELECT 'total', NULL, NULL, NULL, count(*) FROM person
UNION ALL
SELECT 'age_group', NULL, NULL, {age}, count(*) FROM person GROUP BY 4
"""
_BY_TEXT = "UNION ALL SELECT '{name}', NULL, NULL, {name}, count(*) FROM person GROUP BY {name} "
_RETURNING = """
WITH once AS MATERIALIZED (
    SELECT DISTINCT person FROM {stays} WHERE start_date <= ? AND end_date >= ? {chosen}
)
SELECT (SELECT count(*) FROM once), count(*) FROM once
WHERE person IN (SELECT person FROM {stays} WHERE start_date < ? {chosen})
"""
_OCCUPIED = """
SELECT program, day, count(DISTINCT person)
FROM (SELECT * FROM {stays} WHERE start_date <= ? AND end_date >= ?) AS near
JOIN (SELECT unnest(?::DATE[]) AS day) AS days ON start_date <= day AND end_date >= day
JOIN {places} USING (spot)
GROUP BY spot, program, day
"""


def write() -> Path:
    """A new copy of the database as it is, put in the place of the last one; its folder. The last one stays until the
    next is written: someone may be reading it.
    """
    before = _current()
    shelf = settings.DATA_DIR / "snapshots"
    shelf.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="snapshot-", dir=shelf))
    try:
        mark = _fill(folder)
        (folder / "mark.json").write_text(json.dumps({**mark.as_json(), "format": FORMAT}))
        pointer = shelf / f"{folder.name}.pointer"
        pointer.write_text(folder.name)
        pointer.replace(shelf / KEPT)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    for old in shelf.glob("snapshot-*"):
        if old.is_dir() and old not in (folder, before):
            shutil.rmtree(old, ignore_errors=True)
    return folder


def _current() -> Path | None:
    """The folder of the last copy."""
    shelf = settings.DATA_DIR / "snapshots"
    try:
        return shelf / (shelf / KEPT).read_text()
    except (OSError, ValueError):
        return None


def _fill(folder: Path) -> marks.Mark:
    mark = marks.take(DEFAULT_DB_ALIAS)
    with duckdb.connect() as lake:
        _load(lake, folder)
        for name in _TEXTS:
            lake.execute(_WORDS.format(name=name, folder=folder))
        codes = ", ".join(_CODE.format(name=name) for name in _TEXTS)
        lake.execute(_MAKE.format(folder=folder, codes=codes))
    return mark


def _load(lake: duckdb.DuckDBPyConnection, folder: Path) -> None:
    """All tables as of one moment, by COPY through a file of the program's own."""
    connection = connections[DEFAULT_DB_ALIAS]
    with transaction.atomic(), connection.cursor() as cursor:
        if len(connection.savepoint_ids) == 0:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        for name, query in _COPIED.items():
            path = folder / f"{name}.csv"
            with path.open("wb") as file, cursor.copy(f"COPY ({query}) TO STDOUT (FORMAT csv, HEADER)") as copy:
                for piece in copy:
                    file.write(piece)
            lake.execute(
                f"CREATE TABLE {name} AS SELECT * FROM read_csv('{path}', header=true, delim=',', quote='\"', "
                f"escape='\"', nullstr='', allow_quoted_nulls=false, columns={_types(name)})"
            )
            path.unlink()


def _types(name: str) -> str:
    columns = {
        "stay": {"client": "UUID", "program": "UUID", "start_date": "DATE", "end_date": "DATE"},
        "client": {"client": "UUID", **dict.fromkeys(_TEXTS, "VARCHAR"), "dob": "DATE"},
        "place": {"program": "UUID", "name": "VARCHAR", "department": "VARCHAR", "department_id": "UUID"},
    }[name]
    return "{" + ", ".join(f"'{column}': '{kind}'" for column, kind in columns.items()) + "}"


def fresh() -> "Snapshot | None":
    """The last copy, where nothing has changed since."""
    try:
        if (folder := _current()) is None:
            return None
        stamp = json.loads((folder / "mark.json").read_text())
        if stamp["format"] != FORMAT:
            return None
        mark = marks.Mark(stamp["position"], tuple(stamp["under_way"]))
    except (OSError, ValueError, KeyError):
        return None
    return Snapshot(folder) if marks.holds(mark) else None


@cache
def _engine() -> duckdb.DuckDBPyConnection:
    """One per process, made when first needed, so after a server has forked: to start it takes longer than most
    questions. Each question has a connection of its own to it.
    """
    return duckdb.connect(config={"threads": 2})


@lru_cache(maxsize=2 * len(_TEXTS))
def _meanings(folder: Path, name: str) -> list[tuple[str, ...]]:
    """The values that each number in a column of people stands for: several for a set of languages."""
    with _engine().cursor() as lake:
        found = lake.execute(f"SELECT word FROM read_parquet('{folder}/words_{name}.parquet') ORDER BY code")
        words = [word for (word,) in found.fetchall()]
    if name == "language":
        return [tuple(languages(json.loads(word) if word else None)) for word in words]
    return [(named(word),) for word in words]


class Snapshot:
    """Questions to one copy."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def _ask(self, sql: str, values: Iterable[Any], **parts: str) -> list[tuple]:
        files = {name: f"read_parquet('{self.folder}/{name}.parquet')" for name in ("stays", "people", "places")}
        with _engine().cursor() as lake:
            return lake.execute(sql.format(**files, **parts), list(values)).fetchall()

    def _chosen(self, params: dict[str, Any]) -> tuple[str, list[str]]:
        """The condition for the department and the program asked for, and its values."""
        found, values = "", []
        for name, column in (("department", "department_id"), ("program", "program")):
            if params.get(name):
                places = f"read_parquet('{self.folder}/places.parquet')"
                found += f" AND spot IN (SELECT spot FROM {places} WHERE {column} = ?)"
                values.append(str(params[name].pk))
        return found, values

    def counts(self, params: dict[str, Any]) -> dict[str, Counter]:
        """As reporting.served.counts()."""
        chosen, values = self._chosen(params)
        cuts = [years_before(params["date_to"], years) for years, _ in AGE_GROUPS]
        sql = _COUNTS + "".join(_BY_TEXT.format(name=name) for name in _TEXTS)
        rows = self._ask(sql, [params["date_to"], params["date_from"], *values, *cuts], chosen=chosen, age=_AGE)
        found: dict[str, Counter] = {name: Counter() for name in ("total", "department", "program", *DEMOGRAPHICS)}
        for section, place, value, code, number in rows:
            if section in _TEXTS:
                for meaning in _meanings(self.folder, section)[code]:
                    found[section]["", meaning] += number
            elif section == "age_group":
                found[section]["", NOT_RECORDED if code < 0 else AGES[code]] += number
            else:
                found[section][place or "", value or ""] += number
        return found

    def newcomers(self, params: dict[str, Any]) -> tuple[int, int]:
        """As reporting.served.newcomers()."""
        chosen, places = self._chosen(params)
        values = [params["date_to"], params["date_from"], *places, params["date_from"], *places]
        ((total, again),) = self._ask(_RETURNING, values, chosen=chosen)
        return total - again, again

    def occupied(self, days: list[date]) -> dict[tuple[UUID, date], int]:
        """(program, day) → different people in it on that day."""
        rows = self._ask(_OCCUPIED, [max(days), min(days), days])
        return {(UUID(program), day): number for program, day, number in rows}
