"""Proposals: edits that wait for a second person."""

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from core.choices import CHANGE_KINDS, CHANGE_STATUSES, PENDING
from core.models.base import AuditedModel, uuid_key
from core.models.triggers import Call


class PendingChange(AuditedModel):
    """A proposal. Its content is fixed when it is sent; once decided it never moves again (trigger)."""

    change_id = uuid_key()
    entity = models.CharField(max_length=63)
    entity_id = models.UUIDField()
    kind = models.CharField(max_length=10, choices=CHANGE_KINDS, default="change", db_default="change")
    diff_json = models.JSONField()
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, db_column="requested_by", on_delete=models.PROTECT, related_name="proposals"
    )
    requested_at = models.DateTimeField(db_default=Now())
    reason = models.TextField(null=True, blank=True)
    group_id = models.UUIDField(null=True, blank=True)
    client_id = models.UUIDField(null=True, blank=True)
    status = models.CharField(max_length=10, choices=CHANGE_STATUSES, default=PENDING, db_default=PENDING)
    withdrawn = models.BooleanField(default=False, db_default=False)
    reviewed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        db_column="reviewed_by",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="decisions",
    )
    reviewed_at = models.DateTimeField(null=True, blank=True)
    rationale = models.TextField(null=True, blank=True)

    class Meta(AuditedModel.Meta):
        db_table = "pending_changes"
        verbose_name = "proposal"
        ordering = ["requested_at", "change_id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(status__in=[status for status, _ in CHANGE_STATUSES]), name="change_status_known"
            ),
            models.CheckConstraint(
                condition=Q(reviewed_by__isnull=True) | ~Q(reviewed_by=F("requested_by")),
                name="change_not_decided_by_requester",
                violation_error_message="No one decides on their own proposal.",
            ),
            models.CheckConstraint(
                condition=Q(withdrawn=False) | Q(status="declined"), name="change_withdrawn_declined"
            ),
        ]
        indexes = [
            models.Index(fields=["requested_at"], condition=Q(status=PENDING), name="change_waiting"),
            models.Index(fields=["entity", "entity_id"], name="change_of_record"),
            models.Index(fields=["requested_by", "requested_at"], name="change_of_requester"),
        ]
        triggers = [
            *AuditedModel.Meta.triggers,
            Call(
                "ccd_keep_proposal",
                name="kept",
                when=pgtrigger.Before,
                operation=pgtrigger.Update | pgtrigger.Delete,
            ),
        ]

    def __str__(self) -> str:
        what = {"create": "New row in", "change": "Change in", "delete": "Deletion from"}.get(self.kind, "Proposal for")
        return f"{what} {self.entity.replace('_', ' ')}"

    @property
    def before(self) -> dict[str, object]:
        """The record's values when it was proposed."""
        return self.diff_json.get("before") or {}

    @property
    def after(self) -> dict[str, object]:
        """The proposed values."""
        return self.diff_json.get("after") or {}
