"""First in the first migration: extensions, the working role, the functions that triggers and generated columns call.

In that migration and not before it, because other apps depend on the first one of the user model's app.
"""

from django.contrib.postgres.operations import BtreeGistExtension, TrigramExtension, UnaccentExtension
from django.db import migrations

ROLE = """
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'ccd_app') THEN
        CREATE ROLE ccd_app NOLOGIN;
    END IF;
EXCEPTION
    WHEN duplicate_object OR unique_violation THEN NULL;  -- another database of this server was first
    WHEN insufficient_privilege THEN
        RAISE EXCEPTION 'the owner named in DATABASE_URL may not create the role ccd_app: let the server''s '
            'administrator run CREATE ROLE ccd_app NOLOGIN; GRANT ccd_app TO "%";', current_user;
END $$;
DO $$
BEGIN
    IF NOT pg_has_role(current_user, 'ccd_app', 'MEMBER') THEN
        EXECUTE format('GRANT ccd_app TO %I', current_user);
    END IF;
END $$;
DO $$
BEGIN
    EXECUTE format('GRANT TEMPORARY ON DATABASE %I TO ccd_app', current_database());  -- the staging table of daily files
END $$;
GRANT USAGE ON SCHEMA public TO ccd_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO ccd_app;
GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO ccd_app;
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO ccd_app;
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT USAGE, SELECT ON SEQUENCES TO ccd_app;
"""

# Generated columns need immutable functions; unaccent alone is only stable, hence the named dictionary.
# The characters taken away are those of core.normalise.fold.
FOLDING = """
CREATE FUNCTION ccd_plain(text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS
$$ SELECT lower(public.unaccent('public.unaccent'::regdictionary, normalize($1, NFKC))) $$;

CREATE FUNCTION ccd_fold(text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS
$$ SELECT translate(public.ccd_plain($1), U&' -''\\2018\\2019`\\00B4.,\\00B7"()/_', '') $$;

CREATE FUNCTION ccd_search_text(text, text, text, text, text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
$$ SELECT public.ccd_plain(coalesce($1, '') || ' ' || coalesce($2, '') || ' ' || coalesce($3, '') || ' '
    || coalesce($4, '') || ' ' || coalesce($5, '')) $$;

CREATE FUNCTION ccd_digits(text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS
$$ SELECT nullif(regexp_replace($1, '[^0-9]', '', 'g'), '') $$;

CREATE FUNCTION ccd_postal_key(jsonb) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS
$$ SELECT nullif(upper(regexp_replace($1 ->> 'postal_code', '[^A-Za-z0-9]', '', 'g')), '') $$;
"""

AUDIT = """
CREATE SEQUENCE audit_log_position;

-- Arguments: key column, client column or '', columns that never enter the log.
-- SECURITY DEFINER: the working role has no right to insert into audit_log.
CREATE FUNCTION ccd_audit() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    hidden text[] := string_to_array(TG_ARGV[2], ',');
    channel text := nullif(current_setting('ccd.channel', true), '');
    old_row jsonb;
    new_row jsonb;
    before jsonb;
    after jsonb;
    any_row jsonb;
    client uuid;
BEGIN
    IF TG_OP <> 'INSERT' THEN old_row := to_jsonb(OLD) - hidden; END IF;
    IF TG_OP <> 'DELETE' THEN new_row := to_jsonb(NEW) - hidden; END IF;
    IF TG_OP = 'UPDATE' THEN
        IF old_row = new_row THEN RETURN NULL; END IF;
        SELECT jsonb_object_agg(o.key, o.value), jsonb_object_agg(o.key, n.value) INTO before, after
        FROM jsonb_each(old_row) o JOIN jsonb_each(new_row) n ON n.key = o.key AND n.value <> o.value;
    ELSE
        before := jsonb_strip_nulls(old_row);
        after := jsonb_strip_nulls(new_row);
    END IF;
    IF channel IS NULL THEN
        RAISE EXCEPTION 'a write to % outside audit.acting(): ccd.channel is not set in this transaction', TG_TABLE_NAME
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    any_row := coalesce(new_row, old_row);
    IF TG_ARGV[1] <> '' THEN client := (any_row ->> TG_ARGV[1])::uuid; END IF;
    INSERT INTO audit_log (audit_id, entity, entity_id, action, changed_by, changed_at, diff_json, channel,
                           reference_id, client_id, requested_by, reason)
    VALUES (
        gen_random_uuid(), TG_TABLE_NAME, (any_row ->> TG_ARGV[0])::uuid,
        CASE TG_OP WHEN 'INSERT' THEN 'create' WHEN 'UPDATE' THEN 'update' ELSE 'delete' END,
        nullif(current_setting('ccd.actor', true), '')::uuid, clock_timestamp(),
        jsonb_build_object('before', before, 'after', after), channel,
        nullif(current_setting('ccd.reference', true), '')::uuid, client,
        nullif(current_setting('ccd.requested_by', true), '')::uuid,
        nullif(current_setting('ccd.reason', true), '')
    );
    RETURN NULL;
END $$;

-- One `import` entry for a daily file, beside those of its rows.
CREATE FUNCTION ccd_audit_batch() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF NEW.status = 'applied' AND (TG_OP = 'INSERT' OR OLD.status <> 'applied') THEN
        INSERT INTO audit_log (audit_id, entity, entity_id, action, changed_by, changed_at, diff_json, channel, reference_id)
        VALUES (
            gen_random_uuid(), TG_TABLE_NAME, NEW.batch_id, 'import',
            nullif(current_setting('ccd.actor', true), '')::uuid, clock_timestamp(),
            jsonb_build_object('before', NULL, 'after', jsonb_build_object(
                'source_system', NEW.source_system, 'file_name', NEW.file_name) || coalesce(NEW.summary, '{}')),
            coalesce(nullif(current_setting('ccd.channel', true), ''), 'import'), NEW.batch_id
        );
    END IF;
    RETURN NULL;
END $$;

-- By hand the depth of this trigger is 1; from within ccd_audit() it is 2.
CREATE FUNCTION ccd_only_by_trigger() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF pg_trigger_depth() < 2 THEN
        RAISE EXCEPTION 'audit_log is written by the audit trigger alone' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;

CREATE FUNCTION ccd_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '%', TG_ARGV[0] USING ERRCODE = 'restrict_violation';
END $$;
"""

