"""Who may be meant, before someone is entered a second time."""

from datetime import date

import pytest
from django.db import connection

from core import audit
from core.linking.similar import similar_to
from core.models import Client

pytestmark = pytest.mark.django_db


@pytest.fixture
def known(db: None) -> dict[str, Client]:
    people = {
        "jose": {"first_name": "José", "last_name": "Álvarez", "dob": date(1980, 5, 6), "phone_number": "416-555-0100"},
        "twin": {"first_name": "Ana", "last_name": "Álvarez", "dob": date(1980, 5, 6)},
        "father": {"first_name": "José", "last_name": "Álvarez", "dob": date(1950, 1, 2)},
        "other": {"first_name": "Ines", "last_name": "Vidal", "dob": date(1971, 8, 9)},
    }
    with audit.acting(None, channel="command"):
        return {name: Client.objects.create(**values) for name, values in people.items()}


def found(**values: object) -> list[object]:
    return [similar.client for similar in similar_to(Client(**values))]


@pytest.mark.parametrize(
    "values",
    [
        {"first_name": "jose", "last_name": "alvarez", "dob": date(1980, 5, 6)},
        {"first_name": "Alvarez", "last_name": "Jose", "dob": date(1980, 5, 6)},
        {"first_name": "José", "last_name": "Alvares", "dob": date(1980, 5, 6), "phone_number": "(416) 555 0100"},
        {"first_name": "José", "last_name": "Álvarez", "dob": date(1980, 6, 5)},
    ],
)
def test_slips_accents_and_swapped_names_find_the_person_first(known: dict[str, Client], values: dict) -> None:
    assert found(**values)[0] == known["jose"].pk
    assert known["twin"].pk not in found(**values)
    assert known["other"].pk not in found(**values)


def test_someone_else_finds_no_one(known: dict[str, Client]) -> None:
    assert found(first_name="Marta", last_name="Kowalska", dob=date(1999, 2, 3)) == []
    assert found(first_name="", last_name="Kowalska") == []


def test_a_linked_record_stands_for_the_one_it_is_linked_to(known: dict[str, Client]) -> None:
    with audit.acting(None, channel="link"):
        Client.objects.filter(pk=known["jose"].pk).update(linked_to=known["other"])
    assert found(first_name="José", last_name="Álvarez", dob=date(1980, 5, 6))[0] == known["other"].pk


def test_a_record_is_not_similar_to_itself(known: dict[str, Client]) -> None:
    assert known["jose"].pk not in [similar.client for similar in similar_to(known["jose"])]


def test_looking_writes_nothing(known: dict[str, Client]) -> None:
    with connection.cursor() as cursor:
        before = written(cursor)
        found(first_name="José", last_name="Álvarez", dob=date(1980, 5, 6))
        assert written(cursor) == before


def written(cursor: object) -> object:
    cursor.execute("SELECT sum(n_tup_ins + n_tup_upd + n_tup_del) FROM pg_stat_xact_user_tables")
    return cursor.fetchone()
