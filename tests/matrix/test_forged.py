"""Forms as they were rendered for someone else, sent by those who may not, and with foreign keys by those who may.

Nothing is written, whoever sends it and whatever key stands in it; and nothing hidden is told on the way.
"""

from collections.abc import Iterator

import pytest
from django.urls import reverse

from core.models import (
    Client,
    ClientAssignment,
    ClientIdentifier,
    Department,
    Discharge,
    Enrollment,
    Intake,
    Program,
    ProgramStaff,
    Restriction,
    Staff,
)
from tests.matrix import forms, routes
from tests.matrix.canaries import key
from tests.matrix.cells import Stage
from tests.matrix.grid import expected, faults
from tests.matrix.objects import NEVER, own
from tests.matrix.policy import ALLOW, BY_NAME, INSIDERS, PERSONAS, Row

# Page with a form → who sees it with all its fields.
PAGES = {
    name: "administrator"
    for name, row in BY_NAME.items()
    if row.get and row.post and name.startswith("admin:core_") and name.endswith(("_change", "_add", "_end", "_assign"))
    and not name.endswith("importbatch_add")
} | {"admin:core_staff_password": "administrator"}  # fmt: skip
WRITERS = ("coordinator", "manager")
# Rows of a tab: prefix → what they are.
TABS = {
    "enrollments": Enrollment,
    "intakes": Intake,
    "discharges": Discharge,
    "restrictions": Restriction,
    "identifiers": ClientIdentifier,
    "assignments": ClientAssignment,
    "program_staff": ProgramStaff,
}
pytestmark = pytest.mark.django_db


def _address(stage: Stage, row: Row, persona: str) -> tuple[str, object]:
    """The page about a record that nearly everyone sees."""
    tag = own(stage.world, persona, row.of) if row.of else None
    record = stage.world.keys[row.of][tag] if tag else NEVER
    return routes.addresses(next(r for r in routes.every() if r.name == row.name), record)[0], record


def _rendered(stage: Stage, name: str, persona: str) -> tuple[str, object, dict[str, list[str]]]:
    """Address, record and form of the page as `persona` gets it."""
    address, record = _address(stage, BY_NAME[name], persona)
    answer = stage.ask(persona, "GET", address)
    assert answer.kind == ALLOW, f"{persona} {address} answers {answer.status}"
    return address, record, forms.fields(answer.raw)


@pytest.mark.parametrize("name", PAGES)
def test_a_form_rendered_for_someone_else_is_refused_and_writes_nothing(stage: Stage, name: str):
    row = BY_NAME[name]
    address, record, sent = _rendered(stage, name, PAGES[name])
    assert sent, f"{address} has no form"
    sent |= {"first_name": ["Forged"], "reason": ["Forged"], "proposal_reason": ["Forged"], "end_date": ["2030-01-01"]}
    wrong = []
    for persona in PERSONAS:
        if persona in INSIDERS and INSIDERS[persona] in row.post:
            continue
        seen = persona in INSIDERS and (not row.of or own(stage.world, persona, row.of) is not None)
        visible = seen and stage.world.keys[row.of][own(stage.world, persona, row.of)] == record if row.of else seen
        answer = stage.ask(persona, "POST", address, sent, record=record)
        cell = f"{persona} POST {address} (the form of {PAGES[name]})"
        if answer.kind not in expected(row, persona, method="POST", visible=bool(visible)) | {"403"}:
            wrong.append(f"answer: {cell} answers {answer.status}")
        if persona in INSIDERS and answer.kind == ALLOW:
            wrong.append(f"answer: {cell} is let through")
        wrong += faults(cell, answer, may_write=False)
    assert wrong == []


def _with_tabs(stage: Stage, persona: str) -> Iterator[tuple[str, dict[str, list[str]]]]:
    for name in ("admin:core_client_change", "admin:core_program_change", "admin:core_staff_change"):
        if INSIDERS[persona] in (BY_NAME[name].post or ()):
            address, _, sent = _rendered(stage, name, persona)
            sent.pop("_seen", None)
            yield address, sent | {"proposal_reason": ["Forged"]}


