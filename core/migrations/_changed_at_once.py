"""SQL of migration 0070: what happens to changed rows happens once per statement, too, where files change many of them;
and the rows of a file name their batch and clients under a rule that is asked once per statement.

The statements are built anew each time (EXECUTE): a plan that was made for one row would be kept for fifty thousand.
"""

AUDIT = """
-- ccd_audit_new() of 0056, with each row made into JSON once, not three times (OFFSET 0 keeps it one step of the plan).
CREATE OR REPLACE FUNCTION ccd_audit_new() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    hidden text[] := string_to_array(TG_ARGV[2], ',');
    channel text := nullif(current_setting('ccd.channel', true), '');
BEGIN
    IF channel IS NULL AND EXISTS (SELECT FROM new_rows) THEN
        RAISE EXCEPTION 'a write to % outside audit.acting(): ccd.channel is not set in this transaction', TG_TABLE_NAME
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    INSERT INTO audit_log (audit_id, entity, entity_id, action, changed_by, changed_at, diff_json, channel,
                           reference_id, client_id, requested_by, reason)
    SELECT gen_random_uuid(), TG_TABLE_NAME, (written.row ->> TG_ARGV[0])::uuid, 'create',
           nullif(current_setting('ccd.actor', true), '')::uuid, clock_timestamp(),
           jsonb_build_object('before', NULL, 'after', jsonb_strip_nulls(written.row - hidden)), channel,
           nullif(current_setting('ccd.reference', true), '')::uuid,
           CASE WHEN TG_ARGV[1] <> '' THEN (written.row ->> TG_ARGV[1])::uuid END,
           nullif(current_setting('ccd.requested_by', true), '')::uuid,
           nullif(current_setting('ccd.reason', true), '')
    FROM (SELECT to_jsonb(new_rows) AS row FROM new_rows OFFSET 0) written;
    RETURN NULL;
END $$;

-- ccd_audit() of 0001 for the changed rows of a statement, with the same arguments. The first names the key by which the
-- row before and the row after are one: it cannot change.
CREATE FUNCTION ccd_audit_changed() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    hidden text[] := string_to_array(TG_ARGV[2], ',');
    channel text := nullif(current_setting('ccd.channel', true), '');
    changed text := format(
        '(SELECT to_jsonb(o) - $1 AS old, to_jsonb(n) - $1 AS new FROM old_rows o JOIN new_rows n USING (%I) OFFSET 0)',
        TG_ARGV[0]);
    found boolean;
BEGIN
    EXECUTE format(
        'SELECT EXISTS (SELECT FROM new_rows n WHERE NOT EXISTS (SELECT FROM old_rows o WHERE o.%1$I = n.%1$I))',
        TG_ARGV[0]) INTO found;
    IF found THEN
        RAISE EXCEPTION 'the key of a row of % never changes', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
    END IF;
    IF channel IS NULL THEN
        EXECUTE format('SELECT EXISTS (SELECT FROM %s c WHERE old <> new)', changed) INTO found USING hidden;
        IF found THEN
            RAISE EXCEPTION 'a write to % outside audit.acting(): ccd.channel is not set in this transaction',
                TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
        END IF;
        RETURN NULL;
    END IF;
    EXECUTE format($sql$
        INSERT INTO audit_log (audit_id, entity, entity_id, action, changed_by, changed_at, diff_json, channel,
                               reference_id, client_id, requested_by, reason)
        SELECT gen_random_uuid(), $2, (new ->> $3)::uuid, 'update',
               nullif(current_setting('ccd.actor', true), '')::uuid, clock_timestamp(),
               (SELECT jsonb_build_object('before', jsonb_object_agg(o.key, o.value),
                                          'after', jsonb_object_agg(o.key, new -> o.key))
                FROM jsonb_each(old) o WHERE new -> o.key <> o.value),
               $4, nullif(current_setting('ccd.reference', true), '')::uuid,
               CASE WHEN $5 <> '' THEN (new ->> $5)::uuid END,
               nullif(current_setting('ccd.requested_by', true), '')::uuid,
               nullif(current_setting('ccd.reason', true), '')
        FROM %s c WHERE old <> new
        $sql$, changed) USING hidden, TG_TABLE_NAME::text, TG_ARGV[0], channel, TG_ARGV[1];
    RETURN NULL;
END $$;
"""

