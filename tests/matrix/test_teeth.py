"""Every leak planted in tests/matrix/leaky.py is caught, and by which check."""

import pytest
from django.test import override_settings

from tests.matrix import doors, grid, leaky, routes
from tests.matrix.cells import Stage
from tests.matrix.policy import BY_NAME, EVERYONE, NOBODY, Row

# Site → the checks that catch it, of those that walk its routes.
SITES = {
    "plain": {"canary", "answer", "same"},
    "editable": {"canary", "answer", "same"},
    "raw": {"canary"},
    "select": {"canary"},
    "asking": {"answer"},
    "importing": {"canary", "answer"},
    "versioned": {"canary", "answer"},
    "guarded": {"canary", "answer"},
}
# View → the persona to whom it leaks, its row as it should be, and the check that catches it.
VIEWS = {
    "by_get": ("worker", Row("leaky:by_get", "", post=EVERYONE), "written"),
    "told_apart": ("worker", Row("leaky:told_apart", "", of="client", hides=True), "same"),
    "export": ("worker", Row("leaky:export", "", get=NOBODY), "answer"),
    "header": ("worker", Row("leaky:header", "", post=EVERYONE), "canary"),
    "log": ("worker", Row("leaky:log", "", post=EVERYONE), "canary"),
    "cache": ("worker", Row("leaky:cache", "", post=EVERYONE), "canary"),
    "noting": ("worker", Row("leaky:noting", "", post=EVERYONE), "canary"),
    "without_token": ("worker", Row("leaky:without_token", "", post=EVERYONE), "answer"),
    "open": ("anonymous", Row("leaky:open", "", post=EVERYONE), "answer"),
    "broken": ("worker", Row("leaky:broken", "", post=EVERYONE), "broken"),
}
pytestmark = [pytest.mark.django_db, pytest.mark.thorough, pytest.mark.usefixtures("_leaking")]


@pytest.fixture
def _leaking():
    """The leaky addresses, and the database's own wall down: the matrix alone must notice."""
    with override_settings(ROOT_URLCONF="tests.matrix.leaky_urls", MIDDLEWARE=leaky.WITHOUT_WALL):
        yield


def rows_of(site: str) -> dict[str, Row]:
    """The policy of the admin for the same pages of a leaky site; nobody's what the admin does not have."""
    found = {}
    for route in routes.every():
        if route.name.startswith((f"{site}:", f"{site}/")):
            known = BY_NAME.get("admin" + route.name.removeprefix(site))
            found[route.name] = known or Row(route.name, "not of the admin", get=NOBODY, post=NOBODY)
    return found


def _checks(faults: list[str]) -> set[str]:
    return {fault.split(":")[0] for fault in faults}


def fresh(stage: Stage) -> Stage:
    """Browsers keep the middleware they loaded."""
    for browser in (*stage.browsers.values(), *stage.strict.values()):
        browser.handler._middleware_chain = None
    return stage


@pytest.fixture
def bare(stage: Stage, _leaking: None):
    """The stage without the wall."""
    yield fresh(stage)
    fresh(stage)


@pytest.mark.parametrize("site", leaky.SITES, ids=lambda site: site.name)
def test_a_leaky_admin_is_caught(bare: Stage, site: leaky.LeakySite):
    faults = list(grid.walk(bare, "worker", rows_of(site.name), thorough=False, only=site.name))
    faults += [*doors.undeclared_lookups(bare, "worker", site), *doors.prefilled(bare, "worker", site)]
    assert SITES[site.name] <= _checks(faults), "\n".join(faults)


def test_choices_without_scope_are_caught(bare: Stage):
    site = next(site for site in leaky.SITES if site.name == "plain")
    assert "canary" in _checks(list(doors.choices(bare, "worker", site)))


@pytest.mark.parametrize("name", VIEWS)
def test_a_leaky_view_is_caught(bare: Stage, name: str):
    persona, row, check = VIEWS[name]
    faults = list(grid.walk(bare, persona, {row.name: row}, only=row.name))
    assert check in _checks(faults), "\n".join(faults)


def test_an_address_that_is_in_no_policy_is_caught(bare: Stage):
    faults = list(grid.walk(bare, "anonymous", {}, only="leaky:"))
    assert len(faults) == len(leaky.VIEWS)
    assert _checks(faults) == {"answer"}
