"""The access log: who looked at what, which clients that showed, how many. Rows are added here and stay."""

from collections.abc import Iterable
from datetime import timedelta
from uuid import UUID

from django.db import models, transaction
from django.utils import timezone

from core import rules
from core.errors import CCDError
from core.models import AccessEntry, Client, Staff

# An export of more clients than this is told by its number and its filters alone.
MOST_CLIENTS = 1000
# The database refuses to remove what is younger.
FEWEST_DAYS = 365
_LONGEST = 500


def record(
    actor: Staff | UUID | str | None,
    action: str,
    entity: str | None = None,
    clients: Iterable[UUID] = (),
    number: int | None = None,
    detail: str | None = None,
) -> None:
    """One entry: `actor` (or the key of the account), what was done, on which table or report, the clients it showed,
    how many rows there were, and what was searched for. One insert.
    """
    AccessEntry.objects.create(
        staff_id=actor.pk if isinstance(actor, Staff) else actor,
        action=action[:40],
        entity=entity,
        client_ids=sorted(set(clients)) or None,
        number=number,
        detail=(detail or "").replace("\x00", "")[:_LONGEST] or None,
    )


def of_client(client: Client, *, viewer: Staff) -> models.QuerySet:
    """Who looked at this person, by any of the records linked to one another. Raises NotAllowed."""
    rules.require(viewer, "core.view_client_access", client)
    person = Client.objects.of_person(client.pk).values_list("pk", flat=True)
    return AccessEntry.objects.filter(client_ids__overlap=list(person)).select_related("staff")


def of_staff(staff: Staff, *, viewer: Staff) -> models.QuerySet:
    """What this person looked at. Raises NotAllowed."""
    rules.require(viewer, "core.view_accessentry")
    return rules.visible_to(viewer, AccessEntry).filter(staff=staff).select_related("staff")


def prune(*, days: int, dry_run: bool = False) -> int:
    """Remove the entries older than `days` days and note that it was done, by the system. The number removed. Only the
    database's owner may (core.management.owner). Raises CCDError where a year would not be kept.
    """
    if days < FEWEST_DAYS:
        raise CCDError(f"The access log is kept for {FEWEST_DAYS} days at least; CCD_ACCESS_LOG_DAYS says {days}.")
    before = timezone.now() - timedelta(days=days)
    old = AccessEntry.objects.filter(accessed_at__lt=before)
    if dry_run:
        return old.count()
    with transaction.atomic():
        number, _ = old.delete()
        if number:
            record(None, "prune", "access_log", number=number, detail=f"older than {timezone.localdate(before)}")
    return number
