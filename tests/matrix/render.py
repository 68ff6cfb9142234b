"""Writes docs/permissions.md from the policy: `python -m tests.matrix.render`."""

from pathlib import Path

from tests.matrix.policy import POLICY, ROLES, Row

TARGET = Path(__file__).resolve().parents[2] / "docs" / "permissions.md"
# Requests the matrix sends, as test_grid.py prints them (rounded down): the quick and the thorough walk.
CELLS = (4_600, 17_600)
_HEAD = """# Who may do what

Written from tests/matrix/policy.py by `python -m tests.matrix.render`; do not edit by hand. The tests ask every address
as every persona and hold the answers against this table.

**Deny is the default.** An address that is not here fails the tests. Without a role, with a closed account, or after
the last role was taken away, every address but the log-in page leads to the log-in page, also within a live session.
What a person may not see answers exactly as what does not exist. No POST is taken without its token.

`GET` may look, `POST` may send, `–` neither. A Manager's or Leader's POST to a record is a proposal. Staff see assigned
clients only, Managers and Leaders their own proposals only.

`make test` tries more than {whole:,} cells (persona × address × object × method), `make test-pg15` more than {quick:,}
of them again; lookups, filters, choices, orderings and downloads come on top.

| Address | For | {roles} |
|---|---|{rule}|
"""


def text() -> str:
    """The page."""
    head = _HEAD.format(quick=CELLS[0], whole=CELLS[1], roles=" | ".join(ROLES), rule="|".join(["---"] * len(ROLES)))
    return head + "".join(_line(row) for row in POLICY)


def _line(row: Row) -> str:
    cells = " | ".join("open to all" if row.is_open else _cell(row, role) for role in ROLES)
    name = row.name.replace("|", "\\|")
    return f"| `{name}` | {row.does} | {cells} |\n"


def _cell(row: Row, role: str) -> str:
    may = [verb for verb, roles in (("GET", row.get), ("POST", row.post)) if roles and role in roles]
    return " ".join(may) or "–"


if __name__ == "__main__":
    TARGET.write_text(text(), encoding="utf-8")
