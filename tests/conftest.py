"""The test database, and the people in it: each an ordinary account with one role, never a superuser."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from fcntl import LOCK_EX, flock
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.core.cache import caches
from django.db import connection

from core import audit
from core.choices import ADMINISTRATOR, ANALYST, COORDINATOR, LEADER, MANAGER, ROLES, STAFF
from core.models import Client, Department, Enrollment, Program, ProgramStaff, Role, Staff, StaffRole

_OF_THE_DATABASE = frozenset({"db", "transactional_db", "django_db_setup", "_django_db_helper", "live_server"})


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks as `anywhere` what another version of PostgreSQL cannot make any difference to."""
    for item in items:
        if item.get_closest_marker("django_db") is None and _OF_THE_DATABASE.isdisjoint(item.fixturenames):
            item.add_marker("anywhere")


@pytest.fixture(scope="session")
def django_db_modify_db_settings(
    request: pytest.FixtureRequest,
    django_db_modify_db_settings_parallel_suffix: None,
    django_db_blocker: Any,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[None]:
    """Creating and migrating the test database need the owner. Of several workers one migrates, and all copy that."""
    connection.settings_dict["OPTIONS"].pop("assume_role", None)
    connection.close()
    if not hasattr(request.config, "workerinput"):
        yield
        return
    folder = tmp_path_factory.getbasetemp().parent  # the run's own, of all its workers
    with django_db_blocker.unblock(), _alone(folder):
        connection.settings_dict["TEST"]["TEMPLATE"] = _migrated(folder)
    yield
    with django_db_blocker.unblock(), _alone(folder):
        _template_gone(folder)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """One worker at a time."""
    with (folder / "lock").open("w") as file:
        flock(file, LOCK_EX)
        yield


def _template() -> tuple[str, str]:
    """Names of the template and, as SQL, of the same."""
    name = f"{connection.settings_dict['TEST']['NAME'].rpartition('_')[0]}_template"
    return name, connection.ops.quote_name(name)


def _migrated(folder: Path) -> str:
    """The name of a database with all migrations, made by the first worker of the run that asks."""
    name, _ = _template()
    if not (folder / name).exists():
        own, ours = dict(connection.settings_dict["TEST"]), connection.settings_dict["NAME"]
        connection.settings_dict["TEST"]["NAME"] = name
        connection.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False)
        connection.close()  # what anyone is connected to cannot be copied
        connection.settings_dict["TEST"].update(own)
        connection.settings_dict["NAME"] = settings.DATABASES[connection.alias]["NAME"] = ours
        (folder / name).touch()
    return name


def _template_gone(folder: Path) -> None:
    """Drop it. A worker that only begins now makes its own."""
    name, quoted = _template()
    (folder / name).unlink(missing_ok=True)
    with connection._nodb_cursor() as cursor:
        cursor.execute(f"DROP DATABASE IF EXISTS {quoted}")


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """Tests work as ccd_app, as the web does. TRUNCATE, which transactional tests clean up with, is let through here
    and proved shut in tests/core/test_audit.py.
    """
    with django_db_blocker.unblock():
        with connection.cursor() as cursor:
            for table, trigger in truncate_triggers():
                cursor.execute(f'DROP TRIGGER "{trigger}" ON "{table}"')
            cursor.execute("GRANT TRUNCATE ON ALL TABLES IN SCHEMA public TO ccd_app")
            # What a test commits is gone at its end: it need not wait for the disk.
            name = connection.ops.quote_name(connection.settings_dict["NAME"])
            cursor.execute(f"ALTER DATABASE {name} SET synchronous_commit = off")
        connection.settings_dict["OPTIONS"]["assume_role"] = "ccd_app"
        connection.close()
        yield
        connection.settings_dict["OPTIONS"].pop("assume_role")
        connection.close()


