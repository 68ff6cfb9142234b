"""What happened since something was proposed: its record was linked to another client, or closed, or the person barred.

A field that moved is a choice (comparing.Stale). This is not: what was proposed may now belong to someone else, or its
reason for enrolling someone in spite of a restriction does not speak of the restriction that there is now.
"""

from collections.abc import Iterator
from copy import copy

from django.db import models
from django.utils import timezone

from core.approvals.diff import by_column, values_of
from core.audit.words import is_key
from core.barring import barring, entered_since, told
from core.errors import Invalid
from core.models import AuditEntry, Client, Enrollment, PendingChange, Program


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
    return _barred_since(change, record)


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


def _barred_since(change: PendingChange, record: models.Model | None) -> str | None:
    """An enrollment proposed with a reason in spite of restrictions, and one of them came later."""
    if change.entity != Enrollment._meta.db_table or not change.after.get("override_reason"):
        return None
    enrollment = copy(record) if isinstance(record, Enrollment) else Enrollment(pk=change.entity_id)
    try:
        values = values_of(Enrollment, by_column(Enrollment, change.after))
    except Invalid:
        return None  # who approves it is told so
    for name, value in values.items():
        setattr(enrollment, name, value)
    if not enrollment.client_id or not enrollment.start_date:
        return None
    found = list(barring(enrollment))
    since = entered_since(found, change.requested_at)
    for restriction in found:
        if restriction.pk in since:
            return (
                f"{told(restriction)}: this was entered or changed after this was proposed, and the reason for the "
                "override does not speak of it. Decline it; it can be proposed anew with a reason that does."
            )
    return None


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
