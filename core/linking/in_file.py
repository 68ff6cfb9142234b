"""New people of a daily file, linked to each other by the same rules as to clients, in the order of their rows."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final
from uuid import UUID, uuid4

import numpy as np
from django.db.backends.utils import CursorWrapper

from core.linking import candidates
from core.linking.candidates import BUDGET, CAPS, affordable, as_array, by_kind, pairs_of, people_of
from core.linking.comparing import compare, compare_first
from core.linking.holding import Held, hold_uncertain, write_held
from core.linking.parameters import Parameters
from core.linking.people import FIRST
from core.linking.scoring import hopeless, score
from core.linking.weights import Weights, is_exact

# One new person in a hundred is guessed to stand in the file twice, spelt in two ways.
TWICE: Final = 0.01
# Heads: the first row of every new person, and the rows that have found their client.
_HEADS: Final = """
DROP TABLE IF EXISTS pg_temp.heads;
CREATE TEMP TABLE heads ON COMMIT DROP AS
SELECT s.row_number, s.client_id, s.client_id IS NULL AS is_new FROM staging s
WHERE s.outcome IS NULL AND s.same_as IS NULL AND (s.client_id IS NOT NULL OR s.person IS NULL);
CREATE UNIQUE INDEX ON heads (row_number);
ANALYZE heads;
"""
# Of those of one name and date each with the first and the one before, whatever its keys can afford.
_KEYS: Final = f"""
DROP TABLE IF EXISTS pg_temp.head_keys, pg_temp.head_exact;
CREATE TEMP TABLE head_keys ON COMMIT DROP AS
SELECT key, kind, row_number, is_new, size FROM (
    SELECT key, kind, row_number, is_new, count(*) OVER same AS size, bool_or(is_new) OVER same AS any_new
    FROM row_keys JOIN heads USING (row_number) WINDOW same AS (PARTITION BY key)
) k WHERE size BETWEEN 2 AND {by_kind(CAPS, "kind")} AND any_new;
CREATE INDEX ON head_keys (key);
CREATE INDEX ON head_keys (row_number) WHERE is_new;
CREATE TEMP TABLE head_exact ON COMMIT DROP AS
SELECT row_number, unnest(ARRAY[first_row, row_before]) AS earlier FROM (
    SELECT row_number, is_new, first_value(row_number) OVER same AS first_row, lag(row_number) OVER same AS row_before
    FROM row_people JOIN heads USING (row_number) WHERE dob IS NOT NULL
    WINDOW same AS (PARTITION BY first, last, dob ORDER BY is_new, row_number)
) p WHERE is_new AND row_before IS NOT NULL;
CREATE INDEX ON head_exact (row_number);
ANALYZE head_keys;
ANALYZE head_exact;
"""
_PAIRS: Final = f"""
SELECT l.row_number, e.row_number FROM (
    SELECT row_number, key, size, {affordable("size", "row_number", "kind")} AS so_far
    FROM head_keys WHERE is_new AND row_number BETWEEN %(low)s AND %(high)s
) l JOIN head_keys e USING (key)
WHERE (l.so_far <= {BUDGET} OR l.so_far = l.size) AND l.row_number <> e.row_number
  AND (NOT e.is_new OR e.row_number < l.row_number)
UNION SELECT row_number, earlier FROM head_exact WHERE row_number BETWEEN %(low)s AND %(high)s
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


def link_within_file(
    cursor: CursorWrapper, parameters: Parameters, weights: Weights, heard: Callable[[int], None]
) -> None:
    """The same rules among the new people of the file, in the order of their rows.

    A later person with the name and date of an earlier one, or one whom the bits make the same, is the same person
    unless both have identifiers; one who may be is held. Rows are looked at in pieces: memory does not grow with them.
    `heard` is told how many have been gone through, now and then.
    """
    cursor.execute(_HEADS)
    cursor.execute("SELECT count(*), count(*) FILTER (WHERE is_new) FROM heads")
    number, new = cursor.fetchone()
    if not new:
        return
    candidates.prepare_linked(cursor)
    cursor.execute(_KEYS)
    order, prior = FileOrder(), _prior(weights, number)
    for span in candidates.spans(cursor):
        heard(span.start - 1)
        order.decide(_pairs(cursor, parameters, weights, span, prior=prior))
    order.write(cursor)


