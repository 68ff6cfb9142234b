"""A source in the words of the agency: its headers, values, programs and dates, and the words nobody mapped yet."""

import django.contrib.postgres.fields
import django.db.models.functions.datetime
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("core", "0052_long_files"),
    ]

    operations = [
        migrations.AddField(
            model_name="sourcesettings",
            name="date_formats",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.CharField(max_length=20),
                blank=True,
                db_default=models.Value(
                    [], django.contrib.postgres.fields.ArrayField(base_field=models.TextField(), size=None)
                ),
                default=list,
                size=None,
            ),
        ),
        migrations.AddField(
            model_name="sourcesettings",
            name="header_aliases",
            field=models.JSONField(blank=True, db_default={}, default=dict),
        ),
        migrations.AddField(
            model_name="sourcesettings",
            name="program_names",
            field=models.JSONField(blank=True, db_default={}, default=dict),
        ),
        migrations.AddField(
            model_name="sourcesettings",
            name="value_maps",
            field=models.JSONField(blank=True, db_default={}, default=dict),
        ),
        migrations.CreateModel(
            name="UnmappedValue",
            fields=[
                ("value_id", models.BigAutoField(primary_key=True, serialize=False)),
                ("source_system", models.CharField(max_length=40, verbose_name="source")),
                ("column", models.CharField(max_length=40)),
                ("value", models.CharField(max_length=200)),
                ("rows", models.IntegerField()),
                ("files", models.IntegerField(db_default=1, default=1)),
                ("last_seen", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ],
            options={
                "db_table": "unmapped_values",
                "ordering": ["column", "-rows", "value"],
                "constraints": [
                    models.UniqueConstraint(fields=("source_system", "column", "value"), name="unmapped_value_once")
                ],
            },
        ),
    ]
