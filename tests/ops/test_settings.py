"""A mistake in the environment is one sentence at start."""

import pytest

from tests.ops.conftest import Run

PRODUCTION = {"DEBUG": "0", "DATABASE_URL": "postgres://ccd:x@127.0.0.1:9/ccd"}


@pytest.mark.parametrize("command", [("manage.py", "check"), ("-c", "import ccd.wsgi")])
def test_production_does_not_start_without_its_secret_and_names_it(run: Run, command: tuple[str, ...]) -> None:
    done = run(*command, DJANGO_SECRET_KEY=None, **PRODUCTION)
    assert done.returncode == 1
    assert "DJANGO_SECRET_KEY is not set" in done.stderr
    assert "Traceback" not in done.stderr


def test_production_does_not_start_with_the_secret_of_the_example(run: Run) -> None:
    done = run("manage.py", "check", DJANGO_SECRET_KEY="changeme", **PRODUCTION)
    assert done.returncode == 1
    assert "still changeme" in done.stderr


def test_debug_is_off_as_soon_as_a_database_is_named(run: Run) -> None:
    done = run("manage.py", "check", DATABASE_URL=PRODUCTION["DATABASE_URL"], DEBUG=None, DJANGO_SECRET_KEY=None)
    assert done.returncode == 1
    assert "DJANGO_SECRET_KEY" in done.stderr


def test_an_unknown_time_zone_is_one_sentence(run: Run) -> None:
    done = run("manage.py", "check", DJANGO_SECRET_KEY="x" * 50, TIME_ZONE="Toronto", **PRODUCTION)
    assert done.returncode == 1
    assert "TIME_ZONE='Toronto' is not a time zone" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("address", ["mail.example.org", "carrier+pigeon://mail.example.org"])
def test_what_is_no_mail_server_is_one_sentence(run: Run, address: str) -> None:
    done = run("manage.py", "check", DJANGO_SECRET_KEY="x" * 50, EMAIL_URL=address, **PRODUCTION)
    assert done.returncode == 1
    assert "EMAIL_URL is not the address of a mail server" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_address_of_a_mail_server_is_read(run: Run) -> None:
    show = "from django.conf import settings as s; print(s.EMAIL_HOST, s.EMAIL_PORT, s.EMAIL_USE_TLS, s.CCD_SENDS_MAIL)"
    given = {"EMAIL_URL": "smtp+tls://ada:secret@mail.example.org:587", "DJANGO_SECRET_KEY": "x" * 50}
    done = run("manage.py", "shell", "--no-imports", "-c", show, **given, **PRODUCTION)
    assert done.stdout.strip() == "mail.example.org 587 True True"


@pytest.mark.parametrize(
    ("name", "value", "allowed"),
    [
        ("CCD_SMALL_CELLS_LEAVING", "abc", "from 0 to 100,000"),
        ("CCD_SMALL_CELLS_INSIDE", "5.5", "from 0 to 100,000"),
        ("CCD_ROUND_LEAVING", "-5", "from 0 to 100,000"),
        ("SESSION_HOURS", "-1", "from 1 to 100,000"),
        ("LOGIN_ATTEMPTS", "0", "from 1 to 100,000"),
        ("LOGIN_LOCK_MINUTES", "9" * 30, "from 1 to 100,000"),
        ("CCD_ASSIGNED_DAYS", "ninety", "from 0 to 100,000"),
        ("CCD_ACCESS_LOG_DAYS", "30", "from 365 to 100,000"),
        ("CCD_REQUEST_ROWS", "5k", "from 0 to 10,000,000"),
    ],
)
def test_what_is_no_fitting_number_is_one_sentence(run: Run, name: str, value: str, allowed: str) -> None:
    done = run("-c", "import ccd.settings", DJANGO_SECRET_KEY="x" * 50, **{name: value}, **PRODUCTION)
    assert done.returncode == 1
    assert done.stderr.startswith(f"{name}={value!r} is not a whole number {allowed}; unset it for the default, ")
    assert done.stderr.count("\n") == 1


def test_an_empty_number_is_the_default(run: Run) -> None:
    show = "import ccd.settings as s; print(s.CCD_ASSIGNED_DAYS, s.CCD_ROUND_LEAVING)"
    given = {"CCD_ASSIGNED_DAYS": "", "CCD_ROUND_LEAVING": "0", "DJANGO_SECRET_KEY": "x" * 50}
    assert run("-c", show, **given, **PRODUCTION).stdout.strip() == "90 0"


@pytest.mark.parametrize("name", ["DATABASE_URL", "DATABASE_REPLICA_URL"])
@pytest.mark.parametrize(
    "address",
    [
        "nonsense",
        "mysql://ccd:hush@db/ccd",
        "postgres://ccd:hush@db:port/ccd",
        "postgres://ccd:hush@db",
        "carrier://db/ccd",
    ],
)
def test_what_is_no_database_is_one_sentence_without_its_password(run: Run, name: str, address: str) -> None:
    done = run("-c", "import ccd.settings", **{"DJANGO_SECRET_KEY": "x" * 50, **PRODUCTION, name: address})
    assert done.returncode == 1
    assert done.stderr.startswith(f"{name} is not the address of a PostgreSQL database; postgres://")
    assert "hush" not in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "address",
    ["postgres://ccd:x@db:5432/ccd", "postgresql://ccd@/ccd?host=/var/run", "postgres://ccd@%2Fvar%2Frun/ccd"],
)
def test_the_address_of_a_database_is_read(run: Run, address: str) -> None:
    show = "import ccd.settings as s; d = s.DATABASES['default']; print(d['NAME'], d['HOST'])"
    done = run("-c", show, **{"DJANGO_SECRET_KEY": "x" * 50, **PRODUCTION, "DATABASE_URL": address})
    assert done.stdout.split() in (["ccd", "db"], ["ccd", "/var/run"])


def test_a_folder_that_cannot_be_made_is_one_sentence(run: Run) -> None:
    done = run("-c", "import ccd.settings", CCD_DATA_DIR="/proc/ccd/data", DJANGO_SECRET_KEY="x" * 50, **PRODUCTION)
    assert done.returncode == 1
    assert done.stderr.startswith("CCD_DATA_DIR='/proc/ccd/data' cannot be made a folder (")
    assert "Traceback" not in done.stderr