KEYS = """
-- ccd_keep_keys() of 0020 for the changed clients of a statement: of those whose keys may be others, the keys that went
-- and those that came.
CREATE FUNCTION ccd_keep_changed_keys() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    EXECUTE $sql$
        WITH changed AS MATERIALIZED (
            SELECT n.client_id,
                   array_remove(ccd_match_keys(o.first_folded, o.last_folded, o.dob, o.phone_digits, o.email,
                                               o.postal_key, ccd_street(o.address)), NULL) AS before,
                   array_remove(ccd_match_keys(n.first_folded, n.last_folded, n.dob, n.phone_digits, n.email,
                                               n.postal_key, ccd_street(n.address)), NULL) AS after
            FROM old_rows o JOIN new_rows n USING (client_id)
            WHERE (n.first_folded, n.last_folded, n.dob, n.phone_digits, n.email, n.address) IS DISTINCT FROM
                  (o.first_folded, o.last_folded, o.dob, o.phone_digits, o.email, o.address)
        ), gone AS (
            DELETE FROM client_keys k USING (
                SELECT DISTINCT key, client_id FROM changed, unnest(before) AS key WHERE key <> ALL (after)
            ) g WHERE k.key = g.key AND k.client_id = g.client_id
        )
        INSERT INTO client_keys (key, client_id)
        SELECT DISTINCT key, client_id FROM changed, unnest(after) AS key WHERE key <> ALL (before) ORDER BY 1, 2
        $sql$;
    RETURN NULL;
END $$;
"""

REFERENCES = """
-- A foreign key asked once per statement: every row of it names a row that exists. Nobody can take that away before this
-- transaction ends: ccd_referred() waits for whoever writes to the table. Arguments: column, table it names, key of that.
CREATE OR REPLACE FUNCTION ccd_refers() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    found boolean;
BEGIN
    EXECUTE format('SELECT EXISTS (SELECT FROM new_rows n WHERE n.%1$I IS NOT NULL '
                   'AND NOT EXISTS (SELECT FROM %2$I p WHERE p.%3$I = n.%1$I))', TG_ARGV[0], TG_ARGV[1], TG_ARGV[2])
        INTO found;
    IF found THEN
        RAISE EXCEPTION 'a row of % names by its % something that is not in %', TG_TABLE_NAME, TG_ARGV[0], TG_ARGV[1]
            USING ERRCODE = 'foreign_key_violation';
    END IF;
    RETURN NULL;
END $$;

-- The other side, of rows that hardly ever go: what a row names cannot. Whoever writes to the table that names it is
-- waited for, and then waits until this transaction ends. Arguments: key, table that names it, column of that.
CREATE OR REPLACE FUNCTION ccd_referred() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    key uuid := (to_jsonb(OLD) ->> TG_ARGV[0])::uuid;
    found boolean;
BEGIN
    IF TG_OP = 'UPDATE' AND (to_jsonb(NEW) ->> TG_ARGV[0])::uuid = key THEN RETURN NULL; END IF;
    EXECUTE format('LOCK TABLE %I IN SHARE ROW EXCLUSIVE MODE', TG_ARGV[1]);
    EXECUTE format('SELECT EXISTS (SELECT FROM %I WHERE %I = $1)', TG_ARGV[1], TG_ARGV[2]) INTO found USING key;
    IF found THEN
        RAISE EXCEPTION 'a row of % is named by one of %', TG_TABLE_NAME, TG_ARGV[1]
            USING ERRCODE = 'foreign_key_violation';
    END IF;
    RETURN NULL;
END $$;
"""
