"""Where there is room: capacity, occupied and vacant places of each program as of a day (CONTRACT §4, vacancy)."""

from collections.abc import Iterator
from datetime import date
from types import MappingProxyType
from uuid import UUID

from django.db.models import QuerySet

from core import rules
from core.models import Enrollment, Program, Staff
from reporting import snapshot
from reporting.forms import DayPlaceForm
from reporting.leaving import Cell, withheld
from reporting.reading import compiled, people_of, scoped, select, stays_between
from reporting.report import HIDDEN, Block, Chart, Figure, Line, Page, Params, Report, Row, Spark, key_of, plural
from reporting.rounding import rounded

# Capacity is that of the latest dated row on or before the day; a row without a date holds since ever. A client stands
# for those linked to it. One client is in one program but once on a day (the constraint enrollment_no_overlap): only
# those of several linked records have to be told apart. A program that was closed by then has no places any more, and
# is listed only where someone is still in it.
SQL = """
WITH {occupied}
SELECT departments.name, seen.name, seen.location,
       CASE WHEN seen.closed_on < %s AND held.capacity > 0 THEN 0 ELSE held.capacity END, coalesce(occupied.number, 0)
FROM ({programs}) AS seen
JOIN departments USING (department_id)
LEFT JOIN occupied USING (program_id)
LEFT JOIN LATERAL (
    SELECT capacity FROM program_capacities
    WHERE program_capacities.program_id = seen.program_id AND (effective_date IS NULL OR effective_date <= %s)
    ORDER BY effective_date DESC NULLS LAST
    LIMIT 1
) AS held ON true
WHERE seen.closed_on IS NULL OR seen.closed_on >= %s OR occupied.number > 0
"""
# Those of linked records are grouped by person, all others by nobody: one pass without a sort.
OCCUPIED = """
active AS ({active}),
linked AS NOT MATERIALIZED (SELECT client_id, linked_to FROM clients WHERE linked_to IS NOT NULL),
stood_for AS (SELECT DISTINCT linked_to AS client_id FROM linked),
counted AS (
    SELECT program_id, coalesce(linked.linked_to, stood_for.client_id) AS person, count(*) AS number
    FROM active
    LEFT JOIN linked USING (client_id)
    LEFT JOIN stood_for ON stood_for.client_id = active.client_id
    GROUP BY program_id, person
),
occupied AS (
    SELECT program_id, sum(CASE WHEN person IS NULL THEN number ELSE 1 END)::bigint AS number
    FROM counted
    GROUP BY program_id
)
"""
GIVEN = "occupied AS (SELECT * FROM unnest(%s::uuid[], %s::bigint[]) AS given (program_id, number))"
# The same on several days at once.
TREND = """
WITH stays AS ({stays}),
kin AS MATERIALIZED (
    SELECT client_id, linked_to FROM clients WHERE linked_to IS NOT NULL
    UNION SELECT linked_to, linked_to FROM clients WHERE linked_to IS NOT NULL
)
SELECT program_id, day, count(*) - count(kin.linked_to) + count(DISTINCT kin.linked_to)
FROM stays
JOIN unnest(%s::date[]) AS days (day) ON start_date <= day AND (end_date IS NULL OR end_date >= day)
LEFT JOIN kin USING (client_id)
GROUP BY program_id, day
"""
MONTHS = 12


