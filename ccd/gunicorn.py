"""How gunicorn serves, in the image and in `make demo`: `gunicorn --config python:ccd.gunicorn ccd.wsgi`."""

import os
import subprocess
import sys

from gunicorn.arbiter import Arbiter

bind = os.environ.get("CCD_BIND", "127.0.0.1:8000")
workers = int(os.environ.get("WEB_CONCURRENCY", "2"))
timeout = 180  # a daily file of CCD_REQUEST_ROWS rows is previewed within its request
graceful_timeout = 30
preload_app = True  # a mistake in the settings is told once, before the port is open
worker_tmp_dir = "/dev/shm" if os.path.isdir("/dev/shm") else None  # a heartbeat must not wait for a busy disk
loglevel = "warning"  # and no access log: addresses carry what people searched for
control_socket_disable = True
_worker: list[subprocess.Popen] = []


def when_ready(server: Arbiter) -> None:
    """The port is open and the application loaded."""
    for listener in server.LISTENERS:
        print(f"Ready: {listener}/", file=sys.stderr, flush=True)
    if os.environ.get("CCD_WITH_WORKER") == "1":  # `make demo`; elsewhere the worker is a service of its own
        _worker.append(subprocess.Popen([sys.executable, "manage.py", "work"]))


def on_exit(server: Arbiter) -> None:
    """The worker that came with the server goes with it."""
    for process in _worker:
        process.terminate()
