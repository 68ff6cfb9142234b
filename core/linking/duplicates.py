"""Clients who may be one person entered twice: the same keys and the same bits as for daily files, over all clients."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import numpy as np
from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper

from core import audit, rules
from core.linking import model, parameters
from core.linking.comparing import compare
from core.linking.parameters import Parameters
from core.linking.people import CLIENT_COLUMNS, People, Texts
from core.linking.scoring import learn, score
from core.linking.verdict import Telling
from core.linking.weights import Weights
from core.models import Client, ClientPair, Staff

# Keys that more clients share are passed over: pairs grow with the square.
BLOCK: Final = 40
# Clients whose pairs are compared at once.
CHUNK: Final = 20_000
LEARNS_FROM: Final = 2000
# Pairs are shown from so many bits below those from which a row is held at most: nobody waits for them.
BELOW: Final = 4.0
Progress = Callable[[int], None]

_SHARED = f"""
DROP TABLE IF EXISTS pg_temp.shared_keys, pg_temp.numbered;
CREATE TEMP TABLE shared_keys ON COMMIT DROP AS
SELECT key FROM client_keys GROUP BY key HAVING count(*) BETWEEN 2 AND {BLOCK};
CREATE UNIQUE INDEX ON shared_keys (key);
CREATE TEMP TABLE numbered ON COMMIT DROP AS
SELECT client_id, (row_number() OVER (ORDER BY client_id) - 1)::int AS number FROM clients WHERE linked_to IS NULL;
CREATE UNIQUE INDEX ON numbered (client_id);
CREATE UNIQUE INDEX ON numbered (number);
ANALYZE shared_keys;
ANALYZE numbered;
"""
# Pairs that someone said are not the same are not pairs.
_PAIRS = """
WITH mine AS MATERIALIZED (
    SELECT n.number, n.client_id, k.key FROM numbered n CROSS JOIN LATERAL (
        SELECT unnest(ccd_match_keys(c.first_folded, c.last_folded, c.dob, c.phone_digits, c.email, c.postal_key,
                                     ccd_street(c.address))) AS key
        FROM clients c WHERE c.client_id = n.client_id
    ) k JOIN shared_keys s ON s.key = k.key
    WHERE n.number >= %(low)s AND n.number < %(high)s
), pairs AS (
    SELECT DISTINCT m.number AS one, n.number AS two, m.client_id, n.client_id AS other_id
    FROM mine m JOIN client_keys k ON k.key = m.key JOIN numbered n ON n.client_id = k.client_id
    WHERE n.number > m.number
)
SELECT one, two FROM pairs p WHERE NOT EXISTS (
    SELECT FROM client_links l WHERE l.verdict = 'not_same' AND (l.client_id, l.other_id) = (p.client_id, p.other_id))
"""


@dataclass(frozen=True, slots=True)
class Suspicion:
    """Two clients, the smaller key first, the bits that speak for one person, and the evidence for each."""

    client: UUID
    other: UUID
    score: float
    evidence: dict[str, Any]


def find_pairs(
    cursor: CursorWrapper, settings: Parameters, weights: Weights, progress: Progress = lambda number: None
) -> Iterator[Suspicion]:
    """Every pair from BELOW `hold_bits` on, a chunk of clients at a time. To be called in a transaction."""
    cursor.execute(_SHARED)
    cursor.execute("SELECT count(*) FROM numbered")
    number = cursor.fetchone()[0]
    learnt = number < LEARNS_FROM
    for low in range(0, number, CHUNK):
        cursor.execute(_PAIRS, {"low": low, "high": low + CHUNK})
        found = np.array(cursor.fetchall(), dtype=np.int64).reshape(-1, 2)
        if len(found):
            yield from _judged(cursor, found, settings, weights, learns=not learnt)
            learnt = True
        progress(min(low + CHUNK, number))


def _judged(
    cursor: CursorWrapper, found: np.ndarray, settings: Parameters, weights: Weights, *, learns: bool
) -> Iterator[Suspicion]:
    numbers, places = np.unique(found, return_inverse=True)
    i, j = places.reshape(found.shape).T
    cursor.execute(
        f"SELECT {CLIENT_COLUMNS}, false, c.client_id FROM numbered JOIN clients c USING (client_id) "
        "WHERE number = ANY(%s) ORDER BY number",
        [numbers.tolist()],
    )
    rows = cursor.fetchall()
    people = People.of(rows, Texts())
    compared = compare(people, i, people, j, weights.is_known)
    if learns:
        learn(compared, weights, people.texts, owners=CHUNK)
    scored = score(compared, weights, people.texts)
    least = min(settings.hold_bits - BELOW, settings.among(weights.clients).hold_bits)
    pairs = np.flatnonzero(~scored.hopeless & (scored.total >= least))
    telling = Telling(pairs, compared, scored, weights, settings)
    for pair in pairs.tolist():
        client, other = rows[i[pair]][-1], rows[j[pair]][-1]
        yield Suspicion(client, other, round(float(scored.total[pair]), 2), telling.pair(pair, other))


def refresh(*, actor: Staff | None, progress: Progress = lambda number: None) -> int:
    """Find all pairs anew and keep them for the Duplicates screen. Returns how many. Raises NotAllowed."""
    rules.require(actor, "core.link_clients")
    with audit.acting(actor, channel="command"), connection.cursor() as cursor:
        weights = model.current()
        found = [
            ClientPair(client_id=s.client, other_id=s.other, score=s.score, evidence=s.evidence)
            for s in find_pairs(cursor, parameters.current(), weights, progress)
        ]
        ClientPair.objects.all().delete()
        ClientPair.objects.bulk_create(found, batch_size=2000)
        model.keep_learnt(weights)
    return len(found)


def groups(pairs: Iterable[tuple[UUID, UUID]]) -> list[list[UUID]]:
    """Clients who hang together by pairs, the biggest group first: three records of one person are three pairs."""
    leader: dict[UUID, UUID] = {}

    def root(key: UUID) -> UUID:
        while leader.setdefault(key, key) != key:
            leader[key] = key = leader[leader[key]]
        return key

    for client, other in pairs:
        leader[root(client)] = root(other)
    found: dict[UUID, list[UUID]] = defaultdict(list)
    for key in sorted(leader):
        found[root(key)].append(key)
    return sorted(found.values(), key=len, reverse=True)


def suspects(*, limit: int = 200) -> list[Suspicion]:
    """Pairs that may be one person, nearest first: found while one waits in a small agency, in a bigger one those that
    find_duplicates found last. Without those linked since, or said not to be the same. Writes nothing.
    """
    if Client.objects.all()[: CHUNK + 1].count() <= CHUNK:
        with transaction.atomic(), connection.cursor() as cursor:  # the temporary tables last as long
            found = list(find_pairs(cursor, parameters.current(), model.as_kept()))
        return sorted(found, key=lambda s: (-s.score, s.client, s.other))[:limit]
    kept = ClientPair.objects.raw(
        """
        SELECT p.* FROM client_pairs p JOIN clients a USING (client_id) JOIN clients b ON b.client_id = p.other_id
        WHERE a.linked_to IS NULL AND b.linked_to IS NULL AND NOT EXISTS (
            SELECT FROM client_links l WHERE l.verdict = 'not_same'
            AND (l.client_id, l.other_id) = (p.client_id, p.other_id))
        ORDER BY p.score DESC, p.pair_id LIMIT %s
        """,
        [limit],
    )
    return [Suspicion(p.client_id, p.other_id, p.score, p.evidence) for p in kept]
