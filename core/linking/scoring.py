"""From compared pairs to scores in bits, to what forbids an automatic link, and to learning m from the pairs (EM)."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from rapidfuzz.distance import OSA
from rapidfuzz.process import cpdist

from core.linking import levels as lv
from core.linking.comparing import Compared
from core.linking.people import Texts
from core.linking.weights import Weights, is_exact, learn_m

# Why a pair is not linked by itself whatever its bits say: code → sentence.
BARS: Final = {
    "first_name": "The first names are different: a twin, a sibling or a partner may share everything else.",
    "gender": "The first names differ and so does the gender: they may be twins.",
    "dob": "The dates of birth are different: a parent and a child may share the name, the phone and the address.",
    "generation": "The years of birth are a generation apart: a parent and a child may share everything else.",
    "last_name": "The last names do not agree, and nothing of phone, e-mail and address makes up for it.",
    "evidence": "Too little is known of one of the two: without a date of birth only an e-mail address tells a parent "
    "from a child of the same name, without a first name a phone or an e-mail address is needed.",
    "slips": "The date of birth is not quite the same, nor is a name, and neither phone, e-mail nor address agrees.",
    "source": "The source knows this client by another identifier.",
}
_CODES: Final = ("", *BARS)
# Days from which two people of one name may be parent and child, and up to which they are no sisters or brothers and
# a date may be a slip over the end of a month.
GENERATION: Final = 12 * 365
SLIP: Final = 31


@dataclass(slots=True)
class Scored:
    """Total and bits of pairs; `bar` is a number in _CODES (0: none); the hopeless are no candidates."""

    total: np.ndarray
    bits: dict[str, np.ndarray]
    bar: np.ndarray
    hopeless: np.ndarray

    def bar_of(self, i: int) -> str:
        """The code of what forbids linking pair i by itself, or ''."""
        return _CODES[self.bar[i]]


def score(pairs: Compared, weights: Weights, texts: Texts, *, prior: float | None = None) -> Scored:
    """Score compared pairs. `prior`: bits before anything was compared, where it is not a client who is meant."""
    apart = days_apart(*pairs.values["dob"])
    bits = _bits(pairs, weights, weights.frequencies(pairs, texts))
    bits["prior"] = np.where(is_exact(pairs), weights.exact_prior, weights.prior if prior is None else prior)
    bars = _bars(pairs.levels, apart, beyond_a_slip(pairs, texts))
    return Scored(sum(bits.values()), bits, bars, hopeless(pairs))


def _bits(pairs: Compared, weights: Weights, frequencies: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Of everything that was compared: all but the prior."""
    bits = weights.bits(pairs, frequencies)
    bits["household"] = _household(pairs.levels, bits)
    return bits


def _household(levels: dict[str, np.ndarray], bits: dict[str, np.ndarray]) -> np.ndarray:
    """What is taken off again of phone, e-mail and address, which tell one fact several times. Who lives in the same
    street and number has the same postal code.
    """
    both = (levels["street"] == 1) & (levels["postal_code"] == 1)
    twice = np.where(both, np.maximum(np.minimum(bits["street"], bits["postal_code"]), 0.0), 0.0)
    told = sum(bits[name] for name in lv.CONTACT)
    return np.minimum(told - twice, lv.CONTACT_CAP) - told


