"""What a row's scores come to: linked by itself, held for a person, or nobody we know; and the evidence for it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from typing import Any
from uuid import UUID

import numpy as np

from core.linking.comparing import Compared
from core.linking.levels import FIELDS
from core.linking.parameters import Parameters
from core.linking.scoring import Scored
from core.linking.weights import Weights

SHOWN = 5


@dataclass(frozen=True, slots=True)
class Verdict:
    """Of one owner (a row): 'same' or 'maybe'; pairs are places in the scored columns, best first."""

    owner: int
    word: str
    pairs: tuple[int, ...]
    total: float
    bar: str  # what forbade an automatic link where the bits would have sufficed


def likely(scored: Scored, parameters: Parameters) -> np.ndarray:
    """The places of the pairs that are looked at. Hopeless ones are no candidates; of the others those from `hold_bits`
    are.
    """
    return np.flatnonzero(~scored.hopeless & (scored.total >= min(parameters.hold_bits, parameters.auto_bits)))


def verdicts(
    pairs: np.ndarray, scored: Scored, owner: np.ndarray, key: np.ndarray, parameters: Parameters
) -> Iterator[Verdict]:
    """One verdict per owner of the `likely` pairs. `key` is equal for records of one client; the best of them stands
    for all. The best is linked by itself from `auto_bits`, where nothing bars it and the next one is `margin_bits`
    behind.
    """
    order = pairs[np.lexsort((-scored.total[pairs], owner[pairs]))]
    columns = (values[order].tolist() for values in (owner, key, scored.total))
    for number, group in groupby(zip(order.tolist(), *columns, strict=True), key=itemgetter(1)):
        best: dict[int, tuple[int, float]] = {}
        for pair, _, client, total in group:
            best.setdefault(client, (pair, total))
        places, totals = zip(*best.values(), strict=True)
        yield _of_one(number, places, totals, scored.bar_of(places[0]), parameters)


def _of_one(owner: int, pairs: tuple[int, ...], totals: tuple[float, ...], bar: str, parameters: Parameters) -> Verdict:
    total = totals[0]
    behind = total - totals[1] if len(totals) > 1 else np.inf
    if total >= parameters.auto_bits and not bar and behind < parameters.margin_bits:
        bar = "margin"
    same = parameters.links and total >= parameters.auto_bits and not bar
    return Verdict(owner, "same" if same else "maybe", pairs, total, bar)


class Telling:
    """Scored pairs, to be told one by one: what a page needs to explain every bit of a decision, as JSON that
    core.linking.evidence reads.
    """

    def __init__(
        self, pairs: np.ndarray, compared: Compared, scored: Scored, weights: Weights, parameters: Parameters
    ) -> None:
        """`pairs` are the places of those that may be told."""
        self._place = {pair: place for place, pair in enumerate(pairs.tolist())}
        self._totals, self._bars = scored.total[pairs].tolist(), [scored.bar_of(pair) for pair in pairs]
        self._fields = [
            (f.name, ("", *f.levels), compared.levels[f.name][pairs].tolist(), _rounded(scored.bits[f.name][pairs]))
            for f in FIELDS
        ]
        self._sums = [(name, _rounded(scored.bits[name][pairs])) for name in ("full_name", "household", "prior")]
        self._auto_bits = parameters.auto_bits
        self._frame = {
            "model": weights.version,
            "learnt_from": weights.trained_on,
            "exact": parameters.exact_bits,
            "thresholds": [parameters.auto_bits, parameters.hold_bits, parameters.margin_bits],
        }

    def row(self, verdict: Verdict, keys: Sequence[UUID]) -> dict[str, Any]:
        """Of a row with the clients of its pairs."""
        shown = zip(verdict.pairs[:SHOWN], keys, strict=False)
        return self._framed(verdict.word, verdict.bar, [self._told(pair, key) for pair, key in shown])

    def pair(self, pair: int, other: UUID) -> dict[str, Any]:
        """Of two clients, whatever the switch: a person decides on them."""
        place = self._place[pair]
        bar = self._bars[place]
        word = "same" if self._totals[place] >= self._auto_bits and not bar else "maybe"
        return self._framed(word, bar, [self._told(pair, other)])

    def _framed(self, word: str, bar: str, candidates: list[dict[str, Any]]) -> dict[str, Any]:
        return {"verdict": word, "bar": bar, **self._frame, "candidates": candidates}

    def _told(self, pair: int, client: UUID) -> dict[str, Any]:
        """Bits of one pair: the total, field by field [level, bits], what bars it, and the sums that are no field."""
        at = self._place[pair]
        bits = {name: [words[level[at]], worth[at]] for name, words, level, worth in self._fields if level[at]}
        bits.update((name, ["", worth[at]]) for name, worth in self._sums if worth[at])
        return {"client": str(client), "total": round(self._totals[at], 2), "bar": self._bars[at], "bits": bits}


def _rounded(bits: np.ndarray) -> list[float]:
    return np.round(bits, 2).tolist()
