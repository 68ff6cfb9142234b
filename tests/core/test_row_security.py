"""The second wall: with the Python wall down, the database alone shows what core.rules.visible_to() would.

Queries here ask no rule, as a view might that forgot to. The role is ccd_viewer, as in a request of someone who does
not see every client.
"""

import random
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from datetime import date, timedelta
from threading import Barrier
from uuid import uuid4

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import AnonymousUser, Permission
from django.contrib.contenttypes.models import ContentType
from django.db import DatabaseError, IntegrityError, OperationalError, ProgrammingError, connection, models, transaction
from django.http import HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse
from django.test import Client as Browser
from django.urls import path
from django.utils import timezone
from pytest_django import Settings
from reversion.models import Revision, Version

from admin_ext import wall
from ccd.urls import urlpatterns as real_urlpatterns
from core import audit, rules
from core.choices import ADMINISTRATOR, ANALYST, COORDINATOR, LEADER, MANAGER, STAFF
from core.models import (
    AccessEntry,
    AuditEntry,
    Client,
    ClientAssignment,
    ClientIdentifier,
    ClientLink,
    Discharge,
    Enrollment,
    ImportBatch,
    ImportFile,
    ImportRow,
    Intake,
    PendingChange,
    Program,
    ProgramStaff,
    Restriction,
    SourceDisagreement,
    Staff,
)
from core.models.assigned import in_order

pytestmark = pytest.mark.django_db

Person = Callable[..., Staff]
KINDS = (Client, ClientIdentifier, Enrollment, Intake, Discharge, Restriction)
CLOSED = (
    AuditEntry,
    ClientLink,
    ImportBatch,
    ImportFile,
    ImportRow,
    LogEntry,
    PendingChange,
    SourceDisagreement,
    Version,
)
SEEING_ALL = (ADMINISTRATOR, COORDINATOR, MANAGER, LEADER, ANALYST)
PASSWORD = "correct horse"


def value(statement: str, *parameters: object) -> object:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return cursor.fetchone()[0]


def state() -> tuple[object, object]:
    """Role and viewer of this thread's connection."""
    return value("SELECT current_user"), value("SELECT nullif(current_setting('ccd.viewer', true), '')")


def keys(model: type[models.Model]) -> set[object]:
    return set(model._default_manager.order_by().values_list("pk", flat=True))


def allowed(user: rules.User, model: type[models.Model]) -> set[object]:
    """By the Python wall; of clients also the records linked to one that is seen, since what hangs on them is."""
    seen = set(rules.visible_to(user, model).order_by().values_list("pk", flat=True))
    if model is Client:
        seen |= set(Client.objects.filter(linked_to__in=seen).values_list("pk", flat=True))
    return seen


def hang_on(client: Client, program: Program) -> None:
    """One record of each kind."""
    today = timezone.localdate()
    Intake.objects.create(client=client, program=program, intake_date=today)
    Discharge.objects.create(client=client, program=program, discharge_date=today)
    ClientIdentifier.objects.create(client=client, source_system="SMIS", uid_external=str(client.pk))
    Restriction.objects.create(client=client, scope="org", start_date=today)


def grant(staff: Staff, client: Client, end: date | None = None) -> None:
    permission = Permission.objects.get(codename="view_client")
    ClientAssignment.objects.create(user=staff, content_object=client, permission=permission, end_date=end)


@pytest.fixture
def stranger(clinic: Program) -> Client:
    """A client of the clinic, with a record of each kind."""
    with audit.acting(None, channel="command"):
        client = Client.objects.create(first_name="Canarina", last_name="Hiddenson")
        Enrollment.objects.create(client=client, program=clinic, start_date=date(2024, 1, 1))
        hang_on(client, clinic)
    return client


