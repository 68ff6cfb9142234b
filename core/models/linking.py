"""What people and the system decided about two clients being one person."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from core.models.base import AuditedModel, uuid_key
from core.models.clients import Client


class ClientLink(AuditedModel):
    """A verdict on two clients: the same person (a link, until it is unlinked) or, for ever, not the same.

    Of a pair marked not the same, `client` is the one with the smaller key. Of a link, `client` is the one that points
    to `other`, whose record is shown.
    """

    class Verdict(models.TextChoices):
        """Same, or not the same."""

        SAME = "same", "Same person"
        NOT_SAME = "not_same", "Not the same"

    link_id = uuid_key()
    client = models.ForeignKey(Client, on_delete=models.PROTECT, related_name="links")
    other = models.ForeignKey(Client, on_delete=models.PROTECT, related_name="links_to")
    verdict = models.CharField(max_length=10, choices=Verdict)
    reason = models.TextField(null=True, blank=True)
    evidence = models.JSONField(null=True, blank=True)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        db_column="decided_by",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
    )
    decided_at = models.DateTimeField(db_default=Now(), editable=False)
    undone_at = models.DateTimeField(null=True, blank=True)
    undone_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        db_column="undone_by",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
    )

    class Meta(AuditedModel.Meta):
        db_table = "client_links"
        verbose_name = "link"
        verbose_name_plural = "duplicates"
        ordering = ["-decided_at"]
        constraints = [
            models.CheckConstraint(condition=~Q(client=F("other")), name="link_two_clients"),
            models.CheckConstraint(
                condition=Q(verdict="same") | Q(client__lt=F("other")), name="link_not_same_ordered"
            ),
            models.UniqueConstraint(
                fields=["client", "other"], condition=Q(verdict="not_same"), name="link_not_same_once"
            ),
            models.UniqueConstraint(
                fields=["client"], condition=Q(verdict="same", undone_at__isnull=True), name="link_one_at_a_time"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.client} and {self.other}: {self.get_verdict_display().lower()}"