class Vacancy(Report):
    """Capacity, occupied, vacant; negative where more people are in than places."""

    slug = "vacancy"
    title = "Vacancy Tracker"
    description = "Capacity, occupied and vacant places of each program as of a day."
    icon = "bed"
    form = DayPlaceForm
    columns = ("department", "program", "location", "capacity", "occupied", "vacant", "as_of")
    remembers = True
    counted = "occupied"

    def answer(self, actor: Staff | None, params: Params) -> Iterator[Row]:
        """A row per program, by department and name; capacity and vacant are empty where no capacity is set."""
        day = params["as_of"]
        for department, program, location, capacity, occupied in sorted(_rows(actor, params), key=_by_name):
            vacant = None if capacity is None else capacity - occupied
            yield department, program, location, capacity, occupied, vacant, day

    def shared(self, actor: Staff | None, params: Params, threshold: int, base: int = 1) -> list[Row]:
        """Occupied and vacant are HIDDEN where the summary of the same day hides the program, and rounded as there."""
        rules.require(actor, self.permission)
        day = params["as_of"]
        away = withheld(actor, day, day, threshold)
        return [_told(row, away, base) for row in self.answer(actor, params)]

    def rule(self, params: Params) -> list[str]:
        """The definitions of CONTRACT §4 in words."""
        return [
            f"Occupied is the number of clients active in the program on {params['as_of']}: started on or before that "
            "day and not ended before it. Records linked as one person count as that person.",
            f"Capacity is the one that held on {params['as_of']}; a program that was closed before has none left. "
            "Vacant is capacity minus occupied.",
            "In totals, one program's overflow does not use up another's free places. Programs without a capacity are "
            "listed but are in no total of places.",
        ]

    def key(self, row: Row) -> str:
        """Department and program."""
        return key_of(row[:2])

    def people(self, actor: Staff | None, params: Params, row: Row) -> QuerySet:
        """Who is in the program on that day."""
        active = scoped(actor, Enrollment).active_on(params["as_of"])
        return people_of(actor, active.filter(program__department__name=row[0], program__name=row[1]))

    def span(self, params: Params) -> Params:
        """Those in a program on the day."""
        return {"date_from": params["as_of"], "date_to": params["as_of"], "department": params.get("department")}

    def beside(self, actor: Staff | None, params: Params) -> Params:
        """How many were in each program at the end of each of the twelve months before, and on the day."""
        days = trend_days(params["as_of"])
        copy = _copy(actor)
        numbers = copy.occupied(days) if copy else _trend(actor, days)
        seen = list(_seen(actor, params).values_list("pk", "department__name", "name", "closed_on"))
        return {
            "days": days,
            "trend": {
                (department, name): tuple(numbers.get((key, day), 0) for day in days)
                for key, department, name, _ in seen
            },
            "closed": {
                (department, name): closed
                for _, department, name, closed in seen
                if closed and closed < params["as_of"]
            },
        }

    def page(self, rows: list[Row], params: Params, beside: Params = MappingProxyType({})) -> Page:
        """Free places first, then each department with its programs."""
        if not rows:
            return Page(empty="There are no programs.")
        departments = list(dict.fromkeys(row[0] for row in rows))
        lines: list[Line] = []
        for department in departments:
            own = [row for row in rows if row[0] == department]
            lines += [_department_line(department, own), *(_program_line(row, self.key(row), beside) for row in own)]
        block = Block(
            "Programs",
            ("Program", "Capacity", "Occupied", "Vacant"),
            lines,
            wide=True,
            tracks=True,
            totals=("All programs with a capacity", *_department_line("", rows).cells),
        )
        return Page(_figures(rows, params), "", [block], _charts(rows, beside) if beside else [])


def trend_days(day: date) -> list[date]:
    """The last days of the twelve months before `day`'s, and `day`."""
    months = [divmod(day.year * 12 + day.month - 1 - back, 12) for back in range(MONTHS - 1, -1, -1)]
    return [*(date(year, month + 1, 1) - date.resolution for year, month in months if year > 1), day]


def _charts(rows: list[Row], beside: Params) -> list[Chart]:
    """People in all listed programs over the year. Capacity is drawn as of the day, where every program has one."""
    listed = {(row[0], row[1]) for row in rows}
    sums = tuple(
        sum(numbers[place] for key, numbers in beside["trend"].items() if key in listed)
        for place in range(len(beside["days"]))
    )
    *ends, day = beside["days"]
    labels = (*(f"{end:%Y-%m}" for end in ends), str(day))
    told = "; ".join(f"{label}: {number:,}" for label, number in zip(labels, sums, strict=True))
    series = (("People in programs", "main", sums),)
    return [
        Chart(
            "People in programs over twelve months",
            "line",
            labels,
            series,
            told,
            "At the end of each month, and on the day.",
        )
    ]


def _told(row: Row, away: set[Cell], base: int) -> Row:
    department, program, location, capacity, occupied, _, day = row
    cell = ("program", department, program)
    if cell in away:
        return department, program, location, capacity, HIDDEN, None if capacity is None else HIDDEN, day
    occupied = rounded(occupied, cell, base)
    return department, program, location, capacity, occupied, None if capacity is None else capacity - occupied, day


def _rows(actor: Staff | None, params: Params) -> list[tuple[str, str, str | None, int | None, int]]:
    day = params["as_of"]
    names = ("program_id", "department_id", "name", "location", "closed_on")
    listed, where = compiled(_seen(actor, params), *names)
    copy = _copy(actor)
    if copy:
        inside = copy.occupied([day])
        occupied, when = GIVEN, ([key for key, _ in inside], list(inside.values()))
    else:
        active, when = stays_between(scoped(actor, Enrollment), day, day)
        occupied = OCCUPIED.format(active=active)
    return select(SQL.format(occupied=occupied, programs=listed), (*when, day, *where, day, day))


