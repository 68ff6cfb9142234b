"""The second wall, in the database: a request of someone who does not see every client works as the role ccd_viewer.

Its policies (core/migrations/0003 and 0005) show the assigned clients of the person named in ccd.viewer, and
nothing where none is named. A view that forgets to ask core.rules then shows nothing rather than everything.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from django.contrib.auth.models import AnonymousUser
from django.db import Error as DBError
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created
from django.http import HttpRequest, HttpResponse

from admin_ext.middleware import UNREACHABLE, page
from core import rules

Handler = Callable[[HttpRequest], HttpResponse]

VIEWER_ROLE = "ccd_viewer"
# Answers without a database: not even the session is asked for.
UNASKED = frozenset({"/healthz"})
_TELL = (
    "SELECT set_config('role', %s, false), set_config('ccd.viewer', %s, false), "
    "set_config('ccd.viewer_since', %s, false), set_config('ccd.viewer_today', %s, false)"
)
# Role, viewer and days, of this thread's request; a connection that opens meanwhile takes them on.
_behind: ContextVar[tuple[str, str, str, str] | None] = ContextVar("ccd_behind_wall", default=None)


def wall(get_response: Handler) -> Handler:
    """Middleware, after the one that knows the user."""

    def answer(request: HttpRequest) -> HttpResponse:
        try:
            user = AnonymousUser() if request.path in UNASKED else request.user
            if rules.sees_every_client(user):
                return get_response(request)
            with behind(user):
                response = get_response(request)
        except UNREACHABLE:
            return page(503)
        if response.streaming:
            response.streaming_content = _streamed(response.streaming_content, user)
        return response

    return answer


@contextmanager
def behind(user: rules.User) -> Iterator[None]:
    """Within it every connection of this thread is ccd_viewer, looking as `user`; then what it was before."""
    since, today = rules.assigned_period()
    token = _behind.set((VIEWER_ROLE, str(user.pk or ""), str(since), str(today)))
    try:
        _tell_all()
        yield
    finally:
        _behind.reset(token)
        _tell_all(lowering=True)


def _streamed(content: Iterable[bytes], user: rules.User) -> Iterator[bytes]:
    """Each piece is made behind the wall. Between them it is down: who else the thread serves is not held up by it."""
    pieces = iter(content)
    while True:
        with behind(user):
            piece = next(pieces, None)
        if piece is None:
            return
        yield piece


def _tell_all(*, lowering: bool = False) -> None:
    for connection in connections.all(initialized_only=True):
        if connection.connection is None:
            continue
        try:
            _tell(connection)
        except DBError:
            if not lowering:
                raise
            # Never back into use as it is. Within a transaction that failed, rolling back takes the role back, too.
            if not connection.in_atomic_block:
                connection.close()


def _tell(connection: BaseDatabaseWrapper) -> None:
    """Below Django's cursor: neither counted nor refused there, and in one round trip."""
    role = connection.settings_dict["OPTIONS"].get("assume_role", "none")
    with connection.wrap_database_errors:
        connection.connection.execute(_TELL, _behind.get() or (role, "", "", ""))


def _on_open(sender: object, connection: BaseDatabaseWrapper, **kwargs: object) -> None:
    """A connection opened or reopened within a request stands behind its wall, or is not used."""
    if _behind.get() is None:
        return
    try:
        _tell(connection)
    except BaseException:
        connection.close()
        raise


connection_created.connect(_on_open, dispatch_uid="admin_ext.wall")
