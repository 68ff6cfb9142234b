"""manage.py report: exit codes, outputs, one line for every refusal (CONTRACT §4)."""

import csv
import json
import os
import re
import stat
from collections.abc import Callable
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone
from pytest_django import Settings

from core import audit
from core.models import Client, Program
from reporting.demographics import DEMOGRAPHICS
from reporting.forms import PERIODS
from reporting.management.commands.report import Command
from tests.reporting.test_registry import visits  # noqa: F401 - a fixture

SUMMARY = ["org_summary", "--from", "2025-01-01", "--to", "2025-01-31"]
VACANCY = ["vacancy", "--as-of", "2025-01-31"]

pytestmark = pytest.mark.django_db


def run(*arguments: str) -> str:
    out = StringIO()
    call_command("report", *arguments, stdout=out)
    return out.getvalue()


def refusal(*arguments: str) -> tuple[int, str]:
    with pytest.raises(CommandError) as caught:
        run(*arguments)
    assert "\n" not in str(caught.value)
    return caught.value.returncode, str(caught.value)


def test_it_prints_a_table(amina: Client):
    assert run(*SUMMARY).splitlines()[2].split() == ["total", "clients", "served", "1", "100.0"]
    assert "Hostel A" in run(*VACANCY)


def test_it_prints_csv(amina: Client):
    rows = list(csv.reader(StringIO(run(*SUMMARY, "--csv", "-"))))
    assert rows[0] == ["section", "group", "value", "clients", "percent"]
    assert rows[1] == ["total", "", "clients served", "1", "100.0"]
    assert run(*VACANCY, "--csv", "-").splitlines()[1] == "Shelter,Hostel A,,10,1,9,2025-01-31"


def test_it_prints_json(amina: Client):
    answer = json.loads(run(*SUMMARY, "--json"))
    assert answer["rows"][0] == ["total", "", "clients served", 1, 100.0]
    assert {name: value for name, value in answer["parameters"].items() if name not in DEMOGRAPHICS} == {
        "date_from": "2025-01-01",
        "date_to": "2025-01-31",
        "department": None,
        "program": None,
    }


def test_it_writes_csv_and_says_so(amina: Client, tmp_path: Path):
    path = tmp_path / "summary.csv"
    assert run(*SUMMARY, "--csv", str(path)) == f"{len(path.read_text().splitlines()) - 1} rows written to {path}\n"
    assert path.read_text() == run(*SUMMARY, "--csv", "-")
    assert os.listdir(tmp_path) == ["summary.csv"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o666 & ~_umask()


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--csv", ""], "--csv is empty: name a file, or - for standard output."),
        (["--out", ""], "--out is empty: name a folder."),
        (["--email", ""], "--email is empty: name at least one address."),
        (["--email", " , "], "--email is empty: name at least one address."),
        (["--email", "", "--csv", "-"], "--email is empty: name at least one address."),
        (
            ["--email", "a@example.org", "--inside", "--share"],
            "--inside hides nothing and --share hides small numbers: choose one.",
        ),
        (["--inside"], "--inside is about what is sent: name the addresses with --email."),
        (["--period", "last-month"], "--period stands in place of --from and --to: choose one."),
    ],
)
def test_options_that_are_empty_or_at_odds_are_wrong_usage(
    amina: Client, outbox: list, arguments: list[str], sentence: str
):
    assert refusal(*SUMMARY, *arguments) == (2, sentence)
    assert outbox == []


def test_a_named_day_does_not_go_with_a_day(amina: Client):
    assert refusal(*VACANCY, "--period", "today") == (2, "--period stands in place of --as-of: choose one.")


def test_csv_to_a_file_and_json_to_the_screen(amina: Client, tmp_path: Path):
    answer = json.loads(run(*SUMMARY, "--csv", str(tmp_path / "x.csv"), "--json"))
    assert answer["report"] == "org_summary"
    assert (tmp_path / "x.csv").exists()


