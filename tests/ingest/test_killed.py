"""Killed half way, nothing of a file is in, the batch says so, and the next run takes it in whole."""

import hashlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import quote

import pytest
from django.conf import settings
from django.db import connection

from core.ingest import batches
from core.models import AuditEntry, Client, Enrollment, ImportBatch, ImportRow, Program

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

ROWS = 3000


def environment(data_dir: Path) -> dict[str, str]:
    """Another process on the test database."""
    at = connection.settings_dict
    host = quote(at["HOST"], safe="")
    port = f":{at['PORT']}" if at["PORT"] else ""
    url = f"postgres://{at['USER']}:{quote(at['PASSWORD'] or '')}@{host}{port}/{at['NAME']}"
    return {**os.environ, "DATABASE_URL": url, "CCD_DATA_DIR": str(data_dir), "DEBUG": "1"}


def is_running() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT FROM pg_locks JOIN pg_database d ON d.oid = database "
            "WHERE locktype = 'advisory' AND datname = current_database())"
        )
        return cursor.fetchone()[0]


def wait_for(state: bool) -> None:
    deadline = time.monotonic() + 30
    while is_running() is not state:
        assert time.monotonic() < deadline, "the run never got there"
        time.sleep(0.02)


def _name(number: int) -> str:
    """A name unlike all others."""
    return "".join(chr(97 + byte % 26) for byte in hashlib.sha256(str(number).encode()).digest()[:12])


def wait_for_batch() -> None:
    """The batch is there and its one transaction has begun."""
    deadline = time.monotonic() + 30
    while not (ImportBatch.objects.filter(status="running", finished_at=None).exists() and is_running()):
        assert time.monotonic() < deadline, "the run never got there"
        time.sleep(0.02)


@pytest.fixture
def command(tmp_path: Path, shelter: Program) -> list[str]:
    path = tmp_path / "many.csv"
    lines = [f"S-{n},{_name(n)},{_name(-n)},19{n % 80 + 20}-05-05,Hostel A,2026-01-01\n" for n in range(ROWS)]
    path.write_text("uid_external,first_name,last_name,dob,program,start_date\n" + "".join(lines))
    manage = Path(settings.BASE_DIR) / "manage.py"
    return [sys.executable, str(manage), "ingest_daily", "--src", str(path), "--source", "SMIS"]


def test_killed_at_any_moment_nothing_of_the_file_is_in(command: list[str], tmp_path: Path) -> None:
    entries = AuditEntry.objects.count()
    for delay in (0.0, 0.2, 0.6):
        process = subprocess.Popen(
            command, env=environment(tmp_path), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        wait_for_batch()
        time.sleep(delay)
        process.send_signal(signal.SIGKILL)
        process.wait()
        wait_for(False)
        assert (Client.objects.count(), Enrollment.objects.count(), ImportRow.objects.count()) == (0, 0, 0)
        assert AuditEntry.objects.count() == entries
        assert batches.is_interrupted(ImportBatch.objects.latest("created_at"))
        ImportBatch.objects.update(status="interrupted")
    assert not list((tmp_path / "rejects").glob("*.csv"))

    subprocess.run(command, env=environment(tmp_path), check=True, stdout=subprocess.DEVNULL)
    assert (Client.objects.count(), Enrollment.objects.count()) == (ROWS, ROWS)
    assert sorted(ImportBatch.objects.values_list("status", flat=True)) == ["applied", *["interrupted"] * 3]


def test_a_second_file_at_the_same_time_is_refused(command: list[str], tmp_path: Path) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [batches.LOCK])  # as if another file were on its way in
        second = subprocess.run(command, env=environment(tmp_path), capture_output=True, text=True, check=False)
        cursor.execute("SELECT pg_advisory_unlock(%s)", [batches.LOCK])
    assert second.returncode == 1
    assert "Another daily file is being taken in" in second.stderr
    assert "Traceback" not in second.stderr
    assert not Client.objects.exists()
    assert ImportBatch.objects.get().status == "refused"
