"""Values of the log as people read them: names for keys, words for codes, an address on one line."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import cache
from typing import Any, Final
from uuid import UUID

from django.apps import apps
from django.core.exceptions import FieldDoesNotExist
from django.db import models
from django.utils import timezone
from django.utils.text import capfirst

from core import rules
from core.models import Client, PendingChange, Staff

EMPTY: Final = "—"
_ADDRESS: Final = ("street", "unit", "city", "province", "postal_code")
# Keys of rows that carry no foreign key of their own: whose they are.
_KEYS: Final = {(PendingChange, "client_id"): Client}

Wanted = dict[type[models.Model], set[str]]


@cache
def model_of(table: str) -> type[models.Model] | None:
    """The model of a table of ours."""
    return next((m for m in apps.get_models(include_auto_created=True) if m._meta.db_table == table), None)


@cache
def field_of(model: type[models.Model], column: str) -> models.Field | None:
    """The field of a column, or of a field's own name."""
    found = next((f for f in model._meta.concrete_fields if f.column == column), None)
    if found is None:
        try:
            found = model._meta.get_field(column)
        except FieldDoesNotExist:
            return None
    return found if found.concrete else None


def numbered(model: type[models.Model], number: int) -> str:
    """'1 enrollment', '3 enrollments'."""
    meta = model._meta
    return f"{number:,} {meta.verbose_name if number == 1 else meta.verbose_name_plural}"


def label_of(model: type[models.Model] | None, column: str) -> str:
    """What people call the column."""
    field = field_of(model, column) if model else None
    return capfirst(field.verbose_name if field else column.removesuffix("_id").replace("_", " "))


def refers_to(model: type[models.Model], column: str) -> type[models.Model] | None:
    """The model a key stands for."""
    field = field_of(model, column)
    if isinstance(field, models.ForeignKey):
        return field.related_model
    return _KEYS.get((model, column))


class Names:
    """Names of records, found with one query per model, of those the viewer may see."""

    def __init__(self, viewer: Staff, wanted: Wanted) -> None:
        self._found = {
            model: {str(record.pk): str(record) for record in _seen(viewer, model, keys)}
            for model, keys in wanted.items()
            if keys
        }

    def of(self, model: type[models.Model], key: object) -> str:
        """The record's name; for one that is not there, or not to be seen, its kind."""
        return self.known(model, key) or _a(model)

    def known(self, model: type[models.Model], key: object) -> str | None:
        """The record's name, or None."""
        return self._found.get(model, {}).get(str(key))


def _seen(viewer: Staff, model: type[models.Model], keys: set[str]) -> models.QuerySet:
    return rules.visible_to(viewer, model).filter(pk__in=keys)


def _a(model: type[models.Model]) -> str:
    name = str(model._meta.verbose_name)
    return f"{'an' if name[0] in 'aeiou' else 'a'} {name}"


def keys_in(model: type[models.Model], values: Mapping[str, Any]) -> Wanted:
    """The keys that stand in the values, by the model they refer to."""
    wanted: Wanted = defaultdict(set)
    for column, value in values.items():
        related = refers_to(model, column)
        if related is not None and is_key(value):
            wanted[related].add(str(value))
    return wanted


def is_key(value: object) -> bool:
    """A key, and not a text that a proposal written by hand has in its place."""
    try:
        return value is not None and bool(UUID(str(value)))
    except ValueError:
        return False


def readable(model: type[models.Model] | None, column: str, value: Any, names: Names) -> str:
    """One value of a column as people read it."""
    if value in (None, "", [], {}):
        return EMPTY
    field = field_of(model, column) if model else None
    related = refers_to(model, column) if model else None
    if related is not None:
        return names.of(related, value)
    choices = dict(field.flatchoices) if field is not None and field.choices else {}
    if isinstance(value, str) and value in choices:
        return str(choices[value])
    if isinstance(field, models.DateTimeField):
        return _local(value)
    return _plain(value)


def _local(value: Any) -> str:
    try:
        moment = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return str(value)
    return timezone.localtime(moment).strftime("%Y-%m-%d %H:%M") if moment.tzinfo else str(value)


def _plain(value: Any) -> str:
    if value in (None, ""):
        return EMPTY
    if isinstance(value, bool):
        return "Yes" if value else "No"
    if isinstance(value, list):
        return ", ".join(_plain(item) for item in value)
    if isinstance(value, Mapping):
        return _address(value) if set(value) <= set(_ADDRESS) else _pairs(value)
    return str(value)


def _address(value: Mapping[str, Any]) -> str:
    """Street and unit, city, then province and postal code, as on an envelope."""
    part = {name: str(value[name]) for name in _ADDRESS if value.get(name)}
    unit = f"unit {part['unit']}" if "unit" in part else ""
    last = " ".join(filter(None, (part.get("province"), part.get("postal_code"))))
    return ", ".join(filter(None, (part.get("street"), unit, part.get("city"), last))) or EMPTY


def _pairs(value: Mapping[str, Any]) -> str:
    return "; ".join(f"{key.replace('_', ' ')}: {_plain(item)}" for key, item in value.items())


def in_words(model: type[models.Model], rows: Iterable[Mapping[str, Any]], *, viewer: Staff) -> list[dict[str, str]]:
    """Rows of values (column → value) as people read them; names as far as the viewer may see them."""
    rows = list(rows)
    wanted: Wanted = defaultdict(set)
    for row in rows:
        for related, keys in keys_in(model, row).items():
            wanted[related] |= keys
    names = Names(viewer, wanted)
    return [{column: readable(model, column, value, names) for column, value in row.items()} for row in rows]
