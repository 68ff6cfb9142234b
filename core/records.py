"""The one writer of canonical rows by hand: create, change, end, remove.

Every verb has four beats under one transaction: lock and guard, require the right, act narrowly, record. What is
written is what differs; nothing different writes nothing. A refusal is core.errors.Invalid (per field), NotAllowed or
Conflict; then nothing was written.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from typing import Any

import reversion
from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.db import IntegrityError, models
from reversion.models import Version

from core import audit, barring, rules
from core.errors import Conflict, Invalid
from core.models import Client, Discharge, Enrollment, Restriction, Role, Staff, StaffRole
from core.normalise import tidy

Values = Mapping[str, Any]


def create(
    model: type[models.Model], *, actor: Staff | None, values: Values, reason: str | None = None
) -> models.Model:
    """A new row of `model` from `values` (field name → value). A discharge also ends the enrollment it falls in, by
    whichever record of the person.

    Raises NotAllowed, Invalid, Conflict.
    """
    with audit.acting(actor, channel="admin", reason=reason):
        rules.require(actor, _permission("add", model))
        record = model(**tidied(model, values))
        _guard(record, actor)
        _save(record, actor, reason or "Created", force_insert=True)
        if isinstance(record, Discharge):
            _end_enrollment(record, actor, reason)
        return record


def change(record: models.Model, *, actor: Staff | None, values: Values, reason: str | None = None) -> frozenset[str]:
    """Set `values` on the record as it is now in the database. Returns the names of the fields that differed.

    Raises NotAllowed, Invalid, Conflict.
    """
    model = type(record)
    with audit.acting(actor, channel="admin", reason=reason):
        locked = model._default_manager.select_for_update(of=("self",), no_key=True).get(pk=record.pk)
        rules.require(actor, _permission("change", model), locked)
        wanted = tidied(model, values)
        changed = frozenset(name for name, value in wanted.items() if getattr(locked, name) != value)
        if changed:
            _keep_first(locked)
            for name in changed:
                setattr(locked, name, wanted[name])
            _guard(locked, actor, changed)
            _save(locked, actor, reason or "Changed " + ", ".join(sorted(changed)), update_fields=changed)
        return changed


def end(record: Enrollment | Restriction, *, actor: Staff | None, on: date, reason: str | None = None) -> bool:
    """Set the last day of an enrollment or a restriction. False where it ended that day already."""
    return bool(change(record, actor=actor, values={"end_date": on}, reason=reason))


def remove(record: models.Model, *, actor: Staff | None, reason: str | None = None) -> None:
    """Delete a row entered by mistake, where rules and database let it be deleted. The log keeps what it held."""
    model = type(record)
    with audit.acting(actor, channel="admin", reason=reason):
        locked = model._default_manager.select_for_update(of=("self",)).get(pk=record.pk)
        rules.require(actor, _permission("delete", model), locked)
        with explained(locked):
            locked.delete()


def set_roles(staff: Staff, *, actor: Staff | None, roles: Iterable[Role], reason: str | None = None) -> bool:
    """Give exactly these roles to a staff member. False where nothing differed. Raises NotAllowed, Invalid."""
    with audit.acting(actor, channel="admin", reason=reason):
        locked = Staff.objects.select_for_update().get(pk=staff.pk)
        rules.require(actor, "core.change_staff", locked)
        held = {row.role_id for row in StaffRole.objects.filter(staff=locked)}
        wanted = {role.pk for role in roles}
        if actor is not None and actor.pk == locked.pk and held != wanted:
            raise Invalid({"roles": ["No one changes their own roles: ask another administrator."]})
        StaffRole.objects.filter(staff=locked, role_id__in=held - wanted).delete()
        StaffRole.objects.bulk_create(StaffRole(staff=locked, role_id=key) for key in wanted - held)
        return held != wanted


def _permission(verb: str, model: type[models.Model]) -> str:
    return f"core.{verb}_{model._meta.model_name}"


def tidied(model: type[models.Model], values: Values) -> dict[str, Any]:
    """Texts without stray spaces; a blank text of a nullable column is NULL, the one word for missing."""
    found = {}
    for name, value in values.items():
        field = model._meta.get_field(name)
        if isinstance(value, str) and isinstance(field, models.CharField):
            value = tidy(value)
        if value in ("", [], {}) and field.null:
            value = None
        found[name] = value
    return found


def _guard(record: models.Model, actor: Staff | None, changed: frozenset[str] | None = None) -> None:
    """Validate as a whole; enrolling in spite of a restriction needs the right and a reason. Who enrolls a person and
    who bars the same person wait for each other.
    """
    if isinstance(record, Enrollment | Restriction) and record.client_id is not None:
        list(Client.objects.of_person(record.client_id).order_by("pk").select_for_update(no_key=True).values_list("pk"))
    if check(record, changed, barred=actor is not None):
        rules.require(actor, "core.override_restriction", record)
    if isinstance(record, Staff) and actor is not None and record.pk == actor.pk and not record.active:
        raise Invalid({"active": ["No one closes their own account: ask another administrator."]})


def check(record: models.Model, changed: frozenset[str] | None = None, *, barred: bool = True) -> bool:
    """Validate as a whole; `changed` names the fields that differ, None all of a new row. `barred=False` leaves
    restrictions out. True where it enrolls in spite of one, with the reason that this needs. Raises Invalid.
    """
    excluded = {f.name for f in record._meta.fields if f.generated}
    try:
        record.full_clean(exclude=excluded)
    except ValidationError as error:
        raise Invalid(faults(error)) from None
    moves = changed is None or changed & {"client", "program", "start_date", "end_date", "override_reason"}
    return bool(barred and isinstance(record, Enrollment) and moves) and barring.in_spite(record, changed)


def faults(error: ValidationError) -> dict[str, list[str]]:
    """Django's complaint as the faults of an Invalid."""
    found = error.message_dict if hasattr(error, "error_dict") else {NON_FIELD_ERRORS: error.messages}
    return {"" if name == NON_FIELD_ERRORS else name: list(sentences) for name, sentences in found.items()}


