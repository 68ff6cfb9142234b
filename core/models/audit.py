"""The audit log and the access log. Both are append-only; the first is written by trigger alone, of the second the
owner may remove what is older than a year.
"""

import pgtrigger
from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models.functions import Now

from core.choices import AUDIT_ACTIONS, CHANNELS
from core.models.base import uuid_key
from core.models.triggers import Call, append_only, no_truncate


class AuditEntry(models.Model):
    """One recorded event: who, when, by which road, before and after."""

    audit_id = uuid_key()
    entity = models.CharField(max_length=63)
    entity_id = models.UUIDField(null=True)
    action = models.CharField(max_length=10, choices=AUDIT_ACTIONS)
    changed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        db_column="changed_by",
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        db_index=False,  # audit_by_actor begins with it
    )
    changed_at = models.DateTimeField(db_default=Now())
    diff_json = models.JSONField()
    channel = models.CharField(max_length=40, choices=CHANNELS)
    reference_id = models.UUIDField(null=True)
    client_id = models.UUIDField(null=True)
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        db_column="requested_by",
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        db_index=False,  # audit_by_requester, of the few that have one
    )
    reason = models.TextField(null=True)
    position = models.BigIntegerField(
        unique=True, db_default=models.Func(models.Value("audit_log_position"), function="nextval")
    )

    class Meta:
        db_table = "audit_log"
        verbose_name = "audit entry"
        verbose_name_plural = "audit log"
        ordering = ["-position"]
        indexes = [
            models.Index(fields=["entity", "entity_id", "position"], name="audit_of_record"),
            models.Index(fields=["client_id", "position"], name="audit_of_client"),
            models.Index(fields=["changed_at"], name="audit_by_time"),
            models.Index(fields=["changed_by", "position"], name="audit_by_actor"),
            models.Index(fields=["reference_id"], name="audit_by_reference"),
            models.Index(
                fields=["requested_by"], name="audit_by_requester", condition=models.Q(requested_by__isnull=False)
            ),
        ]
        triggers = [
            *append_only("audit_log"),
            Call(
                "ccd_only_by_trigger",
                name="by_trigger",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert,
                level=pgtrigger.Statement,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_action_display()} {self.entity}"


class AccessEntry(models.Model):
    """Someone looked: who, when, at what, at which clients, how many."""

    access_id = uuid_key()
    staff = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    accessed_at = models.DateTimeField(db_default=Now())
    action = models.CharField(max_length=40)
    entity = models.CharField(max_length=63, null=True)
    client_ids = ArrayField(models.UUIDField(), null=True)
    number = models.IntegerField(null=True)
    detail = models.TextField(null=True)

    class Meta:
        db_table = "access_log"
        verbose_name = "access entry"
        verbose_name_plural = "access log"
        ordering = ["-accessed_at"]
        indexes = [
            GinIndex(fields=["client_ids"], name="access_of_client"),
            models.Index(fields=["staff", "accessed_at"], name="access_by_staff"),
        ]
        triggers = [
            Call(
                "ccd_keep_looks",
                name="append_only",
                when=pgtrigger.Before,
                operation=pgtrigger.Update | pgtrigger.Delete,
            ),
            no_truncate(),
        ]

    def __str__(self) -> str:
        return f"{self.action} {self.entity or ''}".strip()
