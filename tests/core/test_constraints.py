"""What PostgreSQL refuses by itself, tried in raw SQL as the working role and as the owner."""

import threading

import pytest
from django.db import IntegrityError, OperationalError, ProgrammingError, connection, transaction

from core import audit
from core.models import (
    Client,
    Discharge,
    ImportBatch,
    ImportRow,
    Intake,
    PendingChange,
    Program,
    ProgramCapacity,
    Restriction,
    Staff,
)

pytestmark = pytest.mark.django_db


def refused(sql: str, match: str, parameters: list | None = None) -> None:
    with pytest.raises(IntegrityError, match=match):
        run(sql, parameters)


def run(sql: str, parameters: list | None = None) -> None:
    with audit.acting(None, channel="command"), connection.cursor() as cursor:
        cursor.execute(sql, parameters or [])


def test_columns_of_the_contract_are_enough_to_insert(shelter: Program) -> None:
    run("INSERT INTO departments (name) VALUES ('Other')")
    run("INSERT INTO programs (name, department_id) SELECT 'P', department_id FROM departments WHERE name = 'Other'")
    run("INSERT INTO staff (first_name, last_name, email) VALUES ('A', 'B', 'a@example.org')")
    run("INSERT INTO staff_roles (staff_id, role_id) SELECT staff_id, role_id FROM staff, roles WHERE name = 'Staff'")
    run(
        "INSERT INTO program_staff (program_id, staff_id, is_manager) SELECT program_id, staff_id, true "
        "FROM programs, staff WHERE name = 'P'"
    )
    run("INSERT INTO clients (first_name, last_name, dob) VALUES ('Amina', 'Yusuf', '1990-04-02')")
    for table, column in (
        ("client_program_enrollments", "start_date"),
        ("intakes", "intake_date"),
        ("discharges", "discharge_date"),
    ):
        run(
            f"INSERT INTO {table} (client_id, program_id, {column}) SELECT client_id, program_id, '2026-01-01' "
            "FROM clients, programs WHERE name = 'P'"
        )
    run(
        "INSERT INTO client_identifiers (client_id, source_system, uid_external) "
        "SELECT client_id, 'SMIS', '1' FROM clients"
    )
    run(
        "INSERT INTO service_restrictions (client_id, scope, start_date) "
        "SELECT client_id, 'org', '2026-01-01' FROM clients"
    )
    run(
        "INSERT INTO pending_changes (entity, entity_id, diff_json, requested_by, status) "
        "SELECT 'clients', client_id, '{}', staff_id, 'pending' FROM clients, staff"
    )


@pytest.mark.parametrize(
    ("sql", "match"),
    [
        ("INSERT INTO departments (name) VALUES ('SHELTER')", "department_name_unique"),
        ("INSERT INTO departments (name) VALUES ('  ')", "department_name_given"),
        ("INSERT INTO clients (first_name, last_name) VALUES ('', ' ')", "client_has_a_name"),
        ("INSERT INTO clients (first_name, dob) VALUES ('A', current_date + 1)", "client_dob_possible"),
        ("UPDATE clients SET linked_to = client_id", "client_not_linked_to_itself"),
        ("UPDATE client_program_enrollments SET end_date = '2023-12-31'", "enrollment_ends_after_start"),
        (
            "INSERT INTO client_program_enrollments (client_id, program_id, start_date, end_date) "
            "SELECT client_id, program_id, '2023-01-01', '2024-01-01' FROM client_program_enrollments",
            "enrollment_no_overlap",
        ),
        (
            "INSERT INTO service_restrictions (client_id, scope, program_id, start_date) "
            "SELECT client_id, 'org', program_id, '2024-01-01' FROM clients, programs",
            "restriction_scope_fits",
        ),
        (
            "INSERT INTO service_restrictions (client_id, scope, start_date) "
            "SELECT client_id, 'program', '2024-01-01' FROM clients",
            "restriction_scope_fits",
        ),
        (
            "INSERT INTO service_restrictions (client_id, scope, start_date, end_date) "
            "SELECT client_id, 'org', '2024-01-02', '2024-01-01' FROM clients",
            "restriction_ends_after_start",
        ),
        ("UPDATE programs SET capacity_current = -1", "program_capacity_not_negative"),
    ],
)
def test_refused(amina: Client, sql: str, match: str) -> None:
    refused(sql, match)


