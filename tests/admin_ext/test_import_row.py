"""The page of one row of a daily file: whose it is, by which road, and every bit of that."""

import re
from datetime import date

import pytest
from django.test import Client as Browser
from django.urls import reverse

from core import audit
from core.ingest import desk, pipeline
from core.linking import joining
from core.models import Client, ImportBatch, ImportRow, Program, Staff

pytestmark = pytest.mark.django_db

HEADER = "uid_external,first_name,last_name,dob,phone_number,email,program,start_date\n"


@pytest.fixture
def ines(db: None) -> Client:
    with audit.acting(None, channel="command"):
        return Client.objects.create(
            first_name="Inês",
            last_name="Quintanilha",
            dob=date(1985, 1, 31),
            phone_number="416-555-0177",
            email="ines.q@example.net",
        )


def take_in(lines: str, actor: Staff) -> ImportBatch:
    report = pipeline.take((HEADER + lines).encode(), file_name="smis.csv", source="SMIS", actor=actor)
    return ImportBatch.objects.get(pk=report.batch_id)


def page(browser: Browser, batch: ImportBatch, number: int = 2) -> str:
    response = browser.get(reverse("admin:core_importbatch_row", args=[batch.pk, number]))
    assert response.status_code == 200
    return response.content.decode()


LINKED = "S-1,Ines,Quintanilla,1985-01-31,416-555-0177,ines.q@example.net,Hostel A,2026-02-01\n"


def test_a_row_linked_by_itself_shows_every_bit_and_they_add_up(
    client: Browser, coordinator: Staff, shelter: Program, ines: Client
) -> None:
    client.force_login(coordinator)
    batch = take_in(LINKED, coordinator)
    row = ImportRow.objects.get(batch=batch)
    assert (row.outcome, row.client_id) == ("updated", ines.pk)
    told = page(client, batch, row.row_number)
    assert "Linked by itself: " in told
    assert reverse("admin:core_client_change", args=[ines.pk]) in told
    assert "meant</span>" in told
    bits = [float(found) for found in re.findall(r'imports-number why-\w+">\+?(-?[\d.]+)<', told)]
    (total,) = (float(found) for found in re.findall(r'<th class="imports-number">(-?[\d.]+)</th></tr></tfoot>', told))
    assert total == pytest.approx(sum(bits), abs=0.05 * (len(bits) + 1))  # each shown to a tenth
    assert total == pytest.approx(row.score, abs=0.051)


def test_a_new_client_and_a_rejected_row_say_why(
    client: Browser, coordinator: Staff, shelter: Program, ines: Client
) -> None:
    client.force_login(coordinator)
    batch = take_in(
        "S-8,Tomasz,Wiśniewski,1971-07-01,,,Hostel A,2026-02-01\nS-9,Bad,Date,1985-02-31,,,Hostel A,2026-02-01\n",
        coordinator,
    )
    first, second = ImportRow.objects.filter(batch=batch).order_by("row_number")
    assert "a new client." in page(client, batch, first.row_number)
    assert "1985-02-31" in page(client, batch, second.row_number)


def test_a_row_known_by_its_identifier_says_that_nothing_was_weighed(
    client: Browser, coordinator: Staff, shelter: Program, ines: Client
) -> None:
    client.force_login(coordinator)
    take_in(LINKED, coordinator)
    again = take_in(LINKED.replace("416-555-0177", "416-555-0178"), coordinator)
    assert "Nothing had to be weighed" in page(client, again, ImportRow.objects.get(batch=again).row_number)


def test_a_row_that_a_person_settled_says_who(
    client: Browser, coordinator: Staff, shelter: Program, ines: Client
) -> None:
    client.force_login(coordinator)
    batch = take_in("S-4,Inez,Quintanilha,1985-01-30,,,Hostel A,2026-02-01\n", coordinator)
    row = ImportRow.objects.select_related("batch").get(batch=batch)
    assert row.outcome == "held"
    assert "Linked by itself: " not in page(client, batch, row.row_number)
    desk.answer_same(row, ines, actor=coordinator)
    told = page(client, batch, row.row_number)
    assert "Same person: decided by" in told
    assert str(coordinator) in told


@pytest.mark.parametrize("number", [0, 7, 999_999_999_999])
def test_a_row_that_there_is_not_is_not_found(
    client: Browser, coordinator: Staff, shelter: Program, number: int
) -> None:
    client.force_login(coordinator)
    batch = take_in(LINKED, coordinator)
    assert client.get(reverse("admin:core_importbatch_row", args=[batch.pk, number])).status_code == 404


def test_a_linked_record_leads_to_why_and_to_unlink(
    client: Browser, coordinator: Staff, manager: Staff, ines: Client
) -> None:
    with audit.acting(None, channel="command"):
        other = Client.objects.create(first_name="Ines", last_name="Quintanilha", dob=date(1985, 1, 31))
    made = joining.link(other, ines, actor=coordinator, reason="Same passport.")
    decision = reverse("admin:core_clientlink_change", args=[made.pk])
    client.force_login(coordinator)
    assert decision in client.get(reverse("admin:core_client_change", args=[ines.pk])).content.decode()
    client.force_login(manager)
    told = client.get(reverse("admin:core_client_change", args=[ines.pk])).content.decode()
    assert "Also this person" in told
    assert decision not in told
