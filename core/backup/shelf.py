"""Where backups lie: one folder each, named by the moment it was begun (UTC), whole as soon as it has its name."""

import fcntl
import hashlib
import json
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from django.conf import settings

from core.errors import BackupFailed

DUMP, MANIFEST, ROLES = "ccd.dump", "manifest.json", "roles.sql"
KEPT = timedelta(days=3653)  # ten years, leap days included
_NAME = re.compile(r"\d{4}-\d\d-\d\dT\d{6}Z(-\d+)?")
_PARTIAL = ".partial"


def default() -> Path:
    """CCD_DATA_DIR/backups."""
    return settings.DATA_DIR / "backups"


@contextmanager
def locked(shelf: Path) -> Iterator[None]:
    """One backup or drill at a time. The lock goes with the process, however it ends."""
    try:
        shelf.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = (shelf / ".lock").open("w")
    except OSError as error:
        raise BackupFailed(f"Cannot write to {shelf}: {error.strerror}.") from None
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise BackupFailed(f"Another backup or drill is running in {shelf}.") from None
        yield


@contextmanager
def new_folder(shelf: Path, moment: datetime) -> Iterator[tuple[Path, Path]]:
    """(folder to write to, folder it becomes). It takes its name when all of it is on the disk, else it is removed."""
    for dead in shelf.glob(f"*{_PARTIAL}"):  # of a run that was killed: the lock is ours
        shutil.rmtree(dead)
    final = _free(shelf / moment.astimezone(UTC).strftime("%Y-%m-%dT%H%M%SZ"))
    partial = final.with_name(final.name + _PARTIAL)
    partial.mkdir(mode=0o700)
    try:
        yield partial, final
        for path in [*partial.iterdir(), partial]:
            _settle(path)
        partial.rename(final)
        _settle(shelf)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise


def _free(path: Path) -> Path:
    number = 2
    candidate = path
    while candidate.exists():
        candidate = path.with_name(f"{path.name}-{number}")
        number += 1
    return candidate


def _settle(path: Path) -> None:
    """On the disk, not only in the cache; readable by the owner alone."""
    path.chmod(0o700 if path.is_dir() else 0o600)
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def folders(shelf: Path) -> list[Path]:
    """The whole backups, oldest first."""
    found = (path for path in shelf.glob("*") if _NAME.fullmatch(path.name) and (path / MANIFEST).exists())
    return sorted(found, key=lambda path: (moment_of(path.name), path.name))


def moment_of(name: str) -> datetime:
    """When the backup of this name was begun. Raises ValueError for any other name."""
    if not _NAME.fullmatch(name):
        raise ValueError(name)
    return datetime.strptime(name[:18], "%Y-%m-%dT%H%M%SZ").replace(tzinfo=UTC)


def is_over(name: str, now: datetime) -> bool:
    """Older than ten years."""
    return now - moment_of(name) > KEPT


def prune(shelf: Path, now: datetime) -> list[str]:
    """Remove what is older than ten years. Returns the names."""
    over = [path for path in folders(shelf) if is_over(path.name, now)]
    for path in over:  # first its name: what is half removed must not pass for a backup
        shutil.rmtree(path.rename(path.with_name(path.name + _PARTIAL)))
    return [path.name for path in over]


def read_manifest(folder: Path) -> dict[str, Any]:
    """Of one backup. Raises BackupFailed where there is none that can be read."""
    try:
        return json.loads((folder / MANIFEST).read_text())
    except (OSError, ValueError):
        raise BackupFailed(f"{folder} is not a backup: it has no readable {MANIFEST}.") from None


def sha256(path: Path) -> str:
    """Of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
