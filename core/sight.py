"""Why someone sees a client: the rules behind visible_to(), in words. A test holds the two to the same clients."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from django.conf import settings
from django.db.models import Count, Q
from django.db.models.functions import Coalesce
from django.utils import timezone

from core import rules
from core.models import Client, ClientAssignment, Enrollment, ProgramStaff, Staff


@dataclass(frozen=True)
class Reason:
    """One rule by which someone sees clients, and how many different people it shows."""

    title: str
    note: str
    number: int


def why_visible(user: rules.User, clients: Iterable[Client]) -> dict[UUID, list[str]]:
    """Client → the rules by which `user` sees it; those that are not seen are left out. Two queries at most."""
    found = {client.pk: client for client in clients}
    held = rules.roles_of(user)
    if not held:
        return {}
    if held & rules.SEEING_ALL:
        return {key: [_by_role(held)] for key in found}
    reasons: dict[UUID, list[str]] = defaultdict(list)
    stays = rules.assigned_stays(user).filter(Q(client__in=found) | Q(client__linked_to__in=found))
    for stay in stays.select_related("client", "program").order_by("program__name", "-start_date"):
        _add(reasons, found, stay.client, _of_stay(stay))
    grants = rules.grants(user).filter(Q(content_object__in=found) | Q(content_object__linked_to__in=found))
    for grant in grants.select_related("content_object"):
        _add(reasons, found, grant.content_object, _of_grant(grant))
    return dict(reasons)


def reasons_of(user: Staff) -> list[Reason]:
    """Every rule that gives `user` clients to see, with the number of different people."""
    held = rules.roles_of(user)
    if not held:
        return []
    if held & rules.SEEING_ALL:
        return [Reason(_by_role(held), "", Client.objects.canonical().count())]
    person = Coalesce("client__linked_to", "client")
    stays = rules.assigned_stays(user).order_by().values("program").annotate(people=Count(person, distinct=True))
    numbers = {row["program"]: row["people"] for row in stays}
    note = f"Works there: clients enrolled now or in the last {settings.CCD_ASSIGNED_DAYS} days"
    places = ProgramStaff.objects.filter(staff=user).select_related("program").order_by("program__name")
    found = [Reason(place.program.name, note, numbers.get(place.program_id, 0)) for place in places]
    granted = rules.grants(user).aggregate(
        people=Count(Coalesce("content_object__linked_to", "content_object"), distinct=True)
    )["people"]
    return [*found, Reason("Granted by name", "Single clients, each assigned by a coordinator", granted)]


def _by_role(held: frozenset[str]) -> str:
    names = " and ".join(sorted(held & rules.SEEING_ALL))
    return f"Role {names}: sees all clients"


def _add(reasons: dict[UUID, list[str]], found: dict[UUID, Client], client: Client, sentence: str) -> None:
    """For the client itself, and for the one it is linked to."""
    if client.pk in found:
        reasons[client.pk].append(sentence)
    if client.linked_to_id in found:
        reasons[client.linked_to_id].append(f"{sentence} (as {client}, the same person)")


def _of_stay(stay: Enrollment) -> str:
    return f"Works in {stay.program}: {_days(stay, timezone.localdate())}"


def _days(stay: Enrollment, today: date) -> str:
    if stay.end_date is None:
        return f"client enrolled since {stay.start_date}"
    if stay.end_date >= today:
        return f"client enrolled since {stay.start_date}, through {stay.end_date}"
    gone = (today - stay.end_date).days
    days = f"{gone} day{'' if gone == 1 else 's'}"
    return f"enrollment ended {days} ago, within {settings.CCD_ASSIGNED_DAYS}"


def _of_grant(grant: ClientAssignment) -> str:
    return f"Granted by name through {grant.end_date}" if grant.end_date else "Granted by name, without an end"
