"""Killed as any stage begins or at any moment, or its connection cut: none of a file is in, and a rerun takes it in."""

import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings

from core.models import Program
from tests.ingest.killing import INTERRUPTED, STAGES
from tests.ingest.test_killed import _name, environment

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

ROWS, SEED, MOMENTS = 40, 20261126, 50


def test_none_or_all_of_a_file_is_in_wherever_it_is_stopped(tmp_path: Path, shelter: Program) -> None:
    path = tmp_path / "many.csv"
    lines = [
        f"S-{n},{_name(n)},{_name(-n)},19{n % 80 + 20}-05-05,Hostel A,2026-01-01,2026-01-01\n" for n in range(ROWS)
    ]
    path.write_text("uid_external,first_name,last_name,dob,program,intake_date,start_date\n" + "".join(lines))
    run = subprocess.run(
        [sys.executable, "-m", "tests.ingest.killing", str(path), str(SEED), str(MOMENTS)],
        cwd=settings.BASE_DIR,
        env={**environment(tmp_path), "DJANGO_SETTINGS_MODULE": "ccd.settings"},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert run.returncode == 0, run.stderr[-2000:]
    attempts = [tuple(line.split("|")) for line in run.stdout.splitlines()]
    nothing, everything = "0 0 0 0 0", f"{ROWS} {ROWS} {ROWS} {ROWS} {4 * ROWS + 1}"
    names = [name for _, name in STAGES]
    assert attempts[: len(names)] == [(f"kill {name}: killed", nothing, "interrupted") for name in names]
    cut = attempts[len(names) : 2 * len(names)]
    assert cut == [(f"cut {name}: exit {INTERRUPTED}", nothing, "interrupted") for name in names]
    moments = attempts[2 * len(names) + 1 : -1]
    assert len(moments) == MOMENTS
    assert {attempt[:2] for attempt in moments} == {("moment: killed", nothing)}
    assert {says for *_, says in moments} == {"interrupted"}
    assert attempts[-1] == ("rerun: exit 0", everything, "applied")
