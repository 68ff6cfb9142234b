"""Who may do what: roles, predicates, permissions, and visible_to(), their queryset twin.

`allows(user, permission, record)` is the one question about one record, `visible_to(user, Model)` the same question
about many; a test holds them to the same answer. Predicates answer for lists when the record is None: may this person
open the list at all. There is no superuser: has_perm of Django would let one pass before any rule is asked, hence
allows().
"""

from collections.abc import Iterable
from datetime import date, timedelta

import rules
from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.db import models
from django.db.models import Q
from django.utils import timezone

from core.choices import ADMINISTRATOR, ANALYST, COORDINATOR, LEADER, MANAGER, PENDING, STAFF
from core.errors import NotAllowed
from core.models import (
    AccessEntry,
    AuditEntry,
    Client,
    ClientAssignment,
    ClientIdentifier,
    ClientLink,
    ClientPair,
    Department,
    Discharge,
    Enrollment,
    ImportBatch,
    ImportRow,
    Intake,
    LinkSettings,
    PendingChange,
    Program,
    ProgramCapacity,
    ProgramStaff,
    ProposalNote,
    ReportRun,
    Restriction,
    Role,
    RowAnswer,
    SourceDisagreement,
    SourceSettings,
    Staff,
    StaffRole,
    UnmappedValue,
)
from core.models.assigned import AssignedTo

User = Staff | AnonymousUser

DIRECT = frozenset({ADMINISTRATOR, COORDINATOR})
PROPOSING = frozenset({MANAGER, LEADER})
SEEING_ALL = DIRECT | PROPOSING | {ANALYST}
EVERYONE = SEEING_ALL | {STAFF}
REPORTING = SEEING_ALL
EXPORTING = DIRECT | {ANALYST}

# What hangs on a client, and the path to it.
CLIENT_RECORDS = (ClientIdentifier, Enrollment, Intake, Discharge, Restriction)
# Tables whose audit entries managers and leaders may read: those of the records they see.
SEEN_TABLES = tuple(
    model._meta.db_table for model in (Client, *CLIENT_RECORDS, Program, ProgramCapacity, ProgramStaff, Department)
)


def roles_of(user: User) -> frozenset[str]:
    """Names of the roles of someone who may log in; nothing for anyone else."""
    if not user.is_authenticated or not user.is_active:
        return frozenset()
    return user.role_names


def has_role(user: User, names: Iterable[str]) -> bool:
    """In at least one of these roles."""
    return not roles_of(user).isdisjoint(names)


def _in(names: frozenset[str], label: str) -> rules.Predicate:
    return rules.Predicate(lambda user: has_role(user, names), name=label)


may_edit = _in(DIRECT, "may_edit")
may_propose = _in(PROPOSING, "may_propose")
may_report = _in(REPORTING, "may_report")
may_export = _in(EXPORTING, "may_export")
is_administrator = _in(frozenset({ADMINISTRATOR}), "is_administrator")
has_any_role = _in(EVERYONE, "has_any_role")
sees_departments = _in(SEEING_ALL, "sees_departments")


@rules.predicate
def is_visible(user: User, record: models.Model | None) -> bool:
    """The record is one of visible_to(); without a record: someone with a role may open the list, which is scoped."""
    if record is None:
        return has_role(user, EVERYONE)
    if isinstance(record, str):
        raise TypeError("rules are asked about records, not about their keys")
    return visible_to(user, type(record)).filter(pk=record.pk).exists()


@rules.predicate
def is_own_proposal(user: User, change: PendingChange | None) -> bool:
    """Asked for by this person."""
    return change is not None and change.requested_by_id == user.pk


@rules.predicate
def is_waiting(user: User, change: PendingChange | None) -> bool:
    """Not decided yet."""
    return change is None or change.status == PENDING


def sees_every_client(user: User) -> bool:
    """What this person sees of clients does not hang on assignments. Who does not is held by the database as well."""
    return has_role(user, SEEING_ALL)


def assigned_period() -> tuple[date, date]:
    """The days of an enrollment that count: the first of the last CCD_ASSIGNED_DAYS days, and today."""
    today = timezone.localdate()
    return today - timedelta(days=settings.CCD_ASSIGNED_DAYS), today


