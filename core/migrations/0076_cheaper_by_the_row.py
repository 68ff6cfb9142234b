"""What is done for every row of a long file costs less: letters are folded within the statement, keys of the log are
numbered.

A function that PostgreSQL can read into a statement costs nothing to call. It cannot where the function is STRICT and
something in it is not, or where it promises more than what it calls; then a call costs more than what it does.
gen_random_uuid() costs as much as all the letters of a name.
"""

from django.db import migrations

FOLDING = r"""
-- Any text; unaccent is only stable, so this one is always called.
CREATE FUNCTION ccd_plain_any(text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS
$$ SELECT lower(public.unaccent('public.unaccent'::regdictionary, normalize($1, NFKC))) $$;

-- As many bytes as characters: plain letters already.
CREATE OR REPLACE FUNCTION ccd_plain(text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
$$ SELECT CASE WHEN octet_length($1) = length($1) THEN lower($1) ELSE public.ccd_plain_any($1) END $$;

CREATE OR REPLACE FUNCTION ccd_fold(text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
$$ SELECT translate(public.ccd_plain($1), U&' -''\2018\2019`\00B4.,\00B7"()/_', '') $$;

CREATE OR REPLACE FUNCTION ccd_digits(text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
$$ SELECT nullif(regexp_replace($1, '[^0-9]', '', 'g'), '') $$;

CREATE OR REPLACE FUNCTION ccd_postal_key(jsonb) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
$$ SELECT nullif(upper(regexp_replace($1 ->> 'postal_code', '[^A-Za-z0-9]', '', 'g')), '') $$;

CREATE OR REPLACE FUNCTION ccd_street(jsonb) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
$$ SELECT nullif(public.ccd_fold($1 ->> 'street'), '') $$;

CREATE OR REPLACE FUNCTION ccd_skeleton(text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
$$ SELECT nullif(regexp_replace(
    translate($1, 'bpfvcgjkqsxzdtlmnraeiouyhw', '111122222222334556'), '(.)\1+', '\1', 'g'), '') $$;
"""

AUDIT = r"""
-- A key in order of time, as RFC 9562 lays out version 7: milliseconds, random bits, and in place of the last 48 of them
-- a number that no other key of this base has. Keys of one statement share a base; their indexes grow at one end.
CREATE FUNCTION ccd_key_base() RETURNS bytea LANGUAGE sql VOLATILE PARALLEL SAFE AS
$$ SELECT set_byte(overlay(uuid_send(gen_random_uuid())
    PLACING substring(int8send((extract(epoch FROM clock_timestamp()) * 1000)::bigint) FROM 3) FROM 1),
    6, 112 + floor(random() * 16)::int) $$;

CREATE FUNCTION ccd_key(base bytea, number bigint) RETURNS uuid LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
$$ SELECT encode(overlay(base PLACING substring(int8send(number) FROM 3) FROM 11), 'hex')::uuid $$;

-- ccd_audit_new() of 0070, its keys by position.
CREATE OR REPLACE FUNCTION ccd_audit_new() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    hidden text[] := string_to_array(TG_ARGV[2], ',');
    channel text := nullif(current_setting('ccd.channel', true), '');
    base bytea := ccd_key_base();
BEGIN
    IF channel IS NULL AND EXISTS (SELECT FROM new_rows) THEN
        RAISE EXCEPTION 'a write to % outside audit.acting(): ccd.channel is not set in this transaction', TG_TABLE_NAME
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    INSERT INTO audit_log (audit_id, entity, entity_id, action, changed_by, changed_at, diff_json, channel,
                           reference_id, client_id, requested_by, reason, position)
    SELECT ccd_key(base, written.position), TG_TABLE_NAME, (written.row ->> TG_ARGV[0])::uuid, 'create',
           nullif(current_setting('ccd.actor', true), '')::uuid, clock_timestamp(),
           jsonb_build_object('before', NULL, 'after', jsonb_strip_nulls(written.row - hidden)), channel,
           nullif(current_setting('ccd.reference', true), '')::uuid,
           CASE WHEN TG_ARGV[1] <> '' THEN (written.row ->> TG_ARGV[1])::uuid END,
           nullif(current_setting('ccd.requested_by', true), '')::uuid,
           nullif(current_setting('ccd.reason', true), ''), written.position
    FROM (SELECT to_jsonb(new_rows) AS row, nextval('audit_log_position') AS position FROM new_rows OFFSET 0) written;
    RETURN NULL;
END $$;

-- ccd_audit_changed() of 0070, its keys by position.
CREATE OR REPLACE FUNCTION ccd_audit_changed() RETURNS trigger
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
                               reference_id, client_id, requested_by, reason, position)
        SELECT ccd_key($6, position), $2, (new ->> $3)::uuid, 'update',
               nullif(current_setting('ccd.actor', true), '')::uuid, clock_timestamp(),
               (SELECT jsonb_build_object('before', jsonb_object_agg(o.key, o.value),
                                          'after', jsonb_object_agg(o.key, new -> o.key))
                FROM jsonb_each(old) o WHERE new -> o.key <> o.value),
               $4, nullif(current_setting('ccd.reference', true), '')::uuid,
               CASE WHEN $5 <> '' THEN (new ->> $5)::uuid END,
               nullif(current_setting('ccd.requested_by', true), '')::uuid,
               nullif(current_setting('ccd.reason', true), ''), position
        FROM (SELECT old, new, nextval('audit_log_position') AS position FROM %s c WHERE old <> new OFFSET 0) written
        $sql$, changed) USING hidden, TG_TABLE_NAME::text, TG_ARGV[0], channel, TG_ARGV[1], ccd_key_base();
    RETURN NULL;
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("core", "0075_rows_come_back"),
    ]

    operations = [
        migrations.RunSQL(FOLDING, migrations.RunSQL.noop),
        migrations.RunSQL(AUDIT, migrations.RunSQL.noop),
    ]
