"""What stands in the way of taking a daily file back, in sentences."""

from collections.abc import Iterator
from typing import Any, Final, NamedTuple
from uuid import UUID

from django.db.backends.utils import CursorWrapper
from django.db.models import ForeignKey
from django.utils import timezone

from core.audit.words import label_of, model_of, numbered
from core.models import Client, ClientPair, ImportBatch, ImportRow, MatchKey, PendingChange

# Tables with a client that follow by themselves: rows of files, and what the database or find_duplicates works out.
_FOLLOWING: Final = (ImportRow, ClientPair, MatchKey)


class Obstacle(NamedTuple):
    """One thing in the way: what it is, and the client it is about."""

    sentence: str
    client_id: UUID | None = None


def obstacles(cursor: CursorWrapper, batch: ImportBatch) -> Iterator[Obstacle]:
    """A sentence for each thing that stands in the way. The tables of core.ingest.undo say what the file did."""
    yield from _changed_later(cursor, batch)
    yield from _hanging(cursor)
    yield from _proposals(cursor)
    yield from _later_files(cursor, batch)
    yield from _overlaps(cursor)
    yield from _barred_since(cursor)


def _changed_later(cursor: CursorWrapper, batch: ImportBatch) -> Iterator[Obstacle]:
    """Later entries about a record the file made, or about a field it changed. A later file that was taken back itself
    has put everything back to what this one wrote, and so have links that were all taken back.
    """
    cursor.execute(
        """
        SELECT u.client_id, l.entity, c.first_name, c.last_name, l.action, l.changed_at, s.first_name, s.last_name,
               ARRAY(SELECT k FROM jsonb_object_keys(coalesce(nullif(l.diff_json -> 'after', 'null'), '{}')) k
                     WHERE u.made OR k = ANY(u.fields) ORDER BY k)
        FROM undone u JOIN audit_log l ON (l.entity, l.entity_id) = (u.entity, u.entity_id) AND l.position > u.first
        LEFT JOIN clients c ON c.client_id = u.client_id LEFT JOIN staff s ON s.staff_id = l.changed_by
        WHERE l.reference_id IS DISTINCT FROM %s
          AND NOT EXISTS (SELECT FROM import_batches b WHERE b.batch_id = l.reference_id AND b.status = 'undone')
          AND NOT (l.channel = 'link' AND l.entity = 'clients' AND NOT EXISTS (
                   SELECT FROM client_links s WHERE s.verdict = 'same' AND s.undone_at IS NULL
                   AND l.entity_id IN (s.client_id, s.other_id)))
          AND (u.made OR l.action = 'delete' OR (l.diff_json -> 'after') ?| u.fields)
        ORDER BY l.position
        """,
        [batch.pk],
    )
    for client, entity, first, last, action, when, by_first, by_last, fields in cursor.fetchall():
        model = model_of(entity)
        what = ", ".join(label_of(model, name).lower() for name in fields)
        changed = "was removed" if action == "delete" else f"was changed ({what})"
        record = "record" if model is Client else str(model._meta.verbose_name)
        by = f"{by_first} {by_last}".strip() if by_first or by_last else "the system"
        yield Obstacle(f"{_name(first, last)}: the {record} {changed} on {_moment(when)} by {by}.", client)


def _hanging(cursor: CursorWrapper) -> Iterator[Obstacle]:
    """Rows that are not of this file and hang on a client it made; not those that it moved there, an identifier that
    was given out again: they go back to whose they were.
    """
    for relation in Client._meta.related_objects:
        model, link = relation.related_model, relation.field
        if model in _FOLLOWING or not isinstance(link, ForeignKey):
            continue
        table, key = model._meta.db_table, model._meta.pk.column
        cursor.execute(
            f"""
            SELECT c.client_id, c.first_name, c.last_name, count(*) FROM {table} t
            JOIN undone u ON u.entity = 'clients' AND u.made AND u.entity_id = t.{link.column}
            JOIN clients c ON c.client_id = u.entity_id
            WHERE NOT EXISTS (SELECT FROM undone m WHERE m.made AND (m.entity, m.entity_id) = (%(table)s, t.{key}))
              AND NOT EXISTS (SELECT FROM undone_values v
                              WHERE (v.entity, v.entity_id) = (%(table)s, t.{key}) AND v.before ? '{link.column}')
            GROUP BY c.client_id, c.first_name, c.last_name ORDER BY c.last_name, c.first_name
            """,
            {"table": table},
        )
        for client, first, last, number in cursor.fetchall():
            told = f"{_name(first, last)}: {numbered(model, number)} came later and would hang in the air."
            yield Obstacle(told, client)


