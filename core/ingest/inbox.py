"""The inbox: a folder per source, into which other programs put the day's files.

    inbox/SMIS/smis_2026-11-20.csv     waits
    inbox/done/SMIS/…                  was taken in
    inbox/failed/SMIS/…                was refused or held whole; a text file of the same name says why

Only complete files are taken: not those whose name says that they are still being written, and not those that changed
a moment ago. One run at a time: another one that starts meanwhile leaves at once.
"""

import fcntl
import hashlib
import logging
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Final, NamedTuple

from django.utils import timezone

from core.errors import CCDError, FileBusy, FileHeld, FileInterrupted, FileRefused
from core.ingest import pipeline, sources
from core.ingest.reader import read_source
from core.models import ImportBatch, Staff
from core.normalise import LONGEST_NAME, shortened

_log = logging.getLogger(__name__)

SETTLED: Final = 30.0  # seconds without a change
PAUSE: Final = 0.5  # seconds between two looks at the size
_OURS: Final = ("done", "failed")  # where files go, and stay
_UNFINISHED: Final = (".part", ".partial", ".tmp", ".filepart", ".crdownload", ".writing")


class Result(NamedTuple):
    """What became of one file: done, failed, held; or waiting, stopped at, left, which leave it in place. And why."""

    file: str
    state: str
    said: str


@contextmanager
def alone(folder: Path) -> Iterator[bool]:
    """True for the one run at a time; False where another one is at work. The lock goes with its process."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True


def take_all(folder: Path, *, actor: Staff | None, settled: float = SETTLED) -> Iterator[Result]:
    """Take in every complete file, source by source, oldest first. To be called within alone()."""
    for name in sources.names():
        own = folder / name
        own.mkdir(parents=True, exist_ok=True)
        for path in complete(own, settled=settled):
            yield _take(path, folder, name, actor)


def astray(folder: Path) -> Iterator[Result]:
    """The files that lie in no source's folder, by name: nothing would ever be said of them, and nobody miss them."""
    names = sources.names()
    own = ", ".join(f"{name}/" for name in names)
    # Not looked into: where the files of years are, and what is elsewhere.
    tops = [path for path in folder.iterdir() if path.name not in _OURS and not path.is_symlink()]
    for path in sorted(path for top in tops for path in (top, *top.rglob("*"))):
        inside = path.relative_to(folder).parts
        is_of_a_source = len(inside) == 2 and inside[0] in names
        if is_of_a_source or not all(map(_is_finished, inside)) or _look(path) is None:
            continue
        said = f"It lies in no source's folder, so nobody takes it in. Move it into the one it is of: {own}."
        yield Result("/".join(inside), "left", said)


def complete(folder: Path, *, settled: float = SETTLED) -> list[Path]:
    """The plain files of a folder that nobody writes to any more, oldest first."""
    found = {path: _look(path) for path in folder.iterdir() if _is_finished(path.name)}
    if any(look is not None for look in found.values()):
        time.sleep(PAUSE if settled else 0)
    now = time.time()
    ripe = [(look, path) for path, look in found.items() if look and look == _look(path) and now - look[0] >= settled]
    return [path for _, path in sorted(ripe)]


def _is_finished(name: str) -> bool:
    return not name.startswith((".", "~")) and not name.lower().endswith(_UNFINISHED)


def _look(path: Path) -> tuple[float, int] | None:
    """When it was changed, and its size; None where it is no plain file, or gone."""
    try:
        found = path.lstat()
    except OSError:
        return None
    return (found.st_mtime, found.st_size) if stat.S_ISREG(found.st_mode) else None


def _take(path: Path, folder: Path, source: str, actor: Staff | None) -> Result:
    """What became of it, whatever that is: the next file is not to wait for this one."""
    shown = f"{source}/{path.name}"
    try:
        return _taken(path, folder, source, actor, shown)
    except CCDError as error:
        return Result(shown, "stopped", str(error))
    except OSError as error:
        return Result(shown, "stopped", f"It could not be read or moved: {error.strerror or error}.")
    except Exception as error:
        _log.exception("the inbox could not take %s", shown)
        return Result(shown, "stopped", f"The program failed at it, which is ours to mend: {error!r}.")


def _taken(path: Path, folder: Path, source: str, actor: Staff | None, shown: str) -> Result:
    try:
        content = read_source(path)
        if _is_known(content, source):
            _move(path, folder / "done" / source)
            return Result(shown, "done", "was taken in before; nothing is left to do.")
        report = pipeline.take(content, file_name=path.name, source=source, actor=actor)
    except (FileBusy, FileInterrupted) as error:
        return Result(shown, "waiting", str(error))
    except FileHeld as error:
        said = f"Held whole, until a coordinator releases or refuses it. {error}"
        _fail(path, folder / "failed" / source, said)
        return Result(shown, "held", said)
    except CCDError as error:
        _fail(path, folder / "failed" / source, str(error))
        return Result(shown, "failed", str(error))
    _move(path, folder / "done" / source)
    counts = ", ".join(f"{number:,} {name}" for name, number in report.outcomes.items())
    return Result(shown, "done", f"taken in: {report.rows:,} rows ({counts or 'none'}).")


def _is_known(content: bytes, source: str) -> bool:
    """A run was killed between taking a file in and moving it, or the source sent the same bytes again."""
    same = ImportBatch.objects.filter(sha256=hashlib.sha256(content).hexdigest(), source_system=source)
    return same.filter(status=ImportBatch.Status.APPLIED).exists()


def _move(path: Path, folder: Path) -> Path:
    """Into the folder, by a name of its own: the time in front, a number behind where that is taken; of a very long
    name the end, which says what kind of file it is.
    """
    folder.mkdir(parents=True, exist_ok=True)
    now: datetime = timezone.localtime()
    own = shortened(path.name, LONGEST_NAME)
    name = f"{now:%Y%m%dT%H%M%S}.{own}"
    target, number = folder / name, 1
    while target.exists():
        number += 1
        target = folder / f"{now:%Y%m%dT%H%M%S}-{number}.{own}"
    try:
        return path.rename(target)
    except OSError as error:
        raise FileRefused(f"{path} cannot be moved to {folder}: {error.strerror or error}.") from error


def _fail(path: Path, folder: Path, said: str) -> None:
    target = _move(path, folder)
    target.with_name(f"{target.name}.why.txt").write_text(f"{said}\n", encoding="utf-8")
