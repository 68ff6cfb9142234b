"""Rows about a record that was linked to another: what the coordinator kept stays, whichever source writes next."""

from collections.abc import Callable
from datetime import date

import pytest

from core import records
from core.linking.joining import link
from core.models import Client, SourceDisagreement, Staff

pytestmark = pytest.mark.django_db

SHOWN = {"uid_external": "T-1", "first_name": "Frida", "last_name": "Lund", "dob": "1985-03-12"}
LINKED = {"uid_external": "E-1", "first_name": "Frida", "last_name": "Lundqvist-Ek", "dob": "1991-08-27"}


def test_neither_name_nor_date_of_a_linked_record_goes_into_the_client(feed: Callable, coordinator: Staff) -> None:
    feed(SHOWN)
    feed(LINKED, source="EMHWare")
    shown = Client.objects.get(last_name="Lund")
    link(Client.objects.get(last_name="Lundqvist-Ek"), shown, actor=coordinator)

    (row,) = feed(LINKED | {"phone_number": "416-555-0188"}, source="EMHWare")
    assert (row["outcome"], row["client_id"]) == ("updated", str(shown.pk))
    assert "Name and date of birth are those of a record linked to this client; ours were kept." in row["reason"]
    shown.refresh_from_db()
    assert (shown.last_name, shown.dob, shown.phone_number) == ("Lund", date(1985, 3, 12), "416-555-0188")

    (row,) = feed(SHOWN | {"phone_number": "416-555-0188"})
    assert (row["outcome"], row["reason"]) == ("unchanged", "")


def test_the_date_from_which_a_person_corrected_it_is_a_disagreement_and_no_other_person(
    feed: Callable, coordinator: Staff
) -> None:
    feed(SHOWN)
    client = Client.objects.get()
    records.change(client, actor=coordinator, values={"dob": date(1958, 12, 3)}, reason="Her passport says so")

    (row,) = feed(SHOWN | {"phone_number": "416-555-0188"})
    assert (row["outcome"], row["client_id"]) == ("updated", str(client.pk))
    client.refresh_from_db()
    assert (client.dob, client.phone_number) == (date(1958, 12, 3), "416-555-0188")
    disagreement = SourceDisagreement.objects.get()
    assert (disagreement.field, disagreement.theirs, disagreement.status) == ("dob", "1985-03-12", "open")

    (row,) = feed(SHOWN | {"dob": "1991-08-27"})
    assert (row["outcome"], row["reason_code"]) == ("held", "recycled_identifier")
    (row,) = feed(SHOWN | {"first_name": "Torvald"})
    assert (row["outcome"], row["reason_code"]) == ("held", "recycled_identifier")