KEEPING = """
-- Arguments: the fields whose edits by a person are remembered in edited_fields; columns that do not count as a change.
CREATE FUNCTION ccd_touch() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    remembered text[] := string_to_array(TG_ARGV[0], ',');
    ignored text[] := string_to_array(TG_ARGV[1], ',');
    by_a_person boolean := remembered <> '{}'
        AND coalesce(current_setting('ccd.channel', true), '') IN ('admin', 'approval', 'link');
    old_row jsonb;
    new_row jsonb;
BEGIN
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

-- Dated capacity rows from the program's two columns. Without a date: since ever if there was none, else from today.
-- The same capacity with another date moves the row of the old date.
CREATE FUNCTION ccd_capacity() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    since date := NEW.capacity_effective_date;
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NEW.capacity_current IS NULL THEN RETURN NULL; END IF;
    ELSIF NEW.capacity_current IS NOT DISTINCT FROM OLD.capacity_current
          AND since IS NOT DISTINCT FROM OLD.capacity_effective_date THEN
        RETURN NULL;
    ELSIF NEW.capacity_current = OLD.capacity_current AND since IS NOT NULL THEN
        DELETE FROM program_capacities WHERE program_id = NEW.program_id
            AND effective_date IS NOT DISTINCT FROM OLD.capacity_effective_date AND capacity = NEW.capacity_current;
    ELSIF since IS NULL AND EXISTS (SELECT FROM program_capacities
                                    WHERE program_id = NEW.program_id AND capacity IS NOT NULL) THEN
        since := current_date;
    END IF;
    INSERT INTO program_capacities (capacity_id, program_id, capacity, effective_date)
    VALUES (gen_random_uuid(), NEW.program_id, NEW.capacity_current, since)
    ON CONFLICT (program_id, effective_date) DO UPDATE SET capacity = EXCLUDED.capacity
        WHERE program_capacities.capacity IS DISTINCT FROM EXCLUDED.capacity;
    RETURN NULL;
END $$;

CREATE FUNCTION ccd_keep_restriction() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        IF NEW.client_id <> OLD.client_id OR NEW.restriction_id <> OLD.restriction_id THEN
            RAISE EXCEPTION 'a restriction cannot be moved to another client: end it and add a new one'
                USING ERRCODE = 'restrict_violation';
        END IF;
        RETURN NEW;
    END IF;
    IF OLD.end_date IS NULL OR OLD.end_date >= current_date - interval '10 years' THEN
        RAISE EXCEPTION 'a restriction is kept for ten years after it ended: end it, do not delete it'
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN OLD;
END $$;

CREATE FUNCTION ccd_keep_proposal() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'proposals are kept: decline it or let it be withdrawn' USING ERRCODE = 'restrict_violation';
    END IF;
    IF OLD.status <> 'pending' THEN
        RAISE EXCEPTION 'a decided proposal never moves again' USING ERRCODE = 'restrict_violation';
    END IF;
    IF (NEW.entity, NEW.entity_id, NEW.kind, NEW.diff_json, NEW.requested_by, NEW.requested_at)
       IS DISTINCT FROM (OLD.entity, OLD.entity_id, OLD.kind, OLD.diff_json, OLD.requested_by, OLD.requested_at) THEN
        RAISE EXCEPTION 'what was proposed cannot be changed afterwards' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
"""


OPERATIONS = [
    TrigramExtension(),
    UnaccentExtension(),
    BtreeGistExtension(),
    migrations.RunSQL(ROLE, migrations.RunSQL.noop),
    migrations.RunSQL(FOLDING, migrations.RunSQL.noop),
    migrations.RunSQL(AUDIT, migrations.RunSQL.noop),
    migrations.RunSQL(KEEPING, migrations.RunSQL.noop),
]
