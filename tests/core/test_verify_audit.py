"""verify_audit: exit 0 is a proof, and what happened behind the log's back is named."""

from collections.abc import Callable, Iterator
from datetime import date
from io import StringIO
from uuid import uuid4

import pytest
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from core import approvals, audit, records
from core.models import Client, Enrollment, PendingChange, Program, ProgramStaff, Role, Staff, StaffRole
from tests.core.test_audit import _reinstall_truncate_triggers

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _as_installed(db: None) -> None:
    """The test database goes without its TRUNCATE triggers; here it has them, as every other database."""
    with connection.cursor() as cursor:
        cursor.execute("RESET ROLE")
        _reinstall_truncate_triggers()
        cursor.execute("SET ROLE ccd_app")


@pytest.fixture
def behind(db: None) -> Callable[[str, str], None]:
    """behind(table, sql): the owner changes a table with its triggers off."""

    def change(table: str, sql: str) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            cursor.execute("RESET ROLE")
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
            cursor.execute(sql)
            for (name,) in _always_less(cursor, table):
                cursor.execute(f'ALTER TABLE {table} ENABLE ALWAYS TRIGGER "{name}"')
            cursor.execute("SET ROLE ccd_app")

    return change


def _always_less(cursor: object, table: str) -> Iterator[tuple[str]]:
    cursor.execute("SELECT tgname FROM pg_trigger WHERE tgrelid = %s::regclass AND NOT tgisinternal", [table])
    return iter(cursor.fetchall())


def proof() -> tuple[int, str]:
    """Exit code and everything that was printed."""
    out, error = StringIO(), StringIO()
    try:
        call_command("verify_audit", stdout=out, stderr=error)
    except SystemExit as end:
        return int(end.code or 0), out.getvalue() + error.getvalue()
    return 0, out.getvalue() + error.getvalue()


def test_an_ordinary_day_is_proved(
    amina: Client, clinic: Program, worker: Staff, manager: Staff, coordinator: Staff, administrator: Staff
) -> None:
    change = approvals.propose(amina, actor=manager, values={"gender": "Man", "alias": "Mo"}, reason="")
    approvals.approve(change, actor=coordinator, fields={"alias"})
    records.change(
        amina,
        actor=coordinator,
        values={"address": {"street": "1 Elm St", "unit": None}, "languages_spoken": ["Dari"]},
    )
    records.change(amina, actor=coordinator, values={"address": {"city": "Toronto"}, "languages_spoken": []})
    records.set_roles(worker, actor=administrator, roles=[Role.objects.get(name="Manager")])
    with audit.acting(administrator, channel="admin"):
        ProgramStaff.objects.update(is_manager=True)
        ProgramStaff.objects.create(program=clinic, staff=worker)
        gone = Enrollment.objects.create(client=amina, program=clinic, start_date=date(2024, 1, 1))
        Enrollment.objects.filter(pk=gone.pk).delete()
        Enrollment.objects.create(pk=gone.pk, client=amina, program=clinic, start_date=date(2024, 2, 1))
    code, text = proof()
    assert code == 0, text
    lines = text.splitlines()
    assert lines[-1] == "Proved: the log explains every row."
    assert {"clients", "staff_roles", "pending_changes", "staff_groups", "audit_log", "triggers"} <= {
        line.split()[0] for line in lines
    }


def test_writers_in_other_time_zones_are_proved(amina: Client, manager: Staff) -> None:
    with audit.acting(manager, channel="approval"), connection.cursor() as cursor:
        cursor.execute("SET LOCAL TIME ZONE 'Asia/Tokyo'")
        change = PendingChange.objects.create(
            entity="clients", entity_id=amina.pk, diff_json={}, requested_by=manager, requested_at=timezone.now()
        )
        cursor.execute("SET LOCAL TIME ZONE 'UTC'")
        PendingChange.objects.filter(pk=change.pk).update(status="declined", withdrawn=True, reviewed_at=timezone.now())
        cursor.execute("SET LOCAL TIME ZONE 'America/Toronto'")
    assert proof()[0] == 0


def test_a_row_changed_with_triggers_off_is_named_with_its_field(amina: Client, behind: Callable) -> None:
    behind("clients", "UPDATE clients SET gender = 'Man'")
    code, text = proof()
    assert code == 1
    assert f'clients {amina.pk} gender: the log says "Woman", the row says "Man"' in text
    assert "Not proved: 1 thing" in text


def test_it_is_named_even_where_a_later_change_was_logged(amina: Client, behind: Callable, coordinator: Staff) -> None:
    behind("clients", "UPDATE clients SET gender = 'Man'")
    records.change(amina, actor=coordinator, values={"gender": "Non-binary"})
    code, text = proof()
    assert code == 1
    assert f"clients {amina.pk} gender" in text


