"""The page of source disagreements: one value taken, many kept, nothing for others."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from core import audit, records
from core.ingest import disagreements
from core.models import Client, ImportBatch, SourceDisagreement
from tests.ingest.test_desk import AMINA, feed

pytestmark = pytest.mark.django_db
PAGE, DECIDE = "/admin/disagreements/", "/admin/disagreements/decide/"


@pytest.fixture
def disputed(amina, coordinator):
    records.change(amina, actor=coordinator, values={"phone_number": "416-555-0101"})
    feed({**AMINA, "uid_external": "S-1", "phone_number": "647-555-0200"})
    return amina


def test_both_values_are_shown_and_theirs_is_taken(browse, coordinator, disputed):
    browser = browse(coordinator)
    shown = browser.get(PAGE).content.decode()
    assert all(text in shown for text in ("Amina Yusuf", "416-555-0101", "647-555-0200"))
    each = disagreements.open_ones().get()
    browser.post(DECIDE, {"decision": f"take {each.pk}"})
    disputed.refresh_from_db()
    assert disputed.phone_number == "647-555-0200"
    assert "No source disagrees" in browser.get(PAGE).content.decode()


def test_what_is_ticked_is_kept_and_nothing_ticked_is_said(browse, coordinator, disputed):
    browser = browse(coordinator)
    assert "Choose at least one" in browser.post(DECIDE, {"decision": "keep"}, follow=True).content.decode()
    browser.post(DECIDE, {"decision": "keep", "chosen": [str(disagreements.open_ones().get().pk), "nonsense"]})
    disputed.refresh_from_db()
    assert (disputed.phone_number, disagreements.open_ones().count()) == ("416-555-0101", 0)


@pytest.mark.parametrize("role", ["manager", "leader", "analyst", "worker"])
def test_others_see_nothing_of_it(request, browse, disputed, role):
    browser = browse(request.getfixturevalue(role))
    each = disagreements.open_ones().get()
    assert browser.get(PAGE).status_code == 403
    assert browser.post(DECIDE, {"decision": f"take {each.pk}"}).status_code == 403
    assert disagreements.open_ones().count() == 1


def test_the_list_takes_as_many_queries_for_many_as_for_a_few(client, coordinator, amina):
    def queries(number):
        batch = ImportBatch.objects.create(
            source_system="SMIS", file_name="x", sha256=str(number), size=1, status="applied"
        )
        with audit.acting(None, channel="command"):
            for n in range(number):
                one = Client.objects.create(first_name=f"A{number}{n}", last_name="B")
                SourceDisagreement.objects.create(
                    client=one, entity="clients", entity_id=one.pk, field="first_name", source_system="SMIS",
                    ours="A", theirs="C", batch=batch, row_number=n + 1,
                )  # fmt: skip
        client.get(PAGE)
        with CaptureQueriesContext(connection) as seen:
            assert client.get(PAGE).status_code == 200
        return len(seen)

    client.force_login(coordinator)
    assert queries(2) == queries(20)
