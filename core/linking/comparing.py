"""Pairs of people compared field by field: levels and agreed values, as columns."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from rapidfuzz.distance import OSA, JaroWinkler
from rapidfuzz.process import cpdist

from core.linking import levels as lv
from core.linking.names import Known, name_levels
from core.linking.people import NAMES, Codes, People, Texts

# How good a level is when straight and swapped names are weighed against each other, in bits, roughly.
_WORTH = np.array([0, 8, 5, 4, 2, 2, 1, 0, -4])


@dataclass(slots=True)
class Compared:
    """Levels per field, and per field with counted frequencies the codes of both values (of a date: yyyymmdd)."""

    levels: dict[str, np.ndarray]
    values: dict[str, tuple[Codes, Codes]]

    def __len__(self) -> int:
        return len(self.levels["dob"])


def compare(a: People, i: np.ndarray, b: People, j: np.ndarray, known: Known) -> Compared:
    """Compare a[i] with b[j]. Both sides share their texts."""
    texts = a.texts
    pairs = compare_first(a, i, b, j, known)
    for field, column, judge in _CONTACT:
        pairs.values[field] = a.columns[column][i], b.columns[column][j]
        pairs.levels[field] = _levels(texts, *pairs.values[field], judge)
    pairs.levels["gender"] = _genders(texts, a.columns["gender"][i], b.columns["gender"][j])
    pairs.levels["source"] = (a.identified[i] & b.identified[j]).astype(np.uint8)
    return pairs


def compare_first(a: People, i: np.ndarray, b: People, j: np.ndarray, known: Known) -> Compared:
    """Only names, dates of birth and whether the e-mail address is the same: enough to tell most pairs apart."""
    left, right = ({name: who.columns[name][at] for name in NAMES} for who, at in ((a, i), (b, j)))
    dobs = a.dob[i], b.dob[j]
    pairs = Compared({"dob": dob_levels(*dobs)}, {"dob": dobs})
    _names(a.texts, left, right, known, pairs.levels, pairs.values)
    mine, theirs = a.columns["email"][i], b.columns["email"][j]
    pairs.levels["email"] = ((mine >= 0) & (mine == theirs)).astype(np.uint8)
    return pairs


def _names(texts: Texts, left: dict, right: dict, known: Known, found: dict, values: dict) -> None:
    """First and last name straight or swapped, whichever says more, and other first names a person goes by."""
    first = name_levels(texts, left["first"], right["first"], known)
    last = name_levels(texts, left["last"], right["last"])
    value_first, value_last = left["first"].copy(), left["last"].copy()
    swapped = np.zeros(len(first), dtype=np.uint8)
    doubt = np.flatnonzero(_WORTH[first] + _WORTH[last] < 2)
    if len(doubt):
        crossed_first = name_levels(texts, left["last"][doubt], right["first"][doubt], known)
        crossed_last = name_levels(texts, left["first"][doubt], right["last"][doubt])
        better = _WORTH[crossed_first] + _WORTH[crossed_last] > _WORTH[first[doubt]] + _WORTH[last[doubt]] + 5
        at = doubt[better]
        first[at], last[at], swapped[at] = crossed_first[better], crossed_last[better], 1
        value_first[at], value_last[at] = left["last"][at], left["first"][at]
    _other_first_names(texts, left, right, known, first)
    values["first_name"], values["last_name"] = (value_first, right["first"]), (value_last, right["last"])
    found["first_name"], found["last_name"], found["order"] = first, last, swapped


def _other_first_names(texts: Texts, left: dict, right: dict, known: Known, first: np.ndarray) -> None:
    """A preferred name or alias that is the other's first name (or theirs, too) is a variant of it."""
    for mine in ("first", "preferred", "alias"):
        for theirs in ("first", "preferred", "alias"):
            if mine == theirs == "first":
                continue
            x, y = left[mine], right[theirs]
            at = np.flatnonzero((x >= 0) & (y >= 0) & (first > lv.VARIANT))
            if len(at):
                good = name_levels(texts, x[at], y[at], known)
                first[at[(good == lv.SAME) | (good == lv.VARIANT)]] = lv.VARIANT