def assigned_stays(user: Staff) -> models.QuerySet:
    """Enrollments now or in the last CCD_ASSIGNED_DAYS days in a program of this person."""
    return Enrollment.objects.active_between(*assigned_period()).filter(program__program_staff__staff=user)


def grants(user: Staff) -> models.QuerySet:
    """Clients granted to this person by name, through the last day."""
    return ClientAssignment.objects.filter(user=user).filter(
        Q(end_date__isnull=True) | Q(end_date__gte=timezone.localdate())
    )


def _is_assigned(user: Staff, client: str, *, linked: bool = False) -> Q:
    """The client in the column `client` is one of assigned_stays() or grants(), or the one that such a client is linked
    to; with `linked` also what else is linked to one of these. The database finds the set: ccd_clients_of().
    """
    since, today = assigned_period()
    return Q(AssignedTo(client, staff=user.pk, since=since, today=today, linked=linked))


def visible_to(user: User, model: type[models.Model]) -> models.QuerySet:
    """The rows of `model` this person may see: in lists, forms, choices, search, exports, counts."""
    return model._default_manager.filter(_scope(user, model))


def _scope(user: User, model: type[models.Model]) -> Q:
    """The condition behind visible_to(). A model not named here is seen by no one."""
    nothing = Q(pk__in=[])
    held = roles_of(user)
    if not held:
        return nothing
    scope = _SCOPES.get(model)
    return scope(user, held) if scope else nothing


def _clients(user: Staff, held: frozenset[str]) -> Q:
    return Q() if held & SEEING_ALL else _is_assigned(user, "pk")


def _of_client(user: Staff, held: frozenset[str]) -> Q:
    return Q() if held & SEEING_ALL else _is_assigned(user, "client", linked=True)


def _programs(user: Staff, held: frozenset[str]) -> Q:
    return Q() if held & SEEING_ALL else Q(pk__in=_own_places(user).values("program"))


def _of_program(user: Staff, held: frozenset[str]) -> Q:
    return Q() if held & SEEING_ALL else Q(program__in=_own_places(user).values("program"))


def _departments(user: Staff, held: frozenset[str]) -> Q:
    return Q() if held & SEEING_ALL else Q(pk__in=_own_places(user).values("program__department"))


def _own_places(user: Staff) -> models.QuerySet:
    return ProgramStaff.objects.filter(staff=user)


def _colleagues(user: Staff, held: frozenset[str]) -> Q:
    if held & SEEING_ALL:
        return Q()
    there = ProgramStaff.objects.filter(program__in=_own_places(user).values("program"))
    return Q(pk=user.pk) | Q(pk__in=there.values("staff"))


def _proposals(user: Staff, held: frozenset[str]) -> Q:
    if held & DIRECT:
        return Q()
    return Q(requested_by=user) if held & PROPOSING else Q(pk__in=[])


def _notes(user: Staff, held: frozenset[str]) -> Q:
    if held & DIRECT:
        return Q()
    return Q(change__requested_by=user) if held & PROPOSING else Q(pk__in=[])


def _audit_entries(user: Staff, held: frozenset[str]) -> Q:
    if held & EXPORTING:
        return Q()
    if not held & PROPOSING:
        return Q(pk__in=[])
    own = PendingChange.objects.filter(requested_by=user).values("pk")
    own_notes = ProposalNote.objects.filter(change__requested_by=user).values("pk")
    return (
        Q(entity__in=SEEN_TABLES)
        | Q(entity=PendingChange._meta.db_table, entity_id__in=own)
        | Q(entity=ProposalNote._meta.db_table, entity_id__in=own_notes)
    )


def _for_roles(names: frozenset[str]) -> object:
    return lambda user, held: Q() if held & names else Q(pk__in=[])


_SCOPES = {
    Client: _clients,
    **dict.fromkeys(CLIENT_RECORDS, _of_client),
    Program: _programs,
    ProgramCapacity: _of_program,
    ProgramStaff: _of_program,
    Department: _departments,
    Staff: _colleagues,
    Role: _for_roles(EVERYONE),
    StaffRole: _for_roles(frozenset({ADMINISTRATOR})),
    PendingChange: _proposals,
    ProposalNote: _notes,
    AuditEntry: _audit_entries,
    AccessEntry: _for_roles(frozenset({ADMINISTRATOR})),
    ClientAssignment: _for_roles(DIRECT),
    ReportRun: _for_roles(REPORTING),
    ImportBatch: _for_roles(DIRECT),
    ImportRow: _for_roles(DIRECT),
    RowAnswer: _for_roles(DIRECT),
    SourceDisagreement: _for_roles(DIRECT),
    SourceSettings: _for_roles(DIRECT),
    UnmappedValue: _for_roles(DIRECT),
    ClientLink: _for_roles(DIRECT),
    ClientPair: _for_roles(DIRECT),
    LinkSettings: _for_roles(frozenset({ADMINISTRATOR})),
}


