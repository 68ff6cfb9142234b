"""Service restrictions by where they hold and why: in force, ending soon, to come, over, and how long they lasted."""

from collections.abc import Iterator
from datetime import date
from statistics import median

from core.models import Restriction, Staff
from reporting.forms import DayPlaceForm
from reporting.reading import days_from, scoped
from reporting.report import Params, Report, Row

SOON = 30
EVERYWHERE = "Whole organization"


class Restrictions(Report):
    """A row per place and reason."""

    slug = "restrictions"
    title = "Service Restrictions"
    description = "Restrictions by program and reason: active, ending soon, upcoming, expired, and their length."
    icon = "block"
    form = DayPlaceForm
    columns = ("department", "program", "reason", "active", "ending_soon", "upcoming", "expired", "median_days")

    def answer(self, actor: Staff | None, params: Params) -> Iterator[Row]:
        """`ending_soon` are among the active ones; `median_days` is of those with an end, both days included."""
        found = scoped(actor, Restriction)
        if params.get("department"):
            found = found.filter(program__department=params["department"])
        names = ("program__department__name", "program__name", "reason", "start_date", "end_date")
        groups: dict[tuple[str, str, str], list[tuple[date, date | None]]] = {}
        for department, program, reason, first, last in found.order_by().values_list(*names):
            place = (department or "", program or EVERYWHERE, (reason or "").strip() or "Not recorded")
            groups.setdefault(place, []).append((first, last))
        for place, spans in sorted(groups.items(), key=lambda item: [part.casefold() for part in item[0]]):
            yield *place, *_numbers(spans, params["as_of"])

    def rule(self, params: Params) -> list[str]:
        """When a restriction is what."""
        day = params["as_of"]
        return [
            f"Active: in force on {day}; one that ends that day is active all of it. Ending soon: of these, those that "
            f"end by {days_from(day, SOON)}. Upcoming start later, expired ended before.",
            "The length counts both days and is the median of those with an end, whether or not it has come.",
        ]


def _numbers(spans: list[tuple[date, date | None]], day: date) -> tuple[int, int, int, int, int | None]:
    active = [(first, last) for first, last in spans if first <= day and (last is None or last >= day)]
    soon = sum(1 for _, last in active if last is not None and last <= days_from(day, SOON))
    upcoming = sum(1 for first, _ in spans if first > day)
    lengths = [(last - first).days + 1 for first, last in spans if last is not None]
    return len(active), soon, upcoming, len(spans) - len(active) - upcoming, round(median(lengths)) if lengths else None
