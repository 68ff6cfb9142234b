"""find_duplicates: the same bits over all clients, kept for the Duplicates screen."""

import json
from collections.abc import Callable
from datetime import date
from io import StringIO

import pytest
from django.core.management import call_command

from core import audit
from core.linking import duplicates
from core.linking.duplicates import groups, suspects
from core.linking.evidence import explain
from core.linking.joining import link, mark_not_same
from core.models import AuditEntry, Client, ClientPair, ImportRow, Staff

pytestmark = pytest.mark.django_db


@pytest.fixture
def people(amina: Client) -> list[Client]:
    """Amina twice more, her twin, her father of another time, and someone else."""
    names = [("Amnia", "Yusuf"), ("Yusuf", "Amina"), ("Fatuma", "Yusuf"), ("Boris", "Petrov")]
    with audit.acting(None, channel="command"):
        made = [Client.objects.create(first_name=f, last_name=g, dob=amina.dob) for f, g in names]
        made.append(Client.objects.create(first_name="Amina", last_name="Yusuf", dob=date(1958, 9, 13)))
    return [amina, *made]


def find(**options: object) -> str:
    out = StringIO()
    call_command("find_duplicates", stdout=out, **options)
    return out.getvalue()


def test_it_finds_who_was_entered_twice_and_no_twin_nor_father(people: list[Client]) -> None:
    said = json.loads(find(json=True))
    wanted = {tuple(sorted((a.pk, b.pk))) for a, b in ((people[0], people[1]), (people[0], people[2]))}
    found = set(ClientPair.objects.values_list("client", "other"))
    assert wanted <= found <= wanted | {tuple(sorted((people[1].pk, people[2].pk)))}
    assert (said["clients"], said["pairs"], said["groups"], said["largest_group"]) == (6, len(found), 1, 3)


def test_a_second_run_finds_the_same_anew_and_writes_no_client(people: list[Client]) -> None:
    find()
    first = set(ClientPair.objects.values_list("client", "other", "score"))
    position = AuditEntry.objects.latest("position").position
    find()
    assert set(ClientPair.objects.values_list("client", "other", "score")) == first
    assert AuditEntry.objects.latest("position").position == position


def test_every_bit_of_a_pair_is_explained_and_adds_up(people: list[Client]) -> None:
    find()
    for pair in ClientPair.objects.all():
        told = explain(pair.evidence)
        (candidate,) = told.candidates
        assert candidate.client == pair.other_id
        assert sum(line.bits for line in candidate.lines) == pytest.approx(pair.score, abs=0.05)
        assert all(line.label and line.agrees for line in candidate.lines)


def test_what_was_linked_or_told_apart_is_no_pair_any_more(people: list[Client], coordinator: Staff) -> None:
    amina, typo, swapped, *_ = people
    link(typo, amina, actor=coordinator)
    mark_not_same(amina, swapped, actor=coordinator)
    find()
    assert not ClientPair.objects.exists()
    assert suspects() == []


def test_a_big_agency_sees_what_was_found_last(
    people: list[Client], coordinator: Staff, monkeypatch: pytest.MonkeyPatch
) -> None:
    find()
    monkeypatch.setattr(duplicates, "CHUNK", 3)
    assert {(s.client, s.other) for s in suspects()} == set(ClientPair.objects.values_list("client", "other"))
    link(people[1], people[0], actor=coordinator)
    assert all(people[1].pk not in (s.client, s.other) for s in suspects())


def test_chunks_find_what_one_look_finds(people: list[Client], monkeypatch: pytest.MonkeyPatch) -> None:
    find()
    whole = set(ClientPair.objects.values_list("client", "other"))
    monkeypatch.setattr(duplicates, "CHUNK", 2)
    find()
    assert set(ClientPair.objects.values_list("client", "other")) == whole


def test_groups_hang_together_by_pairs() -> None:
    assert groups([(1, 2), (2, 3), (7, 8)]) == [[1, 2, 3], [7, 8]]


def test_a_row_of_a_file_explains_its_bits(amina: Client, feed: Callable) -> None:
    (row,) = feed({"first_name": "Amnia", "last_name": "Yusuf", "dob": "1990-04-02"})
    assert row["outcome"] == "held"
    assert row["candidate_ids"] == str(amina.pk)
    told = explain(ImportRow.objects.get().evidence)
    assert (told.verdict, told.candidates[0].client) == ("maybe", amina.pk)
    assert told.candidates[0].total == pytest.approx(float(row["score"]), abs=0.06)
    assert {line.field for line in told.candidates[0].lines} == {"first_name", "last_name", "dob", "prior"}
