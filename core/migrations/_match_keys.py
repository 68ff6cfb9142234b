"""SQL of migration 0020: the hashed match keys of every client, which the database keeps true on every road.

A key is a hash of something two records of one person mostly share even where one of them has a slip: candidates are
those who share one. Names are taken in either order, and so are day and month, so that swapping them loses nothing.
The classes of ccd_skeleton are Soundex's (Russell 1918), kept for the whole name, its first letter like the others.
"""

FUNCTIONS = r"""
CREATE FUNCTION ccd_skeleton(text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS
$$ SELECT nullif(regexp_replace(
    translate($1, 'bpfvcgjkqsxzdtlmnraeiouyhw', '111122222222334556'), '(.)\1+', '\1', 'g'), '') $$;

CREATE FUNCTION ccd_street(jsonb) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS
$$ SELECT nullif(public.ccd_fold($1 ->> 'street'), '') $$;

-- Arguments: folded first and last name, date of birth, digits of the phone, e-mail, postal key, folded street.
-- Each kind of key has its place in the answer, NULL where there is nothing to make it of (core.linking.candidates).
CREATE FUNCTION ccd_match_keys(f text, l text, born date, phone text, email text, postal text, street text)
RETURNS bigint[] LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
    f_sound text := ccd_skeleton(f);
    l_sound text := ccd_skeleton(l);
    f_first text := nullif(left(f, 1), '');
    l_first text := nullif(left(l, 1), '');
    begins text := least(left(f, 3), left(l, 3)) || '|' || greatest(left(f, 3), left(l, 3));
    born_year text;
    born_day text;
BEGIN
    IF born IS NOT NULL THEN
        born_year := '|' || extract(year FROM born)::int;
        born_day := '|' || least(extract(month FROM born), extract(day FROM born))::int
            || '|' || greatest(extract(month FROM born), extract(day FROM born))::int;
    END IF;
    RETURN ARRAY[
        hashtextextended('n' || least(f, l) || '|' || greatest(f, l), 1),
        hashtextextended('s' || least(f_sound, l_sound) || '|' || greatest(f_sound, l_sound), 1),
        hashtextextended('b' || begins, 1),
        hashtextextended('y' || begins || born_year, 1),
        hashtextextended('d' || begins || born_day, 1),
        hashtextextended('i' || f_first || born_year || born_day, 1),
        hashtextextended('i' || l_first || born_year || born_day, 1),
        hashtextextended('o' || born_year || born_day, 1),
        hashtextextended('z' || f_first || postal, 1),
        hashtextextended('z' || l_first || postal, 1),
        CASE WHEN length(street) >= 4 THEN hashtextextended('a' || left(street, 6), 1) END,
        CASE WHEN length(phone) >= 7 THEN hashtextextended('p' || right(phone, 10), 1) END,
        hashtextextended('e' || lower(email), 1)
    ];
END $$;

CREATE FUNCTION ccd_keep_keys() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    gone bigint[] := '{}';
    come bigint[] := '{}';
    kept bigint[];
BEGIN
    IF TG_OP = 'UPDATE' THEN
        IF (NEW.client_id, NEW.first_folded, NEW.last_folded, NEW.dob, NEW.phone_digits, NEW.email, NEW.address)
            IS NOT DISTINCT FROM
           (OLD.client_id, OLD.first_folded, OLD.last_folded, OLD.dob, OLD.phone_digits, OLD.email, OLD.address) THEN
            RETURN NULL;
        END IF;
    END IF;
    IF TG_OP <> 'INSERT' THEN
        gone := ccd_match_keys(OLD.first_folded, OLD.last_folded, OLD.dob, OLD.phone_digits, OLD.email, OLD.postal_key,
                               ccd_street(OLD.address));
    END IF;
    IF TG_OP <> 'DELETE' THEN
        come := ccd_match_keys(NEW.first_folded, NEW.last_folded, NEW.dob, NEW.phone_digits, NEW.email, NEW.postal_key,
                               ccd_street(NEW.address));
    END IF;
    IF TG_OP = 'UPDATE' AND NEW.client_id = OLD.client_id THEN
        kept := come;
        come := ARRAY(SELECT unnest(come) EXCEPT SELECT unnest(gone));
        gone := ARRAY(SELECT unnest(gone) EXCEPT SELECT unnest(kept));
    END IF;
    IF TG_OP <> 'INSERT' THEN
        DELETE FROM client_keys WHERE key = ANY (gone) AND client_id = OLD.client_id;
    END IF;
    IF TG_OP <> 'DELETE' THEN
        INSERT INTO client_keys (key, client_id)
        SELECT DISTINCT k, NEW.client_id FROM unnest(come) AS k WHERE k IS NOT NULL;
    END IF;
    RETURN NULL;
END $$;
"""

# Of ccd_app's default rights only reading is left: no road but the trigger writes keys.
RIGHTS = """
REVOKE INSERT, UPDATE, DELETE ON client_keys FROM ccd_app;
"""

BACKFILL = """
INSERT INTO client_keys (key, client_id)
SELECT DISTINCT k, client_id FROM clients CROSS JOIN LATERAL unnest(ccd_match_keys(
    first_folded, last_folded, dob, phone_digits, email, postal_key, ccd_street(address))) AS k WHERE k IS NOT NULL;
"""


def walls(tables: tuple[str, ...]) -> str:
    """Row-level security of tables that say something about clients and that nobody behind the second wall reads."""
    return "\n".join(
        f"""
        ALTER TABLE {table} ENABLE ROW LEVEL SECURITY;
        CREATE POLICY app_all ON {table} TO ccd_app USING (true) WITH CHECK (true);
        GRANT SELECT ON {table} TO ccd_viewer;
        """
        for table in tables
    )
