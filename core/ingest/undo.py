"""Taking a daily file back: one audited act, and only while nothing later stands on what it wrote.

What the file did is read from the audit log, the one place that knows it whole. Rows it made are removed, fields it
changed get the value they had before. A later change of one of these fields, by whichever road, or anything that hangs
on a client the file made, stands in the way; then nothing is written, and each thing in the way is said.
"""

from dataclasses import dataclass, field
from typing import Final

from django.db import IntegrityError, connection, transaction
from django.db.backends.utils import CursorWrapper
from django.db.models import Model
from django.utils import timezone
from django.utils.text import capfirst

from core import audit, rules
from core.audit.words import numbered
from core.errors import Conflict, Invalid
from core.ingest import batches, fed_back, versions
from core.ingest.undo_obstacles import Obstacle, obstacles
from core.models import (
    Client,
    ClientIdentifier,
    ClientLink,
    Discharge,
    Enrollment,
    ImportBatch,
    Intake,
    RowAnswer,
    SourceDisagreement,
    Staff,
)

_NEVER: Final = 2**63 - 1  # no entry of the log comes later than this
TOLD: Final = 50  # things in the way that are told one by one
# What a file writes, in the order in which it can be removed.
WRITTEN: Final[tuple[type[Model], ...]] = (
    RowAnswer,
    ClientLink,
    SourceDisagreement,
    Discharge,
    Intake,
    Enrollment,
    ClientIdentifier,
    Client,
)
# Per record what the file did to it: made it, or which fields it changed; and the values from before its first change.
# Beside them what people found out since about two records of which the file made one, and which holds nothing any
# more: a link that was taken back, or that they are not the same. It goes with the record, and stays in the log.
_MARKS: Final = """
DROP TABLE IF EXISTS pg_temp.undone, pg_temp.undone_values;
CREATE TEMP TABLE undone ON COMMIT DROP AS
SELECT a.entity, a.entity_id, (array_agg(a.client_id))[1] AS client_id, min(a.position) AS first,
       bool_or(a.action = 'create') AS made, array_agg(DISTINCT k.field) AS fields
FROM audit_log a CROSS JOIN LATERAL jsonb_object_keys(a.diff_json -> 'after') AS k (field)
WHERE a.reference_id = %(batch)s AND a.action IN ('create', 'update') AND a.entity <> 'import_batches'
GROUP BY a.entity, a.entity_id;
INSERT INTO undone
SELECT DISTINCT ON (l.link_id) 'client_links', l.link_id, u.client_id, %(never)s, true, '{}'::text[]
FROM client_links l JOIN undone u ON u.entity = 'clients' AND u.made AND u.entity_id IN (l.client_id, l.other_id)
WHERE (l.verdict = 'not_same' OR l.undone_at IS NOT NULL)
  AND NOT EXISTS (SELECT FROM undone o WHERE (o.entity, o.entity_id) = ('client_links', l.link_id));
CREATE UNIQUE INDEX ON undone (entity, entity_id);
ANALYZE undone;
CREATE TEMP TABLE undone_values ON COMMIT DROP AS
SELECT entity, entity_id, jsonb_object_agg(field, value) AS before FROM (
    SELECT DISTINCT ON (a.entity, a.entity_id, v.key) a.entity, a.entity_id, v.key AS field, v.value
    FROM audit_log a JOIN undone u USING (entity, entity_id)
    CROSS JOIN LATERAL jsonb_each(a.diff_json -> 'before') AS v
    WHERE a.reference_id = %(batch)s AND a.action = 'update' AND NOT u.made
    ORDER BY a.entity, a.entity_id, v.key, a.position
) f GROUP BY entity, entity_id;
ANALYZE undone_values;
"""


@dataclass
class Plan:
    """What taking a file back would do, and what stands in its way, and how much more of that there is."""

    removes: dict[str, int] = field(default_factory=dict)
    restores: dict[str, int] = field(default_factory=dict)
    obstacles: list[Obstacle] = field(default_factory=list)
    more: int = 0

    @property
    def is_free(self) -> bool:
        """Nothing stands in the way."""
        return not self.obstacles


def plan(batch: ImportBatch, *, actor: Staff | None) -> Plan:
    """What undo() would do now; writes nothing. Raises NotAllowed."""
    rules.require(actor, "core.undo_batch", batch)
    if batch.status != ImportBatch.Status.APPLIED:
        return Plan(obstacles=[Obstacle(_unapplied(batch))])
    with transaction.atomic(), connection.cursor() as cursor:
        return _plan(cursor, batch)


