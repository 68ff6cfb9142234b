"""One cell: a request of one persona, and everything that can be held against its answer."""

import logging
import pickle
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.core.cache import caches
from django.db import connection, transaction
from django.http import HttpResponse
from django.test import Client as Browser

from tests.matrix import canaries, objects
from tests.matrix.policy import ALLOW, FORBIDDEN, HIDDEN, LOGIN, METHOD, NOT_FOUND
from tests.matrix.world import World

# Written by looking: who looked, and the visit itself.
_NOTED = ("access_log", "django_session")
_TOKEN = re.compile(
    rb"<dcterms:\w+[^>]*>[^<]*|[A-Za-z0-9]{64}|[A-Za-z0-9]{32}(?=[\"'])|\d\.\d+e?-?\d* ?(?:seconds|ms|s)\b"
)
# Rows written since the transaction began, by table, also those that were taken back: two columns of the view
# pg_stat_xact_user_tables without the cost of the others.
_WRITTEN = """
    SELECT relname, inserted + updated + deleted FROM (
        SELECT c.relname, pg_stat_get_xact_tuples_inserted(c.oid) AS inserted,
               pg_stat_get_xact_tuples_updated(c.oid) AS updated, pg_stat_get_xact_tuples_deleted(c.oid) AS deleted
        FROM pg_class c WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace
    ) tables WHERE inserted + updated + deleted > 0
"""
# What the access log now says beside what was planted there.
_NOTES = "SELECT concat_ws(' ', action, entity, client_ids, detail) FROM access_log WHERE access_id <> ALL(%s)"


@dataclass
class Answer:
    """What came back, in the words of the policy, and what was wrong with it whatever the policy says."""

    kind: str
    status: int
    body: bytes
    text: str
    leaked: list[str] = field(default_factory=list)
    written: dict[str, int] = field(default_factory=dict)
    location: str = ""
    raw: bytes = b""

    def same_as(self, other: "Answer") -> bool:
        """Status, body and target are the same, byte for byte."""
        return (self.status, self.body, self.location) == (other.status, other.body, other.location)


class _Heard(logging.Handler):
    """Keeps what is logged."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))


@dataclass
class Stage:
    """A world, and a browser per persona in which they are logged in. `counted`: rows written up to the last answer."""

    world: World
    browsers: dict[str, Browser]
    strict: dict[str, Browser]
    sessions: dict[str, str]
    asked: int = 0
    counted: dict[str, int] = field(default_factory=dict)

    def ask(
        self,
        persona: str,
        method: str,
        address: str,
        data: dict[str, Any] | None = None,
        *,
        csrf: bool = True,
        record: object = "",
    ) -> Answer:
        """Send it, take back what it wrote, and search what it said. `record`: the key in the address."""
        self.asked += 1
        browser = (self.browsers if csrf else self.strict)[persona]
        browser.cookies.clear()  # logging out, or a token of the last request, must not be carried along
        if persona in self.sessions:
            browser.cookies[settings.SESSION_COOKIE_NAME] = self.sessions[persona]
        before = self.counted or _counts()
        with _listening() as heard, _taken_back():
            send = browser.get if method == "GET" else browser.post
            response = send(address, data or {})
            body = canaries.readable(response)
            kept = (*(_noted(self.world) if response.status_code < 500 else ()), *_cached())
        self.counted = _counts()
        text = "\n".join((canaries.text_of(response), *heard.lines, *kept)).lower()
        return Answer(
            kind=_kind(response),
            status=response.status_code,
            body=normal(body, str(record)),
            text=text,
            leaked=canaries.found_in(
                text,
                hidden=HIDDEN[persona],
                keys=objects.hidden_keys(self.world, persona),
                echoed=f"{address} {data or ''}",
            ),
            written={t: n - before.get(t, 0) for t, n in self.counted.items() if n != before.get(t, 0)},
            raw=body,
            location=response.headers.get("Location", "").replace(str(record) or "\0", "ID"),
        )


def _noted(world: World) -> list[str]:
    """Lines of the access log, in which no key may stand that one may not see."""
    with connection.cursor() as cursor:
        cursor.execute(_NOTES, [list(world.keys["accessentry"].values())])
        return [line for (line,) in cursor.fetchall()]


def _cached() -> list[str]:
    """Everything that is in the caches, keys and values, so that the next person could be served with it."""
    found = []
    for cache in caches.all(initialized_only=True):
        found += [f"{key} {pickle.loads(value)!r}" for key, value in cache._cache.items()]
        cache.clear()
    return found


def normal(body: bytes, record: str) -> bytes:
    """Without what differs from one request to the next: tokens, times, and the key that was asked for."""
    return _TOKEN.sub(b"TOKEN", body).replace(record.encode() or b"\0", b"ID")


def _kind(response: HttpResponse) -> str:
    if response.status_code in (301, 302) and "/admin/login/" in response.headers["Location"]:
        return LOGIN
    names = {403: FORBIDDEN, 404: NOT_FOUND, 405: METHOD, 200: ALLOW, 301: ALLOW, 302: ALLOW, 409: ALLOW}
    return names.get(response.status_code, str(response.status_code))


def _counts() -> dict[str, int]:
    """Rows written up to now, by table, but for those of looking itself."""
    with connection.cursor() as cursor:
        cursor.execute(_WRITTEN)
        return {table: number for table, number in cursor.fetchall() if table not in _NOTED}


@contextmanager
def _taken_back() -> Iterator[None]:
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


@contextmanager
def _listening() -> Iterator[_Heard]:
    heard, root = _Heard(), logging.getLogger()
    root.addHandler(heard)
    try:
        yield heard
    finally:
        root.removeHandler(heard)
