"""A file that brings many rows lets PostgreSQL count them before it goes on.

Plans go by what was counted last: by autovacuum, when nobody was in yet, or between a preview and its confirmation, when
the rows of the preview were rolled back. They then take thousands of rows for one, and go through the whole file once
for each of them: minutes became hours. Only a table's owner may count it, so the owner's function does.
"""

from django.db import migrations

COUNTS = """
-- `brought` rows were written to a table by this transaction. Counted where that is a tenth of what was known or more.
-- Only the keys are counted: by them rows are looked up, and a long text takes long to count.
CREATE FUNCTION ccd_count_anew(counted regclass, brought bigint) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    known real := (SELECT reltuples FROM pg_class WHERE oid = counted);
BEGIN
    IF brought < 1000 OR brought < known / 10 OR NOT EXISTS (
        SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE c.oid = counted AND n.nspname = 'public' AND c.relkind = 'r'
    ) THEN
        RETURN false;
    END IF;
    EXECUTE format('ANALYZE %s (%s)', counted, (
        SELECT string_agg(quote_ident(a.attname), ', ') FROM pg_attribute a WHERE a.attrelid = counted
        AND a.attnum IN (SELECT unnest(conkey) FROM pg_constraint WHERE conrelid = counted AND contype IN ('p', 'u', 'f'))
    ));
    RETURN true;
END $$;
REVOKE ALL ON FUNCTION ccd_count_anew(regclass, bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ccd_count_anew(regclass, bigint) TO ccd_app;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("core", "0072_few_rows_are_settled"),
    ]

    operations = [migrations.RunSQL(COUNTS, "DROP FUNCTION ccd_count_anew(regclass, bigint)")]
