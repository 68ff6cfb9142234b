"""A database that is not there: one sentence and exit code 1, whichever command asks."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from psycopg import OperationalError

from core.ingest import jobs

ROOT = Path(__file__).resolve().parents[2]


def manage(tmp_path: Path, *arguments: str) -> subprocess.CompletedProcess:
    """A command, with DATABASE_URL naming a port that nobody listens on."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"postgres://nobody@127.0.0.1:{taken.getsockname()[1]}/nothing"
        env = os.environ | {"DATABASE_URL": url, "DEBUG": "1", "CCD_DATA_DIR": str(tmp_path)}
        return subprocess.run(
            [sys.executable, "manage.py", *arguments], cwd=ROOT, env=env, capture_output=True, text=True, timeout=60
        )


@pytest.mark.parametrize(
    "arguments",
    [
        ["report", "org_summary", "--from", "2025-01-01", "--to", "2025-01-31"],
        ["report", "inactive", "--period", "today", "--department", "Shelter"],
        ["snapshot"],
        ["migrate"],
    ],
    ids=lambda arguments: " ".join(arguments[:2]),
)
def test_a_command_says_in_one_line_that_there_is_no_database(tmp_path: Path, arguments: list[str]):
    done = manage(tmp_path, *arguments)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("CommandError: The database refused: connection failed")
    assert done.stderr.count("\n") == 1


def test_help_and_wrong_usage_of_reports_ask_no_database(tmp_path: Path):
    helped = manage(tmp_path, "report", "org_summary", "--help")
    assert (helped.returncode, helped.stderr) == (0, "")
    assert "last-month" in helped.stdout
    wrong = manage(tmp_path, "report", "nothing")
    assert (wrong.returncode, wrong.stderr.count("\n")) == (2, 1)
    assert "invalid choice: 'nothing'" in wrong.stderr


def test_a_worker_says_in_a_sentence_that_there_is_no_database(monkeypatch: pytest.MonkeyPatch):
    def run_worker(*, wait: bool) -> None:
        raise OperationalError("pool initialization incomplete after 30.0 sec")

    monkeypatch.setattr(jobs, "run_worker", run_worker)
    with pytest.raises(CommandError, match="The database refused: pool initialization incomplete"):
        call_command("work", "--once")
