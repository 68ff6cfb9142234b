"""The same GET in two worlds that differ only in what the persona may not see gives the same bytes.

The second world has other texts, other days and phone numbers, and where the persona sees only some clients one more
person whom they do not see.
"""

import re
from collections.abc import Callable

import pytest
from django.test import override_settings

from tests.matrix import objects, routes
from tests.matrix.cells import Stage
from tests.matrix.leaky import WITHOUT_WALL
from tests.matrix.policy import BY_NAME, HIDDEN

# Where the person stands who is in the second world only.
EXTRA = {"worker": "clinic", "elsewhere": "own"}
_KEY = re.compile(rb"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
# The second world is made some seconds after the first: a minute may have gone by.
_CLOCK = re.compile(
    rb"\d{4}-\d\d-\d\d(?:T| at |(?:</\w+>)? )\d\d:\d\d(?::\d\d(?:\.\d+)?)?"
    rb"|\bjust now\b|\b\d+(?: |\xc2\xa0)minutes?(?: ago)?\b"
)
# Rows of files have numbers that the database draws.
_ROW = re.compile(rb'(name="row" value="|name="next" value="|\bat=)\d+')
# Which style sheets and scripts a page loads, and in what order, hangs on the widgets of earlier requests.
_ASSET = re.compile(rb"\s*(<link [^>]*>|<script src=[^>]*></script>)\s*")
_THOROUGH = pytest.mark.thorough

pytestmark = pytest.mark.django_db


def _seen(stage: Stage, persona: str, only: str) -> dict[str, tuple[int, bytes, str]]:
    """What every page answers, by a name that is the same in both worlds."""
    seen = {}
    for route in routes.every():
        row = BY_NAME.get(route.name)
        if not route.name.startswith(only):
            continue
        named = row is not None and row.of
        cases = objects.cases(stage.world, persona, row.of, every=False) if named else [("", "", True)]
        for what, record, _ in cases:
            for number, address in enumerate(routes.addresses(route, record or objects.NEVER)):
                answer = stage.ask(persona, "GET", address, record=record)
                seen[f"{route.name} {what} {number}"] = (answer.status, _anonymous(answer.body), answer.location)
    return seen


def _anonymous(body: bytes) -> bytes:
    """Keys that the database draws (of audit entries) by their order of appearance; without its clock and numbers."""
    order: dict[bytes, bytes] = {}
    body = _ROW.sub(rb"\1ROW", body)
    return _KEY.sub(
        lambda found: order.setdefault(found[0], b"KEY%d" % len(order)), _ASSET.sub(b"", _CLOCK.sub(b"TIME", body))
    )


def differences(worlds: Callable[..., Stage], persona: str, only: str = "") -> list[str]:
    """Pages that are not the same in both worlds."""
    first = _seen(worlds(), persona, only)
    second = _seen(worlds(differ=HIDDEN[persona], extra=EXTRA.get(persona, "")), persona, only)
    assert first.keys() == second.keys()
    return [f"{name}: {_apart(first[name][1], second[name][1])}" for name in first if first[name] != second[name]]


def _apart(one: bytes, other: bytes) -> str:
    """Where two bodies part."""
    place = next((n for n, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
    return f"{one[max(place - 60, 0) : place + 60]!r} / {other[max(place - 60, 0) : place + 60]!r}"


def test_a_minute_that_goes_by_between_the_worlds_is_no_difference():
    first = b"<td><i class='moment'>2026-11-27</i> 12:50</td><td>2026-11-27 at 12:50</td> just now, 9\xc2\xa0minutes"
    second = b"<td><i class='moment'>2026-11-27</i> 12:51</td><td>2026-11-27 at 12:51</td> 1 minute ago, 10 minutes"
    assert _anonymous(first) == _anonymous(second) != _anonymous(second.replace(b"<td>", b""))


@pytest.mark.parametrize("persona", [p if p == "worker" else pytest.param(p, marks=_THOROUGH) for p in HIDDEN])
def test_what_is_hidden_changes_no_byte(worlds: Callable[..., Stage], persona: str):
    assert differences(worlds, persona) == []


@override_settings(ROOT_URLCONF="tests.matrix.leaky_urls", MIDDLEWARE=WITHOUT_WALL)
def test_a_page_that_counts_everyone_is_caught(worlds: Callable[..., Stage]):
    assert [found[:11] for found in differences(worlds, "worker", "leaky:count")] == ["leaky:count"]


@override_settings(ROOT_URLCONF="tests.matrix.leaky_urls")
def test_behind_the_databases_wall_it_counts_ones_own(worlds: Callable[..., Stage]):
    """The one planted leak that test_walls.py cannot see: a number names nobody."""
    assert differences(worlds, "worker", "leaky:count") == []
