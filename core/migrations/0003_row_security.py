"""The second wall: row-level security on every table that says something about clients.

ccd_app (commands, tests, people whose role sees every client) is above them (BYPASSRLS), or where the owner may not say
so passes every one: USING (true) leaves its plans as they were. ccd_viewer is what a request becomes whose person sees assigned clients or none (admin_ext.wall): it reads what
ccd_viewer_clients() gives and, of what no such person sees, nothing. The owner stays exempt, and with it migrations,
backups, foreign keys and the audit trigger.

The settings ccd.viewer, ccd.viewer_since and ccd.viewer_today say who looks and which days count (CCD_ASSIGNED_DAYS).
Where one is missing, nothing is seen. A new table about clients needs the like in its own migration: without, ccd_viewer
may not read it, and tests/core/test_row_security.py fails.
"""

from django.db import migrations

OF_CLIENT = (
    "clients",
    "client_identifiers",
    "client_program_enrollments",
    "intakes",
    "discharges",
    "service_restrictions",
)
# Nothing of these is for people without a role that sees every client: readable, and always empty.
CLOSED = (
    "audit_log",
    "client_links",
    "django_admin_log",
    "import_batches",
    "import_files",
    "import_rows",
    "pending_changes",
    "reversion_version",
    "source_disagreements",
)
# What stands around clients and says nothing about them: places, accounts, rights.
OPEN = (
    "auth_group",
    "auth_group_permissions",
    "auth_permission",
    "departments",
    "django_content_type",
    "django_session",
    "guardian_groupobjectpermission",
    "guardian_userobjectpermission",
    "program_capacities",
    "program_staff",
    "programs",
    "roles",
    "staff",
    "staff_groups",
    "staff_roles",
    "staff_user_permissions",
)
OWN = ("client_assignments", "access_log")

# From 16 on, whoever creates a role holds it without the right to work as it.
ROLE = """
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'ccd_viewer') THEN
        CREATE ROLE ccd_viewer NOLOGIN;
    END IF;
EXCEPTION
    WHEN duplicate_object OR unique_violation THEN NULL;  -- another database of this server was first
    WHEN insufficient_privilege THEN
        RAISE EXCEPTION 'the owner named in DATABASE_URL may not create the role ccd_viewer: let the server''s '
            'administrator run CREATE ROLE ccd_viewer NOLOGIN; GRANT ccd_viewer TO "%";', current_user;
END $$;
DO $$
DECLARE
    usable text := CASE WHEN current_setting('server_version_num')::int >= 160000 THEN 'SET' ELSE 'MEMBER' END;
    role text;
BEGIN
    FOREACH role IN ARRAY ARRAY['ccd_app', 'ccd_viewer'] LOOP
        IF NOT pg_has_role(current_user, role, usable) THEN
            EXECUTE format('GRANT %I TO %I', role, current_user);
        END IF;
    END LOOP;
END $$;
"""

# Only a superuser may say so; elsewhere the policies USING (true) do, but for COPY … FROM, which PostgreSQL does not do
# into a table with row-level security.
BYPASS = """
DO $$
BEGIN
    IF (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) THEN
        ALTER ROLE ccd_app BYPASSRLS;
    END IF;
EXCEPTION WHEN OTHERS THEN
    IF SQLERRM NOT LIKE '%concurrently%' THEN RAISE; END IF;  -- another database of this server says it this very moment
END $$;
"""

