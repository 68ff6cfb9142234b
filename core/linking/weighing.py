"""Two clients whom a person has in front of them, weighed: the bits of a pair, whoever found it. Reads only."""

from typing import Any, Final

import numpy as np
from django.db import connection

from core.linking import model, parameters
from core.linking.comparing import compare
from core.linking.people import CLIENT_COLUMNS, People, Texts
from core.linking.scoring import score
from core.linking.verdict import Telling
from core.models import Client

_ONE: Final = f"SELECT {CLIENT_COLUMNS}, false FROM clients c WHERE c.client_id = %s"


def weigh(client: Client, other: Client) -> dict[str, Any]:
    """The evidence for one person, as core.linking.evidence reads it, by the parameters and weights of now."""
    weights, texts = model.as_kept(), Texts()
    settings = parameters.current().among(weights.clients)
    mine, theirs = (People.of(_rows(one), texts) for one in (client, other))
    only = np.zeros(1, dtype=np.int64)
    compared = compare(mine, only, theirs, only, weights.is_known)
    scored = score(compared, weights, texts)
    return Telling(only, compared, scored, weights, settings).pair(0, other.pk)


def _rows(client: Client) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(_ONE, [client.pk])
        return cursor.fetchall()
