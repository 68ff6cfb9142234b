"""What people and the system decided about two clients being one person, and what the system decides by."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from core.models.base import AuditedModel, uuid_key
from core.models.clients import Client
from core.models.triggers import no_truncate


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


class MatchKey(models.Model):
    """One of the hashes by which a client is found as a candidate. Written by the database alone (ccd_keep_keys)."""

    pk = models.CompositePrimaryKey("key", "client")
    key = models.BigIntegerField()
    client = models.ForeignKey(
        Client, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="+"
    )

    class Meta:
        db_table = "client_keys"
        triggers = [no_truncate()]

    def __str__(self) -> str:
        return f"{self.key:x}"


class LinkSettings(AuditedModel):
    """How far the system may go by itself; one row. Without it the defaults hold (core.linking.parameters)."""

    class Mode(models.TextChoices):
        """What a score may do."""

        OFF = "off", "Off: identifiers and equal name and date only"
        SUGGEST = "suggest", "Suggest: hold what may be one person, link nothing by score"
        AUTOMATIC = "automatic", "Automatic: link what is clear, hold what is possible"

    settings_id = uuid_key()
    single = models.BooleanField(default=True, db_default=True, unique=True, editable=False)
    mode = models.CharField(max_length=10, choices=Mode, default=Mode.AUTOMATIC, db_default="automatic")
    auto_bits = models.FloatField("link from", default=8.0, db_default=8.0)
    hold_bits = models.FloatField("hold from", default=0.0, db_default=0.0)
    margin_bits = models.FloatField("margin to the next", default=5.0, db_default=5.0)

    class Meta(AuditedModel.Meta):
        db_table = "link_settings"
        verbose_name = "linking"
        verbose_name_plural = "linking"
        constraints = [
            models.CheckConstraint(condition=Q(single=True), name="link_settings_one_row"),
            models.CheckConstraint(
                condition=Q(auto_bits__gte=F("hold_bits")),
                name="link_settings_auto_above_hold",
                violation_error_message="What is linked by itself must be at least as sure as what is held.",
            ),
            models.CheckConstraint(
                condition=Q(auto_bits__range=(0, 60), hold_bits__range=(-60, 60), margin_bits__range=(0, 60)),
                name="link_settings_in_range",
                violation_error_message="Bits lie between -60 and 60; linking by itself needs at least 0.",
            ),
            models.CheckConstraint(condition=Q(mode__in=["off", "suggest", "automatic"]), name="link_settings_mode"),
        ]

    def __str__(self) -> str:
        return "Linking"


class LinkModel(models.Model):
    """What was measured of one's own clients: how often values and levels agree by chance (u) and in one person (m)."""

    version = models.AutoField(primary_key=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    clients = models.IntegerField()
    trained_on = models.IntegerField(default=0)
    m = models.JSONField()
    u = models.JSONField()
    frequencies = models.JSONField()

    class Meta:
        db_table = "link_models"
        ordering = ["-version"]

    def __str__(self) -> str:
        return f"version {self.version}"


class ClientPair(models.Model):
    """Two clients who may be one person, as find_duplicates last found them; the smaller key first."""

    pair_id = models.BigAutoField(primary_key=True)
    client = models.ForeignKey(Client, on_delete=models.CASCADE, related_name="+")
    other = models.ForeignKey(Client, on_delete=models.CASCADE, related_name="+")
    score = models.FloatField()
    evidence = models.JSONField()
    found_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        db_table = "client_pairs"
        ordering = ["-score", "pair_id"]
        constraints = [
            models.CheckConstraint(condition=Q(client__lt=F("other")), name="pair_ordered"),
            models.UniqueConstraint(fields=["client", "other"], name="pair_once"),
        ]
        indexes = [models.Index(fields=["-score", "pair_id"], name="pair_nearest")]

    def __str__(self) -> str:
        return f"{self.client} and {self.other}"
