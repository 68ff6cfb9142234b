"""The actor of a transaction, told to PostgreSQL, where the audit trigger reads it."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from uuid import UUID

from django.db import connection, transaction

from core.errors import CCDError
from core.models import Staff

_SETTINGS = ("ccd.actor", "ccd.channel", "ccd.reference", "ccd.requested_by", "ccd.reason")
_within: ContextVar[tuple[object] | None] = ContextVar("ccd_acting", default=None)


@contextmanager
def acting(
    actor: Staff | None,
    *,
    channel: str,
    reference: UUID | None = None,
    requested_by: Staff | None = None,
    reason: str | None = None,
) -> Iterator[None]:
    """One transaction on behalf of `actor` (None: the system itself), by the road `channel`.

    `reference` is what led to it (a proposal, a batch), `requested_by` who asked for it. An act inside an act joins the
    outer one, whose road stands: approving a proposal changes a record by the road of approval. Acting inside another
    person's act raises CCDError. What is set ends with the block, also inside a longer transaction.
    """
    outer = _within.get()
    key = actor.pk if actor is not None else None
    if outer is not None:
        if outer != (key,):
            raise CCDError("One act has one actor: this was begun on behalf of someone else.")
        with transaction.atomic():
            yield
        return
    values = (key, channel, reference, requested_by.pk if requested_by else None, reason)
    token = _within.set((key,))
    try:
        with transaction.atomic():
            _tell([str(value) if value is not None else "" for value in values])
            yield
            _tell([""] * len(_SETTINGS))
    finally:
        _within.reset(token)


def _tell(values: list[str]) -> None:
    """Set the transaction's settings; they end with it, or with the savepoint that is rolled back."""
    calls = ", ".join("set_config(%s, %s, true)" for _ in _SETTINGS)
    parameters = [item for pair in zip(_SETTINGS, values, strict=True) for item in pair]
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {calls}", parameters)
