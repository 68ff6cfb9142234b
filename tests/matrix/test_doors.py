"""Lookups, filters, search, ordering, pages, choices, screens by name, reports: each tells what its list would."""

from urllib.parse import urlencode

import pytest
from django.urls import reverse

from tests.matrix import doors
from tests.matrix.cells import Stage
from tests.matrix.grid import faults
from tests.matrix.objects import own
from tests.matrix.policy import ALLOW, INSIDERS

NARROW = ("worker", "manager")
HIDDEN_FROM = {"worker": "clinic", "elsewhere": "own"}
_THOROUGH = pytest.mark.thorough

pytestmark = pytest.mark.django_db


def _none(wrong: list[str]) -> None:
    assert wrong == [], "\n".join(wrong)


@pytest.mark.parametrize("persona", ["worker", *(pytest.param(p, marks=_THOROUGH) for p in ("manager", "coordinator"))])
def test_a_lookup_that_is_not_declared_is_refused(stage: Stage, persona: str):
    _none(list(doors.undeclared_lookups(stage, persona)))


@pytest.mark.parametrize("persona", ["worker", pytest.param("elsewhere", marks=_THOROUGH)])
def test_a_search_or_filter_by_something_hidden_finds_what_nothing_finds(stage: Stage, persona: str):
    """The same page, byte for byte, for a name or key that is there and hidden, and for one that is not there."""
    _none(list(doors.hidden_values(stage, persona, HIDDEN_FROM[persona])))


@pytest.mark.parametrize("persona", ["worker", pytest.param("manager", marks=_THOROUGH)])
def test_orderings_pages_and_facets_tell_nothing(stage: Stage, persona: str):
    wrong = []
    for model_admin, address in doors.lists(persona):
        queries = [f"o={number}" for number in range(-2, len(model_admin.list_display) + 2)]
        queries += ["p=2", "p=0", "p=99999", "p=x", "all=", "_facets=True", "e=1", "o=x", "_popup=1", "_to_field=email"]
        queries += ["_to_field=password", "action=delete_selected", "action=approve_selected&_selected_action=1"]
        for query in queries:
            answer = stage.ask(persona, "GET", f"{address}?{query}")
            wrong += faults(f"{persona} {address}?{query}", answer, may_write=False)
    _none(wrong)


@pytest.mark.parametrize("persona", [p if p in NARROW else pytest.param(p, marks=_THOROUGH) for p in INSIDERS])
def test_choices_offer_only_what_one_sees(stage: Stage, persona: str):
    _none([*doors.choices(stage, persona), *doors.prefilled(stage, persona)])


@pytest.mark.parametrize("persona", NARROW)
def test_screens_found_by_name_are_screens_alone(stage: Stage, persona: str):
    wrong = []
    for query in ("s=zq", "s=client", "s=Zqclinic1x&extended=1", "s=client&page=2", "s=client&page=x", "s="):
        answer = stage.ask(persona, "GET", f"/admin/search/?{query}")
        wrong += faults(f"{persona} search {query}", answer, may_write=False)
        if "zq" in answer.body.decode().lower():
            wrong.append(f"canary: {persona} search {query} finds records")
    _none(wrong)


@pytest.mark.parametrize("persona", [p if p in NARROW else pytest.param(p, marks=_THOROUGH) for p in INSIDERS])
def test_downloads_and_lists_behind_reports_tell_nothing_hidden(stage: Stage, persona: str):
    wrong, period = [], "date_from=2024-01-01&date_to=2024-12-31"
    for report, when in (("org_summary", period), ("vacancy", "as_of=2024-06-01")):
        row = urlencode({"row": "total / clients served"})
        for query in ("", "&format=csv", "&format=xlsx", f"&program={doors.ABSENT}"):
            answer = stage.ask(persona, "GET", f"/admin/reports/{report}/?{when}{query}")
            wrong += faults(f"{persona} {report}?{query}", answer, may_write=False)
        for people in ("people/", "people.csv", "people.xlsx"):
            answer = stage.ask(persona, "GET", f"/admin/reports/{report}/{people}?{when}&{row}")
            wrong += faults(f"{persona} {report} {people}", answer, may_write=False)
    _none(wrong)


def test_everyone_is_asked_about_a_record_of_their_own(stage: Stage):
    """The matrix would prove nothing if nobody saw anything."""
    for persona in INSIDERS:
        tag = own(stage.world, persona, "client")
        record = stage.world.keys["client"][tag]
        answer = stage.ask(persona, "GET", reverse("admin:core_client_change", args=[record]), record=record)
        assert answer.kind == ALLOW
        assert f"zq{tag}" in answer.text