# The twin of core.rules._assigned_clients, with the records linked to a client one may see, since what hangs on them is
# shown, and their names with it. SECURITY DEFINER: it must see what it lets others see.
# A page asks some ten times: what was found is kept in ccd.viewer_seen beside the question it answers, until
# admin_ext.wall clears it at the end of the request. Hence not parallel safe.
ASSIGNED = """
CREATE FUNCTION ccd_viewer() RETURNS uuid LANGUAGE sql STABLE PARALLEL SAFE AS
$$ SELECT nullif(current_setting('ccd.viewer', true), '')::uuid $$;

CREATE FUNCTION ccd_viewer_clients() RETURNS uuid[]
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    viewer uuid := nullif(current_setting('ccd.viewer', true), '')::uuid;
    since date := nullif(current_setting('ccd.viewer_since', true), '')::date;
    today date := nullif(current_setting('ccd.viewer_today', true), '')::date;
    question text := concat_ws('|', viewer, since, today) || '|';
    kept text := current_setting('ccd.viewer_seen', true);
    found uuid[];
BEGIN
    IF viewer IS NULL OR since IS NULL OR today IS NULL THEN RETURN '{}'; END IF;
    IF starts_with(kept, question) THEN RETURN substr(kept, length(question) + 1)::uuid[]; END IF;
    WITH assigned AS MATERIALIZED (
        SELECT e.client_id FROM program_staff p JOIN client_program_enrollments e ON e.program_id = p.program_id
        WHERE p.staff_id = viewer AND e.start_date <= today AND (e.end_date IS NULL OR e.end_date >= since)
        UNION
        SELECT a.client_id FROM client_assignments a
        WHERE a.user_id = viewer AND (a.end_date IS NULL OR a.end_date >= today)
    ), seen AS MATERIALIZED (
        SELECT client_id FROM assigned
        UNION SELECT linked_to FROM clients JOIN assigned USING (client_id) WHERE linked_to IS NOT NULL
    ), shown AS (
        SELECT client_id FROM seen
        UNION SELECT c.client_id FROM seen JOIN clients c ON c.linked_to = seen.client_id
    )
    SELECT coalesce(array_agg(client_id), '{}') INTO found FROM shown
    WHERE EXISTS (SELECT FROM staff JOIN staff_roles USING (staff_id) WHERE staff_id = viewer AND active);
    PERFORM set_config('ccd.viewer_seen', question || found::text, false);
    RETURN found;
END $$;
REVOKE EXECUTE ON FUNCTION ccd_viewer_clients() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ccd_viewer_clients() TO ccd_viewer;
"""

RIGHTS = f"""
GRANT USAGE ON SCHEMA public TO ccd_viewer;
GRANT SELECT ON {", ".join([*OF_CLIENT, *CLOSED, *OPEN, *OWN])} TO ccd_viewer;
GRANT INSERT, UPDATE, DELETE ON django_session TO ccd_viewer;
GRANT UPDATE (last_login, password) ON staff TO ccd_viewer;
GRANT INSERT ON access_log TO ccd_viewer;
"""

# A login writes last_login before anyone is the viewer; afterwards one's own account alone.
# RETURNING needs the right to read: of the access log what this transaction wrote, and no more.
OWN_POLICIES = """
CREATE POLICY viewer_reads ON staff FOR SELECT TO ccd_viewer USING (true);
CREATE POLICY viewer_own ON staff FOR UPDATE TO ccd_viewer USING (staff_id = ccd_viewer() OR ccd_viewer() IS NULL);
CREATE POLICY viewer_own ON client_assignments FOR SELECT TO ccd_viewer USING (user_id = ccd_viewer());
CREATE POLICY viewer_adds ON access_log FOR INSERT TO ccd_viewer
    WITH CHECK (staff_id = ccd_viewer() OR ccd_viewer() IS NULL);
CREATE POLICY viewer_just_added ON access_log FOR SELECT TO ccd_viewer
    USING ((staff_id = ccd_viewer() OR ccd_viewer() IS NULL) AND accessed_at >= transaction_timestamp());
"""


def _policies() -> str:
    lines = []
    for table in (*OF_CLIENT, *CLOSED, *OWN, "staff"):
        lines.append(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY;")
        lines.append(f"CREATE POLICY app_all ON {table} TO ccd_app USING (true) WITH CHECK (true);")
    # Tried against a hash table that is made when the first row comes by. As an array the index on the key would answer,
    # and each time for all of a person's clients, since PostgreSQL takes an array it does not know for short.
    lines += [
        f"CREATE POLICY viewer_assigned ON {table} FOR SELECT TO ccd_viewer "
        "USING (client_id IN (SELECT unnest(ccd_viewer_clients())));"
        for table in OF_CLIENT
    ]
    return "\n".join(lines)


class Migration(migrations.Migration):
    dependencies = [
        ("core", "0002_roles_and_rights"),
        ("admin", "0003_logentry_add_action_flag_choices"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
        ("guardian", "0003_remove_groupobjectpermission_guardian_gr_content_ae6aec_idx_and_more"),
        ("reversion", "0002_add_index_on_version_for_content_type_and_db"),
        ("sessions", "0001_initial"),
    ]

    operations = [
        migrations.RunSQL(sql, migrations.RunSQL.noop)
        for sql in (ROLE, BYPASS, ASSIGNED, RIGHTS, _policies(), OWN_POLICIES)
    ]
