"""Enrollments, intakes and discharges, and the one definition of *active* and *served*.

A client is active in a program from start_date through end_date, both included; served in a period when active on at
least one of its days. Every screen, report, count and right uses the two queryset methods here.
"""

from datetime import date
from typing import Self

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import ArrayField, DateRangeField, RangeBoundary, RangeOperators
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F, Func, Q
from django.db.models.functions import Now
from django.utils import timezone

from core.models.base import AuditedModel, TimestampedModel, days_readable, uuid_key
from core.models.clients import Client
from core.models.programs import Program
from core.models.triggers import Touch, audited


def _edited_fields() -> ArrayField:
    """Fields a person edited, kept by the trigger ccd_touch: a file that disagrees does not overwrite them."""
    empty = models.Value([], ArrayField(models.TextField()))
    return ArrayField(models.CharField(max_length=60), default=list, db_default=empty, editable=False)


class _DateRange(Func):
    function = "daterange"
    output_field = DateRangeField()


class EnrollmentQuerySet(models.QuerySet):
    """The one definition of active and served."""

    def active_on(self, day: date) -> Self:
        """Active on `day`: started on or before it, not ended before it."""
        return self.filter(Q(end_date__isnull=True) | Q(end_date__gte=day), start_date__lte=day)

    def active_between(self, first: date, last: date) -> Self:
        """Active on at least one day from `first` through `last`, both included."""
        return self.filter(Q(end_date__isnull=True) | Q(end_date__gte=first), start_date__lte=last)

    def halves_active_between(self, first: date, last: date) -> tuple[Self, Self]:
        """The same as two sets without a row in common, open stays and ended ones: each is one range of the index
        enrollment_days, while their OR would read the table.
        """
        started = self.filter(start_date__lte=last)
        return started.filter(end_date__isnull=True), started.filter(end_date__gte=first)


class Enrollment(TimestampedModel):
    """A client in a program from start_date through end_date, both included; open where end_date is empty."""

    enrollment_id = uuid_key()
    client = models.ForeignKey(Client, on_delete=models.PROTECT, related_name="enrollments")
    program = models.ForeignKey(
        Program,
        on_delete=models.PROTECT,
        related_name="enrollments",
        db_index=False,  # enrollment_of_program begins with it
    )
    start_date = models.DateField()
    end_date = models.DateField(null=True, blank=True, help_text="The last day in the program, included.")
    override_reason = models.CharField(
        max_length=500,
        null=True,
        blank=True,
        help_text="Required to enroll a client in spite of an active restriction.",
    )
    edited_fields = _edited_fields()

    objects = EnrollmentQuerySet.as_manager()

    class Meta(TimestampedModel.Meta):
        db_table = "client_program_enrollments"
        ordering = ["-start_date", "enrollment_id"]
        constraints = [
            days_readable("enrollment_days_readable", "start_date", "end_date"),
            models.CheckConstraint(
                condition=Q(end_date__isnull=True) | Q(end_date__gte=F("start_date")),
                name="enrollment_ends_after_start",
                violation_error_message="The end date is before the start date.",
            ),
            ExclusionConstraint(
                name="enrollment_no_overlap",
                expressions=[
                    ("client", RangeOperators.EQUAL),
                    ("program", RangeOperators.EQUAL),
                    (
                        _DateRange("start_date", "end_date", RangeBoundary(inclusive_lower=True, inclusive_upper=True)),
                        RangeOperators.OVERLAPS,
                    ),
                ],
                violation_error_message="The client is in this program during those days already: end that "
                "enrollment first, or choose other dates.",
            ),
        ]
        indexes = [
            models.Index(fields=["end_date", "start_date"], include=["client", "program"], name="enrollment_days"),
            models.Index(
                fields=["program", "end_date"], include=["client", "start_date"], name="enrollment_of_program"
            ),
            models.Index(fields=["program"], condition=Q(end_date__isnull=True), name="enrollment_open"),
            models.Index(fields=["-start_date", "enrollment_id"], name="enrollment_list_order"),
        ]
        triggers = [*audited(hidden=("edited_fields",), by_file=True), Touch(remembered=("end_date",))]

    def __str__(self) -> str:
        return f"{self.client} in {self.program} from {self.start_date}"

    def clean(self) -> None:
        """A field error first: the exclusion constraint cannot even be asked with the dates the wrong way round."""
        require_order(self, "The end date is before the start date.")

    def is_active_on(self, day: date) -> bool:
        """The definition above, for one row."""
        return self.start_date <= day and (self.end_date is None or self.end_date >= day)

    def is_active_between(self, first: date, last: date) -> bool:
        """The same for a period: on at least one of its days."""
        return self.start_date <= last and (self.end_date is None or self.end_date >= first)

    @property
    def is_active(self) -> bool:
        """Active today, local date."""
        return self.is_active_on(timezone.localdate())


def require_order(record: models.Model, sentence: str) -> None:
    """Raise a ValidationError on end_date where `record` ends before it starts."""
    if record.start_date and record.end_date and record.end_date < record.start_date:
        raise ValidationError({"end_date": sentence})


class Intake(AuditedModel):
    """A client was taken in for a program on a day, as a source or a person reported."""

    intake_id = uuid_key()
    client = models.ForeignKey(
        Client,
        on_delete=models.PROTECT,
        related_name="intakes",
        db_index=False,  # intake_of_client begins with it
    )
    program = models.ForeignKey(Program, on_delete=models.PROTECT, related_name="intakes")
    intake_date = models.DateField()
    source_system = models.CharField("source", max_length=40, null=True, blank=True)

    class Meta(AuditedModel.Meta):
        db_table = "intakes"
        ordering = ["-intake_date", "intake_id"]
        constraints = [days_readable("intake_day_readable", "intake_date")]
        indexes = [models.Index(fields=["client", "program", "intake_date"], name="intake_of_client")]

    def __str__(self) -> str:
        return f"{self.client} taken in for {self.program} on {self.intake_date}"


class Discharge(AuditedModel):
    """A client left a program on a day, with the reason given."""

    discharge_id = uuid_key()
    client = models.ForeignKey(
        Client,
        on_delete=models.PROTECT,
        related_name="discharges",
        db_index=False,  # discharge_of_client begins with it
    )
    program = models.ForeignKey(Program, on_delete=models.PROTECT, related_name="discharges")
    discharge_date = models.DateField()
    reason = models.CharField(max_length=500, null=True, blank=True)
    updated_at = models.DateTimeField(db_default=Now(), editable=False)
    edited_fields = _edited_fields()

    class Meta(AuditedModel.Meta):
        db_table = "discharges"
        ordering = ["-discharge_date", "discharge_id"]
        constraints = [days_readable("discharge_day_readable", "discharge_date")]
        indexes = [models.Index(fields=["client", "program", "discharge_date"], name="discharge_of_client")]
        triggers = [*audited(hidden=("edited_fields",), by_file=True), Touch(remembered=("reason",))]

    def __str__(self) -> str:
        return f"{self.client} discharged from {self.program} on {self.discharge_date}"
