"""Audit and match keys of changed rows once per statement, where daily files change many."""

import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations

import core.models.triggers
from core.migrations import _changed_at_once


class Migration(migrations.Migration):
    dependencies = [
        ("core", "0060_link_thresholds"),
    ]

    operations = [
        migrations.RunSQL(_changed_at_once.AUDIT + _changed_at_once.KEYS, migrations.RunSQL.noop),
        pgtrigger.migrations.RemoveTrigger(
            model_name="auditentry",
            name="by_trigger",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="client",
            name="audit",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="client",
            name="match_keys",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="discharge",
            name="audit",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="enrollment",
            name="audit",
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="auditentry",
            trigger=pgtrigger.compiler.Trigger(
                name="by_trigger",
                sql=core.models.triggers.AlwaysTriggerSql(
                    execute="ccd_only_by_trigger()",
                    func="",
                    hash="5436d1a2d32769fe79a09a1fc9f0226e50be086c",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_by_trigger_14b60",
                    table="audit_log",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="client",
            trigger=pgtrigger.compiler.Trigger(
                name="audit",
                sql=core.models.triggers.AlwaysTriggerSql(
                    execute="ccd_audit('client_id', 'client_id', 'edited_fields,first_folded,last_folded,phone_digits,postal_key,search_text,updated_at')",
                    func="",
                    hash="701f22341252b30b1c249408656351c3024b3685",
                    operation="DELETE",
                    pgid="pgtrigger_audit_1de1b",
                    table="clients",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="client",
            trigger=pgtrigger.compiler.Trigger(
                name="audit_changed",
                sql=core.models.triggers.AlwaysStatementTriggerSql(
                    execute="ccd_audit_changed('client_id', 'client_id', 'edited_fields,first_folded,last_folded,phone_digits,postal_key,search_text,updated_at')",
                    func="",
                    hash="58dc2f3967cf803dd35f402dbf1f0ed8f2986f41",
                    level="STATEMENT",
                    operation="UPDATE",
                    pgid="pgtrigger_audit_changed_b2517",
                    referencing="REFERENCING OLD TABLE AS old_rows  NEW TABLE AS new_rows ",
                    table="clients",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="client",
            trigger=pgtrigger.compiler.Trigger(
                name="match_keys",
                sql=core.models.triggers.AlwaysTriggerSql(
                    execute="ccd_keep_keys()",
                    func="",
                    hash="02bc8f3b23bafbe56d9e5d786c17c018b861fc02",
                    operation="DELETE",
                    pgid="pgtrigger_match_keys_d573d",
                    table="clients",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="client",
            trigger=pgtrigger.compiler.Trigger(
                name="changed_match_keys",
                sql=core.models.triggers.AlwaysStatementTriggerSql(
                    execute="ccd_keep_changed_keys()",
                    func="",
                    hash="74f95af3195a4b5e2dc3b4b5e793096cbf915cf2",
                    level="STATEMENT",
                    operation="UPDATE",
                    pgid="pgtrigger_changed_match_keys_b2631",
                    referencing="REFERENCING OLD TABLE AS old_rows  NEW TABLE AS new_rows ",
                    table="clients",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="discharge",
            trigger=pgtrigger.compiler.Trigger(
                name="audit",
                sql=core.models.triggers.AlwaysTriggerSql(
                    execute="ccd_audit('discharge_id', 'client_id', 'edited_fields,updated_at')",
                    func="",
                    hash="6ab2ade23521779f899f3cb90238d7f3c91f0228",
                    operation="DELETE",
                    pgid="pgtrigger_audit_4ba80",
                    table="discharges",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="discharge",
            trigger=pgtrigger.compiler.Trigger(
                name="audit_changed",
                sql=core.models.triggers.AlwaysStatementTriggerSql(
                    execute="ccd_audit_changed('discharge_id', 'client_id', 'edited_fields,updated_at')",
                    func="",
                    hash="0f794d75dcfe81c1983818671ba57519b79bce0b",
                    level="STATEMENT",
                    operation="UPDATE",
                    pgid="pgtrigger_audit_changed_60ab2",
                    referencing="REFERENCING OLD TABLE AS old_rows  NEW TABLE AS new_rows ",
                    table="discharges",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="enrollment",
            trigger=pgtrigger.compiler.Trigger(
                name="audit",
                sql=core.models.triggers.AlwaysTriggerSql(
                    execute="ccd_audit('enrollment_id', 'client_id', 'edited_fields,updated_at')",
                    func="",
                    hash="c64fae6f62d8fa31d5d130bb1b99a2c058dd94bd",
                    operation="DELETE",
                    pgid="pgtrigger_audit_9abc2",
                    table="client_program_enrollments",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="enrollment",
            trigger=pgtrigger.compiler.Trigger(
                name="audit_changed",
                sql=core.models.triggers.AlwaysStatementTriggerSql(
                    execute="ccd_audit_changed('enrollment_id', 'client_id', 'edited_fields,updated_at')",
                    func="",
                    hash="4bec67d79d93c77e43a825f78aba7d38ee5de7b9",
                    level="STATEMENT",
                    operation="UPDATE",
                    pgid="pgtrigger_audit_changed_3d032",
                    referencing="REFERENCING OLD TABLE AS old_rows  NEW TABLE AS new_rows ",
                    table="client_program_enrollments",
                    when="AFTER",
                ),
            ),
        ),
    ]
