"""Deciding on proposals. Each verb: lock the proposal, then the record; guard; require; act; record."""

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, TypeVar
from uuid import UUID

from django.db import OperationalError, connection, models, transaction
from django.utils import timezone

from core import audit, records, rules
from core.approvals.comparing import FieldComparison, Stale, compare_with
from core.approvals.diff import ENTITIES, by_column, field_of, values_of
from core.choices import APPROVED, DECLINED, PENDING
from core.errors import Conflict, Invalid, NotAllowed
from core.models import PendingChange, Staff

Decided = TypeVar("Decided")

_ATTEMPTS = 3
_WORTH_RETRYING = frozenset({"40P01", "40001"})  # deadlock, serialization failure


def approve(
    change: PendingChange,
    *,
    actor: Staff,
    rationale: str = "",
    fields: Collection[str] | None = None,
    accept_stale: Mapping[str, str] | None = None,
) -> PendingChange:
    """Write what was proposed, or only `fields` of it (names as in compare()), and return the decided proposal.

    Where a field moved since it was proposed nothing is written until it was chosen: leave it out of `fields` to keep
    what is there now, or say in `accept_stale` (name → FieldComparison.seen) that it is taken in spite of that value.
    Raises NotAllowed (never one's own), Conflict (decided already, by whom and when; Stale), Invalid.
    """
    return _retried(
        lambda: _approve(change.pk, actor, rationale=rationale, fields=fields, accept_stale=accept_stale or {})
    )


def approve_group(changes: Iterable[PendingChange], *, actor: Staff, rationale: str = "") -> list[PendingChange]:
    """Approve several, in the order they were sent: all or none. Raises as approve()."""
    keys = [change.pk for change in changes]
    return _retried(lambda: _approve_all(keys, actor, rationale))


def decline(change: PendingChange, *, actor: Staff, rationale: str) -> PendingChange:
    """Decline with a rationale, which the requester reads. Raises NotAllowed (never one's own), Conflict, Invalid."""
    with audit.acting(actor, **_road(change.pk, rationale)):
        locked = _lock_waiting(change.pk, actor)
        _require_decider(actor, locked)
        if not rationale.strip():
            raise Invalid({"rationale": ["Say why: the person who asked reads it."]})
        return _decide(locked, DECLINED, rationale, reviewed_by=actor)


def withdraw(change: PendingChange, *, actor: Staff) -> PendingChange:
    """Take one's own proposal back while it waits. Raises NotAllowed, Conflict."""
    with audit.acting(actor, **_road(change.pk, "")):
        locked = _lock_waiting(change.pk, actor)
        rules.require(actor, "core.withdraw_change", locked)
        return _decide(locked, DECLINED, "", withdrawn=True)


def _approve(
    key: UUID, actor: Staff, *, rationale: str, fields: Collection[str] | None, accept_stale: Mapping[str, str]
) -> PendingChange:
    with audit.acting(actor, **_road(key, rationale)):
        change = _lock_waiting(key, actor)
        _require_decider(actor, change)
        record = _lock_record(change)
        names = _chosen(change, compare_with(change, record), fields, accept_stale)
        _apply(change, record, names, actor=actor, reason=rationale.strip() or change.reason)
        return _decide(change, APPROVED, rationale, reviewed_by=actor)


def _approve_all(keys: list[UUID], actor: Staff, rationale: str) -> list[PendingChange]:
    with transaction.atomic():
        waiting = PendingChange.objects.filter(pk__in=keys).order_by("requested_at", "change_id")
        ordered = list(waiting.select_for_update().values_list("pk", flat=True))
        return [_approve(key, actor, rationale=rationale, fields=None, accept_stale={}) for key in ordered]


def _road(key: UUID, rationale: str) -> dict[str, Any]:
    """How the audit log is to show it: by approval of this proposal, asked for by its requester, and why."""
    change = PendingChange.objects.select_related("requested_by").filter(pk=key).first()
    if change is None:
        raise NotAllowed("You have no right to do this.")
    reason = rationale.strip() or change.reason
    return {"channel": "approval", "reference": key, "requested_by": change.requested_by, "reason": reason}


