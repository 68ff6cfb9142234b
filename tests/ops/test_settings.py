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
