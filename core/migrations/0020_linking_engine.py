"""Linking: match keys kept by the database, the measured model, the settings, the pairs found, evidence of a row."""

import uuid

import django.contrib.postgres.functions
import django.db.models.deletion
import django.db.models.functions.datetime
import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations, models

import core.models.triggers
from core.migrations import _match_keys


class Migration(migrations.Migration):
    dependencies = [
        ("core", "0010_proposals"),
    ]

    operations = [
        migrations.RunSQL(_match_keys.FUNCTIONS, migrations.RunSQL.noop),
        migrations.CreateModel(
            name="ClientPair",
            fields=[
                ("pair_id", models.BigAutoField(primary_key=True, serialize=False)),
                ("score", models.FloatField()),
                ("evidence", models.JSONField()),
                (
                    "found_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                ),
            ],
            options={
                "db_table": "client_pairs",
                "ordering": ["-score", "pair_id"],
            },
        ),
        migrations.CreateModel(
            name="LinkModel",
            fields=[
                ("version", models.AutoField(primary_key=True, serialize=False)),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                ),
                ("clients", models.IntegerField()),
                ("trained_on", models.IntegerField(default=0)),
                ("m", models.JSONField()),
                ("u", models.JSONField()),
                ("frequencies", models.JSONField()),
            ],
            options={
                "db_table": "link_models",
                "ordering": ["-version"],
            },
        ),
        migrations.CreateModel(
            name="LinkSettings",
            fields=[
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
                ("single", models.BooleanField(db_default=True, default=True, editable=False, unique=True)),
                (
                    "mode",
                    models.CharField(
                        choices=[
                            ("off", "Off: identifiers and equal name and date only"),
                            ("suggest", "Suggest: hold what may be one person, link nothing by score"),
                            ("automatic", "Automatic: link what is clear, hold what is possible"),
                        ],
                        db_default="automatic",
                        default="automatic",
                        max_length=10,
                    ),
                ),
                ("auto_bits", models.FloatField(db_default=10.0, default=10.0, verbose_name="link from")),
                ("hold_bits", models.FloatField(db_default=-4.0, default=-4.0, verbose_name="hold from")),
                ("margin_bits", models.FloatField(db_default=5.0, default=5.0, verbose_name="margin to the next")),
            ],
            options={
                "verbose_name": "linking",
                "verbose_name_plural": "linking",
                "db_table": "link_settings",
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="MatchKey",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "key", "client", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("key", models.BigIntegerField()),
                (
                    "client",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="core.client",
                    ),
                ),
            ],
            options={
                "db_table": "client_keys",
            },
        ),
        migrations.AddField(
            model_name="importrow",
            name="evidence",
            field=models.JSONField(null=True),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="client",
            trigger=pgtrigger.compiler.Trigger(
                name="match_keys",
                sql=core.models.triggers.AlwaysTriggerSql(
                    execute="ccd_keep_keys()",
                    func="",
                    hash="dac34fd1fb2bec759f7a27c0c3744c75c917bc45",
                    operation="INSERT OR UPDATE OR DELETE",
                    pgid="pgtrigger_match_keys_d573d",
                    table="clients",
                    when="AFTER",
                ),
            ),
        ),
        migrations.AddField(
            model_name="clientpair",
            name="client",
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="+", to="core.client"),
        ),
        migrations.AddField(
            model_name="clientpair",
            name="other",
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="+", to="core.client"),
        ),
        migrations.AddConstraint(
            model_name="linksettings",
            constraint=models.CheckConstraint(condition=models.Q(("single", True)), name="link_settings_one_row"),
        ),
        migrations.AddConstraint(
            model_name="linksettings",
            constraint=models.CheckConstraint(
                condition=models.Q(("auto_bits__gte", models.F("hold_bits"))),
                name="link_settings_auto_above_hold",
                violation_error_message="What is linked by itself must be at least as sure as what is held.",
            ),
        ),
        migrations.AddConstraint(
            model_name="linksettings",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("auto_bits__range", (0, 60)), ("hold_bits__range", (-60, 60)), ("margin_bits__range", (0, 60))
                ),
                name="link_settings_in_range",
                violation_error_message="Bits lie between -60 and 60; linking by itself needs at least 0.",
            ),
        ),
        migrations.AddConstraint(
            model_name="linksettings",
            constraint=models.CheckConstraint(
                condition=models.Q(("mode__in", ["off", "suggest", "automatic"])), name="link_settings_mode"
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="linksettings",
            trigger=pgtrigger.compiler.Trigger(
                name="audit",
                sql=core.models.triggers.AlwaysTriggerSql(
                    execute="ccd_audit('settings_id', '', '')",
                    func="",
                    hash="d056327e9f63b3c867a36063db417cc1dbdd9e72",
                    operation="INSERT OR UPDATE OR DELETE",
                    pgid="pgtrigger_audit_573e6",
                    table="link_settings",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="linksettings",
            trigger=pgtrigger.compiler.Trigger(
                name="no_truncate",
                sql=core.models.triggers.AlwaysTriggerSql(
                    execute="ccd_refuse('this table cannot be truncated: its rows are kept and every change is logged')",
                    func="",
                    hash="66315d57c3659c53fcd853abc8f5b242bf5f9ccf",
                    level="STATEMENT",
                    operation="TRUNCATE",
                    pgid="pgtrigger_no_truncate_ecef3",
                    table="link_settings",
                    when="BEFORE",
                ),
            ),
        ),
        migrations.AddIndex(
            model_name="clientpair",
            index=models.Index(fields=["-score", "pair_id"], name="pair_nearest"),
        ),
        migrations.AddConstraint(
            model_name="clientpair",
            constraint=models.CheckConstraint(
                condition=models.Q(("client__lt", models.F("other"))), name="pair_ordered"
            ),
        ),
        migrations.AddConstraint(
            model_name="clientpair",
            constraint=models.UniqueConstraint(fields=("client", "other"), name="pair_once"),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="matchkey",
            trigger=pgtrigger.compiler.Trigger(
                name="no_truncate",
                sql=core.models.triggers.AlwaysTriggerSql(
                    execute="ccd_refuse('this table cannot be truncated: its rows are kept and every change is logged')",
                    func="",
                    hash="ce09812aed9b78bea5c83f1544d789d72cf671e7",
                    level="STATEMENT",
                    operation="TRUNCATE",
                    pgid="pgtrigger_no_truncate_a8872",
                    table="client_keys",
                    when="BEFORE",
                ),
            ),
        ),
        migrations.RunSQL(_match_keys.RIGHTS, migrations.RunSQL.noop),
        migrations.RunSQL(_match_keys.BACKFILL, migrations.RunSQL.noop),
        migrations.RunSQL(_match_keys.walls(("client_keys", "client_pairs")), migrations.RunSQL.noop),
    ]
