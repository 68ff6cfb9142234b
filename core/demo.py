"""The demo agency of fixtures/: loaded whole or not at all, into an empty database, never into one that is in use."""

import hashlib
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Final

import psycopg
from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.db import connection, transaction
from django.utils import timezone

from core import approvals, audit
from core.choices import ADMINISTRATOR, ANALYST, COORDINATOR, LEADER, MANAGER, STAFF
from core.errors import CCDError
from core.models import Client, Enrollment, ImportBatch, Program, Restriction, Staff

# One account per role, all with this password; the other accounts of the demo have none.
LOGINS: Final = {
    ADMINISTRATOR: "admin@demo.example.org",
    COORDINATOR: "coordinator@demo.example.org",
    MANAGER: "manager@demo.example.org",
    LEADER: "leader@demo.example.org",
    STAFF: "staff@demo.example.org",
    ANALYST: "analyst@demo.example.org",
}
PASSWORD: Final = "cedar-lantern-4807"
# In the order in which they were exported: a later file may know a client from an earlier one.
DAILY: Final = (("SMIS", "smis_*"), ("EMHWare", "emhware_*"), ("FFAI", "ffai_*"))

# Parents first. A file has the name of its table and in its first line the names of its columns.
_TABLES: Final = (
    "departments",
    "staff",
    "staff_roles",
    "programs",
    "program_capacities",
    "program_staff",
    "clients",
    "client_identifiers",
    "client_program_enrollments",
    "intakes",
    "discharges",
    "service_restrictions",
)
# Where the file's rows are not yet those of the table: (columns of the staging table, how its rows get in).
_STAGED: Final = {
    "staff_roles": (
        "staff_id uuid, role text",
        "INSERT INTO staff_roles (staff_id, role_id) SELECT staff_id, role_id FROM staged JOIN roles ON name = role",
    ),
    # The program's own two columns have made the row of its present capacity already.
    "program_capacities": (
        "capacity_id uuid, program_id uuid, capacity integer, effective_date date",
        "INSERT INTO program_capacities (capacity_id, program_id, capacity, effective_date) SELECT * FROM staged "
        "ON CONFLICT (program_id, effective_date) DO UPDATE SET capacity = EXCLUDED.capacity "
        "WHERE program_capacities.capacity IS DISTINCT FROM EXCLUDED.capacity",
    ),
}


def is_loaded() -> bool:
    """The demo's accounts are there, and so, being of one transaction, is the rest."""
    return Staff.objects.filter(email=LOGINS[ADMINISTRATOR]).exists()


def load() -> dict[str, int]:
    """Load the agency; returns rows per table. Raises CCDError where the database is not a fresh one for trying out."""
    if not settings.DEBUG:
        raise CCDError("The demo agency is only for trying out: with DEBUG=0 it is not loaded.")
    if Client.objects.exists():
        raise CCDError("The database holds clients that are not the demo's; the demo is loaded into an empty one only.")
    with transaction.atomic():
        with audit.acting(None, channel="command"):
            counts = {table: _copy(table) for table in _TABLES}
            Staff.objects.filter(email__in=LOGINS.values()).update(password=make_password(PASSWORD))
        return counts | {"pending_changes": _propose()}


def analyze() -> None:
    """Tell the planner about the new rows. Only the tables' owner may."""
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def waiting_files() -> Iterator[tuple[str, Path, bool]]:
    """(source, sample file, is ingested already), in the order in which they are to be ingested."""
    for source, pattern in DAILY:
        for path in sorted((settings.BASE_DIR / "fixtures" / "daily").glob(pattern)):
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
            yield source, path, ImportBatch.objects.filter(sha256=digest, status=ImportBatch.Status.APPLIED).exists()


def _copy(table: str) -> int:
    """Rows of the table's file, sent as they lie there: an empty field is NULL, `""` an empty text."""
    path = settings.BASE_DIR / "fixtures" / "demo" / f"{table}.csv"
    try:
        with connection.cursor() as cursor, path.open("rb") as file:
            header = file.readline().decode().strip()
            columns, insert = _STAGED.get(table, ("", f"INSERT INTO {table} ({header}) SELECT {header} FROM staged"))
            # By way of a table of its own: COPY does not go into one with row-level security.
            shape = f"({columns}) ON COMMIT DROP" if columns else f"AS SELECT {header} FROM {table} WITH NO DATA"
            cursor.execute(f"CREATE TEMP TABLE staged {shape}")
            with cursor.copy(f"COPY staged ({header}) FROM STDIN WITH (FORMAT csv)") as copy:
                copy.write(file.read())
            cursor.execute(insert)
            cursor.execute("DROP TABLE staged")
            cursor.execute(f"SELECT count(*) FROM {table}")
            return cursor.fetchone()[0]
    except psycopg.Error as error:  # within COPY they are not Django's own
        said = str(error).partition("\n")[0]
        raise CCDError(f"The demo agency was not loaded, {path.name} does not fit: {said}") from error


def _propose() -> int:
    """What a manager and a leader might have sent today, so that the approvals inbox has something to decide on."""
    manager, leader = (Staff.objects.get(email=LOGINS[role]) for role in (MANAGER, LEADER))
    today = timezone.localdate()
    staying = Enrollment.objects.active_on(today).filter(program__program_staff__staff=manager, end_date=None)
    stays = staying.order_by("start_date", "pk").select_related("client", "program")[:4]
    if len(stays) < 4:  # the agency was made as of a day long before or after this one
        return 0
    first, second, third, fourth = stays
    program = Program.objects.filter(capacity_current__gt=0).order_by("name").first()
    barred = {"client": fourth.client, "scope": "program", "program": fourth.program, "start_date": today}
    drafts = (
        (manager, approvals.Draft(Client, first.client, {"phone_number": "416-555-0142"}), "New number"),
        (manager, approvals.Draft(Client, second.client, {"preferred_name": "Sunny"}), "Asked to be called so"),
        (manager, approvals.Draft(Enrollment, third, {"end_date": today}), "Moved out this morning"),
        (
            manager,
            approvals.Draft(Restriction, None, barred | {"reason": "Threatened a worker"}),
            "Incident of last night",
        ),
        (
            leader,
            approvals.Draft(
                Program,
                program,
                {
                    "capacity_current": program.capacity_current + 4,
                    "capacity_effective_date": today + timedelta(days=14),
                },
            ),
            "Two rooms are ready after the renovation",
        ),
    )
    for actor, draft, reason in drafts:
        approvals.submit([draft], actor=actor, reason=reason)
    return len(drafts)
