"""The stage: one world and a logged-in browser per persona, made once per module in one transaction."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.conf import settings
from django.db import connection, transaction
from django.test import Client as Browser

from core import audit
from core.models import StaffRole
from tests.matrix.cells import Stage
from tests.matrix.policy import PERSONAS
from tests.matrix.world import World, build

_BACKEND = "django.contrib.auth.backends.ModelBackend"


@pytest.fixture(scope="module")
def database(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """A transaction that is taken back when the module is done."""
    with django_db_blocker.unblock():
        assert connection.settings_dict["NAME"].startswith("test_"), "the tests need the mark django_db"
        with transaction.atomic():
            yield
            transaction.set_rollback(True)


@pytest.fixture
def _django_db_helper(database: None) -> None:
    """In place of pytest-django's transaction per test, which would close the module's connection."""


@pytest.fixture(scope="module")
def stage(database: None) -> Stage:
    """The world everyone is asked about."""
    return staged(build())


@pytest.fixture
def worlds(database: None) -> Iterator[Callable[..., Stage]]:
    """Makes other worlds, each taken back before the next and after the test."""
    inside: list[Any] = []

    def leave() -> None:
        if inside:
            transaction.set_rollback(True)
            inside.pop().__exit__(None, None, None)

    def make(**values: Any) -> Stage:
        leave()
        inside.append(transaction.atomic())
        inside[0].__enter__()
        return staged(build(**values))

    yield make
    leave()


def staged(world: World) -> Stage:
    """Everyone logs in; then one account is closed and one loses its role, with their sessions alive."""
    browsers, strict, sessions = {}, {}, {}
    for persona in PERSONAS:
        browser = browsers[persona] = Browser(raise_request_exception=False)
        if persona != "anonymous":
            browser.force_login(world.staff[persona], backend=_BACKEND)
            sessions[persona] = browser.cookies[settings.SESSION_COOKIE_NAME].value
        strict[persona] = Browser(enforce_csrf_checks=True, raise_request_exception=False)
    with audit.acting(None, channel="command"):
        closed = world.staff["deactivated"]
        closed.active = False
        closed.save(update_fields=["active"])
        StaffRole.objects.filter(staff=world.staff["demoted"]).delete()
    return Stage(world, browsers, strict, sessions)
