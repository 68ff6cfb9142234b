"""People as columns of numbers: equal texts have equal codes, so that pairs are compared by the thousand."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np

Codes = np.ndarray
# The columns of a person after its key, in the order of CLIENT_COLUMNS and ROW_COLUMNS.
TEXTS = ("first", "last", "preferred", "alias", "phone", "email", "postal", "street", "city", "gender")
NAMES = TEXTS[:4]

CLIENT_COLUMNS = """
    c.first_folded, c.last_folded, ccd_fold(c.preferred_name), ccd_fold(c.alias), right(c.phone_digits, 10),
    lower(c.email), c.postal_key, ccd_street(c.address), ccd_fold(c.address ->> 'city'), c.gender,
    to_char(c.dob, 'YYYYMMDD')::int
"""
# What tells most pairs apart: much cheaper to read.
FIRST = (*NAMES, "email")
CLIENT_FIRST = """
    c.first_folded, c.last_folded, ccd_fold(c.preferred_name), ccd_fold(c.alias), lower(c.email),
    to_char(c.dob, 'YYYYMMDD')::int
"""
ROW_COLUMNS = """
    s.first_folded, s.last_folded, ccd_fold(s.preferred_name), ccd_fold(s.alias), right(ccd_digits(s.phone_number), 10),
    lower(s.email), ccd_postal_key(s.address), ccd_street(s.address), ccd_fold(s.address ->> 'city'), s.gender, s.dob
"""


class Texts:
    """Every text met so far, each with its number. Missing and empty are -1."""

    def __init__(self) -> None:
        self._codes: dict[str, int] = {}
        self._facts: dict[str, tuple[np.ndarray, np.ndarray]] = {}
        self.list: list[str] = []

    def code(self, text: str | None) -> int:
        """The number of a text; a new one where it is met for the first time."""
        return int(self.codes([text])[0])

    def codes(self, texts: Iterable[str | None]) -> Codes:
        """The number of each text."""
        known = self._codes
        found = np.array([known.setdefault(text, len(known)) if text else -1 for text in texts], dtype=np.int64)
        if len(known) > len(self.list):
            self.list = list(known)
        return found

    def fact(self, name: str, tell: Callable[[str], int], codes: Codes) -> np.ndarray:
        """What `tell` says of texts, by code; worked out once for each of `codes`, others are left out."""
        values, done = self._facts.get(name, (np.zeros(0, dtype=np.int64), np.zeros(0, dtype=bool)))
        more = len(self.list) - len(values)
        if more:
            values, done = np.append(values, np.zeros(more, np.int64)), np.append(done, np.zeros(more, bool))
            self._facts[name] = values, done
        todo = np.unique(codes[~done[codes]])
        values[todo] = [tell(self.list[code]) for code in todo]
        done[todo] = True
        return values


@dataclass(slots=True)
class People:
    """Columns of `texts` codes, of dates as yyyymmdd (0 is missing), and a flag; one entry per person."""

    texts: Texts
    columns: dict[str, Codes]
    dob: Codes
    identified: Codes

    @classmethod
    def of(cls, rows: Iterable[Sequence[Any]], texts: Texts, names: Sequence[str] = TEXTS) -> "People":
        """From tuples: the columns `names`, the date of birth, and whether an identifier of the source is known."""
        width = len(names)
        columns = list(zip(*rows, strict=True)) or [()] * (width + 1)
        codes = {name: texts.codes(column) for name, column in zip(names, columns, strict=False)}
        dob = np.fromiter(map(as_number, columns[width]), dtype=np.int64, count=len(columns[width]))
        flag = np.array(columns[width + 1] if len(columns) > width + 1 else [False] * len(dob), dtype=bool)
        return cls(texts, codes, dob, flag)

    def __len__(self) -> int:
        return len(self.dob)


def as_number(day: date | int | None) -> int:
    """A date as yyyymmdd; a number is one already (clients, and impossible dates of benchmarks); 0 is missing."""
    if day is None:
        return 0
    return day if isinstance(day, int) else day.year * 10_000 + day.month * 100 + day.day
