"""Whether a known identifier still means the same person: compatible name and date of birth, pair by pair.

Who is who without an identifier is decided by bits: core.linking.scoring.
"""

from dataclasses import dataclass
from datetime import date
from enum import IntEnum

from rapidfuzz.distance import DamerauLevenshtein, JaroWinkler

# Two names at least this alike are taken for one name with a slip of the pen. Jaro–Winkler (Winkler 1990) of folded
# names; "daniel"/"daniela" reach .97, "maria"/"marie" .92, unrelated names mostly stay below .7.
ALIKE = 0.86


class Level(IntEnum):
    """How well one thing agrees."""

    FAR = 0
    MISSING = 1
    CLOSE = 2
    SAME = 3


@dataclass(frozen=True, slots=True)
class Person:
    """What is compared: folded names (other first names are the preferred name and alias) and the date of birth."""

    first: str
    last: str
    dob: date | None
    other_firsts: tuple[str, ...] = ()


def dob_level(a: date | None, b: date | None) -> Level:
    """SAME, CLOSE (day and month swapped, or one part differs by one digit or two neighbours swapped), MISSING, FAR.

    Never compared as text of the whole date: unrelated dates look alike.
    """
    if a is None or b is None:
        return Level.MISSING
    if a == b:
        return Level.SAME
    if (a.year, a.month, a.day) == (b.year, b.day, b.month):
        return Level.CLOSE
    parts = ((f"{a.year:04}", f"{b.year:04}"), (f"{a.month:02}", f"{b.month:02}"), (f"{a.day:02}", f"{b.day:02}"))
    differing = [pair for pair in parts if pair[0] != pair[1]]
    if len(differing) == 1 and DamerauLevenshtein.distance(*differing[0]) == 1:
        return Level.CLOSE
    return Level.FAR


def similarity(a: str, b: str) -> float:
    """0 to 1 of two folded names; an initial agrees with a name that begins with it; an empty name with nothing."""
    if not a or not b:
        return 0.0
    if a == b:
        return 1.0
    if len(a) == 1 or len(b) == 1:
        return 0.9 if a[0] == b[0] else 0.0
    return JaroWinkler.similarity(a, b)


def _first_similarity(a: Person, b: Person) -> float:
    others_a = (a.first, *a.other_firsts)
    others_b = (b.first, *b.other_firsts)
    return max((similarity(x, y) for x in others_a for y in others_b), default=0.0)


def is_swapped(a: Person, b: Person) -> bool:
    """First and last name changed places."""
    return bool(a.first and a.last) and (a.first, a.last) == (b.last, b.first) and a.first != a.last


def name_similarity(a: Person, b: Person) -> tuple[float, float]:
    """(first, last), taken straight or swapped, whichever is better. A single name is compared with the single name."""
    if not (a.first and a.last and b.first and b.last):
        whole = similarity(a.first + a.last, b.first + b.last)
        one = max(similarity(x, y) for x in (a.first, a.last) for y in (b.first, b.last))
        return max(whole, one), max(whole, one)
    straight = (_first_similarity(a, b), similarity(a.last, b.last))
    swapped = (similarity(a.first, b.last), similarity(a.last, b.first))
    return max(straight, swapped, key=min)


def name_level(a: Person, b: Person) -> Level:
    """SAME (also swapped), CLOSE (both alike, or one of the two the same: people marry), FAR."""
    first, last = name_similarity(a, b)
    if first == 1.0 and last == 1.0:
        return Level.SAME
    if (first >= ALIKE and last >= ALIKE) or first == 1.0 or last == 1.0:
        return Level.CLOSE
    return Level.FAR


def compatible(a: Person, b: Person) -> bool:
    """May one identifier mean both? Names must agree, and the date of birth must not be another one altogether.

    With names only close, the date must agree or be missing: an uncle's identifier given to a niece is not a typo.
    """
    names, dobs = name_level(a, b), dob_level(a.dob, b.dob)
    if names is Level.FAR or dobs is Level.FAR:
        return False
    return names is Level.SAME or dobs in (Level.SAME, Level.MISSING)