def dob_levels(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Dates as yyyymmdd, compared by their parts, never as text."""
    found = np.full(len(a), lv.DOB_DIFFERENT, dtype=np.uint8)
    x, y = _digits(a), _digits(b)
    differing = x != y
    number = differing.sum(axis=1)
    year, month, day = a // 10_000 == b // 10_000, a // 100 % 100 == b // 100 % 100, a % 100 == b % 100
    found[(number == 2) | (year.astype(int) + month + day == 2)] = lv.DOB_NEAR
    transposed = np.zeros(len(a), dtype=bool)
    for k in (0, 1, 2, 4, 6):  # neighbours within the year, the month, the day
        transposed |= (number == 2) & (x[:, k] == y[:, k + 1]) & (x[:, k + 1] == y[:, k]) & differing[:, k]
    found[(number == 1) | transposed] = lv.DOB_SLIP
    found[year & (a // 100 % 100 == b % 100) & (a % 100 == b // 100 % 100)] = lv.DOB_SWAPPED
    found[a == b] = lv.DOB_SAME
    found[(a == 0) | (b == 0)] = lv.MISSING
    return found


def _digits(number: np.ndarray) -> np.ndarray:
    return number[:, None] // 10 ** np.arange(7, -1, -1) % 10


def _levels(texts: Texts, a: Codes, b: Codes, judge: Callable[[list[str], list[str]], np.ndarray]) -> np.ndarray:
    """1 where equal, 0 where missing, else what `judge` says of the different texts."""
    found = np.zeros(len(a), dtype=np.uint8)
    both = (a >= 0) & (b >= 0)
    found[both & (a == b)] = 1
    todo = np.flatnonzero(both & (a != b))
    if len(todo):
        pairs, where = np.unique(a[todo] << 32 | b[todo], return_inverse=True)
        x = [texts.list[code] for code in pairs >> 32]
        y = [texts.list[code] for code in pairs & 0xFFFFFFFF]
        found[todo] = judge(x, y)[where]
    return found


def _phones(x: list[str], y: list[str]) -> np.ndarray:
    return np.where(cpdist(x, y, scorer=OSA.distance, score_cutoff=1) <= 1, 2, 3)


def _emails(x: list[str], y: list[str]) -> np.ndarray:
    """Alike: one slip, or the same name at another provider."""
    local = np.array([p.partition("@")[0] == q.partition("@")[0] for p, q in zip(x, y, strict=True)])
    return np.where((cpdist(x, y, scorer=OSA.distance, score_cutoff=2) <= 2) | local, 2, 3)


def _postal_codes(x: list[str], y: list[str]) -> np.ndarray:
    """One slip; the same first half of a Canadian code."""
    slip = cpdist(x, y, scorer=OSA.distance, score_cutoff=1) <= 1
    area = np.array([len(p) == len(q) == 6 and p[:3] == q[:3] for p, q in zip(x, y, strict=True)])
    return np.where(slip, 2, np.where(area, 3, 4))


def _streets(x: list[str], y: list[str]) -> np.ndarray:
    return np.where(cpdist(x, y, scorer=OSA.normalized_similarity) >= 0.75, 2, 3)


def _cities(x: list[str], y: list[str]) -> np.ndarray:
    return np.where(cpdist(x, y, scorer=JaroWinkler.similarity) >= 0.9, 2, 3)


def _genders(texts: Texts, a: Codes, b: Codes) -> np.ndarray:
    """Only Woman and Man are held against each other; all else a person may come to say differs without weight."""
    told = [texts.code("Woman"), texts.code("Man")]
    found = np.where(a == b, 1, 2).astype(np.uint8)
    found[~(np.isin(a, told) & np.isin(b, told))] = lv.MISSING
    return found


_CONTACT = (
    ("phone", "phone", _phones),
    ("email", "email", _emails),
    ("postal_code", "postal", _postal_codes),
    ("street", "street", _streets),
    ("city", "city", _cities),
)
