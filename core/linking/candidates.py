"""Candidates by shared match keys: for rows of a file among clients, for rows among each other. One set-based join.

A key that many share says little and costs much: keys have caps by kind, and a block beyond its cap is passed over.
Coarse kinds (the date of birth alone, three letters of both names) have low caps: they find damaged pairs in a small
agency, and drop out by themselves in a big one.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import numpy as np
from django.db.backends.utils import CursorWrapper

from core.linking.people import CLIENT_COLUMNS, ROW_COLUMNS, People, Texts

# By place in what ccd_match_keys gives: name, its sound, three letters of both, those with year, with day, first
# initial with date, last initial with date, date, first and last initial with postal code, street, phone, e-mail.
CAPS: Final = (500, 100, 60, 500, 500, 300, 300, 60, 100, 100, 200, 100, 100)
# Rows compared at once: memory stays flat however long the file is.
CHUNK: Final = 10_000

# Reasons of rows that were held over an equal name and date: decided, but to be explained.
HELD_EXACT: Final = ("several_candidates", "other_identifier", "conflicting_contact")

_ROW_KEYS = """
DROP TABLE IF EXISTS pg_temp.row_keys;
CREATE TEMP TABLE row_keys ON COMMIT DROP AS
SELECT DISTINCT s.row_number, k.key, min(k.kind)::int AS kind FROM staging s
CROSS JOIN LATERAL unnest(ccd_match_keys(
    s.first_folded, s.last_folded, s.dob, ccd_digits(s.phone_number), s.email, ccd_postal_key(s.address),
    ccd_street(s.address))) WITH ORDINALITY AS k (key, kind)
WHERE k.key IS NOT NULL AND s.same_as IS NULL AND (s.outcome IS NULL OR s.reason_code = ANY (%s))
GROUP BY s.row_number, k.key;
CREATE INDEX ON row_keys (row_number);
ANALYZE row_keys;
"""
_PAIRS = f"""
DROP TABLE IF EXISTS pg_temp.wanted_keys, pg_temp.blocks, pg_temp.found, pg_temp.candidates;
CREATE TEMP TABLE wanted_keys ON COMMIT DROP AS
SELECT r.row_number, r.key, r.kind FROM row_keys r JOIN staging s USING (row_number)
WHERE s.row_number BETWEEN %(low)s AND %(high)s AND ({{which}});
ANALYZE wanted_keys;
CREATE TEMP TABLE blocks ON COMMIT DROP AS
SELECT k.key, b.clients FROM (
    SELECT DISTINCT key, kind FROM wanted_keys
) k CROSS JOIN LATERAL (
    SELECT array_agg(client_id) AS clients FROM (
        SELECT c.client_id FROM client_keys c WHERE c.key = k.key LIMIT (ARRAY[{",".join(map(str, CAPS))}])[k.kind] + 1
    ) one
) b WHERE cardinality(b.clients) <= (ARRAY[{",".join(map(str, CAPS))}])[k.kind];
ANALYZE blocks;
CREATE TEMP TABLE found ON COMMIT DROP AS
SELECT DISTINCT r.row_number, c.client_id FROM wanted_keys r JOIN blocks b USING (key)
CROSS JOIN LATERAL unnest(b.clients) AS c (client_id);
ANALYZE found;
CREATE TEMP TABLE candidates ON COMMIT DROP AS
SELECT client_id, (row_number() OVER () - 1)::int AS number FROM (SELECT DISTINCT client_id FROM found) f;
ANALYZE candidates;
"""


@dataclass(slots=True)
class Pairs:
    """Rows and the clients that share a key with them: rows[i] with clients[j]."""

    numbers: np.ndarray  # row number of each row
    rows: People
    keys: list[UUID]  # the record a client stands for: itself, or the one it is linked to
    clients: People
    i: np.ndarray
    j: np.ndarray

    @property
    def born_apart(self) -> np.ndarray:
        """Years between the dates of birth, 0 where one is missing."""
        return years_apart(self.rows.dob[self.i], self.clients.dob[self.j])


def years_apart(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Years between dates as yyyymmdd, 0 where one is missing."""
    return np.where((a > 0) & (b > 0), np.abs(a - b) // 10_000, 0)


def prepare(cursor: CursorWrapper) -> None:
    """Make the keys of every row of staging that is still open, or was held over an equal name and date."""
    cursor.execute(_ROW_KEYS, [list(HELD_EXACT)])


def of_clients(cursor: CursorWrapper, source: str, which: str) -> Iterator[Pairs]:
    """Rows for which `which` holds (SQL over `s`) with their candidates among the clients, a chunk at a time."""
    cursor.execute("SELECT coalesce(max(row_number), 0) FROM staging")
    last = cursor.fetchone()[0]
    for low in range(1, last + 1, CHUNK):
        pairs = _chunk(cursor, source, which, low, low + CHUNK - 1)
        if pairs is not None:
            yield pairs


def _chunk(cursor: CursorWrapper, source: str, which: str, low: int, high: int) -> Pairs | None:
    cursor.execute(_PAIRS.format(which=which), {"low": low, "high": high})
    cursor.execute("SELECT row_number, number FROM found JOIN candidates USING (client_id)")
    found = np.array(cursor.fetchall(), dtype=np.int64).reshape(-1, 2)
    if not len(found):
        return None
    texts = Texts()
    numbers, i = np.unique(found[:, 0], return_inverse=True)
    cursor.execute(
        f"SELECT {ROW_COLUMNS}, s.uid_external IS NOT NULL FROM staging s WHERE row_number = ANY(%s) "
        "ORDER BY row_number",
        [numbers.tolist()],
    )
    rows = People.of(cursor.fetchall(), texts)
    cursor.execute(
        f"""
        SELECT {CLIENT_COLUMNS}, EXISTS (SELECT FROM client_identifiers d WHERE d.source_system = %s
            AND d.client_id IN (c.client_id, c.linked_to)), coalesce(c.linked_to, c.client_id)
        FROM candidates JOIN clients c USING (client_id) ORDER BY number
        """,
        [source],
    )
    told = cursor.fetchall()
    return Pairs(numbers, rows, [row[-1] for row in told], People.of(told, texts), i, found[:, 1])
