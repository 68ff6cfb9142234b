"""What people said of held rows (row_answers), followed when the same row comes again: before any other step; and that
a row nobody has answered yet goes on waiting.

A row is known again by its identifier with name and date of birth; without an identifier by everything it says of the
person, since two namesakes are told apart by the rest. Each row of a person in a file is so answered at once.
"""

from typing import Final

from django.db.backends.utils import CursorWrapper

# SQL, of staging as `s`. A hash: names are not written down once more.
KEY: Final = """md5(CASE WHEN s.uid_external IS NULL THEN 'person|' || encode(s.client_fingerprint, 'hex')
    ELSE concat_ws('|', 'uid', s.uid_external, s.first_folded, s.last_folded, to_char(s.dob, 'YYYY-MM-DD')) END)"""


def follow(cursor: CursorWrapper, source: str) -> None:
    """Rows of whom a person said who it is: that client, or the one it is linked to since."""
    cursor.execute(
        f"""
        UPDATE staging s SET client_id = coalesce(c.linked_to, c.client_id), road = 'answer'
        FROM row_answers a JOIN clients c USING (client_id)
        WHERE a.source_system = %s AND a.verdict = 'same' AND a.answer_key = {KEY}
          AND s.outcome IS NULL AND s.same_as IS NULL AND s.client_id IS NULL
        """,
        [source],
    )


def strike_out(cursor: CursorWrapper, source: str) -> None:
    """Clients whom a row is not about, as a person said, are no candidates of it; and it is not linked to one."""
    cursor.execute(
        f"""
        CREATE TEMP TABLE struck ON COMMIT DROP AS
        SELECT s.row_number, array_agg(a.client_id) AS clients
        FROM row_answers a JOIN staging s ON a.answer_key = {KEY}
        WHERE a.source_system = %s AND a.verdict = 'not_same' AND (s.outcome = 'held' OR s.road IN ('exact', 'score'))
        GROUP BY s.row_number;

        UPDATE staging s SET outcome = 'held', reason_code = 'uncertain_match', candidate_ids = '{{}}',
            client_id = NULL, road = NULL, reason = 'Somebody said that this is not the client it looks like. '
                'Decide whether it is a new person.'
        FROM struck x WHERE x.row_number = s.row_number AND s.outcome IS NULL AND s.client_id = ANY(x.clients);

        UPDATE staging s SET candidate_ids = ARRAY(
            SELECT c FROM unnest(s.candidate_ids) WITH ORDINALITY AS u (c, n) WHERE c <> ALL(x.clients) ORDER BY n)
        FROM struck x WHERE x.row_number = s.row_number AND s.outcome = 'held';
        DROP TABLE struck;
        """,
        [source],
    )


def keep_waiting(cursor: CursorWrapper, source: str) -> None:
    """A row that waits from an earlier file is no new person in this one, although scores have moved meanwhile: the
    weights are learnt, and clients come and go. Rows that this file joined to it wait with it.
    """
    cursor.execute(
        f"""
        WITH waiting AS (
            SELECT DISTINCT ON (r.answer_key)
                r.answer_key, r.reason_code, r.reason, r.candidate_ids, r.score, r.evidence
            FROM import_rows r JOIN import_batches b USING (batch_id)
            WHERE b.source_system = %s AND b.status = 'applied' AND r.outcome = 'held' AND r.settled_at IS NULL
              AND r.answer_key IS NOT NULL
            ORDER BY r.answer_key, b.created_at DESC
        ), again AS (
            SELECT DISTINCT ON (s.client_id) s.client_id AS key, w.*
            FROM staging s JOIN waiting w ON w.answer_key = {KEY}
            WHERE s.road = 'new' AND s.outcome IS NULL AND s.same_as IS NULL
            ORDER BY s.client_id, s.row_number
        )
        UPDATE staging s SET outcome = 'held', reason_code = a.reason_code, reason = a.reason, score = a.score,
            candidate_ids = a.candidate_ids, evidence = a.evidence, client_id = NULL, road = NULL
        FROM again a WHERE s.client_id = a.key AND s.road IN ('new', 'file') AND s.outcome IS NULL
        """,
        [source],
    )
