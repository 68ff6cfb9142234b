"""What is staged is what was read, whatever characters it has."""

from datetime import date

import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.ingest import staging
from core.ingest.check import CheckedRow
from core.ingest.faults import Fault
from core.ingest.reader import RawRow
from core.ingest.remembered import Known

pytestmark = pytest.mark.django_db

# Everything a cell may hold (NUL is refused before), what COPY and arrays write in their own way often.
odd = st.text(
    st.sampled_from("\\\t\n\r\"{},;'N. é") | st.characters(exclude_characters="\0", exclude_categories=["Cs"])
)
cells = st.lists(odd, min_size=1, max_size=4).map(tuple)


@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cells, odd, odd, st.lists(odd, max_size=3), odd)
def test_a_checked_row_is_staged_as_it_is(cells: tuple, first: str, alias: str, languages: list, street: str):
    values = {"first_name": first, "alias": alias, "languages_spoken": languages, "street": street}
    values |= {"dob": date(1990, 4, 2), "uid_external": first}
    row = CheckedRow(7, values, [], [alias] if alias else [], cells)
    with transaction.atomic(), connection.cursor() as cursor:
        staging.create(cursor)
        staging.load(cursor, [staging.line(row, b"\\\0\t")])
        cursor.execute(
            "SELECT row_number, cells, uid_external, first_name, last_name, alias, preferred_name, languages_spoken, "
            "address ->> 'street', dob, note, outcome, digest, program_id FROM staging"
        )
        assert cursor.fetchall() == [
            (7, list(cells), first, first, "", alias, None, languages, street or None, date(1990, 4, 2), alias or None)
            + (None, b"\\\0\t", None)
        ]


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cells, odd)
def test_a_row_known_again_is_staged_as_it_is(cells: tuple, uid: str):
    client = "0b9f0c3e-6a51-4c8e-9a58-3d7d3a3f0a11"
    with transaction.atomic(), connection.cursor() as cursor:
        staging.create(cursor)
        staging.load_known(cursor, [staging.known_line(RawRow(3, cells), b"\\\n", Known(uid, client))])
        cursor.execute("SELECT row_number, cells, uid_external, client_id::text, digest FROM known_rows")
        assert cursor.fetchall() == [(3, list(cells), uid, client, b"\\\n")]


def test_a_faulty_row_is_staged_as_rejected_with_every_sentence():
    faults = [Fault("dob", "x", "bad_date", "No\tday."), Fault("email", "y", "too_long", "Too \\ long.")]
    with connection.cursor() as cursor:
        staging.create(cursor)
        staging.load(cursor, [staging.line(CheckedRow(1, {}, faults, [], ("x",)), None)])
        cursor.execute("SELECT outcome, reason_code, reason, first_name, digest FROM staging")
        assert cursor.fetchall() == [("rejected", "bad_date", "No\tday. Too \\ long.", "", None)]
