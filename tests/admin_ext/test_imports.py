"""Upload, preview, Confirm and the batch page, as the people who may and may not use them."""

import json
from collections.abc import Callable
from datetime import date

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client as Browser
from django.urls import reverse

from core import records
from core.errors import FileHeld
from core.ingest import pipeline, previews
from core.models import AuditEntry, Client, ImportBatch, ImportFile, Program, SourceSettings, Staff

pytestmark = pytest.mark.django_db

CONTENT = (
    b"uid_external,first_name,last_name,dob,phone_number,program,start_date\n"
    b"S-1,Amina,Yusuf,1990-04-02,416-555-0123,Hostel A,2024-01-01\n"
    b"S-2,Ines,Vidal,1985-01-31,,Hostel A,2026-02-01\n"
    b"S-3,Bad,Date,1985-02-31,,Hostel A,2026-02-01\n"
    b"S-4,=Formula,Person,1971-07-01,,Hostle A,2026-02-01\n"
)


@pytest.fixture
def upload(client: Browser, coordinator: Staff, amina: Client) -> Callable[..., ImportBatch]:
    """Upload CONTENT as a coordinator and follow to the preview."""
    client.force_login(coordinator)

    def run(content: bytes = CONTENT) -> ImportBatch:
        file = SimpleUploadedFile("smis.csv", content, content_type="text/csv")
        response = client.post(reverse("admin:core_importbatch_add"), {"source": "SMIS", "file": file})
        batch = ImportBatch.objects.latest("created_at")
        assert response.status_code == 302
        assert response["Location"] == reverse("admin:core_importbatch_change", args=[batch.pk])
        return batch

    return run


def test_the_preview_shows_counts_rows_and_changes_and_writes_nothing(
    upload: Callable, client: Browser, amina: Client
) -> None:
    before = AuditEntry.objects.count()
    batch = upload()
    page = client.get(reverse("admin:core_importbatch_change", args=[batch.pk])).content.decode()
    assert AuditEntry.objects.count() == before
    assert "Confirm and take in" in page
    assert "1985-02-31" in page
    assert "Hostel A" in page
    assert "Amina Yusuf" in page
    assert "416-555-0123" in page
    assert Client.objects.count() == 1


def test_confirm_takes_the_file_in_once(upload: Callable, client: Browser, coordinator: Staff) -> None:
    batch = upload()
    address = reverse("admin:core_importbatch_confirm", args=[batch.pk])
    assert client.get(address).status_code == 405
    client.post(address)
    page = client.post(address, follow=True).content.decode()
    assert "does not wait for confirmation any more" in page
    assert Client.objects.count() == 2
    assert AuditEntry.objects.filter(action="import", changed_by=coordinator).count() == 1
    batch.refresh_from_db()
    assert batch.status == "applied"


def test_cancel_forgets_the_file(upload: Callable, client: Browser) -> None:
    batch = upload()
    client.post(reverse("admin:core_importbatch_cancel", args=[batch.pk]))
    batch.refresh_from_db()
    assert batch.status == "cancelled"
    assert Client.objects.count() == 1


@pytest.mark.parametrize(("button", "status", "clients"), [("confirm", "applied", 2), ("cancel", "cancelled", 1)])
def test_a_short_file_interrupted_while_it_was_confirmed_is_tried_again_or_forgotten(
    upload: Callable, client: Browser, button: str, status: str, clients: int
) -> None:
    batch = upload()
    ImportBatch.objects.filter(pk=batch.pk).update(status="interrupted")
    page = client.get(reverse("admin:core_importbatch_change", args=[batch.pk])).content.decode()
    assert "Nothing of it was taken in; try again, or forget it." in page
    address = reverse(f"admin:core_importbatch_{button}", args=[batch.pk])
    assert f'action="{address}"' in page
    client.post(address)
    batch.refresh_from_db()
    assert (batch.status, Client.objects.count()) == (status, clients)
    assert not ImportFile.objects.exists()


def test_a_refused_file_is_said_beside_the_field(client: Browser, coordinator: Staff) -> None:
    client.force_login(coordinator)
    file = SimpleUploadedFile("x.csv", b"surname only\nYusuf\n", content_type="text/csv")
    response = client.post(reverse("admin:core_importbatch_add"), {"source": "SMIS", "file": file})
    assert response.status_code == 200
    assert "first_name" in response.content.decode() or "Given Name" in response.content.decode()
    assert ImportBatch.objects.get().status == "refused"


def test_the_batch_page_lists_every_row_with_its_reason(upload: Callable, client: Browser) -> None:
    batch = upload()
    previews.confirm(batch, actor=None)
    address = reverse("admin:core_importbatch_change", args=[batch.pk])
    page = client.get(address).content.decode()
    assert "Ines Vidal" in page
    rejected = client.get(address, {"outcome": "rejected"}).content.decode()
    assert "Ines" not in rejected
    assert "1985-02-31" in rejected


