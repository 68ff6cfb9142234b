"""What a proposal holds: `{"before": {column: value} | null, "after": {column: value} | null}`, the shape of audit_log.

Keys are column names, as in audit_log: a foreign key stands under `client_id`, `program_id`, with the key as text.
Values are JSON: dates in ISO form, lists, addresses as objects, null for missing. Reading also accepts a field's name.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from django.core.exceptions import FieldDoesNotExist, ValidationError
from django.db import models

from core import records
from core.errors import Conflict, Invalid
from core.models import (
    Client,
    ClientIdentifier,
    Department,
    Discharge,
    Enrollment,
    Intake,
    Program,
    ProgramStaff,
    Restriction,
)

# What can be proposed, and of it what can be removed where it was entered by mistake.
ENTITIES: dict[str, type[models.Model]] = {
    model._meta.db_table: model
    for model in (
        Client,
        ClientIdentifier,
        Department,
        Discharge,
        Enrollment,
        Intake,
        Program,
        ProgramStaff,
        Restriction,
    )
}
REMOVABLE = (ClientIdentifier, Discharge, Enrollment, Intake, ProgramStaff)

Plain = dict[str, Any]


@dataclass(frozen=True)
class Draft:
    """One edit to propose: `values` (field name → value) for `record`; a new row where record is None; kind "delete"
    for a removal. The values of a new row may hold its key, so that other drafts of the submission can refer to it.
    """

    model: type[models.Model]
    record: models.Model | None
    values: Mapping[str, Any]
    kind: str = "change"

    @property
    def is_new(self) -> bool:
        """Proposes a new row."""
        return self.record is None or self.kind == "create"


def field_of(model: type[models.Model], name: str) -> models.Field:
    """The field behind a key of the diff, by column or by name. Raises Invalid where it is not one to propose."""
    try:
        field = model._meta.get_field(name)
    except FieldDoesNotExist:
        field = next((f for f in model._meta.concrete_fields if f.column == name), None)
    if field is None or not is_open(field):
        raise Invalid({"": [f"“{name}” cannot be changed by a proposal."]})
    return field


def is_open(field: models.Field) -> bool:
    """A field people edit: no keys, nothing computed, nothing the system keeps for itself."""
    return field.concrete and field.editable and not field.primary_key and not field.generated


def plain(value: Any) -> Any:
    """A field's value as it stands in the diff."""
    if isinstance(value, models.Model):
        value = value.pk
    if isinstance(value, UUID):
        return str(value)
    return value.isoformat() if isinstance(value, date) else value


def now_of(record: models.Model) -> Plain:
    """Every value of the record that people edit, as it stands in the diff."""
    fields = [f for f in record._meta.concrete_fields if is_open(f)]
    return by_column(type(record), {f.column: plain(f.value_from_object(record)) for f in fields})


def proposed(model: type[models.Model], values: Mapping[str, Any]) -> Plain:
    """`values` (field name → value) tidied as the writer will tidy them, as they stand in the diff."""
    fields = {name: field_of(model, name) for name in values}
    named = {fields[name].name: value for name, value in values.items()}
    return {fields[name].column: plain(records.tidied(model, named)[fields[name].name]) for name in values}


def by_column(model: type[models.Model], values: Plain) -> Plain:
    """The values by column, whichever way they were named, tidied as the writer will tidy them: two texts that differ
    in stray spaces are one value, when compared and when written.
    """
    fields = {name: field_of(model, name) for name in values}
    tidied = records.tidied(model, {fields[name].name: value for name, value in values.items()})
    return {field.column: tidied[field.name] for field in fields.values()}


def values_of(model: type[models.Model], values: Plain) -> dict[str, Any]:
    """Field name → value, for the writer. Raises Invalid for a value that is none, Conflict for a record not there."""
    fields = {name: field_of(model, name) for name in values}
    return {fields[name].name: _read(fields[name], value) for name, value in values.items()}


def _read(field: models.Field, value: Any) -> Any:
    try:
        if value is None:
            return None
        if not isinstance(field, models.ForeignKey):
            return field.to_python(value)
        key = field.target_field.to_python(value)
    except ValidationError as error:
        raise Invalid({field.name: error.messages}) from None
    related = field.related_model._default_manager.filter(pk=key).first()
    if related is None:
        raise Conflict(
            f"The {field.related_model._meta.verbose_name} it refers to is not there: it may itself wait for approval."
        )
    return related


def client_of(model: type[models.Model], key: UUID, values: Plain) -> UUID | None:
    """The client whose timeline the proposal belongs to."""
    if model is Client:
        return key
    found = values.get("client_id")
    return UUID(found) if found else None
