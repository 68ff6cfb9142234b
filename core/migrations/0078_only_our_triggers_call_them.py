"""Functions that do as the owner may what whoever sets them off may not are called by our triggers alone.

PostgreSQL lets everybody put any function that it lets them execute behind a trigger of a temporary table of their own,
by the name of one of ours: thus a working role could write entries into the log, take match keys away, and ask what
stands in a table that it may not read. A trigger that is there already needs no right to its function.
"""

from django.db import migrations

CLOSES = """
DO $$
DECLARE
    found regprocedure;
BEGIN
    FOR found IN
        SELECT p.oid::regprocedure FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
        WHERE n.nspname = 'public' AND p.proname LIKE 'ccd\\_%' AND p.prorettype = 'trigger'::regtype
    LOOP
        EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', found);
    END LOOP;
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("core", "0077_a_restriction_is_kept_by_its_log"),
    ]

    operations = [migrations.RunSQL(CLOSES, migrations.RunSQL.noop)]
