"""Which client each row of a daily file is about, or that a person must decide (DESIGN §7, steps 1 to 5).

Works on the temporary table `staging` (core/ingest/staging.py): reads names, dob, uid_external and contacts; writes
client_id and road, or outcome 'held' with its reason, candidates, score and evidence. Rows with an outcome already are
passed over. Set-based; only pairs that share a match key come to Python.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Final
from uuid import UUID

from django.db.backends.utils import CursorWrapper

from core.keys import in_order
from core.linking import answers, candidates, model, parameters
from core.linking.by_score import link_by_score
from core.linking.holding import ROW_AND_CLIENT, Held, people, write_held
from core.linking.in_file import link_within_file
from core.linking.judge import compatible, is_swapped

_NAMESAKE: Final = " A client of this name and date of birth is known, too."


def link_rows(cursor: CursorWrapper, source: str, heard: Callable[[int], None] = lambda number: None) -> None:
    """Decide every row of staging without an outcome. `source` is the name of the source system. `heard` is told how
    many rows have been gone through, now and then; one that was looked for among the clients counts half, until it was
    among the new people of the file, too.

    Rows that repeat an earlier one wait for settle_repeated(), once nothing more can hold the earlier one.
    """
    _mark_repeated(cursor)
    answers.follow(cursor, source)
    _by_identifier(cursor, source)
    _judge_identified(cursor)
    _by_name_and_dob(cursor, source)
    _link_rest(cursor, source, heard)
    _judge_same_person(cursor)
    answers.strike_out(cursor, source)
    _keep_swapped(cursor)


def _mark_repeated(cursor: CursorWrapper) -> None:
    """Rows with the same values as an earlier one are not looked at again."""
    cursor.execute(
        """
        UPDATE staging s SET same_as = d.first FROM (
            SELECT fingerprint, min(row_number) AS first FROM staging WHERE outcome IS NULL
            GROUP BY fingerprint HAVING count(*) > 1
        ) d WHERE s.fingerprint = d.fingerprint AND s.row_number <> d.first AND s.outcome IS NULL
        """
    )


def _by_identifier(cursor: CursorWrapper, source: str) -> None:
    """Step 1: the source knows this uid; else a client shows it, entered by hand: no source brought it, and this one
    does not know that client yet.
    """
    cursor.execute(
        """
        UPDATE staging s SET client_id = coalesce(c.linked_to, c.client_id), road = 'identifier'
        FROM client_identifiers i JOIN clients c USING (client_id)
        WHERE s.outcome IS NULL AND s.same_as IS NULL AND s.client_id IS NULL
          AND i.source_system = %(source)s AND i.uid_external = s.uid_external
        """,
        {"source": source},
    )
    cursor.execute(
        """
        UPDATE staging s SET client_id = coalesce(c.linked_to, c.client_id), road = 'uid_external'
        FROM clients c
        WHERE s.outcome IS NULL AND s.same_as IS NULL AND s.client_id IS NULL AND c.uid_external = s.uid_external
          AND NOT EXISTS (SELECT FROM client_identifiers i WHERE i.client_id = c.client_id
                          AND (i.source_system = %(source)s OR i.uid_external = s.uid_external))
        """,
        {"source": source},
    )


def _judge_identified(cursor: CursorWrapper) -> None:
    """An identifier links only to someone of a compatible name and date of birth; else it was given out again."""
    _judge(
        cursor,
        "clients c ON c.client_id = s.client_id AND s.road IN ('identifier', 'uid_external')",
        "This identifier belongs to a client of another name or date of birth; it may have been given out again. "
        "Compare the two people, then correct the identifier or the names.",
    )


def _judge(cursor: CursorWrapper, other: str, reason: str) -> None:
    """Hold the rows that share an identifier with `other` (SQL: what `c` is and how it joins) but not the person."""
    cursor.execute(
        f"""
        {ROW_AND_CLIENT} FROM staging s JOIN {other}
        WHERE s.outcome IS NULL
          AND (c.first_folded <> s.first_folded OR c.last_folded <> s.last_folded OR c.dob IS DISTINCT FROM s.dob)
        """
    )
    doubtful, swapped, held = {}, [], Held()
    for number, mine, key, theirs in map(people, cursor.fetchall()):
        if not compatible(mine, theirs):
            doubtful[number] = key
        elif is_swapped(mine, theirs):
            swapped.append(number)
    others = doubtful.keys() - _of_a_corrected_date(cursor, list(doubtful))
    others -= _known_by_a_linked_record(cursor, list(others))
    namesakes = _of_name_and_dob(cursor, others)
    for number in others:
        found = [key for key in namesakes[number] if key != doubtful[number]]
        held.add(number, "recycled_identifier", reason + _NAMESAKE * bool(found), [doubtful[number], *found])
    write_held(cursor, held)
    _keep_names(cursor, swapped)


def _of_name_and_dob(cursor: CursorWrapper, rows: Iterable[int]) -> dict[int, list[UUID]]:
    """Row number → clients of its very name and date of birth; for a linked record, the one that is shown."""
    cursor.execute(
        """
        SELECT DISTINCT s.row_number, coalesce(c.linked_to, c.client_id)
        FROM staging s JOIN clients c USING (first_folded, last_folded, dob)
        WHERE s.row_number = ANY(%s) ORDER BY 1, 2
        """,
        [list(rows)],
    )
    found = defaultdict[int, list[UUID]](list)
    for number, key in cursor.fetchall():
        found[number].append(key)
    return found


def _of_a_corrected_date(cursor: CursorWrapper, rows: list[int]) -> set[int]:
    """Of these rows those that name their client and still have the date of birth from which a person has corrected it:
    that is a disagreement about the date, not another person.
    """
    cursor.execute(
        """
        SELECT s.row_number FROM staging s JOIN clients c USING (client_id, first_folded, last_folded)
        WHERE s.row_number = ANY(%s) AND s.road IN ('identifier', 'uid_external') AND 'dob' = ANY(c.edited_fields)
          AND EXISTS (SELECT FROM audit_log l WHERE (l.entity, l.entity_id) = ('clients', c.client_id)
                      AND l.action = 'update' AND l.diff_json -> 'before' ->> 'dob' = s.dob::text)
        """,
        [rows],
    )
    return {number for (number,) in cursor.fetchall()}


def _known_by_a_linked_record(cursor: CursorWrapper, rows: list[int]) -> set[int]:
    """Of these rows those that fit a record linked to their client: the person went by that name, too."""
    cursor.execute(
        f"{ROW_AND_CLIENT} FROM staging s JOIN clients c ON c.linked_to = s.client_id WHERE s.row_number = ANY(%s)",
        [rows],
    )
    fitting = {number for number, mine, _, theirs in map(people, cursor.fetchall()) if compatible(mine, theirs)}
    _keep_names(
        cursor,
        sorted(fitting),
        "Name and date of birth are those of a record linked to this client; ours were kept.",
        and_date=True,
    )
    return fitting


def _keep_names(
    cursor: CursorWrapper,
    rows: list[int],
    note: str = "First and last name are the other way round than ours; ours were kept.",
    *,
    and_date: bool = False,
) -> None:
    """Names of these rows do not go into their client, nor does the date of birth where `and_date`; `note` says why."""
    cursor.execute(
        """
        UPDATE staging SET names_kept = true, date_kept = date_kept OR %s, note = concat_ws(' ', note, %s)
        WHERE row_number = ANY(%s)
        """,
        [and_date, note, rows],
    )


def _by_name_and_dob(cursor: CursorWrapper, source: str) -> None:
    """Steps 2 and 3: the same folded first name, last name and date of birth. Who is `reached`, too, by phone, e-mail
    or address, is not looked for among anybody else.
    """
    cursor.execute(
        """
        DROP TABLE IF EXISTS pg_temp.exact;
        CREATE TEMP TABLE exact ON COMMIT DROP AS
        SELECT s.row_number, array_agg(DISTINCT coalesce(c.linked_to, c.client_id)) AS clients,
               array_agg(c.client_id) AS records,
               coalesce(bool_or(c.phone_digits = ccd_digits(s.phone_number) OR lower(c.email) = lower(s.email)
                   OR c.postal_key = ccd_postal_key(s.address) AND ccd_street(c.address) = ccd_street(s.address)),
                   false) AS reached
        FROM staging s JOIN clients c USING (first_folded, last_folded, dob)
        WHERE s.outcome IS NULL AND s.same_as IS NULL AND s.client_id IS NULL
        GROUP BY s.row_number;
        ANALYZE exact;

        UPDATE staging s SET outcome = 'held', reason_code = 'several_candidates', candidate_ids = e.clients[1:5],
            reason = format(
                '%%s clients have this name and date of birth. Choose the one it is, or give the row an identifier.',
                cardinality(e.clients))
        FROM exact e WHERE e.row_number = s.row_number AND cardinality(e.clients) > 1;

        UPDATE staging s SET outcome = 'held', reason_code = 'other_identifier', candidate_ids = e.clients,
            reason = format('A client has this name and date of birth, but %%s knows that client as %%s, not %%s. '
                'Decide whether they are one person.', %(source)s, i.uid_external, s.uid_external)
        FROM exact e JOIN LATERAL (
            SELECT uid_external FROM client_identifiers d
            WHERE d.client_id = e.clients[1] AND d.source_system = %(source)s
            UNION ALL
            SELECT d.uid_external FROM clients l JOIN client_identifiers d USING (client_id)
            WHERE l.linked_to = e.clients[1] AND d.source_system = %(source)s
            LIMIT 1
        ) i ON true
        WHERE e.row_number = s.row_number AND s.outcome IS NULL AND s.uid_external IS NOT NULL;

        UPDATE staging s SET outcome = 'held', reason_code = 'conflicting_contact', candidate_ids = e.clients,
            reason = 'A client has this name and date of birth, but another phone number and another '
                'postal code. Decide whether they are one person.'
        FROM exact e JOIN clients c ON c.client_id = e.clients[1]
        WHERE e.row_number = s.row_number AND s.outcome IS NULL
          AND c.phone_digits <> ccd_digits(s.phone_number) AND c.postal_key <> ccd_postal_key(s.address)
          AND NOT coalesce(lower(c.email) = lower(s.email), false);

        UPDATE staging s SET client_id = e.clients[1], road = 'exact'
        FROM exact e WHERE e.row_number = s.row_number AND s.outcome IS NULL
        """,
        {"source": source},
    )


def _link_rest(cursor: CursorWrapper, source: str, heard: Callable[[int], None]) -> None:
    """Steps 4 and 5: the rest are linked or held by score, to clients and to earlier new people of the file, else new.

    `person` is the first row of a person within the file, but for that row: rows with one identifier, else with one
    name and date.
    """
    cursor.execute(
        """
        UPDATE staging s SET person = p.person FROM (
            SELECT row_number, min(row_number) OVER (PARTITION BY coalesce('u' || uid_external,
                'n' || first_folded || '|' || last_folded || '|' || (dob - DATE '2000-01-01'),
                'r' || row_number)) AS person
            FROM staging WHERE outcome IS NULL AND same_as IS NULL AND client_id IS NULL
        ) p WHERE p.row_number = s.row_number AND p.person <> p.row_number
        """
    )
    if not _any_to_score(cursor):
        return
    weights = model.current()
    settings = parameters.current().among(weights.clients)
    last = candidates.spans(cursor)[-1].stop - 1
    candidates.prepare(cursor)
    if settings.scores and candidates.is_anyone_there(cursor):
        link_by_score(cursor, source, settings, weights, lambda number: heard(number // 2))
    _one_identifier_each(cursor, source)
    link_within_file(cursor, settings, weights, lambda number: heard((last + number) // 2))
    cursor.execute(
        f"""
        UPDATE staging s SET outcome = 'held', reason_code = h.reason_code, candidate_ids = h.candidate_ids,
            score = h.score, reason = h.reason, evidence = h.evidence
        FROM staging h WHERE h.row_number = s.person AND h.outcome = 'held' AND s.outcome IS NULL;
        UPDATE staging SET client_id = {in_order("row_number")}, road = 'new'
        WHERE person IS NULL AND outcome IS NULL AND same_as IS NULL AND client_id IS NULL;
        UPDATE staging s SET client_id = h.client_id, road = 'file'
        FROM staging h WHERE h.row_number = s.person AND s.outcome IS NULL AND s.client_id IS NULL
        """
    )


def _any_to_score(cursor: CursorWrapper) -> bool:
    """Whether scores have anything to say: else what they need of all clients is not asked for."""
    cursor.execute(
        "SELECT EXISTS (SELECT FROM staging WHERE outcome = 'held' OR outcome IS NULL AND same_as IS NULL "
        "AND (client_id IS NULL OR road = 'exact'))"
    )
    return cursor.fetchone()[0]


def _one_identifier_each(cursor: CursorWrapper, source: str) -> None:
    """Two identifiers of one source are two people to it: a row that a score, or its name and date, would bring to a
    client as a second one is held. Of whom a person said who it is, or who shows the identifier, that one is the first.
    """
    cursor.execute(
        """
        UPDATE staging s SET outcome = 'held', reason_code = 'other_identifier', candidate_ids = ARRAY[s.client_id],
            client_id = NULL, road = NULL, reason = format('Row %%s links %%s of %%s to this client already, not %%s. '
                'Decide whether they are one person.', f.row_number, f.uid_external, %(source)s, s.uid_external)
        FROM (
            SELECT DISTINCT ON (client_id) client_id, uid_external, row_number FROM staging
            WHERE outcome IS NULL AND uid_external IS NOT NULL AND road IN ('answer', 'uid_external', 'exact', 'score')
            ORDER BY client_id, road IN ('exact', 'score'), row_number
        ) f
        WHERE s.client_id = f.client_id AND s.outcome IS NULL AND s.road IN ('exact', 'score')
          AND s.uid_external <> f.uid_external
        """,
        {"source": source},
    )


def _judge_same_person(cursor: CursorWrapper) -> None:
    """Rows of one new identifier must be about one person, too."""
    _judge(
        cursor,
        "staging c ON c.row_number = s.person",
        "An earlier row of this file has the same identifier with another name or date of birth. "
        "Find out whose identifier it is.",
    )


def _keep_swapped(cursor: CursorWrapper) -> None:
    """Whoever found a client by bits or by an answer with first and last name the other way round does not turn ours
    round either; nor does a later row of a new person.
    """
    cursor.execute(
        """
        SELECT row_number FROM staging
        WHERE outcome IS NULL AND road = 'score' AND NOT names_kept
          AND evidence #> '{candidates,0,bits,order}' IS NOT NULL
        UNION ALL
        SELECT s.row_number FROM staging s JOIN clients c USING (client_id)
        WHERE s.outcome IS NULL AND s.road = 'answer' AND NOT s.names_kept AND s.first_folded <> s.last_folded
          AND (s.first_folded, s.last_folded) = (c.last_folded, c.first_folded)
        UNION ALL
        SELECT s.row_number FROM staging s JOIN staging h USING (client_id)
        WHERE s.outcome IS NULL AND s.road = 'file' AND h.road = 'new' AND NOT s.names_kept
          AND s.first_folded <> s.last_folded AND (s.first_folded, s.last_folded) = (h.last_folded, h.first_folded)
        """
    )
    if found := [number for (number,) in cursor.fetchall()]:
        _keep_names(cursor, found)


def settle_repeated(cursor: CursorWrapper) -> None:
    """A repeated row is a duplicate of one that found its client; of a held one it is held, too."""
    cursor.execute(
        """
        UPDATE staging s SET outcome = 'held', reason_code = h.reason_code, candidate_ids = h.candidate_ids,
            score = h.score, client_id = NULL, evidence = h.evidence,
            reason = format('The same as row %%s, which is held: %%s', h.row_number, h.reason)
        FROM staging h WHERE h.row_number = s.same_as AND h.outcome = 'held';
        UPDATE staging s SET outcome = 'duplicate', reason_code = 'same_row', client_id = h.client_id,
            reason = format('The same as row %%s.', h.row_number)
        FROM staging h WHERE h.row_number = s.same_as AND s.outcome IS NULL
        """,
        [],
    )