@pytest.fixture
def closed_rows(stranger: Client, coordinator: Staff) -> None:
    """A row in each table that nobody behind the wall reads."""
    with audit.acting(None, channel="command"):
        other = Client.objects.create(first_name="Bo", last_name="Li")
        ClientLink.objects.create(client=stranger, other=other, verdict=ClientLink.Verdict.values[0])
        batch = ImportBatch.objects.create(source_system="SMIS", file_name="a.csv", sha256="0" * 64, size=1)
        ImportFile.objects.create(batch=batch, content=b"Canarina")
        ImportRow.objects.create(batch=batch, row_number=1, outcome="created", client=stranger, cells=["Canarina"])
        SourceDisagreement.objects.create(
            client=stranger, entity="clients", entity_id=stranger.pk, field="gender", source_system="SMIS", theirs="x",
            batch=batch, row_number=1,
        )  # fmt: skip
        PendingChange.objects.create(
            entity="clients", entity_id=stranger.pk, diff_json={"before": None, "after": {}}, requested_by=coordinator
        )
    kind = ContentType.objects.get_for_model(Client)
    LogEntry.objects.create(user=coordinator, content_type=kind, object_id="1", object_repr="Canarina", action_flag=1)
    revision = Revision.objects.create(date_created=timezone.now())
    Version.objects.create(
        revision=revision, object_id="1", content_type=kind, db="default", format="json", serialized_data="[]"
    )


# The twin


@pytest.fixture(params=range(6))
def world(request: pytest.FixtureRequest, person: Person) -> list[rules.User]:
    """Stays and grants around every border, links, and people of each sort; returns those who see not everyone."""
    rng, today = random.Random(request.param), timezone.localdate()
    ago = (-400, -91, -90, -89, -1, 0, 1, 30)
    people = [person(STAFF) for _ in range(4)] + [person(), person(STAFF, active=False)]
    with audit.acting(None, channel="command"):
        department = Program._meta.get_field("department").related_model.objects.create(name="All")
        programs = [Program.objects.create(name=f"P{n}", department=department) for n in range(4)]
        for staff in people[1:]:
            for program in rng.sample(programs, rng.choice((1, 2))):
                ProgramStaff.objects.create(program=program, staff=staff)
        clients = [Client.objects.create(first_name=f"C{n}") for n in range(40)]
        for client in clients:
            for program in rng.sample(programs, rng.choice((0, 1, 1, 2))):
                start = today + timedelta(days=rng.choice(ago))
                later = [day for day in ago if today + timedelta(days=day) >= start]
                end = rng.choice([None, *(today + timedelta(days=day) for day in later)])
                Enrollment.objects.create(client=client, program=program, start_date=start, end_date=end)
            hang_on(client, rng.choice(programs))
        for client in rng.sample(clients, 8):
            grant(rng.choice(people), client, rng.choice([None, today, today - timedelta(days=1)]))
        for client, other in zip(clients[:6], clients[20:26], strict=True):
            Client.objects.filter(pk=client.pk).update(linked_to=other)
    return [*people, AnonymousUser()]


# Each world is dear to make, so one is asked about every kind of record.
def test_the_database_alone_shows_what_visible_to_shows(world: list[rules.User]) -> None:
    for model in KINDS:
        numbers = []
        for user in world:
            expected = allowed(user, model)
            with wall.behind(user):
                assert state() == ("ccd_viewer", str(user.pk) if user.pk else None)
                assert keys(model) == expected, model
            numbers.append(len(expected))
        assert max(numbers) > 3, model
        assert numbers[-3:] == [0, 0, 0], model  # without role, deactivated, anonymous
        assert len(keys(model)) > max(numbers), model


def test_behind_the_wall_the_pages_own_queries_lose_nothing(world: list[rules.User]) -> None:
    """Also through the joins that lists make to the client and the program."""
    for model in KINDS:
        related = [name for name in ("client", "program") if name in {field.name for field in model._meta.fields}]
        for user in world:
            rows = rules.visible_to(user, model).select_related(*related)
            expected = {row.pk for row in rows.all()}
            with wall.behind(user):
                assert {row.pk for row in rows.all()} == expected, model


@pytest.mark.parametrize("model", KINDS)
@pytest.mark.parametrize("role", SEEING_ALL)
def test_who_sees_every_client_works_as_ccd_app(
    stranger: Client, person: Person, role: str, model: type[models.Model]
) -> None:
    user = person(role)
    assert rules.sees_every_client(user)
    assert state() == ("ccd_app", None)
    assert keys(model) == allowed(user, model) != set()


@pytest.mark.parametrize("model", CLOSED)
def test_of_what_no_such_person_sees_there_is_nothing(
    closed_rows: None, worker: Staff, model: type[models.Model]
) -> None:
    assert keys(model)
    with wall.behind(worker):
        assert keys(model) == set()


def test_of_the_grants_ones_own(worker: Staff, other_worker: Staff, amina: Client) -> None:
    with audit.acting(None, channel="command"):
        grant(other_worker, amina)
    for user, number in ((worker, 0), (other_worker, 1), (AnonymousUser(), 0)):
        with wall.behind(user):
            assert ClientAssignment.objects.count() == number


