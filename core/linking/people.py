"""People as columns of numbers: equal texts have equal codes, so that pairs are compared by the thousand."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np

Codes = np.ndarray
# The columns of a person after its key, in the order of CLIENT_COLUMNS and ROW_COLUMNS.
TEXTS = ("first", "last", "preferred", "alias", "phone", "email", "postal", "street", "city", "gender")

CLIENT_COLUMNS = """
    c.first_folded, c.last_folded, ccd_fold(c.preferred_name), ccd_fold(c.alias), right(c.phone_digits, 10),
    lower(c.email), c.postal_key, ccd_street(c.address), ccd_fold(c.address ->> 'city'), c.gender, c.dob
"""
ROW_COLUMNS = """
    s.first_folded, s.last_folded, ccd_fold(s.preferred_name), ccd_fold(s.alias), right(ccd_digits(s.phone_number), 10),
    lower(s.email), ccd_postal_key(s.address), ccd_street(s.address), ccd_fold(s.address ->> 'city'), s.gender, s.dob
"""


class Texts:
    """Every text met so far, each with its number. Missing and empty are -1."""

    def __init__(self) -> None:
        self._codes: dict[str, int] = {}
        self._facts: dict[str, np.ndarray] = {}
        self.list: list[str] = []

    def code(self, text: str | None) -> int:
        """The number of a text; a new one where it is met for the first time."""
        if not text:
            return -1
        found = self._codes.get(text)
        if found is None:
            found = self._codes[text] = len(self.list)
            self.list.append(text)
        return found

    def fact(self, name: str, tell: Callable[[str], object]) -> np.ndarray:
        """What `tell` says of each text, one entry per code; worked out once for each."""
        known = self._facts.get(name)
        done = 0 if known is None else len(known)
        if done < len(self.list):
            more = np.array([tell(text) for text in self.list[done:]])
            known = self._facts[name] = more if known is None else np.concatenate([known, more])
        return np.array([]) if known is None else known


@dataclass(slots=True)
class People:
    """Columns of `texts` codes, of dates as yyyymmdd (0 is missing), and a flag; one entry per person."""

    texts: Texts
    columns: dict[str, Codes]
    dob: Codes
    identified: Codes

    @classmethod
    def of(cls, rows: Iterable[Sequence[Any]], texts: Texts) -> "People":
        """From tuples: the columns of TEXTS, the date of birth, and whether an identifier of the source is known."""
        rows = list(rows)
        code, width = texts.code, len(TEXTS)
        table = np.fromiter(
            (code(value) for row in rows for value in row[:width]), dtype=np.int64, count=len(rows) * width
        ).reshape(len(rows), width)
        dob = np.fromiter((as_number(row[width]) for row in rows), dtype=np.int64, count=len(rows))
        flag = np.fromiter((len(row) > width + 1 and bool(row[width + 1]) for row in rows), dtype=bool, count=len(rows))
        return cls(texts, {name: table[:, i] for i, name in enumerate(TEXTS)}, dob, flag)

    def __len__(self) -> int:
        return len(self.dob)


def as_number(day: date | int | None) -> int:
    """A date as yyyymmdd; a number is taken as it is (benchmarks hold impossible dates); 0 is missing."""
    if day is None:
        return 0
    return day if isinstance(day, int) else day.year * 10_000 + day.month * 100 + day.day
