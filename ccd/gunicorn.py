"""How gunicorn serves, in the image and in `make demo`: `gunicorn --config python:ccd.gunicorn ccd.wsgi`."""

import os
import sys

from gunicorn.arbiter import Arbiter

bind = os.environ.get("CCD_BIND", "127.0.0.1:8000")
workers = int(os.environ.get("WEB_CONCURRENCY", "2"))
timeout = 180  # an uploaded daily file is previewed within its request
graceful_timeout = 30
preload_app = True  # a mistake in the settings is told once, before the port is open
worker_tmp_dir = "/dev/shm" if os.path.isdir("/dev/shm") else None  # a heartbeat must not wait for a busy disk
loglevel = "warning"  # and no access log: addresses carry what people searched for
control_socket_disable = True


def when_ready(server: Arbiter) -> None:
    """The port is open and the application loaded."""
    for listener in server.LISTENERS:
        print(f"Ready: {listener}/", file=sys.stderr, flush=True)
