"""Which leak is stopped by which wall.

The planted leaks ask no rule: with the middleware of test_teeth.py nothing stops them, and the matrix must notice. Here
each runs once more with the database's wall up. What it tells of rows must then be gone; what is left is none of the
database's business, and the first wall's alone. Last, the real screens with the first wall down altogether.
"""

from collections.abc import Iterator

import pytest
from django.db import models
from django.db.models import Q
from django.test import override_settings

from core import rules
from core.models import Client
from tests.matrix import doors, grid, leaky, objects, routes
from tests.matrix.cells import Answer, Stage
from tests.matrix.policy import BY_NAME
from tests.matrix.test_teeth import SITES, VIEWS, fresh, rows_of

# Leak → the checks that still catch it with the database's wall up: what is left is of the first wall alone. "rows" are
# canaries of protected tables, and must not be among them.
LEFT_TO_THE_FIRST_WALL = {
    # Stock admins: still open to roles that should not have them, still answering any lookup on rows one may see (the
    # database knows rows, not columns), still breaking on odd values. Of anyone else they know nothing any more.
    **dict.fromkeys(
        ("plain", "editable", "raw", "select", "asking", "importing", "versioned", "guarded"), {"answer", "broken"}
    ),
    # Refused by the database while it writes: the page breaks, and nothing is written.
    "by_get": {"answer", "broken"},
    # The same for what is hidden and for what is not there; of one's own it still says that there is a page.
    "told_apart": {"answer"},
    "header": set(),
    "log": set(),
    "cache": set(),
    "noting": set(),
    # A file without a right, and without a row; no token asked for; a page that breaks.
    "export": {"answer"},
    "open": {"answer"},
    "without_token": {"answer"},
    "broken": {"answer", "broken"},
}
QUICK = ("plain", "select")
pytestmark = pytest.mark.django_db


@pytest.fixture
def walled(stage: Stage) -> Iterator[Stage]:
    """The stage with the leaky addresses, behind the database's wall as the web is."""
    with override_settings(ROOT_URLCONF="tests.matrix.leaky_urls"):
        yield fresh(stage)
    fresh(stage)


def _heard(stage: Stage) -> list[Answer]:
    """Every answer from here on."""
    answers: list[Answer] = []
    ask = stage.ask

    def listen(*arguments: object, **values: object) -> Answer:
        answers.append(ask(*arguments, **values))
        return answers[-1]

    stage.ask = listen
    return answers


def _checks(stage: Stage, faults: Iterator[str], answers: list[Answer]) -> set[str]:
    """The checks that found something, canaries told apart: those of protected rows are "rows"."""
    try:
        found = {fault.split(":")[0] for fault in faults}
    finally:
        del stage.ask
    rows = {mark for answer in answers for mark in objects.rows_in(stage.world, answer.leaked)}
    return found - {"canary"} | ({f"rows {sorted(rows)[:3]}"} if rows else set())


def _of_site(stage: Stage, site: leaky.LeakySite) -> Iterator[str]:
    yield from grid.walk(stage, "worker", rows_of(site.name), thorough=False, only=site.name)
    yield from doors.undeclared_lookups(stage, "worker", site)
    yield from doors.prefilled(stage, "worker", site)
    yield from doors.choices(stage, "worker", site)


def test_every_leak_is_accounted_for():
    assert SITES.keys() | VIEWS.keys() == LEFT_TO_THE_FIRST_WALL.keys()
    planted = {site.name for site in leaky.SITES} | {view.name for view in leaky.VIEWS}
    assert planted - {"count"} == LEFT_TO_THE_FIRST_WALL.keys()


@pytest.mark.parametrize(
    "site",
    [pytest.param(site, id=site.name, marks=() if site.name in QUICK else pytest.mark.slow) for site in leaky.SITES],
)
def test_behind_the_databases_wall_a_leaky_admin_tells_of_no_row(walled: Stage, site: leaky.LeakySite):
    answers = _heard(walled)
    assert _checks(walled, _of_site(walled, site), answers) == LEFT_TO_THE_FIRST_WALL[site.name]
    assert answers


@pytest.mark.parametrize("name", VIEWS)
def test_behind_the_databases_wall_a_leaky_view_tells_of_no_row(walled: Stage, name: str):
    persona, row, _ = VIEWS[name]
    answers = _heard(walled)
    faults = grid.walk(walled, persona, {row.name: row}, only=row.name)
    assert _checks(walled, faults, answers) == LEFT_TO_THE_FIRST_WALL[name]
    assert not any(answer.written for answer in answers)


@pytest.mark.parametrize(
    "persona", ["worker", *(pytest.param(p, marks=pytest.mark.slow) for p in ("elsewhere", "norole", "anonymous"))]
)
def test_the_real_screens_with_the_first_wall_down_tell_of_no_row(
    stage: Stage, persona: str, monkeypatch: pytest.MonkeyPatch
):
    """Every rule that asks for a record says yes, every list is the whole table."""
    monkeypatch.setattr(rules, "_scope", lambda user, model: Q())
    told, rows = 0, []
    for route in routes.every():
        of = BY_NAME[route.name].of
        cases = objects.cases(stage.world, persona, of) if of else [("", objects.NEVER, True)]
        for what, record, _ in cases:
            for address in routes.addresses(route, record):
                answer = stage.ask(persona, "GET", address, record=record)
                told += answer.status == 200
                if leaked := objects.rows_in(stage.world, answer.leaked):
                    rows.append(f"{address} ({what}) tells {leaked[:4]}")
    assert rows == []
    assert told > 3 or persona not in ("worker", "elsewhere")


def test_with_both_walls_down_they_would(stage: Stage, monkeypatch: pytest.MonkeyPatch):
    """What the last test proves nothing without."""
    monkeypatch.setattr(rules, "_scope", lambda user, model: Q())
    with override_settings(MIDDLEWARE=leaky.WITHOUT_WALL):
        answer = fresh(stage).ask("worker", "GET", "/admin/core/client/")
    fresh(stage)
    assert objects.rows_in(stage.world, answer.leaked)
    assert _everyone(Client) > 4


def _everyone(model: type[models.Model]) -> int:
    return model._default_manager.count()