def _seen(actor: Staff | None, params: Params) -> QuerySet:
    programs = scoped(actor, Program)
    return programs.filter(department=params["department"]) if params.get("department") else programs


def _copy(actor: Staff | None) -> snapshot.Snapshot | None:
    """The snapshot, for those who see every client."""
    return snapshot.fresh() if actor is None or rules.sees_every_client(actor) else None


def _trend(actor: Staff | None, days: list[date]) -> dict[tuple[UUID, date], int]:
    halves = [
        compiled(half, "client_id", "program_id", "start_date", "end_date")
        for half in scoped(actor, Enrollment).halves_active_between(days[0], days[-1])
    ]
    sql = TREND.format(stays=" UNION ALL ".join(half for half, _ in halves))
    rows = select(sql, [*(value for _, values in halves for value in values), days], loops=True)
    return {(program, day): number for program, day, number in rows}


def _by_name(row: tuple) -> tuple[str, str]:
    return row[0].casefold(), row[1].casefold()


def places(rows: list[Row]) -> tuple[int, int, int, int]:
    """Capacity, occupied, free and over of the programs that have a capacity; overflow of one eats no other's room."""
    held = [row for row in rows if row[3] is not None]
    free = sum(max(row[5], 0) for row in held)
    over = sum(max(-row[5], 0) for row in held)
    return sum(row[3] for row in held), sum(row[4] for row in held), free, over


def crowded(rows: list[Row]) -> int:
    """Programs with more people than places."""
    return sum(1 for row in rows if row[5] is not None and row[5] < 0)


def _figures(rows: list[Row], params: Params) -> list[Figure]:
    capacity, occupied, free, over = places(rows)
    unlimited = [row for row in rows if row[3] is None]
    figures = [
        Figure(f"{free:,}", "place vacant" if free == 1 else "places vacant", f"as of {params['as_of']}", "main"),
        Figure(f"{occupied:,} of {capacity:,}", "places occupied", _rate(occupied - over, capacity)),
        Figure(f"{over:,}", "over capacity", *((f"in {plural(crowded(rows), 'program')}", "warn") if over else ())),
    ]
    if unlimited:
        people = sum(row[4] for row in unlimited)
        noun = plural(len(unlimited), "program")
        figures.append(Figure(f"{people:,}", "in programs without a capacity", noun))
    return figures


def _rate(used: int, capacity: int) -> str:
    """How full: places in use, not people, so that overflow makes nothing fuller than full."""
    return f"{100 * used / capacity:.0f} % of places in use" if capacity else ""


def _department_line(department: str, rows: list[Row]) -> Line:
    capacity, occupied, free, over = places(rows)
    if all(row[3] is None for row in rows):
        return Line(department, ("–", f"{sum(row[4] for row in rows):,}", "–"), kind="group")
    note = f"over by {over:,} in {plural(crowded(rows), 'program')}" if over else ""
    return Line(department, (f"{capacity:,}", f"{occupied:,}", f"{free:,}"), note=note, kind="group")


def _spark(row: Row, beside: Params) -> Spark | None:
    if not beside:
        return None
    numbers = beside["trend"].get(row[:2], (0,) * len(beside["days"]))
    return Spark(numbers, f"Occupied over twelve months: {', '.join(map(str, numbers))}")


def _program_line(row: Row, key: str, beside: Params) -> Line:
    _, program, location, capacity, occupied, vacant, _ = row
    closed = beside.get("closed", {}).get(row[:2])
    note, spark = " · ".join(filter(None, (location, closed and f"closed {closed}"))), _spark(row, beside)
    if capacity is None:
        return Line(
            program, ("not set", f"{occupied:,}", "–"), note=note, kind="missing", key=key, opens=1, spark=spark
        )
    room = f"over by {-vacant:,}" if vacant < 0 else "full" if vacant == 0 else f"{vacant:,}"
    tone = "warn" if vacant < 0 else "full" if vacant == 0 else ""
    share = min(occupied / capacity, 1.0) if capacity else float(occupied > 0)
    cells = (f"{capacity:,}", f"{occupied:,}", room)
    return Line(program, cells, share, note=note, tone=tone, key=key, opens=1, spark=spark)
