"""What happened to a record as a whole since something was proposed about it: linked to another client, or closed.

A field that moved is a choice (comparing.Stale). This is not: what was proposed may now belong to someone else.
"""

from collections.abc import Iterator

from django.db import models
from django.utils import timezone

from core.audit.words import is_key
from core.models import AuditEntry, Client, PendingChange, Program


def obstacle(change: PendingChange, record: models.Model | None) -> str | None:
    """A sentence about what keeps the proposal from being approved, and what to do; None where nothing does.

    What hangs on a linked or closed client can still be ended or corrected; only its own fields, and new rows, are not
    for it any more.
    """
    if record is None and change.kind != "create":
        return "The record is not there any more. Decline this proposal."
    for subject in _subjects(change, record):
        linked_to = getattr(subject, "linked_to", None)
        if linked_to is not None and (entry := _since(change, subject, "linked_to")):
            return (
                f"{subject} was linked to {linked_to} {_by(entry)}, after this was proposed. Decline it and let it be "
                f"proposed for {linked_to}, or unlink the two first."
            )
        if subject.closed_on is not None and (entry := _since(change, subject, "closed_on")):
            return f"{subject} was closed {_by(entry)}, after this was proposed. Decline it, or open the record again."
    return None


def _subjects(change: PendingChange, record: models.Model | None) -> Iterator[Client | Program]:
    """The clients and programs whose own fields it would write, or to which it would add a row."""
    if change.kind == "delete":
        return
    after = change.after
    if isinstance(record, Client | Program):
        if "closed_on" not in after:
            yield record
        return
    if change.kind == "create" and change.client_id:
        yield from Client.objects.filter(pk=change.client_id).select_related("linked_to")
    program = after.get("program_id") or after.get("program")
    if is_key(program):
        yield from Program.objects.filter(pk=program)


def _since(change: PendingChange, subject: models.Model, column: str) -> AuditEntry | None:
    """The last entry since it was proposed that gave the column a value."""
    entries = AuditEntry.objects.filter(
        entity=subject._meta.db_table,
        entity_id=subject.pk,
        changed_at__gte=change.requested_at,
        diff_json__after__has_key=column,
    )
    return entries.select_related("changed_by").order_by("-position").first()


def _by(entry: AuditEntry) -> str:
    when = timezone.localtime(entry.changed_at).strftime("%Y-%m-%d %H:%M")
    return f"by {entry.changed_by} on {when}" if entry.changed_by else f"on {when}"
