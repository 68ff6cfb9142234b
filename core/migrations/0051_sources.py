"""What the agency sets of a source: when its files are due, and when one is held whole."""

import datetime
import uuid

import django.contrib.postgres.fields
import django.contrib.postgres.functions
import django.db.models.functions.datetime
import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations, models

import core.models.sources
import core.models.triggers


class Migration(migrations.Migration):
    dependencies = [
        ("core", "0050_taking_files_back"),
    ]

    operations = [
        migrations.AlterField(
            model_name="importbatch",
            name="status",
            field=models.CharField(
                choices=[
                    ("previewed", "Waiting for confirmation"),
                    ("running", "Running"),
                    ("applied", "Applied"),
                    ("refused", "Refused"),
                    ("cancelled", "Cancelled"),
                    ("interrupted", "Interrupted"),
                    ("undone", "Taken back"),
                    ("held", "Held whole"),
                ],
                default="running",
                max_length=12,
            ),
        ),
        migrations.CreateModel(
            name="SourceSettings",
            fields=[
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                ),
                (
                    "updated_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                ),
                (
                    "settings_id",
                    models.UUIDField(
                        db_default=django.contrib.postgres.functions.RandomUUID(),
                        default=uuid.uuid4,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("source_system", models.CharField(max_length=40, unique=True, verbose_name="source")),
                (
                    "expected_days",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.SmallIntegerField(),
                        blank=True,
                        db_default=models.Value(
                            [1, 2, 3, 4, 5],
                            django.contrib.postgres.fields.ArrayField(base_field=models.SmallIntegerField(), size=None),
                        ),
                        default=core.models.sources.weekdays,
                        help_text="Days on which a file is due, 1 for Monday to 7 for Sunday.",
                        size=None,
                    ),
                ),
                (
                    "expected_by",
                    models.TimeField(
                        db_default=datetime.time(9, 0), default=datetime.time(9, 0), verbose_name="due by"
                    ),
                ),
                ("holds_files", models.BooleanField(db_default=True, default=True, verbose_name="hold unusual files")),
                (
                    "open_share",
                    models.FloatField(db_default=0.5, default=0.5, verbose_name="held and rejected rows at most"),
                ),
                (
                    "renamed_share",
                    models.FloatField(db_default=0.05, default=0.05, verbose_name="known people renamed at most"),
                ),
                (
                    "least_rows",
                    models.FloatField(db_default=0.5, default=0.5, verbose_name="rows at least, of the median"),
                ),
                (
                    "most_rows",
                    models.FloatField(db_default=2.0, default=2.0, verbose_name="rows at most, of the median"),
                ),
            ],
            options={
                "verbose_name": "source",
                "db_table": "source_settings",
                "ordering": ["source_system"],
                "abstract": False,
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("expected_days__contained_by", [1, 2, 3, 4, 5, 6, 7])),
                        name="source_days_of_the_week",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("least_rows__range", (0, 1)),
                            ("open_share__range", (0, 1)),
                            ("renamed_share__range", (0, 1)),
                        ),
                        name="source_shares_are_shares",
                        violation_error_message="Shares lie between 0 and 100 percent.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("most_rows__range", (1, 1000))),
                        name="source_most_rows_above_median",
                        violation_error_message="The most rows are at least the median: 100 percent.",
                    ),
                ],
            },
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="sourcesettings",
            trigger=pgtrigger.compiler.Trigger(
                name="audit",
                sql=core.models.triggers.AlwaysTriggerSql(
                    execute="ccd_audit('settings_id', '', 'updated_at')",
                    func="",
                    hash="43ba4d98dd760cfaa325fd68f86ab784bc860f73",
                    operation="INSERT OR UPDATE OR DELETE",
                    pgid="pgtrigger_audit_76810",
                    table="source_settings",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="sourcesettings",
            trigger=pgtrigger.compiler.Trigger(
                name="no_truncate",
                sql=core.models.triggers.AlwaysTriggerSql(
                    execute="ccd_refuse('this table cannot be truncated: its rows are kept and every change is logged')",
                    func="",
                    hash="810cb776c0735f6651ef620ecbc05a876d4afe42",
                    level="STATEMENT",
                    operation="TRUNCATE",
                    pgid="pgtrigger_no_truncate_e7ade",
                    table="source_settings",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="sourcesettings",
            trigger=pgtrigger.compiler.Trigger(
                name="touch",
                sql=core.models.triggers.AlwaysTriggerSql(
                    execute="ccd_touch('', 'updated_at')",
                    func="",
                    hash="923364181172547a7e43ec129bdb050ce9b8af70",
                    operation="INSERT OR UPDATE",
                    pgid="pgtrigger_touch_1468c",
                    table="source_settings",
                    when="BEFORE",
                ),
            ),
        ),
    ]
