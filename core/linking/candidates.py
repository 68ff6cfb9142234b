"""Candidates by shared match keys: for rows of a file among clients, for rows among each other. Set-based joins.

A key that many share says little and costs much. A row takes the blocks of its rarest keys first, until it has BUDGET
candidates; a row of which little is known (a common name without a date) takes its smallest block even beyond that, up
to the cap of its kind. So a row costs the same in a small agency and in one of a million clients. Coarse kinds (the
date alone, three letters of both names) come after fine ones of the same size: they find damaged pairs in a small
agency, and drop out by themselves in a big one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Final
from uuid import UUID

import numpy as np
from django.db.backends.utils import CursorWrapper

from core.linking.comparing import compare_first
from core.linking.names import Known
from core.linking.people import CLIENT_COLUMNS, CLIENT_FIRST, FIRST, ROW_COLUMNS, TEXTS, People, Texts
from core.linking.scoring import hopeless

# By place in what ccd_match_keys gives: name, its sound, three letters of both, those with year, with day, first
# initial with date, last initial with date, date, first and last initial with postal code, street, phone, e-mail.
CAPS: Final = (300, 60, 60, 60, 60, 60, 60, 60, 60, 60, 60, 60, 60)
# A block counts as so many times bigger where a row chooses among its blocks.
COARSE: Final = (1, 4, 4, 1, 1, 1, 1, 4, 1, 1, 4, 1, 1)
BUDGET: Final = 40
# Rows compared at once: memory stays flat however long the file is.
CHUNK: Final = 10_000

# Reasons of rows that were held over an equal name and date: decided, but to be explained.
HELD_EXACT: Final = ("several_candidates", "other_identifier", "conflicting_contact")


def by_kind(numbers: tuple[int, ...], kind: str) -> str:
    """SQL: the number that stands at place `kind`."""
    return f"(ARRAY[{','.join(map(str, numbers))}])[{kind}]"


def affordable(size: str, row: str, kind: str) -> str:
    """SQL, a window: how many candidates a row has with this block of `size` and all rarer ones."""
    order = f"{size} * {by_kind(COARSE, kind)}, {kind}"
    return f"sum({size}) OVER (PARTITION BY {row} ORDER BY {order} ROWS UNBOUNDED PRECEDING)"


# What is compared of a row, worked out once; and its keys.
_ROWS: Final = f"""
DROP TABLE IF EXISTS pg_temp.row_people, pg_temp.row_keys;
CREATE TEMP TABLE row_people (row_number int PRIMARY KEY, {" text, ".join(TEXTS)} text, dob date, identified boolean)
    ON COMMIT DROP;
CREATE TEMP TABLE row_keys (row_number int, key bigint, kind int) ON COMMIT DROP;
"""
_ADD_ROWS: Final = f"""
WITH added AS (
    INSERT INTO row_people SELECT s.row_number, {ROW_COLUMNS}, s.uid_external IS NOT NULL FROM staging s
    WHERE s.same_as IS NULL AND ({{which}})
      AND NOT EXISTS (SELECT FROM row_people p WHERE p.row_number = s.row_number)
    RETURNING *
)
INSERT INTO row_keys SELECT a.row_number, k.key, min(k.kind) FROM added a
CROSS JOIN LATERAL unnest(ccd_match_keys(
    a.first, a.last, a.dob, a.phone, a.email, a.postal, a.street)) WITH ORDINALITY AS k (key, kind)
WHERE k.key IS NOT NULL GROUP BY a.row_number, k.key;
"""
# Rows came in their order, so that a span of them lies together: BRIN finds it, and costs nothing to make.
_INDEX_ROWS: Final = "CREATE INDEX ON row_keys USING brin (row_number); ANALYZE row_keys; ANALYZE row_people"
_OPEN: Final = f"""s.outcome IS NULL AND (s.client_id IS NULL OR s.road = 'exact')
    OR s.outcome = 'held' AND s.reason_code IN {HELD_EXACT}"""
_LINKED: Final = "s.outcome IS NULL AND s.client_id IS NOT NULL"

# Blocks of the keys of some rows, what each row can afford of them, and whoever has its name and date besides. OFFSET 0
# keeps a block from being looked up once for each place it is named in; in order of keys, neighbours share pages.
_FOUND: Final = f"""
DROP TABLE IF EXISTS pg_temp.wanted_keys, pg_temp.blocks, pg_temp.found, pg_temp.candidates;
CREATE TEMP TABLE wanted_keys ON COMMIT DROP AS
SELECT r.row_number, r.key, r.kind FROM row_keys r JOIN staging s USING (row_number)
WHERE r.row_number BETWEEN %(low)s AND %(high)s AND s.same_as IS NULL AND ({{which}})
  AND NOT EXISTS (SELECT FROM exact e WHERE e.row_number = r.row_number AND e.reached AND cardinality(e.clients) = 1);