def test_the_day_after_an_enrollment_ended_the_next_may_start(amina: Client) -> None:
    run("UPDATE client_program_enrollments SET end_date = '2024-06-30'")
    insert = (
        "INSERT INTO client_program_enrollments (client_id, program_id, start_date) "
        "SELECT client_id, program_id, '{}' FROM client_program_enrollments LIMIT 1"
    )
    refused(insert.format("2024-06-30"), "enrollment_no_overlap")
    run(insert.format("2024-07-01"))


def test_staff_e_mail_is_unique_ignoring_case_and_no_one_is_superuser(coordinator: Staff) -> None:
    refused("INSERT INTO staff (first_name, last_name, email) SELECT 'A', 'B', upper(email) FROM staff", "staff_email")
    refused("UPDATE staff SET is_superuser = true", "staff_no_superuser")


def test_identifiers_are_unique_in_their_source_only(amina: Client) -> None:
    insert = (
        "INSERT INTO client_identifiers (client_id, source_system, uid_external) SELECT client_id, %s, '1' FROM clients"
    )
    run(insert, ["SMIS"])
    refused(insert, "identifier_unique_in_source", ["SMIS"])
    run(insert, ["FFAI"])


def test_what_others_hang_on_cannot_be_deleted(amina: Client) -> None:
    for table in ("clients", "programs", "departments"):
        with pytest.raises(IntegrityError, match="foreign key"):
            run(f"SET CONSTRAINTS ALL IMMEDIATE; DELETE FROM {table}")


@pytest.mark.parametrize(
    ("end", "deletable"),
    [
        ("NULL", False),
        ("current_date", False),
        ("current_date - interval '9 years'", False),
        ("current_date - interval '11 years'", True),
    ],
)
def test_a_restriction_is_kept_for_ten_years_after_it_ended(amina: Client, end: str, deletable: bool) -> None:
    run(
        f"INSERT INTO service_restrictions (client_id, scope, start_date, end_date) "
        f"SELECT client_id, 'org', '2005-01-01', {end} FROM clients"
    )
    if deletable:
        run("DELETE FROM service_restrictions")
    else:
        refused("DELETE FROM service_restrictions", "kept for ten years")
    assert Restriction.objects.exists() is not deletable


def test_a_restriction_is_kept_though_its_end_is_written_far_back(amina: Client) -> None:
    run(
        "INSERT INTO service_restrictions (client_id, scope, start_date) "
        "SELECT client_id, 'org', '2020-01-01' FROM clients"
    )
    run("UPDATE service_restrictions SET start_date = '2000-01-01', end_date = '2001-01-01'")
    refused("DELETE FROM service_restrictions", "kept for ten years")
    run("UPDATE service_restrictions SET end_date = '2002-01-01'")
    refused("DELETE FROM service_restrictions", "kept for ten years")


def test_a_restriction_cannot_be_moved_to_another_client(amina: Client) -> None:
    run(
        "INSERT INTO service_restrictions (client_id, scope, start_date) "
        "SELECT client_id, 'org', '2026-01-01' FROM clients"
    )
    run("INSERT INTO clients (first_name) VALUES ('Other')")
    refused(
        "UPDATE service_restrictions SET client_id = (SELECT client_id FROM clients WHERE first_name = 'Other')",
        "cannot be moved",
    )


def test_a_proposal_is_fixed_and_a_decided_one_never_moves(amina: Client, manager: Staff, coordinator: Staff) -> None:
    with audit.acting(manager, channel="approval"):
        PendingChange.objects.create(entity="clients", entity_id=amina.pk, diff_json={"a": 1}, requested_by=manager)
    refused("UPDATE pending_changes SET diff_json = '{}'", "cannot be changed afterwards")
    refused("DELETE FROM pending_changes", "proposals are kept")
    refused("UPDATE pending_changes SET status = 'approved', reviewed_by = requested_by", "not_decided_by_requester")
    run("UPDATE pending_changes SET status = 'declined', reviewed_by = %s", [coordinator.pk])
    refused("UPDATE pending_changes SET status = 'approved'", "never moves again")


