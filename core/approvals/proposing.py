"""Sending proposals. Nothing canonical is written."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any
from uuid import uuid4

from django.db import models, transaction
from django.utils import timezone

from core import audit, records, rules
from core.approvals.diff import ENTITIES, REMOVABLE, Draft, client_of, now_of, proposed, values_of
from core.choices import PENDING
from core.errors import Conflict, Invalid, NotAllowed
from core.models import PendingChange, Staff


def propose(record: models.Model, *, actor: Staff, values: Mapping[str, Any], reason: str) -> PendingChange:
    """Propose other values for one record. Raises as submit()."""
    return submit([Draft(type(record), record, values)], actor=actor, reason=reason)[0]


def submit(drafts: Iterable[Draft], *, actor: Staff, reason: str) -> list[PendingChange]:
    """Send drafts for approval, in this order; several form one group. Drafts that change nothing are dropped.

    The whole submission is written once and taken back, so that what approval would refuse is refused now.
    Raises NotAllowed, Conflict, and Invalid where a value does not hold or nothing differs at all.
    """
    with audit.acting(actor, channel="approval", reason=reason):
        with transaction.atomic():
            changes = [change for draft in drafts if (change := _rehearsed(draft, actor))]
            transaction.set_rollback(True)
        if not changes:
            raise Invalid({"": ["Nothing differs from what is recorded."]})
        _refuse_repeat(changes, actor)
        _send(changes, actor, reason)
    return changes


def _send(changes: Sequence[PendingChange], actor: Staff, reason: str) -> None:
    """A microsecond between them keeps the order of the submission, in which a group is approved."""
    group = uuid4() if len(changes) > 1 else None
    now = timezone.now()
    for number, change in enumerate(changes):
        change.requested_by = actor
        change.requested_at = now + timedelta(microseconds=number)
        change.reason = reason.strip() or None
        change.group_id = group
        change.save(force_insert=True)


def _refuse_repeat(changes: Sequence[PendingChange], actor: Staff) -> None:
    """The same says no more the second time: one person sends it once, while it waits. Of two clicks at one moment the
    second waits here for the first.
    """
    Staff.objects.select_for_update(no_key=True).get(pk=actor.pk)
    for change in changes:
        waiting = PendingChange.objects.filter(
            requested_by=actor,
            status=PENDING,
            kind=change.kind,
            entity=change.entity,
            diff_json__after=change.diff_json["after"],
        )
        same = waiting if change.kind == "create" else waiting.filter(entity_id=change.entity_id)
        if same.exists():
            what = "to remove this" if change.kind == "delete" else "the same"
            raise Conflict(f"You have proposed {what} already; it waits for approval.")


def _rehearsed(draft: Draft, actor: Staff) -> PendingChange | None:
    """The proposal of one draft, written to its record as approval would; the caller takes that back."""
    if ENTITIES.get(draft.model._meta.db_table) is not draft.model:
        raise NotAllowed("You have no right to do this.")
    permission = f"core.propose_{draft.model._meta.model_name}"
    if draft.is_new:
        rules.require(actor, permission)
        return _creation(draft)
    record = draft.model._default_manager.select_for_update(of=("self",)).filter(pk=draft.record.pk).first()
    if record is None:
        raise Conflict("The record is not there any more.")
    rules.require(actor, permission, record)
    return _removal(draft, record) if draft.kind == "delete" else _change(draft, record)


def _creation(draft: Draft) -> PendingChange:
    values = dict(draft.values)
    key = values.pop(draft.model._meta.pk.name, None) or uuid4()
    after = {column: value for column, value in proposed(draft.model, values).items() if value is not None}
    record = draft.model(pk=key, **values_of(draft.model, after))
    records.check(record)
    with records.explained(record):
        record.save(force_insert=True)
    return _row(draft.model, record, "create", None, after)


def _change(draft: Draft, record: models.Model) -> PendingChange | None:
    now = now_of(record)
    after = {c: value for c, value in proposed(draft.model, draft.values).items() if now[c] != value}
    if not after:
        return None
    change = _row(draft.model, record, "change", {column: now[column] for column in after}, after)
    values = values_of(draft.model, after)
    for name, value in values.items():
        setattr(record, name, value)
    records.check(record, frozenset(values))
    with records.explained(record):
        record.save(update_fields=values)
    return change


def _removal(draft: Draft, record: models.Model) -> PendingChange:
    if draft.model not in REMOVABLE:
        raise Invalid({"": [f"A {draft.model._meta.verbose_name} is closed or ended, never deleted."]})
    before = {column: value for column, value in now_of(record).items() if value is not None}
    change = _row(draft.model, record, "delete", before, None)
    with records.explained(record):
        record.delete()
    return change


def _row(
    model: type[models.Model], record: models.Model, kind: str, before: dict | None, after: dict | None
) -> PendingChange:
    return PendingChange(
        entity=model._meta.db_table,
        entity_id=record.pk,
        kind=kind,
        diff_json={"before": before, "after": after},
        client_id=client_of(model, record.pk, now_of(record)),
    )
