"""How far a database has come: a mark taken before something is read tells later whether it still holds.

The last audit entry alone would not do: its number is drawn before its transaction is committed, so that a smaller one
can appear later. A mark therefore also names the transactions that were on their way, but for those that are known to
be in another database of the server: they cannot write here. On a replica all of them are named.
"""

from dataclasses import asdict, dataclass
from typing import Any

from django.db import connections

from reporting.reading import alias

# A snapshot names those under way up to the youngest that has ended; of younger ones the locks tell.
_TAKE = """
WITH running AS MATERIALIZED (
    SELECT transactionid AS id, backend.datname FROM pg_locks JOIN pg_stat_activity AS backend USING (pid)
    WHERE locktype = 'transactionid' AND granted AND mode = 'ExclusiveLock' AND pid <> pg_backend_pid()
), youngest AS (
    SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint AS id
)
SELECT coalesce((SELECT max(position) FROM audit_log), 0),
       ARRAY(
           SELECT listed.id::text FROM pg_snapshot_xip(pg_current_snapshot()) AS listed (id)
           WHERE NOT EXISTS (SELECT FROM running r WHERE r.id = listed.id::xid AND r.datname <> current_database())
           UNION
           SELECT ((y.id >> 32 << 32) + r.id::text::bigint)::text FROM running r, youngest y
           WHERE r.datname = current_database() AND r.id::text::bigint >= y.id & 4294967295
       )
"""
_HOLDS = """
SELECT coalesce((SELECT max(position) FROM audit_log), 0) = %s AND NOT EXISTS (
    SELECT FROM unnest(%s::text[]) AS under_way (id) WHERE coalesce(pg_xact_status(id::xid8), 'committed') = 'committed'
)
"""


@dataclass(frozen=True)
class Mark:
    """The last audit entry, and the transactions that were under way."""

    position: int
    under_way: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """For a file."""
        return asdict(self)


def take(using: str | None = None) -> Mark:
    """Where the database is now, of reports or `using`."""
    with connections[using or alias()].cursor() as cursor:
        cursor.execute(_TAKE)
        position, under_way = cursor.fetchone()
    return Mark(position, tuple(under_way))


def holds(mark: Mark) -> bool:
    """Nothing that is in the audit log was committed since."""
    with connections[alias()].cursor() as cursor:
        cursor.execute(_HOLDS, [mark.position, list(mark.under_way)])
        return cursor.fetchone()[0]
