"""Service restrictions: a bar with scope and dates. They are ended, never deleted or moved."""

from datetime import date
from typing import Self

import pgtrigger
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from core.choices import SCOPE_ORG, SCOPE_PROGRAM, SCOPES
from core.models.base import TimestampedModel, days_readable, uuid_key
from core.models.clients import Client
from core.models.enrollment import require_order
from core.models.programs import Program
from core.models.triggers import Call


class RestrictionQuerySet(models.QuerySet):
    """Active, upcoming and expired as of a day; a restriction ending today is active all of today."""

    def active_on(self, day: date) -> Self:
        """In force on `day`."""
        return self.filter(Q(end_date__isnull=True) | Q(end_date__gte=day), start_date__lte=day)

    def upcoming_on(self, day: date) -> Self:
        """Starts after `day`."""
        return self.filter(start_date__gt=day)

    def expired_on(self, day: date) -> Self:
        """Ended before `day`."""
        return self.filter(end_date__lt=day)


class Restriction(TimestampedModel):
    """A client is barred from the whole organization or from one program, from start_date through end_date."""

    restriction_id = uuid_key()
    client = models.ForeignKey(Client, on_delete=models.PROTECT, related_name="restrictions")
    scope = models.CharField(max_length=10, choices=SCOPES)
    program = models.ForeignKey(Program, on_delete=models.PROTECT, null=True, blank=True, related_name="restrictions")
    start_date = models.DateField()
    end_date = models.DateField(
        null=True, blank=True, help_text="The last day in force, included. Empty: until further notice."
    )
    reason = models.TextField(null=True, blank=True)

    objects = RestrictionQuerySet.as_manager()

    class Meta(TimestampedModel.Meta):
        db_table = "service_restrictions"
        verbose_name = "restriction"
        ordering = ["-start_date", "restriction_id"]
        constraints = [
            days_readable("restriction_days_readable", "start_date", "end_date"),
            models.CheckConstraint(
                condition=Q(scope=SCOPE_ORG, program__isnull=True) | Q(scope=SCOPE_PROGRAM, program__isnull=False),
                name="restriction_scope_fits",
                violation_error_message="A restriction of one program names the program; one of the whole "
                "organization names none.",
            ),
            models.CheckConstraint(
                condition=Q(end_date__isnull=True) | Q(end_date__gte=F("start_date")),
                name="restriction_ends_after_start",
                violation_error_message="The end date is before the start date.",
            ),
        ]
        indexes = [models.Index(fields=["end_date", "start_date"], name="restriction_days")]
        triggers = [
            *TimestampedModel.Meta.triggers,
            Call(
                "ccd_keep_restriction",
                name="kept",
                when=pgtrigger.Before,
                operation=pgtrigger.Update | pgtrigger.Delete,
            ),
        ]

    def __str__(self) -> str:
        where = self.program if self.scope == SCOPE_PROGRAM else "the whole organization"
        return f"{self.client} barred from {where} from {self.start_date}"

    def clean(self) -> None:
        """A field error beside the constraint."""
        require_order(self, "The end date is before the start date.")

    def state_on(self, day: date) -> str:
        """'upcoming', 'active' or 'expired' as of `day`."""
        if self.start_date > day:
            return "upcoming"
        return "expired" if self.end_date is not None and self.end_date < day else "active"

    @property
    def state(self) -> str:
        """State today, local date."""
        return self.state_on(timezone.localdate())