def test_it_writes_through_a_link_and_into_a_device(amina: Client, tmp_path: Path):
    (tmp_path / "real.csv").write_text("old")
    (tmp_path / "link.csv").symlink_to(tmp_path / "real.csv")
    run(*SUMMARY, "--csv", str(tmp_path / "link.csv"))
    assert (tmp_path / "link.csv").is_symlink()
    assert (tmp_path / "real.csv").read_text().startswith("section,")
    run(*SUMMARY, "--csv", os.devnull)
    assert not Path(os.devnull).is_file()


@pytest.mark.parametrize("name", ["missing/x.csv", ".", "file/x.csv"])
def test_a_bad_path_is_refused_and_leaves_nothing(amina: Client, tmp_path: Path, name: str):
    (tmp_path / "file").write_text("kept")
    code, sentence = refusal(*SUMMARY, "--csv", str(tmp_path / name))
    assert code == 1
    assert "Cannot write" in sentence
    assert os.listdir(tmp_path) == ["file"]


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["nothing"],
        ["vacancy"],
        ["org_summary", "--from", "2025-01-01"],
        ["org_summary", "--from", "2025-01-01", "--to", "31/01/2025"],
        ["org_summary", "--from", "2025-02-30", "--to", "2025-03-01"],
        ["org_summary", "--from", "2025-02-01", "--to", "2025-01-01"],
        ["org_summary", "--from", "", "--to", "2025-01-01"],
        ["vacancy", "--as-of", "yesterday"],
        ["vacancy", "--as-of", "2025-01-01", "--wrong"],
        [*VACANCY, "--csv", "-", "--json"],
    ],
)
def test_wrong_usage_is_exit_2(arguments: list[str]):
    assert refusal_code(arguments) == 2


def refusal_code(arguments: list[str]) -> int:
    """As from the command line, where the parser itself exits."""
    with pytest.raises((SystemExit, CommandError)) as caught:
        _from_command_line(arguments)
    return getattr(caught.value, "code", None) or caught.value.returncode


def _from_command_line(arguments: list[str]) -> None:
    command = Command(stdout=StringIO(), stderr=StringIO())
    command._called_from_command_line = True
    parser = command.create_parser("manage.py", "report")
    command.execute(**vars(parser.parse_args(arguments)))


def test_wrong_usage_is_one_line_on_stderr(capsys: pytest.CaptureFixture):
    refusal_code(["org_summary", "--from", "2025-01-01"])
    assert capsys.readouterr().err.count("\n") == 1


def test_a_bad_day_is_named():
    assert refusal("vacancy", "--as-of", "31.1.2025") == (2, "--as-of: 31.1.2025 is not a day written YYYY-MM-DD.")


def test_an_unknown_name_is_refused_with_the_nearest(shelter: Program):
    assert refusal(*SUMMARY, "--department", "Sheltr") == (
        1,
        "--department: There is no department 'Sheltr'. Nearest: Shelter.",
    )
    code, sentence = refusal(*SUMMARY, "--program", "hostel b")
    assert (code, "Nearest: Hostel A" in sentence) == (1, True)


def test_names_ignore_case_and_outer_spaces(amina: Client):
    assert "Hostel A" in run(*SUMMARY, "--department", " SHELTER ", "--program", "hostel a")


def test_a_name_in_several_departments_needs_the_department(
    twins: tuple[Program, Program], enroll: Callable[..., Client]
):
    enroll(twins[1], "2025-01-01")
    assert refusal(*SUMMARY, "--program", "Case Management") == (
        1,
        "--program: There is a program Case Management in Housing and in Shelter: name the department, too.",
    )
    arguments = [*SUMMARY, "--program", "Case Management", "--csv", "-", "--department"]
    assert "clients served,1" in run(*arguments, "Housing")
    assert "clients served,0" in run(*arguments, "Shelter")


def test_a_program_of_another_department_is_refused(shelter: Program, clinic: Program):
    assert refusal(*SUMMARY, "--department", "Health", "--program", "Hostel A") == (
        1,
        "--program: Hostel A is in Shelter, not in Health.",
    )


def test_a_report_dropped_in_has_its_command(visits: object):  # noqa: F811
    assert run("visits", "--as-of", "2025-01-01", "--csv", "-") == "name,visits\n'=1+1,-3\n"


