"""Who is enrolled although nothing has been heard of them: often a discharge that nobody entered."""

from collections.abc import Iterator

from django.db.models import Exists, Min, OuterRef, Q, QuerySet

from core.models import Discharge, Enrollment, Intake, Staff
from reporting.forms import DayPlaceForm
from reporting.reading import days_from, people_of, scoped
from reporting.report import Params, Report, Row, key_of, percent

DAYS = 90


class Inactive(Report):
    """Per program, how many of its clients have no intake, enrollment or discharge of the last ninety days."""

    slug = "inactive"
    title = "Enrolled but Inactive"
    description = f"Clients in a program of whom nothing was entered for {DAYS} days, by program."
    icon = "hourglass_empty"
    form = DayPlaceForm
    columns = ("department", "program", "enrolled", "inactive", "percent", "longest_since")
    counted = "inactive"

    def answer(self, actor: Staff | None, params: Params) -> Iterator[Row]:
        """A row per program with someone in it; `longest_since` is the first day of the oldest such enrollment."""
        enrolled = _people(_enrolled(actor, params))
        silent = _people(_silent(actor, params))
        oldest = dict(_silent(actor, params).order_by().values_list("program").annotate(first=Min("start_date")))
        for place in sorted(enrolled, key=lambda place: [part.casefold() for part in place[:2]]):
            (department, program, key), people = place, enrolled[place]
            number = len(silent.get((department, program, key), ()))
            yield department, program, len(people), number, percent(number, len(people)), oldest.get(key)

    def rule(self, params: Params) -> list[str]:
        """What counts as heard of."""
        day = params["as_of"]
        return [
            f"Enrolled: active in the program on {day}. Inactive: of these, whoever has no enrollment that began, no "
            f"intake and no discharge, in any program, on a day from {days_from(day, -DAYS)} through {day}.",
            "Records linked as one person count as that person; each record is looked at by itself.",
        ]

    def key(self, row: Row) -> str:
        """Department and program."""
        return key_of(row[:2])

    def people(self, actor: Staff | None, params: Params, row: Row) -> QuerySet:
        """The inactive ones."""
        return people_of(actor, _silent(actor, params).filter(program__department__name=row[0], program__name=row[1]))


def _enrolled(actor: Staff | None, params: Params) -> QuerySet:
    found = scoped(actor, Enrollment).active_on(params["as_of"])
    return found.filter(program__department=params["department"]) if params.get("department") else found


def _silent(actor: Staff | None, params: Params) -> QuerySet:
    first, last = days_from(params["as_of"], -DAYS), params["as_of"]

    def seen(model: type, field: str) -> Exists:
        return Exists(model.objects.filter(**{"client": OuterRef("client"), f"{field}__range": (first, last)}))

    heard = seen(Enrollment, "start_date") | seen(Intake, "intake_date") | seen(Discharge, "discharge_date")
    return _enrolled(actor, params).filter(~Q(heard))


def _people(stays: QuerySet) -> dict[tuple, set]:
    found: dict[tuple, set] = {}
    names = ("program__department__name", "program__name", "program", "client", "client__linked_to")
    for department, program, key, client, root in stays.order_by().values_list(*names):
        found.setdefault((department, program, key), set()).add(root or client)
    return found
