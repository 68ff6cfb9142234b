"""The model behind the bits: m, u and how common values are. Pure; core.linking.model keeps it in the database.

Fellegi and Sunter (1969): the weight of a field is log2(m / u), m being how often the two records of one person agree
on that level, u how often those of two people do. Where a value agrees, u is how common that very value is among one's
own clients (Winkler's frequency weights, as in Splink's term-frequency adjustment).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from core.linking.comparing import Compared
from core.linking.levels import BY_NAME, DOB_SAME, FIELDS, SAME, TYPO
from core.linking.names import MAY_BE, NAME, NO_NAME, variants
from core.linking.people import Texts

# Own measurements count fully beside this many invented observations of the first guess.
SEEN = 2.0  # for how common a value is
PRIOR_PAIRS = 20_000  # for u
PRIOR_MATCHES = 200  # for m
FLOOR = 0.3  # of the first guess, below which no m falls: what was never seen here does happen
CEILING = 2.0  # times the first guess, above which "different" does not rise for name and date
NAMES = ("first_name", "last_name")
# Clients from which a first name that hardly one of them has is a slip.
TELLS_NAMES = 10_000
# A link by anything less than the same name and date is weighed as if at least so many people could be meant.
AT_LEAST = 200_000


def _first(kind: str) -> dict[str, np.ndarray]:
    return {f.name: np.array(getattr(f, kind), dtype=float) for f in FIELDS}


@dataclass(slots=True)
class Weights:
    """m and u per field and level; counts of values per field (only of common ones, `rest` for any other)."""

    clients: int = 0
    version: int = 0
    trained_on: int = 0
    m: dict[str, np.ndarray] = field(default_factory=lambda: _first("m"))
    u: dict[str, np.ndarray] = field(default_factory=lambda: _first("u"))
    counts: dict[str, dict[str, int]] = field(default_factory=dict)
    rest: dict[str, float] = field(default_factory=dict)

    @property
    def prior(self) -> float:
        """Bits before anything was compared: any one of so many people could be meant."""
        return -float(np.log2(max(self.clients, AT_LEAST)))

    @property
    def exact_prior(self) -> float:
        """The same for equal name and date, which is evidence enough in a small agency, too."""
        return -float(np.log2(max(self.clients, 1)))

    def is_known(self, name: str) -> int:
        """Whether this is a first name in its own right: of several clients, or in the kept table. What a big agency
        has never met is none; in a small one it may be.
        """
        if name in variants() or self.counts.get("first_name", {}).get(name, 0) >= max(3, self.clients * 2e-5):
            return NAME
        return NO_NAME if self.clients >= TELLS_NAMES else MAY_BE

    def bits(self, pairs: Compared, frequencies: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Bits of every field of every pair, and what is taken off again where a full name is commoner than its parts
        would make it: first and last names go together by community. `frequencies` as they are below.
        """
        bits = {f.name: self._bits(f.name, pairs.levels[f.name], frequencies.get(f.name)) for f in FIELDS}
        parts = bits["first_name"] + bits["last_name"]
        bits["full_name"] = np.minimum(frequencies["full_name"] - parts, 0.0)
        return bits

    def _bits(self, name: str, levels: np.ndarray, frequency: np.ndarray | None) -> np.ndarray:
        """The weight of the level; of an equal value its own; a slip says less than the commoner of the two names."""
        found = np.concatenate([[0.0], np.log2(self.m[name] / self.u[name])])[levels]
        if frequency is None:
            return found
        if name in NAMES:
            slip = (levels > SAME) & (found > 0)
            found[slip] = np.minimum(found[slip], frequency[slip] - 1)
        same = levels == SAME
        found[same] = np.log2(self.m[name][0]) + frequency[same]
        return found

    def frequencies(self, pairs: Compared, texts: Texts) -> dict[str, np.ndarray]:
        """What the values of each pair are worth by how common they are, in bits; of two names the commoner one. It
        stays the same while m is learnt.
        """
        found = {name: self._frequency(name, pairs, texts) for name in pairs.values}
        found["full_name"] = self._full_name(pairs, texts)
        return found

    def _frequency(self, name: str, pairs: Compared, texts: Texts) -> np.ndarray:
        levels, is_name = pairs.levels[name], name in NAMES
        found = np.zeros(len(levels))
        at = np.flatnonzero(levels >= SAME if is_name else levels == SAME)
        mine, theirs = (codes[at] for codes in pairs.values[name])
        weight = -np.log2(self._shares_of(name, mine, texts))
        if is_name:
            weight = np.minimum(weight, -np.log2(self._shares_of(name, theirs, texts)))
            swapped = np.flatnonzero(pairs.levels["order"][at])
            if len(swapped):  # a name in the other's place may be commoner there
                other = NAMES[1 - NAMES.index(name)]
                there = -np.log2(self._shares_of(other, mine[swapped], texts))
                weight[swapped] = np.minimum(weight[swapped], there)
        found[at] = weight
        return found

    def _full_name(self, pairs: Compared, texts: Texts) -> np.ndarray:
        """Bits of a full name that agrees, by how common it is; where none does, infinitely many: nothing is lost."""
        found = np.full(len(pairs), np.inf)
        at = np.flatnonzero((pairs.levels["first_name"] == SAME) & (pairs.levels["last_name"] == SAME))
        if len(at) and self.clients:
            (first, _), (last, _) = pairs.values["first_name"], pairs.values["last_name"]
            counts, rest = self.counts.get("full_name", {}), self.rest.get("full_name", 1.0)
            names, where = np.unique(first[at] << 32 | last[at], return_inverse=True)
            full = (f"{texts.list[name >> 32]}|{texts.list[name & 0xFFFFFFFF]}" for name in names.tolist())
            seen = np.array([counts.get(name, rest) for name in full], dtype=float)
            at_random = self.u["first_name"][0] * self.u["last_name"][0]
            found[at] = -np.log2(np.maximum(seen - 1, 1e-9) / (self.clients + SEEN / at_random))[where]
        return found

    def _shares_of(self, name: str, codes: np.ndarray, texts: Texts) -> np.ndarray:
        values, where = np.unique(codes, return_inverse=True)
        return self.shares(name, [str(value) if name == "dob" else texts.list[value] for value in values])[where]

    def shares(self, name: str, values: Sequence[str]) -> np.ndarray:
        """How common each value is: as often as it was seen beside the pair itself; where it was hardly seen, as common
        as values mostly are (u of "same").
        """
        counts, rest = self.counts.get(name, {}), self.rest.get(name, 1.0)
        seen = np.array([counts.get(value, rest) for value in values], dtype=float)
        share = (np.maximum(seen - 1, 0) + SEEN) / (self.clients + SEEN / self.u[name][0])
        return np.clip(share, 1e-9, 1.0)


