"""Rows of daily files that are known again, and how far the log was read for them."""

from django.db import migrations, models

from core.migrations import _match_keys


class Migration(migrations.Migration):
    dependencies = [
        ("core", "0054_rejects_desk"),
    ]

    operations = [
        migrations.AddField(
            model_name="importbatch",
            name="log_position",
            field=models.BigIntegerField(editable=False, null=True),
        ),
        migrations.CreateModel(
            name="RememberedRow",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "source_system", "digest", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("source_system", models.CharField(max_length=40, verbose_name="source")),
                ("digest", models.BinaryField(max_length=16)),
                ("uid_external", models.CharField(max_length=100)),
                ("client_id", models.UUIDField()),
                ("position", models.BigIntegerField()),
            ],
            options={
                "db_table": "remembered_rows",
                "indexes": [models.Index(fields=["source_system", "uid_external"], name="remembered_of_uid")],
            },
        ),
        migrations.RunSQL(_match_keys.walls(("remembered_rows",)), migrations.RunSQL.noop),
    ]
