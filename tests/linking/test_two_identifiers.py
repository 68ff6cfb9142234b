"""Two identifiers of one source are two people to it, whichever way its rows find one client of ours."""

from collections.abc import Callable
from datetime import date

import pytest

from core import audit
from core.linking.joining import link
from core.models import Client, ClientIdentifier, Staff

pytestmark = pytest.mark.django_db

ONDREJ = {"first_name": "Ondrej", "last_name": "Vlcek", "dob": "1979-06-14", "phone_number": "416-555-0131"}


@pytest.mark.parametrize("first_name", ["Ondrej", "Ondrjej"], ids=["both by name and date", "the first by a score"])
def test_two_rows_of_one_file_are_not_merged_into_a_client_of_another_source(feed: Callable, first_name: str) -> None:
    feed(ONDREJ | {"uid_external": "E-1"}, source="EMHWare")
    first, second = feed(
        ONDREJ | {"uid_external": "A-1", "first_name": first_name},
        ONDREJ | {"uid_external": "B-1"},
    )
    assert first["outcome"] == "updated"
    assert (second["outcome"], second["reason_code"]) == ("held", "other_identifier")
    assert second["candidate_ids"] == first["client_id"]
    assert set(ClientIdentifier.objects.values_list("uid_external", flat=True)) == {"E-1", "A-1"}


def test_rows_of_one_identifier_are_still_one_person(feed: Callable) -> None:
    feed(ONDREJ | {"uid_external": "E-1"}, source="EMHWare")
    rows = feed(ONDREJ | {"uid_external": "A-1"}, ONDREJ | {"uid_external": "A-1", "phone_number": "416-555-0199"})
    assert [row["outcome"] for row in rows] == ["updated", "updated"]


def test_whom_a_client_shows_by_hand_comes_before_an_earlier_row_of_its_name(feed: Callable) -> None:
    with audit.acting(None, channel="command"):
        Client.objects.create(first_name="Ondrej", last_name="Vlcek", dob=date(1979, 6, 14), uid_external="S-2")
    first, second = feed(ONDREJ | {"uid_external": "S-1"}, ONDREJ | {"uid_external": "S-2"})
    assert (first["outcome"], first["reason_code"]) == ("held", "other_identifier")
    assert second["outcome"] == "updated"


@pytest.mark.parametrize("first_name", ["Ondrej", "Ondrjej"], ids=["by name and date", "by a score"])
def test_the_identifier_of_a_linked_record_is_the_persons(feed: Callable, coordinator: Staff, first_name: str) -> None:
    other = {"first_name": "Beatriz", "last_name": "Quaresma", "dob": "1991-11-23", "phone_number": "416-555-0777"}
    feed(ONDREJ | {"uid_external": "E-1"}, source="EMHWare")
    feed(other | {"uid_external": "S-1"})
    shown = Client.objects.get(first_name="Ondrej")
    link(Client.objects.get(first_name="Beatriz"), shown, actor=coordinator)
    (row,) = feed(ONDREJ | {"uid_external": "N-1", "first_name": first_name})
    assert row["outcome"] == "held"
    assert row["candidate_ids"] == str(shown.pk)
    assert set(ClientIdentifier.objects.values_list("uid_external", flat=True)) == {"E-1", "S-1"}
    if first_name == "Ondrej":
        assert row["reason_code"] == "other_identifier"
        assert "SMIS knows that client as S-1, not N-1" in row["reason"]
    else:
        assert "by another identifier" in row["reason"]
