"""Enrollments, intakes and discharges from staging: the only writer of them by file. Set-based, only what differs.

What the rows begin and end, and which of them are held, core.ingest.spans has worked out before, in temporary tables.
"""

from django.db.backends.utils import CursorWrapper

from core.ingest import by_hand
from core.ingest.disagreements import ONCE, closing
from core.ingest.staging import count_written
from core.keys import in_order
from core.models import Discharge, Intake


def apply_stays(cursor: CursorWrapper, source: str, batch: object) -> dict[str, int]:
    """Write what the rows say about stays. Returns the number of rows written per table."""
    by_hand.find(cursor)
    written = {
        "intakes": _intakes(cursor, source),
        "enrollments": _ends(cursor, source, batch) + _new_enrollments(cursor),  # an end makes room for a start
        "discharges": _discharges(cursor, source),
    }
    count_written(cursor, "intakes", written["intakes"])
    count_written(cursor, "client_program_enrollments", written["enrollments"])
    count_written(cursor, "discharges", written["discharges"])
    _note_unended(cursor)
    _note_restrictions(cursor)
    _note_closed(cursor)
    return written


def _count(cursor: CursorWrapper, sql: str, parameters: dict[str, object] | None = None) -> int:
    """Run an INSERT or UPDATE ... RETURNING row_number in `done`, mark the rows, return how many were written."""
    cursor.execute(
        f"""
        WITH {sql}, marked AS (
            UPDATE staging s SET wrote = true FROM (SELECT DISTINCT row_number FROM done) d
            WHERE d.row_number = s.row_number AND s.road <> 'new' AND NOT s.wrote
        )
        SELECT count(*) FROM done
        """,
        parameters or {},
    )
    return cursor.fetchone()[0]


def _intakes(cursor: CursorWrapper, source: str) -> int:
    return _count(
        cursor,
        f"""
        wanted AS (
            SELECT DISTINCT ON (client_id, program_id, intake_date)
                   {in_order("row_number")} AS intake_id, client_id, program_id, intake_date, row_number
            FROM staging w WHERE outcome IS NULL AND client_id IS NOT NULL AND intake_date IS NOT NULL
              AND NOT EXISTS (SELECT FROM records_of r JOIN intakes i ON i.client_id = r.client_id
                              WHERE r.person = w.client_id
                                AND (i.program_id, i.intake_date) = (w.program_id, w.intake_date))
              AND NOT {by_hand.moved(Intake)}
            ORDER BY client_id, program_id, intake_date, row_number
        ), written AS (
            INSERT INTO intakes (intake_id, client_id, program_id, intake_date, source_system)
            SELECT intake_id, client_id, program_id, intake_date, %(source)s FROM wanted RETURNING intake_id
        ), done AS (SELECT row_number FROM wanted JOIN written USING (intake_id))
        """,
        {"source": source},
    )


def _new_enrollments(cursor: CursorWrapper) -> int:
    written = _count(
        cursor,
        f"""
        written AS (
            INSERT INTO client_program_enrollments (enrollment_id, client_id, program_id, start_date, end_date)
            SELECT {in_order("span")}, client_id, program_id, start_date, new_end FROM spans WHERE enrollment_id IS NULL
            RETURNING client_id, program_id, start_date
        ), done AS (SELECT first_row AS row_number FROM spans JOIN written USING (client_id, program_id, start_date))
        """,
    )
    # A later row that ends what an earlier row of the file began has said something, too.
    cursor.execute(
        """
        UPDATE staging s SET wrote = true FROM spans p
        WHERE p.enrollment_id IS NULL AND p.file_end IS NOT NULL AND p.end_row <> p.first_row
          AND s.row_number = p.end_row
        """
    )
    return written


def _ends(cursor: CursorWrapper, source: str, batch: object) -> int:
    """End existing enrollments; where a person set the end, open a disagreement instead. One about an end that the
    source gives no more is closed.
    """
    cursor.execute(
        f"""
        WITH said AS (
            SELECT DISTINCT ON (enrollment_id) client_id, 'client_program_enrollments' AS entity,
                   enrollment_id AS entity_id, 'end_date' AS field, coalesce(to_jsonb(old_end), 'null') AS ours,
                   to_jsonb(file_end) AS theirs, edited AND file_end IS DISTINCT FROM old_end AS contested, end_row
            FROM spans WHERE enrollment_id IS NOT NULL AND file_end IS NOT NULL
            ORDER BY enrollment_id, end_row DESC
        ), closed AS ({closing("said")})
        INSERT INTO source_disagreements AS d (client_id, entity, entity_id, field, source_system, ours, theirs,
                                               batch_id, row_number)
        SELECT client_id, entity, entity_id, field, %(source)s, ours, theirs, %(batch)s, end_row
        FROM said WHERE contested
        {ONCE}
        """,
        {"source": source, "batch": batch},
    )
    return _count(
        cursor,
        """
        written AS (
            UPDATE client_program_enrollments e SET end_date = p.new_end FROM spans p
            WHERE e.enrollment_id = p.enrollment_id AND e.end_date IS DISTINCT FROM p.new_end
            RETURNING e.enrollment_id
        ), done AS (SELECT end_row AS row_number FROM spans JOIN written USING (enrollment_id))
        """,
    )


