"""Persona by persona: every route, object and method answers as the policy says, tells nothing and writes nothing."""

import pytest

from tests.matrix.cells import Stage
from tests.matrix.grid import walk
from tests.matrix.policy import BY_NAME, PERSONAS

pytestmark = pytest.mark.django_db


@pytest.mark.quick
@pytest.mark.parametrize("persona", PERSONAS)
def test_the_policy_holds(stage: Stage, persona: str):
    _hold(stage, persona, thorough=False)


@pytest.mark.thorough
@pytest.mark.parametrize("persona", PERSONAS)
def test_the_policy_holds_for_every_object_and_forged_posts(stage: Stage, persona: str):
    _hold(stage, persona, thorough=True)


def _hold(stage: Stage, persona: str, *, thorough: bool) -> None:
    before = stage.asked
    faults = list(walk(stage, persona, BY_NAME, thorough=thorough))
    print(f"{persona}: {stage.asked - before} cells")
    assert faults == [], f"{len(faults)} cells\n" + "\n".join(faults)
