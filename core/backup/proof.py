"""The proof of a backup: restore it into a scratch database, count and hash again, compare, drop it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from psycopg import sql

from core.backup import shelf
from core.backup.manifest import Manifest
from core.backup.server import Server, first_line, program
from core.errors import BackupFailed

_OURS = "scratch database of a restore drill: may be dropped"
_LIKE = """
SELECT pg_encoding_to_char(encoding), datcollate, datctype FROM pg_database WHERE datname = current_database()
"""


def drill(folder: Path | None = None) -> tuple[Path, Manifest]:
    """Restore the backup in `folder` (default: the latest) beside the live database and compare; say what was proved.

    Raises BackupFailed where anything differs or fails. The scratch database is gone afterwards in any case.
    """
    with shelf.locked(shelf.default()):
        chosen = folder or _latest(shelf.default())
        about = shelf.read_manifest(chosen)
        _check_files(chosen, about["files"])
        with _scratch(Server.configured()) as scratch:
            restored = _restored(scratch, chosen / shelf.DUMP, about["server_version"])
    differences = Manifest.of(about).differences(restored)
    if differences:
        raise BackupFailed(f"{chosen} restores, but differs: {'; '.join(differences)}.")
    return chosen, restored


def _latest(place: Path) -> Path:
    found = shelf.folders(place)
    if not found:
        raise BackupFailed(f"There is no backup in {place}.")
    return found[-1]


def _check_files(folder: Path, files: dict[str, dict[str, object]]) -> None:
    for name, about in files.items():
        path = folder / name
        if not path.exists():
            raise BackupFailed(f"{path} is missing.")
        if path.stat().st_size != about["size"] or shelf.sha256(path) != about["sha256"]:
            raise BackupFailed(
                f"{path} is not the file that was written: {path.stat().st_size} bytes now, {about['size']} then."
            )


def _restored(scratch: Server, dump: Path, made_by: int) -> Manifest:
    try:
        with scratch.connect() as connection:
            major = connection.info.server_version // 10000
        if major < made_by:
            raise BackupFailed(f"A backup of PostgreSQL {made_by} does not restore on {major}.")
        restore = program("pg_restore", major)
        scratch.run(restore, "--exit-on-error", "--no-owner", f"--dbname={scratch.name}", str(dump))
        with scratch.connect() as connection:
            return Manifest.taken(connection)
    except psycopg.Error as error:
        raise BackupFailed(f"The restored database could not be read: {first_line(error)}") from error


@contextmanager
def _scratch(server: Server) -> Iterator[Server]:
    """An empty database like the live one, dropped at the end. One that a killed drill left is dropped first."""
    scratch = server.database(f"{server.name[:40]}_restore_drill")
    with server.connect(autocommit=True) as connection:
        _drop_left_over(connection, scratch.name)
        encoding, collate, ctype = connection.execute(_LIKE).fetchone()
        _execute(
            connection,
            "CREATE DATABASE {} TEMPLATE template0 ENCODING {} LC_COLLATE {} LC_CTYPE {}",
            sql.Identifier(scratch.name),
            *(sql.Literal(value) for value in (encoding, collate, ctype)),
        )
        try:
            _execute(connection, "COMMENT ON DATABASE {} IS {}", sql.Identifier(scratch.name), sql.Literal(_OURS))
            yield scratch
        finally:
            _execute(connection, "DROP DATABASE {} WITH (FORCE)", sql.Identifier(scratch.name))


def _drop_left_over(connection: psycopg.Connection, name: str) -> None:
    query = "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = %s"
    found = connection.execute(query, [name]).fetchone()
    if found is None:
        return
    if found[0] != _OURS:
        raise BackupFailed(f"A database named {name} exists and is not a drill's: rename it.")
    _execute(connection, "DROP DATABASE {} WITH (FORCE)", sql.Identifier(name))


def _execute(connection: psycopg.Connection, query: str, *parts: sql.Composable) -> None:
    try:
        connection.execute(sql.SQL(query).format(*parts))
    except psycopg.Error as error:
        raise BackupFailed(f"The drill needs a scratch database: {first_line(error)}") from None