def _discharges(cursor: CursorWrapper, source: str) -> int:
    """Add discharges; correct the reason of one that is there, and the date of one that the source gave another day."""
    _other_discharges(cursor, source)
    written = _count(
        cursor,
        f"""
        wanted AS (
            SELECT DISTINCT ON (client_id, program_id, discharge_date)
                   client_id, program_id, discharge_date, discharge_reason, row_number
            FROM staging s WHERE outcome IS NULL AND client_id IS NOT NULL AND discharge_date IS NOT NULL
            ORDER BY client_id, program_id, discharge_date, discharge_reason IS NULL, row_number DESC
        ), corrected AS (
            UPDATE discharges d SET reason = w.discharge_reason
            FROM wanted w JOIN records_of r ON r.person = w.client_id
            WHERE (d.client_id, d.program_id, d.discharge_date) = (r.client_id, w.program_id, w.discharge_date)
              AND w.discharge_reason IS NOT NULL AND ccd_fold(d.reason) IS DISTINCT FROM ccd_fold(w.discharge_reason)
              AND NOT 'reason' = ANY(d.edited_fields)
            RETURNING w.row_number
        ), moved AS (
            UPDATE discharges d
            SET discharge_date = w.discharge_date, reason = coalesce(w.discharge_reason, d.reason)
            FROM other_discharges o JOIN wanted w USING (client_id, program_id, discharge_date)
            WHERE o.is_corrected AND d.discharge_id = o.discharge_id
            RETURNING w.row_number
        ), written AS (
            INSERT INTO discharges (discharge_id, client_id, program_id, discharge_date, reason)
            SELECT {in_order("row_number")}, client_id, program_id, discharge_date, discharge_reason FROM wanted w
            WHERE NOT EXISTS (SELECT FROM records_of r JOIN discharges d ON d.client_id = r.client_id
                              WHERE r.person = w.client_id
                                AND (d.program_id, d.discharge_date) = (w.program_id, w.discharge_date))
              AND NOT EXISTS (SELECT FROM other_discharges o WHERE o.is_corrected
                                AND (o.client_id, o.program_id, o.discharge_date)
                                    = (w.client_id, w.program_id, w.discharge_date))
              AND NOT {by_hand.moved(Discharge)}
            RETURNING client_id, program_id, discharge_date
        ), done AS (
            SELECT row_number FROM wanted JOIN written USING (client_id, program_id, discharge_date)
            UNION ALL SELECT row_number FROM corrected
            UNION ALL SELECT row_number FROM moved
        )
        """,
    )
    _note_other_discharges(cursor)
    return written


def _other_discharges(cursor: CursorWrapper, source: str) -> None:
    """Which new discharges move the end of a stay off the day of another discharge, the one that had ended it.

    Such a one is corrected where the row names the stay by its start, and where it is the only one, of a date that this
    source was the last to give, edited by nobody and not given by this file as well. Else both are kept.
    """
    cursor.execute(
        f"""
        DROP TABLE IF EXISTS pg_temp.other_discharges;
        CREATE TEMP TABLE other_discharges ON COMMIT DROP AS
        WITH moved AS (
            SELECT p.client_id, p.program_id, p.old_end, p.new_end, p.end_row, bool_and(
                       coalesce(w.start_date, w.intake_date) = p.start_date) AS is_named
            FROM spans p JOIN staging w ON w.row_number = p.end_row
            WHERE p.enrollment_id IS NOT NULL AND p.old_end <> p.new_end AND w.discharge_date = p.new_end
              AND NOT {by_hand.moved(Discharge)}
              AND NOT EXISTS (SELECT FROM records_of r JOIN discharges d ON d.client_id = r.client_id
                              WHERE r.person = p.client_id
                                AND (d.program_id, d.discharge_date) = (p.program_id, p.new_end))
            GROUP BY p.client_id, p.program_id, p.old_end, p.new_end, p.end_row
        )
        SELECT m.client_id, m.program_id, m.new_end AS discharge_date, m.old_end, m.end_row, d.discharge_id,
               coalesce(m.is_named AND d.edited_fields = '{{}}' AND last.is_theirs
                   AND count(*) OVER (PARTITION BY d.discharge_id) = 1
                   AND count(*) OVER (PARTITION BY m.client_id, m.program_id, m.new_end) = 1
                   AND NOT EXISTS (
                       SELECT FROM staging s WHERE s.outcome IS NULL
                         AND (s.client_id, s.program_id, s.discharge_date) = (m.client_id, m.program_id, m.old_end)),
               false) AS is_corrected
        FROM moved m JOIN records_of r ON r.person = m.client_id
        JOIN discharges d ON (d.client_id, d.program_id, d.discharge_date) = (r.client_id, m.program_id, m.old_end)
        LEFT JOIN LATERAL (
            SELECT a.channel = 'import' AND b.source_system = %(source)s AS is_theirs
            FROM audit_log a LEFT JOIN import_batches b ON b.batch_id = a.reference_id
            WHERE (a.entity, a.entity_id) = ('discharges', d.discharge_id)
              AND a.diff_json -> 'after' ? 'discharge_date'
            ORDER BY a.position DESC LIMIT 1
        ) last ON true;
        CREATE INDEX ON other_discharges (client_id, program_id, discharge_date);
        ANALYZE other_discharges
        """,
        {"source": source},
    )


