"""A daily file while the server is in trouble: `python -m tests.trouble` fills the disk under the tables, then under
the log of changes, then restarts the server, each while a file is taken in by the command, and prints what it saw.
Nothing of the file may be in, its batch must say so, and the same command must take it in once all is well.

PostgreSQL 15 in folders of its own, the disk a tmpfs, for which it has to be root; all of it is gone at the end.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from tests.cluster import MISSING, _system_user, is_installed, private_cluster, restart, start_again
from tests.replica import ROOT, ask, manage

ROWS = 5_000
MB = 1024 * 1024
SYLLABLES = [consonant + vowel for consonant in "bdfgklmnprstv" for vowel in "aeiou"]
COUNTED = "clients", "client_identifiers", "client_program_enrollments", "import_rows", "remembered_rows"
THERE = f"SELECT concat_ws(' ', {', '.join(f'(SELECT count(*) FROM {table})' for table in COUNTED)})"
ENTRIES = "SELECT count(*) FROM audit_log WHERE channel = 'import'"
LOCKED = "SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND granted)"
STATUS = "SELECT status FROM import_batches ORDER BY created_at DESC LIMIT 1"


@contextmanager
def small_disk(megabytes: int) -> Iterator[Path]:
    """A folder that holds so much and no more, the server's own."""
    folder = Path(tempfile.mkdtemp(prefix="ccd-disk-", dir="/tmp"))
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=0755", "ccd", str(folder)], check=True)
    try:
        shutil.chown(folder, _system_user().pw_uid, _system_user().pw_gid)
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)
        folder.rmdir()