@pytest.mark.parametrize("missing", ["ccd.viewer", "ccd.viewer_since", "ccd.viewer_today"])
def test_without_viewer_or_days_there_is_nothing(worker: Staff, amina: Client, missing: str) -> None:
    with wall.behind(worker):
        assert Client.objects.count() == 1
        value("SELECT set_config(%s, '', true)", missing)
        assert [model.__name__ for model in KINDS if keys(model)] == []


def test_what_was_found_for_one_viewer_answers_for_no_other(
    worker: Staff, other_worker: Staff, amina: Client, stranger: Client
) -> None:
    """Also where only the setting changes; and a new request asks anew."""
    with wall.behind(worker):
        assert keys(Client) == {amina.pk}
        value("SELECT set_config('ccd.viewer', %s, true)", str(other_worker.pk))
        assert keys(Client) == {stranger.pk}
    with audit.acting(None, channel="command"):
        Enrollment.objects.filter(client=amina).update(end_date=timezone.localdate() - timedelta(days=91))
    with wall.behind(worker):
        assert keys(Client) == set()


def test_behind_the_wall_one_asks_for_ones_own_clients_alone(
    worker: Staff, other_worker: Staff, amina: Client, stranger: Client
) -> None:
    asked = "SELECT array_agg(f) FROM ccd_clients_of(%s, '1900-01-01', '2100-01-01', true) f"
    assert value(asked, other_worker.pk) == [stranger.pk]
    with wall.behind(worker):
        assert value(asked, worker.pk) == [amina.pk]
        assert value(asked, other_worker.pk) is None
        for function in (
            "ccd_assigned(%s, '1900-01-01', '2100-01-01')",
            "ccd_linked(%s, '1900-01-01', '2100-01-01', true)",
        ):
            with pytest.raises(ProgrammingError, match="permission denied"), transaction.atomic():
                value(f"SELECT count(*) FROM {function}", other_worker.pk)


def test_a_list_read_in_its_order_has_the_same_rows(world: list[rules.User]) -> None:
    for model in KINDS:
        for user in world:
            expected = list(rules.visible_to(user, model))
            for guard in (nullcontext(), wall.behind(user)):
                with guard, in_order():
                    rows = rules.visible_to(user, model)
                    assert list(rows) == expected, model
        assert "IS TRUE" not in str(rules.visible_to(world[0], model).query)
        with in_order():
            assert "IS TRUE" in str(rules.visible_to(world[0], model).query)


@pytest.mark.parametrize("where", ["column", "like", "function", "join", "exists", "aggregate", "cursor"])
def test_no_form_of_question_sees_more(worker: Staff, amina: Client, stranger: Client, where: str) -> None:
    forms = {
        "column": "SELECT count(*) FROM clients WHERE first_name = 'Canarina'",
        "like": "SELECT count(*) FROM clients WHERE search_text LIKE '%%canar%%'",
        "function": "SELECT count(*) FROM clients WHERE 1 / (CASE first_name WHEN 'Canarina' THEN 0 ELSE 1 END) = 0",
        "join": "SELECT count(*) FROM clients c JOIN service_restrictions USING (client_id)",
        "exists": "SELECT count(*) FROM programs WHERE name = 'Clinic' "
        "AND EXISTS (SELECT FROM client_program_enrollments e WHERE e.program_id = programs.program_id)",
        "aggregate": "SELECT count(*) FILTER (WHERE first_name = 'Canarina') FROM clients",
        "cursor": "SELECT count(*) FROM (SELECT * FROM clients OFFSET 1) later",
    }
    with wall.behind(worker):
        assert value(forms[where]) == 0


# Writing


