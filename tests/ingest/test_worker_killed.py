"""A worker killed half way: nothing of the file is in, its page offers to try again, and the next worker does it."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from core.ingest import batches, jobs
from core.models import Client, ImportBatch, ImportProgress, Staff
from tests.ingest.test_killed import _name, environment

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]
WORKER = [sys.executable, "manage.py", "work"]


def wait_until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not is_so():
        assert time.monotonic() < deadline, "it never got there"
        time.sleep(0.02)


def status() -> str:
    return ImportBatch.objects.values_list("status", flat=True).get()


def test_a_killed_worker_leaves_a_file_that_is_tried_again(
    coordinator: Staff, tmp_path: Path, settings: object
) -> None:
    settings.CCD_REQUEST_ROWS = 100
    lines = [f"S-{n},{_name(n)},{_name(n + 5000)},1950-01-{n % 28 + 1:02}" for n in range(1500)]
    content = "\n".join(["uid_external,first_name,last_name,dob", *lines]).encode()
    batch = jobs.submit(content, file_name="a.csv", source="SMIS", actor=coordinator)
    jobs.work(batch.pk)
    batch.refresh_from_db()
    jobs.confirm(batch, actor=coordinator)

    worker = subprocess.Popen(WORKER, env=environment(tmp_path), stderr=subprocess.DEVNULL)
    try:
        wait_until(lambda: ImportProgress.objects.filter(stage__in=("link", "apply")).exists())
        worker.send_signal(signal.SIGKILL)
    finally:
        worker.kill()
        worker.wait()
    wait_until(lambda: batches.is_interrupted(ImportBatch.objects.get()))
    assert not Client.objects.exists()

    jobs.again(ImportBatch.objects.get(), actor=coordinator)
    worker = subprocess.Popen(WORKER, env=environment(tmp_path), stderr=subprocess.DEVNULL)
    try:
        wait_until(lambda: status() == "applied")
        assert Client.objects.count() == ImportBatch.objects.get().summary["created"]
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(timeout=30) == 0
    finally:
        worker.kill()
        worker.wait()
    assert not ImportProgress.objects.exists()
