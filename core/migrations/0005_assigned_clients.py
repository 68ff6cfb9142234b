"""The set of a person's clients, found fast enough to be asked anew by every query, and both walls asking for it.

Until here each wall had the set in words of its own, the first one's subqueries stood behind the second wall themselves
and asked it again, and the second kept what it had found as a text of one name, which took longer to read than the set
takes to find. Now the database finds it once per query and wall: ccd_clients_of() for core.rules.visible_to(), the
functions ccd_viewer_assigned() and ccd_viewer_linked() for the policies. For 5,000 of 200,000 clients 1 to 5 ms.
"""

import django.db.models.deletion
from django.db import migrations, models

OF_CLIENT = (
    "clients",
    "client_identifiers",
    "client_program_enrollments",
    "intakes",
    "discharges",
    "service_restrictions",
)

# Enrolled on one of the days since … today in a program where the person works, or granted by name: two ranges of one
# index and no row besides. Not SECURITY DEFINER, so that it is inlined; only the owner's functions may call it.
ASSIGNED = """
CREATE FUNCTION ccd_assigned(staff uuid, since date, today date) RETURNS SETOF uuid
LANGUAGE sql STABLE ROWS 500 COST 1 AS $$
    SELECT e.client_id FROM program_staff p JOIN client_program_enrollments e ON e.program_id = p.program_id
    WHERE p.staff_id = staff AND e.end_date IS NULL AND e.start_date <= today
    UNION ALL
    SELECT e.client_id FROM program_staff p JOIN client_program_enrollments e ON e.program_id = p.program_id
    WHERE p.staff_id = staff AND e.end_date >= since AND e.start_date <= today
    UNION ALL
    SELECT a.client_id FROM client_assignments a
    WHERE a.user_id = staff AND (a.end_date IS NULL OR a.end_date >= today)
$$;
REVOKE EXECUTE ON FUNCTION ccd_assigned(uuid, date, date) FROM PUBLIC;
"""

# What links add to these: the clients for whom they stand, and with `linked` every other record linked to one of all
# these, since what hangs on them is shown. The hashed filter of the last line reads the few linked records once, in
# place of one look-up per client.
LINKED = """
CREATE FUNCTION ccd_linked(staff uuid, since date, today date, linked boolean) RETURNS SETOF uuid
LANGUAGE plpgsql STABLE ROWS 50 COST 1 AS $$
BEGIN
    RETURN QUERY
    WITH assigned AS MATERIALIZED (SELECT f AS client_id FROM ccd_assigned(staff, since, today) f),
    roots AS MATERIALIZED (
        SELECT c.linked_to FROM clients c JOIN assigned a USING (client_id) WHERE c.linked_to IS NOT NULL
    )
    SELECT r.linked_to FROM roots r
    UNION ALL
    SELECT c.client_id FROM clients c
    WHERE linked AND c.linked_to IS NOT NULL AND (c.linked_to IN (
        SELECT a.client_id FROM assigned a UNION ALL SELECT r.linked_to FROM roots r
    )) IS TRUE;
END $$;
REVOKE EXECUTE ON FUNCTION ccd_linked(uuid, date, date, boolean) FROM PUBLIC;
"""

# Both, for the first wall. SECURITY DEFINER: it would otherwise ask the second about each row it looks up here; hence
# ccd_viewer may ask about itself alone. Not parallel safe: a page's queries are too short for helpers.
OF_STAFF = """
CREATE FUNCTION ccd_clients_of(staff uuid, since date, today date, linked boolean) RETURNS SETOF uuid
LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 500 COST 1 SET search_path = public, pg_temp AS $$
BEGIN
    IF current_setting('role') = 'ccd_viewer' AND staff IS DISTINCT FROM ccd_viewer() THEN RETURN; END IF;
    RETURN QUERY SELECT * FROM ccd_assigned(staff, since, today);
    RETURN QUERY SELECT * FROM ccd_linked(staff, since, today, linked);
END $$;
REVOKE EXECUTE ON FUNCTION ccd_clients_of(uuid, date, date, boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ccd_clients_of(uuid, date, date, boolean) TO ccd_app, ccd_viewer;
"""

