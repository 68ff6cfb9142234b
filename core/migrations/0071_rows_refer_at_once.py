"""The rows of a daily file name their batch and clients under a rule that is asked once per statement."""

import django.db.models.deletion
import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations, models

import core.models.triggers
from core.migrations import _changed_at_once


class Migration(migrations.Migration):
    dependencies = [
        ("core", "0070_changed_at_once"),
    ]

    operations = [
        migrations.RunSQL(_changed_at_once.REFERENCES, migrations.RunSQL.noop),
        migrations.AlterField(
            model_name="importrow",
            name="batch",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="rows",
                to="core.importbatch",
            ),
        ),
        migrations.AlterField(
            model_name="importrow",
            name="client",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="core.client",
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="client",
            trigger=pgtrigger.compiler.Trigger(
                name="of_import_rows",
                sql=core.models.triggers.AlwaysTriggerSql(
                    execute="ccd_referred('client_id', 'import_rows', 'client_id')",
                    func="",
                    hash="f7c2a30f97d2b2e967f0643843d44bfb886e7c98",
                    operation="DELETE",
                    pgid="pgtrigger_of_import_rows_bc68f",
                    table="clients",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="importbatch",
            trigger=pgtrigger.compiler.Trigger(
                name="of_import_rows",
                sql=core.models.triggers.AlwaysTriggerSql(
                    execute="ccd_referred('batch_id', 'import_rows', 'batch_id')",
                    func="",
                    hash="4942f6991b3575d163b4fa23ea4990c8207da54d",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_of_import_rows_e081a",
                    table="import_batches",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="importrow",
            trigger=pgtrigger.compiler.Trigger(
                name="batch_id_new",
                sql=core.models.triggers.AlwaysStatementTriggerSql(
                    execute="ccd_refers('batch_id', 'import_batches', 'batch_id')",
                    func="",
                    hash="40670b3d43a726215d3a0f28a9ef18831e619d50",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_batch_id_new_2d99d",
                    referencing="REFERENCING NEW TABLE AS new_rows ",
                    table="import_rows",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="importrow",
            trigger=pgtrigger.compiler.Trigger(
                name="batch_id_changed",
                sql=core.models.triggers.AlwaysStatementTriggerSql(
                    execute="ccd_refers('batch_id', 'import_batches', 'batch_id')",
                    func="",
                    hash="dc5366f3ac74ce998f0e8d1572aa4bd015492898",
                    level="STATEMENT",
                    operation="UPDATE",
                    pgid="pgtrigger_batch_id_changed_2565a",
                    referencing="REFERENCING NEW TABLE AS new_rows ",
                    table="import_rows",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="importrow",
            trigger=pgtrigger.compiler.Trigger(
                name="client_id_new",
                sql=core.models.triggers.AlwaysStatementTriggerSql(
                    execute="ccd_refers('client_id', 'clients', 'client_id')",
                    func="",
                    hash="40286cec0ce02a1442d0a4fa1f71e6d7d3c414d3",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_client_id_new_8e15f",
                    referencing="REFERENCING NEW TABLE AS new_rows ",
                    table="import_rows",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="importrow",
            trigger=pgtrigger.compiler.Trigger(
                name="client_id_changed",
                sql=core.models.triggers.AlwaysStatementTriggerSql(
                    execute="ccd_refers('client_id', 'clients', 'client_id')",
                    func="",
                    hash="fbb82c3678557c5071cc396353d7ee36d785421a",
                    level="STATEMENT",
                    operation="UPDATE",
                    pgid="pgtrigger_client_id_changed_7d907",
                    referencing="REFERENCING NEW TABLE AS new_rows ",
                    table="import_rows",
                    when="AFTER",
                ),
            ),
        ),
    ]
