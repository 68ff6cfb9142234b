"""Enrolling a person in spite of a restriction: which ones speak against it, and whether a reason speaks of them.

A stay may always be ended, or shortened: only days that it gains count. A reason speaks of the restrictions of its
time: one that was entered or changed after it was given, or that did not bar the stay then, needs a reason anew.
"""

from collections.abc import Collection, Iterable, Iterator
from datetime import date, datetime, timedelta

from django.db.models import Q, QuerySet

from core.choices import SCOPE_ORG
from core.errors import Invalid
from core.models import AuditEntry, Client, Enrollment, Restriction


def barring(enrollment: Enrollment, changed: frozenset[str] | None = None) -> QuerySet[Restriction]:
    """Restrictions of the person, by whichever record, of the whole organization or of the program of the enrollment,
    that are in force on some day which it had not before. `changed` names what differs from the enrollment on record,
    None: it is new.
    """
    days = Q(pk__in=[])
    for first, last in _days_added(enrollment, changed):
        some = Q(end_date__isnull=True) | Q(end_date__gte=first)
        days |= some if last is None else some & Q(start_date__lte=last)
    return Restriction.objects.filter(
        Q(client__in=Client.objects.of_person(enrollment.client_id)),
        Q(scope=SCOPE_ORG) | Q(program=enrollment.program_id),
        days,
    )


def in_spite(enrollment: Enrollment, changed: frozenset[str] | None) -> bool:
    """Does it enroll in spite of a restriction, with the reason that this needs. Raises Invalid where there is none."""
    found = list(barring(enrollment, changed))
    if not any(map(str.isalnum, enrollment.override_reason or "")):
        _refuse(found, "give the reason for the override")
    elif found and changed is not None:
        given = _reason_given(enrollment)
        if given is not None or "override_reason" not in changed:
            known = Enrollment.objects.get(pk=enrollment.pk)
            spoken_of = set(barring(known).values_list("pk", flat=True)) - entered_since(found, given)
            fresh = [restriction for restriction in found if restriction.pk not in spoken_of]
            _refuse(fresh, "give the reason for the override anew: this one was given before")
    return bool(found)


def entered_since(restrictions: Iterable[Restriction], since: datetime | None) -> set[object]:
    """Keys of those that were entered or changed at that moment or later; None: all of them."""
    keys = {restriction.pk for restriction in restrictions}
    if since is None:
        return keys
    entries = AuditEntry.objects.filter(
        entity=Restriction._meta.db_table, entity_id__in=keys, action__in=("create", "update"), changed_at__gte=since
    )
    return set(entries.values_list("entity_id", flat=True))


def told(restriction: Restriction) -> str:
    """'Amina Yusuf barred from Hostel A from 2026-01-01, until further notice'."""
    until = f"through {restriction.end_date}" if restriction.end_date else "until further notice"
    return f"{restriction}, {until}"


def _days_added(enrollment: Enrollment, changed: Collection[str] | None) -> Iterator[tuple[date, date | None]]:
    """First and last day of what the enrollment has beyond the one recorded; last None: without end."""
    start, end = enrollment.start_date, enrollment.end_date
    known = None
    if changed is not None and not {"client", "program", "override_reason"} & set(changed):
        known = Enrollment.objects.filter(pk=enrollment.pk).values_list("start_date", "end_date").first()
    if known is None:
        yield start, end
        return
    known_start, known_end = known
    if start < known_start:
        yield start, min(filter(None, (end, known_start - timedelta(days=1))))
    if known_end is not None and known_end < date.max and (end is None or end > known_end):
        yield max(start, known_end + timedelta(days=1)), end


def _reason_given(enrollment: Enrollment) -> datetime | None:
    """When the reason that it has was last put on record: an old version that is restored brings an old one with it.
    None where it is new, or the log does not say.
    """
    entries = AuditEntry.objects.filter(
        entity=Enrollment._meta.db_table,
        entity_id=enrollment.pk,
        diff_json__after__override_reason=enrollment.override_reason,
    )
    return entries.order_by("-position").values_list("changed_at", flat=True).first()


def _refuse(found: list[Restriction], ask: str) -> None:
    """Name the first of them, if there is one, and what is asked for."""
    for restriction in found[:1]:
        raise Invalid({"override_reason": [f"{told(restriction)}. To enroll the client all the same, {ask}."]})
