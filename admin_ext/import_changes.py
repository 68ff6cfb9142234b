"""What a daily file changed, client by client: before and after, in words."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.db.models import Model
from django.utils.text import capfirst

from core.audit.words import in_words, label_of, model_of
from core.models import AuditEntry, ImportBatch, ImportRow, Staff

Changes = dict[UUID | None, list[dict[str, Any]]]
# Columns that say nothing to people who read the change of this client.
_DULL = ("client_id", "created_at", "batch_id", "row_number", "entity_id", "entity", "opened_at", "linked_to")


def by_client(batch: ImportBatch, rows: Iterable[ImportRow], *, viewer: Staff) -> Changes:
    """Client → what the file wrote about them, in the order it was written; two queries however many rows."""
    keys = {row.client_id for row in rows if row.client_id}
    entries = AuditEntry.objects.filter(reference_id=batch.pk, client_id__in=keys).exclude(action="delete")
    told = entries.order_by("position")
    if batch.undone_at is not None:
        told = told.filter(changed_at__lt=batch.undone_at)
    by_model: dict[type[Model], list[AuditEntry]] = defaultdict(list)
    for entry in told:
        if (model := model_of(entry.entity)) is not None:
            by_model[model].append(entry)
    words = {}
    for model, found in by_model.items():
        values = [part or {} for entry in found for part in (entry.diff_json["before"], entry.diff_json["after"])]
        read = in_words(model, values, viewer=viewer)
        words |= {entry.pk: (model, *read[2 * n : 2 * n + 2]) for n, entry in enumerate(found)}
    changes: Changes = defaultdict(list)
    for entry in told:
        if entry.pk in words:
            changes[entry.client_id].append(_change(entry, *words[entry.pk]))
    return dict(changes)


def _change(entry: AuditEntry, model: type[Model], before: dict[str, str], after: dict[str, str]) -> dict[str, Any]:
    key = model._meta.pk.column
    names = [name for name in after if name not in _DULL and name != key and (name in before or after[name])]
    order = {field.column: number for number, field in enumerate(model._meta.concrete_fields)}
    names.sort(key=lambda name: order.get(name, len(order)))
    return {
        "record": capfirst(str(model._meta.verbose_name)),
        "is_new": entry.action == "create",
        "fields": [(label_of(model, name), before.get(name, ""), after[name]) for name in names],
    }
