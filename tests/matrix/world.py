"""One small agency in which every hidden value is a canary. Built once per module, and anew for the second world."""

from dataclasses import dataclass, field
from datetime import date, timedelta
from uuid import UUID

from django.contrib.auth.models import Permission
from django.contrib.contenttypes.models import ContentType
from django.db import models
from django.utils import timezone

from core import audit
from core.choices import ADMINISTRATOR, ANALYST, COORDINATOR, LEADER, MANAGER, STAFF
from core.models import (
    AccessEntry,
    AuditEntry,
    Client,
    ClientAssignment,
    ClientIdentifier,
    ClientLink,
    Department,
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
    Role,
    SourceDisagreement,
    Staff,
    StaffRole,
)
from tests.conftest import ensure_roles
from tests.matrix.canaries import Canaries, key

# Account → role. "rival" and "insider" are no personas: they own what others may not see.
ACCOUNTS: dict[str, str | None] = {
    "administrator": ADMINISTRATOR,
    "coordinator": COORDINATOR,
    "manager": MANAGER,
    "leader": LEADER,
    "analyst": ANALYST,
    "worker": STAFF,
    "elsewhere": STAFF,
    "rival": MANAGER,
    "norole": None,
    "deactivated": ADMINISTRATOR,
    "demoted": ADMINISTRATOR,
}
# Whose names hang on a place; those who have no role see their own on the log-in page.
_NAMED = {"elsewhere": "clinic", "worker": "own", "manager": "own"} | dict.fromkeys(
    ("norole", "deactivated", "demoted"), "outsider"
)
STARTED = date(2024, 1, 1)
MODELS = (
    *(Client, Department, Program, Enrollment, Intake, Discharge, Restriction, ClientIdentifier),
    *(PendingChange, ImportBatch, ClientLink, Staff, AuditEntry, ClientAssignment, AccessEntry),
)


@dataclass
class World:
    """Keys by model name and tag: keys["client"]["own"]. `extra`: the place that has one person more than in the
    other world."""

    canaries: Canaries
    extra: str = ""
    keys: dict[str, dict[str, UUID]] = field(default_factory=dict)
    staff: dict[str, Staff] = field(default_factory=dict)
    # What stands in tables that every request reads: accounts, programs, departments. The database hides none of it.
    open: frozenset[str] = frozenset()

    def make(self, model: type[models.Model], tag: str, name: str = "", /, **values: object) -> models.Model:
        """A row of `model` with a key of its own, kept under its tag unless it has a name."""
        label = model._meta.model_name
        record = model(**{model._meta.pk.name: key(f"{label} {tag} {name}"), **values})
        record.save(force_insert=True)
        if not name:
            self.keys.setdefault(label, {})[tag] = record.pk
        return record

    def text(self, tag: str) -> str:
        return self.canaries.text(tag)


def build(*, differ: frozenset[str] = frozenset(), extra: str = "") -> World:
    """The world; the texts of the tags `differ` end otherwise, and the place `extra` has one person more."""
    world = World(Canaries(differ), extra)
    with audit.acting(None, channel="command"):
        _people(world)
        workers = {"own": ("worker", "manager"), "clinic": ("elsewhere",), "granted": (), "lapsed": ()}
        places = {tag: _place(world, tag, names) for tag, names in workers.items()}
        world.open = frozenset(text.lower() for text in world.canaries.made)
        ended = timezone.localdate() - timedelta(days=200)
        for tag, place in places.items():
            _client(world, tag, place, end=None if workers[tag] else ended)
        _client(world, "past", places["own"], end=ended)
        if extra:
            _client(world, "extra", places[extra])
        _grants(world)
        _desk(world)
        _deleted(world, places["own"])
    for name in ("manager", "leader", "rival"):
        _proposal(world, name)
    _log(world)
    return world


def _people(world: World) -> None:
    ensure_roles()
    for name, role in ACCOUNTS.items():
        tag = _NAMED.get(name, "people")
        staff = world.make(
            Staff,
            name,
            first_name=world.text(tag),
            last_name=world.text(tag),
            email=f"{world.text(tag)}@example.org",
            password=f"!{world.text('secret')}",
        )
        world.staff[name] = staff
        if role:
            StaffRole.objects.create(staff=staff, role=Role.objects.get(name=role))


def _place(world: World, tag: str, workers: tuple[str, ...]) -> Program:
    department = world.make(Department, tag, name=world.text(tag), owner=world.text(tag))
    program = world.make(
        Program, tag, name=world.text(tag), department=department, location=world.text(tag), capacity_current=10
    )
    for name in workers:
        world.make(ProgramStaff, tag, name, program=program, staff=world.staff[name])
    return program


