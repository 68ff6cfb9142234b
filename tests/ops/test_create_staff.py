"""create_staff: the first account, and refusals in one line."""

import io
import sys
from typing import Any

import pytest
from django.contrib.auth import authenticate
from django.core.management import call_command, execute_from_command_line
from django.core.management.base import CommandError

from core.choices import ADMINISTRATOR, COORDINATOR, ROLES
from core.models import AuditEntry, Staff
from tests.ops.conftest import Run

pytestmark = pytest.mark.django_db


def create(*arguments: str, password: str | None = None, monkeypatch: pytest.MonkeyPatch, **options: Any) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{password}\n"))
    call_command("create_staff", *arguments, password_stdin=password is not None, **options)


def test_the_account_can_log_in_and_has_its_roles(monkeypatch: pytest.MonkeyPatch) -> None:
    create(
        "amina.yusuf@example.org",
        "--role=Administrator",
        "--role=coordinator",
        password="seven wet boots",
        monkeypatch=monkeypatch,
    )
    staff = authenticate(username="Amina.Yusuf@example.org", password="seven wet boots")
    assert staff.role_names == {ADMINISTRATOR, COORDINATOR}
    assert staff.get_full_name() == "Amina Yusuf"
    assert staff.is_staff
    assert not staff.is_superuser


def test_the_log_says_the_command_made_it_and_holds_no_password(monkeypatch: pytest.MonkeyPatch) -> None:
    create("a@example.org", "--role=Analyst", password="seven wet boots", monkeypatch=monkeypatch)
    entries = AuditEntry.objects.filter(entity__in=("staff", "staff_roles"))
    assert [(e.entity, e.action, e.channel, e.changed_by) for e in entries.order_by("entity")] == [
        ("staff", "create", "command", None),
        ("staff_roles", "create", "command", None),
    ]
    assert "password" not in str([entry.diff_json for entry in entries])


def test_without_a_terminal_a_random_password_is_printed_once(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    create("a@example.org", "--role=Leader", first_name="Ada", last_name="Li", monkeypatch=monkeypatch)
    password = capsys.readouterr().out.rpartition("shown this once: ")[2].strip()
    assert authenticate(username="a@example.org", password=password).get_full_name() == "Ada Li"


@pytest.mark.parametrize(
    ("email", "password", "sentence"),
    [
        ("A@Example.org", "seven wet boots", "There is an account A@Example.org already"),
        ("new@example.org", "short", "The password does not do: This password is too short"),
        ("new@example.org", "", "The password does not do"),
        ("not-an-address", "seven wet boots", "is not an e-mail address"),
    ],
)
def test_a_refusal_is_one_line_and_makes_nothing(
    email: str, password: str, sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    create("a@example.org", "--role=Staff", password="seven wet boots", monkeypatch=monkeypatch)
    with pytest.raises(CommandError, match=sentence) as refusal:
        create(email, "--role=Staff", password=password, monkeypatch=monkeypatch)
    assert refusal.value.returncode == 1
    assert "\n" not in str(refusal.value)
    assert Staff.objects.count() == 1


def test_an_unknown_role_names_the_six(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(CommandError) as refusal:
        create("a@example.org", "--role=Boss", monkeypatch=monkeypatch)
    assert str(refusal.value) == f"There is no role 'Boss'. The six are: {', '.join(ROLES)}."
    assert refusal.value.returncode == 2


def test_wrong_usage_exits_with_2(run: Run) -> None:
    for arguments in ([], ["a@example.org"]):
        with pytest.raises(SystemExit) as left:
            execute_from_command_line(["manage.py", "create_staff", *arguments])
        assert left.value.code == 2
    done = run("manage.py", "create_staff", "a@example.org", "--role", "Boss")
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
