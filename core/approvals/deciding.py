"""Deciding on proposals. Each verb: lock the proposals, then their records; guard; require; act; record."""

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any
from uuid import UUID

from django.db import models, transaction
from django.utils import timezone

from core import audit, records, rules
from core.approvals import telling
from core.approvals.comparing import FieldComparison, Stale, compare_with
from core.approvals.diff import ENTITIES, by_column, field_of, values_of
from core.approvals.locking import lock_records, lock_waiting, retried
from core.approvals.meanwhile import obstacle
from core.choices import APPROVED, DECLINED
from core.errors import Conflict, Invalid, NotAllowed
from core.models import PendingChange, Staff


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
    Raises NotAllowed (never one's own), Conflict (decided already, by whom and when; Stale; the record was linked or
    closed meanwhile), Invalid, Busy.
    """

    def act(locked: PendingChange) -> PendingChange:
        return _approve(locked, actor, rationale=rationale, fields=fields, accept_stale=accept_stale or {})

    return _decided([change], actor, rationale, act)[0]


def approve_group(changes: Iterable[PendingChange], *, actor: Staff, rationale: str = "") -> list[PendingChange]:
    """Approve several, in the order they were sent: all or none. Raises as approve()."""

    def act(locked: PendingChange) -> PendingChange:
        return _approve(locked, actor, rationale=rationale, fields=None, accept_stale={})

    return _decided(changes, actor, rationale, act)


def decline(change: PendingChange, *, actor: Staff, rationale: str) -> PendingChange:
    """Decline with a rationale, which the requester reads.

    Raises NotAllowed (never one's own), Conflict, Invalid without a rationale, Busy.
    """
    return decline_group([change], actor=actor, rationale=rationale)[0]


def decline_group(changes: Iterable[PendingChange], *, actor: Staff, rationale: str) -> list[PendingChange]:
    """Decline several with one rationale: all or none. Raises as decline()."""

    def act(locked: PendingChange) -> PendingChange:
        require_decider(actor, locked)
        if not rationale.strip():
            raise Invalid({"rationale": ["Say why: the person who asked reads it."]})
        return _decide(locked, DECLINED, rationale, reviewed_by=actor)

    return _decided(changes, actor, rationale, act)


def withdraw(change: PendingChange, *, actor: Staff) -> PendingChange:
    """Take one's own proposal back while it waits. Raises NotAllowed, Conflict, Busy."""

    def act(locked: PendingChange) -> PendingChange:
        rules.require(actor, "core.withdraw_change", locked)
        return _decide(locked, DECLINED, "", withdrawn=True)

    return _decided([change], actor, "", act)[0]


def require_decider(actor: Staff, change: PendingChange) -> None:
    """Raise NotAllowed where this person does not decide on this proposal."""
    if change.requested_by_id == actor.pk:
        raise NotAllowed("No one decides on their own proposal. You may withdraw it.")
    rules.require(actor, "core.approve_change", change)


def road(change: PendingChange, rationale: str) -> dict[str, Any]:
    """How the audit log is to show it: by approval of this proposal, asked for by its requester, and why."""
    reason = rationale.strip() or change.reason
    return {"channel": "approval", "reference": change.pk, "requested_by": change.requested_by, "reason": reason}


def _decided(
    changes: Iterable[PendingChange], actor: Staff, rationale: str, act: Callable[[PendingChange], PendingChange]
) -> list[PendingChange]:
    """`act` on each of them, in the order they were sent, in one transaction."""
    keys = {change.pk for change in changes}
    return retried(lambda: _all_decided(keys, actor, rationale, act))


def _all_decided(
    keys: set[UUID], actor: Staff, rationale: str, act: Callable[[PendingChange], PendingChange]
) -> list[PendingChange]:
    with transaction.atomic():
        locked = lock_waiting(keys, actor)
        if len(locked) < len(keys):
            raise NotAllowed("You have no right to do this.")
        lock_records(locked)
        decided = []
        for change in locked:
            with audit.acting(actor, **road(change, rationale)):
                decided.append(act(change))
            telling.after_commit(change)
        return decided


def _approve(
    change: PendingChange,
    actor: Staff,
    *,
    rationale: str,
    fields: Collection[str] | None,
    accept_stale: Mapping[str, str],
) -> PendingChange:
    require_decider(actor, change)
    record = _record(change)
    in_the_way = obstacle(change, record)
    if in_the_way:
        raise Conflict(in_the_way)
    names = _chosen(change, compare_with(change, record), fields, accept_stale)
    _apply(change, record, names, actor=actor, reason=rationale.strip() or change.reason)
    return _decide(change, APPROVED, rationale, reviewed_by=actor)


def _record(change: PendingChange) -> models.Model | None:
    """The record as it is now; None for one that is to be made, or is gone. Raises Conflict where that cannot be."""
    model = ENTITIES.get(change.entity)
    if model is None:
        raise Conflict(f"Proposals about {change.entity} cannot be decided here.")
    record = model._default_manager.filter(pk=change.entity_id).first()
    if change.kind == "create" and record is not None:
        raise Conflict("The record was made already. Decline this proposal.")
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
    change.is_sent_back = False
    change.reviewed_by = reviewed_by
    change.reviewed_at = timezone.now()
    change.rationale = rationale.strip() or None
    change.save(update_fields=["status", "withdrawn", "is_sent_back", "reviewed_by", "reviewed_at", "rationale"])
    return change