# Who looks and which days count is in the settings (admin_ext.wall); where one is missing, or the account is closed or
# without a role, nobody. ROWS and COST are small on purpose: a policy that looks dear keeps the planner from looking
# rows up one by one, which is what pages of few clients live on.
OF_VIEWER = """
CREATE FUNCTION ccd_viewer_days(OUT viewer uuid, OUT since date, OUT today date) RETURNS SETOF record
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT s.staff_id, d.since, d.today FROM staff s, (
        SELECT nullif(current_setting('ccd.viewer_since', true), '')::date AS since,
               nullif(current_setting('ccd.viewer_today', true), '')::date AS today
    ) d
    WHERE s.staff_id = ccd_viewer() AND s.active AND d.since IS NOT NULL AND d.today IS NOT NULL
    AND EXISTS (SELECT FROM staff_roles r WHERE r.staff_id = s.staff_id)
$$;
CREATE FUNCTION ccd_viewer_assigned() RETURNS SETOF uuid
LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 10 COST 1 SET search_path = public, pg_temp AS $$
DECLARE asked record;
BEGIN
    SELECT * INTO asked FROM ccd_viewer_days();
    IF FOUND THEN RETURN QUERY SELECT * FROM ccd_assigned(asked.viewer, asked.since, asked.today); END IF;
END $$;
CREATE FUNCTION ccd_viewer_linked() RETURNS SETOF uuid
LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 10 COST 1 SET search_path = public, pg_temp AS $$
DECLARE asked record;
BEGIN
    SELECT * INTO asked FROM ccd_viewer_days();
    IF FOUND THEN RETURN QUERY SELECT * FROM ccd_linked(asked.viewer, asked.since, asked.today, true); END IF;
END $$;
REVOKE EXECUTE ON FUNCTION ccd_viewer_days(), ccd_viewer_assigned(), ccd_viewer_linked() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ccd_viewer_assigned(), ccd_viewer_linked() TO ccd_viewer;
"""

# Tried against a hash table made when the first row comes by. Nearly every row is one of an assigned client; only for
# what is none of theirs the second set is found.
POLICIES = "".join(
    f"ALTER POLICY viewer_assigned ON {table} USING (client_id IN (SELECT ccd_viewer_assigned()) "
    "OR client_id IN (SELECT ccd_viewer_linked()));\n"
    for table in OF_CLIENT
)


class Migration(migrations.Migration):
    dependencies = [("core", "0004_access_index")]

    operations = [
        migrations.AddIndex(
            model_name="enrollment",
            index=models.Index(
                fields=["program", "end_date"], include=["client", "start_date"], name="enrollment_of_program"
            ),
        ),
        migrations.AlterField(
            model_name="enrollment",
            name="program",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="enrollments",
                to="core.program",
            ),
        ),
        migrations.AddIndex(
            model_name="client",
            index=models.Index(
                condition=models.Q(("linked_to__isnull", False)),
                fields=["linked_to", "client_id"],
                name="client_linked",
            ),
        ),
        migrations.AddIndex(
            model_name="client",
            index=models.Index(
                condition=models.Q(("linked_to__isnull", True)), fields=["client_id"], name="client_canonical"
            ),
        ),
        migrations.AlterField(
            model_name="client",
            name="linked_to",
            field=models.ForeignKey(
                blank=True,
                db_column="linked_to",
                db_index=False,
                editable=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="linked_clients",
                to="core.client",
            ),
        ),
        *(migrations.RunSQL(sql, migrations.RunSQL.noop) for sql in (ASSIGNED, LINKED, OF_STAFF, OF_VIEWER, POLICIES)),
        migrations.RunSQL("DROP FUNCTION ccd_viewer_clients()", migrations.RunSQL.noop),
    ]
