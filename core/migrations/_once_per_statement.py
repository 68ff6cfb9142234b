"""SQL of migration 0056: what happens to inserted rows happens once per statement, of which a daily file has few."""

FUNCTIONS = """
-- ccd_audit() of 0001 for the inserted rows of a statement, with the same arguments.
CREATE FUNCTION ccd_audit_new() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
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
    FROM (SELECT to_jsonb(new_rows) AS row FROM new_rows) written;
    RETURN NULL;
END $$;

-- ccd_keep_keys() of 0020 for the inserted clients of a statement. In the order of the keys, since that is the order of
-- their index: a third of the time.
CREATE FUNCTION ccd_keep_new_keys() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    INSERT INTO client_keys (key, client_id)
    SELECT DISTINCT k, client_id FROM new_rows CROSS JOIN LATERAL unnest(ccd_match_keys(
        first_folded, last_folded, dob, phone_digits, email, postal_key, ccd_street(address))) AS k
    WHERE k IS NOT NULL ORDER BY 1, 2;
    RETURN NULL;
END $$;
"""