def days_apart(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Days between dates as yyyymmdd, to a day or two, also of impossible ones; 0 where one is missing."""

    def day(date: np.ndarray) -> np.ndarray:
        return date // 10_000 * 365.2425 + date // 100 % 100 * 30.44 + date % 100

    return np.where((a > 0) & (b > 0), np.abs(day(a) - day(b)), 0.0)


def _bars(levels: dict[str, np.ndarray], apart: np.ndarray, other_first: np.ndarray) -> np.ndarray:
    """The first bar that applies to each pair. A household shares its address, and twins their phone: what it takes to
    pass over a doubt is weighed against who else would agree in the rest. Of one name at one address nobody else is
    born a few days earlier or later. `other_first`: where beyond_a_slip().
    """
    first, last, dob = levels["first_name"], levels["last_name"], levels["dob"]
    reached = (levels["phone"] == 1) | (levels["email"] == 1)
    street, postal = levels["street"], levels["postal_code"]
    at_home = reached | (street == 1) & (postal <= 2) | (street == 2) & (postal == 1)
    sure_of_first = (first == lv.SAME) | (first == lv.VARIANT)
    # Who lives with a parent has the address, and may have a phone of their own: it then takes more than the address.
    at_home_alone = at_home & (reached | (levels["phone"] != 3))
    tests = {
        "first_name": (first >= lv.KIN) | other_first | (last == lv.DIFFERENT) & ~sure_of_first,
        "gender": (levels["gender"] == 2) & ~sure_of_first,
        "dob": (dob == lv.DOB_DIFFERENT) & (apart > SLIP) | (dob >= lv.DOB_NEAR) & ~at_home_alone,
        "generation": apart >= GENERATION,
        "last_name": ((last == lv.DIFFERENT) | (last == lv.MISSING)) & ~(at_home & (dob == lv.DOB_SAME)),
        "evidence": ((first == lv.MISSING) | (first == lv.INITIAL)) & ~reached
        | (dob == lv.MISSING) & (levels["email"] != 1),
        "slips": _slips(levels) & ~at_home,
        "source": levels["source"] == 1,
    }
    found = np.zeros(len(first), dtype=np.uint8)
    for number, code in reversed(list(enumerate(tests, start=1))):
        found[tests[code]] = number
    return found


def beyond_a_slip(pairs: Compared, texts: Texts) -> np.ndarray:
    """Whether the last names and dates of birth of pairs are the same and their first names look alike, but are more
    than one slip of the pen apart and neither begins the other: Marisol and Maribel. Twins' names are often made to
    look alike, and no table of names has them all.
    """
    levels = pairs.levels
    first = levels["first_name"]
    found = np.zeros(len(first), dtype=bool)
    siblings = (levels["last_name"] == lv.SAME) & (levels["dob"] == lv.DOB_SAME)
    alike = np.flatnonzero(siblings & ((first == lv.TYPO) | (first == lv.ALIKE)))
    if len(alike):
        x, y = ([texts.list[code] for code in side[alike]] for side in pairs.values["first_name"])
        begins = np.array([p.startswith(q) or q.startswith(p) for p, q in zip(x, y, strict=True)])
        found[alike] = (cpdist(x, y, scorer=OSA.distance, score_cutoff=1) > 1) & ~begins
    return found


def _slips(levels: dict[str, np.ndarray]) -> np.ndarray:
    """The date is not quite the same, nor is a name or their order. Of names alone the bits tell enough."""
    names = (levels["first_name"] > lv.VARIANT) | (levels["last_name"] > lv.VARIANT) | (levels["order"] == 1)
    return names & (levels["dob"] > lv.DOB_SAME)


def hopeless(pairs: Compared) -> np.ndarray:
    """Two people, whatever they share: neither first name nor date of birth agrees; another first and last name; and
    unless an e-mail address says otherwise, since a household shares its phone: twins, and a generation apart.
    """
    levels, apart = pairs.levels, days_apart(*pairs.values["dob"])
    first, last, dob = levels["first_name"], levels["last_name"], levels["dob"]
    others = (first == lv.DIFFERENT) & ((dob >= lv.DOB_NEAR) | (last == lv.DIFFERENT))
    twins = (first == lv.DIFFERENT) & (dob != lv.MISSING)
    parents = (dob == lv.DOB_DIFFERENT) & (apart >= GENERATION)
    return others | (twins | parents) & (levels["email"] != 1)


def chances(total: np.ndarray) -> np.ndarray:
    """The chance of each pair to be one person, from its bits."""
    return 1.0 / (1.0 + np.exp2(-np.clip(total, -60.0, 60.0)))


def learn(pairs: Compared, weights: Weights, texts: Texts, *, owners: int, rounds: int = 8) -> None:
    """EM over the pairs found for `owners` people; u stays. What looks like one person says how often fields agree.

    How many of all possible pairs are one person is learnt along the way and forgotten again: decisions start from the
    careful prior. Hopeless pairs say nothing. How common the values are stays the same from round to round.
    """
    if not len(pairs):
        return
    share = 1.0 / max(weights.clients, 1)
    frequencies = weights.frequencies(pairs, texts)
    beyond = hopeless(pairs)
    for _ in range(rounds):
        chance = chances(sum(_bits(pairs, weights, frequencies).values()) + np.log2(share))
        chance[beyond] = 0.0
        learn_m(weights, pairs, chance)
        share = max(chance.sum(), 1.0) / (owners * max(weights.clients, 1))
    weights.trained_on = int(chance.sum())
