"""Is a client one of a person's: the condition behind what people see who do not see every client."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import date
from uuid import UUID

from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import F, Func, Value
from django.db.models.sql.compiler import SQLCompiler

_in_order: ContextVar[bool] = ContextVar("ccd_in_order", default=False)


class AssignedTo(Func):
    """The client in the column `client` is one of ccd_clients_of(): assigned to `staff` on one of the days since …
    today, or the one that such a client is linked to; with `linked` also every other record linked to one of these.
    """

    arg_joiner = " IN (SELECT "
    template = "%(expressions)s)"
    output_field = models.BooleanField()

    def __init__(self, client: str, *, staff: UUID, since: date, today: date, linked: bool = False) -> None:
        asked = (Value(staff, models.UUIDField()), Value(since), Value(today), Value(linked))
        super().__init__(F(client), Func(*asked, function="ccd_clients_of", output_field=models.UUIDField()))

    def as_sql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **context: object) -> tuple[str, list]:
        """PostgreSQL joins the set to the table and sorts what it found, unless `IS TRUE` hides that it could: then it
        reads the rows in the list's order and tries each against the set until the page is full.
        """
        sql, parameters = super().as_sql(compiler, connection, **context)
        return (f"({sql}) IS TRUE" if _in_order.get() else f"({sql})"), parameters


@contextmanager
def in_order(worth_it: bool = True) -> Iterator[None]:
    """Queries made within read in the order of their list: right for the first pages of a long one, dear otherwise."""
    token = _in_order.set(worth_it)
    try:
        yield
    finally:
        _in_order.reset(token)