def shares_of_levels(pairs: Compared, name: str, weight: np.ndarray | None = None) -> np.ndarray:
    """How many pairs (or how much of `weight`) stand on each level of a field, missing ones left out."""
    number = len(BY_NAME[name].levels)
    return np.bincount(pairs.levels[name], weights=weight, minlength=number + 1)[1 : number + 1].astype(float)


def measure_u(weights: Weights, pairs: Compared) -> None:
    """Take u from pairs of clients at random, drawn towards the first guess where there are few. Who agrees in two of
    first name, last name and date of birth may be one person entered twice, and is left out.
    """
    levels = pairs.levels
    names = [(levels[name] >= SAME) & (levels[name] <= TYPO) for name in NAMES]
    strangers = (names[0].astype(int) + names[1] + (levels["dob"] == DOB_SAME) < 2).astype(float)
    for f in FIELDS:
        if f.name in ("order", "source"):
            continue
        found = shares_of_levels(pairs, f.name, strangers) + PRIOR_PAIRS * np.array(f.u)
        weights.u[f.name] = np.maximum(found / found.sum(), 1e-6)


def learn_m(weights: Weights, pairs: Compared, chance: np.ndarray) -> None:
    """One M step: m from pairs weighed by the chance that they are one person, drawn towards the first guess."""
    for f in FIELDS:
        if f.name in ("order", "source"):
            continue
        guess = np.array(f.m)
        found = shares_of_levels(pairs, f.name, chance) + PRIOR_MATCHES * guess
        share = np.maximum(found / found.sum(), FLOOR * guess)
        if f.name in ("first_name", "last_name", "dob"):  # namesakes and families would teach that these do not matter
            share[-1] = min(share[-1], CEILING * guess[-1])
        weights.m[f.name] = share


def is_exact(pairs: Compared) -> np.ndarray:
    """The same first name, last name and date of birth, not swapped."""
    levels = pairs.levels
    same = (levels["first_name"] == SAME) & (levels["last_name"] == SAME)
    return same & (levels["dob"] == DOB_SAME) & (levels["order"] == 0)