def _foreign(prefix: str, stage: Stage) -> list[str]:
    """Keys of rows of the same kind that hang on another record; of none at all; and of another kind."""
    model = TABS[prefix]
    name = model._meta.model_name
    other = stage.world.keys.get(name, {}).get("clinic")
    if other is None:
        other = model._default_manager.order_by("-pk").values_list("pk", flat=True).first()
    return [str(other), str(NEVER), str(stage.world.keys["client"]["clinic"]), "nonsense"]


def _edit(sent: dict[str, list[str]], prefix: str) -> dict[str, list[str]]:
    """Something in the first row of the tab that would be written."""
    row = f"{prefix}-0-"
    changed = {
        "enrollments": {"end_date": "2030-01-01"},
        "intakes": {"intake_date": "2023-02-03"},
        "discharges": {"reason": "Forged"},
        "identifiers": {"uid_external": "FORGED-1"},
        "program_staff": {"is_manager": "on"},
    }.get(prefix, {})
    return {**sent, **{row + name: [value] for name, value in changed.items()}}


@pytest.mark.parametrize("persona", [pytest.param("administrator", marks=pytest.mark.thorough), *WRITERS])
def test_rows_of_another_record_are_refused_in_a_form_of_ones_own(stage: Stage, persona: str):
    """The key of the row, and then the record it hangs on, are someone else's: the page says so, no more."""
    wrong, tried = [], 0
    for address, sent in _with_tabs(stage, persona):
        prefixes = {name.split("-")[0] for name in sent if name.endswith("-TOTAL_FORMS")}
        for prefix in sorted(prefixes & TABS.keys()):
            row_key = f"{prefix}-0-{TABS[prefix]._meta.pk.name}"
            if row_key not in sent or not _edit({}, prefix):
                continue
            parent = next(n for n in sent if n.startswith(f"{prefix}-0-") and sent[n][0] in address and n != row_key)
            for forged in (row_key, parent):
                for value in _foreign(prefix, stage):
                    tried += 1
                    answer = stage.ask(persona, "POST", address, {**_edit(sent, prefix), forged: [value]})
                    wrong += faults(f"{persona} {address} {forged}={value}", answer, may_write=False)
    assert wrong == []
    assert tried >= 16


@pytest.mark.parametrize("persona", ["administrator", *WRITERS])
def test_the_same_form_unforged_would_be_written(stage: Stage, persona: str):
    """What the last test proves nothing without."""
    address, sent = next(_with_tabs(stage, persona))
    answer = stage.ask(persona, "POST", address, _edit(sent, "enrollments"))
    assert answer.status == 302
    assert answer.written


KEYS_OF = {"client": Client, "program": Program, "department": Department, "staff": Staff}


@pytest.mark.parametrize("persona", WRITERS)
@pytest.mark.parametrize("model", ["enrollment", "intake", "discharge", "restriction", "program"])
def test_a_new_record_that_points_to_nothing_or_to_another_kind_is_refused(stage: Stage, persona: str, model: str):
    name = f"admin:core_{model}_add"
    address, _, sent = _rendered(stage, name, persona)
    keys = stage.world.keys
    right = {
        "client": keys["client"]["past"],
        "program": keys["program"]["clinic"],
        "department": keys["department"]["own"],
    }
    days = dict.fromkeys(("start_date", "intake_date", "discharge_date"), "2024-03-01")
    sent |= {**{n: [str(v)] for n, v in right.items() if n in sent}, **{n: [v] for n, v in days.items()}}
    sent |= {n: ["Forged"] for n in ("reason", "name", "proposal_reason", "source_system")} | {"scope": ["program"]}
    wrong, tried = [], 0
    for pointer in [n for n in right if n in sent]:
        other = keys["department" if pointer == "client" else "client"]["own"]
        for value in (str(NEVER), str(other), "nonsense", "", f"{right[pointer]}' OR true --"):
            answer = stage.ask(persona, "POST", address, {**sent, pointer: [value]})
            wrong += faults(f"{persona} {address} {pointer}={value}", answer, may_write=False)
            if answer.status == 302:
                wrong.append(f"answer: {persona} {address} {pointer}={value} is taken")
            tried += 1
    assert wrong == []
    assert tried


