"""Two PostgreSQL 15 clusters with streaming replication on loopback: `python -m tests.replica` tries what docs/scale.md
says of DATABASE_REPLICA_URL, and prints what it saw. Made in temporary folders, gone at the end.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import psycopg

from tests.cluster import MISSING, _free_port, _run, _system_user, is_installed, private_cluster

ROOT = Path(__file__).resolve().parents[1]
DAILY = ROOT / "fixtures" / "daily"
PERIOD = ("org_summary", "--from", "2026-04-01", "--to", "2026-11-20", "--csv", "-")
DAY = ("vacancy", "--as-of", "2026-11-20", "--csv", "-")


@contextmanager
def standby(primary: str) -> Iterator[str]:
    """The URL of a running hot standby of the server at `primary`."""
    folder = Path(tempfile.mkdtemp(prefix="ccd-replica-", dir="/tmp"))
    owner, data, port, there = _system_user(), folder / "data", _free_port(), urlsplit(primary)
    try:
        if owner:
            shutil.chown(folder, owner.pw_uid, owner.pw_gid)
        source = f"host=127.0.0.1 port={there.port} user={there.username} password={there.password}"
        _run(owner, "pg_basebackup", "-d", source, "-D", data, "-R", "-X", "stream", "-c", "fast")
        options = f"-c port={port} -c unix_socket_directories={folder} -c listen_addresses=127.0.0.1 -c hot_standby=on"
        _run(owner, "pg_ctl", "-D", data, "-l", folder / "log", "-w", "-o", options, "start")
        try:
            yield f"postgres://{there.username}:{there.password}@127.0.0.1:{port}{there.path}"
        finally:
            _run(owner, "pg_ctl", "-D", data, "-m", "immediate", "-w", "stop", check=False)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def manage(env: dict[str, str], *arguments: str) -> str:
    """Output of a command; its complaint is raised."""
    done = subprocess.run(
        [sys.executable, "manage.py", *arguments], cwd=ROOT, env=env, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"{arguments[0]} failed: {done.stderr.strip()[-500:]}")
    return done.stdout


def ask(url: str, sql: str) -> object:
    """One value from a server, as its owner."""
    with psycopg.connect(url, autocommit=True) as connection:
        return connection.execute(sql).fetchone()[0]


def caught_up(primary: str, replica: str) -> float:
    """Seconds until the replica had replayed what the primary had written by now."""
    started, goal = time.perf_counter(), ask(primary, "SELECT pg_current_wal_lsn()")
    while not ask(replica, f"SELECT pg_last_wal_replay_lsn() >= '{goal}'::pg_lsn"):
        if time.perf_counter() - started > 60:
            raise RuntimeError("the replica did not catch up within a minute")
        time.sleep(0.02)
    return time.perf_counter() - started


def trial() -> dict[str, object]:
    """What was seen; raises AssertionError where it was not as promised."""
    with private_cluster() as primary, tempfile.TemporaryDirectory(prefix="ccd-data-") as folder:
        alone = os.environ | {"DATABASE_URL": primary, "DEBUG": "1", "CCD_DATA_DIR": folder}
        alone.pop("DATABASE_REPLICA_URL", None)
        manage(alone, "migrate", "--no-input", "--verbosity=0")
        manage(alone, "load_demo")
        with standby(primary) as replica:
            both = alone | {"DATABASE_REPLICA_URL": replica}
            assert ask(replica, "SELECT pg_is_in_recovery()")
            lag = caught_up(primary, replica)
            first = [manage(alone, "report", *asked) for asked in (PERIOD, DAY)]
            assert [manage(both, "report", *asked) for asked in (PERIOD, DAY)] == first

            ask(replica, "SELECT pg_wal_replay_pause()::text")
            manage(alone, "ingest_daily", "--source=SMIS", f"--src={next(DAILY.glob('smis_*'))}")
            after = [manage(alone, "report", *asked) for asked in (PERIOD, DAY)]
            assert after != first
            assert [manage(both, "report", *asked) for asked in (PERIOD, DAY)] == first, "not read from the replica"
            ask(replica, "SELECT pg_wal_replay_resume()::text")
            import_lag = caught_up(primary, replica)
            assert [manage(both, "report", *asked) for asked in (PERIOD, DAY)] == after

            manage(alone, "snapshot")
            assert [manage(both, "report", *asked) for asked in (PERIOD, DAY)] == after
            refused = _refusal(replica)
            unreachable = both | {"DATABASE_URL": primary.replace(f":{urlsplit(primary).port}/", f":{_free_port()}/")}
            assert [manage(unreachable, "report", *asked) for asked in (PERIOD, DAY)] == after
    return {
        "rows of both reports": sum(text.count("\n") - 1 for text in after),
        "seconds to catch up, idle": round(lag, 3),
        "seconds to catch up after a held daily file": round(import_lag, 3),
        "a write to the replica": refused,
        "reports while the primary cannot be reached": "the same",
    }


def _refusal(replica: str) -> str:
    try:
        ask(replica, "INSERT INTO roles (name) VALUES ('x') RETURNING name")
    except psycopg.Error as error:
        return str(error).splitlines()[0]
    raise AssertionError("the replica took a write")


if __name__ == "__main__":
    if not is_installed():
        print(MISSING)
    else:
        for what, seen in trial().items():
            print(f"{what}: {seen}")
