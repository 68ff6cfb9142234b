"""backup and restore_drill: whole or not at all, and proved by restoring."""

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from core import backup
from core.backup import dump, shelf
from core.backup import server as servers
from core.backup.manifest import Manifest
from core.backup.server import Server, program
from core.errors import BackupFailed
from core.management.commands.backup import next_at
from core.models import AuditEntry, Client, Staff

pytestmark = pytest.mark.django_db(transaction=True)
Person = Callable[..., Staff]


@pytest.fixture
def made(data_dir: Path, amina: Client) -> backup.Made:
    """A backup of a database with one client."""
    return backup.make()


def scratch_databases() -> list[str]:
    with Server.configured().connect() as connection:
        found = connection.execute("SELECT datname FROM pg_database WHERE datname LIKE '%restore_drill'")
        own = f"{Server.configured().name[:40]}_restore_drill"
        return [name for (name,) in found if name == own]


def test_a_backup_holds_dump_manifest_and_roles_for_the_owner_alone(made: backup.Made, data_dir: Path) -> None:
    assert made.folder.parent == data_dir / "backups"
    assert sorted(path.name for path in made.folder.iterdir()) == ["ccd.dump", "manifest.json", "roles.sql"]
    assert {path.stat().st_mode & 0o777 for path in made.folder.iterdir()} == {0o600}
    assert made.folder.stat().st_mode & 0o777 == 0o700
    assert "CREATE ROLE ccd_app" in (made.folder / "roles.sql").read_text()


def test_the_manifest_counts_every_row(made: backup.Made) -> None:
    tables = json.loads((made.folder / "manifest.json").read_text())["tables"]
    assert tables["clients"]["rows"] == 1
    assert tables["audit_log"]["rows"] == AuditEntry.objects.count()
    assert tables["programs"]["rows"] == 1


def test_the_drill_proves_the_latest_backup_and_leaves_nothing(
    made: backup.Made, capsys: pytest.CaptureFixture[str]
) -> None:
    call_command("restore_drill")
    assert re.search(r"restores, \d+ tables and [\d,]+ rows, all equal", capsys.readouterr().out)
    assert scratch_databases() == []


def test_a_value_with_line_breaks_and_other_scripts_survives(data_dir: Path, person: Person) -> None:
    person(first_name="Zoë\n\\N\tאב", email="zoe@example.org")
    made = backup.make()
    assert made.manifest.tables["staff"]["rows"] == 1
    assert backup.drill()[1] == made.manifest


