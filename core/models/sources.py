"""What the agency sets of a source, beside the file that declares it."""

from datetime import time

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

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
    open_share = models.FloatField("held and rejected rows at most", default=0.3, db_default=0.3)
    renamed_share = models.FloatField("known people renamed at most", default=0.05, db_default=0.05)
    least_rows = models.FloatField("rows at least, of the median", default=0.5, db_default=0.5)
    most_rows = models.FloatField("rows at most, of the median", default=2.0, db_default=2.0)

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