def truncate_triggers() -> list[tuple[str, str]]:
    """(table, trigger) of the triggers that refuse TRUNCATE."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tgrelid::regclass::text, tgname FROM pg_trigger WHERE tgname LIKE 'pgtrigger_no_truncate%'"
        )
        return cursor.fetchall()


@pytest.fixture(autouse=True)
def _roles_there(request: pytest.FixtureRequest) -> None:
    """Cleaning up after a transactional test takes the roles away that the migration made."""
    if request.node.get_closest_marker("django_db") is None and "db" not in request.fixturenames:
        return
    request.getfixturevalue("_django_db_helper")
    ensure_roles()


@pytest.fixture(autouse=True)
def _nothing_remembered() -> None:
    """What a test left in a cache is not the next one's: cleaning up begins the numbers of the log anew."""
    for each in caches.all():
        each.clear()


def ensure_roles() -> None:
    """The six roles, as the migration makes them."""
    missing = set(ROLES) - set(Role.objects.values_list("name", flat=True))
    if missing:
        with audit.acting(None, channel="command"):
            Role.objects.bulk_create(Role(name=name) for name in missing)


PASSWORD = "correct horse"


@cache
def hashed() -> str:
    """PASSWORD as the accounts hold it; hashing it for each of them would take a second each."""
    return make_password(PASSWORD)


@pytest.fixture
def person(db: None) -> Callable[..., Staff]:
    """person("Manager") makes an active account with these roles."""
    ensure_roles()

    def make(*roles: str, email: str = "", **values: Any) -> Staff:
        with audit.acting(None, channel="command"):
            number = Staff.objects.count()
            first = values.pop("first_name", roles[0] if roles else "Nobody")
            staff = Staff(
                first_name=first, last_name=f"Test{number}", email=email or f"p{number}@example.org", **values
            )
            staff.password = hashed()
            staff.save(force_insert=True)
            StaffRole.objects.bulk_create(StaffRole(staff=staff, role=Role.objects.get(name=name)) for name in roles)
        return staff

    return make


@pytest.fixture
def administrator(person: Callable[..., Staff]) -> Staff:
    return person(ADMINISTRATOR)


@pytest.fixture
def coordinator(person: Callable[..., Staff]) -> Staff:
    return person(COORDINATOR)


@pytest.fixture
def manager(person: Callable[..., Staff]) -> Staff:
    return person(MANAGER)


@pytest.fixture
def leader(person: Callable[..., Staff]) -> Staff:
    return person(LEADER)


@pytest.fixture
def analyst(person: Callable[..., Staff]) -> Staff:
    return person(ANALYST)


@pytest.fixture
def shelter(db: None) -> Program:
    """Hostel A of the department Shelter, ten places since ever."""
    with audit.acting(None, channel="command"):
        department = Department.objects.create(name="Shelter")
        return Program.objects.create(name="Hostel A", department=department, capacity_current=10)


@pytest.fixture
def clinic(db: None) -> Program:
    """A program of another department, without a fixed number of places."""
    with audit.acting(None, channel="command"):
        department = Department.objects.create(name="Health")
        return Program.objects.create(name="Clinic", department=department)


@pytest.fixture
def worker(person: Callable[..., Staff], shelter: Program) -> Staff:
    """Role Staff, works in Hostel A."""
    staff = person(STAFF)
    with audit.acting(None, channel="command"):
        ProgramStaff.objects.create(program=shelter, staff=staff)
    return staff


@pytest.fixture
def other_worker(person: Callable[..., Staff], clinic: Program) -> Staff:
    """Role Staff, works in the clinic."""
    staff = person(STAFF)
    with audit.acting(None, channel="command"):
        ProgramStaff.objects.create(program=clinic, staff=staff)
    return staff


@pytest.fixture
def amina(shelter: Program) -> Client:
    """A client in Hostel A since 2024-01-01."""
    with audit.acting(None, channel="command"):
        client = Client.objects.create(first_name="Amina", last_name="Yusuf", dob=date(1990, 4, 2), gender="Woman")
        Enrollment.objects.create(client=client, program=shelter, start_date=date(2024, 1, 1))
    return client
