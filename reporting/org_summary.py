"""How many different people were served in a period, and who they are (CONTRACT §4 and §6, org_summary)."""

from collections.abc import Iterator
from types import MappingProxyType

from django.db.models import QuerySet

from core import rules
from core.errors import CannotLeave
from core.models import Staff
from reporting import org_page, served
from reporting.demographics import DEMOGRAPHICS, NOT_RECORDED, having, order_of
from reporting.forms import ServedForm, period_before
from reporting.leaving import Cell, withheld
from reporting.reading import enrollments, people_of
from reporting.report import HIDDEN, Page, Params, Report, Row, key_of, percent
from reporting.rounding import rounded

CLIENTS_SERVED = "clients served"
SUM_OF_PROGRAMS = "sum of programs"
DIFFERENT_CLIENTS = "different clients"


class OrgSummary(Report):
    """Distinct clients served, with breakdowns; no one is counted twice."""

    slug = "org_summary"
    title = "Organizational Summary"
    description = "How many different people were served in a period, by department, program and demographics."
    icon = "groups"
    form = ServedForm
    columns = ("section", "group", "value", "clients", "percent")
    remembers = True
    counted = "clients"

    def answer(self, actor: Staff | None, params: Params) -> Iterator[Row]:
        """Rows in the order of CONTRACT §4; percent is of the clients served."""
        counts = served.counts(actor, params)
        total = counts["total"].total()
        for section, group, value, number in _ordered(counts, total):
            yield section, group, value, number, percent(number, total)

    def shared(self, actor: Staff | None, params: Params, threshold: int, base: int = 1) -> list[Row]:
        """A number that may not be told, and its percentage, is HIDDEN. Demographics leave for the whole agency alone:
        beside those of each department and program, small numbers would follow by subtraction.
        """
        rules.require(actor, self.permission)
        if any(params.get(name) for name in DEMOGRAPHICS):
            raise CannotLeave(
                "A file that leaves the agency is about everyone in its place: of some people alone, small numbers "
                "would follow by subtraction. Leave the demographics open."
            )
        away = withheld(actor, params["date_from"], params["date_to"], threshold)
        rows = list(self.answer(actor, params))
        if params.get("department") or params.get("program"):
            rows = [row for row in rows if row[0] not in DEMOGRAPHICS]
        told = list(_without(rows, away, params))
        return told if base <= 1 else list(_rounded(told, params, base))

    def rule(self, params: Params) -> list[str]:
        """The definitions of CONTRACT §4 and §6 in words."""
        return [
            f"A client is served when active in a program on at least one day from {params['date_from']} through "
            f"{params['date_to']}; active from the start date through the end date, both included.",
            "Each person counts once in the total, however many programs they were in; records linked as one person "
            "count as that person.",
            f"Age is the age on {params['date_to']}, the last day of the period.",
            "A person with several languages counts once in each, so languages add up to more than the total. "
            "So do departments and programs.",
            "New means: in none of the programs of this report on any day before the period. Others are returning.",
            f"{NOT_RECORDED} means that the record holds no value. Percentages are of all clients served.",
        ]

    def key(self, row: Row) -> str:
        """Section, group and value."""
        return key_of(part for part in row[:3] if part)

    def people(self, actor: Staff | None, params: Params, row: Row) -> QuerySet | None:
        """Who was served, in that department or program, or with that value."""
        section, group, value = row[:3]
        stays = enrollments(actor, params)
        if section == "department":
            stays = stays.filter(program__department__name=value)
        if section == "program":
            stays = stays.filter(program__department__name=group, program__name=value)
        if section == "reconciliation":
            return None
        people = people_of(actor, stays.active_between(params["date_from"], params["date_to"]))
        people = people if (some := served.chosen(people, params)) is None else some
        return having(people, section, value, params["date_to"]) if section in DEMOGRAPHICS else people

    def span(self, params: Params) -> Params:
        """Its own parameters."""
        return params

    def beside(self, actor: Staff | None, params: Params) -> Params:
        """The period before, and who is new."""
        period = period_before(params["date_from"], params["date_to"])
        if period is None:
            return {}
        first, last = period
        before = self.rows(actor, {**params, "date_from": first, "date_to": last})
        return {
            "first": first,
            "last": last,
            "before": {row[:3]: row[3] for row in before},
            "new": served.newcomers(actor, params),
        }

    def page(self, rows: list[Row], params: Params, beside: Params = MappingProxyType({})) -> Page:
        """The total, the reconciliation in words, charts, and a table per section."""
        return org_page.page(rows, params, beside, self.key)


def _without(rows: list[Row], away: set[Cell], params: Params) -> Iterator[Row]:
    """The rows with what is `away` hidden. Where a place is hidden no sum of places is told; where the total is, no
    percentage.
    """
    gone = {row[:3] for row in rows if _cell(row, params) in away}
    no_sums = any(section in ("total", "department", "program") for section, _, _ in gone)
    no_rates = any(section == "total" for section, _, _ in gone)
    for section, group, value, number, rate in rows:
        if (section, group, value) in gone or (section == "reconciliation" and no_sums):
            yield section, group, value, HIDDEN, HIDDEN
        else:
            yield section, group, value, number, HIDDEN if no_rates else rate


def _rounded(rows: list[Row], params: Params, base: int) -> Iterator[Row]:
    """Numbers rounded, a cell in every file alike, and percentages of those. Sums of exact numbers are HIDDEN."""
    total = rounded(rows[0][3], _cell(rows[0], params), base) if rows and rows[0][3] != HIDDEN else None
    for row in rows:
        section, group, value, number, _ = row
        if section == "reconciliation":
            number = total if value == DIFFERENT_CLIENTS and number != HIDDEN else None
        elif number != HIDDEN:
            number = rounded(number, _cell(row, params), base)
        if number in (None, HIDDEN):
            yield section, group, value, HIDDEN, HIDDEN
        else:
            yield section, group, value, number, HIDDEN if total is None else percent(min(number, total), total)


def _cell(row: Row, params: Params) -> Cell:
    """The cell of the agency's table that a row shows; a report about one program shows that program's three times."""
    section, group, value = row[:3]
    if section in ("total", "department", "program") and params.get("program"):
        program = params["program"]
        return "program", program.department.name, program.name
    if section == "total" and params.get("department"):
        return "department", "", params["department"].name
    return section, group, value


def _ordered(counts: served.Counts, total: int) -> Iterator[tuple[str, str, str, int]]:
    yield "total", "", CLIENTS_SERVED, total
    for section in ("department", "program"):
        for group, name in sorted(counts[section], key=lambda key: [part.casefold() for part in key]):
            yield section, group, name, counts[section][group, name]
    for section in DEMOGRAPHICS:
        place = order_of(section)
        for key in sorted(counts[section], key=lambda key: place(key[1])):
            if counts[section][key]:
                yield section, *key, counts[section][key]
    summed = counts["program"].total()
    yield "reconciliation", "", SUM_OF_PROGRAMS, summed
    yield "reconciliation", "", org_page.COUNTED_AGAIN, summed - total
    yield "reconciliation", "", DIFFERENT_CLIENTS, total
