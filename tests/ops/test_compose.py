"""docker-compose.yml without Docker: its very commands as plain processes, on PostgreSQL 15, with .env.example."""

import http.cookiejar
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import environ
import pytest
import yaml

from tests import cluster
from tests.ops.conftest import ROOT

COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, Any] = COMPOSE["services"]
needs_postgres_15 = pytest.mark.skipif(not cluster.is_installed(), reason=cluster.MISSING)


def example() -> dict[str, str]:
    """What .env.example sets."""
    lines = (line for line in (ROOT / ".env.example").read_text().splitlines() if line and not line.startswith("#"))
    return dict(line.split("=", 1) for line in lines)


def expanded(text: str, env: dict[str, str]) -> str:
    """`${NAME:-default}` as compose reads it."""
    return re.sub(r"\$\{(\w+):-([^}]*)\}", lambda found: env.get(found[1]) or found[2], text)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


class Stack:
    """The services' commands with the environment compose would give them, db and port being ours."""

    def __init__(self, url: str, data: Path) -> None:
        self.port = free_port()
        clean = {name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "DEBUG")}
        self.env = clean | example() | {"DATABASE_URL": url, "CCD_DATA_DIR": str(data), "PYTHONUNBUFFERED": "1"}

    def command(self, service: str, **variables: str) -> list[str]:
        """As compose would run it, but with this Python, and the port on the loopback."""
        first, *rest = (expanded(part, self.env | variables) for part in SERVICES[service]["command"])
        assert first in ("python", "gunicorn")
        start = [sys.executable] if first == "python" else [sys.executable, "-m", first]
        return [*start, *(part.replace("0.0.0.0:8000", f"127.0.0.1:{self.port}") for part in rest)]

    def run(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """A command that ends."""
        command = arguments or self.command("migrate")
        return subprocess.run(
            command, cwd=ROOT, env=self.env | variables, capture_output=True, text=True, timeout=120, check=False
        )

    def start(self, service: str, **variables: str) -> subprocess.Popen[str]:
        """A command that stays."""
        return subprocess.Popen(
            self.command(service, **variables),
            cwd=ROOT,
            env=self.env | variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Database migrated by the service `migrate`, with one account."""
    given = environ.Env.db_url_config(example()["DATABASE_URL"])
    db = SERVICES["db"]["environment"]
    password = expanded(db["POSTGRES_PASSWORD"], example())
    assert (given["USER"], given["PASSWORD"], given["NAME"]) == (db["POSTGRES_USER"], password, db["POSTGRES_DB"])
    assert (given["HOST"], given["PORT"]) == ("db", 5432)
    with cluster.private_cluster(given["USER"], given["PASSWORD"], given["NAME"]) as url:
        stack = Stack(url, tmp_path_factory.mktemp("data"))
        migrated = stack.run()
        assert migrated.returncode == 0, migrated.stderr
        made = subprocess.run(
            [
                sys.executable,
                "manage.py",
                "create_staff",
                "ada@example.org",
                "--role=Administrator",
                "--password-stdin",
            ],
            cwd=ROOT,
            env=stack.env,
            input="seven wet boots\n",
            capture_output=True,
            text=True,
            check=False,
        )
        assert made.returncode == 0, made.stderr
        yield stack


def stop(process: subprocess.Popen[str]) -> str:
    """What it printed."""
    process.send_signal(signal.SIGTERM)
    return process.communicate(timeout=40)[0]


def wait_for(address: str, process: subprocess.Popen[str]) -> str:
    for _ in range(150):
        if process.poll() is not None:
            pytest.fail(f"it ended: {process.communicate()[0]}")
        try:
            return urllib.request.urlopen(address, timeout=5).read().decode()
        except urllib.error.HTTPError as error:
            stop(process)
            pytest.fail(f"{address} answers {error.code}")
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.2)
    stop(process)
    raise AssertionError(f"no answer from {address}")


def log_in(site: str) -> str:
    """The first page after logging in, as a browser without JavaScript would do it."""
    browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()))
    page = browser.open(f"{site}/admin/login/?next=/admin/", timeout=20).read().decode()
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)[1]
    fields = {"csrfmiddlewaretoken": token, "username": "ada@example.org", "password": "seven wet boots"}
    answer = browser.open(f"{site}/admin/login/?next=/admin/", urllib.parse.urlencode(fields).encode(), timeout=30)
    assert answer.url == f"{site}/admin/"
    return answer.read().decode()


def test_the_services_are_web_db_worker_and_backup_and_migrations_run_before_web() -> None:
    assert set(SERVICES) == {"db", "migrate", "web", "worker", "backup"}
    assert SERVICES["db"]["image"] == "postgres:15"
    assert SERVICES["db"]["volumes"] == ["postgres:/var/lib/postgresql/data"]
    for service in ("web", "worker", "backup"):
        assert SERVICES[service]["depends_on"]["migrate"]["condition"] == "service_completed_successfully"
    assert SERVICES["migrate"]["depends_on"]["db"]["condition"] == "service_healthy"


def test_the_image_serves_what_compose_serves_as_an_ordinary_user() -> None:
    dockerfile = (ROOT / "Dockerfile").read_text()
    assert re.search(r"^FROM python:3\.11-slim", dockerfile, re.MULTILINE)
    assert re.search(r"^USER ccd$", dockerfile, re.MULTILINE)
    assert "CMD " + str(SERVICES["web"]["command"]).replace("'", '"') in dockerfile
    assert "HEALTHCHECK" in dockerfile
    assert "/healthz" in dockerfile


def test_the_example_says_what_the_specification_says() -> None:
    values = example()
    assert values["DJANGO_SECRET_KEY"] == "changeme"
    assert values["DATABASE_URL"] == "postgres://ccd:ccdpass@db:5432/ccd"
    assert values["DEBUG"] == "1"
    assert values["ALLOWED_HOSTS"] == "localhost,127.0.0.1"


@needs_postgres_15
def test_web_answers_and_lets_the_first_account_in(stack: Stack) -> None:
    web = stack.start("web")
    try:
        assert wait_for(f"http://127.0.0.1:{stack.port}/healthz", web) == "ok"
        assert "Clients" in log_in(f"http://127.0.0.1:{stack.port}")
    finally:
        said = stop(web)
    assert f"Ready: http://127.0.0.1:{stack.port}/" in said
    assert "Traceback" not in said


@needs_postgres_15
def test_web_serves_in_production_with_collected_files(stack: Stack, tmp_path: Path) -> None:
    production = {"DEBUG": "0", "DJANGO_SECRET_KEY": "k" * 30 + "0123456789abcdefghij", "STATIC_ROOT": str(tmp_path)}
    collected = stack.run(sys.executable, "manage.py", "collectstatic", "--no-input", **production)
    assert collected.returncode == 0, collected.stderr
    web = stack.start("web", **production)
    site = f"http://127.0.0.1:{stack.port}"
    try:
        assert wait_for(f"{site}/healthz", web) == "ok"
        page = log_in(site)
        style = re.search(r'href="(/static/[^"]+\.css)"', page)[1]
        answer = urllib.request.urlopen(site + style, timeout=10)
        assert "immutable" in answer.headers["Cache-Control"]
    finally:
        said = stop(web)
    assert "Traceback" not in said


@needs_postgres_15
def test_the_nightly_backup_is_made_and_proved(stack: Stack) -> None:
    soon = datetime.now(ZoneInfo("America/Toronto")) + timedelta(seconds=6)
    backup = stack.start("backup", BACKUP_TIME=soon.strftime("%H:%M:%S"))
    lines = []
    for line in backup.stdout:
        lines.append(line)
        if "proved by restoring it" in line or len(lines) > 5:
            break
    stop(backup)
    assert "proved by restoring it" in lines[-1], lines
    [folder] = Path(stack.env["CCD_DATA_DIR"], "backups").glob("2*Z")
    assert (folder / "ccd.dump").stat().st_size > 50_000
    drill = stack.run(sys.executable, "manage.py", "restore_drill")
    assert drill.returncode == 0, drill.stderr
    assert "all equal" in drill.stdout


@needs_postgres_15
def test_a_backup_that_fails_exits_with_1_and_one_line(stack: Stack) -> None:
    wrong = stack.env["DATABASE_URL"].replace("ccdpass", "wrong")
    failed = stack.run(sys.executable, "manage.py", "backup", DATABASE_URL=wrong)
    assert failed.returncode == 1
    assert failed.stderr.count("\n") == 1
    assert 'password authentication failed for user "ccd"' in failed.stderr


@needs_postgres_15
def test_migrating_again_changes_nothing(stack: Stack) -> None:
    again = stack.run()
    assert again.returncode == 0
    assert "No migrations to apply" in again.stdout
