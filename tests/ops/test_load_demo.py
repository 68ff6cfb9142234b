"""load_demo: the whole demo agency, once, and never among real clients."""

import csv
from datetime import date
from pathlib import Path

import pytest
from django.contrib.auth import authenticate
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection
from pytest_django import Settings

from core import audit, demo
from core.models import AuditEntry, Client, PendingChange, Staff

pytestmark = pytest.mark.django_db


@pytest.fixture
def debug(settings: Settings) -> Settings:
    """As on the embedded database."""
    settings.DEBUG = True
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    return settings


@pytest.fixture
def agency(debug: Settings) -> dict[str, int]:
    """The demo agency, loaded."""
    return demo.load()


def rows_in_file(settings: Settings, table: str) -> int:
    path = Path(settings.BASE_DIR) / "fixtures" / "demo" / f"{table}.csv"
    with path.open(newline="") as file:
        return len(list(csv.reader(file))) - 1


def test_every_row_of_every_file_is_there_and_logged(agency: dict[str, int], debug: Settings) -> None:
    for table, rows in agency.items():
        if table == "pending_changes":
            continue
        assert rows == rows_in_file(debug, table), table
        logged = AuditEntry.objects.filter(entity=table, action="create").count()
        assert logged == rows, table
    assert set(AuditEntry.objects.exclude(entity="pending_changes").values_list("channel", flat=True)) == {"command"}


def test_each_role_has_one_login_that_works(agency: dict[str, int]) -> None:
    for role, email in demo.LOGINS.items():
        staff = authenticate(username=email, password=demo.PASSWORD)
        assert staff.role_names == {role}
    others = Staff.objects.exclude(email__in=demo.LOGINS.values())
    assert not any(staff.has_usable_password() for staff in others)


def test_proposals_wait_and_have_changed_nothing(agency: dict[str, int]) -> None:
    waiting = PendingChange.objects.filter(status="pending")
    assert waiting.count() == agency["pending_changes"] == 5
    assert not Client.objects.filter(preferred_name="Sunny").exists()


def test_a_second_time_says_so_and_writes_nothing(debug: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("load_demo")
    entries = AuditEntry.objects.count()
    capsys.readouterr()
    call_command("load_demo")
    assert capsys.readouterr().out.startswith("The demo agency is loaded already.")
    assert AuditEntry.objects.count() == entries


def test_logins_are_columns_two_spaces_apart(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("load_demo", "--logins")
    lines = capsys.readouterr().out.splitlines()
    assert [[cell for cell in line.split("  ") if cell.strip()] for line in lines][0][0] == "Administrator"
    assert {tuple(part.strip() for part in line.split("  ") if part.strip()) for line in lines} == {
        (role, email, demo.PASSWORD) for role, email in demo.LOGINS.items()
    }


def test_it_stays_away_from_clients_that_are_not_its_own(debug: Settings) -> None:
    with audit.acting(None, channel="command"):
        Client.objects.create(first_name="Real", last_name="Person", dob=date(1990, 1, 1))
    with pytest.raises(CommandError, match="holds clients that are not the demo's"):
        call_command("load_demo")
    assert Client.objects.count() == 1
    assert Staff.objects.count() == 0


def test_it_is_refused_in_production() -> None:
    with pytest.raises(CommandError, match="with DEBUG=0 it is not loaded"):
        call_command("load_demo")


def test_a_file_that_does_not_fit_leaves_nothing(debug: Settings, tmp_path: Path) -> None:
    folder = tmp_path / "fixtures" / "demo"
    folder.mkdir(parents=True)
    for path in (Path(debug.BASE_DIR) / "fixtures" / "demo").iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    (folder / "discharges.csv").write_text("discharge_id,client_id\nnot-a-key,x\n")
    debug.BASE_DIR = tmp_path
    with pytest.raises(CommandError, match="discharges.csv does not fit: invalid input syntax for type uuid"):
        call_command("load_demo")
    assert Client.objects.count() == 0
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM audit_log WHERE entity = 'clients'")
        assert cursor.fetchone() == (0,)
