"""Dates of intakes and discharges that a person corrected: a file that still gives the old one adds no second record.

Such a record has no edited_fields for its date; the audit log knows from which day a person has moved it.
"""

from typing import Final

from django.db.backends.utils import CursorWrapper
from django.db.models import Model

from core.models import Discharge, Intake

_DAYS: Final[dict[type[Model], str]] = {Intake: "intake_date", Discharge: "discharge_date"}
_CHANNELS: Final = ["admin", "approval"]  # by which people change records


def moved(model: type[Model]) -> str:
    """SQL, of a row as `w`: it gives the day from which a person has moved the record. find() comes before."""
    return f"""EXISTS (
        SELECT FROM moved_by_hand m WHERE m.entity = '{model._meta.db_table}'
          AND (m.client_id, m.program_id, m.day) = (w.client_id, w.program_id, w.{_DAYS[model]}))"""


def find(cursor: CursorWrapper) -> None:
    """Which days of the rows were corrected by a person, as the table moved_by_hand; and say so in the rows' notes.

    Asked only of rows that would add a record for a client who has another one in the program. Each of those is looked
    up by itself (LIMIT): the log is long, and never to be read from end to end.
    """
    cursor.execute(
        """
        DROP TABLE IF EXISTS pg_temp.moved_by_hand;
        CREATE TEMP TABLE moved_by_hand (entity text, client_id uuid, program_id uuid, day date, is_now date)
        ON COMMIT DROP
        """
    )
    for model, day in _DAYS.items():
        _find(cursor, model, day)


def _find(cursor: CursorWrapper, model: type[Model], day: str) -> None:
    table, key = model._meta.db_table, model._meta.pk.column
    cursor.execute(
        f"""
        WITH new AS MATERIALIZED (
            SELECT DISTINCT client_id, program_id, {day} AS day FROM staging s
            WHERE outcome IS NULL AND client_id IS NOT NULL AND {day} IS NOT NULL AND road IS DISTINCT FROM 'new'
              AND NOT EXISTS (SELECT FROM records_of r JOIN {table} k ON k.client_id = r.client_id
                              WHERE r.person = s.client_id AND (k.program_id, k.{day}) = (s.program_id, s.{day}))
        ), others AS MATERIALIZED (
            SELECT n.client_id, n.program_id, n.day, k.{key} AS key, k.{day} AS is_now
            FROM new n JOIN records_of r ON r.person = n.client_id
            JOIN {table} k ON (k.client_id, k.program_id) = (r.client_id, n.program_id)
        ), found AS (
            INSERT INTO moved_by_hand
            SELECT DISTINCT ON (client_id, program_id, day) '{table}', client_id, program_id, day, is_now
            FROM others CROSS JOIN LATERAL (
                SELECT FROM audit_log a
                WHERE (a.entity, a.entity_id, a.action) = ('{table}', others.key, 'update')
                  AND a.channel = ANY(%s) AND a.diff_json -> 'before' ->> '{day}' = others.day::text LIMIT 1
            ) log
            ORDER BY client_id, program_id, day, is_now
            RETURNING client_id, program_id, day, is_now
        )
        UPDATE staging s SET note = concat_ws(' ', s.note, format(
            'Kept the {model._meta.verbose_name} on %%s: a person has corrected the day from %%s.', f.is_now, f.day))
        FROM found f
        WHERE s.outcome IS NULL AND (s.client_id, s.program_id, s.{day}) = (f.client_id, f.program_id, f.day)
        """,
        [_CHANNELS],
    )
