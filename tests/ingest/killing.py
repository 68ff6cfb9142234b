"""`python -m tests.ingest.killing FILE SEED MOMENTS`: take a file in again and again, each time stopped half way.

Every attempt is a process of its own, forked before any connection is made. First it is killed (SIGKILL) as each named
stage begins, then the database cuts its connection there; then it is killed at MOMENTS random moments of the time the
whole takes, at the latest before its commit; the last attempt is left alone. Prints one line per attempt: what was
done, how it ended, and what of the file is there then.
"""

import os
import random
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import django

if __name__ == "__main__":
    django.setup()

import psycopg
from django.db import connection

from core.errors import FileInterrupted
from core.ingest import batches, pipeline, staging, versions
from core.models import AuditEntry, Client, Enrollment, ImportBatch, ImportRow, Intake

STAGES = (
    (staging, "create"),
    (staging, "load"),
    (pipeline, "link_rows"),
    (pipeline, "hold_overlaps"),
    (pipeline, "settle_repeated"),
    (pipeline, "apply_clients"),
    (pipeline, "apply_stays"),
    (pipeline, "_settle"),
    (versions, "snapshot"),
    (pipeline, "_write_files"),
    (batches, "close"),
    (connection, "commit"),
)
INTERRUPTED = 3
_backend = 0  # process id, in the child


def main(path: str, seed: str, moments: str) -> int:
    """All attempts, one after the other; the random ones within the time of one that is rolled back."""
    content = Path(path).read_bytes()
    for stop in (kill, cut):
        for module, name in STAGES:
            attempt(f"{stop.__name__} {name}", content, before=(module, name, stop))
    started = time.monotonic()
    attempt("kill late", content, before=(batches, "close", kill))
    whole = time.monotonic() - started
    rng = random.Random(seed)
    for _ in range(int(moments)):
        attempt("moment", content, before=(connection, "commit", kill), after=rng.uniform(0, whole))
    attempt("rerun", content)
    return 0


def kill() -> None:
    """End this process at once."""
    os.kill(os.getpid(), signal.SIGKILL)


def cut() -> None:
    """Let the server end the connection this process takes the file in by, whichever thread asks."""
    parameters = connection.get_connection_params()
    beside = {key: parameters[key] for key in ("dbname", "host", "port", "user", "password") if key in parameters}
    with psycopg.connect(**beside, autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s)", [_backend])


def attempt(title: str, content: bytes, *, before: tuple | None = None, after: float | None = None) -> None:
    """Fork, take the file in, stop it `before` a named stage or `after` so many seconds, and print what is there."""
    child = os.fork()
    if child == 0:
        os._exit(take(content, before))
    if after is not None:
        time.sleep(after)
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    ended = "killed" if os.WIFSIGNALED(status) else f"exit {os.waitstatus_to_exitcode(status)}"
    settled()
    print(f"{title}: {ended}", *there(), sep="|", flush=True)
    connection.close()


def take(content: bytes, before: tuple | None) -> int:
    """In the child: the whole road, armed. The first commit is that of the batch, the second that of the file."""
    global _backend
    connection.ensure_connection()
    _backend = connection.connection.info.backend_pid
    if before is not None:
        module, name, stop = before
        setattr(module, name, armed(getattr(module, name), stop, passes=1 if name == "commit" else 0))
    try:
        pipeline.take(content, file_name="many.csv", source="SMIS", actor=None)
    except FileInterrupted:
        return INTERRUPTED
    return 0


def armed(work: Callable, stop: Callable[[], None], *, passes: int) -> Callable:
    """`work`, stopped as it begins, after so many passes."""
    left = passes

    def stopped(*args: object, **kwargs: object) -> object:
        nonlocal left
        if left == 0:
            left = -1
            stop()
        left -= 1
        return work(*args, **kwargs)

    return stopped


def settled() -> None:
    """Wait until the server has noticed that the child is gone."""
    deadline = time.monotonic() + 30
    while not pipeline_free() and time.monotonic() < deadline:
        time.sleep(0.005)


def pipeline_free() -> bool:
    """No run holds the lock."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT NOT EXISTS (SELECT FROM pg_locks JOIN pg_database d ON d.oid = database "
            "WHERE locktype = 'advisory' AND datname = current_database())"
        )
        return cursor.fetchone()[0]


def there() -> tuple[str, str]:
    """How many clients, intakes, enrollments, rows and entries of a file there are; what the newest batch says."""
    counted = (Client, Intake, Enrollment, ImportRow)
    entries = AuditEntry.objects.filter(channel="import").count()
    batch = ImportBatch.objects.order_by("-created_at").first()
    says = "none" if batch is None else "interrupted" if batches.is_interrupted(batch) else batch.status
    return " ".join(str(n) for n in (*(model.objects.count() for model in counted), entries)), says


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
