"""Files too long for a request wait in a queue, and say how far the worker is."""

import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("core", "0051_sources"),
    ]

    operations = [
        migrations.AlterField(
            model_name="importbatch",
            name="status",
            field=models.CharField(
                choices=[
                    ("previewed", "Waiting for confirmation"),
                    ("queued", "Waiting for its turn"),
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
            name="ImportProgress",
            fields=[
                (
                    "batch",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="progress",
                        serialize=False,
                        to="core.importbatch",
                    ),
                ),
                ("kind", models.CharField(choices=[("preview", "Preview"), ("apply", "Taking in")], max_length=10)),
                ("stage", models.CharField(db_default="", default="", max_length=20)),
                ("number", models.IntegerField(db_default=0, default=0)),
                ("total", models.IntegerField(db_default=0, default=0)),
                ("is_stopping", models.BooleanField(db_default=False, default=False)),
                ("changed_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                (
                    "actor",
                    models.ForeignKey(
                        db_column="actor",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "db_table": "import_progress",
            },
        ),
    ]
