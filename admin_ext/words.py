"""How screens say dates, ages and places."""

from datetime import date

from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from core import approvals
from core.audit.words import label_of
from core.models import Client, PendingChange, Restriction


def age_on(dob: date, day: date) -> int:
    """Full years; who was born on 29 February is a year older on 1 March where there is no 29th, as in reports."""
    return day.year - dob.year - ((day.month, day.day) < (dob.month, dob.day))


def age(client: Client) -> int | None:
    """Full years today, local date."""
    return age_on(client.dob, timezone.localdate()) if client.dob else None


def vacancy(capacity: int | None, occupied: int, *, closed: bool = False) -> str:
    """'3', 'full' or 'over by 3'; empty where the program has no fixed number of places, 'closed' where it has none
    any more and nobody is inside.
    """
    if closed and not occupied:
        return "closed"
    if capacity is None:
        return ""
    vacant = capacity - occupied
    if vacant < 0:
        return f"over by {-vacant}"
    return str(vacant) if vacant else "full"


def where(restriction: Restriction) -> str:
    """What the client is barred from."""
    return str(restriction.program) if restriction.program_id else "whole organization"


def until(end: date | None) -> str:
    """The last day, or that there is none."""
    return f"through {end:%Y-%m-%d}" if end else "until further notice"


def day(value: date | None, missing: str = "–") -> SafeString | str:
    """A date that does not break across lines."""
    return format_html('<span class="ccd-date">{}</span>', f"{value:%Y-%m-%d}") if value else missing


def chip(text: str, kind: str) -> SafeString:
    """A small coloured label; `kind` is one of red, green, blue, grey, orange."""
    return format_html('<span class="ccd-chip ccd-{}">{}</span>', kind, text)


def proposal(change: PendingChange) -> str:
    """'Change client: gender, race'."""
    model = approvals.ENTITIES.get(change.entity)
    title = f"{change.get_kind_display()} {model._meta.verbose_name if model else change.entity}"
    fields = ", ".join(label_of(model, column).lower() for column in change.after)
    return f"{title}: {fields}" if fields and change.kind == "change" else title


def lines(first: object, second: object) -> SafeString:
    """Two lines in one cell, the second quieter."""
    if not second:
        return format_html("{}", first)
    return format_html('<span class="ccd-two"><span>{}</span><small>{}</small></span>', first, second)
