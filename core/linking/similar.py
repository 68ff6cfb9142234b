"""Who of the known clients a person about to be entered may be: the same keys and bits as for a row of a daily file."""

import json
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import numpy as np
from django.db import connection

from core.linking import model, parameters
from core.linking.candidates import CAPS
from core.linking.comparing import compare
from core.linking.people import CLIENT_COLUMNS, People, Texts
from core.linking.scoring import score
from core.models import Client

SHOWN: Final = 5

_ME: Final = """
SELECT c.*, ccd_match_keys(c.first_folded, c.last_folded, c.dob, c.phone_digits, c.email, c.postal_key,
                           ccd_street(c.address)) AS keys
FROM (SELECT ccd_fold(%(first_name)s) AS first_folded, ccd_fold(%(last_name)s) AS last_folded,
             %(preferred_name)s::text AS preferred_name, %(alias)s::text AS alias, %(gender)s::text AS gender,
             ccd_digits(%(phone_number)s) AS phone_digits, %(email)s::text AS email, %(dob)s::date AS dob,
             %(address)s::jsonb AS address, ccd_postal_key(%(address)s::jsonb) AS postal_key) c
"""
_CLIENTS: Final = f"""
WITH me AS MATERIALIZED ({_ME}), blocks AS (
    SELECT b.clients FROM me CROSS JOIN LATERAL unnest(me.keys) WITH ORDINALITY AS k (key, kind)
    CROSS JOIN LATERAL (
        SELECT array_agg(client_id) AS clients FROM (
            SELECT c.client_id FROM client_keys c WHERE c.key = k.key
            LIMIT (ARRAY[{",".join(map(str, CAPS))}])[k.kind] + 1
        ) one
    ) b WHERE cardinality(b.clients) <= (ARRAY[{",".join(map(str, CAPS))}])[k.kind]
), found AS (SELECT DISTINCT unnest(clients) AS client_id FROM blocks)
SELECT {CLIENT_COLUMNS}, false, coalesce(c.linked_to, c.client_id)
FROM found JOIN clients c USING (client_id) ORDER BY c.client_id
"""


@dataclass(frozen=True, slots=True)
class Similar:
    """A client who may be the person, and the bits that speak for it."""

    client: UUID
    bits: float


def similar_to(person: Client) -> list[Similar]:
    """The clients who may be this person, who is not saved yet; likeliest first, at most SHOWN. Reads only.

    From the bits on from which a row of a daily file would be held (core.linking.parameters), whatever the switch says.
    """
    values = _values(person)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {CLIENT_COLUMNS} FROM ({_ME}) c", values)
        me = cursor.fetchall()
        cursor.execute(_CLIENTS, values)
        rows = cursor.fetchall()
    if not rows:
        return []
    texts, weights = Texts(), model.as_kept()
    mine, others = People.of(me, texts), People.of(rows, texts)
    i, j = np.zeros(len(rows), dtype=np.int64), np.arange(len(rows))
    scored = score(compare(mine, i, others, j, weights.is_known), weights, texts)
    return _best(
        scored, [row[-1] for row in rows], parameters.current().among(weights.clients).hold_bits, but=person.pk
    )


def _values(person: Client) -> dict[str, Any]:
    names = ("first_name", "last_name", "preferred_name", "alias", "gender", "phone_number", "email", "dob")
    values = {name: getattr(person, name) for name in names}
    return {**values, "address": json.dumps(person.address) if person.address else None}


def _best(scored: Any, keys: list[UUID], least: float, *, but: UUID) -> list[Similar]:
    """One per client: of records linked to one another the best stands for all."""
    best: dict[UUID, float] = {}
    for pair in np.argsort(-scored.total):
        key = keys[pair]
        if key != but and not scored.hopeless[pair] and scored.total[pair] >= least:
            best.setdefault(key, round(float(scored.total[pair]), 1))
    return [Similar(key, bits) for key, bits in list(best.items())[:SHOWN]]
