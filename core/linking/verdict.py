"""What a row's scores come to: linked by itself, held for a person, or nobody we know; and the evidence for it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import numpy as np

from core.linking.comparing import Compared
from core.linking.levels import FIELDS, MISSING
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


def verdicts(scored: Scored, owner: np.ndarray, key: np.ndarray, parameters: Parameters) -> Iterator[Verdict]:
    """One verdict per owner. `key` is equal for records of one client; the best of them stands for all.

    Hopeless pairs are no candidates; of the others those from `hold_bits` are. The best is linked by itself from
    `auto_bits`, where nothing bars it and the next one is `margin_bits` behind.
    """
    order = np.lexsort((-scored.total, owner))
    order = order[(~scored.hopeless & (scored.total >= min(parameters.hold_bits, parameters.auto_bits)))[order]]
    if len(order):
        for group in np.split(order, np.flatnonzero(np.diff(owner[order])) + 1):
            yield _of_one(scored, owner, key, group, parameters)


def _of_one(scored: Scored, owner: np.ndarray, key: np.ndarray, group: np.ndarray, parameters: Parameters) -> Verdict:
    best: dict[int, int] = {}
    for pair in group:
        best.setdefault(int(key[pair]), int(pair))
    pairs = tuple(best.values())
    total = float(scored.total[pairs[0]])
    behind = total - float(scored.total[pairs[1]]) if len(pairs) > 1 else np.inf
    bar = scored.bar_of(pairs[0])
    if total >= parameters.auto_bits and not bar and behind < parameters.margin_bits:
        bar = "margin"
    same = parameters.links and total >= parameters.auto_bits and not bar
    return Verdict(int(owner[pairs[0]]), "same" if same else "maybe", pairs, total, bar)


def evidence(
    verdict: Verdict, compared: Compared, scored: Scored, keys: Sequence[UUID], weights: Weights, parameters: Parameters
) -> dict[str, Any]:
    """What a page needs to explain every bit of a decision, as JSON: core.linking.evidence reads it."""
    candidates = [
        {"client": str(key), **told(pair, compared, scored)}
        for pair, key in zip(verdict.pairs[:SHOWN], keys, strict=False)
    ]
    return _framed(verdict.word, verdict.bar, candidates, weights, parameters)


def evidence_of_pair(
    pair: int, compared: Compared, scored: Scored, other: UUID, weights: Weights, parameters: Parameters
) -> dict[str, Any]:
    """The same of two clients, whatever the switch: a person decides on them."""
    bar = scored.bar_of(pair)
    word = "same" if scored.total[pair] >= parameters.auto_bits and not bar else "maybe"
    return _framed(word, bar, [{"client": str(other), **told(pair, compared, scored)}], weights, parameters)


def _framed(
    word: str, bar: str, candidates: list[dict[str, Any]], weights: Weights, parameters: Parameters
) -> dict[str, Any]:
    return {
        "verdict": word,
        "bar": bar,
        "model": weights.version,
        "learnt_from": weights.trained_on,
        "thresholds": [parameters.auto_bits, parameters.hold_bits, parameters.margin_bits],
        "candidates": candidates,
    }


def told(pair: int, compared: Compared, scored: Scored) -> dict[str, Any]:
    """Bits of one pair: the total, field by field [level, bits], what bars it, and the sums that are no field."""
    bits = {}
    for field in FIELDS:
        level = int(compared.levels[field.name][pair])
        if level != MISSING:
            bits[field.name] = [field.levels[level - 1], round(float(scored.bits[field.name][pair]), 2)]
    for name in ("full_name", "household", "prior"):
        value = float(scored.bits[name][pair])
        if value:
            bits[name] = ["", round(value, 2)]
    return {"total": round(float(scored.total[pair]), 2), "bar": scored.bar_of(pair), "bits": bits}
