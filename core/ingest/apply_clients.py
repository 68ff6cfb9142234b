"""Clients and identifiers from staging: the only writer of clients by file. Set-based, writes only what differs.

A blank never erases. A value that differs only in case, accents, spaces or punctuation is no difference: ours stays. A
field that a person edited is kept, and the file's other value becomes a source disagreement for the coordinator.
"""

from dataclasses import dataclass

from django.db.backends.utils import CursorWrapper

from core.ingest.disagreements import ONCE, closing
from core.ingest.staging import CLIENT_FIELDS, count_written
from core.keys import in_order

_FOLDED = ("first_name", "last_name", "preferred_name", "alias")


@dataclass(frozen=True)
class _Column:
    """How one column of a client is compared and taken over. `s` is the row, `c` the client."""

    name: str

    @property
    def given(self) -> str:
        """SQL: the row carries a value that may go into the client."""
        if self.name in ("first_name", "last_name"):
            return f"(s.{self.name} <> '' AND NOT s.names_kept)"
        if self.name == "dob":
            return "(s.dob IS NOT NULL AND NOT s.date_kept)"
        return f"s.{self.name} IS NOT NULL"

    @property
    def differs(self) -> str:
        """SQL: the row carries another value than the client has. Mostly it is the same to the letter: asked first."""
        ours, theirs = f"c.{self.name}", f"s.{self.name}"
        cast = "::text[]" if self.name == "languages_spoken" else ""
        if self.name in _FOLDED:
            test = f"ccd_fold({theirs}) IS DISTINCT FROM ccd_fold({ours})"
        elif self.name == "phone_number":
            test = f"coalesce(ccd_digits({theirs}), {theirs}) IS DISTINCT FROM coalesce(ccd_digits({ours}), {ours})"
        elif self.name == "email":
            test = f"lower({theirs}) IS DISTINCT FROM lower({ours})"
        elif self.name == "languages_spoken":
            test = f"NOT coalesce({theirs}{cast} @> {ours}{cast} AND {theirs}{cast} <@ {ours}{cast}, false)"
        elif self.name == "address":
            before, after = _addresses(ours, theirs)
            said = (f"ccd_plain(translate(({one})::text, '.,', ''))" for one in (after, before))
            test = f"{after} <> {before} AND {' <> '.join(said)}"
        else:
            test = f"{theirs} IS DISTINCT FROM {ours}"
        return f"({self.given} AND {theirs}{cast} IS DISTINCT FROM {ours}{cast} AND {test})"

    @property
    def edited(self) -> str:
        """SQL: a person entered ours."""
        return f"'{self.name}' = ANY(c.edited_fields)"

    @property
    def taken(self) -> str:
        """SQL: the row's value goes into the client."""
        return f"({self.differs} AND NOT {self.edited})"

    @property
    def value(self) -> str:
        """SQL: the client's value afterwards."""
        new = _addresses("c.address", "s.address")[1] if self.name == "address" else f"s.{self.name}"
        return f"CASE WHEN {self.taken} THEN {new} ELSE c.{self.name} END"


def _addresses(ours: str, theirs: str) -> tuple[str, str]:
    """SQL: the client's address as it is and, where the row's is taken, afterwards. A file gives some of its parts."""
    return f"coalesce({ours}, '{{}}')", f"coalesce({ours}, '{{}}') || {theirs}"


COLUMNS = tuple(_Column(name) for name in (*CLIENT_FIELDS, "address"))


def apply_clients(cursor: CursorWrapper, source: str, batch: object) -> None:
    """Insert new clients, update known ones, add identifiers, open disagreements. Marks rows that wrote something."""
    _insert_new(cursor)
    _choose_shown(cursor)
    for number in range(_rounds(cursor)):
        _disagree(cursor, number, source, batch)
        _update(cursor, number)
    _identify(cursor, source)
    _show(cursor)


def _insert_new(cursor: CursorWrapper) -> None:
    names = ", ".join(column.name for column in COLUMNS)
    values = ", ".join(f"s.{column.name}" for column in COLUMNS)
    cursor.execute(
        f"""
        INSERT INTO clients (client_id, {names}, uid_external)
        SELECT s.client_id, {values}, CASE WHEN NOT EXISTS (
            SELECT FROM clients o WHERE o.uid_external = s.uid_external
        ) AND row_number() OVER (PARTITION BY s.uid_external ORDER BY s.row_number) = 1 THEN s.uid_external END
        FROM staging s WHERE s.road = 'new' AND s.outcome IS NULL
        """
    )
    count_written(cursor, "clients", cursor.rowcount)


def _choose_shown(cursor: CursorWrapper) -> None:
    """The identifier that each known client without one is to show: the first that a row brings, if nobody has it."""
    cursor.execute(
        """
        DROP TABLE IF EXISTS pg_temp.shown;
        CREATE TEMP TABLE shown ON COMMIT DROP AS
        SELECT f.client_id, f.uid_external FROM (
            SELECT DISTINCT ON (client_id) client_id, uid_external FROM staging
            WHERE outcome IS NULL AND uid_external IS NOT NULL AND client_id IS NOT NULL AND road <> 'new'
            ORDER BY client_id, row_number
        ) f JOIN clients c USING (client_id)
        WHERE c.uid_external IS NULL AND NOT EXISTS (SELECT FROM clients o WHERE o.uid_external = f.uid_external);
        CREATE UNIQUE INDEX ON shown (client_id);
        ANALYZE shown
        """
    )


