"""Answers to held rows, remembered, and what people made of rows on the rejects desk."""

import uuid

import django.contrib.postgres.fields
import django.contrib.postgres.functions
import django.db.models.deletion
import django.db.models.functions.datetime
import pgtrigger.compiler
import pgtrigger.migrations
from django.conf import settings
from django.db import migrations, models

import core.models.triggers
from core.migrations import _match_keys


class Migration(migrations.Migration):
    dependencies = [
        ("core", "0053_own_words"),
    ]

    operations = [
        migrations.CreateModel(
            name="RowAnswer",
            fields=[
                (
                    "answer_id",
                    models.UUIDField(
                        db_default=django.contrib.postgres.functions.RandomUUID(),
                        default=uuid.uuid4,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("source_system", models.CharField(max_length=40, verbose_name="source")),
                ("answer_key", models.CharField(blank=True, max_length=32, null=True)),
                (
                    "verdict",
                    models.CharField(
                        choices=[("same", "Same person"), ("not_same", "Not this one"), ("aside", "Set aside")],
                        max_length=10,
                    ),
                ),
                ("row_number", models.IntegerField()),
                ("reason", models.TextField(blank=True, null=True)),
                (
                    "decided_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                ),
            ],
            options={
                "verbose_name": "answer about a row",
                "verbose_name_plural": "answers about rows",
                "db_table": "row_answers",
                "ordering": ["-decided_at"],
                "abstract": False,
            },
        ),
        migrations.AddField(
            model_name="importrow",
            name="answer_key",
            field=models.CharField(max_length=32, null=True),
        ),
        migrations.AddField(
            model_name="importrow",
            name="cells_before",
            field=django.contrib.postgres.fields.ArrayField(base_field=models.TextField(), null=True, size=None),
        ),
        migrations.AddField(
            model_name="importrow",
            name="settled_as",
            field=models.CharField(
                choices=[
                    ("same", "Same person"),
                    ("new", "New person"),
                    ("fixed", "Corrected"),
                    ("retried", "Tried again"),
                    ("aside", "Set aside"),
                ],
                max_length=10,
                null=True,
            ),
        ),
        migrations.AddField(
            model_name="importrow",
            name="settled_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="importrow",
            name="settled_by",
            field=models.ForeignKey(
                db_column="settled_by",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddIndex(
            model_name="importrow",
            index=models.Index(
                condition=models.Q(("outcome__in", ["held", "rejected"]), ("settled_at__isnull", True)),
                fields=["batch", "reason_code", "row_number"],
                name="row_open",
            ),
        ),
        migrations.AddIndex(
            model_name="importrow",
            index=models.Index(
                condition=models.Q(("answer_key__isnull", False)), fields=["answer_key"], name="row_known_again"
            ),
        ),
        migrations.AddField(
            model_name="rowanswer",
            name="batch",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="answers", to="core.importbatch"
            ),
        ),
        migrations.AddField(
            model_name="rowanswer",
            name="client",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="row_answers",
                to="core.client",
            ),
        ),
        migrations.AddField(
            model_name="rowanswer",
            name="decided_by",
            field=models.ForeignKey(
                blank=True,
                db_column="decided_by",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddConstraint(
            model_name="rowanswer",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("client__isnull", True), ("verdict", "aside")),
                    models.Q(models.Q(("verdict", "aside"), _negated=True), ("client__isnull", False)),
                    _connector="OR",
                ),
                name="answer_names_a_client",
            ),
        ),
        migrations.AddConstraint(
            model_name="rowanswer",
            constraint=models.UniqueConstraint(
                condition=models.Q(("verdict", "same")), fields=("source_system", "answer_key"), name="answer_same_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="rowanswer",
            constraint=models.UniqueConstraint(
                condition=models.Q(("verdict", "not_same")),
                fields=("source_system", "answer_key", "client"),
                name="answer_not_same_once",
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="rowanswer",
            trigger=pgtrigger.compiler.Trigger(
                name="audit",
                sql=core.models.triggers.AlwaysTriggerSql(
                    execute="ccd_audit('answer_id', 'client_id', '')",
                    func="",
                    hash="9bd7b7493ba0f924cf4c58399d6c82e279ac45e9",
                    operation="INSERT OR UPDATE OR DELETE",
                    pgid="pgtrigger_audit_157d6",
                    table="row_answers",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="rowanswer",
            trigger=pgtrigger.compiler.Trigger(
                name="no_truncate",
                sql=core.models.triggers.AlwaysTriggerSql(
                    execute="ccd_refuse('this table cannot be truncated: its rows are kept and every change is logged')",
                    func="",
                    hash="627b985316ca1a952dfe6f5519c758ecb3dadb2e",
                    level="STATEMENT",
                    operation="TRUNCATE",
                    pgid="pgtrigger_no_truncate_c911c",
                    table="row_answers",
                    when="BEFORE",
                ),
            ),
        ),
        migrations.RunSQL(_match_keys.walls(("row_answers",)), migrations.RunSQL.noop),
    ]