def test_dated_capacity_follows_the_two_columns(shelter: Program) -> None:
    def rows() -> list:
        found = ProgramCapacity.objects.filter(program=shelter).order_by("effective_date")
        return [(str(row.effective_date), row.capacity) for row in found]

    assert rows() == [("None", 10)]
    run("UPDATE programs SET capacity_current = 12, capacity_effective_date = '2026-03-01'")
    assert rows() == [("2026-03-01", 12), ("None", 10)]
    run("UPDATE programs SET capacity_effective_date = '2026-04-01'")
    assert rows() == [("2026-04-01", 12), ("None", 10)]
    run("UPDATE programs SET capacity_current = 14")
    assert rows() == [("2026-04-01", 14), ("None", 10)]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE import_rows SET client_id = gen_random_uuid()",
        "UPDATE import_rows SET batch_id = gen_random_uuid()",
        "INSERT INTO import_rows (batch_id, row_number, outcome, client_id, cells) "
        "SELECT batch_id, 2, 'created', gen_random_uuid(), '{}' FROM import_rows LIMIT 1",
        "INSERT INTO import_rows (batch_id, row_number, outcome, cells) "
        "SELECT b, 1, 'rejected', '{}' FROM (SELECT batch_id FROM import_rows UNION SELECT gen_random_uuid()) u (b) "
        "ON CONFLICT DO NOTHING",
        "DELETE FROM import_batches",
        "UPDATE import_batches SET batch_id = gen_random_uuid()",
        "DELETE FROM clients",
    ],
)
def test_rows_of_a_file_name_only_what_exists_and_what_they_name_cannot_go(db: None, statement: str) -> None:
    with audit.acting(None, channel="command"), connection.cursor() as cursor:
        client = Client.objects.create(first_name="Bo", last_name="Li")
        batch = ImportBatch.objects.create(source_system="SMIS", file_name="a.csv", sha256="0" * 64, size=1)
        ImportRow.objects.create(batch=batch, row_number=1, outcome="created", client=client, cells=[])
        ImportRow.objects.create(batch=batch, row_number=3, outcome="rejected", cells=[])
        with pytest.raises(IntegrityError) as error, transaction.atomic():
            cursor.execute(statement)
        assert error.value.__cause__.sqlstate == "23503"
        cursor.execute("UPDATE import_rows SET client_id = NULL")
        cursor.execute("DELETE FROM clients")


@pytest.mark.django_db(transaction=True)
def test_a_client_cannot_go_while_a_row_about_them_is_written() -> None:
    with audit.acting(None, channel="command"):
        client = Client.objects.create(first_name="Bo", last_name="Li")
        batch = ImportBatch.objects.create(source_system="SMIS", file_name="a.csv", sha256="0" * 64, size=1)
    said: list[str] = []

    def remove() -> None:
        try:
            with audit.acting(None, channel="command"), connection.cursor() as cursor:
                cursor.execute("DELETE FROM clients")
        except IntegrityError as error:
            said.append(str(error))
        finally:
            connection.close()

    other = threading.Thread(target=remove)
    with audit.acting(None, channel="command"):
        ImportRow.objects.create(batch=batch, row_number=1, outcome="created", client=client, cells=[])
        other.start()
        other.join(0.5)
        assert other.is_alive()  # waits
    other.join()
    assert "is named by one of import_rows" in said[0]
    assert Client.objects.exists()


def test_nobody_but_our_triggers_calls_what_does_as_the_owner_may(amina: Client) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT p.oid::regprocedure::text FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace "
            "WHERE n.nspname = 'public' AND p.proname LIKE 'ccd\\_%' "
            "AND (p.prosecdef OR p.prorettype = 'trigger'::regtype) "
            "AND EXISTS (SELECT FROM aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) WHERE grantee = 0)"
        )
        assert cursor.fetchall() == []


@pytest.mark.parametrize(
    "call", ["ccd_audit('client_id', 'client_id', '')", "ccd_keep_keys()", "ccd_refers('a', 'b', 'c')"]
)
def test_a_table_of_ones_own_cannot_write_into_the_log(amina: Client, call: str) -> None:
    run("CREATE TEMP TABLE clients (client_id uuid, first_name text) ON COMMIT DROP")
    with pytest.raises(ProgrammingError, match="permission denied"):
        run(f"CREATE TRIGGER t AFTER UPDATE ON pg_temp.clients FOR EACH ROW EXECUTE FUNCTION public.{call}")


