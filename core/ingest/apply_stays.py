"""Enrollments, intakes and discharges from staging: the only writer of them by file. Set-based, only what differs.

A row's enrollment starts on its start date, else on its intake date; its end is the earlier of end and discharge date.
A discharge or end date without a start ends the enrollment it falls in. A start date that overlaps another enrollment
of the client in the program holds the row, before anything of it is written; an intake date inside one only adds the
intake.
"""

from django.db.backends.utils import CursorWrapper

from core.ingest.staging import count_written

# What the rows want; what there is for the same clients and programs and what the file would add; the end each gets.
# A person's records are the one shown and those linked to it: what hangs on any of them is the person's.
_SPANS = """
DROP TABLE IF EXISTS pg_temp.wanted, pg_temp.spans, pg_temp.endings, pg_temp.losers, pg_temp.records_of;
CREATE TEMP TABLE records_of ON COMMIT DROP AS
SELECT DISTINCT client_id AS person, client_id FROM staging WHERE outcome IS NULL AND client_id IS NOT NULL
UNION ALL
SELECT c.linked_to, c.client_id FROM clients c
WHERE c.linked_to IN (SELECT client_id FROM staging WHERE outcome IS NULL AND client_id IS NOT NULL);
CREATE UNIQUE INDEX ON records_of (person, client_id);
ANALYZE records_of;
CREATE TEMP TABLE wanted ON COMMIT DROP AS
SELECT row_number, client_id, program_id, coalesce(start_date, intake_date) AS start_date,
       start_date IS NOT NULL AS explicit, least(end_date, discharge_date) AS end_date
FROM staging WHERE outcome IS NULL AND client_id IS NOT NULL AND program_id IS NOT NULL;
CREATE INDEX ON wanted (client_id, program_id, start_date);
ANALYZE wanted;

CREATE TEMP TABLE spans (
    span serial, enrollment_id uuid, client_id uuid, program_id uuid, start_date date, old_end date, edited boolean,
    explicit boolean, first_row integer, is_inside boolean DEFAULT false, file_end date, end_row integer, new_end date
) ON COMMIT DROP;
INSERT INTO spans (enrollment_id, client_id, program_id, start_date, old_end, edited, explicit, first_row)
SELECT e.enrollment_id, r.person, e.program_id, e.start_date, e.end_date, 'end_date' = ANY(e.edited_fields), true, 0
FROM (SELECT DISTINCT client_id AS person, program_id FROM wanted) touched JOIN records_of r USING (person)
JOIN client_program_enrollments e ON e.client_id = r.client_id AND e.program_id = touched.program_id;
CREATE INDEX ON spans (client_id, program_id, start_date);
ANALYZE spans;
INSERT INTO spans (client_id, program_id, start_date, edited, explicit, first_row)
SELECT client_id, program_id, start_date, false, bool_or(explicit), min(row_number) FROM wanted w
WHERE start_date IS NOT NULL AND NOT EXISTS (
    SELECT FROM spans o
    WHERE (o.client_id, o.program_id, o.start_date) = (w.client_id, w.program_id, w.start_date))
GROUP BY client_id, program_id, start_date;
ANALYZE spans;
"""

