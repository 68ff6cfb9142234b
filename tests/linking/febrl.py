"""FEBRL records as clients, every pair of them that shares a match key, and how well a score tells the true ones."""

from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import NAMESPACE_OID, uuid5

import numpy as np
from django.db import connection, transaction

from core import audit
from core.linking import duplicates, model
from core.linking.comparing import compare
from core.linking.people import CLIENT_COLUMNS, People, Texts
from core.linking.scoring import learn, score
from core.models import Client


@dataclass(frozen=True, slots=True)
class Curve:
    """The best F1 over all thresholds, and the recall where the precision is still .999."""

    f1: float
    recall: float


def curve(total: np.ndarray, true: np.ndarray, wanted: int) -> Curve:
    """Of scored pairs and whether each is true; `wanted` is how many true pairs there are at all."""
    found = np.cumsum(true[np.argsort(-total, kind="stable")])
    named = np.arange(1, len(found) + 1)
    sure = found[found / named >= 0.999]
    return Curve(float((2 * found / (named + wanted)).max()), float(sure.max() / wanted) if len(sure) else 0.0)


def enter(records: Any, *, address: bool) -> list[str]:
    """Enter the records as clients, but for those without any name; gives their keys in the order of client_id."""
    made = [
        _client(key, record, address)
        for key, record in zip(records.index, records.itertuples(index=False), strict=True)
    ]
    named = {
        client.pk: key for client, key in zip(made, records.index, strict=True) if client.first_name or client.last_name
    }
    clients = [client for client in made if client.pk in named]
    with audit.acting(None, channel="command"):
        Client.objects.bulk_create(clients)
    return [named[key] for key in sorted(named)]


def _client(key: str, record: Any, address: bool) -> Client:
    def text(value: Any) -> str:
        return "" if value is None or value != value else str(value)

    try:
        born = date(
            *(int(part) for part in (record.date_of_birth[:4], record.date_of_birth[4:6], record.date_of_birth[6:]))
        )
    except (TypeError, ValueError):  # missing, or an impossible date
        born = None
    where = {
        "street": f"{text(record.street_number)} {text(record.address_1)}".strip(),
        "city": text(record.suburb),
        "postal_code": text(record.postcode),
    }
    return Client(
        client_id=uuid5(NAMESPACE_OID, key),  # the sample that u is measured on is taken by key: the same in every run
        first_name=text(record.given_name),
        last_name=text(record.surname),
        dob=born,
        address={name: value for name, value in where.items() if value} or None if address else None,
    )


def scored_pairs() -> tuple[np.ndarray, np.ndarray]:
    """Pairs of clients (places by client_id) that share a key, and their bits, with m learnt from them."""
    with transaction.atomic(), connection.cursor() as cursor:
        weights = model.current()
        cursor.execute(duplicates._SHARED)
        cursor.execute(duplicates._PAIRS, {"low": 0, "high": 1_000_000})
        pairs = np.array(cursor.fetchall(), dtype=np.int64)
        cursor.execute(f"SELECT {CLIENT_COLUMNS} FROM clients c ORDER BY c.client_id")
        people = People.of(cursor.fetchall(), Texts())
    i, j = pairs.T
    compared = compare(people, i, people, j, weights.is_known)
    learn(compared, weights, people.texts, owners=len(people))
    return pairs, score(compared, weights, people.texts).total


def measure(records: Any, *, address: bool, of_all: bool = False) -> Curve:
    """Enter the records and score them. The duplicates of one original share the number in its name.

    A record without any name is no client (its row waits for someone); its pairs count as missed with `of_all` only.
    """
    keys = enter(records, address=address)
    names = np.array([key.split("-")[1] for key in keys])
    pairs, total = scored_pairs()
    _, sizes = np.unique([key.split("-")[1] for key in (records.index if of_all else keys)], return_counts=True)
    true = names[pairs[:, 0]] == names[pairs[:, 1]]
    return curve(total, true, int((sizes * (sizes - 1) // 2).sum()))