def leave(disk: Path, megabytes: float) -> Path:
    """Fill the disk but for so much; the file to remove again."""
    ballast = disk / "ballast"
    with ballast.open("wb") as file:
        left = shutil.disk_usage(disk).free - int(megabytes * MB)
        for size in (*[MB] * (left // MB), left % MB):
            file.write(b"x" * size)
    return ballast


def write_file(path: Path) -> None:
    """ROWS people of different names."""
    lines = ["uid_external,first_name,last_name,dob,program,start_date"]
    for n in range(ROWS):
        first = SYLLABLES[n % 65] + SYLLABLES[n // 65 % 65] + "lo"
        last = SYLLABLES[n * 7 % 65] + SYLLABLES[n * 11 % 61] + SYLLABLES[n % 59]
        lines.append(f"S-{n},{first},{last},{1930 + n % 80}-{1 + n % 12:02}-{1 + n % 28:02},Hostel A,2026-01-01")
    path.write_text("\n".join(lines) + "\n")


class Trial:
    """One server, one file, and what is seen of them."""

    def __init__(self, url: str, folder: Path) -> None:
        self.url = url
        self.env = os.environ | {"DATABASE_URL": url, "DEBUG": "1", "CCD_DATA_DIR": str(folder)}
        self.path = folder / "many.csv"
        write_file(self.path)
        manage(self.env, "migrate", "--no-input", "--verbosity=0")
        with psycopg.connect(url) as connection:
            connection.execute("SELECT set_config('ccd.channel', 'command', true)")
            connection.execute("INSERT INTO departments (name) VALUES ('Shelter')")
            connection.execute(
                "INSERT INTO programs (name, department_id) SELECT 'Hostel A', department_id FROM departments"
            )
        self.before = self.there()

    def there(self) -> tuple[object, object]:
        return ask(self.url, THERE), ask(self.url, ENTRIES)

    def start(self) -> subprocess.Popen[str]:
        command = [sys.executable, "manage.py", "ingest_daily", "--source=SMIS", f"--src={self.path}"]
        return subprocess.Popen(
            command, cwd=ROOT, env=self.env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def fails(self, meanwhile: Callable[[], None], well_again: Callable[[], None]) -> str:
        """What the command says of a run in trouble; nothing of it is in."""
        process = self.start()
        meanwhile()
        _, said = process.communicate(timeout=300)
        well_again()
        self._wait()
        assert process.returncode == 1, (process.returncode, said)
        assert "Traceback" not in said, said
        assert self.there() == self.before, (self.there(), said)
        status = ask(self.url, STATUS)
        # A batch that says running while nobody holds the lock is shown as interrupted (batches.is_interrupted).
        assert status == "interrupted" or (status == "running" and not ask(self.url, LOCKED)), status
        return f"exit 1, {said.strip().splitlines()[-1]!r}, batch {status}, nothing of it in"

    def succeeds(self) -> str:
        """The same command, left alone."""
        out, said = (process := self.start()).communicate(timeout=300)
        assert process.returncode == 0, (process.returncode, out, said)
        there = str(self.there()[0]).split()
        assert there[:4] == [str(ROWS)] * 4, there
        assert ask(self.url, "SELECT count(*) FROM import_batches WHERE status = 'running'") == 0
        return f"exit 0, {ROWS:,} rows in"

    def _wait(self) -> None:
        """Until the server can be asked again."""
        deadline = time.monotonic() + 60
        while True:
            try:
                return ask(self.url, "SELECT 1") and None
            except psycopg.Error:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.2)

    def begun(self) -> None:
        """Wait until the file is on its way in."""
        deadline = time.monotonic() + 60
        while not ask(self.url, LOCKED):
            assert time.monotonic() < deadline, "the run never began"
            time.sleep(0.02)


def full_disk() -> Iterator[tuple[str, str]]:
    """No room for tables: the database refuses a statement."""
    with small_disk(300) as disk, tempfile.TemporaryDirectory(prefix="ccd-data-") as folder:
        wal = tempfile.mkdtemp(prefix="ccd-wal-", dir="/tmp")
        shutil.chown(wal, _system_user().pw_uid, _system_user().pw_gid)
        try:
            with private_cluster(within=str(disk), wal=wal) as url:
                trial = Trial(url, Path(folder))
                for left in (0.5, 12, 24):
                    ballast = leave(disk, left)
                    yield f"disk full, {left} MB left", trial.fails(lambda: None, ballast.unlink)
                yield "disk with room again", trial.succeeds()
        finally:
            shutil.rmtree(wal, ignore_errors=True)


def full_wal() -> Iterator[tuple[str, str]]:
    """No room for the log of changes: the server stops itself, and starts again when there is."""
    with small_disk(120) as disk, tempfile.TemporaryDirectory(prefix="ccd-data-") as folder:
        wal = disk / "wal"
        wal.mkdir()
        shutil.chown(wal, _system_user().pw_uid, _system_user().pw_gid)
        with private_cluster(wal=str(wal)) as url:
            trial = Trial(url, Path(folder))
            data = Path(str(ask(url, "SHOW data_directory")))

            def well_again() -> None:
                ballast.unlink()
                start_again(data)

            ballast = leave(disk, 0.2)
            yield "disk of the log of changes full", trial.fails(lambda: None, well_again)
            yield "disk with room again", trial.succeeds()


def restarted() -> Iterator[tuple[str, str]]:
    """The server stops and starts again meanwhile."""
    with private_cluster() as url, tempfile.TemporaryDirectory(prefix="ccd-data-") as folder:
        trial = Trial(url, Path(folder))
        for mode in ("fast", "immediate"):
            for delay in (0.0, 0.7, 1.5):

                def again(mode: str = mode, delay: float = delay) -> None:
                    trial.begun()
                    time.sleep(delay)
                    restart(url, mode)

                yield f"server restarted ({mode}) after {delay} s", trial.fails(again, lambda: None)
        yield "left alone", trial.succeeds()


def main() -> int:
    """All of it; 1 where something was not as promised."""
    if not is_installed():
        print(MISSING)
        return 0
    if os.geteuid() != 0:
        print("skipped: a small disk can only be mounted by root")
        return 0
    for trouble in (full_disk, full_wal, restarted):
        for what, seen in trouble():
            print(f"{what}: {seen}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