ANALYZE wanted_keys;
CREATE TEMP TABLE blocks ON COMMIT DROP AS
SELECT k.key, b.clients, cardinality(b.clients) AS size FROM (
    SELECT DISTINCT key, kind FROM wanted_keys ORDER BY key
) k CROSS JOIN LATERAL (
    SELECT ARRAY(SELECT c.client_id FROM client_keys c WHERE c.key = k.key LIMIT {by_kind(CAPS, "k.kind")} + 1)
    OFFSET 0
) b (clients) WHERE cardinality(b.clients) BETWEEN 1 AND {by_kind(CAPS, "k.kind")};
ANALYZE blocks (key, size);
CREATE TEMP TABLE found ON COMMIT DROP AS
SELECT w.row_number, c.client_id FROM (
    SELECT row_number, size, clients, {affordable("size", "row_number", "kind")} AS so_far
    FROM wanted_keys JOIN blocks USING (key)
) w CROSS JOIN LATERAL unnest(w.clients) AS c (client_id) WHERE w.so_far <= {BUDGET} OR w.so_far = w.size
UNION
SELECT e.row_number, unnest(e.records) FROM exact e JOIN staging s USING (row_number)
WHERE s.row_number BETWEEN %(low)s AND %(high)s AND ({{which}});
CREATE TEMP TABLE candidates ON COMMIT DROP AS
SELECT client_id, (row_number() OVER (ORDER BY client_id) - 1)::int AS number
FROM (SELECT DISTINCT client_id FROM found) f;
ANALYZE found;
ANALYZE candidates;
"""


@dataclass(slots=True)
class Pairs:
    """Rows and the clients that share a key with them: rows[i] with clients[j]. Whom names and dates of birth tell to
    be two is left out.
    """

    owners: int  # rows that were looked at
    numbers: np.ndarray  # row number of each row
    rows: People
    keys: list[UUID]  # the record a client stands for: itself, or the one it is linked to
    clients: People
    i: np.ndarray
    j: np.ndarray


def is_anyone_there(cursor: CursorWrapper) -> bool:
    """Whether any client could share a key: in the first file of an agency every key would be looked up in vain."""
    cursor.execute("SELECT EXISTS (SELECT FROM client_keys)")
    return cursor.fetchone()[0]


def create(cursor: CursorWrapper) -> None:
    """Make the empty tables of what is compared of rows, and of their keys."""
    cursor.execute(_ROWS)


def add(cursor: CursorWrapper, span: range) -> None:
    """Make the keys of some rows of staging ahead of time: while others are read, and they may not be needed."""
    cursor.execute(
        _ADD_ROWS.format(which="s.outcome IS NULL AND s.row_number BETWEEN %s AND %s"), [span.start, span.stop - 1]
    )


def prepare(cursor: CursorWrapper) -> None:
    """Make the keys of every row of staging that has not found its client yet, or only by name and date of birth, where
    they are not there.
    """
    cursor.execute(_ADD_ROWS.format(which=_OPEN))
    cursor.execute(_INDEX_ROWS)


def prepare_linked(cursor: CursorWrapper) -> None:
    """The same of the rows that have found their client, for the new people of the file."""
    cursor.execute(_ADD_ROWS.format(which=_LINKED))
    if cursor.rowcount:
        cursor.execute("ANALYZE row_keys; ANALYZE row_people")


def as_array(numbers: np.ndarray) -> str:
    """Numbers as the text of an array, which goes over much faster than a list does."""
    return f"{{{','.join(map(str, numbers.tolist()))}}}"


def pairs_of(cursor: CursorWrapper, query: str, params: dict[str, int] | None = None) -> np.ndarray:
    """Two columns of whole numbers, one line per row that the query gives."""
    cursor.execute(query, params)
    found = cursor.fetchall()
    return np.fromiter(chain.from_iterable(found), dtype=np.int64, count=2 * len(found)).reshape(-1, 2)


def people_of(cursor: CursorWrapper, numbers: np.ndarray, columns: Sequence[str] = TEXTS) -> People:
    """The rows of these numbers, which are in order."""
    cursor.execute(
        f"SELECT {', '.join(columns)}, dob, identified FROM unnest(%s::int[]) AS n (row_number) "
        "JOIN row_people USING (row_number) ORDER BY row_number",
        [as_array(numbers)],
    )
    return People.of(cursor.fetchall(), Texts(), columns)


def of_clients(cursor: CursorWrapper, source: str, which: str, known: Known, span: range) -> Pairs | None:
    """Rows of a span of row numbers for which `which` holds (SQL over `s`), with their candidates among the clients.
    A client is known to the source where any record of the same person is.
    """
    cursor.execute(_FOUND.format(which=which), {"low": span.start, "high": span.stop - 1})
    found = pairs_of(cursor, "SELECT row_number, number FROM found JOIN candidates USING (client_id) ORDER BY 1, 2")
    if not len(found):
        return None
    numbers, i = np.unique(found[:, 0], return_inverse=True)
    rows = people_of(cursor, numbers)
    cursor.execute(f"SELECT {CLIENT_FIRST} FROM candidates JOIN clients c USING (client_id) ORDER BY number")
    first = People.of(cursor.fetchall(), rows.texts, FIRST)
    hopeful = ~hopeless(compare_first(rows, i, first, found[:, 1], known))
    places, j = np.unique(found[hopeful, 1], return_inverse=True)
    cursor.execute(
        f"""
        SELECT {CLIENT_COLUMNS}, EXISTS (
            SELECT FROM client_identifiers d
            WHERE d.client_id IN (c.client_id, c.linked_to) AND d.source_system = %(source)s
        ) OR EXISTS (
            SELECT FROM clients l JOIN client_identifiers d USING (client_id)
            WHERE l.linked_to = coalesce(c.linked_to, c.client_id) AND d.source_system = %(source)s
        ), coalesce(c.linked_to, c.client_id)
        FROM unnest(%(places)s::int[]) AS n (number) JOIN candidates USING (number) JOIN clients c USING (client_id)
        ORDER BY number
        """,
        {"source": source, "places": as_array(places)},
    )
    told = cursor.fetchall()
    return Pairs(len(numbers), numbers, rows, [row[-1] for row in told], People.of(told, rows.texts), i[hopeful], j)


def spans(cursor: CursorWrapper) -> list[range]:
    """The row numbers of staging, CHUNK at a time."""
    cursor.execute("SELECT coalesce(max(row_number), 0) FROM staging")
    last = cursor.fetchone()[0]
    return [range(low, min(low + CHUNK, last + 1)) for low in range(1, last + 1, CHUNK)]