def _rounds(cursor: CursorWrapper) -> int:
    """Number the rows that may change a client: one round per row of the same client that says something new.

    Later rows of one client come in later rounds, so that the last one stands and each row's outcome is its own.
    """
    cursor.execute(
        """
        DROP TABLE IF EXISTS pg_temp.rounds;
        CREATE TEMP TABLE rounds ON COMMIT DROP AS
        SELECT row_number, client_id, dense_rank() OVER (PARTITION BY client_id ORDER BY row_number) - 1 AS round
        FROM (
            SELECT row_number, client_id, road, client_fingerprint IS DISTINCT FROM
                   lag(client_fingerprint) OVER (PARTITION BY client_id ORDER BY row_number) AS says_more
            FROM staging WHERE outcome IS NULL AND client_id IS NOT NULL
        ) r WHERE says_more AND road <> 'new';
        CREATE INDEX ON rounds (round);
        ANALYZE rounds;
        SELECT coalesce(max(round) + 1, 0) FROM rounds
        """
    )
    while cursor.description is None:
        cursor.nextset()
    return cursor.fetchone()[0]


def _update(cursor: CursorWrapper, number: int) -> None:
    """Update the clients of one round where a row brings something, and mark those rows."""
    sets = ", ".join(f"{column.name} = {column.value}" for column in COLUMNS)
    differs = " OR ".join(column.taken for column in COLUMNS)
    shows = "c.uid_external IS NULL AND h.uid_external IS NOT NULL"
    cursor.execute(
        f"""
        WITH done AS (
            UPDATE clients c SET {sets}, uid_external = coalesce(c.uid_external, h.uid_external)
            FROM staging s JOIN rounds r USING (row_number) LEFT JOIN shown h ON h.client_id = s.client_id
            WHERE r.round = %s AND c.client_id = s.client_id AND ({shows} OR {differs})
            RETURNING s.row_number
        )
        UPDATE staging s SET wrote = true FROM done WHERE done.row_number = s.row_number
        """,
        [number],
    )


def _disagree(cursor: CursorWrapper, number: int, source: str, batch: object) -> None:
    """Open a disagreement where the row says other than a person entered; one that a person decided stays decided, and
    one about what the source says no more is closed.
    """
    rows = ", ".join(
        f"('{column.name}', to_jsonb(c.{column.name}), to_jsonb(s.{column.name}), {column.given}, "
        f"{column.differs} AND {column.edited})"
        for column in COLUMNS
    )
    cursor.execute(
        f"""
        WITH said AS (
            SELECT s.row_number, 'clients' AS entity, c.client_id AS entity_id, v.field, v.ours, v.theirs, v.contested
            FROM staging s JOIN rounds r USING (row_number) JOIN clients c ON c.client_id = s.client_id
            CROSS JOIN LATERAL (VALUES {rows}) AS v (field, ours, theirs, given, contested)
            WHERE r.round = %(round)s AND c.edited_fields <> '{{}}' AND v.given
        ), found AS (SELECT * FROM said WHERE contested), closed AS ({closing("said")}), opened AS (
            INSERT INTO source_disagreements AS d (client_id, entity, entity_id, field, source_system, ours, theirs,
                                                   batch_id, row_number)
            SELECT entity_id, entity, entity_id, field, %(source)s, ours, theirs, %(batch)s, row_number FROM found
            {ONCE}
        )
        UPDATE staging s SET note = concat_ws(' ', s.note, 'Kept what a person entered for '
            || f.fields || '; the file says otherwise.')
        FROM (SELECT row_number, string_agg(replace(field, '_', ' '), ', ' ORDER BY field) AS fields
              FROM found GROUP BY row_number) f
        WHERE f.row_number = s.row_number
        """,
        {"round": number, "source": source, "batch": batch},
    )


def _identify(cursor: CursorWrapper, source: str) -> None:
    """Remember by which identifier the source knows each client."""
    cursor.execute(
        f"""
        WITH added AS (
            INSERT INTO client_identifiers (identifier_id, client_id, source_system, uid_external)
            SELECT {in_order("row_number")}, client_id, %(source)s, uid_external FROM (
                SELECT DISTINCT ON (uid_external) client_id, uid_external, row_number FROM staging
                WHERE outcome IS NULL AND uid_external IS NOT NULL AND client_id IS NOT NULL
                ORDER BY uid_external, row_number
            ) f
            ON CONFLICT (source_system, uid_external) DO NOTHING
            RETURNING uid_external
        ), marked AS (
            UPDATE staging s SET wrote = true FROM (
                SELECT min(row_number) AS row_number FROM staging JOIN added USING (uid_external)
                WHERE outcome IS NULL GROUP BY uid_external
            ) f WHERE f.row_number = s.row_number AND s.road <> 'new'
        )
        SELECT count(*) FROM added
        """,
        {"source": source},
    )
    count_written(cursor, "client_identifiers", cursor.fetchone()[0])


def _show(cursor: CursorWrapper) -> None:
    """The client shows its identifier, where no row changed anything else of it."""
    cursor.execute(
        "UPDATE clients c SET uid_external = h.uid_external FROM shown h "
        "WHERE c.client_id = h.client_id AND c.uid_external IS NULL"
    )