def test_a_named_period_is_for_cron(amina: Client, tmp_path: Path):
    today = timezone.localdate()
    first, last = PERIODS["Last month"](today)
    said = run("org_summary", "--period", "last-month", "--out", str(tmp_path))
    name = f"org_summary_{first}_{last}.csv"
    assert os.listdir(tmp_path) == [name]
    assert said.endswith(f"rows written to {tmp_path / name}\n")
    assert "clients served,1,100.0" in (tmp_path / name).read_text()


def test_what_may_leave_does_not_take_the_place_of_what_may_not(amina: Client, tmp_path: Path):
    run(*SUMMARY, "--out", str(tmp_path))
    shared = tmp_path / "shared_org_summary_2025-01-01_2025-01-31.csv"
    assert run(*SUMMARY, "--out", str(tmp_path), "--share").endswith(f"rows written to {shared}\n")
    assert "clients served,*,*" in shared.read_text()
    assert "clients served,1,100.0" in (tmp_path / "org_summary_2025-01-01_2025-01-31.csv").read_text()


def test_a_folder_that_is_not_there_is_refused(amina: Client, tmp_path: Path):
    assert "Cannot write" in refusal(*SUMMARY, "--out", str(tmp_path / "none"))[1]


@pytest.fixture
def outbox(mailoutbox: list, settings: Settings) -> list:
    settings.CCD_SENDS_MAIL = True
    return mailoutbox


def test_a_formula_stays_asleep_in_scheduled_files(shelter: Program, outbox: list):
    with audit.acting(None, channel="command"):
        Program.objects.update(name="=cmd()")
    run(*VACANCY, "--email", "director@example.org", "--inside")
    assert ",'=cmd()," in outbox[0].attachments[0][1]


def test_what_is_sent_hides_small_numbers_unless_it_stays_inside(amina: Client, outbox: list):
    said = run(*SUMMARY, "--email", "funder@example.org, director@example.org")
    assert said == "Sent to funder@example.org, director@example.org, small numbers hidden\n"
    run(*SUMMARY, "--email", "director@example.org", "--inside")
    away, inside = outbox
    assert away.to == ["funder@example.org", "director@example.org"]
    name, content, kind = away.attachments[0]
    assert (name, kind) == ("org_summary_2025-01-01_2025-01-31.csv", "text/csv")
    assert "clients served,*,*" in content
    assert "clients served,1,100.0" in inside.attachments[0][1]


def test_share_rounds_where_the_agency_wants_that(shelter: Program, enroll: Callable[..., Client], settings: Settings):
    for _ in range(23):
        enroll(shelter, "2025-01-05")
    for off in (0, 1):
        settings.CCD_ROUND_LEAVING = off
        assert "clients served,23," in run(*SUMMARY, "--share", "--csv", "-")
        assert "Hostel A" in run(*VACANCY, "--share", "--csv", "-")
    settings.CCD_ROUND_LEAVING = 5
    assert "clients served,23," in run(*SUMMARY, "--csv", "-")
    assert re.search(r"clients served,2[05],", run(*SUMMARY, "--share", "--csv", "-"))


def test_share_hides_small_numbers_in_every_output(amina: Client):
    assert "clients served,*,*" in run(*SUMMARY, "--share", "--csv", "-")
    assert json.loads(run(*SUMMARY, "--share", "--json"))["rows"][0][3] == "*"
    assert "clients served,1,100.0" in run(*SUMMARY, "--csv", "-")


@pytest.mark.parametrize("address", ["nobody", "a@example.org,b"])
def test_a_bad_address_is_named_and_nothing_is_sent(amina: Client, outbox: list, address: str):
    assert refusal(*SUMMARY, "--email", address) == (1, f"{address.split(',')[-1]!r} is not an e-mail address.")
    assert outbox == []


def test_without_a_mail_server_it_says_so(amina: Client, settings: Settings):
    settings.CCD_SENDS_MAIL = False
    assert "set EMAIL_URL" in refusal(*SUMMARY, "--email", "a@example.org")[1]
