"""The match keys: the database keeps them true on every road, and nobody else writes them."""

from datetime import date
from time import time
from uuid import RFC_4122

import pytest
from django.db import DatabaseError, connection, transaction

from core import audit
from core.keys import in_order
from core.models import Client, MatchKey

pytestmark = pytest.mark.django_db

# Clients whose keys are not those that the function gives now, and keys of nobody.
WRONG = """
    SELECT count(*) FROM (
        SELECT c.client_id, k FROM clients c CROSS JOIN LATERAL unnest(ccd_match_keys(
            first_folded, last_folded, dob, phone_digits, email, postal_key, ccd_street(address))) AS k
        WHERE k IS NOT NULL
    ) due FULL JOIN client_keys h ON h.client_id = due.client_id AND h.key = due.k
    WHERE h.client_id IS NULL OR due.client_id IS NULL
"""


def sql(statement: str, *parameters: object) -> object:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return cursor.fetchone()[0] if cursor.description else None


def keys(**values: object) -> set[int]:
    with audit.acting(None, channel="command"):
        client = Client.objects.create(
            **{"first_name": "Amina", "last_name": "Yusuf", "dob": date(1990, 4, 2), **values}
        )
    return set(MatchKey.objects.filter(client=client).values_list("key", flat=True))


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE clients SET first_name = 'Boris', dob = '1961-01-02'",
        "UPDATE clients SET dob = NULL",
        "UPDATE clients SET phone_number = '416 555 0100', email = 'A@example.org'",
        """UPDATE clients SET address = '{"street": "1 King St", "postal_code": "M5V 2T6"}'""",
        "INSERT INTO clients (first_name, last_name, dob) SELECT 'Bo', 'Li', '1971-01-02' FROM generate_series(1, 3)",
        "DELETE FROM clients",
    ],
    ids=["names", "no date", "contact", "address", "insert", "delete"],
)
def test_raw_sql_keeps_them_true(statement: str) -> None:
    keys(phone_number="647-555-0199")
    with audit.acting(None, channel="command"):
        sql(statement)
    assert sql(WRONG) == 0


def test_many_changed_at_once_keep_them_true_and_what_stayed_is_not_written_again() -> None:
    keys(phone_number="647-555-0199")
    with audit.acting(None, channel="command"):
        sql("INSERT INTO clients (first_name, last_name, dob, phone_number) SELECT 'Bo' || n, 'Li', '1971-01-02', "
            "'416-555-0' || 100 + n FROM generate_series(1, 200) n")  # fmt: skip
    number, before = sql("SELECT count(*) FROM client_keys"), sql("SELECT max(xmin::text::bigint) FROM client_keys")
    with transaction.atomic(), audit.acting(None, channel="command"):
        sql("UPDATE clients SET phone_number = '905-555-0' || right(phone_number, 3), gender = 'Man'")
    assert sql(WRONG) == 0
    assert sql("SELECT count(*) FROM client_keys") == number
    assert sql("SELECT count(*) FROM client_keys WHERE xmin::text::bigint > %s", before) == 201  # the phone's


def test_copy_keeps_them_true() -> None:
    copied = "COPY clients (first_name, last_name, dob) FROM STDIN"
    with audit.acting(None, channel="command"), connection.cursor() as cursor, cursor.copy(copied) as copy:
        copy.write_row(("Bo", "Li", date(1971, 1, 2)))
    assert MatchKey.objects.count() == 8
    assert sql(WRONG) == 0


def test_a_change_of_something_else_writes_no_key() -> None:
    keys()
    before = sql("SELECT max(xmin::text::bigint) FROM client_keys")
    with audit.acting(None, channel="command"):
        Client.objects.update(gender="Woman")
    assert sql("SELECT max(xmin::text::bigint) FROM client_keys") == before


@pytest.mark.parametrize(
    "statement",
    ["DELETE FROM client_keys", "UPDATE client_keys SET key = 1", "INSERT INTO client_keys VALUES (1, %s)"],
)
def test_nobody_else_writes_them(amina: Client, statement: str) -> None:
    with pytest.raises(DatabaseError, match="permission denied"), transaction.atomic():
        sql(statement, *([amina.pk] if "%s" in statement else []))


@pytest.mark.parametrize(
    "slip",
    [
        {"first_name": "Yusuf", "last_name": "Amina"},
        {"first_name": "Yusuf", "last_name": "Amina", "dob": date(1990, 2, 4)},
        {"first_name": "Amnia"},
        {"last_name": "Youssef"},
        {"last_name": "Hassan"},
        {"first_name": "Fatuma"},
        {"dob": date(1990, 2, 4)},
        {"dob": date(1990, 4, 3)},
        {"dob": date(1909, 4, 2)},
        {"dob": None},
    ],
    ids=[
        "swapped",
        "all swapped",
        "typo",
        "spelling",
        "married",
        "first name",
        "day and month",
        "day",
        "year",
        "no date",
    ],
)
def test_one_slip_leaves_a_key_in_common(slip: dict) -> None:
    assert keys() & keys(**slip)


def test_two_people_of_one_phone_share_a_key_and_strangers_none() -> None:
    phone = {"phone_number": "+1 (416) 555-0100"}
    assert keys(**phone) & keys(first_name="Boris", last_name="Petrov", dob=None, phone_number="416 555 0100")
    assert not keys() & keys(first_name="Boris", last_name="Petrov", dob=date(1961, 11, 30))


def test_plain_letters_are_folded_like_any_others() -> None:
    """The short way for text of one byte per character says what the long one does, for every such character."""
    assert (
        sql(
            "SELECT string_agg(n::text, ' ') FROM generate_series(1, 127) AS n "
            "WHERE ccd_plain('a' || chr(n) || 'Z') IS DISTINCT FROM ccd_plain_any('a' || chr(n) || 'Z')"
        )
        is None
    )
    told = sql(
        "SELECT ARRAY[ccd_plain('ÉMILE-Ångström ﬁ'), ccd_fold('O''Ne  il'), ccd_plain(NULL), ccd_digits('–'), "
        "ccd_skeleton('aeiou'), ccd_street('{}')]"
    )
    assert told == ["emile-angstrom fi", "oneil", None, None, None, None]


def test_keys_by_the_thousand_are_uuids_in_order_of_time() -> None:
    sql(f"CREATE TEMP TABLE made ON COMMIT DROP AS SELECT n, {in_order('n')} AS key FROM generate_series(1, 1000) AS n")
    with connection.cursor() as cursor:
        cursor.execute("SELECT key FROM made ORDER BY n")
        found = [key for (key,) in cursor.fetchall()]
    assert found == sorted(set(found))
    assert {(key.version, key.variant) for key in found} == {(7, RFC_4122)}
    assert abs(time() * 1000 - (found[0].int >> 80)) < 60_000
    assert sql(f"SELECT {in_order('1')}") > found[-1]
