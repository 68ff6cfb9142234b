"""What a person says of two clients: the same person (link, and take it back), or not the same, for ever.

A link is a pointer: `client.linked_to` names the record that is shown; what hangs on either record stays where it is
and is found through the pointer. A record that others point to takes them along: a pointer is never followed twice.
"""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Q
from django.db.utils import IntegrityError
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from core import audit, records, rules
from core.errors import Conflict, Invalid
from core.models import Client, ClientLink, Staff
from core.models.clients import REMEMBERED_FIELDS


def mark_not_same(
    client: Client,
    other: Client,
    *,
    actor: Staff | None,
    reason: str | None = None,
    evidence: dict[str, Any] | None = None,
) -> ClientLink:
    """Remember for ever that these are two people; `evidence` is what spoke for one, for the rehearsal.

    Raises NotAllowed, Conflict where it was said already, or where the two are linked.
    """
    with audit.acting(actor, channel="link", reason=reason):
        first, second = _both(client, other)
        rules.require(actor, "core.link_clients")
        if (first.linked_to_id or first.pk) == (second.linked_to_id or second.pk):
            raise Conflict("These two records are linked: unlink them first, then say that they are two people.")
        try:
            return ClientLink.objects.create(
                client=first, other=second, verdict="not_same", decided_by=actor, reason=reason, evidence=evidence
            )
        except IntegrityError as error:
            raise Conflict("This pair was marked as not the same already.") from error


def link(
    client: Client,
    other: Client,
    *,
    actor: Staff | None,
    take: Iterable[str] = (),
    reason: str | None = None,
    evidence: dict[str, Any] | None = None,
) -> ClientLink:
    """Say that `client` is the person of `other`, whose record is shown from now on.

    `take` names the fields that `other` shall have from `client`; `evidence` (core.linking.evidence) is kept with the
    link.
    Raises NotAllowed, Invalid, Conflict.
    """
    wanted = frozenset(take)
    if wanted - set(REMEMBERED_FIELDS):
        raise Invalid(
            {"take": [f"These are no fields to choose: {', '.join(sorted(wanted - set(REMEMBERED_FIELDS)))}."]}
        )
    with audit.acting(actor, channel="link", reason=reason):
        gone, kept = _locked(client, other)
        rules.require(actor, "core.link_clients")
        moved = list(Client.objects.filter(linked_to=gone).order_by("pk").values_list("pk", flat=True))
        values = {name: getattr(gone, name) for name in sorted(wanted) if getattr(gone, name) != getattr(kept, name)}
        before = _as_json(kept, [*values, "edited_fields", "updated_at"])
        if values:
            records.change(kept, actor=actor, values=values, reason=reason or f"Linked {gone}")
        Client.objects.filter(pk__in=[gone.pk, *moved]).update(linked_to=kept)
        after = _as_json(Client.objects.get(pk=kept.pk), [*values, "edited_fields", "updated_at"])
        undo = {"moved": [str(key) for key in moved], "before": before, "after": after}
        return ClientLink.objects.create(
            client=gone,
            other=kept,
            verdict=ClientLink.Verdict.SAME,
            decided_by=actor,
            reason=reason,
            evidence={**(evidence or {}), "undo": undo},
        )


def unlink(made: ClientLink, *, actor: Staff | None, reason: str | None = None) -> ClientLink:
    """Take a link back: both records are what they were, and what was changed since stays changed.

    Raises NotAllowed, Conflict where it is no link or was taken back already.
    """
    with audit.acting(actor, channel="link", reason=reason):
        found = ClientLink.objects.select_for_update().get(pk=made.pk)
        if found.verdict != ClientLink.Verdict.SAME or found.undone_at is not None:
            raise Conflict("This link was taken back already.")
        theirs = Client.objects.of_person(found.client_id) | Client.objects.filter(pk=found.other_id)
        clients = {c.pk: c for c in theirs.order_by("pk").select_for_update()}
        rules.require(actor, "core.link_clients")
        found.undone_at, found.undone_by = timezone.now(), actor
        found.save(update_fields=["undone_at", "undone_by"])
        _point(clients, found)
        _give_back(clients[found.other_id], found, actor, reason)
        return found


