"""Someone with the agency's files of many overlapping periods, who takes them all together by linear programming.

Knows how numbers are rounded, that a number told is no small one, that a value without a row is nobody's, that values
add up to their place, that whoever is not without a recorded language speaks at least one, and how periods hang
together: who was served in a part of a period was served in it, and whoever was served in two was served in their
union, in both of them if in what they have in common.
"""

from datetime import date
from itertools import combinations

import numpy as np
from scipy.optimize import linprog
from scipy.sparse import coo_array

from tests.reporting.attack import MISSING

PARTS = ("gender", "sexual_orientation", "race", "immigration_status")  # age is that of another day in each period
Period = tuple[date, date]
Cell = tuple[str, str, str]
Place = tuple[Period, Cell]


class Overlaps:
    """`files`: period → rows. `base`: what numbers are rounded to. Nobody is in two programs."""

    def __init__(self, files: dict[Period, list[tuple]], *, base: int, threshold: int) -> None:
        told = {
            (period, row[:3]): row[3]
            for period, rows in files.items()
            for row in rows
            if row[0] in ("total", "department", "program", "language", *PARTS)
        }
        self.hidden = [place for place, number in told.items() if number == MISSING]
        cells = sorted({cell for _, cell in told})
        self.places = {(period, cell): n for n, (period, cell) in enumerate((p, c) for p in files for c in cells)}
        self.limits = [_limits(told.get(place, 0), base, threshold) for place in self.places]
        self.equal = [line for period in files for line in _sums(period, cells)]
        self.at_most = [line for cell in cells for line in _through_time(list(files), cell)]
        self.at_most += [line for period in files for line in _languages(period, cells)]

    def recovered(self) -> dict[Place, float]:
        """The hidden numbers that can be told, with what they are."""
        matrices = {
            **{"A_eq": self._matrix(self.equal), "b_eq": np.zeros(len(self.equal))},
            **{"A_ub": self._matrix(self.at_most), "b_ub": np.zeros(len(self.at_most))},
        }
        found = {}
        for place in self.hidden:
            aim = np.zeros(len(self.places))
            aim[self.places[place]] = 1
            ends = [linprog(sign * aim, bounds=self.limits, method="highs", **matrices) for sign in (1, -1)]
            assert all(end.status == 0 for end in ends), [end.message for end in ends]
            if -ends[1].fun - ends[0].fun < 1:
                found[place] = round(ends[0].fun)
        return found

    def _matrix(self, lines: list[dict[Place, int]]) -> coo_array:
        entries = [(row, self.places[place], n) for row, line in enumerate(lines) for place, n in line.items()]
        rows, columns, numbers = zip(*entries, strict=True)
        return coo_array((numbers, (rows, columns)), shape=(len(lines), len(self.places))).tocsr()


def _limits(told: object, base: int, threshold: int) -> tuple[int, int]:
    if told == MISSING:
        return 1, 10_000
    return (max(told - base + 1, threshold), told + base - 1) if told else (0, 0)


def _sums(period: Period, cells: list[Cell]) -> list[dict[Place, int]]:
    """whole − parts = 0."""
    (total,) = [cell for cell in cells if cell[0] == "total"]
    groups = [(total, [cell for cell in cells if cell[0] == section]) for section in (*PARTS, "department")]
    groups += [
        (place, [cell for cell in cells if cell[:2] == ("program", place[2])])
        for place in cells
        if place[0] == "department"
    ]
    return [{(period, whole): 1, **{(period, part): -1 for part in parts}} for whole, parts in groups if parts]


def _languages(period: Period, cells: list[Cell]) -> list[dict[Place, int]]:
    """total − languages and not recorded ≤ 0; each language + not recorded − total ≤ 0."""
    (total,) = [cell for cell in cells if cell[0] == "total"]
    spoken = [cell for cell in cells if cell[0] == "language"]
    missing = [cell for cell in spoken if cell[2] == "Not recorded"]
    if not spoken:
        return []
    lines = [{(period, total): 1, **{(period, cell): -1 for cell in spoken}}]
    return lines + [
        {(period, total): -1, **{(period, cell): 1 for cell in (one, *missing)}} for one in spoken if one not in missing
    ]


def _through_time(periods: list[Period], cell: Cell) -> list[dict[Place, int]]:
    """left − right ≤ 0."""
    lines = []
    for one, two in combinations(periods, 2):
        for part, whole in ((one, two), (two, one)):
            if whole[0] <= part[0] and part[1] <= whole[1]:
                lines.append({(part, cell): 1, (whole, cell): -1})
        first, last = sorted((one, two))
        union, common = (first[0], max(first[1], last[1])), (last[0], min(first[1], last[1]))
        if last[0] <= first[1] and union in periods and union not in (one, two):
            line = {(union, cell): 1, (one, cell): -1, (two, cell): -1}
            lines.append({**line, (common, cell): 1} if common in periods else line)
    return lines
