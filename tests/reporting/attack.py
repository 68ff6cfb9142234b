"""Someone with every file of a period who wants the hidden numbers: what the rest leaves possible for each, by linear
programming. Knows that a hidden number is at least one, that values add up to their place, how places hang together,
and that whoever is not without a recorded language speaks at least one.
"""

from collections.abc import Iterable

import numpy as np
from scipy.optimize import linprog

MISSING = "*"
PARTS = ("gender", "sexual_orientation", "race", "immigration_status", "age_group")
Key = tuple[str, str, str, str]  # department, program, section, value
Fact = tuple[dict[Key, int], int]  # sum of coefficient × cell = number, or ≤ number


class Attacker:
    """Reads files, then says between which bounds each hidden number lies."""

    def __init__(self, *, adds_up: bool) -> None:
        self.adds_up = adds_up  # nobody is in two programs: departments and programs are sums
        self.known: dict[Key, int] = {}
        self.hidden: set[Key] = set()
        self.sums: dict[tuple[str, str], int] = {}

    def read(self, rows: Iterable[tuple], department: str = "", program: str = "") -> None:
        """One file, about the agency, a department or a program."""
        for section, group, value, number, _ in rows:
            if section == "reconciliation":
                if value == "sum of programs" and number != MISSING:
                    self.sums[department, program] = number
                continue
            key = (department, program, section, "" if section == "total" else value)
            if section == "department":
                key = (value, program, "total", "")
            if section == "program":
                key = (group, value, "total", "")
            if number == MISSING:
                self.hidden.add(key)
            else:
                assert self.known.setdefault(key, number) == number
        # What one file hides and another tells is told.
        self.hidden -= self.known.keys()

    def bounds(self) -> dict[Key, tuple[float, float]]:
        """Hidden cell → the least and the most it may be."""
        cells = sorted(self.hidden)
        place = {cell: number for number, cell in enumerate(cells)}
        equal, at_most = self._facts()
        matrices = {}
        for name, facts in (("eq", equal), ("ub", at_most)):
            if facts:
                matrix = np.zeros((len(facts), len(cells)))
                for row, (terms, _) in enumerate(facts):
                    for cell, factor in terms.items():
                        matrix[row, place[cell]] = factor
                matrices |= {f"A_{name}": matrix, f"b_{name}": np.array([number for _, number in facts])}
        found = {}
        for cell in cells:
            aim = np.zeros(len(cells))
            aim[place[cell]] = 1
            ends = [linprog(sign * aim, bounds=(1, 10_000), method="highs", **matrices) for sign in (1, -1)]
            assert all(end.status == 0 for end in ends), [end.message for end in ends]
            found[cell] = (ends[0].fun, -ends[1].fun)
        return found

    def _facts(self) -> tuple[list[Fact], list[Fact]]:
        equal, at_most = [], []
        every = self.known.keys() | self.hidden
        for department, program in {key[:2] for key in every}:
            for section in PARTS:
                parts = [key for key in every if key[:3] == (department, program, section)]
                if parts:
                    equal.append(self._fact((department, program, "total", ""), parts))
            at_most += self._languages((department, program, "total", ""), every)
        for section, value in {key[2:] for key in every}:
            here = [key for key in every if key[2:] == (section, value)]
            departments = [key for key in here if key[0] and not key[1]]
            pairs = [(("", "", section, value), departments)]
            pairs += [(d, [key for key in here if key[0] == d[0] and key[1]]) for d in departments]
            for whole, parts in pairs:
                if whole in every and parts:
                    if self.adds_up:
                        equal.append(self._fact(whole, parts))
                    at_most += [self._fact(whole, parts), *(self._fact(part, [whole]) for part in parts)]
        for (department, program), number in self.sums.items():
            parts = [key for key in every if key[1] and key[2] == "total" and (not department or key[0] == department)]
            if not program and all(key in every for key in parts):
                terms = dict.fromkeys((key for key in parts if key in self.hidden), 1)
                equal.append((terms, number - sum(self.known.get(key, 0) for key in parts)))
        return [f for f in equal if f[0]], [f for f in at_most if f[0]]

    def _languages(self, total: Key, every: Iterable[Key]) -> list[Fact]:
        """total − not recorded ≤ sum of languages; each language + not recorded ≤ total."""
        spoken = [key for key in every if key[:3] == (*total[:2], "language")]
        missing = [key for key in spoken if key[3] == "Not recorded"]
        if not spoken or total not in every:
            return []
        each = [self._weighed([(key, 1) for key in (one, *missing)] + [(total, -1)]) for one in {*spoken} - {*missing}]
        return [self._fact(total, spoken), *each]

    def _fact(self, whole: Key, parts: list[Key]) -> Fact:
        """whole − sum of parts = (≤) 0, what is known taken to the other side."""
        return self._weighed([(whole, 1), *((part, -1) for part in parts)])

    def _weighed(self, weights: list[tuple[Key, int]]) -> Fact:
        """The sum of number × weight = (≤) 0, what is known taken to the other side."""
        terms: dict[Key, int] = {}
        number = 0
        for key, factor in weights:
            if key in self.hidden:
                terms[key] = terms.get(key, 0) + factor
            else:
                number -= factor * self.known[key]
        return terms, number
