"""Source disagreements: a file says other than what a person entered. A coordinator takes theirs or keeps ours.

Each is about what its source said last: one that a later row of the source contradicts is closed as kept, with nobody
who decided, and opens again where the source goes back to it. What a person decided stays decided.
"""

from collections.abc import Iterable
from typing import Any

from django.db.models import BooleanField, Model, QuerySet
from django.db.models.expressions import RawSQL
from django.utils import timezone

from core import audit, records, rules
from core.audit.words import label_of
from core.errors import Conflict
from core.models import Client, Enrollment, SourceDisagreement, Staff

ENTITIES: dict[str, type[Model]] = {model._meta.db_table: model for model in (Client, Enrollment)}
_Status = SourceDisagreement.Status

# SQL, the end of an INSERT INTO source_disagreements AS d: once per value. One that nobody decided is opened again, and
# one that is open learns what ours is by now: else nobody could take theirs once a person has changed ours.
ONCE = """
ON CONFLICT ON CONSTRAINT disagreement_once DO UPDATE
SET status = 'open', ours = excluded.ours, batch_id = excluded.batch_id, row_number = excluded.row_number,
    opened_at = now(), decided_at = NULL
WHERE d.status = 'kept' AND d.decided_by IS NULL OR d.status = 'open' AND d.ours IS DISTINCT FROM excluded.ours
"""
# SQL, of a disagreement: the record has their value by now. Of an address a file has the parts it names; the order of
# what is in a list says nothing.
_AGREED = " OR ".join(
    f"""EXISTS (
        SELECT FROM {table} t CROSS JOIN LATERAL (SELECT to_jsonb(t) -> source_disagreements.field AS now) n
        WHERE source_disagreements.entity = '{table}' AND t.{model._meta.pk.column} = source_disagreements.entity_id
          AND n.now @> source_disagreements.theirs
          AND (source_disagreements.field = 'address' OR n.now <@ source_disagreements.theirs))"""
    for table, model in ENTITIES.items()
)


def open_ones() -> QuerySet[SourceDisagreement]:
    """What waits for a decision, the oldest first; not what a person has settled by entering their value."""
    found = SourceDisagreement.objects.filter(status=_Status.OPEN).select_related("client", "batch")
    found = found.exclude(RawSQL(_AGREED, [], output_field=BooleanField()))
    return found.order_by("opened_at", "disagreement_id")


def closing(said: str) -> str:
    """SQL that closes what the source said before and says no more. `said`: a relation of what it says now, with
    entity, entity_id, field, theirs, and contested: whether ours is another. %(source)s is the source.
    """
    return f"""
        UPDATE source_disagreements d SET status = 'kept', decided_at = now() FROM {said} n
        WHERE (d.entity, d.entity_id, d.field, d.source_system) = (n.entity, n.entity_id, n.field, %(source)s)
          AND d.status = 'open' AND (d.theirs <> n.theirs OR NOT n.contested)
    """


def keep_ours(chosen: Iterable[SourceDisagreement], *, actor: Staff | None, reason: str | None = None) -> int:
    """Leave the records as they are; the same value of the same source is not asked again. Returns how many.

    Raises NotAllowed, Conflict where one was decided already: then none was.
    """
    with audit.acting(actor, channel="admin", reason=reason):
        found = _locked(chosen, actor)
        for each in found:
            _close(each, _Status.KEPT, actor)
        return len(found)


def take_theirs(chosen: Iterable[SourceDisagreement], *, actor: Staff | None, reason: str | None = None) -> int:
    """Write what the source says. Returns how many. Raises NotAllowed, Invalid, and Conflict where one was decided
    already or the record says something else by now than when the file came: then nothing was written.
    """
    with audit.acting(actor, channel="admin", reason=reason):
        found = _locked(chosen, actor)
        for each in found:
            model = ENTITIES[each.entity]
            record = model._default_manager.select_for_update(of=("self",)).filter(pk=each.entity_id).first()
            told = label_of(model, each.field).lower()
            if record is None:
                raise Conflict(
                    f"{each.client}: the {model._meta.verbose_name} whose {told} this is was removed since the file "
                    "came. Choose “keep ours”: there is nothing left to change."
                )
            if now(each, record) != each.ours:
                raise Conflict(f"{each.client}: the {told} was changed since the file came; look at both again.")
            values = {each.field: _value(each, record)}
            records.change(record, actor=actor, values=values, reason=reason or f"As {each.source_system} has it")
            _close(each, _Status.TAKEN, actor)
        return len(found)


def now(disagreement: SourceDisagreement, record: Model) -> Any:
    """What the record has for the field, as the disagreement writes it."""
    value = getattr(record, disagreement.field)
    return value.isoformat() if hasattr(value, "isoformat") else value


def _value(disagreement: SourceDisagreement, record: Model) -> Any:
    """Their value as one of ours; of an address a file has the parts it names."""
    if disagreement.field == "address":
        return {**(record.address or {}), **disagreement.theirs}
    return record._meta.get_field(disagreement.field).to_python(disagreement.theirs)


def _locked(chosen: Iterable[SourceDisagreement], actor: Staff | None) -> list[SourceDisagreement]:
    """All of them, locked in one order and still open."""
    keys = {each.pk for each in chosen}
    found = list(
        SourceDisagreement.objects.select_for_update(of=("self",))
        .filter(pk__in=keys, status=_Status.OPEN)
        .select_related("client")
        .order_by("opened_at", "pk")
    )
    rules.require(actor, "core.decide_disagreements")
    if len(found) < len(keys):
        raise Conflict("Somebody decided on one of these meanwhile; look at what is left.")
    return found


def _close(disagreement: SourceDisagreement, status: str, actor: Staff | None) -> None:
    disagreement.status, disagreement.decided_by, disagreement.decided_at = status, actor, timezone.now()
    disagreement.save(update_fields=["status", "decided_by", "decided_at"])
