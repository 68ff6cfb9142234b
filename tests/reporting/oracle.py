"""The two reports again, in plain Python over lists of dictionaries: no SQL, nothing shared with the source but the
vocabulary. Written from CONTRACT §4 and §6.
"""

from collections import defaultdict
from datetime import date
from decimal import Decimal

from core.choices import GENDERS, IMMIGRATION_STATUSES, LANGUAGES, RACES, SEXUAL_ORIENTATIONS

FIELDS = {
    "gender": GENDERS,
    "sexual_orientation": SEXUAL_ORIENTATIONS,
    "race": RACES,
    "immigration_status": IMMIGRATION_STATUSES,
}
AGES = ["0-15", "16-24", "25-34", "35-44", "45-54", "55-64", "65+"]
MISSING = "Not recorded"


def age_on(dob: date, day: date) -> int:
    """Whole years, counted a year at a time."""
    return day.year - dob.year - (1 if (day.month, day.day) < (dob.month, dob.day) else 0)


def age_group(dob: date | None, day: date) -> str:
    if dob is None:
        return MISSING
    age = age_on(dob, day)
    if age >= 65:
        return "65+"
    for group in AGES[:-1]:
        if age <= int(group.split("-")[1]):
            return group
    raise AssertionError(age)


def active_days(enrollment: dict, first: date, last: date) -> bool:
    """Day by day would be too slow; the two ends say the same."""
    end = enrollment["end"] or date.max
    return max(enrollment["start"], first) <= min(end, last)


def percent(part: int, whole: int) -> Decimal:
    if whole == 0:
        return Decimal("0.0")
    tenths, rest = divmod(part * 1000, whole)
    return Decimal(tenths + (1 if rest * 2 >= whole else 0)).scaleb(-1)


def org_summary(world: dict, first: date, last: date, department: str = "", program: str = "") -> list[tuple]:
    """Rows as the report must give them."""
    clients = {client["id"]: client for client in world["clients"]}
    programs = {item["id"]: item for item in world["programs"]}
    served = defaultdict(set)
    for enrollment in world["enrollments"]:
        place = programs[enrollment["program"]]
        if (department and place["department"] != department) or (program and place["name"] != program):
            continue
        if active_days(enrollment, first, last):
            served[clients[enrollment["client"]]["linked_to"] or enrollment["client"]].add(place["id"])
    total = len(served)
    rows = [("total", "", "clients served", total)]
    by_department, by_program = defaultdict(set), defaultdict(set)
    for person, places in served.items():
        for place in places:
            by_department[programs[place]["department"]].add(person)
            by_program[programs[place]["department"], programs[place]["name"]].add(person)
    rows += [("department", "", name, len(by_department[name])) for name in sorted(by_department, key=str.casefold)]
    for name in sorted(by_program, key=lambda pair: (pair[0].casefold(), pair[1].casefold())):
        rows.append(("program", *name, len(by_program[name])))
    people = [clients[person] for person in served]
    for field, vocabulary in FIELDS.items():
        values = [(person[field] or "").strip() or MISSING for person in people]
        rows += _section(field, values, vocabulary)
    spoken = []
    for person in people:
        spoken += {(word or "").strip() for word in person["languages"] or []} - {""} or {MISSING}
    rows += _section("language", spoken, LANGUAGES)
    rows += _section("age_group", [age_group(person["dob"], last) for person in people], AGES)
    summed = sum(len(people) for people in by_program.values())
    rows.append(("reconciliation", "", "sum of programs", summed))
    rows.append(("reconciliation", "", "counted in more than one program", summed - total))
    rows.append(("reconciliation", "", "different clients", total))
    return [(*row, percent(row[3], total)) for row in rows]


def newcomers(world: dict, first: date, last: date) -> tuple[int, int]:
    """(new, returning)."""
    clients = {client["id"]: client["linked_to"] or client["id"] for client in world["clients"]}
    served = {clients[stay["client"]] for stay in world["enrollments"] if active_days(stay, first, last)}
    earlier = {clients[stay["client"]] for stay in world["enrollments"] if stay["start"] < first}
    return len(served - earlier), len(served & earlier)


def _section(name: str, values: list[str], vocabulary: list[str]) -> list[tuple]:
    listed = [value for value in vocabulary if value in values]
    others = sorted(set(values) - set(vocabulary) - {MISSING}, key=lambda value: (value.casefold(), value))
    missing = [MISSING] if MISSING in values else []
    return [(name, "", value, values.count(value)) for value in [*listed, *others, *missing]]


def vacancy(world: dict, day: date) -> list[tuple]:
    """Rows as the report must give them."""
    linked = {client["id"]: client["linked_to"] or client["id"] for client in world["clients"]}
    rows = []
    for program in world["programs"]:
        inside = set()
        for enrollment in world["enrollments"]:
            if enrollment["program"] == program["id"] and active_days(enrollment, day, day):
                inside.add(linked[enrollment["client"]])
        if program["closed_on"] is not None and program["closed_on"] < day and not inside:
            continue
        capacity = None
        for since, number in sorted(program["capacities"].items(), key=lambda item: item[0] or date.min):
            if since is None or since <= day:
                capacity = number
        if program["closed_on"] is not None and program["closed_on"] < day and capacity is not None:
            capacity = 0
        vacant = None if capacity is None else capacity - len(inside)
        rows.append((program["department"], program["name"], program["location"], capacity, len(inside), vacant, day))
    return sorted(rows, key=lambda row: (row[0].casefold(), row[1].casefold()))
