"""How many different people were served in a period, and who they are (CONTRACT §4 and §6, org_summary)."""

from collections.abc import Iterator
from dataclasses import replace

from django.db.models import QuerySet

from core.models import Staff
from reporting import served
from reporting.demographics import DEMOGRAPHICS, NOT_RECORDED, having, order_of
from reporting.forms import PlacePeriodForm
from reporting.reading import enrollments, people_of
from reporting.report import Block, Figure, Line, Page, Params, Report, Row, percent, plural

CLIENTS_SERVED = "clients served"
SUM_OF_PROGRAMS = "sum of programs"
COUNTED_AGAIN = "counted in more than one program"
DIFFERENT_CLIENTS = "different clients"

PAGE_ORDER = ("age_group", "gender", "sexual_orientation", "race", "immigration_status", "language")


class OrgSummary(Report):
    """Distinct clients served, with breakdowns; no one is counted twice."""

    slug = "org_summary"
    title = "Organizational Summary"
    description = "How many different people were served in a period, by department, program and demographics."
    icon = "groups"
    form = PlacePeriodForm
    columns = ("section", "group", "value", "clients", "percent")

    def answer(self, actor: Staff | None, params: Params) -> Iterator[Row]:
        """Rows in the order of CONTRACT §4; percent is of the clients served."""
        counts = served.counts(actor, params)
        total = counts["total"].total()
        for section, group, value, number in _ordered(counts, total):
            yield section, group, value, number, percent(number, total)

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
            f"{NOT_RECORDED} means that the record holds no value. Percentages are of all clients served.",
        ]

    def key(self, row: Row) -> str:
        """Section, group and value."""
        return " / ".join(part for part in row[:3] if part)

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
        chosen = {name: params[name] for name in DEMOGRAPHICS if params.get(name)}
        for name, kept in (*chosen.items(), (section, value)):
            people = having(people, name, kept, params["date_to"]) if name in DEMOGRAPHICS else people
        return people

    def page(self, rows: list[Row], params: Params) -> Page:
        """The total, the reconciliation in words, and a table per section."""
        by_section: dict[str, list[Row]] = {}
        for row in rows:
            by_section.setdefault(row[0], []).append(row)
        total = by_section["total"][0][3]
        if not total:
            return Page(empty="No one was served in this period.")
        summed, again, different = (row[3] for row in by_section["reconciliation"])
        sentence = f"Sum of programs {summed:,} − {COUNTED_AGAIN} {again:,} = " + plural(
            different, "different person", "different people"
        )
        blocks = [_block(section, by_section[section]) for section in PAGE_ORDER]
        return Page(_figures(by_section, params), sentence, [_places(by_section), *blocks])


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
    yield "reconciliation", "", COUNTED_AGAIN, summed - total
    yield "reconciliation", "", DIFFERENT_CLIENTS, total


def _figures(by_section: dict[str, list[Row]], params: Params) -> list[Figure]:
    total = by_section["total"][0][3]
    again = by_section["reconciliation"][1][3]
    programs, departments = len(by_section["program"]), len(by_section["department"])
    period = f"{params['date_from']} through {params['date_to']}"
    key = OrgSummary().key(by_section["total"][0])
    return [
        Figure(f"{total:,}", "person served" if total == 1 else "different people served", period, "main", key),
        Figure(f"{programs:,}", "program served them" if programs == 1 else "programs served them"),
        Figure(f"{departments:,}", "department" if departments == 1 else "departments"),
        Figure(f"{again:,}", "counted again in another program", "taken off the sum of programs"),
    ]


def _places(by_section: dict[str, list[Row]]) -> Block:
    """Each department with its programs under it."""
    lines = []
    most = max(row[3] for row in by_section["department"])
    for row in by_section["department"]:
        lines.append(_line(row, most, kind="group"))
        lines += [_line(program, most) for program in by_section["program"] if program[1] == row[2]]
    note = "A person in several programs counts in each of them, and once in the department."
    return Block("Departments and programs", ("Program", "Clients", "Percent"), lines, note, wide=True)


def _block(section: str, rows: list[Row]) -> Block:
    title = section.replace("_", " ").capitalize()
    most = max(row[3] for row in rows)
    lines = [_line(row, most, kind="missing" if row[2] == NOT_RECORDED else "") for row in rows]
    headers = (title, "Clients", "Percent")
    if section == "language":
        note = "A person with several languages counts once in each, so these add up to more than the total."
        lines.sort(key=lambda line: (line.kind == "missing", -(line.share or 0)))
        return Block("Languages", headers, _without_bars(lines), note, wide=True, columns=3)
    return Block(title, headers, lines, wide=section == "age_group")


def _line(row: Row, most: int, kind: str = "") -> Line:
    """Bars are drawn to the largest of their table."""
    return Line(row[2], (f"{row[3]:,}", f"{row[4]} %"), row[3] / most, kind=kind, key=OrgSummary().key(row))


def _without_bars(lines: list[Line]) -> list[Line]:
    """Beside the one language that most speak, the bars of the others say nothing."""
    return [replace(line, share=None) for line in lines]
