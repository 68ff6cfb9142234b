"""No road escapes the audit log, and nothing changes it."""

from datetime import date
from uuid import UUID, uuid4

import pytest
from django.apps import apps
from django.contrib.auth.models import Permission
from django.db import IntegrityError, ProgrammingError, connection, transaction
from django.db.models import F

from core import audit
from core.errors import CCDError
from core.models import AuditedModel, AuditEntry, Client, ClientAssignment, Discharge, Enrollment, Program, Staff
from core.models.triggers import no_truncate
from tests.conftest import truncate_triggers

pytestmark = pytest.mark.django_db


def entries(since: int) -> list[tuple[str, str, UUID | None, dict]]:
    """(entity, action, actor, diff) of what was logged after position `since`, oldest first."""
    found = AuditEntry.objects.filter(position__gt=since).order_by("position")
    return [(e.entity, e.action, e.changed_by_id, e.diff_json) for e in found]


@pytest.fixture
def mark(amina: Client) -> int:
    return AuditEntry.objects.latest("position").position


def test_queryset_update_leaves_one_entry_per_row_with_before_and_after(
    amina: Client, mark: int, coordinator: Staff
) -> None:
    mark = AuditEntry.objects.latest("position").position
    with audit.acting(coordinator, channel="admin"):
        Client.objects.update(gender="Trans woman", phone_number="416-555-0101")
    assert entries(mark) == [
        (
            "clients",
            "update",
            coordinator.pk,
            {
                "before": {"gender": "Woman", "phone_number": None},
                "after": {"gender": "Trans woman", "phone_number": "416-555-0101"},
            },
        )
    ]


def test_bulk_create_leaves_one_entry_per_row(amina: Client, mark: int) -> None:
    with audit.acting(None, channel="command"):
        Client.objects.bulk_create([Client(first_name="A", last_name="One"), Client(first_name="B", last_name="Two")])
    logged = entries(mark)
    assert [(entity, action, actor) for entity, action, actor, _ in logged] == [("clients", "create", None)] * 2
    assert logged[0][3]["before"] is None
    assert logged[0][3]["after"]["last_name"] == "One"


def test_raw_sql_and_a_cascade_leave_their_entries(amina: Client, coordinator: Staff, shelter: Program) -> None:
    with audit.acting(coordinator, channel="admin"):
        other = Client.objects.create(first_name="Bo", last_name="Li")
        from_guardian = ClientAssignment.objects.create(
            user=coordinator,
            content_object=other,
            permission=Permission.objects.get(codename="view_client"),
        )
    mark = AuditEntry.objects.latest("position").position
    with audit.acting(coordinator, channel="admin"):
        with connection.cursor() as cursor:
            cursor.execute("UPDATE clients SET alias = 'B' WHERE client_id = %s", [other.pk])
        key = other.pk
        other.delete()  # the grant goes with the client
    assert [(entity, action) for entity, action, _, _ in entries(mark)] == [
        ("clients", "update"),
        ("client_assignments", "delete"),
        ("clients", "delete"),
    ]
    assert entries(mark)[-1][3]["after"] is None
    assert entries(mark)[-1][3]["before"]["client_id"] == str(key)
    assert from_guardian.content_object_id == key


def test_copy_leaves_its_entries(amina: Client, mark: int) -> None:
    sql = "COPY clients (first_name, last_name) FROM STDIN"
    with audit.acting(None, channel="command"), connection.cursor() as cursor, cursor.copy(sql) as copy:
        copy.write_row(("Ines", "Vidal"))
    assert [(entity, action) for entity, action, _, _ in entries(mark)] == [("clients", "create")]


@pytest.mark.parametrize("write", ["update", "create", "delete", "sql"])
def test_a_write_outside_acting_raises(amina: Client, write: str) -> None:
    writes = {
        "update": lambda: Client.objects.update(gender="Man"),
        "create": lambda: Client.objects.create(first_name="X"),
        "delete": lambda: Enrollment.objects.all().delete(),
        "sql": lambda: connection.cursor().execute("UPDATE programs SET location = 'elsewhere'"),
    }
    with pytest.raises(ProgrammingError, match="outside audit.acting"), transaction.atomic():
        writes[write]()


def test_acting_ends_with_its_block_inside_a_longer_transaction(amina: Client) -> None:
    with audit.acting(None, channel="command"):
        Client.objects.update(gender="Man")
    with pytest.raises(ProgrammingError, match="outside audit.acting"), transaction.atomic():
        Client.objects.update(gender="Woman")


