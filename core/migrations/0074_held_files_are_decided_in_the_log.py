"""Who released or refused a file that was held whole is in the log, with what it was held for."""

from django.db import migrations

AUDIT_BATCH = """
-- One `import` entry for a daily file, beside those of its rows; one `update` entry when it is taken back, and one when
-- a person decides about a file that was held whole.
CREATE OR REPLACE FUNCTION ccd_audit_batch() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp AS $$
DECLARE
    is_applied boolean := NEW.status = 'applied' AND (TG_OP = 'INSERT' OR OLD.status <> 'applied');
    is_undone boolean := TG_OP = 'UPDATE' AND NEW.status = 'undone' AND OLD.status = 'applied';
    is_decided boolean := TG_OP = 'UPDATE' AND OLD.status = 'held' AND NEW.status <> 'held';
BEGIN
    IF TG_OP = 'UPDATE' AND OLD.status = 'undone' AND NEW.status <> 'undone' THEN
        RAISE EXCEPTION 'a daily file that was taken back stays so: take it in again as a new one'
            USING ERRCODE = 'restrict_violation';
    END IF;
    IF NOT (is_applied OR is_undone OR is_decided) THEN RETURN NULL; END IF;
    INSERT INTO audit_log (audit_id, entity, entity_id, action, changed_by, changed_at, diff_json, channel, reference_id,
                           reason)
    VALUES (
        gen_random_uuid(), TG_TABLE_NAME, NEW.batch_id, CASE WHEN is_applied THEN 'import' ELSE 'update' END,
        nullif(current_setting('ccd.actor', true), '')::uuid, clock_timestamp(),
        CASE WHEN is_applied THEN jsonb_build_object('before', NULL, 'after', jsonb_build_object(
            'source_system', NEW.source_system, 'file_name', NEW.file_name) || coalesce(NEW.summary, '{}'))
        WHEN is_undone THEN jsonb_build_object('before', jsonb_build_object('status', OLD.status),
                                               'after', jsonb_build_object('status', NEW.status))
        ELSE jsonb_build_object('before', jsonb_build_object('status', OLD.status, 'reason', OLD.reason),
                                'after', jsonb_build_object('status', NEW.status, 'reason', NEW.reason)) END,
        coalesce(nullif(current_setting('ccd.channel', true), ''), 'import'), NEW.batch_id,
        CASE WHEN NOT is_applied THEN nullif(current_setting('ccd.reason', true), '') END
    );
    RETURN NULL;
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("core", "0073_counts_what_a_file_brought"),
    ]

    operations = [migrations.RunSQL(AUDIT_BATCH, migrations.RunSQL.noop)]