# A start is inside an enrollment that began before and had not ended by then, whether the file or we say so: of linked
# records that is one of two enrollments, of an intake date only an intake, of a start date a row that will be held.
_INSIDE = """
CREATE INDEX ON wanted (client_id, program_id, end_date) WHERE NOT explicit;
UPDATE spans n SET is_inside = true FROM spans s LEFT JOIN LATERAL (
    SELECT w.end_date, w.row_number FROM wanted w
    WHERE (w.client_id, w.program_id, w.start_date) = (s.client_id, s.program_id, s.start_date)
      AND w.end_date >= s.start_date
    ORDER BY w.row_number DESC LIMIT 1
) named ON true
WHERE s.client_id = n.client_id AND s.program_id = n.program_id AND (s.start_date, s.span) < (n.start_date, n.span)
  AND coalesce(s.old_end, 'infinity') >= n.start_date
  AND (s.edited OR coalesce(named.end_date, 'infinity') >= n.start_date AND NOT EXISTS (
      SELECT FROM wanted w
      WHERE w.client_id = s.client_id AND w.program_id = s.program_id AND NOT w.explicit
        AND w.end_date >= s.start_date AND w.end_date < n.start_date
        AND w.row_number > coalesce(named.row_number, 0)));
"""
# Which rows end which enrollment: those that start on the same day; and those without a start of their own (or with an
# intake date inside) whose end falls in, unless a later enrollment of the client in the program had begun by then.
_ENDINGS = """
CREATE TEMP TABLE endings ON COMMIT DROP AS
SELECT s.span, w.end_date, w.row_number FROM spans s JOIN wanted w USING (client_id, program_id)
WHERE w.end_date >= s.start_date
  AND (w.start_date = s.start_date
       OR NOT w.explicit AND w.end_date <= coalesce(s.old_end, 'infinity')
          AND NOT EXISTS (SELECT FROM spans o WHERE o.client_id = s.client_id AND o.program_id = s.program_id
                          AND o.start_date > s.start_date AND o.start_date <= w.end_date AND NOT o.is_inside));
ANALYZE endings;
"""
# The last of them gives the end.
_ENDS = """
UPDATE spans p SET file_end = f.end_date, end_row = f.row_number FROM (
    SELECT DISTINCT ON (span) span, end_date, row_number FROM endings ORDER BY span, row_number DESC
) f WHERE f.span = p.span;
UPDATE spans SET new_end = CASE WHEN edited THEN old_end ELSE coalesce(file_end, old_end) END;
"""


def hold_overlaps(cursor: CursorWrapper) -> None:
    """Hold rows whose enrollment would overlap another one; drop intakes that fall into one."""
    cursor.execute(_SPANS)
    _hold_extensions(cursor)
    cursor.execute(_INSIDE + _ENDINGS + _ENDS)
    cursor.execute(
        """
        CREATE TEMP TABLE losers ON COMMIT DROP AS
        SELECT n.span, n.client_id, n.program_id, n.start_date, n.explicit,
               min(o.start_date) AS other_start, max(o.new_end) AS other_end, bool_or(o.new_end IS NULL) AS is_open
        FROM spans n JOIN spans o USING (client_id, program_id)
        WHERE n.enrollment_id IS NULL AND o.span <> n.span
          AND (o.enrollment_id IS NOT NULL OR (o.explicit, -o.first_row) > (n.explicit, -n.first_row))
          AND daterange(n.start_date, n.new_end, '[]') && daterange(o.start_date, o.new_end, '[]')
        GROUP BY n.span, n.client_id, n.program_id, n.start_date, n.explicit;

        UPDATE staging s SET outcome = 'held', reason_code = 'overlapping_enrollment',
            candidate_ids = ARRAY[s.client_id], client_id = NULL, reason = format(
                'This client is in the program already from %s %s. Correct the dates, or end that enrollment first.',
                l.other_start, CASE WHEN l.is_open THEN 'on, without an end' ELSE 'through ' || l.other_end END)
        FROM losers l
        WHERE l.explicit AND s.outcome IS NULL
          AND (s.client_id, s.program_id, coalesce(s.start_date, s.intake_date))
              = (l.client_id, l.program_id, l.start_date);

        DELETE FROM spans USING losers l WHERE spans.span = l.span;
        DROP TABLE losers;
        """
    )


def _hold_extensions(cursor: CursorWrapper) -> None:
    """A file may correct an end to a later day, but not into the next enrollment of the client in the program. Such a
    row ends nothing; what another row says of the same end stands.
    """
    cursor.execute(
        """
        WITH extended AS (
            SELECT w.row_number, min(o.start_date) AS other_start
            FROM wanted w JOIN spans n USING (client_id, program_id, start_date)
            JOIN spans o USING (client_id, program_id)
            WHERE w.end_date > n.old_end AND NOT n.edited AND o.span <> n.span AND o.enrollment_id IS NOT NULL
              AND o.start_date > n.start_date AND o.start_date <= w.end_date
            GROUP BY w.row_number
        ), held AS (
            UPDATE staging s SET outcome = 'held', reason_code = 'overlapping_enrollment',
                candidate_ids = ARRAY[s.client_id], client_id = NULL, reason = format(
                    'This end lies inside the next enrollment of the client in the program, which starts on %s. '
                    'Correct the dates.', x.other_start)
            FROM extended x WHERE s.row_number = x.row_number AND s.outcome IS NULL
        )
        DELETE FROM wanted w USING extended x WHERE w.row_number = x.row_number
        """
    )


