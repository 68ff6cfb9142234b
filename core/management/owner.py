"""Working as the database's owner for a while: migrations, backups, the test database."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connections


@contextmanager
def as_owner(alias: str = "default") -> Iterator[None]:
    """Within it, connections log in as the owner named in DATABASE_URL and do not take on the working role."""
    connection = connections[alias]
    options = connection.settings_dict["OPTIONS"]
    role = options.pop("assume_role", None)
    _set_role(connection, None)
    try:
        yield
    finally:
        if role is not None:
            options["assume_role"] = role
            _set_role(connection, role)


def _set_role(connection: object, role: str | None) -> None:
    """Change the role of a connection that is open already; a closed one takes it on when it opens."""
    if connection.connection is None:
        return
    if connection.in_atomic_block:
        with connection.cursor() as cursor:
            cursor.execute(f"SET ROLE {role}" if role else "RESET ROLE")
    else:
        connection.close()