def _register() -> None:
    """Every permission there is. Verbs: view, add, change, propose, delete; then those that are not about one table."""
    rules.add_perm("core", has_any_role)
    for model in (Client, *CLIENT_RECORDS, Program, ProgramStaff):
        _records(model, view=is_visible)
    _records(Department, view=sees_departments & is_visible)
    for model in (ProgramCapacity, Restriction, Client, Program, Department):
        rules.set_perm(f"core.delete_{model._meta.model_name}", rules.always_false)
    rules.add_perm("core.view_programcapacity", is_visible)
    for model in (ClientAssignment,):
        for verb in ("view", "add", "change", "delete"):
            rules.add_perm(f"core.{verb}_{model._meta.model_name}", may_edit)
    for model in (ImportBatch, ImportRow, RowAnswer, SourceDisagreement, ClientLink, ClientPair):
        rules.add_perm(f"core.view_{model._meta.model_name}", may_edit)
    for verb in ("view", "add", "change"):
        rules.add_perm(f"core.{verb}_sourcesettings", may_edit)
    for model in (Staff, StaffRole):
        for verb in ("view", "add", "change"):
            rules.add_perm(f"core.{verb}_{model._meta.model_name}", is_administrator)
    rules.add_perm("core.view_linksettings", is_administrator)
    rules.add_perm("core.change_linksettings", is_administrator)
    rules.add_perm("core.view_auditentry", (may_export | may_propose) & is_visible)
    rules.add_perm("core.view_accessentry", is_administrator)
    rules.add_perm("core.view_client_access", may_edit & is_visible)
    rules.add_perm("core.see_as", is_administrator)
    rules.add_perm("core.view_pendingchange", (may_edit | may_propose) & is_visible)
    rules.add_perm("core.approve_change", may_edit & ~is_own_proposal & is_waiting)
    rules.add_perm("core.view_proposalnote", (may_edit | may_propose) & is_visible)
    rules.add_perm("core.withdraw_change", is_own_proposal & is_waiting)
    rules.add_perm("core.answer_change", is_own_proposal & is_waiting)
    rules.add_perm("core.ingest_files", may_edit)
    rules.add_perm("core.undo_batch", may_edit & is_visible)
    rules.add_perm("core.answer_rows", may_edit)
    rules.add_perm("core.decide_disagreements", may_edit)
    rules.add_perm("core.link_clients", may_edit)
    rules.add_perm("core.override_restriction", may_edit)
    rules.add_perm("core.restore_version", is_administrator)
    rules.add_perm("core.view_report", may_report)
    rules.add_perm("core.keep_report", may_report)
    rules.add_perm("core.view_reportrun", may_report & is_visible)
    rules.add_perm("core.export_rows", may_export)


def _records(model: type[models.Model], *, view: rules.Predicate) -> None:
    name = model._meta.model_name
    rules.add_perm(f"core.view_{name}", view)
    rules.add_perm(f"core.add_{name}", may_edit)
    rules.add_perm(f"core.change_{name}", may_edit & is_visible)
    rules.add_perm(f"core.propose_{name}", may_propose & is_visible)
    rules.add_perm(f"core.delete_{name}", may_edit & is_visible)


_register()


def allows(user: User, permission: str, record: models.Model | None = None) -> bool:
    """The one question. An unknown permission raises KeyError: a misspelt name must not be a quiet no."""
    if not rules.perm_exists(permission):
        raise KeyError(permission)
    return bool(roles_of(user)) and rules.has_perm(permission, user, record)


def require(user: User | None, permission: str, record: models.Model | None = None) -> None:
    """Raise NotAllowed where allows() says no. None is the system itself: commands and the daily file."""
    if user is not None and not allows(user, permission, record):
        raise NotAllowed("You have no right to do this.")
