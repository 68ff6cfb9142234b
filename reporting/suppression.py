"""Hiding small numbers so that nothing follows by subtraction.

A number of fewer people than the threshold is hidden, and then others, the smallest first, until no hidden number can
be told from what stays: taking every sum there is, each may still be anything over a range as wide as the threshold, as
far as there is anything left to hide.

What is known of a table are sums: the values of a demographic add up to the total, the programs of a department to the
department and departments to the agency where nobody is in two of them, and to no less where somebody is. A sum may go
through a number that no file has: those with some language are the total without those of whom none is recorded, no
fewer than speak any one language, and no more than all languages together. None of these sums close a circle, so that
narrowing ranges sum by sum until nothing moves gives the exact ranges.
"""

from collections.abc import Hashable
from dataclasses import dataclass

Cell = Hashable
Ranges = dict[Cell, tuple[int, int]]


@dataclass(frozen=True)
class Sum:
    """The parts add up to the whole, or to more where people are in several. `overlaps`: whether somebody is in several
    cannot be known from any file, so that the parts are never taken to add up.
    """

    whole: Cell
    parts: tuple[Cell, ...]
    overlaps: bool = False


def hidden(
    cells: dict[Cell, int], sums: list[Sum], threshold: int, unlisted: frozenset[Cell] = frozenset()
) -> set[Cell]:
    """The cells to hide, of cells and their numbers of people. No file has the `unlisted`: they are not among those to
    hide, and known as far as sums tell them.
    """
    found = {cell for cell, number in cells.items() if 0 < number < threshold} - unlisted
    while found and (more := _next(cells, sums, found, threshold, unlisted)) is not None:
        found.add(more)
    return found


def _next(
    cells: dict[Cell, int], sums: list[Sum], found: set[Cell], threshold: int, unlisted: frozenset[Cell]
) -> Cell | None:
    """One more cell to hide, beside one that can be told too well; None where none can, or nothing is left to hide."""
    known = ranges(cells, sums, found | unlisted)
    told = cells.keys() - found - unlisted
    for cell in sorted(found, key=lambda cell: (cells[cell], str(cell))):
        least, most = known[cell]
        if most - least >= threshold - 1:
            continue
        for line in sums:
            if cell in (line.whole, *line.parts):
                others = [other for other in line.parts if other in told and cells[other]]
                if others:
                    return min(others, key=lambda other: (cells[other], str(other)))
        if (beyond := _beyond(cell, cells, sums, told, unlisted)) is not None:
            return beyond
        for line in sums:
            if cell in line.parts and line.whole in told and any(line.whole in other.parts for other in sums):
                return line.whole
    return None


def _beyond(
    cell: Cell, cells: dict[Cell, int], sums: list[Sum], told: set[Cell], unlisted: frozenset[Cell]
) -> Cell | None:
    """What to hide where an unlisted number stands between `cell` and what tells it: of the parts of that number the
    largest, which says most of it; of what it is itself a part of, the smallest other.
    """
    for between in unlisted:
        below = [part for line in sums if line.whole == between for part in line.parts]
        beside = [part for line in sums if between in line.parts for part in line.parts if part != between]
        if cell in beside and (open_ := [other for other in below if other in told]):
            return max(open_, key=lambda other: (cells[other], str(other)))
        if cell in below and (open_ := [other for other in beside if other in told]):
            return min(open_, key=lambda other: (cells[other], str(other)))
    return None


def ranges(cells: dict[Cell, int], sums: list[Sum], found: set[Cell]) -> Ranges:
    """Hidden cell → the least and the most it may be, for someone who knows all else and that it is at least one."""
    top = max(cells.values(), default=0) + sum(cells.values())
    known = {cell: (1, top) if cell in found else (number, number) for cell, number in cells.items()}
    moving = True
    while moving:
        moving = False
        for line in sums:
            exact = not line.overlaps and cells[line.whole] == sum(cells[part] for part in line.parts)
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
