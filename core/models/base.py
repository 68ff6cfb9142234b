"""What every business table has: a UUID key that raw SQL gets, too, true timestamps, and its audit."""

import uuid
from datetime import date

from django.contrib.postgres.functions import RandomUUID
from django.db import models
from django.db.models.functions import Now

from core.models.triggers import Touch, audited


def uuid_key() -> models.UUIDField:
    """The primary key: made in Python by the ORM, by the database for raw SQL and COPY."""
    return models.UUIDField(primary_key=True, default=uuid.uuid4, db_default=RandomUUID(), editable=False)


def days_readable(name: str, *fields: str) -> models.CheckConstraint:
    """Days of the years 1 through 9999, or none. PostgreSQL knows more, and 'infinity': no page could show one."""
    return models.CheckConstraint(
        condition=models.Q(**{f"{field}__range": (date.min, date.max) for field in fields}),
        name=name,
        violation_error_message="A date is a day of the years 1 through 9999, or left empty.",
    )


class Folded(models.Func):
    """ccd_fold(text): lower case, no accents, no spaces, no punctuation; NULL stays NULL."""

    function = "ccd_fold"
    output_field = models.TextField()


class AuditedModel(models.Model):
    """A business table: no row is written without its audit entry, and it cannot be truncated."""

    class Meta:
        abstract = True
        triggers = audited()


class TimestampedModel(AuditedModel):
    """A business table with created_at and updated_at, both kept by the database."""

    created_at = models.DateTimeField(db_default=Now(), editable=False)
    updated_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta(AuditedModel.Meta):
        abstract = True
        triggers = [*AuditedModel.Meta.triggers, Touch()]
