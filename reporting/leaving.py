"""Which numbers of a period stay in the agency: decided once for the agency, its departments and its programs, so that
every file of that period hides the same.
"""

from datetime import date

from core.models import Staff
from reporting import served
from reporting.demographics import NOT_RECORDED, PARTITIONS
from reporting.suppression import Sum, hidden

# (section, group, value), as rows of the Organizational Summary begin.
Cell = tuple[str, str, str]
TOTAL: Cell = ("total", "", "clients served")
# No file has this number, but everyone can work it out: the total without those of whom no language is recorded.
SOME_LANGUAGE: Cell = ("some language", "", "")
NO_LANGUAGE: Cell = ("language", "", NOT_RECORDED)


def withheld(actor: Staff | None, first: date, last: date, threshold: int) -> set[Cell]:
    """The cells of the agency's table that are hidden; all of them where the total is small."""
    counts = served.counts(actor, {"date_from": first, "date_to": last})
    cells: dict[Cell, int] = {
        (section, *key): number
        for section, numbers in counts.items()
        if section != "total"
        for key, number in numbers.items()
    }
    cells[TOTAL] = counts["total"].total()
    return hidden_of(cells, threshold)


def hidden_of(cells: dict[Cell, int], threshold: int) -> set[Cell]:
    """Of the cells of an agency's table and their numbers those that are hidden."""
    if cells[TOTAL] < threshold:
        return set(cells)
    some = cells[TOTAL] - cells.get(NO_LANGUAGE, 0)
    return hidden({**cells, SOME_LANGUAGE: some}, _sums(cells), threshold, frozenset([SOME_LANGUAGE]))


def _sums(cells: dict[Cell, int]) -> list[Sum]:
    def parts(section: str, group: str | None = None) -> tuple[Cell, ...]:
        return tuple(sorted(cell for cell in cells if cell[0] == section and group in (None, cell[1])))

    departments = parts("department")
    spoken = tuple(cell for cell in parts("language") if cells[cell] and cell != NO_LANGUAGE)
    of_total = (SOME_LANGUAGE, NO_LANGUAGE) if cells.get(NO_LANGUAGE) else (SOME_LANGUAGE,)
    return [
        *(Sum(TOTAL, parts(section)) for section in (*PARTITIONS, "department")),
        *(Sum(department, parts("program", department[2])) for department in departments),
        *((Sum(TOTAL, of_total), Sum(SOME_LANGUAGE, spoken, overlaps=True)) if spoken else ()),
    ]
