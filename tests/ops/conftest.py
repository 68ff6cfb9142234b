"""What the tests of commands and deployment share."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from pytest_django import Settings

ROOT = Path(__file__).resolve().parents[2]
Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def data_dir(settings: Settings, tmp_path: Path) -> Path:
    """CCD_DATA_DIR of this test."""
    settings.DATA_DIR = tmp_path / "data"
    return settings.DATA_DIR


@pytest.fixture
def run() -> Run:
    """run("manage.py", "check", DEBUG="0"): Python on a file of the tree, with these variables set; None unsets one."""

    def execute(*arguments: object, stdin: str = "", **variables: str | None) -> subprocess.CompletedProcess[str]:
        env = {**os.environ, **variables}
        return subprocess.run(
            [sys.executable, *map(str, arguments)],
            cwd=ROOT,
            env={name: value for name, value in env.items() if value is not None},
            input=stdin,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    return execute
