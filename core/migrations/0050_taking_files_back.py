"""A daily file can be taken back: who did it and when, and one entry in the log that says so."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

AUDIT_BATCH = """
-- One `import` entry for a daily file, beside those of its rows; one `update` entry when it is taken back.
CREATE OR REPLACE FUNCTION ccd_audit_batch() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp AS $$
DECLARE
    is_applied boolean := NEW.status = 'applied' AND (TG_OP = 'INSERT' OR OLD.status <> 'applied');
    is_undone boolean := TG_OP = 'UPDATE' AND NEW.status = 'undone' AND OLD.status = 'applied';
BEGIN
    IF TG_OP = 'UPDATE' AND OLD.status = 'undone' AND NEW.status <> 'undone' THEN
        RAISE EXCEPTION 'a daily file that was taken back stays so: take it in again as a new one'
            USING ERRCODE = 'restrict_violation';
    END IF;
    IF NOT (is_applied OR is_undone) THEN RETURN NULL; END IF;
    INSERT INTO audit_log (audit_id, entity, entity_id, action, changed_by, changed_at, diff_json, channel, reference_id,
                           reason)
    VALUES (
        gen_random_uuid(), TG_TABLE_NAME, NEW.batch_id, CASE WHEN is_undone THEN 'update' ELSE 'import' END,
        nullif(current_setting('ccd.actor', true), '')::uuid, clock_timestamp(),
        CASE WHEN is_undone THEN jsonb_build_object('before', jsonb_build_object('status', OLD.status),
                                                    'after', jsonb_build_object('status', NEW.status))
        ELSE jsonb_build_object('before', NULL, 'after', jsonb_build_object(
            'source_system', NEW.source_system, 'file_name', NEW.file_name) || coalesce(NEW.summary, '{}')) END,
        coalesce(nullif(current_setting('ccd.channel', true), ''), 'import'), NEW.batch_id,
        CASE WHEN is_undone THEN nullif(current_setting('ccd.reason', true), '') END
    );
    RETURN NULL;
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("core", "0031_report_runs"),
    ]

    operations = [
        migrations.RunSQL(AUDIT_BATCH, migrations.RunSQL.noop),
        migrations.AddField(
            model_name="importbatch",
            name="undone_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="importbatch",
            name="undone_by",
            field=models.ForeignKey(
                blank=True,
                db_column="undone_by",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
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
                ],
                default="running",
                max_length=12,
            ),
        ),
    ]
