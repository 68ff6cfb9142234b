"""Ten years are counted from the day a restriction ended by all that the log says of it, not by its last word alone:
otherwise a date set far back made it deletable at once.
"""

from django.db import migrations

KEEPS = """
CREATE OR REPLACE FUNCTION ccd_keep_restriction() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    since date := current_date - interval '10 years';
BEGIN
    IF TG_OP = 'UPDATE' THEN
        IF NEW.client_id <> OLD.client_id OR NEW.restriction_id <> OLD.restriction_id THEN
            RAISE EXCEPTION 'a restriction cannot be moved to another client: end it and add a new one'
                USING ERRCODE = 'restrict_violation';
        END IF;
        RETURN NEW;
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


class Migration(migrations.Migration):
    dependencies = [
        ("core", "0076_cheaper_by_the_row"),
    ]

    operations = [migrations.RunSQL(KEEPS, migrations.RunSQL.noop)]
