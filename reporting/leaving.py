"""Which numbers of a period stay in the agency: decided once for the agency, its departments and its programs, so that
every file of that period hides the same.
"""

from datetime import date

from core.models import Staff
from reporting import served
from reporting.demographics import PARTITIONS
from reporting.suppression import Sum, hidden

# (section, group, value), as rows of the Organizational Summary begin.
Cell = tuple[str, str, str]
TOTAL: Cell = ("total", "", "clients served")


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
    if cells[TOTAL] < threshold:
        return set(cells)
    return hidden(cells, _sums(cells), threshold)


def _sums(cells: dict[Cell, int]) -> list[Sum]:
    def parts(section: str, group: str | None = None) -> tuple[Cell, ...]:
        return tuple(sorted(cell for cell in cells if cell[0] == section and group in (None, cell[1])))

    departments = parts("department")
    return [
        *(Sum(TOTAL, parts(section)) for section in (*PARTITIONS, "department")),
        *(Sum(department, parts("program", department[2])) for department in departments),
    ]
