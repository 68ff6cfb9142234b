"""New people of a daily file, linked to each other by the same rules as to clients, in the order of their rows."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID, uuid4

import numpy as np
from django.db.backends.utils import CursorWrapper

from core.linking.candidates import CAPS, years_apart
from core.linking.comparing import compare
from core.linking.holding import Held, hold_uncertain
from core.linking.parameters import Parameters
from core.linking.people import ROW_COLUMNS, People, Texts
from core.linking.scoring import score
from core.linking.weights import Weights, is_exact

# Heads: the first row of every new person, and the rows that have found their client.
_HEADS = f"""
DROP TABLE IF EXISTS pg_temp.heads;
CREATE TEMP TABLE heads ON COMMIT DROP AS
SELECT s.row_number, s.client_id, s.client_id IS NULL AS is_new FROM staging s
WHERE s.outcome IS NULL AND s.same_as IS NULL AND (s.client_id IS NOT NULL OR s.person = s.row_number);
CREATE UNIQUE INDEX ON heads (row_number);
ANALYZE heads;
DROP TABLE IF EXISTS pg_temp.head_keys;
CREATE TEMP TABLE head_keys ON COMMIT DROP AS
SELECT k.key, h.row_number, h.is_new FROM (
    SELECT key, row_number, is_new, (ARRAY[{",".join(map(str, CAPS))}])[kind] AS cap,
           count(*) OVER (PARTITION BY key) AS number, bool_or(is_new) OVER (PARTITION BY key) AS any_new
    FROM row_keys JOIN heads USING (row_number)
) k JOIN heads h USING (row_number) WHERE k.number BETWEEN 2 AND k.cap AND k.any_new;
CREATE INDEX ON head_keys (key);
ANALYZE head_keys;
SELECT DISTINCT later.row_number, earlier.row_number FROM head_keys later JOIN head_keys earlier USING (key)
WHERE later.is_new AND later.row_number <> earlier.row_number
  AND (NOT earlier.is_new OR earlier.row_number < later.row_number)
ORDER BY 1, 2
"""


@dataclass(frozen=True, slots=True)
class Pair:
    """A new person of the file and an earlier one who may be the same."""

    later: int
    earlier: int
    exact: bool
    total: float
    same: bool  # the bits suffice and nothing bars it
    bar: str
    later_identified: bool
    earlier_identified: bool
    contact_conflicts: bool
    client: UUID | None


def link_within_file(cursor: CursorWrapper, held: Held, parameters: Parameters, weights: Weights) -> None:
    """The same rules among the new people of the file, in the order of their rows.

    A later person with the name and date of an earlier one, or one whom the bits make the same, is the same person
    unless both have identifiers; one who may be is held.
    """
    FileOrder(cursor, held).decide(_pairs(cursor, parameters, weights))


def _pairs(cursor: CursorWrapper, parameters: Parameters, weights: Weights) -> Iterator[Pair]:
    """Pairs worth looking at, by the later row."""
    cursor.execute(_HEADS)
    while cursor.description is None:
        cursor.nextset()
    found = np.array(cursor.fetchall(), dtype=np.int64).reshape(-1, 2)
    if not len(found):
        return
    numbers, places = np.unique(found, return_inverse=True)
    i, j = places.reshape(found.shape).T
    cursor.execute(
        f"SELECT {ROW_COLUMNS}, s.uid_external IS NOT NULL, s.client_id FROM staging s WHERE row_number = ANY(%s) "
        "ORDER BY row_number",
        [numbers.tolist()],
    )
    rows = cursor.fetchall()
    people = People.of(rows, Texts())
    compared = compare(people, i, people, j, weights.is_known)
    scored = score(compared, weights, people.texts, years_apart(people.dob[i], people.dob[j]))
    exact = is_exact(compared)
    conflicts = (compared.levels["phone"] > 1) & (compared.levels["postal_code"] > 1)
    near = ~scored.hopeless & (scored.total >= parameters.hold_bits) if parameters.scores else exact
    for k in np.flatnonzero(exact | near):
        bar, total = scored.bar_of(k), float(scored.total[k])
        yield Pair(
            int(numbers[i[k]]),
            int(numbers[j[k]]),
            bool(exact[k]),
            total,
            parameters.links and not bar and total >= parameters.auto_bits,
            bar,
            bool(people.identified[i[k]]),
            bool(people.identified[j[k]]),
            bool(conflicts[k]),
            rows[j[k]][-1],
        )


class FileOrder:
    """Decides the new people of a file one after the other, so that a held one is no candidate for the next."""

    def __init__(self, cursor: CursorWrapper, held: Held) -> None:
        self.cursor = cursor
        self.held = held
        self.out = {row[0] for row in held.rows}
        self.keys: dict[int, UUID] = {}
        self.joined: dict[int, int] = {}  # later row → first row of the person
        self.identified: set[int] = set()  # first rows of people of whom some row has an identifier
        self.linked: dict[int, UUID] = {}

    def decide(self, pairs: Iterator[Pair]) -> None:
        """Pairs come ordered by the later row."""
        by_later: dict[int, list[Pair]] = defaultdict(list)
        for pair in pairs:
            by_later[pair.later].append(pair)
            if pair.earlier_identified:
                self.identified.add(pair.earlier)
            if pair.client is not None:
                self.linked[pair.earlier] = pair.client
        for later, found in by_later.items():
            if later not in self.out:
                self._decide(later, [pair for pair in found if pair.earlier not in self.out])
        self._write()

    def _decide(self, later: int, pairs: list[Pair]) -> None:
        pairs.sort(key=lambda pair: (not pair.exact, -pair.total, pair.earlier))
        for pair in pairs:
            first = self.joined.get(pair.earlier, pair.earlier)
            other = pair.later_identified and first in self.identified
            if (pair.exact or pair.same) and not other and not pair.contact_conflicts:
                self.joined[later] = first
                if pair.later_identified:
                    self.identified.add(first)
                return
        if pairs:
            self.out.add(later)
            keys = [self._key(self.joined.get(pair.earlier, pair.earlier)) for pair in pairs]
            hold_uncertain(self.held, later, keys, pairs[0].total, pairs[0].bar)

    def _key(self, first: int) -> UUID:
        """client_id of an earlier person: of the client it is linked to, or of the new one it becomes."""
        return self.linked.get(first) or self.keys.setdefault(first, uuid4())

    def _write(self) -> None:
        """New people that others refer to get their key now; who joined an earlier person shares that one's."""
        joined = {later: self._key(first) for later, first in self.joined.items()}
        for table, road in ((self.keys, "new"), (joined, "file")):
            self.cursor.execute(
                """
                UPDATE staging s SET client_id = k.key, road = %s
                FROM unnest(%s::int[], %s::uuid[]) AS k (row_number, key) WHERE k.row_number = s.row_number
                """,
                [road, list(table), list(table.values())],
            )