def _proposals(cursor: CursorWrapper) -> Iterator[Obstacle]:
    cursor.execute(
        """
        SELECT c.client_id, c.first_name, c.last_name, count(*) FROM pending_changes p
        JOIN undone u ON u.made AND u.entity = 'clients' AND u.entity_id IN (p.client_id, p.entity_id)
        JOIN clients c ON c.client_id = u.entity_id
        WHERE p.status = 'pending' GROUP BY c.client_id, c.first_name, c.last_name
        """
    )
    for client, first, last, number in cursor.fetchall():
        told = f"{_name(first, last)}: {numbered(PendingChange, number)} waits for a decision; decide on it first."
        yield Obstacle(told, client)


def _later_files(cursor: CursorWrapper, batch: ImportBatch) -> Iterator[Obstacle]:
    """Other files whose rows were linked to a client this one made."""
    cursor.execute(
        """
        SELECT b.source_system, b.file_name, b.finished_at, count(*) FROM import_rows r
        JOIN undone u ON u.entity = 'clients' AND u.made AND u.entity_id = r.client_id
        JOIN import_batches b USING (batch_id)
        WHERE b.batch_id <> %s AND b.status = 'applied'
        GROUP BY b.batch_id, b.source_system, b.file_name, b.finished_at ORDER BY b.finished_at
        """,
        [batch.pk],
    )
    for source, name, when, number in cursor.fetchall():
        rows = "1 row" if number == 1 else f"{number:,} rows"
        yield Obstacle(
            f"{source} {name}, taken in on {_moment(when)}, has {rows} about clients whom this file made; "
            "take that file back first."
        )


def _overlaps(cursor: CursorWrapper) -> Iterator[Obstacle]:
    """Enrollments that get their earlier end back, and would then reach into one that came later."""
    cursor.execute(
        """
        SELECT c.client_id, c.first_name, c.last_name, p.name, o.start_date FROM undone_values v
        JOIN client_program_enrollments e ON e.enrollment_id = v.entity_id
        JOIN client_program_enrollments o
          ON (o.client_id, o.program_id) = (e.client_id, e.program_id) AND o.enrollment_id <> e.enrollment_id
        JOIN clients c ON c.client_id = e.client_id JOIN programs p ON p.program_id = e.program_id
        WHERE v.entity = 'client_program_enrollments' AND v.before ? 'end_date'
          AND daterange(e.start_date, (v.before ->> 'end_date')::date, '[]')
              && daterange(o.start_date, o.end_date, '[]')
          AND NOT EXISTS (SELECT FROM undone m WHERE m.made
                          AND (m.entity, m.entity_id) = ('client_program_enrollments', o.enrollment_id))
        """
    )
    for client, first, last, program, start in cursor.fetchall():
        yield Obstacle(
            f"{_name(first, last)}: the enrollment in {program} would be open again, and one that came later begins "
            f"on {start}.",
            client,
        )


def _barred_since(cursor: CursorWrapper) -> Iterator[Obstacle]:
    """Enrollments that get days back on which the person has been barred since. What stood before the file in spite of
    a restriction may stand again.
    """
    cursor.execute(
        """
        SELECT c.client_id, c.first_name, c.last_name, p.name, min(r.start_date)
        FROM undone_values v JOIN undone u USING (entity, entity_id)
        JOIN client_program_enrollments e ON e.enrollment_id = v.entity_id
        CROSS JOIN LATERAL jsonb_populate_record(e, v.before) b
        JOIN clients c ON c.client_id = e.client_id JOIN programs p ON p.program_id = e.program_id
        CROSS JOIN LATERAL (SELECT coalesce(c.linked_to, c.client_id) AS person) whose
        JOIN clients o ON o.client_id = whose.person OR o.linked_to = whose.person
        JOIN service_restrictions r ON r.client_id = o.client_id AND (r.scope = 'org' OR r.program_id = e.program_id)
        WHERE v.entity = 'client_program_enrollments'
          AND datemultirange(daterange(b.start_date, b.end_date, '[]'))
              - datemultirange(daterange(e.start_date, e.end_date, '[]')) && daterange(r.start_date, r.end_date, '[]')
          AND EXISTS (SELECT FROM audit_log l WHERE (l.entity, l.entity_id) = ('service_restrictions', r.restriction_id)
                      AND l.position > u.first AND l.action IN ('create', 'update'))
        GROUP BY c.client_id, c.first_name, c.last_name, p.name ORDER BY c.last_name, c.first_name, p.name
        """
    )
    for client, first, last, program, start in cursor.fetchall():
        yield Obstacle(
            f"{_name(first, last)}: the enrollment in {program} would go on, and since this file came they have been "
            f"barred from there from {start}.",
            client,
        )


def _name(first: str | None, last: str | None) -> str:
    return f"{first or ''} {last or ''}".strip() or "A client"


def _moment(when: Any) -> str:
    return f"{timezone.localtime(when):%Y-%m-%d %H:%M}"
