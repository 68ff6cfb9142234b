"""What a database holds, in numbers that another database can be compared with: rows and a hash per table, and the
shape of the schema with its triggers and rights.
"""

import hashlib
from dataclasses import asdict, dataclass
from typing import Any, Self

import psycopg
from psycopg import sql

# The same bytes for the same rows, whatever the server's configuration says.
_SETTINGS = """
SET LOCAL timezone = 'UTC'; SET LOCAL datestyle = 'ISO, YMD'; SET LOCAL intervalstyle = 'postgres';
SET LOCAL extra_float_digits = 3; SET LOCAL bytea_output = 'hex'; SET LOCAL search_path = public
"""
_TABLES = """
SELECT c.relname, coalesce(
    (SELECT array_agg(quote_ident(a.attname) || CASE WHEN a.attcollation <> 0 THEN ' COLLATE "C"' ELSE '' END
                      ORDER BY array_position(i.indkey::int2[], a.attnum))
     FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey)
     WHERE i.indrelid = c.oid AND i.indisprimary),
    ARRAY['(t.*)::text COLLATE "C"'])
FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') ORDER BY c.relname
"""
# Names and states, not definitions: PostgreSQL rewrites an expression the first time it is dumped and restored. Those
# of policies come back as they were.
_SHAPE = """
WITH t AS (SELECT oid, relname, relrowsecurity, relforcerowsecurity FROM pg_class
           WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'v', 'm', 'S'))
SELECT 'relation', relname, '', concat(relrowsecurity, relforcerowsecurity) FROM t
UNION ALL SELECT 'column', t.relname, attname, concat(format_type(atttypid, atttypmod), attnotnull, attgenerated)
    FROM t JOIN pg_attribute a ON a.attrelid = t.oid WHERE attnum > 0 AND NOT attisdropped
UNION ALL SELECT 'constraint', t.relname, conname, concat(contype, convalidated)
    FROM t JOIN pg_constraint k ON k.conrelid = t.oid WHERE contype <> 'n'
UNION ALL SELECT 'index', t.relname, i.indexrelid::regclass::text, concat(indisunique, indisvalid)
    FROM t JOIN pg_index i ON i.indrelid = t.oid
UNION ALL SELECT 'trigger', t.relname, tgname, concat(tgenabled, tgfoid::regproc)
    FROM t JOIN pg_trigger g ON g.tgrelid = t.oid WHERE NOT tgisinternal
UNION ALL SELECT 'policy', t.relname, polname, concat(polcmd, polpermissive, polroles::regrole[],
        md5(concat(pg_get_expr(polqual, polrelid), pg_get_expr(polwithcheck, polrelid))))
    FROM t JOIN pg_policy p ON p.polrelid = t.oid
UNION ALL SELECT 'right', t.relname, privilege, has_table_privilege('ccd_app', t.oid, privilege)::text
    FROM t, unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE']) privilege
    WHERE EXISTS (SELECT FROM pg_roles WHERE rolname = 'ccd_app')
UNION ALL SELECT 'right of the viewer', t.relname, privilege, ''
    FROM t, unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE']) privilege, pg_roles
    WHERE rolname = 'ccd_viewer' AND CASE WHEN privilege IN ('DELETE', 'TRUNCATE')
        THEN has_table_privilege(rolname, t.oid, privilege) ELSE has_any_column_privilege(rolname, t.oid, privilege) END
UNION ALL SELECT 'function', proname, pg_get_function_identity_arguments(oid), md5(prosrc) || prosecdef
    FROM pg_proc p WHERE pronamespace = 'public'::regnamespace
    AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e')
ORDER BY 1, 2, 3, 4
"""


@dataclass(frozen=True, slots=True)
class Manifest:
    """Rows and SHA-256 per table, and one SHA-256 over the names of all that makes up the schema."""

    tables: dict[str, dict[str, Any]]
    schema: str

    @classmethod
    def taken(cls, connection: psycopg.Connection) -> Self:
        """Of the database as this transaction sees it."""
        connection.execute(_SETTINGS)
        shape = connection.execute(_SHAPE).fetchall()
        names = connection.execute(_TABLES).fetchall()
        tables = {name: _table(connection, name, order) for name, order in names}
        return cls(tables, hashlib.sha256(repr(shape).encode()).hexdigest())

    @classmethod
    def of(cls, written: dict[str, Any]) -> Self:
        """As it was written."""
        return cls(written["tables"], written["schema"])

    def written(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)

    @property
    def rows(self) -> int:
        """Of all tables."""
        return sum(table["rows"] for table in self.tables.values())

    def differences(self, other: Self) -> list[str]:
        """What `other` has that this has not, in words."""
        found = []
        for name in sorted(self.tables.keys() | other.tables.keys()):
            here, there = self.tables.get(name), other.tables.get(name)
            if here is None or there is None:
                found.append(f"the table {name} is {'new' if here is None else 'missing'}")
            elif here["rows"] != there["rows"]:
                found.append(f"{name} has {there['rows']} rows in place of {here['rows']}")
            elif here != there:
                found.append(f"{name} has as many rows, but not the same")
        if not found and self.schema != other.schema:
            found.append("the rows are equal, but a column, constraint, index, trigger, function or right is not")
        return found


def _table(connection: psycopg.Connection, name: str, order: list[str]) -> dict[str, Any]:
    """In COPY's text form a row is one line: a line feed within a value is escaped."""
    query = sql.SQL("COPY (SELECT * FROM {} t ORDER BY {}) TO STDOUT").format(
        sql.Identifier(name), sql.SQL(", ".join(order))
    )
    rows, digest = 0, hashlib.sha256()
    with connection.cursor() as cursor, cursor.copy(query) as copy:
        for block in copy:
            digest.update(block)
            rows += bytes(block).count(b"\n")
    return {"rows": rows, "sha256": digest.hexdigest()}
