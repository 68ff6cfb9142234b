"""What the agency sets of a source, beside the file that declares it."""

from datetime import time

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from core.models.base import TimestampedModel, uuid_key


def weekdays() -> list[int]:
    """Monday to Friday."""
    return [1, 2, 3, 4, 5]


class SourceSettings(TimestampedModel):
    """What the agency sets of one source beside its TOML file: when files are due, and when one is held whole.

    A source without a row has the defaults. Shares are between 0 and 1; rows are measured against the median of the
    files of the last 28 days.
    """

    settings_id = uuid_key()
    source_system = models.CharField("source", max_length=40, unique=True)
    expected_days = ArrayField(
        models.SmallIntegerField(),
        default=weekdays,
        db_default=models.Value([1, 2, 3, 4, 5], ArrayField(models.SmallIntegerField())),
        help_text="Days on which a file is due, 1 for Monday to 7 for Sunday.",
        blank=True,
    )
    expected_by = models.TimeField("due by", default=time(9), db_default=time(9))
    holds_files = models.BooleanField("hold unusual files", default=True, db_default=True)
    open_share = models.FloatField("held and rejected rows at most", default=0.5, db_default=0.5)
    renamed_share = models.FloatField("known people renamed at most", default=0.05, db_default=0.05)
    least_rows = models.FloatField("rows at least, of the median", default=0.5, db_default=0.5)
    most_rows = models.FloatField("rows at most, of the median", default=2.0, db_default=2.0)

    header_aliases = models.JSONField(default=dict, db_default={}, blank=True)  # the source's header → column
    value_maps = models.JSONField(default=dict, db_default={}, blank=True)  # column → {the source's word: our value}
    program_names = models.JSONField(default=dict, db_default={}, blank=True)  # the source's name → program_id
    date_formats = ArrayField(
        models.CharField(max_length=20),
        default=list,
        db_default=models.Value([], ArrayField(models.TextField())),
        blank=True,
    )  # strptime formats, beside the file's own

    class Meta(TimestampedModel.Meta):
        db_table = "source_settings"
        verbose_name = "source"
        ordering = ["source_system"]
        constraints = [
            models.CheckConstraint(
                condition=Q(expected_days__contained_by=[1, 2, 3, 4, 5, 6, 7]), name="source_days_of_the_week"
            ),
            models.CheckConstraint(
                condition=Q(open_share__range=(0, 1), renamed_share__range=(0, 1), least_rows__range=(0, 1)),
                name="source_shares_are_shares",
                violation_error_message="Shares lie between 0 and 100 percent.",
            ),
            models.CheckConstraint(
                condition=Q(most_rows__range=(1, 1000)),
                name="source_most_rows_above_median",
                violation_error_message="The most rows are at least the median: 100 percent.",
            ),
        ]

    def __str__(self) -> str:
        return self.source_system


class UnmappedValue(models.Model):
    """A word of a source that is none of ours, or a program name that leads to none, as its files last had it."""

    value_id = models.BigAutoField(primary_key=True)
    source_system = models.CharField("source", max_length=40)
    column = models.CharField(max_length=40)
    value = models.CharField(max_length=200)
    rows = models.IntegerField()  # of the last file that had it
    files = models.IntegerField(default=1, db_default=1)
    last_seen = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "unmapped_values"
        ordering = ["column", "-rows", "value"]
        constraints = [models.UniqueConstraint(fields=["source_system", "column", "value"], name="unmapped_value_once")]

    def __str__(self) -> str:
        return f"{self.column}: {self.value}"