def _prior(weights: Weights, heads: int) -> float:
    """Bits before anything was compared: how likely one of the other people of the file is meant."""
    return min(weights.prior, float(np.log2(TWICE / heads)))


def _pairs(cursor: CursorWrapper, parameters: Parameters, weights: Weights, span: range, *, prior: float) -> list[Pair]:
    """Pairs worth looking at whose later row is in the span."""
    found = _by_first_look(cursor, pairs_of(cursor, _PAIRS, {"low": span.start, "high": span.stop - 1}), weights)
    if not len(found):
        return []
    numbers, (i, j) = _places(found)
    people = people_of(cursor, numbers)
    cursor.execute("SELECT row_number, client_id FROM heads WHERE row_number = ANY(%s::int[])", [as_array(numbers)])
    clients = dict(cursor.fetchall())
    compared = compare(people, i, people, j, weights.is_known)
    scored = score(compared, weights, people.texts, prior=prior)
    exact = is_exact(compared)
    levels = compared.levels
    conflicts = (levels["phone"] > 1) & (levels["postal_code"] > 1) & (levels["email"] != 1)
    near = ~scored.hopeless & (scored.total >= parameters.hold_bits) if parameters.scores else exact
    pairs = []
    for k in np.flatnonzero(exact | near):
        bar, total = scored.bar_of(k), float(scored.total[k])
        pairs.append(
            Pair(
                int(numbers[i[k]]),
                int(numbers[j[k]]),
                bool(exact[k]),
                total,
                parameters.links and not bar and total >= parameters.auto_bits,
                bar,
                bool(people.identified[i[k]]),
                bool(people.identified[j[k]]),
                bool(conflicts[k]),
                clients[int(numbers[j[k]])],
            )
        )
    return pairs


def _places(found: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Row numbers in order, and the places of each pair among them."""
    numbers, places = np.unique(found, return_inverse=True)
    return numbers, places.reshape(found.shape).T


def _by_first_look(cursor: CursorWrapper, found: np.ndarray, weights: Weights) -> np.ndarray:
    """Pairs whose names, dates of birth and e-mail addresses do not tell them to be two."""
    if not len(found):
        return found
    numbers, (i, j) = _places(found)
    people = people_of(cursor, numbers, FIRST)
    return found[~hopeless(compare_first(people, i, people, j, weights.is_known))]


class FileOrder:
    """Decides the new people of a file one after the other, so that a held one is no candidate for the next."""

    def __init__(self) -> None:
        self.held = Held()
        self.out: set[int] = set()
        self.keys: dict[int, UUID] = {}
        self.joined: dict[int, int] = {}  # later row → first row of the person
        self.identified: set[int] = set()  # first rows of people of whom some row has an identifier
        self.linked: dict[int, UUID] = {}

    def decide(self, pairs: list[Pair]) -> None:
        """Pairs come ordered by the later row."""
        by_later: dict[int, list[Pair]] = defaultdict(list)
        for pair in pairs:
            by_later[pair.later].append(pair)
            if pair.earlier_identified:
                self.identified.add(pair.earlier)
            if pair.client is not None:
                self.linked[pair.earlier] = pair.client
        for later, found in by_later.items():
            self._decide(later, [pair for pair in found if pair.earlier not in self.out])

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

    def write(self, cursor: CursorWrapper) -> None:
        """New people that others refer to get their key now; who joined an earlier person shares that one's."""
        write_held(cursor, self.held)
        joined = {later: self._key(first) for later, first in self.joined.items()}
        for table, road in ((self.keys, "new"), (joined, "file")):
            cursor.execute(
                """
                UPDATE staging s SET client_id = k.key, road = %s
                FROM unnest(%s::int[], %s::uuid[]) AS k (row_number, key) WHERE k.row_number = s.row_number
                """,
                [road, list(table), list(table.values())],
            )
