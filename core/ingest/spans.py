"""Which enrollment the rows of a file begin and end, and which rows must wait: worked out before anything is written.

A row's enrollment starts on its start date, else on its intake date; its end is the earlier of end and discharge date.
A discharge or end date without a start ends the enrollment it falls in. A start date that overlaps another enrollment
of the client in the program holds the row; an intake date inside one only adds the intake.
"""

from django.db.backends.utils import CursorWrapper

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
