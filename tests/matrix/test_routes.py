"""Every route is in the policy, and every row of the policy has its route."""

from tests.matrix import routes
from tests.matrix.policy import BY_NAME, POLICY


def test_every_route_is_classified():
    assert [route for route in routes.every() if route.name not in BY_NAME] == []


def test_every_row_has_its_route():
    assert sorted(BY_NAME.keys() - {route.name for route in routes.every()}) == []


def test_no_route_is_classified_twice():
    assert len(BY_NAME) == len(POLICY)
