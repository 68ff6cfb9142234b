"""When proposed · now · proposed: what a decision is made from. Staleness is computed when looked at, never stored."""

import json
from dataclasses import dataclass
from typing import Any

from django.db import models
from django.utils.text import capfirst

from core import rules
from core.approvals.diff import ENTITIES, by_column, now_of, values_of
from core.choices import PENDING
from core.errors import Conflict
from core.models import AuditEntry, PendingChange, Staff


class Stale(Conflict):
    """The record moved since it was proposed; `names` are the fields to choose for. Nothing was written."""

    def __init__(self, sentence: str, names: tuple[str, ...]) -> None:
        self.names = names
        super().__init__(sentence)


@dataclass(frozen=True)
class FieldComparison:
    """One field of a proposal. Values as in diff_json; `name` is the column, `label` what people read."""

    name: str
    label: str
    when_proposed: Any
    now: Any
    proposed: Any
    is_stale: bool

    @property
    def is_already_so(self) -> bool:
        """Nothing is left to write."""
        return self.now == self.proposed

    @property
    def seen(self) -> str:
        """The value as it is now, as text: what `accept_stale` says was seen."""
        return json.dumps(self.now, sort_keys=True)


def target(change: PendingChange) -> models.Model | None:
    """The record the proposal is about, as it is now; None where it does not exist (yet, or any more)."""
    model = ENTITIES.get(change.entity)
    return model._default_manager.filter(pk=change.entity_id).first() if model else None


def draft_of(change: PendingChange) -> models.Model:
    """The record that a proposal would make, not saved. Raises Invalid, Conflict where its values are none."""
    model = ENTITIES[change.entity]
    return model(pk=change.entity_id, **values_of(model, by_column(model, change.after)))


def compare(change: PendingChange) -> list[FieldComparison]:
    """The proposal's fields in the order of the model, each when proposed, now, and proposed."""
    return compare_with(change, target(change))


def compare_with(change: PendingChange, record: models.Model | None) -> list[FieldComparison]:
    """compare() with a record that was read, or locked, before."""
    model = ENTITIES.get(change.entity)
    if model is None:
        raise Conflict(f"Proposals about {change.entity} cannot be decided here.")
    before, after = by_column(model, change.before), by_column(model, change.after)
    now = now_of(record) if record is not None else {}
    touched = {**before, **after}
    if change.kind == "delete":  # the whole row goes, also what was filled in since
        touched |= {column: value for column, value in now.items() if value is not None}
    return [
        FieldComparison(
            name=field.column,
            label=capfirst(field.verbose_name),
            when_proposed=before.get(field.column),
            now=now.get(field.column),
            proposed=after.get(field.column),
            is_stale=_is_stale(change, *(values.get(field.column) for values in (before, now, after))),
        )
        for field in model._meta.concrete_fields
        if field.column in touched
    ]


def _is_stale(change: PendingChange, before: Any, now: Any, after: Any) -> bool:
    """Moved, and not to what is proposed anyway."""
    if change.status != PENDING or change.kind == "create":
        return False
    return now != before and (now != after or change.kind == "delete")


def taken(change: PendingChange) -> frozenset[str]:
    """Columns of the record that approving the proposal wrote, from the audit log."""
    entries = AuditEntry.objects.filter(
        reference_id=change.pk, channel="approval", entity=change.entity, entity_id=change.entity_id
    )
    columns: set[str] = set()
    for diff in entries.values_list("diff_json", flat=True):
        columns.update(diff["after"] or diff["before"] or {})
    return frozenset(columns)


def waiting_for(record: models.Model, *, viewer: Staff) -> models.QuerySet[PendingChange]:
    """Proposals that wait for this record, oldest first, as far as the viewer may see them; for a client also those
    about what hangs on it.
    """
    found = rules.visible_to(viewer, PendingChange).filter(status=PENDING)
    if record._meta.model_name == "client":
        return found.filter(client_id=record.pk)
    return found.filter(entity=record._meta.db_table, entity_id=record.pk)
