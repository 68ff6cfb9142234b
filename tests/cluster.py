"""A private PostgreSQL 15 for tests: made in a temporary folder, gone at the end.

`python -m tests.cluster COMMAND …` runs the command with DATABASE_URL naming it.
PostgreSQL refuses to run as root, so root gives the folder to a system user and runs the server as that one.
"""

import os
import pwd
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg

BINARIES = Path(os.environ.get("PG15_BINARIES", "/usr/lib/postgresql/15/bin"))
MISSING = "skipped: no PostgreSQL 15"
# Nothing here outlives the run: no waiting for the disk.
_OPTIONS = (
    "-c fsync=off -c synchronous_commit=off -c full_page_writes=off -c listen_addresses=127.0.0.1 -c max_connections=60"
)


def is_installed() -> bool:
    """PostgreSQL 15's server is on this machine."""
    return (BINARIES / "initdb").exists()


@contextmanager
def private_cluster(
    user: str = "ccd", password: str = "ccdpass", database: str = "ccd", *, within: str = "/tmp", wal: str | None = None
) -> Iterator[str]:
    """The URL of a running server with this user (a superuser, as in the image of Docker) and an empty database; its
    files in a folder `within` this one, those of its log of changes in `wal`.
    """
    folder = Path(tempfile.mkdtemp(prefix="ccd-pg15-", dir=within))
    owner = _system_user()
    data, port = folder / "data", _free_port()
    try:
        (folder / "password").write_text(password)
        if owner:
            for path in (folder, folder / "password"):
                shutil.chown(path, owner.pw_uid, owner.pw_gid)
        how = ["--encoding=UTF8", "--locale=C.UTF-8", "--auth-host=scram-sha-256", "--auth-local=trust"]
        if wal:
            how.append(f"--waldir={wal}")
        _run(owner, "initdb", "-D", data, "-U", user, f"--pwfile={folder / 'password'}", *how)
        options = f"{_OPTIONS} -c port={port} -c unix_socket_directories={folder}"
        try:
            _run(owner, "pg_ctl", "-D", data, "-l", folder / "log", "-w", "-o", options, "start")
            _run(None, "createdb", "-h", folder, "-p", str(port), "-U", user, database)
            yield f"postgres://{user}:{password}@127.0.0.1:{port}/{database}"
        finally:
            _run(owner, "pg_ctl", "-D", data, "-m", "immediate", "-w", "stop", check=False)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def restart(url: str, mode: str) -> None:
    """Let the server stop as `mode` of pg_ctl says, at once with "immediate", and start again."""
    with psycopg.connect(url) as connection:
        data = connection.execute("SHOW data_directory").fetchone()[0]
    _run(_system_user(), "pg_ctl", "-D", data, "-l", Path(data).parent / "log", "-m", mode, "-w", "restart")


def start_again(data: Path) -> None:
    """Start the server of this folder as it was started before, if it is down."""
    before = shlex.split((data / "postmaster.opts").read_text())[1:]
    options = [word for word in before if word not in ("-D", str(data))]
    _run(
        _system_user(),
        "pg_ctl",
        "-D",
        data,
        "-l",
        data.parent / "log",
        "-w",
        "-o",
        shlex.join(options),
        "start",
        check=False,
    )


def _system_user() -> pwd.struct_passwd | None:
    """Whom root runs the server as; None: we are not root."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise RuntimeError("root needs a system user named postgres or nobody to run PostgreSQL as")


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


def _run(owner: pwd.struct_passwd | None, program: str, *arguments: object, check: bool = True) -> None:
    """Output to a file: the server inherits it, and a pipe would stay open as long as the server lives."""
    who: dict[str, Any] = {"user": owner.pw_uid, "group": owner.pw_gid, "extra_groups": []} if owner else {}
    with tempfile.TemporaryFile("w+") as said:
        command = [str(part) for part in (BINARIES / program, *arguments)]
        done = subprocess.run(
            command, stdout=said, stderr=said, stdin=subprocess.DEVNULL, cwd="/tmp", check=False, **who
        )
        if check and done.returncode:
            said.seek(0)
            raise RuntimeError(f"{program} failed: {said.read().strip()}")


def main(command: list[str]) -> int:
    """Run the command on a private cluster, with the settings it would have on the embedded server."""
    if not is_installed():
        print(MISSING)
        return 0
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the server is stopped, too
    with private_cluster() as url, tempfile.TemporaryDirectory(prefix="ccd-data-") as data:
        env = os.environ | {"DATABASE_URL": url, "DEBUG": "1", "CCD_DATA_DIR": data}
        return subprocess.run(command, env=env, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
