"""Making one backup: manifest and dump of the same snapshot, then a copy elsewhere, then what is over goes."""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg

from core.backup import s3, shelf
from core.backup.manifest import Manifest
from core.backup.server import Server, first_line, program
from core.errors import BackupFailed


@dataclass(frozen=True, slots=True)
class Made:
    """A backup that is whole."""

    folder: Path
    manifest: Manifest
    size: int
    uploaded: list[str] = field(default_factory=list)
    pruned: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def make(out: Path | None = None) -> Made:
    """Write a backup into `out` (default CCD_DATA_DIR/backups), upload what the bucket lacks where one is set, and
    remove what is older than ten years. Raises BackupFailed; then nothing half done has a backup's name.
    """
    place = out or shelf.default()
    bucket = s3.Bucket.configured()
    with shelf.locked(place):
        with shelf.new_folder(place, datetime.now(UTC)) as (folder, final):
            manifest, notes = _write(folder)
        uploaded = bucket.catch_up(shelf.folders(place), final) if bucket else []
        now = datetime.now(UTC)
        pruned = shelf.prune(place, now) + (bucket.prune(now) if bucket else [])
    return Made(final, manifest, (final / shelf.DUMP).stat().st_size, uploaded, pruned, notes)


def _write(folder: Path) -> tuple[Manifest, list[str]]:
    server = Server.configured()
    try:
        with server.connect() as connection:
            connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
            connection.read_only = True
            major = connection.info.server_version // 10000
            snapshot = connection.execute("SELECT pg_export_snapshot()").fetchone()[0]
            manifest = Manifest.taken(connection)
            if "clients" not in manifest.tables:
                raise BackupFailed(f"The database {server.name} has no tables to back up: is it the right one?")
            dump = folder / shelf.DUMP
            server.run(program("pg_dump", major), "-Fc", f"--snapshot={snapshot}", f"--file={dump}")
    except psycopg.Error as error:
        raise BackupFailed(f"The database could not be read: {first_line(error)}") from error
    notes = _write_roles(server, folder / shelf.ROLES, major)
    _write_manifest(folder, {"database": server.name, "server_version": major, **manifest.written()})
    return manifest, notes


def _write_roles(server: Server, path: Path, major: int) -> list[str]:
    """Roles are not in the dump. A server of someone else's may not let them be read: then the backup says so."""
    try:
        server.run(program("pg_dumpall", major), "--roles-only", "--no-role-passwords", f"--file={path}")
    except BackupFailed as error:
        path.unlink(missing_ok=True)
        return [f"without {path.name}: {error}"]
    return []


def _write_manifest(folder: Path, about: dict[str, Any]) -> None:
    files = {path.name: {"size": path.stat().st_size, "sha256": shelf.sha256(path)} for path in folder.iterdir()}
    about = {"made_at": datetime.now(UTC).isoformat(timespec="seconds"), "files": files, **about}
    (folder / shelf.MANIFEST).write_text(json.dumps(about, indent=1) + "\n")
