"""The weights as measured of one's own clients, kept in the database, measured anew when these grew by a tenth."""

from typing import Any, Final

import numpy as np
from django.db import connection
from django.db.backends.utils import CursorWrapper

from core.linking.comparing import compare
from core.linking.levels import BY_NAME
from core.linking.people import CLIENT_COLUMNS, People, Texts
from core.linking.weights import Weights, measure_u
from core.models import Client, LinkModel

# Below, nothing is kept and u stays the first guess: too few people to measure by.
ENOUGH: Final = 500
GROWN: Final = 0.10
SAMPLE: Final = 6000
RANDOM_PAIRS: Final = 200_000
KEPT_VERSIONS: Final = 3
MOST_VALUES: Final = 50_000
# What is counted of each field, as SQL over clients `c`.
_COUNTED: Final = {
    "first_name": "c.first_folded",
    "last_name": "c.last_folded",
    "full_name": "c.first_folded || '|' || c.last_folded",
    "dob": "to_char(c.dob, 'FMYYYYMMDD')",
    "phone": "right(c.phone_digits, 10)",
    "email": "lower(c.email)",
    "postal_code": "c.postal_key",
    "street": "ccd_street(c.address)",
    "city": "ccd_fold(c.address ->> 'city')",
}


def current() -> Weights:
    """The weights to decide by now; measured first where there are none or the clients changed by a tenth since."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM clients")
        number = cursor.fetchone()[0]
        kept = LinkModel.objects.first() if number >= ENOUGH else None
        if kept is not None and _still_holds(kept, number):
            return _loaded(kept, number)
        weights = _counted(cursor, number)
        if number < ENOUGH:
            return weights
        if kept is not None:
            weights.m, weights.trained_on = _arrays(kept.m), kept.trained_on
        measure_u(weights, _strangers(cursor, weights))
    return _save(weights)


def is_outgrown() -> bool:
    """Whether current() would measure now, and keep what it finds."""
    number = Client.objects.count()
    if number < ENOUGH:
        return False
    kept = LinkModel.objects.defer("m", "u", "frequencies").first()
    return kept is None or not _still_holds(kept, number)


def _still_holds(kept: LinkModel, number: int) -> bool:
    return abs(number - kept.clients) <= GROWN * kept.clients


def as_kept() -> Weights:
    """The weights as they were measured last, without keeping anything: for who only looks. Where nothing was kept, few
    clients are counted, and with more the first guess holds until a file or find_duplicates measures.
    """
    number = Client.objects.count()
    kept = LinkModel.objects.first()
    if kept is not None:
        return _loaded(kept, number)
    if number >= ENOUGH:
        return Weights(clients=number)
    with connection.cursor() as cursor:
        return _counted(cursor, number)


def _counted(cursor: CursorWrapper, number: int) -> Weights:
    weights = Weights(clients=number)
    for name in _COUNTED:
        _count(cursor, weights, name)
    return weights


def keep_learnt(weights: Weights) -> None:
    """Remember m as learnt from a file, for the next one, where it was learnt from at least as much."""
    if weights.version:
        LinkModel.objects.filter(version=weights.version, trained_on__lte=weights.trained_on).update(
            m=_lists(weights.m), trained_on=weights.trained_on
        )


def _loaded(kept: LinkModel, number: int) -> Weights:
    return Weights(
        clients=number,
        version=kept.version,
        trained_on=kept.trained_on,
        m=_arrays(kept.m),
        u=_arrays(kept.u),
        counts=kept.frequencies["counts"],
        rest=kept.frequencies["rest"],
    )


def _save(weights: Weights) -> Weights:
    row = LinkModel.objects.create(
        clients=weights.clients,
        trained_on=weights.trained_on,
        m=_lists(weights.m),
        u=_lists(weights.u),
        frequencies={"counts": weights.counts, "rest": weights.rest},
    )
    weights.version = row.version
    LinkModel.objects.filter(version__lte=row.version - KEPT_VERSIONS).delete()
    return weights


def _arrays(lists: dict[str, list[float]]) -> dict[str, np.ndarray]:
    """From JSON, with the first guess for a field that is newer than the kept model."""
    guess = Weights().m
    return {name: np.array(lists.get(name, guess[name])) for name in BY_NAME}


def _lists(arrays: dict[str, np.ndarray]) -> dict[str, list[float]]:
    return {name: [float(f"{value:.4g}") for value in array] for name, array in arrays.items()}


def _count(cursor: CursorWrapper, weights: Weights, name: str) -> None:
    """Count the common values of a field, and how often any other one is there on average."""
    least = max(2, weights.clients // 200_000)
    cursor.execute(
        f"""
        WITH counted AS MATERIALIZED (
            SELECT value, count(*) AS number FROM (SELECT {_COUNTED[name]} AS value FROM clients c) v
            WHERE value <> '' GROUP BY value
        )
        (SELECT value, number::float8 FROM counted WHERE number >= %(least)s ORDER BY number DESC, value LIMIT %(most)s)
        UNION ALL SELECT NULL, avg(number)::float8 FROM counted WHERE number < %(least)s
        """,
        {"least": least, "most": MOST_VALUES},
    )
    found: dict[Any, float] = dict(cursor.fetchall())
    weights.rest[name] = found.pop(None, None) or 1.0
    weights.counts[name] = {value: int(number) for value, number in found.items()}


def _strangers(cursor: CursorWrapper, weights: Weights) -> Any:
    """Pairs of clients drawn at random, always the same of the same clients."""
    if weights.clients > 4 * SAMPLE:
        share = min(100.0, 120.0 * SAMPLE / weights.clients)
        source = f"clients c TABLESAMPLE BERNOULLI ({share:.6f}) REPEATABLE (1)"
    else:
        source = "clients c"
    cursor.execute(
        f"SELECT {CLIENT_COLUMNS} FROM {source} ORDER BY uuid_hash(c.client_id), c.client_id LIMIT %s", [SAMPLE]
    )
    people = People.of(cursor.fetchall(), Texts())
    dice = np.random.default_rng(1)
    i, j = (dice.integers(0, len(people), RANDOM_PAIRS) for _ in range(2))
    return compare(people, i[i != j], people, j[i != j], weights.is_known)
