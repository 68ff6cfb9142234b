"""Proposals: edits that wait for a second person, and what is asked and answered about them meanwhile."""

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from core.choices import APPROVED, CHANGE_KINDS, CHANGE_STATUSES, DECLINED, NOTE_KINDS, PENDING
from core.models.base import AuditedModel, uuid_key
from core.models.triggers import Call, Refuse


class PendingChange(AuditedModel):
    """A proposal. Its content is fixed when it is sent; once decided it never moves again, and no one decides on their
    own (trigger). `is_sent_back`: it waits for an answer of the one who asked, see ProposalNote.
    """

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
    is_sent_back = models.BooleanField("sent back", default=False, db_default=False)
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
            models.CheckConstraint(
                condition=Q(status=PENDING, reviewed_by__isnull=True)
                | Q(status=APPROVED, reviewed_by__isnull=False)
                | Q(status=DECLINED, withdrawn=True, reviewed_by__isnull=True)
                | Q(status=DECLINED, withdrawn=False, reviewed_by__isnull=False),
                name="change_decided_by_someone",
                violation_error_message="A decision names who decided; what waits or was withdrawn names no one.",
            ),
            models.CheckConstraint(condition=Q(is_sent_back=False) | Q(status=PENDING), name="change_sent_back_waits"),
        ]
        indexes = [
            models.Index(fields=["requested_at"], condition=Q(status=PENDING), name="change_waiting"),
            models.Index(fields=["entity", "entity_id"], name="change_of_record"),
            models.Index(fields=["requested_by", "requested_at"], name="change_of_requester"),
            models.Index(fields=["client_id"], condition=Q(status=PENDING), name="change_of_client"),
            models.Index(fields=["group_id"], condition=Q(group_id__isnull=False), name="change_of_group"),
        ]
        triggers = [
            *AuditedModel.Meta.triggers,
            Call(
                "ccd_keep_proposal",
                name="kept",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert | pgtrigger.Update | pgtrigger.Delete,
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


class ProposalNote(AuditedModel):
    """A question of who decides, or the answer of who asked. Said once, it stays."""

    note_id = uuid_key()
    change = models.ForeignKey(PendingChange, on_delete=models.PROTECT, related_name="notes")
    author = models.ForeignKey(settings.AUTH_USER_MODEL, db_column="author", on_delete=models.PROTECT, related_name="+")
    said_at = models.DateTimeField(db_default=Now())
    kind = models.CharField(max_length=10, choices=NOTE_KINDS)
    text = models.TextField()

    class Meta(AuditedModel.Meta):
        db_table = "proposal_notes"
        verbose_name = "note on a proposal"
        verbose_name_plural = "notes on proposals"
        ordering = ["said_at", "note_id"]
        constraints = [
            models.CheckConstraint(condition=Q(kind__in=[kind for kind, _ in NOTE_KINDS]), name="note_kind_known"),
            models.CheckConstraint(condition=~Q(text__regex=r"^\s*$"), name="note_says_something"),
        ]
        triggers = [
            *AuditedModel.Meta.triggers,
            Refuse(
                "what was said about a proposal stays as it was said",
                name="append_only",
                operation=pgtrigger.Update | pgtrigger.Delete,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} about {self.change}"