def test_an_act_inside_an_act_keeps_the_outer_road(amina: Client, coordinator: Staff) -> None:
    reference = uuid4()
    outer = audit.acting(coordinator, channel="approval", reference=reference, reason="seen the papers")
    with outer, audit.acting(coordinator, channel="admin"):
        Client.objects.update(gender="Man")
    entry = AuditEntry.objects.latest("position")
    assert (entry.channel, entry.reference_id, entry.reason) == ("approval", reference, "seen the papers")


def test_an_act_inside_another_persons_act_is_refused(coordinator: Staff, manager: Staff) -> None:
    inner = audit.acting(manager, channel="admin")
    with audit.acting(coordinator, channel="admin"), pytest.raises(CCDError, match="one actor"):
        inner.__enter__()


def test_a_change_of_nothing_writes_no_entry_and_keeps_updated_at(amina: Client, mark: int) -> None:
    amina.refresh_from_db()
    before = amina.updated_at
    with audit.acting(None, channel="command"):
        Client.objects.update(gender="Woman")
        Client.objects.update(updated_at=F("created_at"))
    amina.refresh_from_db()
    assert entries(mark) == []
    assert amina.updated_at == before


def test_passwords_never_enter_the_log(coordinator: Staff) -> None:
    coordinator.set_password("another horse")
    with audit.acting(coordinator, channel="admin"):
        coordinator.save()
    assert not AuditEntry.objects.filter(diff_json__icontains="password").exists()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_log SET entity = 'x'",
        "DELETE FROM audit_log",
        "TRUNCATE audit_log",
        "INSERT INTO audit_log (entity, action, diff_json, channel) VALUES ('clients', 'create', '{}', 'admin')",
    ],
)
@pytest.mark.parametrize("role", ["ccd_app", "owner", "owner as replica"])
def test_the_log_is_append_only_for_everyone(amina: Client, statement: str, role: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("RESET ROLE")
        _reinstall_truncate_triggers()
        if role == "owner as replica":
            cursor.execute("SET LOCAL session_replication_role = replica")
        if role == "ccd_app":
            cursor.execute("SET ROLE ccd_app")
        with pytest.raises((IntegrityError, ProgrammingError)), transaction.atomic():
            cursor.execute(statement)
        cursor.execute("SET LOCAL session_replication_role = origin") if role == "owner as replica" else None
        cursor.execute("SET ROLE ccd_app")


def _reinstall_truncate_triggers() -> None:
    """The triggers the test database goes without, as the migrations make them."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for model in apps.get_models():
            for trigger in getattr(model._meta, "triggers", []):
                if trigger.name == "no_truncate":
                    cursor.execute(str(trigger.compile(model).install_sql))


def test_every_table_of_the_contract_refuses_truncate(amina: Client) -> None:
    tables = [
        "departments",
        "programs",
        "program_staff",
        "staff",
        "roles",
        "staff_roles",
        "clients",
        "client_identifiers",
        "client_program_enrollments",
        "intakes",
        "discharges",
        "service_restrictions",
        "audit_log",
        "pending_changes",
    ]
    with connection.cursor() as cursor:
        cursor.execute("RESET ROLE")
        _reinstall_truncate_triggers()
        for table in tables:
            with pytest.raises(IntegrityError, match="truncated"), transaction.atomic():
                cursor.execute(f"TRUNCATE {table} CASCADE")
        cursor.execute("SET ROLE ccd_app")
    assert set(tables) <= {table for table, _ in truncate_triggers()}


def test_the_working_role_owns_nothing_and_cannot_drop_a_trigger(db: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user")
        assert cursor.fetchone() == ("ccd_app",)
        cursor.execute("SELECT count(*) FROM pg_class WHERE relowner = 'ccd_app'::regrole")
        assert cursor.fetchone() == (0,)
        with pytest.raises(ProgrammingError, match="must be owner"), transaction.atomic():
            cursor.execute("ALTER TABLE clients DISABLE TRIGGER ALL")
        cursor.execute("SELECT has_table_privilege('ccd_app', 'audit_log', 'INSERT, UPDATE, DELETE')")
        assert cursor.fetchone() == (False,)


def test_every_business_table_carries_its_audit_triggers(db: None) -> None:
    expected = {m._meta.db_table for m in apps.get_models() if issubclass(m, AuditedModel)} | {"client_assignments"}
    assert _carrying("ccd_audit_new") == expected
    assert _carrying("ccd_audit") == expected | {"staff_groups", "staff_user_permissions"}


def _carrying(function: str) -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tgrelid::regclass::text FROM pg_trigger JOIN pg_proc ON pg_proc.oid = tgfoid "
            "WHERE proname = %s AND tgenabled = 'A'",
            [function],
        )
        return {table for (table,) in cursor.fetchall()}


def test_many_rows_of_one_statement_have_an_entry_each_in_their_order_and_none_need_no_act(shelter: Program) -> None:
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO clients (first_name, last_name) SELECT 'A', 'B' WHERE false")
        with pytest.raises(ProgrammingError, match="a write to clients outside"), transaction.atomic():
            cursor.execute("INSERT INTO clients (first_name, last_name) VALUES ('A', 'B'), ('C', 'D')")
        with audit.acting(None, channel="command", reason="Test"):
            cursor.execute(
                "INSERT INTO clients (first_name, last_name) SELECT 'N' || n, 'B' FROM generate_series(1, 20) n "
                "RETURNING client_id"
            )
            keys = [key for (key,) in cursor.fetchall()]
    entries = AuditEntry.objects.filter(entity="clients", action="create").order_by("position")
    assert [(e.entity_id, e.client_id) for e in entries] == [(key, key) for key in keys]
    assert {e.reason for e in entries} == {"Test"}
    assert [e.diff_json["after"]["first_name"] for e in entries] == [f"N{n}" for n in range(1, 21)]


def test_many_changed_rows_of_one_statement_have_an_entry_each_with_only_what_differs(shelter: Program) -> None:
    with audit.acting(None, channel="command", reason="Test"), connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO clients (first_name, last_name, gender) SELECT 'N' || n, 'B', CASE WHEN n % 2 = 0 THEN 'Man' "
            "END FROM generate_series(1, 300) n"
        )
        mark = AuditEntry.objects.latest("position").position
        cursor.execute("UPDATE clients SET gender = 'Man', phone_number = right(first_name, 1) WHERE last_name = 'B'")
    logged = AuditEntry.objects.filter(position__gt=mark)
    expected = {}
    for client in Client.objects.filter(last_name="B"):
        number = client.first_name
        before, after = {"phone_number": None}, {"phone_number": number[-1]}
        if int(number[1:]) % 2:
            before["gender"], after["gender"] = None, "Man"
        expected[client.pk] = {"before": before, "after": after}
    assert {e.entity_id: e.diff_json for e in logged} == expected
    assert len(logged) == 300
    assert {(e.entity, e.action, e.client_id == e.entity_id, e.reason) for e in logged} == {
        ("clients", "update", True, "Test")
    }


@pytest.mark.parametrize("table", ["clients", "client_program_enrollments", "discharges"])
def test_rows_changed_at_once_are_refused_outside_an_act_and_keep_their_key(
    amina: Client, shelter: Program, table: str
) -> None:
    with audit.acting(None, channel="command"):
        Discharge.objects.create(client=amina, program=shelter, discharge_date=date(2026, 1, 6))
    change, key = {
        "clients": ("gender = 'Man'", "client_id"),
        "client_program_enrollments": ("end_date = '2026-01-09'", "enrollment_id"),
        "discharges": ("reason = 'Housed'", "discharge_id"),
    }[table]
    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE {table} SET {change} WHERE false")
        with pytest.raises(ProgrammingError, match=f"a write to {table} outside"), transaction.atomic():
            cursor.execute(f"UPDATE {table} SET {change}")
        with (
            pytest.raises(IntegrityError, match="never changes"),
            audit.acting(None, channel="command"),
        ):
            cursor.execute(f"UPDATE {table} SET {key} = gen_random_uuid()")


def test_every_table_is_audited_or_named_here_with_its_reason(db: None) -> None:
    exempt = {
        "AuditEntry": "is the log",
        "AccessEntry": "is a log, append-only",
        "ImportBatch": "writes its one import entry by its own trigger",
        "ImportFile": "bytes of an upload that waits",
        "ImportProgress": "tells how far the worker is, and goes with the file",
        "UnmappedValue": "counts words of files; mapping one is a change of source_settings",
        "ImportRow": "is the record of a file's lines",
        "RememberedRow": "follows from a file's lines and the log, and is only a shorter road",
        "MatchKey": "follows from its client, written by the database alone",
        "LinkModel": "is measured of the clients; a new version beside the old",
        "ClientPair": "is found anew by find_duplicates; what people decide is a ClientLink",
        "ClientAssignment": "guardian's base class; carries the trigger itself",
    }
    models = {m for m in apps.get_app_config("core").get_models() if not m._meta.auto_created}
    assert {m.__name__ for m in models if not issubclass(m, AuditedModel)} == set(exempt)


def test_the_log_is_ordered_by_position_and_knows_the_client(amina: Client) -> None:
    entry = AuditEntry.objects.get(entity="client_program_enrollments")
    assert entry.client_id == amina.pk
    assert entry.diff_json["after"]["start_date"] == "2024-01-01"
    assert date.fromisoformat(entry.diff_json["after"]["start_date"]) == date(2024, 1, 1)
    assert no_truncate().name == "no_truncate"
