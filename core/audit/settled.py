"""How far the log has come for good: a number in it is drawn before its transaction is committed, so a smaller one may
appear after a larger one.
"""

from django.db.backends.utils import CursorWrapper


def settled_position(cursor: CursorWrapper) -> int | None:
    """The last number drawn so far, if whatever has a number up to it can be read by the next statement; None while
    another transaction that writes to the log is under way. One's own entries count as settled.
    """
    cursor.execute("SELECT last_value FROM audit_log_position")
    position = cursor.fetchone()[0]
    # Read after the number: who drew a smaller one took this lock before it and holds it until the commit.
    cursor.execute(
        "SELECT EXISTS (SELECT FROM pg_locks JOIN pg_database d ON d.oid = database "
        "WHERE datname = current_database() AND relation = 'audit_log'::regclass "
        "AND mode = 'RowExclusiveLock' AND pid IS DISTINCT FROM pg_backend_pid())"
    )
    return None if cursor.fetchone()[0] else position
