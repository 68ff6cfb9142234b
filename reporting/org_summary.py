"""How many different people were served in a period, and who they are (CONTRACT §4 and §6, org_summary)."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import date

from django.contrib.postgres.fields import ArrayField
from django.db.models import F, Func, QuerySet, TextField, Value
from django.db.models.functions import Coalesce

from core.choices import GENDERS, IMMIGRATION_STATUSES, LANGUAGES, RACES, SEXUAL_ORIENTATIONS
from core.models import Enrollment, Program, Staff
from reporting.forms import PlacePeriodForm
from reporting.report import (
    Block,
    Figure,
    Line,
    Page,
    Params,
    Report,
    Row,
    compiled,
    people_of,
    percent,
    plural,
    scoped,
    select,
)

NOT_RECORDED = "Not recorded"
CLIENTS_SERVED = "clients served"
SUM_OF_PROGRAMS = "sum of programs"
COUNTED_AGAIN = "counted in more than one program"
DIFFERENT_CLIENTS = "different clients"

# Someone younger than the first number, and not in the group before, is in the group named by the second.
AGE_GROUPS = ((16, "0-15"), (25, "16-24"), (35, "25-34"), (45, "35-44"), (55, "45-54"), (65, "55-64"))
OLDEST = "65+"
AGES = (*(name for _, name in AGE_GROUPS), OLDEST)

# Section → the order of its values; other values follow by name, what is missing comes last.
DEMOGRAPHICS = {
    "gender": GENDERS,
    "sexual_orientation": SEXUAL_ORIENTATIONS,
    "race": RACES,
    "immigration_status": IMMIGRATION_STATUSES,
    "language": LANGUAGES,
    "age_group": AGES,
}

PAGE_ORDER = ("age_group", "gender", "sexual_orientation", "race", "immigration_status", "language")

# What str.strip() takes away.
BLANKS = "".join(character for character in map(chr, range(0x3001)) if character.isspace())

# The served set once: a client stands for those linked to it, and is in it once per program. People are counted from
# one scan of it, one grouping set per section; languages by their list, taken apart afterwards.
SQL = """
WITH enrolled AS ({enrolled}),
served AS MATERIALIZED (
    SELECT DISTINCT coalesce(linked.linked_to, enrolled.client_id) AS client_id, enrolled.program_id
    FROM enrolled
    LEFT JOIN clients linked ON linked.client_id = enrolled.client_id AND linked.linked_to IS NOT NULL
),
in_program AS (SELECT program_id, count(*) AS number FROM served GROUP BY program_id),
in_department AS (
    SELECT department_id, count(*) AS number
    FROM (SELECT DISTINCT served.client_id, programs.department_id FROM served JOIN programs USING (program_id)) AS once
    GROUP BY department_id
),
people AS (
    SELECT gender, sexual_orientation, race, immigration_status, languages_spoken, {age_group} AS age_group
    FROM clients
    WHERE client_id IN (SELECT client_id FROM served)
),
counted AS (
    SELECT
        CASE grouping(gender, sexual_orientation, race, immigration_status, languages_spoken, age_group)
            WHEN 31 THEN 'gender' WHEN 47 THEN 'sexual_orientation' WHEN 55 THEN 'race'
            WHEN 59 THEN 'immigration_status' WHEN 61 THEN 'language' WHEN 62 THEN 'age_group' ELSE 'total'
        END AS section,
        coalesce(gender, sexual_orientation, race, immigration_status, age_group) AS value,
        languages_spoken,
        count(*) AS number
    FROM people
    GROUP BY GROUPING SETS (
        (gender), (sexual_orientation), (race), (immigration_status), (languages_spoken), (age_group), ()
    )
)
SELECT section, '' AS department, value, languages_spoken, number FROM counted
UNION ALL
SELECT 'department', '', name, NULL, number FROM in_department JOIN departments USING (department_id)
UNION ALL
SELECT 'program', departments.name, programs.name, NULL, number
FROM in_program JOIN programs USING (program_id) JOIN departments USING (department_id)
"""

Counts = dict[str, Counter[tuple[str, str]]]


class Words(Func):
    """Words(languages, blanks): the words without outer blanks, and without those that are nothing else."""

    template = (
        "ARRAY(SELECT btrim(word, blanks) FROM (SELECT unnest(%(expressions)s)::text) AS each (word, blanks) "
        "WHERE btrim(word, blanks) <> '')"
    )
    arg_joiner = "), ("
    output_field = ArrayField(TextField())


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
        counts = _counts(actor, params)
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
        enrolled = _enrolled(actor, params)
        if section == "department":
            enrolled = enrolled.filter(program__department__name=value)
        if section == "program":
            enrolled = enrolled.filter(program__department__name=group, program__name=value)
        if section == "reconciliation":
            return None
        people = people_of(actor, enrolled)
        return _having(people, section, value, params["date_to"]) if section in DEMOGRAPHICS else people

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


def _counts(actor: Staff | None, params: Params) -> Counts:
    """Section → (group, value) → number of clients."""
    enrolled, where = compiled(_enrolled(actor, params), "client_id", "program_id")
    ages, cuts = _age_case(params["date_to"])
    counts: Counts = {section: Counter() for section in ("total", "department", "program", *DEMOGRAPHICS)}
    for section, group, value, languages, number in select(
        SQL.format(enrolled=enrolled, age_group=ages), (*where, *cuts)
    ):
        if section == "language":
            for language in _languages(languages):
                counts[section]["", language] += number
        else:
            counts[section][group, _named(value) if section in DEMOGRAPHICS else value or ""] += number
    return counts


def _enrolled(actor: Staff | None, params: Params) -> object:
    """Enrollments that make someone served, by the one definition."""
    enrolled = scoped(actor, Enrollment).active_between(params["date_from"], params["date_to"])
    if params.get("department"):
        enrolled = enrolled.filter(program__in=Program.objects.filter(department=params["department"]))
    return enrolled.filter(program=params["program"]) if params.get("program") else enrolled


def _age_case(day: date) -> tuple[str, list[date]]:
    """SQL for the age group on `day`, and its parameters: who was born after day minus n years is younger than n."""
    cases = " ".join(f"WHEN dob > %s THEN '{name}'" for _, name in AGE_GROUPS)
    return f"CASE WHEN dob IS NULL THEN NULL {cases} ELSE '{OLDEST}' END", [years_before(day, n) for n, _ in AGE_GROUPS]


def years_before(day: date, years: int) -> date:
    """The same day `years` earlier; 29 February becomes the 28th where there is none."""
    if day.year <= years:
        return date.min
    try:
        return day.replace(year=day.year - years)
    except ValueError:
        return day.replace(year=day.year - years, day=28)


def _having(people: QuerySet, section: str, value: str, day: date) -> QuerySet:
    """Those counted under `value`, by the same rules as the SQL and _named, _languages."""
    missing = value == NOT_RECORDED
    if section == "age_group":
        return people.filter(dob__isnull=True) if missing else people.filter(**_born(value, day))
    if section == "language":
        spoken = people.annotate(spoken=Words("languages_spoken", Value(BLANKS)))
        return spoken.filter(spoken=[]) if missing else spoken.filter(spoken__contains=[value])
    kept = Coalesce(Func(F(section), Value(BLANKS), function="btrim", output_field=TextField()), Value("", TextField()))
    return people.annotate(kept=kept).filter(kept__in=("", NOT_RECORDED) if missing else (value,))


def _born(group: str, day: date) -> dict[str, date]:
    """Bounds of dob for an age group on `day`."""
    place = AGES.index(group)
    bounds = {}
    if place < len(AGE_GROUPS):
        bounds["dob__gt"] = years_before(day, AGE_GROUPS[place][0])
    if place:
        bounds["dob__lte"] = years_before(day, AGE_GROUPS[place - 1][0])
    return bounds


def _named(value: str | None) -> str:
    return (value or "").strip() or NOT_RECORDED


def _languages(spoken: Iterable[str | None] | None) -> set[str]:
    """Each language of one person once."""
    return {language.strip() for language in spoken or () if language and language.strip()} or {NOT_RECORDED}


def _ordered(counts: Counts, total: int) -> Iterator[tuple[str, str, str, int]]:
    yield "total", "", CLIENTS_SERVED, total
    for section in ("department", "program"):
        for group, name in sorted(counts[section], key=lambda key: [part.casefold() for part in key]):
            yield section, group, name, counts[section][group, name]
    for section, vocabulary in DEMOGRAPHICS.items():
        for key in sorted(counts[section], key=_by(vocabulary)):
            if counts[section][key]:
                yield section, *key, counts[section][key]
    summed = counts["program"].total()
    yield "reconciliation", "", SUM_OF_PROGRAMS, summed
    yield "reconciliation", "", COUNTED_AGAIN, summed - total
    yield "reconciliation", "", DIFFERENT_CLIENTS, total


def _by(vocabulary: tuple[str, ...]) -> Callable[[tuple[str, str]], tuple[int, str, str]]:
    """Sorting key: the vocabulary's order, then others by name, then what is missing."""
    place = {value: number for number, value in enumerate(vocabulary)}
    place[NOT_RECORDED] = len(vocabulary) + 1
    return lambda key: (place.get(key[1], len(vocabulary)), key[1].casefold(), key[1])


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