def test_the_rejects_file_is_formula_safe(upload: Callable, client: Browser) -> None:
    batch = upload()
    previews.confirm(batch, actor=None)
    response = client.get(reverse("admin:core_importbatch_rows", args=[batch.pk]))
    text = b"".join(response.streaming_content).decode("utf-8-sig")
    assert "'=Formula" in text
    assert "Ines" not in text
    assert text.startswith("row_number,outcome,reason_code,reason,client_id,candidate_ids,score,uid_external")


@pytest.mark.parametrize("role", ["manager", "leader", "analyst", "worker"])
def test_others_have_no_door_to_files(
    upload: Callable, client: Browser, request: pytest.FixtureRequest, role: str
) -> None:
    batch = upload()
    client.force_login(request.getfixturevalue(role))
    for name, arguments in (
        ("changelist", []),
        ("add", []),
        ("change", [batch.pk]),
        ("confirm", [batch.pk]),
        ("cancel", [batch.pk]),
        ("rows", [batch.pk]),
    ):
        address = reverse(f"admin:core_importbatch_{name}", args=arguments)
        assert client.get(address).status_code in (403, 404), name
        assert client.post(address).status_code in (403, 404, 405), name
    batch.refresh_from_db()
    assert batch.status == "previewed"


def test_the_list_costs_the_same_however_many_files(
    client: Browser, coordinator: Staff, shelter: Program, django_assert_max_num_queries: Callable
) -> None:
    client.force_login(coordinator)
    for number in range(12):
        content = f"first_name,last_name,dob\nA,B{number},{date(1990, 1, 1 + number)}\n".encode()
        pipeline.take(content, file_name=f"{number}.csv", source="SMIS", actor=None)
    with django_assert_max_num_queries(14):
        assert client.get(reverse("admin:core_importbatch_changelist")).status_code == 200


# What changed, and taking it back


def test_the_batch_page_shows_what_each_row_changed(upload: Callable, client: Browser, amina: Client) -> None:
    batch = upload()
    client.post(reverse("admin:core_importbatch_confirm", args=[batch.pk]))
    page = client.get(reverse("admin:core_importbatch_change", args=[batch.pk]), {"outcome": "updated"})
    rows = page.context["rows"]
    fields = [line for change in rows[0]["written"] for line in change["fields"]]
    assert ("Phone number", "—", "416-555-0123") in fields
    assert rows[0]["row"].client_id == amina.pk
    assert "416-555-0123" in page.content.decode()
    created = client.get(reverse("admin:core_importbatch_change", args=[batch.pk]), {"outcome": "created"})
    assert [change["record"] for change in created.context["rows"][0]["written"]] == [
        "Client",
        "Identifier",
        "Enrollment",
    ]


def test_rejects_come_in_the_layout_of_the_source_and_may_be_fed_back(upload: Callable, client: Browser) -> None:
    batch = upload()
    client.post(reverse("admin:core_importbatch_confirm", args=[batch.pk]))
    address = reverse("admin:core_importbatch_rows", args=[batch.pk])
    content = b"".join(client.get(address, {"own": "1"}).streaming_content)
    lines = content.decode("utf-8-sig").splitlines()
    assert lines[0] == "uid_external,first_name,last_name,dob,phone_number,program,start_date,reason"
    assert lines[1].startswith("S-3,Bad,Date,1985-02-31,,Hostel A,2026-02-01,")
    assert lines[2].startswith("S-4,'=Formula,Person")
    assert len(lines) == 3
    again = upload(content.replace(b"1985-02-31", b"1985-02-28"))
    assert (again.summary["created"], again.summary["rejected"], again.notes) == (1, 1, [])


def test_a_file_is_taken_back_with_a_reason(upload: Callable, client: Browser, coordinator: Staff) -> None:
    batch = upload()
    client.post(reverse("admin:core_importbatch_confirm", args=[batch.pk]))
    address = reverse("admin:core_importbatch_undo", args=[batch.pk])
    page = client.get(address)
    assert page.context["removes"] == ["1 client", "2 identifiers", "1 enrollment"]
    assert "Say why" in client.post(address, {"reason": ""}).content.decode()
    assert Client.objects.count() == 2
    page = client.post(address, {"reason": "Sent by mistake"}, follow=True).content.decode()
    assert "was taken back: 1 client" in page
    assert "Sent by mistake" in page
    assert Client.objects.count() == 1
    assert "1985-01-31" in page  # what it had done can still be read
    assert "stands in the way" in client.get(address).content.decode()


def test_what_stands_in_the_way_is_said_on_the_page(
    upload: Callable, client: Browser, coordinator: Staff, amina: Client
) -> None:
    batch = upload()
    client.post(reverse("admin:core_importbatch_confirm", args=[batch.pk]))
    records.change(amina, actor=coordinator, values={"phone_number": "416-555-0000"})
    address = reverse("admin:core_importbatch_undo", args=[batch.pk])
    for page in (client.get(address), client.post(address, {"reason": "x"})):
        assert "Amina Yusuf: the record was changed (phone number)" in page.content.decode()
        assert page.context["clients_shown"] == [amina.pk]
    assert Client.objects.count() == 2


