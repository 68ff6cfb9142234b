"""Clients who may be one person entered twice, and a person's lasting verdict that they are not."""

from dataclasses import dataclass
from itertools import pairwise
from uuid import UUID

from django.db import connection
from django.db.utils import IntegrityError

from core import audit, rules
from core.errors import Conflict
from core.linking.holding import BLOCK, NEAR_KEYS
from core.linking.judge import Person, nearness
from core.models import Client, ClientLink, Staff

# Beyond this many clients only exact pairs are looked for while someone waits for a page.
NEAR_UP_TO = 50_000

_EXACT = """
    SELECT array_agg(client_id ORDER BY client_id) FROM clients
    WHERE linked_to IS NULL AND dob IS NOT NULL
    GROUP BY last_folded, first_folded, dob HAVING count(*) > 1
"""
_NEAR = f"""
    WITH days AS MATERIALIZED (
        SELECT dob FROM clients WHERE linked_to IS NULL GROUP BY dob HAVING count(*) BETWEEN 2 AND {BLOCK}
    )
    SELECT s.client_id, s.first_folded, s.last_folded, c.client_id, c.first_folded, c.last_folded, s.dob
    FROM days JOIN clients s USING (dob) JOIN clients c USING (dob)
    WHERE s.client_id < c.client_id AND s.linked_to IS NULL AND c.linked_to IS NULL AND {NEAR_KEYS}
"""


@dataclass(frozen=True, slots=True)
class Suspicion:
    """Two clients, the smaller key first, and how near they are: 1 is the same name and date of birth."""

    client: UUID
    other: UUID
    score: float


def suspects(*, limit: int = 200) -> list[Suspicion]:
    """Pairs that may be one person, nearest first, without those that someone said are not the same."""
    pairs = {(s.client, s.other): s for s in (*_exact(), *_near())}
    decided = set(ClientLink.objects.filter(verdict="not_same").values_list("client_id", "other_id"))
    waiting = [suspicion for key, suspicion in pairs.items() if key not in decided]
    return sorted(waiting, key=lambda s: (-s.score, s.client, s.other))[:limit]


def _exact() -> list[Suspicion]:
    with connection.cursor() as cursor:
        cursor.execute(_EXACT)
        return [Suspicion(a, b, 1.0) for (keys,) in cursor.fetchall() for a, b in pairwise(keys)]


def _near() -> list[Suspicion]:
    if Client.objects.all()[: NEAR_UP_TO + 1].count() > NEAR_UP_TO:
        return []
    with connection.cursor() as cursor:
        cursor.execute(_NEAR)
        rows = cursor.fetchall()
    found = []
    for client, first, last, other, other_first, other_last, dob in rows:
        score = nearness(Person(first, last, dob), Person(other_first, other_last, dob))
        if score is not None:
            found.append(Suspicion(client, other, score))
    return found


def mark_not_same(client: Client, other: Client, *, actor: Staff | None, reason: str | None = None) -> ClientLink:
    """Remember for ever that these are two people. Raises NotAllowed, Conflict where it was said already."""
    first, second = sorted((client, other), key=lambda c: c.pk)
    with audit.acting(actor, channel="link", reason=reason):
        rules.require(actor, "core.link_clients")
        try:
            return ClientLink.objects.create(
                client=first, other=second, verdict="not_same", decided_by=actor, reason=reason
            )
        except IntegrityError as error:
            raise Conflict("This pair was marked as not the same already.") from error