@pytest.mark.parametrize("model", [*KINDS, *CLOSED, ClientAssignment, ProgramStaff, Program])
@pytest.mark.parametrize("verb", ["insert", "update", "delete"])
def test_writes_are_refused(worker: Staff, amina: Client, model: type[models.Model], verb: str) -> None:
    table, column = model._meta.db_table, model._meta.pk.column
    statement = {
        "insert": f"INSERT INTO {table} SELECT * FROM {table}",
        "update": f"UPDATE {table} SET {column} = {column}",
        "delete": f"DELETE FROM {table}",
    }[verb]
    with (
        audit.acting(worker, channel="admin"),
        wall.behind(worker),
        pytest.raises((ProgrammingError, IntegrityError), match="permission denied|generated|non-DEFAULT"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement)


def test_of_accounts_only_ones_own_password_and_login(worker: Staff, other_worker: Staff) -> None:
    with wall.behind(worker):
        assert Staff.objects.filter(pk=worker.pk).update(last_login=timezone.now()) == 1
        assert Staff.objects.filter(pk=other_worker.pk).update(password="mine") == 0
        with pytest.raises(ProgrammingError, match="permission denied"), transaction.atomic():
            Staff.objects.filter(pk=worker.pk).update(email="x@example.org")
    other_worker.refresh_from_db()
    assert other_worker.check_password(PASSWORD)


def test_the_access_log_takes_ones_own_entries_and_tells_none(worker: Staff, other_worker: Staff) -> None:
    with wall.behind(worker):
        AccessEntry.objects.create(staff=worker, action="list", client_ids=[uuid4()])
        with pytest.raises(ProgrammingError, match="row-level security"), transaction.atomic():
            AccessEntry.objects.create(staff=other_worker, action="list")
    with wall.behind(other_worker):
        assert not AccessEntry.objects.exists()
    with wall.behind(AnonymousUser()):
        AccessEntry.objects.create(staff=worker, action="refused")
    assert AccessEntry.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_of_the_access_log_nothing_later(worker: Staff) -> None:
    for user in (worker, AnonymousUser()):
        with wall.behind(user):
            AccessEntry.objects.create(staff=worker, action="list")
            assert not AccessEntry.objects.exists()
    assert AccessEntry.objects.count() == 2


# The shape: a new table cannot forget the wall


def test_every_table_with_a_client_has_row_level_security(db: None) -> None:
    unprotected = value(
        """
        SELECT coalesce(array_agg(DISTINCT c.relname::text), '{}')
        FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
        LEFT JOIN pg_constraint k ON k.conrelid = c.oid AND k.contype = 'f' AND k.confrelid = 'clients'::regclass
        WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relrowsecurity
        AND (k.oid IS NOT NULL
             OR a.attname ~ '^(client_ids?|candidate_ids|diff_json|cells|serialized_data|object_repr)$')
        """
    )
    assert unprotected == []


def test_every_protected_table_lets_ccd_app_through_and_exempts_the_owner(db: None) -> None:
    odd = value(
        """
        SELECT coalesce(array_agg(relname::text), '{}') FROM pg_class c WHERE relrowsecurity
        AND relnamespace = 'public'::regnamespace AND (relforcerowsecurity OR NOT EXISTS (
            SELECT FROM pg_policies p WHERE p.tablename = relname AND p.roles = '{ccd_app}' AND p.cmd = 'ALL'
            AND p.qual = 'true' AND p.with_check = 'true'))
        """
    )
    assert odd == []


def test_the_role_owns_nothing_belongs_to_nothing_and_is_no_login(db: None) -> None:
    attributes = value(
        "SELECT ARRAY[rolcanlogin, rolsuper, rolbypassrls, rolcreaterole, rolcreatedb, rolreplication] "
        "FROM pg_roles WHERE rolname = 'ccd_viewer'"
    )
    assert attributes == [False] * 6
    assert value("SELECT count(*) FROM pg_auth_members WHERE member = 'ccd_viewer'::regrole") == 0
    assert value("SELECT count(*) FROM pg_class WHERE relowner = 'ccd_viewer'::regrole") == 0
    assert value("SELECT has_schema_privilege('ccd_viewer', 'public', 'CREATE')") is False


def test_the_role_itself_may_become_no_other(db: None) -> None:
    """Where the session is its own. Ours logs in as the owner, who may: docs/architecture.md says what that means."""
    with connection.cursor() as cursor:
        cursor.execute("RESET ROLE")
        cursor.execute("SET LOCAL SESSION AUTHORIZATION ccd_viewer")
        with pytest.raises(DatabaseError, match="permission denied"), transaction.atomic():
            cursor.execute("SET ROLE ccd_app")
        cursor.execute("RESET SESSION AUTHORIZATION")
        cursor.execute("SET ROLE ccd_app")


def test_a_search_by_ccd_app_still_uses_the_trigram_index(db: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("EXPLAIN SELECT * FROM clients WHERE search_text LIKE '%canarina%'")
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert "client_search" in plan
    assert "viewer" not in plan


# The middleware, and views that forget to ask


def leaky(request: HttpRequest) -> HttpResponse:
    names = sorted(Client.objects.values_list("first_name", flat=True))
    return JsonResponse({"names": names, "role": state()[0]})


def failing(request: HttpRequest) -> HttpResponse:
    Client.objects.count()
    raise RuntimeError("planted")


def breaking(request: HttpRequest) -> HttpResponse:
    with transaction.atomic():
        value("SELECT 1 / 0")
    return HttpResponse()


def reopening(request: HttpRequest) -> HttpResponse:
    connection.close()
    return leaky(request)


def locked_out(request: HttpRequest) -> HttpResponse:
    raise OperationalError("planted")


def streaming(request: HttpRequest) -> StreamingHttpResponse:
    def pieces() -> Iterator[str]:
        for _ in range(3):
            yield f"{leaky(request).content.decode()}\n"

    return StreamingHttpResponse(pieces())


urlpatterns = [
    *real_urlpatterns,
    *(path(view.__name__, view) for view in (leaky, failing, breaking, reopening, locked_out, streaming)),
]
handler500 = "admin_ext.middleware.broken"


@pytest.fixture
def browse(settings: Settings) -> Callable[[Staff | None], Browser]:
    """browse(staff) is a browser in which they are logged in, on the site with the planted views."""
    settings.ROOT_URLCONF = __name__

    def log_in(staff: Staff | None) -> Browser:
        browser = Browser(raise_request_exception=False)
        if staff is not None:
            browser.force_login(staff, backend="django.contrib.auth.backends.ModelBackend")
        return browser

    return log_in


def test_a_leaky_view_shows_assigned_clients_alone(
    browse: Callable, worker: Staff, other_worker: Staff, person: Person, amina: Client, stranger: Client
) -> None:
    for user, names, role in (
        (worker, ["Amina"], "ccd_viewer"),
        (other_worker, ["Canarina"], "ccd_viewer"),
        (person(STAFF), [], "ccd_viewer"),
        (person(), [], "ccd_viewer"),
        (None, [], "ccd_viewer"),
        (person(COORDINATOR), ["Amina", "Canarina"], "ccd_app"),
        (person(STAFF, MANAGER), ["Amina", "Canarina"], "ccd_app"),
    ):
        assert browse(user).get("/leaky").json() == {"names": names, "role": role}
        assert state() == ("ccd_app", None)


@pytest.mark.parametrize("page", ["leaky", "failing", "breaking", "locked_out", "streaming", "admin/", "admin/nowhere"])
def test_the_role_comes_back_after_each_request(browse: Callable, worker: Staff, amina: Client, page: str) -> None:
    browser = browse(worker)
    for _ in range(2):
        browser.get(f"/{page}")
        assert state() == ("ccd_app", None)
        assert Client.objects.count() == 1


def test_a_live_session_loses_with_the_role_what_the_database_shows(
    browse: Callable, coordinator: Staff, amina: Client
) -> None:
    browser = browse(coordinator)
    assert browser.get("/leaky").json()["names"] == ["Amina"]
    with audit.acting(None, channel="command"):
        coordinator.staff_roles.all().delete()
    assert browser.get("/leaky").json() == {"names": [], "role": "ccd_viewer"}
    with audit.acting(None, channel="command"):
        Staff.objects.filter(pk=coordinator.pk).update(active=False)
    assert browser.get("/leaky").json() == {"names": [], "role": "ccd_viewer"}


def test_a_stream_is_made_behind_the_wall_to_its_end(browse: Callable, worker: Staff, amina: Client) -> None:
    response = browse(worker).get("/streaming")
    pieces = iter(response.streaming_content)
    for _ in range(3):
        assert b'["Amina"], "role": "ccd_viewer"' in next(pieces)
        assert state() == ("ccd_app", None)
    assert next(pieces, None) is None


def test_streams_of_two_people_on_one_connection_do_not_mix(
    browse: Callable, worker: Staff, other_worker: Staff, amina: Client, stranger: Client
) -> None:
    one, two = (iter(browse(user).get("/streaming").streaming_content) for user in (worker, other_worker))
    for first, second in zip(one, two, strict=True):
        assert (b"Amina" in first, b"Canarina" in first) == (True, False)
        assert (b"Amina" in second, b"Canarina" in second) == (False, True)


def test_a_rolled_back_savepoint_leaves_the_role(browse: Callable, worker: Staff, amina: Client) -> None:
    browser = browse(worker)
    with transaction.atomic():
        browser.get("/leaky")
        transaction.set_rollback(True)
    assert state() == ("ccd_app", None)
    with wall.behind(worker):
        with transaction.atomic():
            Client.objects.get()
            transaction.set_rollback(True)
        assert state()[0] == "ccd_viewer"


def test_walls_within_one_another_come_down_one_by_one(worker: Staff, other_worker: Staff) -> None:
    with wall.behind(worker):
        with wall.behind(other_worker):
            assert state() == ("ccd_viewer", str(other_worker.pk))
        assert state() == ("ccd_viewer", str(worker.pk))
    assert state() == ("ccd_app", None)


def test_logging_in_and_out_and_a_new_password_work_behind_the_wall(worker: Staff, amina: Client) -> None:
    browser = Browser()
    said = browser.post("/admin/login/", {"username": worker.email, "password": PASSWORD})
    assert said.status_code == 302
    worker.refresh_from_db()
    assert worker.last_login is not None
    assert browser.get("/admin/core/client/").status_code == 200
    new = {"old_password": PASSWORD, "new_password1": "quite another 1", "new_password2": "quite another 1"}
    assert browser.post("/admin/password_change/", new)["Location"] == "/admin/password_change/done/"
    worker.refresh_from_db()
    assert worker.check_password("quite another 1")
    assert browser.get("/admin/core/client/").status_code == 200
    assert browser.post("/admin/logout/").status_code in (200, 302)
    assert browser.get("/admin/core/client/").status_code == 302


def test_a_failed_login_says_so(worker: Staff) -> None:
    said = Browser().post("/admin/login/", {"username": worker.email, "password": "wrong"})
    assert said.status_code == 200
    assert state() == ("ccd_app", None)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("page", ["leaky", "reopening"])
def test_a_connection_opened_within_the_request_stands_behind_the_wall(
    browse: Callable, worker: Staff, amina: Client, stranger: Client, page: str
) -> None:
    browser = browse(worker)
    connection.close()
    assert browser.get(f"/{page}").json() == {"names": ["Amina"], "role": "ccd_viewer"}
    assert state() == ("ccd_app", None)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("page", ["failing", "breaking", "locked_out"])
def test_the_role_comes_back_outside_any_transaction(browse: Callable, worker: Staff, amina: Client, page: str) -> None:
    assert browse(worker).get(f"/{page}").status_code in (500, 503)
    assert state() == ("ccd_app", None)


@pytest.mark.django_db(transaction=True)
def test_where_the_wall_cannot_be_raised_nothing_is_shown(
    browse: Callable, worker: Staff, amina: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = browse(worker)
    monkeypatch.setattr(wall, "VIEWER_ROLE", "ccd_nobody")
    for page in ("/leaky", "/reopening"):
        said = browser.get(page)
        assert said.status_code == 500
        assert b"Amina" not in said.content
    assert state() == ("ccd_app", None)


@pytest.mark.django_db(transaction=True)
def test_a_connection_that_dies_within_the_request_is_not_used_again(worker: Staff, amina: Client) -> None:
    with wall.behind(worker):
        pid = value("SELECT pg_backend_pid()")
        connection.connection.close()
    assert value("SELECT pg_backend_pid()") != pid
    assert state() == ("ccd_app", None)


@pytest.mark.django_db(transaction=True)
def test_eight_threads_do_not_mix_viewers(browse: Callable, person: Person, shelter: Program, amina: Client) -> None:
    people, start = {}, Barrier(8)
    with audit.acting(None, channel="command"):
        for number in range(6):
            staff, client = person(STAFF), Client.objects.create(first_name=f"Client {number}")
            grant(staff, client)
            people[staff] = [client.first_name]
    people[person(STAFF)] = []
    everyone = sorted(["Amina", *(f"Client {number}" for number in range(6))])
    people[person(ANALYST)] = everyone
    browsers = [(browse(staff), names) for staff, names in people.items()]

    def ask(browser: Browser, names: list[str]) -> int:
        try:
            start.wait(timeout=30)
            return sum(browser.get("/leaky").json()["names"] == names for _ in range(15))
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        right = list(pool.map(lambda pair: ask(*pair), browsers))
    assert right == [15] * 8
