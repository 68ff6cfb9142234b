"""Questions about proposals, and what the database itself refuses of a decision.

Until here raw SQL could decide with no reviewer named, or on one's own proposal by naming someone else.
"""

import uuid

import django.contrib.postgres.functions
import django.db.models.deletion
import django.db.models.functions.datetime
import pgtrigger.compiler
import pgtrigger.migrations
from django.conf import settings
from django.db import migrations, models

import core.models.triggers

# Decided by whom: the actor of the transaction, where one is set, is the reviewer, and never the one who asked.
KEEP_PROPOSAL = """
CREATE OR REPLACE FUNCTION ccd_keep_proposal() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    actor uuid := nullif(current_setting('ccd.actor', true), '')::uuid;
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'proposals are kept: decline it or let it be withdrawn' USING ERRCODE = 'restrict_violation';
    END IF;
    IF TG_OP = 'UPDATE' THEN
        IF OLD.status <> 'pending' THEN
            RAISE EXCEPTION 'a decided proposal never moves again' USING ERRCODE = 'restrict_violation';
        END IF;
        IF (NEW.change_id, NEW.entity, NEW.entity_id, NEW.kind, NEW.diff_json, NEW.requested_by, NEW.requested_at,
            NEW.reason, NEW.group_id, NEW.client_id)
           IS DISTINCT FROM (OLD.change_id, OLD.entity, OLD.entity_id, OLD.kind, OLD.diff_json, OLD.requested_by,
            OLD.requested_at, OLD.reason, OLD.group_id, OLD.client_id) THEN
            RAISE EXCEPTION 'what was proposed cannot be changed afterwards' USING ERRCODE = 'restrict_violation';
        END IF;
    END IF;
    IF NEW.status = 'pending' THEN RETURN NEW; END IF;
    IF NEW.withdrawn THEN
        IF actor <> NEW.requested_by THEN
            RAISE EXCEPTION 'a proposal is withdrawn by the one who sent it' USING ERRCODE = 'restrict_violation';
        END IF;
        RETURN NEW;
    END IF;
    IF NEW.reviewed_by IS NULL OR NEW.reviewed_by = NEW.requested_by THEN
        RETURN NEW;  -- the table's own checks refuse it
    END IF;
    IF actor = NEW.requested_by THEN
        RAISE EXCEPTION 'no one decides on their own proposal' USING ERRCODE = 'restrict_violation';
    END IF;
    IF actor <> NEW.reviewed_by THEN
        RAISE EXCEPTION 'reviewed_by is the one who decides: the actor of the transaction'
            USING ERRCODE = 'restrict_violation';
    END IF;
    IF TG_OP = 'UPDATE' AND NOT EXISTS (
        SELECT FROM staff JOIN staff_roles USING (staff_id) JOIN roles USING (role_id)
        WHERE staff_id = NEW.reviewed_by AND active AND roles.name IN ('Administrator', 'Client Data Coordinator')
    ) THEN
        RAISE EXCEPTION 'only a coordinator or an administrator decides on a proposal'
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
"""