def _lock_waiting(key: UUID, actor: Staff) -> PendingChange:
    change = PendingChange.objects.select_for_update(of=("self",)).get(pk=key)
    rules.require(actor, "core.view_pendingchange", change)
    if change.status == PENDING:
        return change
    when = timezone.localtime(change.reviewed_at).strftime("%Y-%m-%d %H:%M") if change.reviewed_at else "before"
    if change.withdrawn:
        raise Conflict(f"{change.requested_by} withdrew this proposal on {when}.")
    raise Conflict(f"{change.reviewed_by} {change.status} this proposal on {when}.")


def _require_decider(actor: Staff, change: PendingChange) -> None:
    if change.requested_by_id == actor.pk:
        raise NotAllowed("No one decides on their own proposal. You may withdraw it.")
    rules.require(actor, "core.approve_change", change)


def _lock_record(change: PendingChange) -> models.Model | None:
    """The record as it is now, locked; None for a creation. Raises Conflict where that cannot be."""
    model = ENTITIES.get(change.entity)
    if model is None:
        raise Conflict(f"Proposals about {change.entity} cannot be decided here.")
    record = model._default_manager.select_for_update(of=("self",)).filter(pk=change.entity_id).first()
    if change.kind == "create" and record is not None:
        raise Conflict("The record was made already. Decline this proposal.")
    if change.kind != "create" and record is None:
        raise Conflict("The record is not there any more. Decline this proposal.")
    return record


def _chosen(
    change: PendingChange,
    comparisons: list[FieldComparison],
    fields: Collection[str] | None,
    accept_stale: Mapping[str, str],
) -> frozenset[str]:
    """Columns to write. Raises Invalid for an impossible choice, Stale where one is missing."""
    known = {comparison.name for comparison in comparisons}
    model = ENTITIES[change.entity]
    names = frozenset(known if fields is None else (field_of(model, name).column for name in fields))
    if change.kind == "delete" and names != known:
        raise Invalid({"fields": ["A removal is approved or declined as a whole."]})
    if not names or names - known:
        raise Invalid({"fields": ["Choose at least one of the proposed fields, or decline the proposal."]})
    moved = [c for c in comparisons if c.name in names and c.is_stale and accept_stale.get(c.name) != c.seen]
    if moved:
        labels = ", ".join(comparison.label for comparison in moved)
        raise Stale(
            f"The record moved since this was proposed. Choose what is to hold for: {labels}. Nothing was written.",
            tuple(comparison.name for comparison in moved),
        )
    return names


def _apply(
    change: PendingChange, record: models.Model | None, names: frozenset[str], *, actor: Staff, reason: str | None
) -> None:
    """Through the one writer."""
    model = ENTITIES[change.entity]
    if change.kind == "delete":
        records.remove(record, actor=actor, reason=reason)
        return
    after = by_column(model, change.after)
    values = values_of(model, {column: value for column, value in after.items() if column in names})
    if change.kind == "create":
        values[model._meta.pk.name] = change.entity_id
        records.create(model, actor=actor, values=values, reason=reason)
    else:
        records.change(record, actor=actor, values=values, reason=reason)


def _decide(
    change: PendingChange,
    status: str,
    rationale: str,
    *,
    reviewed_by: Staff | None = None,
    withdrawn: bool = False,
) -> PendingChange:
    change.status = status
    change.withdrawn = withdrawn
    change.reviewed_by = reviewed_by
    change.reviewed_at = timezone.now()
    change.rationale = rationale.strip() or None
    change.save(update_fields=["status", "withdrawn", "reviewed_by", "reviewed_at", "rationale"])
    return change


def _retried(act: Callable[[], Decided]) -> Decided:
    """A deadlock is broken by PostgreSQL; the one who lost tries again, where no longer transaction is around it."""
    for _ in range(1 if connection.in_atomic_block else _ATTEMPTS - 1):
        try:
            return act()
        except OperationalError as error:
            if connection.in_atomic_block or getattr(error.__cause__, "sqlstate", None) not in _WORTH_RETRYING:
                raise
    return act()
