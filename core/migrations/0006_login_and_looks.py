"""A new password leaves a trace, guessing at the log-in page is counted, and the access log can be pruned."""

import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations, models

import core.models.triggers

# Within an act alone: a log-in that only hashes the same password more dearly is nobody's act, and changes nothing.
PASSWORDS = """
CREATE FUNCTION ccd_password_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.password IS DISTINCT FROM OLD.password AND nullif(current_setting('ccd.channel', true), '') IS NOT NULL THEN
        NEW.credentials_changed_at := clock_timestamp();
    END IF;
    RETURN NEW;
END $$;
"""

# ccd_app has no right to delete from it; of the owner, who has, a year is kept in spite of any setting.
LOOKS = """
CREATE FUNCTION ccd_keep_looks() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        RAISE EXCEPTION 'access_log is append-only: its rows are never changed' USING ERRCODE = 'restrict_violation';
    END IF;
    IF OLD.accessed_at >= now() - interval '365 days' THEN
        RAISE EXCEPTION 'access_log is append-only: its rows are kept for a year at least'
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN OLD;
END $$;
"""

# Who logs in is nobody yet, and works as ccd_viewer. The library's tables may be older than ccd_app's default rights.
ATTEMPTS = """
GRANT SELECT, INSERT, UPDATE, DELETE ON axes_accessattempt, axes_accessattemptexpiration, axes_accesslog,
    axes_accessfailurelog TO ccd_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON axes_accessattempt, axes_accessattemptexpiration TO ccd_viewer;
DO $$
DECLARE
    sequence text := pg_get_serial_sequence('axes_accessattempt', 'id');
BEGIN
    EXECUTE 'GRANT USAGE, SELECT ON SEQUENCE ' || sequence || ' TO ccd_app, ccd_viewer';
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [("core", "0005_assigned_clients"), ("axes", "0010_accessattemptexpiration")]

    operations = [
        *(migrations.RunSQL(sql, migrations.RunSQL.noop) for sql in (PASSWORDS, LOOKS, ATTEMPTS)),
        pgtrigger.migrations.RemoveTrigger(
            model_name="accessentry",
            name="append_only",
        ),
        migrations.AddField(
            model_name="staff",
            name="credentials_changed_at",
            field=models.DateTimeField(
                editable=False,
                help_text="Kept by the database; the password is in no log.",
                null=True,
                verbose_name="password last changed",
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="accessentry",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only",
                sql=core.models.triggers.AlwaysTriggerSql(
                    execute="ccd_keep_looks()",
                    func="",
                    hash="c600dc417b9c2af9a30d2b5f2543ea7e26126847",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_append_only_2b3d1",
                    table="access_log",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="staff",
            trigger=pgtrigger.compiler.Trigger(
                name="password_changed",
                sql=core.models.triggers.AlwaysTriggerSql(
                    execute="ccd_password_changed()",
                    func="",
                    hash="10bdba350cfaaeccc3c41b90b851dc783ca4e040",
                    operation="UPDATE",
                    pgid="pgtrigger_password_changed_1d137",
                    table="staff",
                    when="BEFORE",
                ),
            ),
        ),
    ]
