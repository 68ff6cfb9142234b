"""The database as its owner: connections of our own beside Django's, and PostgreSQL's programs of the right version.

Django's connection works as ccd_app (DESIGN §3), which neither reads nor may restore everything; a backup logs in as
the owner named in DATABASE_URL and stays it.
"""

import os
import re
import subprocess
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

import psycopg
from django.conf import settings
from django.db import connections

from core.errors import BackupFailed

DEBIAN = Path("/usr/lib/postgresql")
# libpq's names: (as a connection parameter, as an environment variable).
_SSL = {name: f"PG{name.upper()}" for name in ("sslmode", "sslrootcert", "sslcert", "sslkey")}


@dataclass(frozen=True, slots=True)
class Server:
    """How to reach one database as its owner."""

    name: str
    user: str
    password: str
    host: str
    port: str
    ssl: tuple[tuple[str, str], ...] = ()

    @classmethod
    def configured(cls, alias: str = "default") -> Self:
        """The database Django is configured for."""
        given = connections[alias].settings_dict
        ssl = tuple((name, str(given["OPTIONS"][name])) for name in _SSL if name in given["OPTIONS"])
        return cls(given["NAME"], given["USER"], given["PASSWORD"], given["HOST"], str(given["PORT"]), ssl)

    def database(self, name: str) -> Self:
        """Another database of the same server."""
        return replace(self, name=name)

    def connect(self, *, autocommit: bool = False) -> psycopg.Connection:
        """A connection of one's own. Raises BackupFailed where the server does not answer."""
        given = {"dbname": self.name, "user": self.user, "password": self.password, "host": self.host}
        given |= {"port": self.port, **dict(self.ssl)}
        try:
            return psycopg.connect(**{k: v for k, v in given.items() if v}, autocommit=autocommit, connect_timeout=10)
        except psycopg.OperationalError as error:
            raise BackupFailed(f"The database does not answer: {first_line(error)}") from None

    def environment(self) -> dict[str, str]:
        """For PostgreSQL's programs, the password too: a command line can be read by anyone on the machine."""
        given = {"PGDATABASE": self.name, "PGUSER": self.user, "PGPASSWORD": self.password, "PGHOST": self.host}
        given |= {"PGPORT": self.port, **{_SSL[name]: value for name, value in self.ssl}}
        kept = {k: v for k, v in os.environ.items() if not k.startswith("PG")}
        return kept | {k: v for k, v in given.items() if v} | {"PGCONNECT_TIMEOUT": "10"}

    def run(self, program: Path, *arguments: str) -> None:
        """Run one of PostgreSQL's programs. Raises BackupFailed with what it said first."""
        done = subprocess.run(
            [program, *arguments], env=self.environment(), capture_output=True, text=True, check=False
        )
        if done.returncode:
            said = first_line(done.stderr) or f"exit code {done.returncode}"
            raise BackupFailed(f"{program.name} failed: {said.removeprefix(f'{program.name}: ')}")


def first_line(error: object) -> str:
    """The first line of what a program or an exception said."""
    return next((line.strip() for line in str(error).splitlines() if line.strip()), "")


def program(name: str, major: int) -> Path:
    """pg_dump, pg_restore or pg_dumpall for a server of this major version: the same major where there is one, since a
    dump by a newer one may not restore there; never an older one, which refuses.
    """
    candidates = [folder / name for folder in _folders(major)]
    versions = {path: _major(path) for path in candidates if path.exists()}
    for path, found in versions.items():
        if found == major:
            return path
    newer = sorted((found, path) for path, found in versions.items() if found > major)
    if newer:
        return newer[0][1]
    raise BackupFailed(
        f"{name} of PostgreSQL {major} or newer is not installed here; "
        f"on Debian: apt-get install postgresql-client-{major}"
    )


def _folders(major: int) -> list[Path]:
    own = [settings.POSTGRES_BINARIES] if settings.POSTGRES_BINARIES else []
    packaged = [DEBIAN / str(major) / "bin", *sorted(DEBIAN.glob("*/bin"))]
    return [*own, *packaged, *(Path(folder) for folder in os.environ.get("PATH", "").split(os.pathsep) if folder)]


def _major(path: Path) -> int:
    said = subprocess.run([path, "--version"], capture_output=True, text=True, check=False).stdout
    found = re.search(r"\) (\d+)", said)
    return int(found[1]) if found else 0
