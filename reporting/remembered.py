"""Answers by (question, mark): asked again while nothing has changed, a report comes from memory."""

from collections.abc import Callable
from typing import TypeVar

from django.core.cache import caches
from django.db.models import Model

from core import rules
from core.models import Staff
from reporting import marks

Answer = TypeVar("Answer")


def remembered(actor: Staff | None, name: str, params: dict[str, object], make: Callable[[], Answer]) -> Answer:
    """What `make` gives, or gave while the mark taken before it still holds. For those alone who see every client:
    their answers are the same for all.
    """
    if actor is not None and not rules.sees_every_client(actor):
        return make()
    key = f"{name}:" + ":".join(f"{field}={_plain(value)}" for field, value in sorted(params.items()))
    cache = caches["reports"]
    found = cache.get(key)
    if found is not None and marks.holds(found[0]):
        return found[1]
    mark = marks.take()
    answer = make()
    cache.set(key, (mark, answer))
    return answer


def _plain(value: object) -> str:
    return repr(str(value.pk if isinstance(value, Model) else value))