def _end_enrollment(discharge: Discharge, actor: Staff | None, reason: str | None) -> None:
    """Of the person's enrollments, by whichever record; their own first."""
    open_ones = Enrollment.objects.active_on(discharge.discharge_date).filter(
        client__in=Client.objects.of_person(discharge.client_id), program=discharge.program_id
    )
    enrollment = min(open_ones, key=lambda found: found.client_id != discharge.client_id, default=None)
    if enrollment is not None:
        end(enrollment, actor=actor, on=discharge.discharge_date, reason=reason or "Discharged")


def _save(record: models.Model, actor: Staff | None, comment: str, **how: Any) -> None:
    """Save with a snapshot where the History tab keeps one."""
    with explained(record):
        if not reversion.is_registered(type(record)):
            record.save(**how)
            return
        with reversion.create_revision(atomic=False):
            record.save(**how)
            reversion.set_comment(comment)
            if actor is not None:
                reversion.set_user(actor)


def _keep_first(record: models.Model) -> None:
    """A snapshot of what stands before the first change by hand, where none is kept: rows that came by SQL or COPY."""
    if reversion.is_registered(type(record)) and not Version.objects.get_for_object(record).exists():
        with reversion.create_revision(atomic=False):
            reversion.add_to_revision(record)
            reversion.set_comment("As it stood before the first change by hand")


@contextmanager
def explained(record: models.Model) -> Iterator[None]:
    """What only the database could see, another person being faster, becomes a sentence, not a traceback."""
    try:
        yield
    except models.ProtectedError:
        raise Conflict("Other records hang on this one; it cannot be deleted. Close it instead.") from None
    except IntegrityError as error:
        name = getattr(getattr(error.__cause__, "diag", None), "constraint_name", None)
        for constraint in record._meta.constraints:
            if constraint.name == name:
                raise Conflict(str(constraint.violation_error_message)) from error
        primary = getattr(getattr(error.__cause__, "diag", None), "message_primary", None)
        raise Conflict(f"The database refused this: {primary or error}.") from error