def test_rows_made_and_deleted_with_triggers_off_are_named(amina: Client, behind: Callable) -> None:
    key, enrollment = uuid4(), amina.enrollments.get()
    behind("clients", f"INSERT INTO clients (client_id, first_name) VALUES ('{key}', 'Ghost')")
    behind("client_program_enrollments", "DELETE FROM client_program_enrollments")
    code, text = proof()
    assert code == 1
    assert f'clients {key} first_name: the log says nothing, the row says "Ghost"' in text
    assert (
        f'client_program_enrollments {enrollment.pk} start_date: the log says "2024-01-01", the row says nothing'
        in text
    )


def test_tables_without_a_single_key_are_proved_too(
    amina: Client, behind: Callable, worker: Staff, administrator: Staff
) -> None:
    behind("program_staff", "UPDATE program_staff SET is_manager = true")
    behind("staff_roles", f"DELETE FROM staff_roles WHERE staff_id = '{administrator.pk}'")
    code, text = proof()
    assert code == 1
    place = ProgramStaff.objects.get()
    assert f"program_staff {place.program_id} is_manager: the log says false, the row says true" in text
    assert f"staff_roles {administrator.pk} role_id" in text
    assert StaffRole.objects.exists()


@pytest.mark.parametrize(
    ("statement", "fault"),
    [
        (
            "ALTER TABLE clients DISABLE TRIGGER {audit}",
            "{audit} (ccd_audit) is not enabled ALWAYS",
        ),
        (
            "ALTER TABLE clients ENABLE TRIGGER {audit}",
            "{audit} (ccd_audit) is not enabled ALWAYS",
        ),
        ("DROP TRIGGER {audit} ON clients", "clients: the trigger {audit} (ccd_audit) is missing"),
        (
            "CREATE OR REPLACE TRIGGER {audit} AFTER INSERT ON clients FOR EACH ROW "
            "EXECUTE FUNCTION ccd_audit('client_id', '', ''); ALTER TABLE clients ENABLE ALWAYS TRIGGER {audit}",
            "clients: the trigger {audit} (ccd_audit) is not as it was declared",
        ),
        (
            "CREATE OR REPLACE TRIGGER {audit} AFTER DELETE ON clients FOR EACH ROW WHEN (false) EXECUTE FUNCTION "
            "ccd_audit('client_id', 'client_id', 'x'); ALTER TABLE clients ENABLE ALWAYS TRIGGER {audit}",
            "clients: the trigger {audit} (ccd_audit) is not as it was declared",
        ),
        (
            "DROP TRIGGER {one_pointer} ON clients; CREATE CONSTRAINT TRIGGER {one_pointer} AFTER INSERT OR UPDATE "
            "ON clients FOR EACH ROW WHEN (NEW.linked_to IS NULL) EXECUTE FUNCTION ccd_keep_pointer(); "
            "ALTER TABLE clients ENABLE ALWAYS TRIGGER {one_pointer}",
            "clients: the trigger {one_pointer} (ccd_keep_pointer) is not as it was declared",
        ),
        ("ALTER TABLE staff_groups DISABLE TRIGGER ccd_audit", "staff_groups: the trigger ccd_audit"),
        ("ALTER TABLE audit_log DISABLE TRIGGER {append_only}", "audit_log: the trigger {append_only}"),
        ("ALTER TABLE audit_log DISABLE TRIGGER {no_truncate}", "audit_log: the trigger {no_truncate}"),
        ("ALTER TABLE audit_log DISABLE TRIGGER {by_trigger}", "audit_log: the trigger {by_trigger}"),
    ],
)
def test_a_trigger_that_is_off_or_other_than_declared_is_named(db: None, statement: str, fault: str) -> None:
    table = "audit_log" if "audit_log" in statement else "clients"
    with connection.cursor() as cursor:
        cursor.execute("RESET ROLE")
        cursor.execute("SELECT tgname FROM pg_trigger WHERE tgrelid = %s::regclass AND NOT tgisinternal", [table])
        names = {name.removeprefix("pgtrigger_").rsplit("_", 1)[0]: name for (name,) in cursor.fetchall()}
        cursor.execute(statement.format(**names))
        cursor.execute("SET ROLE ccd_app")
    code, text = proof()
    assert code == 1
    assert fault.format(**names) in text


def test_it_shows_the_first_findings_and_counts_the_rest(behind: Callable) -> None:
    behind("clients", "INSERT INTO clients (first_name) SELECT 'Ghost' FROM generate_series(1, 30)")
    code, text = proof()
    assert code == 1
    assert " more" in text
    assert text.count("Ghost") <= 20


def test_verifying_writes_nothing(amina: Client) -> None:
    before = list(Client.objects.values())
    proof()
    assert list(Client.objects.values()) == before
