"""Proof that the log explains the tables, and that nothing could have passed it by.

The log is a ledger: an entry adds its after-values to the record and takes its before-values away. For every record and
field the sum must be exactly what stands in the row now. A row changed with triggers off shows, also where a later
change was logged again. Hidden columns are left out, nulls and columns that no longer exist too. Each table is compared
in one statement, hence on one snapshot, while people go on working.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import pgtrigger
from django.apps import apps
from django.db import connection, models

from core.models import AuditEntry, Staff
from core.models.triggers import Audit, SharedTrigger

_SHOWN: Final = 20
# Tables that Django makes by itself; their triggers are in a migration. Owner column, hidden columns.
_MADE_BY_DJANGO: Final = {
    Staff.groups.through._meta.db_table: ("staff_id", "id"),
    Staff.user_permissions.through._meta.db_table: ("staff_id", "id"),
}
_BITS: Final = {"ROW": 1, "BEFORE": 2, "INSERT": 4, "DELETE": 8, "UPDATE": 16, "TRUNCATE": 32}  # STATEMENT: none

# Timestamps were written as text in the time zone of whoever wrote: they are compared as moments.
_LEDGER = """
WITH booked AS (
    SELECT a.entity_id AS record, f.key, f.value, side.sign
    FROM audit_log a
    CROSS JOIN LATERAL (VALUES (a.diff_json -> 'after', 1), (a.diff_json -> 'before', -1)) AS side (content, sign)
    CROSS JOIN LATERAL jsonb_each(CASE jsonb_typeof(side.content) WHEN 'object' THEN side.content ELSE '{{}}' END) f
    WHERE a.entity = %(table)s AND a.action <> 'import' AND f.key = ANY(%(columns)s)
    UNION ALL
    SELECT r.{key}, f.key, f.value, -1
    FROM {table} r CROSS JOIN LATERAL jsonb_each(to_jsonb(r)) f WHERE f.key = ANY(%(columns)s)
), plain AS (
    SELECT record, key, sign, CASE WHEN key = ANY(%(moments)s) AND jsonb_typeof(value) = 'string'
        THEN to_jsonb((value #>> '{{}}')::timestamptz) ELSE jsonb_strip_nulls(value) END AS value
    FROM booked WHERE value <> 'null'
), open AS (
    SELECT record, key, value, sum(sign) AS balance FROM plain GROUP BY record, key, value HAVING sum(sign) <> 0
)
SELECT record::text, key, jsonb_agg(value) FILTER (WHERE balance > 0), jsonb_agg(value) FILTER (WHERE balance < 0),
    count(*) OVER ()
FROM open GROUP BY record, key ORDER BY record, key LIMIT %(shown)s
"""
_LIVES = """
SELECT record::text, position, count(*) OVER () FROM (
    SELECT entity_id AS record, position, action,
        lag(action) OVER (PARTITION BY entity_id ORDER BY position) AS previous
    FROM audit_log WHERE entity = %(table)s AND action <> 'import'
) life WHERE (action = 'create') <> (previous IS NULL OR previous = 'delete') ORDER BY position LIMIT %(shown)s
"""
_POSITIONS = """
SELECT position::text, what FROM (
    SELECT position, CASE WHEN position <= lag(position) OVER (ORDER BY position) THEN 'stands there twice'
        WHEN position > (SELECT last_value FROM audit_log_position) THEN 'is ahead of the counter' END AS what
    FROM audit_log
) numbered WHERE what IS NOT NULL LIMIT %(shown)s
"""
_COLUMNS = """
SELECT attname, format_type(atttypid, NULL) FROM pg_attribute
WHERE attrelid = to_regclass('public.' || quote_ident(%(table)s)) AND attnum > 0 AND NOT attisdropped
"""
_INSTALLED = """
SELECT c.relname, t.tgname, p.proname, t.tgtype, t.tgenabled,
       CASE WHEN t.tgqual IS NULL THEN '' ELSE pg_get_triggerdef(t.oid) END, encode(t.tgargs, 'escape')
FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_proc p ON p.oid = t.tgfoid
WHERE NOT t.tgisinternal AND c.relnamespace = 'public'::regnamespace
"""


@dataclass(frozen=True)
class Audited:
    """A table whose writes are logged: the column that names the record, the columns that never enter the log."""

    table: str
    key: str
    hidden: frozenset[str]
    is_single: bool


@dataclass(frozen=True)
class Verdict:
    """One line of the proof: how much of `subject` was looked at, how much did not hold, the first of it in words."""

    subject: str
    looked_at: int
    wrong: int = 0
    findings: list[str] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        """Proved."""
        return not self.wrong


def verify() -> Iterator[Verdict]:
    """The proof, table by table, then the log's own order, then the triggers that keep it so."""
    for audited in tables():
        yield _table(audited)
    disordered = [f"position {position} {what}" for position, what in _rows(_POSITIONS, {"shown": _SHOWN})]
    yield Verdict("audit_log", AuditEntry.objects.count(), len(disordered), disordered)
    missing, expected = _triggers()
    yield Verdict("triggers", expected, len(missing), missing[:_SHOWN])


def tables() -> list[Audited]:
    """Every audited table, as its trigger is declared."""
    found = []
    for model, trigger in _declared():
        if isinstance(trigger, Audit):
            key, _, hidden = trigger.arguments(model)
            is_single = key == getattr(model._meta.pk, "column", None)
            found.append(Audited(model._meta.db_table, key, frozenset(hidden.split(",")), is_single))
    found += [Audited(table, key, frozenset({hidden}), False) for table, (key, hidden) in _MADE_BY_DJANGO.items()]
    return sorted(found, key=lambda audited: audited.table)


def _declared() -> Iterator[tuple[type[models.Model], SharedTrigger]]:
    for model in apps.get_models():
        for trigger in getattr(model._meta, "triggers", ()):
            if isinstance(trigger, SharedTrigger):
                yield model, trigger


def _table(audited: Audited) -> Verdict:
    types = _columns(audited.table)
    columns = sorted(set(types) - audited.hidden)
    parameters = {
        "table": audited.table,
        "columns": columns,
        "moments": [column for column in columns if types[column] == "timestamp with time zone"],
        "shown": _SHOWN,
    }
    sql = _LEDGER.format(table=_quoted(audited.table), key=_quoted(audited.key))
    unexplained = _rows(sql, parameters)
    lives = _rows(_LIVES, parameters) if audited.is_single else []
    sentences = [_difference(audited.table, *row[:4]) for row in unexplained]
    sentences += [f"{audited.table} {record}: no beginning or no end before position {at}" for record, at, _ in lives]
    wrong = (unexplained[0][4] if unexplained else 0) + (lives[0][2] if lives else 0)
    [(number,)] = _rows(f"SELECT count(*) FROM {_quoted(audited.table)}", {})
    return Verdict(audited.table, number, wrong, sentences)


def _difference(table: str, record: str, column: str, logged: str | None, found: str | None) -> str:
    return f"{table} {record} {column}: the log says {_said(logged)}, the row says {_said(found)}"


def _said(values: str | list[Any] | None) -> str:
    listed = json.loads(values) if isinstance(values, str) else values
    return ", ".join(json.dumps(value, ensure_ascii=False) for value in listed) if listed else "nothing"


def _columns(table: str) -> dict[str, str]:
    return dict(_rows(_COLUMNS, {"table": table}))


def _triggers() -> tuple[list[str], int]:
    """What is missing, off, or not as declared; and how many triggers there have to be."""
    installed = {(table, name): tuple(rest) for table, name, *rest in _rows(_INSTALLED, {})}
    expected = {
        (model._meta.db_table, trigger.get_pgid(model)): (
            trigger.function,
            _type(trigger),
            trigger.render_condition(model),
            trigger.arguments(model),
        )
        for model, trigger in _declared()
    }
    for table, arguments in _MADE_BY_DJANGO.items():
        expected[table, "ccd_audit"] = ("ccd_audit", 29, "", [arguments[0], "", arguments[1]])
    faults = [
        f"{table}: the trigger {name} ({function}) {fault}"
        for (table, name), (function, kind, condition, arguments) in sorted(expected.items())
        if (fault := _fault(installed.get((table, name)), function, kind, condition, arguments))
    ]
    return faults, len(expected)


def _fault(installed: tuple[Any, ...] | None, function: str, kind: int, condition: str, arguments: list[str]) -> str:
    if installed is None:
        return "is missing"
    found, found_kind, enabled, definition, text = installed
    if enabled != "A":
        return "is not enabled ALWAYS"
    given = text.split("\\000")[:-1]
    if (found, found_kind, _bare(definition), given) != (function, kind, _bare(condition), arguments):
        return "is not as it was declared"
    return ""


def _bare(definition: str) -> str:
    """The condition of a trigger, without the brackets and quotes that PostgreSQL writes its own way; '' for none."""
    condition = definition.partition(" WHEN (")[2].rpartition(" EXECUTE ")[0] or definition.removeprefix("WHEN (")
    return "".join(character for character in condition.lower() if character not in '()" ')


def _type(trigger: pgtrigger.Trigger) -> int:
    """pg_trigger.tgtype of a declared trigger."""
    words = f"{trigger.level} {trigger.when} {trigger.operation}".upper().split()
    return sum(_BITS.get(word, 0) for word in words)


def _quoted(name: str) -> str:
    return connection.ops.quote_name(name)


def _rows(sql: str, parameters: dict[str, Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters or None)
        return cursor.fetchall()
