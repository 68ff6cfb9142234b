"""What the database does by itself on every road: audit, append-only, no truncate, updated_at.

Declared on the models through django-pgtrigger, so that a new table cannot forget its own and migrations keep them.
Two things differ from the library's own triggers, on purpose: they call a shared function of the migrations in
place of one each, and they carry no `pgtrigger.ignore` escape and are ENABLE ALWAYS, so that neither a setting nor
session_replication_role silences them.
"""

import pgtrigger
from django.db import models
from pgtrigger import compiler


def _columns(model: type[models.Model]) -> set[str]:
    return {f.column for f in model._meta.local_fields}


def _generated(model: type[models.Model]) -> set[str]:
    return {f.column for f in model._meta.local_fields if f.generated}


class AlwaysTriggerSql(compiler.UpsertTriggerSql):
    """The library's installation template without the ignore function, firing on every road. Migrations refer to it."""

    def get_template(self) -> str:
        return """
            DROP TRIGGER IF EXISTS {pgid} ON {table};
            CREATE TRIGGER {pgid} {when} {operation} ON {table} FOR EACH {level} {condition} EXECUTE FUNCTION {execute};
            ALTER TABLE {table} ENABLE ALWAYS TRIGGER {pgid};
            COMMENT ON TRIGGER {pgid} ON {table} IS '{hash}';
        """


class AlwaysStatementTriggerSql(AlwaysTriggerSql):
    """The same for a trigger that fires once per statement and sees all of its rows. Migrations refer to it."""

    def get_template(self) -> str:
        return """
            DROP TRIGGER IF EXISTS {pgid} ON {table};
            CREATE TRIGGER {pgid} {when} {operation} ON {table} {referencing}
            FOR EACH {level} EXECUTE FUNCTION {execute};
            ALTER TABLE {table} ENABLE ALWAYS TRIGGER {pgid};
            COMMENT ON TRIGGER {pgid} ON {table} IS '{hash}';
        """


class AlwaysConstraintTriggerSql(AlwaysTriggerSql):
    """The same for a trigger that asks when the transaction ends. Migrations refer to it."""

    def get_template(self) -> str:
        return """
            DROP TRIGGER IF EXISTS {pgid} ON {table};
            CREATE CONSTRAINT TRIGGER {pgid} {when} {operation} ON {table} DEFERRABLE INITIALLY DEFERRED
            FOR EACH {level} {condition} EXECUTE FUNCTION {execute};
            ALTER TABLE {table} ENABLE ALWAYS TRIGGER {pgid};
            COMMENT ON TRIGGER {pgid} ON {table} IS '{hash}';
        """


class SharedTrigger(pgtrigger.Trigger):
    """A trigger that calls `function`, one of those the migrations make, with `arguments(model)`."""

    function: str = ""

    def arguments(self, model: type[models.Model]) -> list[str]:
        """Text arguments of the function."""
        return []

    def render_execute(self, model: type[models.Model]) -> str:
        quoted = ", ".join("'" + argument.replace("'", "''") + "'" for argument in self.arguments(model))
        return f"{self.function}({quoted})"

    def compile(self, model: type[models.Model]) -> compiler.Trigger:
        how = {
            "pgid": self.get_pgid(model),
            "func": "",
            "table": model._meta.db_table,
            "when": self.when,
            "operation": self.operation,
            "level": self.level,
            "execute": self.render_execute(model),
        }
        if self.referencing:
            sql = AlwaysStatementTriggerSql(**how, referencing=self.referencing)
        else:
            kind = AlwaysConstraintTriggerSql if self.timing == pgtrigger.Deferred else AlwaysTriggerSql
            sql = kind(**how, condition=self.render_condition(model))
        return compiler.Trigger(name=self.name, sql=sql)


NEW_ROWS = pgtrigger.Referencing(new="new_rows")
BOTH_ROWS = pgtrigger.Referencing(old="old_rows", new="new_rows")


class _WritesLog(SharedTrigger):
    """Writes audit_log for every row of a table, or refuses the write outside audit.acting()."""

    when = pgtrigger.After

    def __init__(self, *, key: str = "", hidden: tuple[str, ...] = ()) -> None:
        self.key = key
        self.hidden = hidden
        super().__init__()

    def arguments(self, model: type[models.Model]) -> list[str]:
        """Key column, client column or '', and the columns that never enter the log."""
        key = self.key or model._meta.pk.column
        columns = _columns(model)
        hidden = _generated(model) | {"updated_at", *self.hidden}
        return [key, "client_id" if "client_id" in columns else "", ",".join(sorted(hidden & columns))]


class Audit(_WritesLog):
    """Changed and deleted rows, one by one."""

    name = "audit"
    operation = pgtrigger.Update | pgtrigger.Delete
    function = "ccd_audit"