def _client(world: World, tag: str, program: Program, end: date | None = None) -> Client:
    text, c = world.text, world.canaries
    client = world.make(
        Client,
        tag,
        **{name: text(tag) for name in ("first_name", "last_name", "preferred_name", "alias", "gender", "race")},
        **{name: text(tag) for name in ("sexual_orientation", "immigration_status", "image", "uid_external")},
        dob=c.day(tag),
        languages_spoken=[text(tag)],
        phone_number=c.phone(tag),
        email=f"{text(tag)}@example.org",
        address={"street": text(tag), "unit": text(tag), "city": text(tag), "postal_code": text(tag)},
    )
    here = {"client": client, "program": program}
    world.make(ClientIdentifier, tag, client=client, source_system="SMIS", uid_external=text(tag))
    world.make(Enrollment, tag, **here, start_date=STARTED, end_date=end, override_reason=text(tag))
    world.make(Intake, tag, **here, intake_date=STARTED, source_system=text(tag))
    world.make(Discharge, tag, **here, discharge_date=end or STARTED, reason=text(tag))
    world.make(Restriction, tag, **here, scope="program", start_date=STARTED, end_date=end, reason=text(tag))
    return client


def _grants(world: World) -> None:
    view = Permission.objects.get_or_create(
        content_type=ContentType.objects.get_for_model(Client), codename="view_client", defaults={"name": "view"}
    )[0]
    yesterday = timezone.localdate() - timedelta(days=1)
    for tag, end in (("granted", None), ("lapsed", yesterday)):
        world.make(
            ClientAssignment,
            tag,
            user=world.staff["worker"],
            permission=view,
            content_object_id=world.keys["client"][tag],
            end_date=end,
            reason=world.text("grant"),
        )


def _desk(world: World) -> None:
    """Daily files, what they disagree about, and a verdict: for coordinators."""
    text, clients = world.text, world.keys["client"]
    for tag, status in (("applied", "applied"), ("previewed", "previewed")):
        batch = world.make(
            ImportBatch,
            tag,
            source_system="SMIS",
            file_name=f"{text('batchname')}.csv",
            sha256=key(tag).hex * 2,
            size=10,
            status=status,
            summary={"rows": 1, "held": 1},
            headers=[text("batch")],
            notes=[text("batch")],
            reason=text("batch"),
            created_by=world.staff["coordinator"],
        )
        ImportRow.objects.create(
            batch=batch,
            row_number=1,
            outcome="held",
            reason=text("batch"),
            note=text("batch"),
            client_id=clients["own"],
            cells=[text("batch")],
        )
    ImportFile.objects.create(batch=batch, content=text("batch").encode(), preview={"rows": [], "changes": []})
    SourceDisagreement.objects.create(
        client_id=clients["own"],
        entity="clients",
        entity_id=clients["own"],
        field="race",
        source_system="SMIS",
        ours=text("desk"),
        theirs=text("desk"),
        batch=batch,
        row_number=1,
    )
    first, second = sorted((clients["own"], clients["clinic"]))
    world.make(
        ClientLink,
        "desk",
        client_id=first,
        other_id=second,
        verdict="not_same",
        reason=text("desk"),
        evidence={"told": text("desk")},
    )


def _proposal(world: World, name: str) -> None:
    """About the client whom all of them see; what it says is its requester's alone until it is decided."""
    tag = f"proposal{name}"
    with audit.acting(world.staff[name], channel="approval", reason=world.text(tag)):
        world.make(
            PendingChange,
            name,
            entity="clients",
            entity_id=world.keys["client"]["own"],
            client_id=world.keys["client"]["own"],
            diff_json={"before": {"alias": "was"}, "after": {"alias": world.text(tag)}},
            requested_by=world.staff[name],
            reason=world.text(tag),
        )


def _deleted(world: World, program: Program) -> None:
    """Rows that were there: of the kinds that can be deleted at all."""
    gone = world.make(Client, "deleted", first_name="Gone", last_name="Person")
    here = {"client": gone, "program": program}
    rows = [
        world.make(Enrollment, "deleted", **here, start_date=STARTED),
        world.make(Intake, "deleted", **here, intake_date=STARTED),
        world.make(Discharge, "deleted", **here, discharge_date=STARTED),
        world.make(Program, "deleted", name="Gone program", department=program.department),
        world.make(Department, "deleted", name="Gone department"),
        gone,
    ]
    for row in rows:
        if isinstance(row, Program):
            row.capacities.all().delete()
        row.delete()


def _log(world: World) -> None:
    """What someone looked at; and which audit entries stand for what each role may read."""
    world.make(
        AccessEntry,
        "access",
        staff=world.staff["administrator"],
        action="view",
        entity="clients",
        client_ids=[world.keys["client"]["clinic"]],
        detail=world.text("access"),
    )
    entries = AuditEntry.objects.order_by("position")
    first = {
        "own": entries.filter(entity="clients", entity_id=world.keys["client"]["own"]),
        "desk": entries.filter(entity="client_links"),
        "staff": entries.filter(entity="staff"),
        "rival": entries.filter(entity="pending_changes", changed_by=world.staff["rival"]),
    }
    world.keys["auditentry"] = {tag: found.first().pk for tag, found in first.items()}
