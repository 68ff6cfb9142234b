"""Audit and match keys of inserted rows once per statement; indexes that began like another one are gone."""

import django.db.models.deletion
import pgtrigger.compiler
import pgtrigger.migrations
from django.conf import settings
from django.db import migrations, models

import core.models.triggers
from core.migrations import _once_per_statement


class Migration(migrations.Migration):
    dependencies = [
        ("core", "0055_remembered_rows"),
    ]

    operations = [
        migrations.RunSQL(_once_per_statement.FUNCTIONS, migrations.RunSQL.noop),
        pgtrigger.migrations.RemoveTrigger(
            model_name="client",
            name="audit",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="client",
            name="match_keys",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="clientassignment",
            name="audit",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="clientidentifier",
            name="audit",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="clientlink",
            name="audit",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="department",
            name="audit",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="discharge",
            name="audit",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="enrollment",
            name="audit",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="intake",
            name="audit",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="linksettings",
            name="audit",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="pendingchange",
            name="audit",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="program",
            name="audit",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="programcapacity",
            name="audit",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="programstaff",
            name="audit",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="proposalnote",
            name="audit",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="reportrun",
            name="audit",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="restriction",
            name="audit",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="role",
            name="audit",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="rowanswer",
            name="audit",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="sourcedisagreement",
            name="audit",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="sourcesettings",
            name="audit",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="staff",
            name="audit",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="staffrole",
            name="audit",
        ),
        migrations.AlterField(
            model_name="auditentry",
            name="changed_by",
            field=models.ForeignKey(
                db_column="changed_by",
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AlterField(
            model_name="auditentry",
            name="requested_by",
            field=models.ForeignKey(
                db_column="requested_by",
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AlterField(
            model_name="discharge",
            name="client",
            field=models.ForeignKey(
                db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="discharges", to="core.client"
            ),
        ),
        migrations.AlterField(
            model_name="importrow",
            name="batch",
            field=models.ForeignKey(
                db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name="rows", to="core.importbatch"
            ),
        ),
        migrations.AlterField(
            model_name="importrow",
            name="client",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="core.client",
            ),
        ),
        migrations.AlterField(
            model_name="intake",
            name="client",
            field=models.ForeignKey(
                db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="intakes", to="core.client"
            ),
        ),
        migrations.AddIndex(
            model_name="auditentry",
            index=models.Index(
                condition=models.Q(("requested_by__isnull", False)), fields=["requested_by"], name="audit_by_requester"
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="client",
            trigger=pgtrigger.compiler.Trigger(
                name="audit",
                sql=core.models.triggers.AlwaysTriggerSql(
                    execute="ccd_audit('client_id', 'client_id', 'edited_fields,first_folded,last_folded,phone_digits,postal_key,search_text,updated_at')",
                    func="",
                    hash="44e9aa17b1ae6a894fa56f8d28042ded93a13fc7",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_audit_1de1b",
                    table="clients",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="client",
            trigger=pgtrigger.compiler.Trigger(
                name="audit_new",
                sql=core.models.triggers.AlwaysStatementTriggerSql(
                    execute="ccd_audit_new('client_id', 'client_id', 'edited_fields,first_folded,last_folded,phone_digits,postal_key,search_text,updated_at')",
                    func="",
                    hash="26110a409be5021c7e598bfc56e5e076cee7805e",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_audit_new_e47ad",
                    referencing="REFERENCING NEW TABLE AS new_rows ",
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
                    hash="4964b15c45e65756e13814a74aced43716ab3ee6",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_match_keys_d573d",
                    table="clients",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="client",
            trigger=pgtrigger.compiler.Trigger(
                name="new_match_keys",
                sql=core.models.triggers.AlwaysStatementTriggerSql(
                    execute="ccd_keep_new_keys()",
                    func="",
                    hash="63a79a1a2ad7d564d01054ca6a0060dec96c4b2a",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_new_match_keys_abf98",
                    referencing="REFERENCING NEW TABLE AS new_rows ",
                    table="clients",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="clientassignment",
            trigger=pgtrigger.compiler.Trigger(
                name="audit",
                sql=core.models.triggers.AlwaysTriggerSql(
                    execute="ccd_audit('assignment_id', 'client_id', '')",
                    func="",
                    hash="dafd264f58220b2502ada2ed65ec00025880b563",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_audit_3ae2d",
                    table="client_assignments",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="clientassignment",
            trigger=pgtrigger.compiler.Trigger(
                name="audit_new",
                sql=core.models.triggers.AlwaysStatementTriggerSql(
                    execute="ccd_audit_new('assignment_id', 'client_id', '')",
                    func="",
                    hash="bda32398c1c20a9e11267d3dcffbce1d14a2bfde",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_audit_new_72be0",
                    referencing="REFERENCING NEW TABLE AS new_rows ",
                    table="client_assignments",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="clientidentifier",
            trigger=pgtrigger.compiler.Trigger(
                name="audit",
                sql=core.models.triggers.AlwaysTriggerSql(
                    execute="ccd_audit('identifier_id', 'client_id', '')",
                    func="",
                    hash="6c3fbabec467ddd5289c397cc21e0b6758b91766",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_audit_c95f7",
                    table="client_identifiers",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="clientidentifier",
            trigger=pgtrigger.compiler.Trigger(
                name="audit_new",
                sql=core.models.triggers.AlwaysStatementTriggerSql(
                    execute="ccd_audit_new('identifier_id', 'client_id', '')",
                    func="",
                    hash="37e7a46783867e9c8d1ef848ea00fbf50170f808",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_audit_new_5f671",
                    referencing="REFERENCING NEW TABLE AS new_rows ",
                    table="client_identifiers",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="clientlink",
            trigger=pgtrigger.compiler.Trigger(
                name="audit",
                sql=core.models.triggers.AlwaysTriggerSql(
                    execute="ccd_audit('link_id', 'client_id', '')",
                    func="",
                    hash="fafcbe24efbf379a42d672423629df85713707ae",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_audit_45042",
                    table="client_links",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="clientlink",
            trigger=pgtrigger.compiler.Trigger(
                name="audit_new",
                sql=core.models.triggers.AlwaysStatementTriggerSql(
                    execute="ccd_audit_new('link_id', 'client_id', '')",
                    func="",
                    hash="31786cf6ce6d451651d57b5e70c22b7f0da78d92",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_audit_new_43141",
                    referencing="REFERENCING NEW TABLE AS new_rows ",
                    table="client_links",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="department",
            trigger=pgtrigger.compiler.Trigger(
                name="audit",
                sql=core.models.triggers.AlwaysTriggerSql(
                    execute="ccd_audit('department_id', '', 'updated_at')",
                    func="",
                    hash="cfea0289e97795b861a6ba5be32648c0d2cf1b0e",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_audit_33c9a",
                    table="departments",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="department",
            trigger=pgtrigger.compiler.Trigger(
                name="audit_new",
                sql=core.models.triggers.AlwaysStatementTriggerSql(
                    execute="ccd_audit_new('department_id', '', 'updated_at')",
                    func="",
                    hash="24355b396c92adda5021ca949adc8c945bcf0756",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_audit_new_85ff0",
                    referencing="REFERENCING NEW TABLE AS new_rows ",
                    table="departments",
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
                    hash="ff4114ebff9bf2ed7d6b3e1dd2e01b9783a617a7",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_audit_4ba80",
                    table="discharges",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="discharge",
            trigger=pgtrigger.compiler.Trigger(
                name="audit_new",
                sql=core.models.triggers.AlwaysStatementTriggerSql(
                    execute="ccd_audit_new('discharge_id', 'client_id', 'edited_fields,updated_at')",
                    func="",
                    hash="8c7e71255241115bdcf3b9d102c11c54921f1566",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_audit_new_2476a",
                    referencing="REFERENCING NEW TABLE AS new_rows ",
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
                    hash="3d239fd23252b1ec2d786fc43369d8c3476991fc",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_audit_9abc2",
                    table="client_program_enrollments",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="enrollment",
            trigger=pgtrigger.compiler.Trigger(
                name="audit_new",
                sql=core.models.triggers.AlwaysStatementTriggerSql(
                    execute="ccd_audit_new('enrollment_id', 'client_id', 'edited_fields,updated_at')",
                    func="",
                    hash="b2086b4de03bc2fa961927eabfe31c658492cef3",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_audit_new_bd082",
                    referencing="REFERENCING NEW TABLE AS new_rows ",
                    table="client_program_enrollments",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="intake",
            trigger=pgtrigger.compiler.Trigger(
                name="audit",
                sql=core.models.triggers.AlwaysTriggerSql(
                    execute="ccd_audit('intake_id', 'client_id', '')",
                    func="",
                    hash="0b9d9e9bc1f03e629593395cfa4a63fc3ede9836",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_audit_1c2ec",
                    table="intakes",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="intake",
            trigger=pgtrigger.compiler.Trigger(
                name="audit_new",
                sql=core.models.triggers.AlwaysStatementTriggerSql(
                    execute="ccd_audit_new('intake_id', 'client_id', '')",
                    func="",
                    hash="cff735a2eb27d2b2d24695ab2c050ba7be0b23f8",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_audit_new_d3257",
                    referencing="REFERENCING NEW TABLE AS new_rows ",
                    table="intakes",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="linksettings",
            trigger=pgtrigger.compiler.Trigger(
                name="audit",
                sql=core.models.triggers.AlwaysTriggerSql(
                    execute="ccd_audit('settings_id', '', '')",
                    func="",
                    hash="554b6d527eb7b4ab724899fba9a0a597fdbb0499",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_audit_573e6",
                    table="link_settings",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="linksettings",
            trigger=pgtrigger.compiler.Trigger(
                name="audit_new",
                sql=core.models.triggers.AlwaysStatementTriggerSql(
                    execute="ccd_audit_new('settings_id', '', '')",
                    func="",
                    hash="0fb14811ffcc8fcc6881621d1890426a6301b2c3",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_audit_new_d5b98",
                    referencing="REFERENCING NEW TABLE AS new_rows ",
                    table="link_settings",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="pendingchange",
            trigger=pgtrigger.compiler.Trigger(
                name="audit",
                sql=core.models.triggers.AlwaysTriggerSql(
                    execute="ccd_audit('change_id', 'client_id', '')",
                    func="",
                    hash="4577aee114dd02ee270cd02c4fd2cf2c73ad6baf",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_audit_5d7ee",
                    table="pending_changes",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="pendingchange",
            trigger=pgtrigger.compiler.Trigger(
                name="audit_new",
                sql=core.models.triggers.AlwaysStatementTriggerSql(
                    execute="ccd_audit_new('change_id', 'client_id', '')",
                    func="",
                    hash="4d3657ea45721229842bc229144d8185b9e05106",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_audit_new_f665c",
                    referencing="REFERENCING NEW TABLE AS new_rows ",
                    table="pending_changes",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="program",
            trigger=pgtrigger.compiler.Trigger(
                name="audit",
                sql=core.models.triggers.AlwaysTriggerSql(
                    execute="ccd_audit('program_id', '', 'updated_at')",
                    func="",
                    hash="142471b99a54311df21a0eafae2e98057e88c68f",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_audit_c426d",
                    table="programs",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="program",
            trigger=pgtrigger.compiler.Trigger(
                name="audit_new",
                sql=core.models.triggers.AlwaysStatementTriggerSql(
                    execute="ccd_audit_new('program_id', '', 'updated_at')",
                    func="",
                    hash="0683ce66484f9932ecf27aa94462bcc34ccfe581",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_audit_new_3cce8",
                    referencing="REFERENCING NEW TABLE AS new_rows ",
                    table="programs",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="programcapacity",
            trigger=pgtrigger.compiler.Trigger(
                name="audit",
                sql=core.models.triggers.AlwaysTriggerSql(
                    execute="ccd_audit('capacity_id', '', '')",
                    func="",
                    hash="621aaf1f4abb72b5b996db12d08c1b929954e110",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_audit_6211b",
                    table="program_capacities",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="programcapacity",
            trigger=pgtrigger.compiler.Trigger(
                name="audit_new",
                sql=core.models.triggers.AlwaysStatementTriggerSql(
                    execute="ccd_audit_new('capacity_id', '', '')",
                    func="",
                    hash="2a4f2bd4e945ff8be398d56ab0a2e85fe86d8c50",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_audit_new_63098",
                    referencing="REFERENCING NEW TABLE AS new_rows ",
                    table="program_capacities",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="programstaff",
            trigger=pgtrigger.compiler.Trigger(
                name="audit",
                sql=core.models.triggers.AlwaysTriggerSql(
                    execute="ccd_audit('program_id', '', '')",
                    func="",
                    hash="4551a0509c0922e9431398c78d8212852e5e1c28",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_audit_89113",
                    table="program_staff",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="programstaff",
            trigger=pgtrigger.compiler.Trigger(
                name="audit_new",
                sql=core.models.triggers.AlwaysStatementTriggerSql(
                    execute="ccd_audit_new('program_id', '', '')",
                    func="",
                    hash="bd4d91f32831a97003ff1a22de57f2a894deae29",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_audit_new_5f448",
                    referencing="REFERENCING NEW TABLE AS new_rows ",
                    table="program_staff",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="proposalnote",
            trigger=pgtrigger.compiler.Trigger(
                name="audit",
                sql=core.models.triggers.AlwaysTriggerSql(
                    execute="ccd_audit('note_id', '', '')",
                    func="",
                    hash="50cc0f1898657bee42718a86971a1e56fd1ddd99",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_audit_0b0e7",
                    table="proposal_notes",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="proposalnote",
            trigger=pgtrigger.compiler.Trigger(
                name="audit_new",
                sql=core.models.triggers.AlwaysStatementTriggerSql(
                    execute="ccd_audit_new('note_id', '', '')",
                    func="",
                    hash="f604a968b83017ba30946a43aed17e0e125419a1",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_audit_new_dd83d",
                    referencing="REFERENCING NEW TABLE AS new_rows ",
                    table="proposal_notes",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="reportrun",
            trigger=pgtrigger.compiler.Trigger(
                name="audit",
                sql=core.models.triggers.AlwaysTriggerSql(
                    execute="ccd_audit('run_id', '', '')",
                    func="",
                    hash="9316f1761054a547955288d374399d1322d32ffb",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_audit_6d9f8",
                    table="report_runs",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="reportrun",
            trigger=pgtrigger.compiler.Trigger(
                name="audit_new",
                sql=core.models.triggers.AlwaysStatementTriggerSql(
                    execute="ccd_audit_new('run_id', '', '')",
                    func="",
                    hash="49a5cffb91f6d54fd642feb2f9d0552242a128af",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_audit_new_55110",
                    referencing="REFERENCING NEW TABLE AS new_rows ",
                    table="report_runs",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="restriction",
            trigger=pgtrigger.compiler.Trigger(
                name="audit",
                sql=core.models.triggers.AlwaysTriggerSql(
                    execute="ccd_audit('restriction_id', 'client_id', 'updated_at')",
                    func="",
                    hash="0765643134d9dfde4ae16eb7d0c4628903e07663",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_audit_9faf7",
                    table="service_restrictions",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="restriction",
            trigger=pgtrigger.compiler.Trigger(
                name="audit_new",
                sql=core.models.triggers.AlwaysStatementTriggerSql(
                    execute="ccd_audit_new('restriction_id', 'client_id', 'updated_at')",
                    func="",
                    hash="3e390c5d013df989d9592ebb4128d8740a698f37",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_audit_new_dfb0a",
                    referencing="REFERENCING NEW TABLE AS new_rows ",
                    table="service_restrictions",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="role",
            trigger=pgtrigger.compiler.Trigger(
                name="audit",
                sql=core.models.triggers.AlwaysTriggerSql(
                    execute="ccd_audit('role_id', '', '')",
                    func="",
                    hash="e4303f39944244d9db1a4f71caadc37afd2b4287",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_audit_2fb90",
                    table="roles",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="role",
            trigger=pgtrigger.compiler.Trigger(
                name="audit_new",
                sql=core.models.triggers.AlwaysStatementTriggerSql(
                    execute="ccd_audit_new('role_id', '', '')",
                    func="",
                    hash="2f769e9d19d4b36d43447259f3d408a0ec2cb764",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_audit_new_18bd3",
                    referencing="REFERENCING NEW TABLE AS new_rows ",
                    table="roles",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="rowanswer",
            trigger=pgtrigger.compiler.Trigger(
                name="audit",
                sql=core.models.triggers.AlwaysTriggerSql(
                    execute="ccd_audit('answer_id', 'client_id', '')",
                    func="",
                    hash="409f97c70b481db078a5604af9825e9bc0f9f8d9",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_audit_157d6",
                    table="row_answers",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="rowanswer",
            trigger=pgtrigger.compiler.Trigger(
                name="audit_new",
                sql=core.models.triggers.AlwaysStatementTriggerSql(
                    execute="ccd_audit_new('answer_id', 'client_id', '')",
                    func="",
                    hash="09fb5edd4f6cbdd09d3f7d78b58683e7a614cf08",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_audit_new_dfaa6",
                    referencing="REFERENCING NEW TABLE AS new_rows ",
                    table="row_answers",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="sourcedisagreement",
            trigger=pgtrigger.compiler.Trigger(
                name="audit",
                sql=core.models.triggers.AlwaysTriggerSql(
                    execute="ccd_audit('disagreement_id', 'client_id', '')",
                    func="",
                    hash="dac25926f95d183f2e2f3ab1cd905a82039b7003",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_audit_b5ab1",
                    table="source_disagreements",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="sourcedisagreement",
            trigger=pgtrigger.compiler.Trigger(
                name="audit_new",
                sql=core.models.triggers.AlwaysStatementTriggerSql(
                    execute="ccd_audit_new('disagreement_id', 'client_id', '')",
                    func="",
                    hash="9655acaf8fb2f505b21031c72cea8f4361b87f1d",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_audit_new_555c9",
                    referencing="REFERENCING NEW TABLE AS new_rows ",
                    table="source_disagreements",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="sourcesettings",
            trigger=pgtrigger.compiler.Trigger(
                name="audit",
                sql=core.models.triggers.AlwaysTriggerSql(
                    execute="ccd_audit('settings_id', '', 'updated_at')",
                    func="",
                    hash="063cfba52bed61950070d12aecc7cb43786d00e7",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_audit_76810",
                    table="source_settings",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="sourcesettings",
            trigger=pgtrigger.compiler.Trigger(
                name="audit_new",
                sql=core.models.triggers.AlwaysStatementTriggerSql(
                    execute="ccd_audit_new('settings_id', '', 'updated_at')",
                    func="",
                    hash="4b0094dde1ef8f5f21e01d57bc3f5fb20112cdb6",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_audit_new_4444d",
                    referencing="REFERENCING NEW TABLE AS new_rows ",
                    table="source_settings",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="staff",
            trigger=pgtrigger.compiler.Trigger(
                name="audit",
                sql=core.models.triggers.AlwaysTriggerSql(
                    execute="ccd_audit('staff_id', '', 'is_superuser,last_login,password,updated_at')",
                    func="",
                    hash="845dde0eb712111f64ab8ec3a62a8488fe1d5139",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_audit_5fe7a",
                    table="staff",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="staff",
            trigger=pgtrigger.compiler.Trigger(
                name="audit_new",
                sql=core.models.triggers.AlwaysStatementTriggerSql(
                    execute="ccd_audit_new('staff_id', '', 'is_superuser,last_login,password,updated_at')",
                    func="",
                    hash="90eea2ad3be46a82000217357ae67a6b55b87864",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_audit_new_ec56e",
                    referencing="REFERENCING NEW TABLE AS new_rows ",
                    table="staff",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="staffrole",
            trigger=pgtrigger.compiler.Trigger(
                name="audit",
                sql=core.models.triggers.AlwaysTriggerSql(
                    execute="ccd_audit('staff_id', '', '')",
                    func="",
                    hash="47fb549ba60eaa6cf6c2789beda120d9281cbd03",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_audit_664c1",
                    table="staff_roles",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="staffrole",
            trigger=pgtrigger.compiler.Trigger(
                name="audit_new",
                sql=core.models.triggers.AlwaysStatementTriggerSql(
                    execute="ccd_audit_new('staff_id', '', '')",
                    func="",
                    hash="10ab799cbb92b0a36629872c34f82c70867fe178",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_audit_new_10bbc",
                    referencing="REFERENCING NEW TABLE AS new_rows ",
                    table="staff_roles",
                    when="AFTER",
                ),
            ),
        ),
    ]