def test_a_cell_as_long_as_a_file_does_not_fill_the_page(upload: Callable, client: Browser) -> None:
    batch = upload(b"first_name,last_name,note\nA" + b"x" * 500_000 + b",B," + b"y" * 500_000 + b"\n")
    address = reverse("admin:core_importbatch_change", args=[batch.pk])
    assert len(client.get(address).content) < 200_000
    client.post(reverse("admin:core_importbatch_confirm", args=[batch.pk]))
    assert len(client.get(address).content) < 200_000


# Feeds


def test_the_feeds_page_shows_what_came_and_what_is_missing(
    upload: Callable, client: Browser, coordinator: Staff
) -> None:
    client.post(reverse("admin:core_importbatch_confirm", args=[upload().pk]))
    page = client.get(reverse("admin:core_importbatch_feeds"))
    assert [card["feed"].name for card in page.context["feeds"]] == ["EMHWare", "FFAI", "SMIS"]
    assert [card["state"] for card in page.context["feeds"]][:2] == ["No file yet", "No file yet"]
    chart = json.loads(page.context["feeds"][2]["chart"])
    assert {each["label"]: each["data"] for each in chart["datasets"]}["rejected"] == [2]
    assert "smis.csv" in page.content.decode()


def test_schedule_and_limits_are_set_on_their_page(client: Browser, coordinator: Staff) -> None:
    client.force_login(coordinator)
    address = reverse("admin:core_importbatch_source", args=["smis"])
    assert 'value="50.0"' in client.get(address).content.decode()
    values = {
        "expected_days": ["1", "7"],
        "expected_by": "07:30",
        "open_share": "12",
        "renamed_share": "5",
        "least_rows": "50",
        "most_rows": "200",
    }
    assert client.post(address, {**values, "most_rows": "50"}).status_code == 200
    assert not SourceSettings.objects.exists()
    assert client.post(address, values).status_code == 302
    stands = SourceSettings.objects.get()
    assert (stands.source_system, stands.expected_days, stands.open_share, stands.holds_files) == (
        "SMIS",
        [1, 7],
        0.12,
        False,
    )
    assert client.get(reverse("admin:core_importbatch_source", args=["nobody"])).status_code == 404


def test_a_file_held_whole_is_released_or_refused_on_its_page(client: Browser, coordinator: Staff) -> None:
    client.force_login(coordinator)
    lines = "\n".join(f"S-{n},A,B,x" for n in range(200))
    content = f"uid_external,first_name,last_name,dob\n{lines}".encode()
    with pytest.raises(FileHeld):
        pipeline.take(content, file_name="a.csv", source="SMIS", actor=None)
    batch = ImportBatch.objects.get()
    page = client.get(reverse("admin:core_importbatch_change", args=[batch.pk])).content.decode()
    assert "Release and take in" in page
    assert "200 of 200 rows" in page
    assert "held whole" in client.get(reverse("admin:core_importbatch_feeds")).content.decode()
    client.post(reverse("admin:core_importbatch_cancel", args=[batch.pk]))
    batch.refresh_from_db()
    assert batch.status == "refused"


def test_words_and_headers_are_set_on_their_page(upload: Callable, client: Browser) -> None:
    content = b"first_name,last_name,gender,Sex,dob\nIda,Q,Frau,F,1980-01-01\n"
    client.post(reverse("admin:core_importbatch_confirm", args=[upload(content).pk]))
    address = reverse("admin:core_importbatch_words", args=["SMIS"])
    page = client.get(address)
    assert [row["item"].value for row in page.context["unmapped"]] == ["Frau"]
    assert page.context["headers"] == ["Sex"]
    key = page.context["unmapped"][0]["item"].pk
    values = {f"value-{key}": "Woman", "header": ["Sex", "Wohnort"], "column": ["race", "city"], "format": ["%d.%m.%Y"]}
    assert client.post(address, values).status_code == 302
    stands = SourceSettings.objects.get()
    assert stands.value_maps == {"gender": {"Frau": "Woman"}}
    assert stands.header_aliases == {"Sex": "race", "Wohnort": "city"}
    assert stands.date_formats == ["%d.%m.%Y"]
    page = client.get(address)
    assert (page.context["unmapped"], page.context["headers"]) == ([], [])
    forget = [line["key"] for line in page.context["own"] if line["text"] in ("Frau", "Sex")]
    client.post(address, {"forget": forget})
    stands.refresh_from_db()
    assert (stands.value_maps, stands.header_aliases, stands.date_formats) == ({}, {"Wohnort": "city"}, [])


def test_what_contradicts_is_said_on_the_page(client: Browser, coordinator: Staff) -> None:
    client.force_login(coordinator)
    address = reverse("admin:core_importbatch_words", args=["SMIS"])
    page = client.post(address, {"format": ["%d/%m/%Y", "%m/%d/%Y"]}, follow=True)
    assert "would be two different days" in page.content.decode()
    assert not SourceSettings.objects.exists()
    assert client.post(address, {"forget": ["nonsense"], "value-x": "y"}).status_code == 302
