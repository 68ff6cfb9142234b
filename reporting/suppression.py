"""Hiding small numbers so that nothing follows by subtraction.

A number of fewer people than the threshold is hidden, and then others, the smallest first, until no hidden number can
be told from what stays: taking every sum there is, each may still be anything over a range as wide as the threshold, as
far as there is anything left to hide.

What is known of a table are sums: the values of a demographic add up to the total, the programs of a department to the
department and departments to the agency where nobody is in two of them, and to no less where somebody is. None of these
sums close a circle, so that narrowing ranges sum by sum until nothing moves gives the exact ranges.
"""

from collections.abc import Hashable
from dataclasses import dataclass

Cell = Hashable
Ranges = dict[Cell, tuple[int, int]]


@dataclass(frozen=True)
class Sum:
    """The parts add up to the whole, or to more where people are in several."""

    whole: Cell
    parts: tuple[Cell, ...]


def hidden(cells: dict[Cell, int], sums: list[Sum], threshold: int) -> set[Cell]:
    """The cells to hide, of cells and their numbers of people."""
    found = {cell for cell, number in cells.items() if 0 < number < threshold}
    while found and (more := _next(cells, sums, found, threshold)) is not None:
        found.add(more)
    return found


def _next(cells: dict[Cell, int], sums: list[Sum], found: set[Cell], threshold: int) -> Cell | None:
    """One more cell to hide, beside one that can be told too well; None where none can, or nothing is left to hide."""
    known = ranges(cells, sums, found)
    for cell in sorted(found, key=lambda cell: (cells[cell], str(cell))):
        least, most = known[cell]
        if most - least >= threshold - 1:
            continue
        for line in sums:
            if cell in (line.whole, *line.parts):
                others = [other for other in line.parts if other not in found and cells[other]]
                if others:
                    return min(others, key=lambda other: (cells[other], str(other)))
        for line in sums:
            if cell in line.parts and line.whole not in found and any(line.whole in other.parts for other in sums):
                return line.whole
    return None


def ranges(cells: dict[Cell, int], sums: list[Sum], found: set[Cell]) -> Ranges:
    """Hidden cell → the least and the most it may be, for someone who knows all else and that it is at least one."""
    top = max(cells.values(), default=0) + sum(cells.values())
    known = {cell: (1, top) if cell in found else (number, number) for cell, number in cells.items()}
    moving = True
    while moving:
        moving = False
        for line in sums:
            exact = cells[line.whole] == sum(cells[part] for part in line.parts)
            for cell, narrowed in _narrowed(line, known, exact).items():
                if narrowed != known[cell]:
                    known[cell], moving = narrowed, True
    return {cell: known[cell] for cell in found}


def _narrowed(line: Sum, known: Ranges, exact: bool) -> Ranges:
    """What the sum says of each of its cells; where it is not `exact`, no part is larger than the whole."""
    if not line.parts:
        return {}
    least, most = (sum(known[part][end] for part in line.parts) for end in (0, 1))
    low, high = known[line.whole]
    if not exact:
        least = max(known[part][0] for part in line.parts)
    told = {line.whole: (max(low, least), min(high, most))}
    for part in line.parts:
        bottom, top = known[part]
        room = high - (least - bottom) if exact else high
        told[part] = (max(bottom, low - (most - top)), min(top, room))
    return told
