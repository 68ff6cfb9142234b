"""The pointer of a link is no change of the record that carries it, and taking a link back leaves no trace in it."""

import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations

import core.models.triggers

TOUCH = """
-- Arguments: the fields whose edits by a person are remembered in edited_fields; columns that do not count as a change.
CREATE OR REPLACE FUNCTION ccd_touch() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    remembered text[] := string_to_array(TG_ARGV[0], ',');
    ignored text[] := string_to_array(TG_ARGV[1], ',');
    by_a_person boolean := remembered <> '{}'
        AND coalesce(current_setting('ccd.channel', true), '') IN ('admin', 'approval', 'link');
    old_row jsonb;
    new_row jsonb;
BEGIN
    -- Taking a link back puts a record to what it was, when it was: core.linking.joining.
    IF current_setting('ccd.restoring', true) = 'on' THEN RETURN NEW; END IF;
    IF TG_OP = 'INSERT' AND NOT by_a_person THEN RETURN NEW; END IF;
    new_row := to_jsonb(NEW) - ignored;
    IF TG_OP = 'UPDATE' THEN
        old_row := to_jsonb(OLD) - ignored;
        IF old_row = new_row THEN
            NEW.updated_at := OLD.updated_at;
        ELSE
            NEW.updated_at := now();
        END IF;
    END IF;
    IF by_a_person THEN
        NEW.edited_fields := ARRAY(
            SELECT unnest(coalesce(NEW.edited_fields, '{}'))
            UNION
            SELECT key FROM unnest(remembered) AS key
            WHERE new_row -> key IS DISTINCT FROM coalesce(old_row -> key, 'null')
            ORDER BY 1
        );
    END IF;
    RETURN NEW;
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("core", "0020_linking_engine"),
    ]

    operations = [
        migrations.RunSQL(TOUCH, migrations.RunSQL.noop),
        pgtrigger.migrations.RemoveTrigger(
            model_name="client",
            name="touch",
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="client",
            trigger=pgtrigger.compiler.Trigger(
                name="touch",
                sql=core.models.triggers.AlwaysTriggerSql(
                    execute="ccd_touch('first_name,last_name,preferred_name,alias,dob,gender,sexual_orientation,languages_spoken,race,immigration_status,phone_number,email,address', 'edited_fields,first_folded,last_folded,linked_to,phone_digits,postal_key,search_text,updated_at')",
                    func="",
                    hash="09d24b1d574c7474c9b2ff6f7495913ba7f06650",
                    operation="INSERT OR UPDATE",
                    pgid="pgtrigger_touch_b9ac9",
                    table="clients",
                    when="BEFORE",
                ),
            ),
        ),
    ]
