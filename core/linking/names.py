"""How two names agree: the same, a kept variant, a slip, a part, an initial, another name that looks alike."""

import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Final

import numpy as np
from rapidfuzz.distance import OSA, JaroWinkler
from rapidfuzz.process import cpdist

from core.linking.levels import ALIKE, DIFFERENT, INITIAL, KIN, PART, SAME, TYPO, VARIANT
from core.linking.people import Codes, Texts
from core.normalise import fold

_SOUNDS: Final = str.maketrans("bpfvcgjkqsxzdtlmnr", "111122222222334556", "aeiouyhw")
_DOUBLED: Final = re.compile(r"(.)(?=\1)")
# Whether a text is a first name: one of these numbers.
Known = Callable[[str], int]
NO_NAME, MAY_BE, NAME = range(3)


@cache
def variants() -> dict[str, frozenset[int]]:
    """Folded name → the groups of variants.txt it stands in."""
    found: dict[str, set[int]] = {}
    lines = (Path(__file__).parent / "variants.txt").read_text(encoding="utf-8").splitlines()
    for number, line in enumerate(line for line in lines if not line.startswith("#")):
        for name in line.split():
            found.setdefault(fold(name), set()).add(number)
    return {name: frozenset(groups) for name, groups in found.items()}


def skeleton(name: str) -> str:
    """How a name sounds; equal to the SQL function ccd_skeleton but for the empty text."""
    return _DOUBLED.sub("", name.translate(_SOUNDS))


def differs_by_ending(x: str, y: str) -> bool:
    """Only the last letters differ, and one name ends in a or e where the other does not: Daniel and Daniela, Amin and
    Amina are siblings more often than slips.
    """
    same = 0
    while same < min(len(x), len(y)) and x[same] == y[same]:
        same += 1
    return same >= 2 and max(len(x), len(y)) - same <= 3 and x[-1] != y[-1] and ({x[-1], y[-1]} & {"a", "e"}) != set()


def name_levels(texts: Texts, a: Codes, b: Codes, known: Known | None = None) -> np.ndarray:
    """The level of every pair of codes. `known` says which texts are first names in their own right, not slips of one:
    two such that look alike are siblings' names, and so are two that differ by a woman's ending where both may be
    names. Without it they are slips or spellings (last names).
    """
    levels = np.zeros(len(a), dtype=np.uint8)
    both = (a >= 0) & (b >= 0)
    levels[both & (a == b)] = SAME
    todo = np.flatnonzero(both & (a != b))
    if not len(todo):
        return levels
    low, high = np.minimum(a[todo], b[todo]), np.maximum(a[todo], b[todo])
    pairs, where = np.unique(low << 32 | high, return_inverse=True)
    levels[todo] = _judged(texts, pairs >> 32, pairs & 0xFFFFFFFF, known)[where]
    return levels


def _judged(texts: Texts, a: Codes, b: Codes, known: Known | None) -> np.ndarray:
    """Levels of pairs of different names. What can be said of one text is worked out once for each text."""
    x, y = [texts.list[code] for code in a], [texts.list[code] for code in b]
    found = np.full(len(x), DIFFERENT, dtype=np.uint8)
    both = np.concatenate([a, b])
    length, sound = texts.fact("length", len, both), texts.fact("sound", _sound, both)
    first, last = (texts.fact(name, tell, both) for name, tell in (("first", _first), ("last", _last)))
    short, long = np.minimum(length[a], length[b]), np.maximum(length[a], length[b])
    jaro = cpdist(x, y, scorer=JaroWinkler.similarity, score_cutoff=0.7)
    edits = np.full(len(x), 9)
    near = np.flatnonzero((jaro > 0) & (long - short <= 3))
    edits[near] = cpdist([x[i] for i in near], [y[i] for i in near], scorer=OSA.distance, score_cutoff=3)
    found[(jaro >= 0.88) & (short >= 4) | (edits == 2) & (short >= 5) | (edits == 3) & (short >= 8)] = ALIKE
    found[(first[a] == first[b]) & (sound[a] == sound[b]) & (short >= 3) & (jaro > 0)] = ALIKE
    parts = (short >= 3) & (long - short >= 2) & ((first[a] == first[b]) | (last[a] == last[b]))
    found[[i for i in np.flatnonzero(parts) if _is_part(x[i], y[i])]] = PART
    found[(edits == 1) & (long >= 4) & (short >= 3) | (edits == 2) & (short >= 6) & (jaro >= 0.85)] = TYPO
    if known is not None:
        near = np.flatnonzero(found != DIFFERENT)
        told = texts.fact("known", known, np.concatenate([a[near], b[near]]))
        names = np.minimum(told[a[near]], told[b[near]])
        endings = np.array([differs_by_ending(x[i], y[i]) for i in near], dtype=bool)
        found[near[(names == NAME) | (names == MAY_BE) & endings]] = KIN
    found[(short == 1) & (first[a] == first[b])] = INITIAL
    table = variants()
    listed = texts.fact("listed", table.__contains__, both)
    found[[i for i in np.flatnonzero(listed[a] & listed[b]) if not table[x[i]].isdisjoint(table[y[i]])]] = VARIANT
    return found


def _first(name: str) -> int:
    return ord(name[0])


def _last(name: str) -> int:
    return ord(name[-1])


def _sound(name: str) -> int:
    return hash(skeleton(name))


def _is_part(x: str, y: str) -> bool:
    """One name begins or ends the other, as in a double name."""
    short, long = (x, y) if len(x) <= len(y) else (y, x)
    return long.startswith(short) or long.endswith(short)
