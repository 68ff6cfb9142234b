"""The page of the Organizational Summary: what is read first, the comparison, the charts, a table per section."""

from collections.abc import Callable
from datetime import date
from urllib.parse import urlencode

from reporting.demographics import AGES, NOT_RECORDED
from reporting.report import Block, Chart, Figure, Line, Page, Params, Row, change, percent, plural

COUNTED_AGAIN = "counted in more than one program"
PAGE_ORDER = ("age_group", "gender", "sexual_orientation", "race", "immigration_status", "language")
_MOST_BARS = 12
_LONGEST = 20

Key = Callable[[Row], str]
Sections = dict[str, list[Row]]


def page(rows: list[Row], params: Params, beside: Params, key: Key) -> Page:
    """`beside` as OrgSummary.beside() gives it, or empty: then nothing is compared."""
    by_section: Sections = {}
    for row in rows:
        by_section.setdefault(row[0], []).append(row)
    if not by_section["total"][0][3]:
        return Page(empty="No one was served in this period.")
    summed, again, different = (row[3] for row in by_section["reconciliation"])
    sentence = f"Sum of programs {summed:,} − {COUNTED_AGAIN} {again:,} = " + plural(
        different, "different person", "different people"
    )
    before = beside.get("before")
    blocks = [_block(section, by_section[section], before, key) for section in PAGE_ORDER]
    charts = _charts(by_section, beside) if before else []
    figures = _figures(by_section, params, beside, key)
    return Page(figures, sentence, [_places(by_section, beside, key), *blocks], charts)


def _figures(by_section: Sections, params: Params, beside: Params, key: Key) -> list[Figure]:
    row = by_section["total"][0]
    total, again = row[3], by_section["reconciliation"][1][3]
    programs, departments = len(by_section["program"]), len(by_section["department"])
    period = f"{_day(params['date_from'])} through {_day(params['date_to'])}"
    served = Figure(
        f"{total:,}", "person served" if total == 1 else "different people served", period, "main", key(row)
    )
    places = Figure(
        f"{programs:,}",
        "program served them" if programs == 1 else "programs served them",
        f"in {plural(departments, 'department')}",
    )
    twice = Figure(f"{again:,}", "counted again in another program", "taken off the sum of programs")
    if not beside:
        return [served, places, twice]
    return [served, _compared(total, beside), *_newcomers(total, beside), places]


def _day(day: date) -> str:
    """A day that no line breaks in."""
    return str(day).replace("-", "-\N{WORD JOINER}")


def _compared(total: int, beside: Params) -> Figure:
    then = beside["before"].get(("total", "", "clients served"), 0)
    rate = f" ({100 * (total - then) / then:+.1f}\u00a0%)".replace("-", "−") if then else ""
    return Figure(
        change(total, then),
        "against the period before",
        f"{then:,}{rate}, {_day(beside['first'])} through {_day(beside['last'])}",
    )


def _newcomers(total: int, beside: Params) -> list[Figure]:
    new, again = beside["new"]
    return [
        Figure(f"{new:,}", "new", f"{percent(new, total)} % of them, never in these programs before"),
        Figure(f"{again:,}", "returning", "in these programs before the period, too"),
    ]


def _charts(by_section: Sections, beside: Params) -> list[Chart]:
    """Departments and ages, this period and the one before."""
    before = beside["before"]
    largest = sorted(by_section["department"], key=lambda row: -row[3])[:_MOST_BARS]
    ages = {row[2]: row for row in by_section["age_group"]}
    labels = [age for age in AGES if age in ages or ("age_group", "", age) in before]
    left = len(by_section["department"]) - len(largest)
    note = f"The {_MOST_BARS} largest; {left} more in the table." if left else ""
    then = [before.get(row[:3], 0) for row in largest]
    by_age = _chart(
        "bar",
        "People by age",
        labels,
        [ages[age][3] if age in ages else 0 for age in labels],
        [before.get(("age_group", "", age), 0) for age in labels],
    )
    if len(largest) < 2:
        return [by_age]
    names, numbers = [row[2] for row in largest], [row[3] for row in largest]
    return [_chart("rows", "People by department", names, numbers, then, note), by_age]


def _short(name: str) -> str:
    """A name that has room beside its bar on a telephone, too: Chart.js gives names half of the width and cuts their
    beginning off where they need more.
    """
    return name if len(name) <= _LONGEST else f"{name[: _LONGEST - 1].rstrip()}…"


def _chart(kind: str, title: str, labels: list[str], now: list[int], then: list[int], note: str = "") -> Chart:
    told = "; ".join(f"{label} {n:,}, before {b:,}" for label, n, b in zip(labels, now, then, strict=True))
    series = (("This period", "main", tuple(now)), ("The period before", "quiet", tuple(then)))
    return Chart(title, kind, tuple(_short(label) for label in labels), series, told, note)


def _places(by_section: Sections, beside: Params, key: Key) -> Block:
    """Each department with its programs under it; a name narrows the report to it."""
    lines, before = [], beside.get("before")
    most = max(row[3] for row in by_section["department"])
    for row in by_section["department"]:
        lines.append(_line(row, most, before, key, kind="group", narrow={"department": row[2], "program": ""}))
        for program in by_section["program"]:
            if program[1] == row[2]:
                narrow = {"department": row[2], "program": program[2]}
                lines.append(_line(program, most, before, key, narrow=narrow))
    note = "A person in several programs counts in each of them, and once in the department."
    return Block("Departments and programs", _headers("Program", before), lines, note, wide=True)


def _block(section: str, rows: list[Row], before: Params | None, key: Key) -> Block:
    title = section.replace("_", " ").capitalize()
    most = max(row[3] for row in rows)
    if section == "language":
        # Beside the one language that most speak, the bars of the others say nothing.
        lines = [_line(row, None, None, key, kind=_kind(row)) for row in rows]
        lines.sort(key=lambda line: (line.kind == "missing", -int(line.cells[0].replace(",", ""))))
        note = "A person with several languages counts once in each, so these add up to more than the total."
        return Block("Languages", _headers(title, None), lines, note, wide=True, columns=3)
    lines = [_line(row, most, before, key, kind=_kind(row)) for row in rows]
    return Block(title, _headers(title, before), lines, wide=section == "age_group")


def _kind(row: Row) -> str:
    return "missing" if row[2] == NOT_RECORDED else ""


def _headers(first: str, before: Params | None) -> tuple[str, ...]:
    return (first, "Clients", "Percent") if before is None else (first, "Clients", "Percent", "Change")


def _line(
    row: Row,
    most: int | None,
    before: Params | None,
    key: Key,
    *,
    kind: str = "",
    narrow: dict[str, str] | None = None,
) -> Line:
    """Bars are drawn to `most`, the largest of their table."""
    cells = (f"{row[3]:,}", f"{row[4]} %")
    if before is not None:
        cells = (*cells, change(row[3], before.get(row[:3], 0)))
    share = None if most is None else row[3] / most
    return Line(row[2], cells, share, kind=kind, key=key(row), narrow=urlencode(narrow) if narrow else "")
