"""Runs of reports that someone kept: what was asked, what was counted, and a seal on who was counted."""

from django.conf import settings
from django.db import models
from django.db.models.functions import Now

from core.models.base import AuditedModel, uuid_key


class ReportRun(AuditedModel):
    """One answer of a report as it stood. Who was counted is not kept, only the hash of their keys: the audit log after
    `position` says what has moved since, and the hash proves it.
    """

    run_id = uuid_key()
    report = models.CharField(max_length=60)
    parameters = models.JSONField()
    rows = models.JSONField()
    people = models.IntegerField()
    people_sha256 = models.CharField(max_length=64)
    position = models.BigIntegerField(help_text="The last audit entry it knew of.")
    kept_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, db_column="kept_by", on_delete=models.PROTECT, null=True, related_name="+"
    )
    kept_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta(AuditedModel.Meta):
        db_table = "report_runs"
        verbose_name = "kept run"
        ordering = ["-kept_at"]
        constraints = [models.CheckConstraint(condition=models.Q(people__gte=0), name="run_people_not_negative")]
        indexes = [models.Index(fields=["report", "-kept_at"], name="run_of_report")]

    def __str__(self) -> str:
        return f"{self.report} of {self.kept_at:%Y-%m-%d}"