# Pages that need parameters of their own, which the grid leaves out


@pytest.mark.parametrize("persona", PERSONAS)
def test_the_end_of_an_assignment(stage: Stage, persona: str):
    """Its own, another client's, none's, for everyone; only for coordinators and administrators there is one."""
    keys = stage.world.keys
    granted, lapsed = keys["clientassignment"]["granted"], keys["clientassignment"]["lapsed"]
    row, wrong, unseen = BY_NAME["admin:core_client_unassign"], [], []
    may = persona in INSIDERS and INSIDERS[persona] in row.post
    for client, assignment, there in (
        (keys["client"]["granted"], granted, True),
        (keys["client"]["granted"], lapsed, False),
        (keys["client"]["granted"], key("no assignment"), False),
        (keys["client"]["clinic"], granted, False),
        (NEVER, granted, False),
    ):
        address = reverse("admin:core_client_unassign", args=[client, assignment])
        for method in ("GET", "POST"):
            data = {"on": "2030-01-01"} if method == "POST" else None
            answer = stage.ask(persona, method, address, data)
            cell = f"{persona} {method} {address}"
            wrong += faults(cell, answer, may_write=may and there)
            if (answer.kind == ALLOW) is not (may and there):
                wrong.append(f"answer: {cell} answers {answer.status}")
            if may and not there:
                unseen.append((answer.status, answer.body))
    assert wrong == []
    assert len(set(unseen)) <= 1


@pytest.mark.parametrize("persona", PERSONAS)
def test_the_list_behind_a_number_with_its_parameters(stage: Stage, persona: str):
    """A true row, a row there is not, a program of which one sees nothing, dates the wrong way round, a report there is
    not; GET and POST.
    """
    keys, row = stage.world.keys, BY_NAME["admin:report_people"]
    may = persona in INSIDERS and INSIDERS[persona] in row.get
    period, wrong = "date_from=2024-01-01&date_to=2024-12-31", []
    queries = {
        f"{period}&row=total+%2F+clients+served": may,
        f"{period}&program={keys['program']['clinic']}&row=total+%2F+clients+served": None,
        f"{period}&program={key('no program')}&row=total+%2F+clients+served": False,
        f"{period}&row=gender+%2F+nobody": False,
        f"{period}": False,
        "date_from=2024-12-31&date_to=2024-01-01&row=total+%2F+clients+served": False,
        "date_from=x&date_to=y&row=total+%2F+clients+served": False,
        f"{period}&row=total+%2F+clients+served%00": False,
    }
    answered = []
    for query, there in queries.items():
        for slug in (routes.REPORT, "no_such"):
            address = f"{reverse('admin:report_people', args=[slug])}?{query}"
            answer = stage.ask(persona, "GET", address)
            wrong += faults(f"{persona} {address}", answer, may_write=False)
            if slug == "no_such" or not may or there is False:
                if answer.kind == ALLOW:
                    wrong.append(f"answer: {persona} {address} answers {answer.status}")
            elif there:
                answered.append(answer.kind)
            posted = stage.ask(persona, "POST", address, {"row": "total / clients served"})
            wrong += faults(f"{persona} POST {address}", posted, may_write=False)
            if posted.kind == ALLOW:
                wrong.append(f"answer: {persona} POST {address} answers {posted.status}")
    assert wrong == []
    assert answered == ([ALLOW] if may else [])