# What is asked and answered says things about clients: closed to people who see assigned clients alone.
WALL = """
ALTER TABLE proposal_notes ENABLE ROW LEVEL SECURITY;
CREATE POLICY app_all ON proposal_notes TO ccd_app USING (true) WITH CHECK (true);
GRANT SELECT ON proposal_notes TO ccd_viewer;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("core", "0006_login_and_looks"),
    ]

    operations = [
        migrations.RunSQL(KEEP_PROPOSAL, migrations.RunSQL.noop),
        migrations.CreateModel(
            name="ProposalNote",
            fields=[
                (
                    "note_id",
                    models.UUIDField(
                        db_default=django.contrib.postgres.functions.RandomUUID(),
                        default=uuid.uuid4,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("said_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("kind", models.CharField(choices=[("question", "Question"), ("answer", "Answer")], max_length=10)),
                ("text", models.TextField()),
            ],
            options={
                "verbose_name": "note on a proposal",
                "verbose_name_plural": "notes on proposals",
                "db_table": "proposal_notes",
                "ordering": ["said_at", "note_id"],
                "abstract": False,
            },
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="pendingchange",
            name="kept",
        ),
        migrations.AddField(
            model_name="pendingchange",
            name="is_sent_back",
            field=models.BooleanField(db_default=False, default=False, verbose_name="sent back"),
        ),
        migrations.AddIndex(
            model_name="pendingchange",
            index=models.Index(
                condition=models.Q(("status", "pending")), fields=["client_id"], name="change_of_client"
            ),
        ),
        migrations.AddIndex(
            model_name="pendingchange",
            index=models.Index(
                condition=models.Q(("group_id__isnull", False)), fields=["group_id"], name="change_of_group"
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="pendingchange",
            trigger=pgtrigger.compiler.Trigger(
                name="kept",
                sql=core.models.triggers.AlwaysTriggerSql(
                    execute="ccd_keep_proposal()",
                    func="",
                    hash="b905cd98fbe8216538412a38938f643a606e7898",
                    operation="INSERT OR UPDATE OR DELETE",
                    pgid="pgtrigger_kept_69dba",
                    table="pending_changes",
                    when="BEFORE",
                ),
            ),
        ),
        migrations.AddConstraint(
            model_name="pendingchange",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("reviewed_by__isnull", True), ("status", "pending")),
                    models.Q(("reviewed_by__isnull", False), ("status", "approved")),
                    models.Q(("reviewed_by__isnull", True), ("status", "declined"), ("withdrawn", True)),
                    models.Q(("reviewed_by__isnull", False), ("status", "declined"), ("withdrawn", False)),
                    _connector="OR",
                ),
                name="change_decided_by_someone",
                violation_error_message="A decision names who decided; what waits or was withdrawn names no one.",
            ),
        ),
        migrations.AddConstraint(
            model_name="pendingchange",
            constraint=models.CheckConstraint(
                condition=models.Q(("is_sent_back", False), ("status", "pending"), _connector="OR"),
                name="change_sent_back_waits",
            ),
        ),
        migrations.AddField(
            model_name="proposalnote",
            name="author",
            field=models.ForeignKey(
                db_column="author",
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="proposalnote",
            name="change",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="notes", to="core.pendingchange"
            ),
        ),
        migrations.AddConstraint(
            model_name="proposalnote",
            constraint=models.CheckConstraint(
                condition=models.Q(("kind__in", ["question", "answer"])), name="note_kind_known"
            ),
        ),
        migrations.AddConstraint(
            model_name="proposalnote",
            constraint=models.CheckConstraint(
                condition=models.Q(("text__regex", "^\\s*$"), _negated=True), name="note_says_something"
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="proposalnote",
            trigger=pgtrigger.compiler.Trigger(
                name="audit",
                sql=core.models.triggers.AlwaysTriggerSql(
                    execute="ccd_audit('note_id', '', '')",
                    func="",
                    hash="9d8c1e03219c3b21ac7e8a3dccdc0fdf1d602d29",
                    operation="INSERT OR UPDATE OR DELETE",
                    pgid="pgtrigger_audit_0b0e7",
                    table="proposal_notes",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="proposalnote",
            trigger=pgtrigger.compiler.Trigger(
                name="no_truncate",
                sql=core.models.triggers.AlwaysTriggerSql(
                    execute="ccd_refuse('this table cannot be truncated: its rows are kept and every change is logged')",
                    func="",
                    hash="dc4e6345bf186fc6aed57c3e259ba0d726e13ac1",
                    level="STATEMENT",
                    operation="TRUNCATE",
                    pgid="pgtrigger_no_truncate_9edf9",
                    table="proposal_notes",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="proposalnote",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only",
                sql=core.models.triggers.AlwaysTriggerSql(
                    execute="ccd_refuse('what was said about a proposal stays as it was said')",
                    func="",
                    hash="ba9d60c13a393f2de31dfdb7ebf7bba2572bc9fe",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_append_only_2dc5d",
                    table="proposal_notes",
                    when="BEFORE",
                ),
            ),
        ),
        migrations.RunSQL(WALL, migrations.RunSQL.noop),
    ]
