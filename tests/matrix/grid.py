"""The grid: every route × object × method for one persona, held against the policy, the canaries and the writes."""

from collections.abc import Iterator
from uuid import UUID

from tests.matrix import objects, routes
from tests.matrix.canaries import key
from tests.matrix.cells import Answer, Stage
from tests.matrix.policy import (
    ALLOW,
    FORBIDDEN,
    INSIDERS,
    LOGIN,
    METHOD,
    NOT_FOUND,
    OUTSIDERS,
    Row,
)

METHODS = ("GET", "POST", "forged", "no token")
# Everything a browser was never asked for.
FORGED = {
    "is_superuser": "on",
    "active": "on",
    "password": "forged",
    "roles": str(key("forged role")),
    "status": "approved",
    "withdrawn": "on",
    "requested_by": str(key("forged person")),
    "reviewed_by": str(key("forged person")),
    "linked_to": str(key("forged client")),
    "client": str(key("forged client")),
    "first_name": "Forged",
    "end_date": "2030-01-01",
    "rationale": "Forged",
    "reason": "Forged",
    "post": "yes",
    "action": "approve_selected",
    "_form_submitted": "1",
    "_save": "1",
    "_popup": "1",
}
_QUERIES = {
    "admin:search": "?s=client",
    "admin:autocomplete": "?app_label=core&model_name=enrollment&field_name=client&term=",
}
# Asked for with parameters that a page of its own test gives: without them nobody finds anything behind them.
WITHOUT_ANSWER = ("admin:report_people", "admin:report_people_file", "admin:core_client_unassign")


def expected(row: Row, persona: str, *, method: str, visible: bool) -> frozenset[str]:
    """The answers that the policy lets this cell have."""
    if method == "no token":
        return frozenset({FORBIDDEN})
    if row.is_open:
        return frozenset({ALLOW, LOGIN, METHOD})
    if persona in OUTSIDERS:
        return frozenset({LOGIN})
    roles = row.get if method == "GET" else row.post
    if row.of and row.page and not visible:
        refusals = {NOT_FOUND, FORBIDDEN} if _closed(row, persona, roles) else {NOT_FOUND}
        return frozenset({*refusals, METHOD, FORBIDDEN} if roles is None else refusals)
    if roles is None:
        return frozenset({METHOD, FORBIDDEN} if not _anyone(row, persona) else {METHOD})
    if INSIDERS[persona] in roles:
        return frozenset({ALLOW})
    refusals = {FORBIDDEN} if method == "GET" else {FORBIDDEN, METHOD}
    return frozenset({*refusals, NOT_FOUND} if not row.get and not row.post else refusals)


def _closed(row: Row, persona: str, roles: frozenset[str] | None) -> bool:
    """Not open to this role whatever the record: the right may be asked for first."""
    return roles is not None and INSIDERS[persona] not in roles


def _anyone(row: Row, persona: str) -> bool:
    return INSIDERS[persona] in (row.get or frozenset()) | (row.post or frozenset())


def walk(stage: Stage, persona: str, rows: dict[str, Row], *, thorough: bool = True, only: str = "") -> Iterator[str]:
    """Sentences about the cells that are not as they should be. Not `thorough`: three objects, GET and what must be
    refused of POST. `only`: routes whose name begins so.
    """
    for route in (route for route in routes.every() if route.name.startswith(only)):
        row = rows.get(route.name)
        if row is None:
            yield f"answer: {route.name} is not classified"
            continue
        for method in METHODS if thorough else METHODS[:2]:
            yield from _cells(stage, persona, route, row, method, thorough=thorough)


def _cells(stage: Stage, persona: str, route: routes.Route, row: Row, method: str, *, thorough: bool) -> Iterator[str]:
    named = objects.cases(stage.world, persona, row.of, every=thorough) if row.of else [("", "", True)]
    if method == "no token":
        named = named[:1]
    if not thorough and method == "POST":
        named = [case for case in named if ALLOW not in expected(row, persona, method=method, visible=case[2])]
    unseen: dict[int, tuple[str, Answer]] = {}
    for what, record, visible in named:
        for number, address in enumerate(routes.addresses(route, record or objects.NEVER)):
            answer = _ask(stage, persona, method, address + _QUERIES.get(route.name, ""), record)
            cell = f"{persona} {method} {address} ({what})" if what else f"{persona} {method} {address}"
            odd = answer.kind not in expected(row, persona, method=method, visible=visible)
            if odd and not _unknown_part(route, row, persona, address, answer):
                wanted = "/".join(sorted(expected(row, persona, method=method, visible=visible)))
                yield f"answer: {cell} answers {answer.status} ({answer.kind}), not {wanted}"
            yield from faults(cell, answer, may_write=method in ("POST", "forged") and _writes(row, persona, visible))
            if visible or what == "malformed":
                continue
            first = unseen.setdefault(number, (what, answer))
            if not answer.same_as(first[1]):
                yield f"same: {cell} differs from the same about {first[0]}"


def _unknown_part(route: routes.Route, row: Row, persona: str, address: str, answer: Answer) -> bool:
    """A report or a kind of file that there is not, or a page that needs what its own test gives: said to those alone
    to whom the route is open.
    """
    if persona not in INSIDERS or not _anyone(row, persona):
        return False
    unknown = address.endswith(".pdf") or "/no_such/" in address or "/version/" in address
    unknown = unknown or route.name in WITHOUT_ANSWER
    return unknown and answer.kind == NOT_FOUND


def _ask(stage: Stage, persona: str, method: str, address: str, record: UUID | str) -> Answer:
    data = dict(FORGED) if method == "forged" else {}
    verb = "GET" if method == "GET" else "POST"
    return stage.ask(persona, verb, address, data, csrf=method != "no token", record=record)


def _writes(row: Row, persona: str, visible: bool) -> bool:
    """May a POST of this persona write here at all."""
    if row.is_open:
        return True
    return visible and persona in INSIDERS and INSIDERS[persona] in (row.post or frozenset())


def faults(cell: str, answer: Answer, *, may_write: bool) -> Iterator[str]:
    """What no answer may do."""
    if answer.status >= 500:
        yield f"broken: {cell} answers {answer.status}"
    if answer.leaked:
        yield f"canary: {cell} tells {', '.join(answer.leaked[:4])}"
    if answer.written and not may_write:
        yield f"written: {cell} writes {answer.written}"