def _note_other_discharges(cursor: CursorWrapper) -> None:
    """A stay has another discharge by now, which was no file's of this source alone to correct: said."""
    cursor.execute(
        """
        UPDATE staging s SET note = concat_ws(' ', s.note, format(
            'A discharge on %s is recorded for the same stay; both are kept.', o.old_end))
        FROM (SELECT DISTINCT end_row, old_end FROM other_discharges WHERE NOT is_corrected) o
        WHERE s.row_number = o.end_row
        """
    )


def _note_unended(cursor: CursorWrapper) -> None:
    """A discharge or an end that did not become the end of an enrollment is recorded, and why is said."""
    cursor.execute(
        """
        WITH ends AS (
            SELECT e.row_number, bool_or(p.new_end = e.end_date) AS stands, bool_or(p.edited) AS edited,
                   max(p.end_row) FILTER (WHERE p.end_row <> e.row_number) AS other_row
            FROM endings e JOIN spans p USING (span) GROUP BY e.row_number
        )
        UPDATE staging s SET note = concat_ws(' ', s.note, CASE
            WHEN e.edited THEN 'Kept the end that a person entered; the file says otherwise.'
            WHEN e.other_row IS NOT NULL THEN format(
                'Row %s gives another end of the same enrollment, which stands.', e.other_row)
            ELSE format('No enrollment in the program was open on %s; none was ended.',
                        least(s.end_date, s.discharge_date)) END)
        FROM wanted w LEFT JOIN ends e USING (row_number)
        WHERE s.row_number = w.row_number AND s.outcome IS NULL AND s.client_id IS NOT NULL
          AND w.end_date IS NOT NULL AND e.stands IS NOT TRUE
          AND NOT EXISTS (
            SELECT FROM records_of r JOIN client_program_enrollments e ON e.client_id = r.client_id
            WHERE r.person = s.client_id AND e.program_id = s.program_id AND e.end_date = w.end_date)
        """
    )


def _note_closed(cursor: CursorWrapper) -> None:
    """The source reports a new stay in a program that ran no more: kept, and said."""
    cursor.execute(
        """
        UPDATE staging s SET note = concat_ws(' ', s.note,
            format('%s was closed on %s, before %s.', p.name, p.closed_on, n.start_date))
        FROM spans n JOIN programs p USING (program_id)
        WHERE n.enrollment_id IS NULL AND n.first_row = s.row_number AND s.outcome IS NULL
          AND n.start_date > p.closed_on
        """
    )


def _note_restrictions(cursor: CursorWrapper) -> None:
    """The source reports that someone was served in spite of a restriction: kept, since it is so, and said; of a stay
    that is known where the row makes it longer.
    """
    cursor.execute(
        """
        UPDATE staging s SET note = concat_ws(' ', s.note,
            'The client has a restriction in force on those days; a coordinator should know.')
        WHERE s.outcome IS NULL AND EXISTS (
            SELECT FROM spans p JOIN records_of o ON o.person = p.client_id
            JOIN service_restrictions r ON r.client_id = o.client_id
            WHERE CASE WHEN p.enrollment_id IS NULL THEN p.first_row ELSE p.end_row END = s.row_number
              AND (p.enrollment_id IS NULL OR p.new_end > p.old_end)
              AND (r.scope = 'org' OR r.program_id = p.program_id)
              AND daterange(r.start_date, r.end_date, '[]') && CASE
                  WHEN p.enrollment_id IS NULL THEN daterange(p.start_date, p.new_end, '[]')
                  ELSE daterange(least(p.old_end, p.new_end), p.new_end, '(]') END)
        """
    )
