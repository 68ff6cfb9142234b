"""Rows that are known again: what a source said yesterday and says today in the same words need not be checked and
linked once more, for a daily file is mostly the file of the day before.

A row is remembered after it went the whole road by an identifier, without fault or note, and left its client as it was
(or wrote it, alone for its client). It is known again by a hash over its cells and over all that decides what they
mean: source, headers, words, programs, year and the code itself. It still holds while the audit log says nothing new of
its client: _sweep() forgets the rows of whom it does. So a known row would change nothing and is `unchanged`.

Only within one file does more count: where another row of it is, or may be, about the same client, the whole road is
taken by all of that client's rows.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import date
from hashlib import blake2b
from pathlib import Path
from typing import Final, NamedTuple
from uuid import UUID

from django.db.backends.utils import CursorWrapper

from core.audit.settled import settled_position
from core.ingest.profile import SourceProfile
from core.ingest.programs import ProgramEntry
from core.ingest.reader import RawRow
from core.models import ImportBatch

_CORE: Final = Path(__file__).resolve().parents[1]
_SIZE: Final = 16  # bytes of a hash
_CELL_ENDS: Final = "\x1f\x1e"  # two in a row, so that no cell can be taken for two


def _code() -> bytes:
    """A hash of the code that decides what becomes of a row: another version may decide otherwise."""
    found = blake2b(digest_size=_SIZE)
    for path in sorted((*_CORE.glob("ingest/**/*.*"), *_CORE.glob("linking/*.py"), *_CORE.glob("*.py"))):
        if path.suffix in (".py", ".toml"):
            found.update(path.read_bytes())
    return found.digest()


_CODE: Final = _code()


class Known(NamedTuple):
    """What a row known again is about."""

    uid_external: str
    client_id: str  # as text: on its way back to the database


Recalled = dict[bytes | None, Known]  # by digest; never of None


class Memory:
    """What is remembered of one source, for one file of it."""

    def __init__(self, cursor: CursorWrapper, batch: ImportBatch, meaning: bytes) -> None:
        self._cursor = cursor
        self._batch = batch
        self._meaning = meaning
        self._swept = _last_swept(cursor, batch.source_system)
        self._is_empty = self._swept is None
        begun = settled_position(cursor)
        if self._swept is not None:
            _sweep(cursor, batch, after=self._swept)
        if begun is not None:
            self._swept = begun

    def digest(self, row: RawRow) -> bytes | None:
        """By what the row is known again; None for one that is looked at every time."""
        if row.faults or row.notes:
            return None
        return blake2b(_CELL_ENDS.join(row.cells).encode(), digest_size=_SIZE, key=self._meaning).digest()

    def recall(self, digests: Iterable[bytes | None]) -> Recalled:
        """Those of the digests that are remembered. Each is looked up by itself (LIMIT): asked for all at once, a table
        that nobody has counted yet is compared with every one of them from end to end.
        """
        asked = " ".join(each.hex() for each in digests if each is not None)  # an array of bytea is slow to write
        if self._is_empty or not asked:
            return {}
        self._cursor.execute(
            """
            SELECT r.* FROM unnest(string_to_array(%s, ' ')) AS hex CROSS JOIN LATERAL (
                SELECT digest, uid_external, client_id::text FROM remembered_rows
                WHERE source_system = %s AND digest = decode(hex, 'hex') LIMIT 1
            ) r
            """,
            [asked, self._batch.source_system],
        )
        return {digest: Known(uid, client) for digest, uid, client in self._cursor.fetchall()}

    def doubtful(self) -> list[int]:
        """The rows known again that must be checked all the same: a row of the file that is not known has an identifier
        of their client, or another one says the very same.
        """
        self._cursor.execute(
            """
            WITH doubtful AS (
                SELECT coalesce(c.linked_to, c.client_id) AS client_id
                FROM staging s
                JOIN client_identifiers i USING (uid_external)
                JOIN clients c ON c.client_id = i.client_id
                WHERE i.source_system = %s
                UNION
                SELECT client_id FROM known_rows GROUP BY client_id, digest HAVING count(*) > 1
            )
            SELECT row_number FROM known_rows JOIN doubtful USING (client_id)
            """,
            [self._batch.source_system],
        )
        return [number for (number,) in self._cursor.fetchall()]

    def clashes(self) -> bool:
        """A row that was linked came to the client of one that is known again."""
        self._cursor.execute("SELECT EXISTS (SELECT FROM staging JOIN known_rows USING (client_id))")
        return self._cursor.fetchone()[0]

    def keep(self) -> None:
        """Remember the rows of the settled file, and how far the log was read. Where someone writes at this very moment
        nothing new is remembered: tomorrow is soon enough.
        """
        ended = settled_position(self._cursor)
        if ended is not None:
            _forget_older(self._cursor, self._batch)
            _remember(self._cursor, self._batch, ended)
            if self._swept is not None:
                _sweep(self._cursor, self._batch, after=self._swept, others=True)
            self._swept = ended
        self._batch.log_position = self._swept


def meaning(
    source: SourceProfile, headers: Sequence[str], programs: Iterable[ProgramEntry], names: dict[str, UUID], today: date
) -> bytes:
    """A hash of all that decides what the cells of a row say; of `today` its year, by which a birth is too old."""
    everything = [
        asdict(source),
        list(headers),
        sorted(map(repr, programs)),
        {name: str(key) for name, key in names.items()},
        today.year,
    ]
    text = json.dumps(everything, sort_keys=True, default=_plain)
    return blake2b(text.encode(), digest_size=_SIZE, key=_CODE).digest()


def _plain(value: object) -> object:
    return sorted(map(str, value)) if isinstance(value, frozenset) else str(value)


def _last_swept(cursor: CursorWrapper, source: str) -> int | None:
    """Up to where the log was read for what is remembered of the source; None where nothing is."""
    cursor.execute(
        "SELECT max(log_position) FROM import_batches "
        "WHERE source_system = %(source)s AND EXISTS (SELECT FROM remembered_rows WHERE source_system = %(source)s)",
        {"source": source},
    )
    return cursor.fetchone()[0]


def _sweep(cursor: CursorWrapper, batch: ImportBatch, *, after: int, others: bool = False) -> None:
    """Forget the rows of clients of whom the log says something new since they were remembered: of them, of a record
    linked to them or no longer linked to them, of something that was theirs before. `others`: but for this batch's own.
    """
    cursor.execute(
        f"""
        WITH told AS MATERIALIZED (
            SELECT position, client_id, action, diff_json -> 'before' AS before FROM audit_log
            WHERE position > %(after)s {"AND reference_id IS DISTINCT FROM %(batch)s" if others else ""}
        ), people AS (
            SELECT client_id, position FROM told
            UNION ALL
            SELECT c.linked_to, position FROM told JOIN clients c USING (client_id)
            UNION ALL
            SELECT (before ->> 'linked_to')::uuid, position FROM told WHERE action = 'update'
            UNION ALL
            SELECT (before ->> 'client_id')::uuid, position FROM told WHERE action = 'update'
        ), last AS (
            SELECT client_id, max(position) AS position FROM people WHERE client_id IS NOT NULL GROUP BY client_id
        )
        DELETE FROM remembered_rows r USING last
        WHERE r.source_system = %(source)s AND r.client_id = last.client_id AND r.position < last.position
        """,
        {"after": after, "batch": batch.pk, "source": batch.source_system},
    )


def _forget_older(cursor: CursorWrapper, batch: ImportBatch) -> None:
    """Of an identifier whose rows were looked at only the rows of this file are remembered."""
    cursor.execute(
        """
        DELETE FROM remembered_rows r USING (
            SELECT DISTINCT uid_external FROM staging WHERE uid_external IS NOT NULL
        ) s
        WHERE r.source_system = %s AND r.uid_external = s.uid_external
        """,
        [batch.source_system],
    )


def _remember(cursor: CursorWrapper, batch: ImportBatch, position: int) -> None:
    cursor.execute(
        """
        INSERT INTO remembered_rows (source_system, digest, uid_external, client_id, position)
        SELECT i.source_system, s.digest, s.uid_external, s.client_id, %(position)s
        FROM (
            SELECT *, count(*) OVER (PARTITION BY client_id) AS rows FROM staging
            WHERE client_id IS NOT NULL
        ) s
        JOIN client_identifiers i ON i.source_system = %(source)s AND i.uid_external = s.uid_external
        JOIN clients k ON k.client_id = i.client_id AND coalesce(k.linked_to, k.client_id) = s.client_id
        JOIN clients c ON c.client_id = s.client_id
        WHERE s.digest IS NOT NULL AND s.note IS NULL AND c.uid_external IS NOT NULL
          AND s.outcome IS NULL AND (s.road <> 'new' AND NOT s.wrote OR s.rows = 1)
        ORDER BY s.digest
        ON CONFLICT (source_system, digest) DO UPDATE
        SET uid_external = excluded.uid_external, client_id = excluded.client_id, position = excluded.position
        """,
        {"source": batch.source_system, "position": position},
    )