def _locked(client: Client, other: Client) -> tuple[Client, Client]:
    """Both records, locked; neither points elsewhere, and nobody said that they are two people."""
    if client.pk == other.pk:
        raise Invalid({"": ["A client cannot be linked to itself."]})
    both = _both(client, other)
    found = {record.pk: record for record in both}
    for record in both:
        if record.linked_to_id is not None:
            raise Conflict(f"{record} is linked to another record already: work on that one, or unlink it first.")
    mine, theirs = (Client.objects.of_person(record.pk) for record in both)
    said = ClientLink.objects.filter(verdict="not_same")
    if said.filter(client=both[0], other=both[1]).exists():
        raise Conflict("These two were marked as not the same person, which holds for ever.")
    apart = said.filter(Q(client__in=mine, other__in=theirs) | Q(client__in=theirs, other__in=mine)).first()
    if apart is not None:
        raise Conflict(
            f"{apart.client} and {apart.other}, whom these two stand for, were marked as not the same person, which "
            "holds for ever."
        )
    return found[client.pk], found[other.pk]


def _without_taken_back(before: dict[str, Any], name: str, made: ClientLink) -> dict[str, Any]:
    """`before`, a field in it as it was before any link that was itself taken back after `made` had covered it."""
    undone = ClientLink.objects.filter(
        other=made.other_id,
        verdict=ClientLink.Verdict.SAME,
        decided_at__lte=made.decided_at,
        undone_at__gt=made.decided_at,
    )
    for link_before in map(_undo_of, undone.exclude(pk=made.pk).order_by("-decided_at")):
        if name in link_before.get("after", {}) and link_before["after"][name] == before[name]:
            first = link_before["before"]
            edited = {*before["edited_fields"]} - {name} | ({name} & {*first["edited_fields"]})
            before = {**before, name: first[name], "edited_fields": sorted(edited)}
    return before


def _both(client: Client, other: Client) -> list[Client]:
    """Both records, locked in the order of their keys."""
    found = list(Client.objects.select_for_update().filter(pk__in=(client.pk, other.pk)).order_by("pk"))
    if client.pk == other.pk:
        raise Invalid({"": ["These are not two records but one."]})
    if len(found) < 2:
        raise Conflict("One of the two clients is not there any more.")
    return found


def _point(clients: dict[UUID, Client], undone: ClientLink) -> None:
    """Let every record of the person point where the links that still stand lead; one that no link explains follows
    the record it was taken along with.
    """
    standing = ClientLink.objects.filter(client__in=clients, verdict=ClientLink.Verdict.SAME, undone_at=None)
    leads = dict(standing.values_list("client_id", "other_id"))
    moved = _undo_of(undone).get("moved", ())
    for key, record in clients.items():
        if key not in leads and key != undone.client_id and str(key) not in moved:
            continue
        shown = key if key in leads or key == undone.client_id else undone.client_id
        while shown in leads:
            shown = leads[shown]
        linked_to = None if shown == key else shown
        if record.linked_to_id != linked_to:
            Client.objects.filter(pk=key).update(linked_to=linked_to)


def _undo_of(made: ClientLink) -> dict[str, Any]:
    return (made.evidence or {}).get("undo", {})


def _as_json(record: Client, names: Iterable[str]) -> dict[str, Any]:
    found = {name: getattr(record, name) for name in names}
    return {name: value.isoformat() if hasattr(value, "isoformat") else value for name, value in found.items()}


def _give_back(kept: Client, undone: ClientLink, actor: Staff | None, reason: str | None) -> None:
    """Set the chosen fields back where nobody changed them since, and forget that a person had chosen them.

    While ccd.restoring is on, the database neither touches updated_at nor remembers an edit.
    """
    before, after = _undo_of(undone).get("before", {}), _undo_of(undone).get("after", {})
    for name in after.keys() & frozenset(REMEMBERED_FIELDS):
        before = _without_taken_back(before, name, undone)
    now = _as_json(kept, after)
    chosen = [name for name in after if name in REMEMBERED_FIELDS]
    if not chosen:
        return
    back = [name for name in chosen if now[name] == after[name]]
    untouched = now["updated_at"] == after["updated_at"]
    edited = [n for n in kept.edited_fields if n not in back or n in before["edited_fields"]]
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('ccd.restoring', 'on', true)")
        if back:
            fields = {name: Client._meta.get_field(name).to_python(before[name]) for name in back}
            records.change(kept, actor=actor, values=fields, reason=reason or "Unlinked")
        updated = parse_datetime(before["updated_at"]) if untouched else timezone.now()
        Client.objects.filter(pk=kept.pk).update(edited_fields=edited, updated_at=updated)
        cursor.execute("SELECT set_config('ccd.restoring', '', true)")
