"""The Makefile's promises that can be tested without a fresh clone."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests import cluster
from tests.ops.conftest import ROOT, Run

TARGETS = ("demo", "test", "setup", "migrate", "check", "bench", "stop", "test-pg15", "screenshots")
pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="skipped: no make")


def make(*arguments: str) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")}
    return subprocess.run(["make", *arguments], cwd=ROOT, env=clean, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("target", TARGETS)
def test_every_target_of_the_contract_is_there(target: str) -> None:
    done = make("-n", target)
    assert done.returncode == 0, done.stderr
    assert f"make {target}" in make("help").stdout


def script(path: Path, text: str) -> Path:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def test_an_old_python_is_named_in_a_sentence(tmp_path: Path) -> None:
    old = script(tmp_path / "python", 'case "$1" in -c) exit 1 ;; *) echo "Python 3.9.2" ;; esac')
    done = make("setup", f"PYTHON={old}", f"VENV={tmp_path}/venv")
    assert done.returncode == 2
    assert "Python 3.11 or newer is needed" in done.stderr
    assert "Python 3.9.2" in done.stderr
    assert not (tmp_path / "venv").exists()


def test_a_python_without_venv_says_what_to_install(tmp_path: Path) -> None:
    bare = script(tmp_path / "python", f'case "$2" in *venv*) exit 1 ;; *) exec {sys.executable} "$@" ;; esac')
    done = make("setup", f"PYTHON={bare}", f"VENV={tmp_path}/venv")
    assert done.returncode == 2
    assert "apt-get install python3-venv" in done.stderr


def test_no_python_at_all_is_a_sentence(tmp_path: Path) -> None:
    done = make("setup", f"PYTHON={tmp_path}/none", f"VENV={tmp_path}/venv")
    assert done.returncode == 2
    assert "there is no" in done.stderr


def test_without_postgresql_15_its_suite_is_skipped(run: Run, tmp_path: Path) -> None:
    done = run("-m", "tests.cluster", "false", PG15_BINARIES=str(tmp_path))
    assert (done.returncode, done.stdout) == (0, "skipped: no PostgreSQL 15\n")


@pytest.mark.skipif(not cluster.is_installed(), reason=cluster.MISSING)
def test_the_private_cluster_is_gone_also_after_a_failure(run: Run) -> None:
    show = "import os; print(os.environ['DATABASE_URL'].rpartition(':')[2]); raise SystemExit(3)"
    done = run("-m", "tests.cluster", sys.executable, "-c", show)
    assert done.returncode == 3
    assert not servers_on(done.stdout.partition("/")[0])


@pytest.mark.skipif(not cluster.is_installed(), reason=cluster.MISSING)
def test_the_private_cluster_is_gone_also_when_it_is_ended_from_outside() -> None:
    show = "import os, time; print(os.environ['DATABASE_URL'], flush=True); time.sleep(60)"
    command = [sys.executable, "-m", "tests.cluster", sys.executable, "-c", show]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    port = process.stdout.readline().rpartition(":")[2].partition("/")[0]
    assert servers_on(port)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=30)
    assert process.returncode == 143
    time.sleep(0.2)
    assert not servers_on(port)


def servers_on(port: str) -> list[str]:
    """Command lines of PostgreSQL servers with this port."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if f"port={port} " in line and "ccd-pg15-" in line:
            found.append(line)
    return found
