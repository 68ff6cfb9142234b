"""One revision for a daily file: a snapshot of every record it wrote, in bulk, for the History tab.

django-reversion sees no set-based write, so its rows are made here from the same columns its serializer would use.
"""

from uuid import UUID

from django.contrib.contenttypes.models import ContentType
from django.db import models
from django.db.backends.utils import CursorWrapper
from django.utils import timezone
from reversion.models import Revision

from core.models import Client, Discharge, Enrollment, Intake, Staff

MODELS = (Client, Enrollment, Intake, Discharge)


def snapshot(cursor: CursorWrapper, batch: UUID, *, actor: Staff | None, comment: str, after: int = 0) -> None:
    """Keep a version of every record that the log says this batch created or changed, `after` a position in the log."""
    revision = Revision.objects.create(date_created=timezone.now(), user=actor, comment=comment)
    for model in MODELS:
        _versions(cursor, model, revision.pk, batch, after)


def _versions(cursor: CursorWrapper, model: type[models.Model], revision: int, batch: UUID, after: int) -> None:
    table, key = model._meta.db_table, model._meta.pk.column
    cursor.execute(
        f"""
        INSERT INTO reversion_version (revision_id, content_type_id, object_id, db, format, object_repr,
                                       serialized_data)
        SELECT %s, %s, t.{key}::text, 'default', 'json', %s, json_build_array(json_build_object(
            'model', %s, 'pk', t.{key}, 'fields', {_fields(model)}))::text
        FROM {table} t WHERE t.{key} IN (
            SELECT entity_id FROM audit_log WHERE reference_id = %s AND entity = %s AND position > %s)
        """,
        [
            revision,
            ContentType.objects.get_for_model(model).pk,
            str(model._meta.verbose_name),
            model._meta.label_lower,
            batch,
            table,
            after,
        ],
    )


def _fields(model: type[models.Model]) -> str:
    """SQL: the object that reversion's JSON serializer would write for the row."""
    names = [f for f in model._meta.local_fields if f.serialize and not f.generated]
    pairs = ", ".join(f"'{f.name}', {_value(f)}" for f in names)
    return f"json_build_object({pairs})"


def _value(field: models.Field) -> str:
    """Arrays are text to Django's serializer, everything else as jsonb writes it."""
    column = f"t.{field.column}"
    if field.get_internal_type() == "ArrayField" or type(field).__name__ == "ArrayField":
        return f"to_jsonb({column})::text"
    return column
