"""How reports read: one statement, so that all numbers of a report are of one moment; with room to work in; from the
replica where there is one.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import date, datetime, time
from typing import Any
from uuid import uuid4

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, connections, models, transaction
from django.db.models import Max
from django.utils import timezone

from core import rules
from core.models import Client, Enrollment, ImportBatch, Staff

REPLICA = "replica"
PORTION = 2000

# A report reads much of the database once. PostgreSQL guesses far too low how many people a set of stays has, and would
# look each of them up by itself: hence no nested loops. Sent with the statement, gone with its transaction.
_ROOM = "SET LOCAL work_mem = '256MB'; SET LOCAL enable_nestloop = {loops}; SET LOCAL jit = off; "


def alias() -> str:
    """The connection reports read from."""
    return REPLICA if REPLICA in settings.DATABASES else DEFAULT_DB_ALIAS


def scoped(actor: Staff | None, model: type[models.Model]) -> models.QuerySet:
    """Rows of `model` that count for `actor`: all for the system, what they may see for a person."""
    found = model._default_manager.all() if actor is None else rules.visible_to(actor, model)
    return found.using(alias())


def people_of(actor: Staff | None, enrollments: models.QuerySet) -> models.QuerySet:
    """The clients of these enrollments, each once, those linked to another client as that client. One set, not two
    joined by OR, which PostgreSQL would try on every client.
    """
    stays = enrollments.order_by()
    own = stays.filter(client__linked_to__isnull=True).values("client")
    linked = stays.filter(client__linked_to__isnull=False).values("client__linked_to")
    return scoped(actor, Client).filter(pk__in=own.union(linked, all=True))


def select(sql: str, parameters: Iterable[object], *, loops: bool = False) -> list[tuple[Any, ...]]:
    """Rows of one statement. `loops`: it looks few things up one by one."""
    with connections[alias()].cursor() as cursor:
        cursor.execute(_ROOM.format(loops="on" if loops else "off") + sql, list(parameters))
        while cursor.description is None and cursor.nextset():
            pass
        return cursor.fetchall()


@contextmanager
def room() -> Iterator[None]:
    """The same for queries of Django's own within it."""
    with transaction.atomic(using=alias()):
        with connections[alias()].cursor() as cursor:
            cursor.execute(_ROOM.format(loops="off"))
        yield


def streamed(found: models.QuerySet, names: Iterable[str]) -> Iterator[tuple[Any, ...]]:
    """The columns `names` of a long list, fetched PORTION by PORTION. The database has the rows put aside when the
    first is asked for (WITH HOLD), so that they are of one moment, as whoever asked may see them, and no transaction
    stays open for as long as somebody's network takes.
    """
    sql, values = found.values_list(*names).query.sql_with_params()
    with room():
        cursor = connections[alias()].connection.cursor(f"streamed_{uuid4().hex}", withhold=True)
        cursor.execute(sql, values)
    with cursor:
        while rows := cursor.fetchmany(PORTION):
            yield from rows


def compiled(queryset: models.QuerySet, *names: str) -> tuple[str, tuple[object, ...]]:
    """SQL and parameters of a queryset, to stand inside a larger statement."""
    return queryset.order_by().values(*names).query.sql_with_params()


def stays_between(stays: models.QuerySet, first: date, last: date) -> tuple[str, tuple[object, ...]]:
    """client_id and program_id of those active on at least one day, as SQL and parameters: in two halves, each of which
    an index answers without the table.
    """
    halves = [compiled(half, "client_id", "program_id") for half in stays.halves_active_between(first, last)]
    return " UNION ALL ".join(sql for sql, _ in halves), tuple(value for _, values in halves for value in values)


def days_from(day: date, days: int) -> date:
    """`day` and so many days, or the end of the calendar."""
    return date.fromordinal(min(max(day.toordinal() + days, date.min.toordinal()), date.max.toordinal()))


def local_days(first: date, last: date) -> tuple[datetime, datetime]:
    """From the first moment of a local day through the last of another, for __range."""
    zone = timezone.get_current_timezone()
    return datetime.combine(first, time.min, zone), datetime.combine(last, time.max, zone)


def file_ages() -> list[tuple[str, int]]:
    """(source, days since its last file went in). Who reads a report may know how old what it rests on is, without the
    right to see the files: only the day is read.
    """
    taken = ImportBatch.objects.using(alias()).filter(status=ImportBatch.Status.APPLIED, finished_at__isnull=False)
    latest = taken.values("source_system").annotate(last=Max("finished_at")).order_by("source_system")
    today = timezone.localdate()
    return [(row["source_system"], (today - timezone.localdate(row["last"])).days) for row in latest]


def enrollments(actor: Staff | None, params: dict[str, Any]) -> models.QuerySet:
    """Those in the department or program of the parameters."""
    found = scoped(actor, Enrollment)
    if params.get("department"):
        found = found.filter(program__department=params["department"])
    return found.filter(program=params["program"]) if params.get("program") else found