class AuditDeleted(Audit):
    """Deleted rows, one by one: beside AuditChanged."""

    operation = pgtrigger.Delete


class AuditChanged(_WritesLog):
    """Changed rows, all of a statement at once, for tables of which a file changes many: a third of the time per row,
    and no key of theirs can change.
    """

    name = "audit_changed"
    operation = pgtrigger.Update
    level = pgtrigger.Statement
    referencing = BOTH_ROWS
    function = "ccd_audit_changed"


class AuditNew(_WritesLog):
    """Inserted rows, all of a statement at once: about half the time per row (docs/daily-files.md)."""

    name = "audit_new"
    operation = pgtrigger.Insert
    level = pgtrigger.Statement
    referencing = NEW_ROWS
    function = "ccd_audit_new"


class AuditBatch(SharedTrigger):
    """Writes the one `import` entry of a daily file when its batch is applied, and who decided about one held whole or
    took one back.
    """

    name = "audit_batch"
    when = pgtrigger.After
    operation = pgtrigger.Insert | pgtrigger.Update
    function = "ccd_audit_batch"


class Touch(SharedTrigger):
    """Keeps updated_at true where something differs, and remembers the fields a person edited."""

    name = "touch"
    when = pgtrigger.Before
    operation = pgtrigger.Insert | pgtrigger.Update
    function = "ccd_touch"

    def __init__(self, *, remembered: tuple[str, ...] = ()) -> None:
        self.remembered = remembered
        super().__init__()

    def arguments(self, model: type[models.Model]) -> list[str]:
        """The fields whose edits by a person are remembered, and the columns that do not count as a change."""
        ignored = _generated(model) | ({"updated_at", "last_login", "edited_fields", "linked_to"} & _columns(model))
        return [",".join(self.remembered), ",".join(sorted(ignored))]


class Refuse(SharedTrigger):
    """Refuses the operation with a sentence."""

    when = pgtrigger.Before
    function = "ccd_refuse"

    def __init__(self, sentence: str, **kwargs: object) -> None:
        self.sentence = sentence
        super().__init__(**kwargs)

    def arguments(self, model: type[models.Model]) -> list[str]:
        """The sentence of the error."""
        return [self.sentence]


def no_truncate() -> Refuse:
    """TRUNCATE would pass every row trigger."""
    return Refuse(
        "this table cannot be truncated: its rows are kept and every change is logged",
        name="no_truncate",
        operation=pgtrigger.Truncate,
        level=pgtrigger.Statement,
    )


def audited(*, key: str = "", hidden: tuple[str, ...] = (), by_file: bool = False) -> list[pgtrigger.Trigger]:
    """What every business table carries. `key`: the column that names the owner where the table has no single key;
    `hidden`: columns that never enter the log; `by_file`: daily files change many rows of it at once.
    """
    how = {"key": key, "hidden": hidden}
    changed = [AuditDeleted(**how), AuditChanged(**how)] if by_file else [Audit(**how)]
    return [*changed, AuditNew(**how), no_truncate()]


def append_only(table: str) -> list[pgtrigger.Trigger]:
    """Rows of `table` are written once and stay."""
    return [
        Refuse(
            f"{table} is append-only: its rows are never changed or deleted",
            name="append_only",
            operation=pgtrigger.Update | pgtrigger.Delete,
        ),
        no_truncate(),
    ]


class Call(SharedTrigger):
    """A trigger that calls one of our functions without arguments."""

    def __init__(self, function: str, **kwargs: object) -> None:
        self.function = function
        super().__init__(**kwargs)


class _Names(SharedTrigger):
    """Arguments of ccd_refers() and ccd_referred(): three names."""

    when = pgtrigger.After

    def __init__(self, *names: str, **kwargs: object) -> None:
        self.names = names
        super().__init__(**kwargs)

    def arguments(self, model: type[models.Model]) -> list[str]:
        """The three names."""
        return list(self.names)


class Refers(_Names):
    """Rows written name by `column` a row of `table` that exists: a foreign key asked once per statement."""

    level = pgtrigger.Statement
    referencing = NEW_ROWS
    function = "ccd_refers"


class Referred(_Names):
    """A row whose `key` a row of another table names cannot go: the other side of Refers."""

    function = "ccd_referred"


def refers(column: str, table: str, key: str) -> list[pgtrigger.Trigger]:
    """`column` names rows of `table`; the field says db_constraint=False, the other table carries Referred."""
    return [
        Refers(column, table, key, name=f"{column}_new", operation=pgtrigger.Insert),
        Refers(column, table, key, name=f"{column}_changed", operation=pgtrigger.Update),
    ]
