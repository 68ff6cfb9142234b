"""What a working role could do with SQL of its own, past the rules of the tables.

A restriction was deleted by a function that an UPDATE of it called, before that UPDATE was in the log: now the log must
know the row as it is. A temporary table called staff_roles made anybody a coordinator, one called program_capacities took
the history of a capacity in. A record could be linked to one that was itself linked: then neither was shown.
"""

from django.db import migrations

KEEPS_RESTRICTION = """
CREATE OR REPLACE FUNCTION ccd_keep_restriction() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    since date := current_date - interval '10 years';
    logged date;
BEGIN
    IF TG_OP = 'UPDATE' THEN
        IF NEW.client_id <> OLD.client_id OR NEW.restriction_id <> OLD.restriction_id THEN
            RAISE EXCEPTION 'a restriction cannot be moved to another client: end it and add a new one'
                USING ERRCODE = 'restrict_violation';
        END IF;
        RETURN NEW;
    END IF;
    SELECT (l.diff_json -> 'after' ->> 'end_date')::date INTO logged FROM audit_log l
    WHERE l.entity = TG_TABLE_NAME AND l.entity_id = OLD.restriction_id
      AND (l.action = 'create' OR l.action = 'update' AND l.diff_json -> 'after' ? 'end_date')
    ORDER BY l.position DESC LIMIT 1;
    IF FOUND AND logged IS DISTINCT FROM OLD.end_date THEN
        RAISE EXCEPTION 'a restriction is not deleted while its last change is not in the log'
            USING ERRCODE = 'restrict_violation';
    END IF;
    IF OLD.end_date IS NULL OR OLD.end_date >= since OR EXISTS (
        SELECT FROM audit_log l
        WHERE l.entity = TG_TABLE_NAME AND l.entity_id = OLD.restriction_id AND l.action = 'update'
          AND l.diff_json -> 'before' ? 'end_date' AND l.changed_at >= since
          AND coalesce((l.diff_json -> 'before' ->> 'end_date')::date, 'infinity') >= since
    ) THEN
        RAISE EXCEPTION 'a restriction is kept for ten years after it ended: end it, do not delete it'
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN OLD;
END $$;
"""

KEEPS_POINTER = """
CREATE FUNCTION ccd_keep_pointer() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    -- Asked when the transaction ends: by then the record may point elsewhere, or be gone.
    IF NOT EXISTS (SELECT FROM clients WHERE client_id = NEW.client_id AND linked_to = NEW.linked_to) THEN
        RETURN NULL;
    END IF;
    -- Locked, so that nobody points it elsewhere meanwhile.
    PERFORM FROM clients WHERE client_id = NEW.linked_to AND linked_to IS NULL FOR SHARE;
    IF NOT FOUND OR EXISTS (SELECT FROM clients WHERE linked_to = NEW.client_id) THEN
        RAISE EXCEPTION 'a client is linked to a record that is not linked to another one itself'
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NULL;
END $$;
REVOKE ALL ON FUNCTION ccd_keep_pointer() FROM PUBLIC;
"""

PINS = """
ALTER FUNCTION ccd_capacity() SET search_path = public, pg_temp;
ALTER FUNCTION ccd_keep_proposal() SET search_path = public, pg_temp;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("core", "0078_only_our_triggers_call_them"),
    ]

    operations = [
        migrations.RunSQL(KEEPS_RESTRICTION, migrations.RunSQL.noop),
        migrations.RunSQL(KEEPS_POINTER, "DROP FUNCTION ccd_keep_pointer()"),
        migrations.RunSQL(PINS, migrations.RunSQL.noop),
    ]