def test_a_restriction_is_not_deleted_from_within_the_statement_that_ends_it_long_ago(amina: Client) -> None:
    with audit.acting(None, channel="command"):
        bar = Restriction.objects.create(client=amina, scope="org", start_date="2026-01-01")
    with pytest.raises(IntegrityError, match="not deleted while its last change is not in the log"):
        run(
            """
            CREATE FUNCTION pg_temp.gone(key uuid) RETURNS int LANGUAGE plpgsql AS
            $$ BEGIN DELETE FROM public.service_restrictions WHERE restriction_id = key; RETURN 1; END $$;
            UPDATE service_restrictions SET start_date = '1990-01-01', end_date = '1990-01-02'
            RETURNING pg_temp.gone(restriction_id)
            """
        )
    assert Restriction.objects.get() == bar


def test_a_capacity_is_not_kept_in_a_table_of_ones_own(shelter: Program) -> None:
    run("CREATE TEMP TABLE program_capacities (LIKE public.program_capacities INCLUDING ALL)")
    run("UPDATE programs SET capacity_current = 97, capacity_effective_date = '2026-05-01'")
    with connection.cursor() as cursor:
        cursor.execute("SELECT max(capacity) FROM public.program_capacities")
        assert cursor.fetchone() == (97,)


@pytest.mark.parametrize("day", ["infinity", "-infinity", "20000-01-01", "0044-03-15 BC"])
@pytest.mark.parametrize(
    ("table", "column"),
    [
        ("client_program_enrollments", "start_date"),
        ("client_program_enrollments", "end_date"),
        ("service_restrictions", "start_date"),
        ("service_restrictions", "end_date"),
        ("intakes", "intake_date"),
        ("discharges", "discharge_date"),
        ("programs", "closed_on"),
        ("programs", "capacity_effective_date"),
        ("clients", "closed_on"),
    ],
)
def test_no_day_is_kept_that_no_page_could_show(amina: Client, table: str, column: str, day: str) -> None:
    program = Program.objects.get()
    with audit.acting(None, channel="command"):
        Restriction.objects.create(client=amina, scope="org", start_date="2026-01-01")
        Intake.objects.create(client=amina, program=program, intake_date="2026-01-01")
        Discharge.objects.create(client=amina, program=program, discharge_date="2026-01-01")
    refused(f"UPDATE {table} SET {column} = %s", "_readable|_ends_after_start|lower bound", [day])


def _link(pairs: list[tuple[Client, Client]]) -> None:
    """In this order, and asked at the end as on commit."""
    with transaction.atomic():
        for client, to in pairs:
            run("UPDATE clients SET linked_to = %s WHERE client_id = %s", [to.pk, client.pk])
        run("SET CONSTRAINTS ALL IMMEDIATE")


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 0, 2)])
def test_a_record_is_never_linked_to_one_that_is_linked_itself(amina: Client, order: tuple[int, ...]) -> None:
    with audit.acting(None, channel="command"):
        others = [Client.objects.create(first_name="Amina", last_name=f"{n}") for n in range(3)]
    for pairs in ([(0, 1), (1, 2)], [(0, 1), (1, 2), (2, 0)], [(0, 1), (1, 0)]):
        with pytest.raises(IntegrityError, match="not linked to another one itself"):
            _link([(others[a], others[b]) for a, b in (pairs[n] for n in order if n < len(pairs))])
    run("UPDATE clients SET linked_to = %s WHERE client_id = ANY(%s)", [amina.pk, [one.pk for one in others]])
    run("SET CONSTRAINTS ALL IMMEDIATE")
    assert set(Client.objects.filter(linked_to=amina)) == set(others)


@pytest.mark.django_db(transaction=True)
def test_of_two_links_at_one_moment_that_would_make_a_chain_one_is_refused() -> None:
    with audit.acting(None, channel="command"):
        a, b, c = (Client.objects.create(first_name=name, last_name="Chain") for name in "abc")
    barrier, said = threading.Barrier(2), []

    def point(client: Client, to: Client) -> None:
        try:
            with audit.acting(None, channel="command"):
                Client.objects.filter(pk=client.pk).update(linked_to=to)
                barrier.wait(20)
            said.append("linked")
        except (IntegrityError, OperationalError) as error:
            said.append(type(error).__name__)
        finally:
            connection.close()

    threads = [threading.Thread(target=point, args=pair) for pair in ((a, b), (b, c))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(said) in (["IntegrityError", "linked"], ["OperationalError", "linked"])
