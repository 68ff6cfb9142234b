"""docs/permissions.md says what the policy says."""

from tests.matrix.render import TARGET, text


def test_the_page_is_up_to_date():
    assert TARGET.read_text(encoding="utf-8") == text(), "run: python -m tests.matrix.render"
