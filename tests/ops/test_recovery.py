"""docs/backup.md, *To restore for real*: from a backup alone to a working system on another server.

The owner is an ordinary one, as on a server of someone else's: no superuser, only CREATEROLE and CREATEDB.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests import cluster
from tests.ops.conftest import ROOT

pytestmark = [
    pytest.mark.skipif(not cluster.is_installed(), reason=cluster.MISSING),
    pytest.mark.slow,
]
OWNER = "agency_owner"


class Machine:
    """A server and the program working on it as the ordinary owner."""

    def __init__(self, url: str, data: Path) -> None:
        self.port = url.rpartition(":")[2].partition("/")[0]
        self.env = os.environ | {"PGHOST": "127.0.0.1", "PGPORT": self.port, "PGUSER": "ccd", "PGPASSWORD": "ccdpass"}
        address = f"postgres://{OWNER}:x@127.0.0.1:{self.port}/agency"
        self.env |= {"DATABASE_URL": address, "DEBUG": "1", "CCD_DATA_DIR": str(data)}

    def manage(self, *arguments: str) -> str:
        return self._run(sys.executable, "manage.py", *arguments)

    def tool(self, name: str, *arguments: str) -> str:
        return self._run(str(cluster.BINARIES / name), *arguments)

    def sql(self, statement: str) -> None:
        self.tool("psql", "-q", "-d", "postgres", "-c", statement)

    def _run(self, *command: str) -> str:
        done = subprocess.run(command, cwd=ROOT, env=self.env, capture_output=True, text=True, check=False)
        assert done.returncode == 0, (command, done.stderr)
        return done.stdout


def test_a_lost_server_comes_back_from_its_backup(tmp_path: Path) -> None:
    with cluster.private_cluster() as url:
        lost = Machine(url, tmp_path)
        lost.sql(f"CREATE ROLE {OWNER} LOGIN CREATEROLE CREATEDB PASSWORD 'x'")
        lost.tool("createdb", "-O", OWNER, "agency")
        lost.manage("migrate", "--no-input", "--verbosity=0")
        lost.manage("load_demo")
        vacancies = lost.manage("report", "vacancy", "--as-of=2026-11-20", "--csv=-")
        assert "equal" in lost.manage("backup", "--drill")
    [folder] = (tmp_path / "backups").glob("2*Z")
    with cluster.private_cluster() as url:
        found = Machine(url, tmp_path)
        found.tool("psql", "-q", "-d", "postgres", "-f", str(folder / "roles.sql"))
        found.sql(f"ALTER ROLE {OWNER} PASSWORD 'x'")
        found.tool("createdb", "-T", "template0", "-E", "UTF8", "-O", OWNER, "agency")
        dump = str(folder / "ccd.dump")
        found.tool("pg_restore", "--exit-on-error", "--no-owner", f"--role={OWNER}", "-d", "agency", dump)
        found.manage("migrate", "--no-input", "--verbosity=0")
        assert "Proved" in found.manage("verify_audit")
        assert found.manage("report", "vacancy", "--as-of=2026-11-20", "--csv=-") == vacancies
        assert "equal" in found.manage("backup", "--drill")