def apply_stays(cursor: CursorWrapper, source: str, batch: object) -> dict[str, int]:
    """Write what the rows say about stays. Returns the number of rows written per table."""
    written = {
        "intakes": _intakes(cursor, source),
        "enrollments": _ends(cursor, source, batch) + _new_enrollments(cursor),  # an end makes room for a start
        "discharges": _discharges(cursor),
    }
    count_written(cursor, "intakes", written["intakes"])
    count_written(cursor, "client_program_enrollments", written["enrollments"])
    count_written(cursor, "discharges", written["discharges"])
    _note_unended(cursor)
    _note_restrictions(cursor)
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
        """
        wanted AS (
            SELECT DISTINCT ON (client_id, program_id, intake_date)
                   gen_random_uuid() AS intake_id, client_id, program_id, intake_date, row_number
            FROM staging s WHERE outcome IS NULL AND client_id IS NOT NULL AND intake_date IS NOT NULL
              AND NOT EXISTS (SELECT FROM records_of r JOIN intakes i ON i.client_id = r.client_id
                              WHERE r.person = s.client_id
                                AND (i.program_id, i.intake_date) = (s.program_id, s.intake_date))
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
        """
        written AS (
            INSERT INTO client_program_enrollments (client_id, program_id, start_date, end_date)
            SELECT client_id, program_id, start_date, new_end FROM spans WHERE enrollment_id IS NULL
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
    """End existing enrollments; where a person set the end, open a disagreement instead."""
    cursor.execute(
        """
        INSERT INTO source_disagreements (client_id, entity, entity_id, field, source_system, ours, theirs, batch_id,
                                          row_number)
        SELECT client_id, 'client_program_enrollments', enrollment_id, 'end_date', %(source)s,
               coalesce(to_jsonb(old_end), 'null'), to_jsonb(file_end), %(batch)s, end_row
        FROM spans WHERE enrollment_id IS NOT NULL AND edited AND file_end IS DISTINCT FROM old_end
          AND file_end IS NOT NULL
        ON CONFLICT DO NOTHING
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


def _discharges(cursor: CursorWrapper) -> int:
    return _count(
        cursor,
        """
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
        ), written AS (
            INSERT INTO discharges (client_id, program_id, discharge_date, reason)
            SELECT client_id, program_id, discharge_date, discharge_reason FROM wanted w
            WHERE NOT EXISTS (SELECT FROM records_of r JOIN discharges d ON d.client_id = r.client_id
                              WHERE r.person = w.client_id
                                AND (d.program_id, d.discharge_date) = (w.program_id, w.discharge_date))
            RETURNING client_id, program_id, discharge_date
        ), done AS (
            SELECT row_number FROM wanted JOIN written USING (client_id, program_id, discharge_date)
            UNION ALL SELECT row_number FROM corrected
        )
        """,
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


def _note_restrictions(cursor: CursorWrapper) -> None:
    """The source reports that someone was served in spite of a restriction: kept, since it is so, and said."""
    cursor.execute(
        """
        UPDATE staging s SET note = concat_ws(' ', s.note,
            'The client has a restriction in force on those days; a coordinator should know.')
        WHERE s.outcome IS NULL AND EXISTS (
            SELECT FROM spans p JOIN records_of o ON o.person = p.client_id
            JOIN service_restrictions r ON r.client_id = o.client_id
            WHERE p.enrollment_id IS NULL AND p.first_row = s.row_number
              AND (r.scope = 'org' OR r.program_id = p.program_id)
              AND daterange(r.start_date, r.end_date, '[]') && daterange(p.start_date, p.new_end, '[]'))
        """
    )
