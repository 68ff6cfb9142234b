"""Departments, programs, who works in them, and how many places they have from which day."""

import pgtrigger
from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone

from core.models.base import AuditedModel, TimestampedModel, days_readable, uuid_key
from core.models.people import Staff
from core.models.triggers import Call, audited


class Department(TimestampedModel):
    """A part of the agency; has programs."""

    department_id = uuid_key()
    name = models.CharField(max_length=200)
    owner = models.CharField(max_length=200, null=True, blank=True, help_text="Who answers for the department.")

    class Meta(TimestampedModel.Meta):
        db_table = "departments"
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(
                Lower("name"),
                name="department_name_unique",
                violation_error_message="A department with this name exists already.",
            ),
            models.CheckConstraint(
                condition=~models.Q(name__regex=r"^\s*$"),
                name="department_name_given",
                violation_error_message="A department needs a name.",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Program(TimestampedModel):
    """A program or service of a department. Closed, never deleted."""

    program_id = uuid_key()
    name = models.CharField(max_length=200)
    department = models.ForeignKey(Department, on_delete=models.PROTECT, related_name="programs")
    location = models.CharField(max_length=200, null=True, blank=True)
    capacity_current = models.IntegerField(
        "capacity", null=True, blank=True, help_text="Places. Leave empty where the program has no fixed number."
    )
    capacity_effective_date = models.DateField(
        "capacity holds from",
        null=True,
        blank=True,
        help_text="The first day this capacity holds. For a new capacity give its new first day: earlier days keep "
        "the old one. Leaving the date as it is corrects the capacity back to that day.",
    )
    closed_on = models.DateField(null=True, blank=True, help_text="The last day the program ran.")
    staff = models.ManyToManyField(Staff, through="ProgramStaff", related_name="programs")

    class Meta(TimestampedModel.Meta):
        db_table = "programs"
        verbose_name = "program"
        verbose_name_plural = "programs & services"
        ordering = ["name", "department__name"]
        constraints = [
            days_readable("program_days_readable", "capacity_effective_date", "closed_on"),
            models.UniqueConstraint(
                Lower("name"),
                "department",
                name="program_name_unique",
                violation_error_message="This department has a program with this name already.",
            ),
            models.CheckConstraint(
                condition=models.Q(capacity_current__gte=0),
                name="program_capacity_not_negative",
                violation_error_message="Capacity cannot be negative.",
            ),
        ]
        triggers = [
            *TimestampedModel.Meta.triggers,
            Call("ccd_capacity", name="capacity", when=pgtrigger.After, operation=pgtrigger.Insert | pgtrigger.Update),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_closed(self) -> bool:
        """Its last day is over, local date."""
        return self.closed_on is not None and self.closed_on < timezone.localdate()


class ProgramCapacity(AuditedModel):
    """Capacity of a program from a day on; without a day, since ever. Kept by the database from the program's two
    capacity columns, so that a report as of a past day still finds what held then.
    """

    capacity_id = uuid_key()
    program = models.ForeignKey(Program, on_delete=models.PROTECT, related_name="capacities")
    capacity = models.IntegerField(null=True, blank=True)
    effective_date = models.DateField("holds from", null=True, blank=True)

    class Meta(AuditedModel.Meta):
        db_table = "program_capacities"
        verbose_name_plural = "program capacities"
        ordering = [models.F("effective_date").desc(nulls_last=True)]
        constraints = [
            models.UniqueConstraint(
                fields=["program", "effective_date"], nulls_distinct=False, name="capacity_one_per_day"
            ),
            models.CheckConstraint(condition=models.Q(capacity__gte=0), name="capacity_not_negative"),
            days_readable("capacity_day_readable", "effective_date"),
        ]

    def __str__(self) -> str:
        places = "no fixed number" if self.capacity is None else f"{self.capacity} places"
        return f"{places} from {self.effective_date or 'the start'}"


class ProgramStaff(AuditedModel):
    """A staff member works in a program, perhaps as one of its managers."""

    program_staff_id = uuid_key()
    program = models.ForeignKey(Program, on_delete=models.PROTECT, related_name="program_staff")
    staff = models.ForeignKey(Staff, on_delete=models.PROTECT, related_name="program_staff")
    is_manager = models.BooleanField("manager", default=False, db_default=False)

    class Meta(AuditedModel.Meta):
        db_table = "program_staff"
        verbose_name = "staff member of the program"
        verbose_name_plural = "staff of the program"
        constraints = [
            models.UniqueConstraint(
                fields=["program", "staff"],
                name="program_staff_once",
                violation_error_message="This staff member works in the program already.",
            )
        ]
        triggers = audited(key="program_id")

    def __str__(self) -> str:
        return f"{self.staff} in {self.program}"
