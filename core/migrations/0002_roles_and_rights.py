"""The six roles; what the working role may not do; triggers of the tables Django makes for PermissionsMixin."""

from django.db import migrations

from core.choices import ROLES

RIGHTS = """
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO ccd_app;
REVOKE INSERT, UPDATE, DELETE, TRUNCATE ON audit_log FROM ccd_app;
REVOKE UPDATE, DELETE, TRUNCATE ON access_log FROM ccd_app;
REVOKE INSERT, UPDATE, DELETE, TRUNCATE ON django_migrations FROM ccd_app;

CREATE TRIGGER ccd_audit AFTER INSERT OR UPDATE OR DELETE ON staff_groups
    FOR EACH ROW EXECUTE FUNCTION ccd_audit('staff_id', '', 'id');
ALTER TABLE staff_groups ENABLE ALWAYS TRIGGER ccd_audit;
CREATE TRIGGER ccd_audit AFTER INSERT OR UPDATE OR DELETE ON staff_user_permissions
    FOR EACH ROW EXECUTE FUNCTION ccd_audit('staff_id', '', 'id');
ALTER TABLE staff_user_permissions ENABLE ALWAYS TRIGGER ccd_audit;
"""


def make_roles(apps: object, schema_editor: object) -> None:
    """One row per role, its creation in the log like any other."""
    role = apps.get_model("core", "Role")
    with schema_editor.connection.cursor() as cursor:
        cursor.execute("SELECT set_config('ccd.channel', 'command', true), set_config('ccd.actor', '', true)")
    role.objects.bulk_create(role(name=name) for name in ROLES)


class Migration(migrations.Migration):
    dependencies = [("core", "0001_initial"), ("auth", "0012_alter_user_first_name_max_length")]

    operations = [
        migrations.RunPython(make_roles, migrations.RunPython.noop),
        migrations.RunSQL(RIGHTS, migrations.RunSQL.noop),
    ]