def undo(batch: ImportBatch, *, actor: Staff | None, reason: str) -> Plan:
    """Take back what the file wrote, as one act with one entry in the log beside those of its rows. Returns what was
    done. Raises Conflict, with every obstacle in its sentence, Invalid without a reason, FileBusy, NotAllowed.
    """
    reason = reason.strip()
    with audit.acting(actor, channel="import", reference=batch.pk, reason=reason or None):
        batches.take_turn("A daily file")
        locked = ImportBatch.objects.select_for_update().get(pk=batch.pk)
        rules.require(actor, "core.undo_batch", locked)
        if locked.status != ImportBatch.Status.APPLIED:
            raise Conflict(_unapplied(locked))
        if not reason:
            raise Invalid({"reason": ["Say why the file is taken back."]})
        with connection.cursor() as cursor:
            done = _undo(cursor, locked)
            fed_back.reopen(cursor, locked)
            versions.snapshot(cursor, locked.pk, actor=actor, comment=f"Took back {locked.file_name}: {reason}"[:500])
        _close(locked, actor, reason)
    return done


def _unapplied(batch: ImportBatch) -> str:
    return f"Only a file that was taken in can be taken back; this one: {batch.get_status_display().lower()}."


def _undo(cursor: CursorWrapper, batch: ImportBatch) -> Plan:
    cursor.execute(
        "SELECT FROM clients WHERE client_id IN (SELECT client_id FROM audit_log WHERE reference_id = %s) "
        "ORDER BY client_id FOR UPDATE",
        [batch.pk],
    )
    found = _plan(cursor, batch)
    if not found.is_free:
        raise Conflict(
            " ".join(each.sentence for each in found.obstacles) + (f" And {found.more:,} more." if found.more else "")
        )
    try:
        with transaction.atomic():
            _write(cursor)
    except IntegrityError as error:
        said = getattr(getattr(error.__cause__, "diag", None), "message_primary", None) or str(error)
        raise Conflict(f"The database does not let this file be taken back: {said}.") from error
    return found


def _write(cursor: CursorWrapper) -> None:
    """What the file made goes first, so that an enrollment which gets its end back finds its days free; but clients go
    last, when nothing points at them any more. Rows of the file keep all but their client.
    """
    *before, last = WRITTEN
    for model in before:
        _remove(cursor, model)
    for model in reversed(WRITTEN):
        _restore(cursor, model)
    cursor.execute(
        "UPDATE import_rows r SET client_id = NULL FROM undone u "
        "WHERE u.entity = 'clients' AND u.made AND r.client_id = u.entity_id"
    )
    _remove(cursor, last)


def _remove(cursor: CursorWrapper, model: type[Model]) -> None:
    table, key = model._meta.db_table, model._meta.pk.column
    cursor.execute(
        f"DELETE FROM {table} t USING undone u WHERE u.entity = %s AND u.made AND t.{key} = u.entity_id", [table]
    )


def _restore(cursor: CursorWrapper, model: type[Model]) -> None:
    table, key = model._meta.db_table, model._meta.pk.column
    cursor.execute("SELECT DISTINCT jsonb_object_keys(before) FROM undone_values WHERE entity = %s ORDER BY 1", [table])
    columns = [name for (name,) in cursor.fetchall() if name in {f.column for f in model._meta.local_fields}]
    if not columns:
        return
    sets = ", ".join(f"{name} = CASE WHEN v.before ? '{name}' THEN r.{name} ELSE t.{name} END" for name in columns)
    cursor.execute(
        f"UPDATE {table} t SET {sets} FROM undone_values v, jsonb_populate_record(NULL::{table}, v.before) r "
        f"WHERE v.entity = %s AND t.{key} = v.entity_id",
        [table],
    )


def _close(batch: ImportBatch, actor: Staff | None, reason: str) -> None:
    batch.status, batch.reason = ImportBatch.Status.UNDONE, reason
    batch.undone_by, batch.undone_at = actor, timezone.now()
    batch.save(update_fields=["status", "reason", "undone_by", "undone_at"])


def _plan(cursor: CursorWrapper, batch: ImportBatch) -> Plan:
    cursor.execute(_MARKS, {"batch": batch.pk, "never": _NEVER})
    cursor.execute("SELECT entity, made, count(*) FROM undone GROUP BY entity, made")
    found = Plan()
    for table, made, number in cursor.fetchall():
        (found.removes if made else found.restores)[table] = number
    for obstacle in obstacles(cursor, batch):
        if len(found.obstacles) < TOLD:
            found.obstacles.append(obstacle)
        else:
            found.more += 1
    return found


def in_words(numbers: dict[str, int]) -> list[str]:
    """'3 clients', '1 enrollment': tables and counts of a plan, for a screen."""
    return [
        capfirst(numbered(model, numbers[model._meta.db_table]))
        for model in reversed(WRITTEN)
        if model._meta.db_table in numbers
    ]
