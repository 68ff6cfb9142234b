"""How complete the records of those in each program are, field by field."""

from collections import Counter
from collections.abc import Iterator
from itertools import groupby
from operator import itemgetter
from types import MappingProxyType

from core.models import Client, Enrollment, Staff
from reporting.forms import DayPlaceForm
from reporting.reading import scoped
from reporting.report import Block, Line, Page, Params, Report, Row, percent, shown

FIELDS = (
    "dob",
    "gender",
    "sexual_orientation",
    "race",
    "immigration_status",
    "languages_spoken",
    "phone_number",
    "email",
    "address",
)
# Of those that are not called as their column.
_NAMES = {"dob": "date of birth", "email": "e-mail"}


class Completeness(Report):
    """A row per program and field."""

    slug = "completeness"
    title = "Data Completeness"
    description = "How many clients of each program have a value in each field that reports and daily work rest on."
    icon = "fact_check"
    form = DayPlaceForm
    columns = ("department", "program", "field", "clients", "recorded", "percent")

    def answer(self, actor: Staff | None, params: Params) -> Iterator[Row]:
        """By program, in the order of the fields."""
        stays = scoped(actor, Enrollment).active_on(params["as_of"])
        if params.get("department"):
            stays = stays.filter(program__department=params["department"])
        people: dict[tuple[str, str], set] = {}
        names = ("program__department__name", "program__name", "client", "client__linked_to")
        for department, program, client, root in stays.order_by().values_list(*names):
            people.setdefault((department, program), set()).add(root or client)
        filled = _filled(actor, set().union(*people.values()))
        for place in sorted(people, key=lambda place: [part.casefold() for part in place]):
            numbers = Counter(field for key in people[place] for field in filled.get(key, ()))
            for field in FIELDS:
                total = len(people[place])
                yield *place, _name(field), total, numbers[field], percent(numbers[field], total)

    def page(self, rows: list[Row], params: Params, beside: Params = MappingProxyType({})) -> Page:
        """A line per program: its clients, and of each field how many percent of them have a value."""
        lines: list[Line] = []
        for department, programs in groupby(rows, key=itemgetter(0)):
            lines.append(Line(str(department), ("",) * (len(FIELDS) + 1), kind="group"))
            for program, fields in groupby(programs, key=itemgetter(1)):
                told = list(fields)
                cells = (shown(told[0][3]), *(f"{row[5]:.0f} %" for row in told))
                lines.append(Line(str(program), cells))
        headers = ("Program", "Clients", *(_name(field).capitalize() for field in FIELDS))
        note = "Percent of the clients of each program who have a value; the files hold the numbers as well."
        return Page(blocks=[Block("Fields with a value", headers, lines, note, wide=True, plain=True)] if rows else [])

    def rule(self, params: Params) -> list[str]:
        """Who is looked at, and what counts as recorded."""
        return [
            f"Clients are those active in the program on {params['as_of']}; records linked as one person are looked at "
            "as that person's own record.",
            "Recorded means a value that is not blank. “Prefer not to say” is a value.",
        ]


def _name(field: str) -> str:
    return _NAMES.get(field, field.replace("_", " "))


def _filled(actor: Staff | None, keys: set) -> dict[object, list[str]]:
    """Client → the fields with a value."""
    rows = scoped(actor, Client).filter(pk__in=keys).order_by().values_list("pk", *FIELDS)
    return {key: [f for f, value in zip(FIELDS, values, strict=True) if _given(value)] for key, *values in rows}


def _given(value: object) -> bool:
    if isinstance(value, list):
        return any(word and word.strip() for word in value)
    if isinstance(value, dict):
        return any(value.values())
    return bool(value.strip()) if isinstance(value, str) else value is not None
