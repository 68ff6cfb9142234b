"""Versions of a record, as django-reversion keeps them, and restoring one: an ordinary change, logged and versioned.

Reversion's own revert is not used: it writes every object of a revision, of whatever model, and asks no rule.
"""

from typing import Any
from uuid import UUID

import reversion
from django.db import models
from django.utils import timezone
from reversion.errors import RevertError
from reversion.models import Version

from core import audit, records, rules
from core.errors import Conflict, Invalid
from core.models import Staff


def is_versioned(model: type[models.Model]) -> bool:
    """Versions of its records are kept."""
    return reversion.is_registered(model)


def versions_of(record: models.Model) -> models.QuerySet[Version]:
    """What is kept of the record, newest first, with who wrote it and why."""
    return Version.objects.get_for_object(record).select_related("revision__user")


def version_of(record: models.Model, key: int) -> Version | None:
    """One version of this very record."""
    return versions_of(record).filter(pk=key).first()


def values_in(version: Version, model: type[models.Model]) -> dict[str, Any]:
    """Field name → value as it was, of the fields people edit; foreign keys as keys. What is no field any more is left
    out, a field that came later is not in it. Raises Conflict where the version cannot be read.
    """
    try:
        kept = version.field_dict
    except RevertError as error:
        raise Conflict("This version cannot be read any more.") from error
    return {f.name: kept[f.attname] for f in _open_fields(model) if f.attname in kept}


def restore(record: models.Model, version: Version, *, actor: Staff, reason: str) -> frozenset[str]:
    """Give the record the values it had in this version. Returns the names of the fields that differed.

    Raises NotAllowed (administrators alone), Invalid without a reason or where the old values do not hold any more,
    Conflict for a version of another record, or one that refers to what is not there any more.
    """
    with audit.acting(actor, channel="admin", reason=f"Restored the version of {_day(version)}: {reason.strip()}"):
        rules.require(actor, "core.restore_version", record)
        if not reason.strip():
            raise Invalid({"reason": ["Say why: it stands in the history."]})
        if version_of(record, version.pk) is None:
            raise Conflict("This is a version of another record.")
        model = type(record)
        values = {name: _found(model, name, value) for name, value in values_in(version, model).items()}
        return records.change(record, actor=actor, values=values, reason=f"Restored the version of {_day(version)}")


def _open_fields(model: type[models.Model]) -> list[models.Field]:
    return [f for f in model._meta.concrete_fields if f.editable and not f.primary_key and not f.generated]


def _found(model: type[models.Model], name: str, value: Any) -> Any:
    field = model._meta.get_field(name)
    if value is None or not isinstance(field, models.ForeignKey):
        return value
    related = field.related_model._default_manager.filter(pk=UUID(str(value))).first()
    if related is None:
        raise Conflict(f"The {field.related_model._meta.verbose_name} of this version is not there any more.")
    return related


def _day(version: Version) -> str:
    return timezone.localtime(version.revision.date_created).strftime("%Y-%m-%d %H:%M")
