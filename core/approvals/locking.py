"""Locks of a decision, always in one order: proposals by key, then clients by key, then the other records by table and
key. Two decisions can therefore wait for one another, but not each for the other. What else may deadlock (a daily file,
a direct edit) PostgreSQL breaks, and the decision is tried again.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import TypeVar
from uuid import UUID

from django.db import OperationalError, connection, models
from django.utils import timezone

from core import rules
from core.approvals.diff import ENTITIES
from core.choices import PENDING
from core.errors import Busy, Conflict
from core.models import Client, PendingChange, Staff

Done = TypeVar("Done")

_ATTEMPTS = 3
_WORTH_RETRYING = frozenset({"40P01", "40001"})  # deadlock, serialization failure


def lock_waiting(keys: Iterable[UUID], actor: Staff) -> list[PendingChange]:
    """The proposals, locked, in the order they were sent, each still waiting. Raises NotAllowed, Conflict."""
    locked = PendingChange.objects.select_for_update(of=("self",)).filter(pk__in=keys).order_by("pk")
    changes = sorted(locked, key=lambda change: (change.requested_at, change.pk))
    for change in changes:
        rules.require(actor, "core.view_pendingchange", change)
        if change.status != PENDING:
            raise Conflict(who_was_faster(change))
    return changes


def who_was_faster(change: PendingChange) -> str:
    """Who decided on it, how and when."""
    when = timezone.localtime(change.reviewed_at).strftime("%Y-%m-%d %H:%M") if change.reviewed_at else "before"
    if change.withdrawn:
        return f"{change.requested_by} withdrew this proposal on {when}."
    return f"{change.reviewed_by} {change.status} this proposal on {when}."


def lock_records(changes: Iterable[PendingChange]) -> None:
    """What the proposals are about, and the clients that it hangs on."""
    wanted: dict[type[models.Model], set[UUID]] = defaultdict(set)
    for change in changes:
        model = ENTITIES.get(change.entity)
        if change.client_id:
            wanted[Client].add(change.client_id)
        if model is not None:
            wanted[model].add(change.entity_id)
    for model in sorted(wanted, key=lambda model: (model is not Client, model._meta.db_table)):
        rows = model._default_manager.select_for_update(of=("self",), no_key=True)
        list(rows.filter(pk__in=wanted[model]).order_by("pk").values_list("pk"))


def retried(act: Callable[[], Done]) -> Done:
    """A deadlock is broken by PostgreSQL; the one who lost tries again, where no longer transaction is around it.

    Raises Busy where that did not help either; nothing was written then.
    """
    attempts = 1 if connection.in_atomic_block else _ATTEMPTS
    for left in reversed(range(attempts)):
        try:
            return act()
        except OperationalError as error:
            if getattr(error.__cause__, "sqlstate", None) not in _WORTH_RETRYING or connection.in_atomic_block:
                raise
            if not left:
                raise Busy("Others are writing the same records right now. Nothing was written; try again.") from error
    raise AssertionError("no attempt was made")