def test_what_is_written_while_the_backup_runs_is_in_neither_manifest_nor_dump(
    data_dir: Path, amina: Client, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Server.run

    def slow(server: Server, path: Path, *arguments: str) -> None:
        person("Staff", email=f"{path.name}@example.org")
        real(server, path, *arguments)

    monkeypatch.setattr(Server, "run", slow)
    made = backup.make()
    monkeypatch.undo()
    assert Staff.objects.count() == 2
    assert made.manifest.tables["staff"]["rows"] == 0
    assert backup.drill(made.folder)[1].tables["staff"]["rows"] == 0


def test_a_truncated_dump_fails_the_drill(made: backup.Made) -> None:
    file = made.folder / "ccd.dump"
    file.write_bytes(file.read_bytes()[:-2000])
    with pytest.raises(CommandError, match="ccd.dump is not the file that was written"):
        call_command("restore_drill", made.folder)


def test_a_truncated_dump_fails_also_where_its_manifest_agrees(made: backup.Made) -> None:
    """What a listing of its contents would not notice."""
    file, manifest = made.folder / "ccd.dump", made.folder / "manifest.json"
    file.write_bytes(file.read_bytes()[:-2000])
    about = json.loads(manifest.read_text())
    about["files"]["ccd.dump"] = {"size": file.stat().st_size, "sha256": shelf.sha256(file)}
    manifest.write_text(json.dumps(about))
    with pytest.raises(BackupFailed, match="pg_restore failed"):
        backup.drill(made.folder)
    assert scratch_databases() == []


def test_a_dump_without_a_row_that_was_there_fails_the_drill(made: backup.Made) -> None:
    manifest = made.folder / "manifest.json"
    about = json.loads(manifest.read_text())
    about["tables"]["clients"]["rows"] += 1
    manifest.write_text(json.dumps(about))
    with pytest.raises(BackupFailed, match="differs: clients has 1 rows in place of 2"):
        backup.drill()


@pytest.mark.parametrize(
    "statement",
    [
        "ALTER TABLE clients DISABLE TRIGGER ALL",
        "GRANT DELETE ON audit_log TO ccd_app",
        "ALTER TABLE clients DROP CONSTRAINT client_has_a_name",
        "ALTER TABLE clients DISABLE ROW LEVEL SECURITY",
        "ALTER POLICY viewer_assigned ON clients USING (true)",
        "ALTER POLICY viewer_assigned ON clients TO PUBLIC",
        "GRANT DELETE ON clients TO ccd_viewer",
        "GRANT UPDATE (role_id) ON staff_roles TO ccd_viewer",
        "CREATE OR REPLACE FUNCTION ccd_refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'",
    ],
)
def test_equal_rows_under_a_weaker_schema_are_a_difference(statement: str) -> None:
    with Server.configured().connect() as connection:
        before = Manifest.taken(connection)
        assert before.differences(Manifest.taken(connection)) == []
        connection.execute(statement)
        after = Manifest.taken(connection)
        connection.rollback()
    assert before.differences(after) == [
        "the rows are equal, but a column, constraint, index, trigger, function or right is not"
    ]


def test_a_changed_value_is_a_difference(amina: Client) -> None:
    with Server.configured().connect() as connection:
        before = Manifest.taken(connection)
        connection.execute("SELECT set_config('ccd.channel', 'command', true)")
        connection.execute("UPDATE clients SET gender = 'Man'")
        after = Manifest.taken(connection)
        connection.rollback()
    assert "clients has as many rows, but not the same" in before.differences(after)


def test_two_backups_at_once_are_refused(data_dir: Path) -> None:
    with shelf.locked(shelf.default()), pytest.raises(CommandError, match="Another backup or drill is running"):
        call_command("backup")


def test_two_in_one_second_do_not_overwrite_each_other(tmp_path: Path) -> None:
    now = datetime.now(UTC)
    for _ in range(3):
        with shelf.new_folder(tmp_path, now) as (folder, _final):
            (folder / "manifest.json").write_text("{}")
    assert len(shelf.folders(tmp_path)) == 3


def test_a_failed_dump_leaves_no_backup(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dump, "program", lambda name, major: Path("/bin/false"))
    with pytest.raises(CommandError, match="false failed: exit code 1"):
        call_command("backup")
    assert [path.name for path in (data_dir / "backups").iterdir()] == [".lock"]


def test_what_a_killed_run_left_is_cleared_by_the_next(data_dir: Path) -> None:
    dead = data_dir / "backups" / "2026-01-01T020000Z.partial"
    dead.mkdir(parents=True)
    made = backup.make()
    assert shelf.folders(data_dir / "backups") == [made.folder]
    assert not dead.exists()


def test_roles_that_may_not_be_read_are_said_to_be_missing(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = dump.program
    monkeypatch.setattr(
        dump, "program", lambda name, major: Path("/bin/false") if name == "pg_dumpall" else real(name, major)
    )
    made = backup.make()
    assert made.notes == ["without roles.sql: false failed: exit code 1"]
    assert backup.drill()[0] == made.folder


def test_ten_years_are_kept_and_not_a_day_less(tmp_path: Path) -> None:
    now = datetime(2036, 3, 1, 2, 30, tzinfo=UTC)
    for days in (1, 3652, 3653, 3654, 5000):
        folder = tmp_path / (now - timedelta(days=days)).strftime("%Y-%m-%dT%H%M%SZ")
        folder.mkdir()
        (folder / "manifest.json").touch()
    (tmp_path / "1999-my own folder").mkdir()
    removed = shelf.prune(tmp_path, now)
    assert removed == ["2022-06-23T023000Z", "2026-02-28T023000Z"]
    assert (tmp_path / "1999-my own folder").exists()
    assert [path.name for path in shelf.folders(tmp_path)] == [
        "2026-03-01T023000Z",
        "2026-03-02T023000Z",
        "2036-02-29T023000Z",
    ]


def test_the_password_is_in_no_command_line(tmp_path: Path) -> None:
    server = Server("ccd", "owner", "s3cret", "db", "5432", (("sslmode", "require"),))
    tool = tmp_path / "tool"
    tool.write_text(
        f'#!/bin/sh\necho "$@" > {tmp_path}/said\necho "$PGPASSWORD $PGSSLMODE $PGHOST" >> {tmp_path}/said\n'
    )
    tool.chmod(0o755)
    server.run(tool, "-Fc", "--file=x")
    assert (tmp_path / "said").read_text() == "-Fc --file=x\ns3cret require db\n"


def test_an_older_pg_dump_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(servers, "_folders", lambda major: [tmp_path])
    tool = tmp_path / "pg_dump"
    tool.write_text("#!/bin/sh\necho 'pg_dump (PostgreSQL) 14.2'\n")
    tool.chmod(0o755)
    with pytest.raises(BackupFailed, match="pg_dump of PostgreSQL 15 or newer is not installed"):
        program("pg_dump", 15)


def test_there_is_nothing_to_drill_without_a_backup(data_dir: Path) -> None:
    with pytest.raises(CommandError, match="There is no backup in"):
        call_command("restore_drill")


def test_a_folder_that_is_no_backup_is_refused(data_dir: Path, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="is not a backup: it has no readable manifest"):
        call_command("restore_drill", tmp_path)


def test_a_database_that_is_not_ours_is_never_dropped(made: backup.Made) -> None:
    name = f"{Server.configured().name[:40]}_restore_drill"
    with Server.configured().connect(autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
        try:
            with pytest.raises(BackupFailed, match="exists and is not a drill's"):
                backup.drill()
        finally:
            connection.execute(f'DROP DATABASE "{name}"')


def test_the_next_night_is_today_before_the_hour_and_tomorrow_after_it() -> None:
    toronto = ZoneInfo("America/Toronto")
    before = datetime(2026, 3, 7, 1, 0, tzinfo=toronto)
    assert next_at(time(2, 30), before) == datetime(2026, 3, 7, 2, 30, tzinfo=toronto)
    assert next_at(time(1, 0), before) == datetime(2026, 3, 8, 1, 0, tzinfo=toronto)
