"""The rejects desk: what people say of held and rejected rows, and that the rows do not come back."""

import csv
from datetime import date
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from core import audit
from core.audit.sentences import read
from core.errors import Conflict, Invalid, NotAllowed
from core.ingest import desk, pipeline, rejects, undo
from core.linking import parameters
from core.models import (
    AuditEntry,
    Client,
    ClientIdentifier,
    ClientLink,
    Enrollment,
    ImportBatch,
    ImportRow,
    Program,
    RowAnswer,
    SourceSettings,
    Staff,
)
from tests.ingest.files import xlsx_bytes
from tests.matrix.forms import fields

pytestmark = pytest.mark.django_db

HEADERS = (
    *("uid_external", "first_name", "last_name", "dob", "phone_number"),
    *("department", "program", "start_date", "end_date"),
)
AMINA = {"first_name": "Amina", "last_name": "Yusuf", "dob": "1990-04-02"}


def feed(*rows: dict[str, str], source: str = "SMIS", name: str = "a.csv") -> ImportBatch:
    lines = [",".join(HEADERS), *(",".join(row.get(column, "") for column in HEADERS) for row in rows)]
    report = pipeline.take(
        "\n".join(lines).encode(),
        file_name=name,
        source=source,
        actor=None,
        options=pipeline.Options(writes_files=False, repeat=True),
    )
    return ImportBatch.objects.get(pk=report.batch_id)


def open_row() -> ImportRow:
    return desk.open_rows().get()


@pytest.fixture
def namesakes(db: None) -> list[Client]:
    """Two clients of one name and date of birth."""
    with audit.acting(None, channel="command"):
        return [
            Client.objects.create(first_name="Amina", last_name="Yusuf", dob=date(1990, 4, 2), phone_number=phone)
            for phone in ("416-555-0101", "416-555-0102")
        ]


def test_a_held_row_that_is_answered_is_written_and_does_not_come_back(namesakes, coordinator, shelter):
    row = {**AMINA, "uid_external": "S-1", "program": "Hostel A", "start_date": "2024-03-01"}
    batch = feed(row)
    assert (open_row().reason_code, len(open_row().candidate_ids)) == ("several_candidates", 2)

    assert desk.answer_same(open_row(), namesakes[1], actor=coordinator, reason="She showed her card") == 1

    kept = ImportRow.objects.get(batch=batch)
    assert (kept.outcome, kept.client, kept.settled_as, kept.settled_by) == (
        "updated",
        namesakes[1],
        "same",
        coordinator,
    )
    assert ClientIdentifier.objects.get().client == namesakes[1]
    assert Enrollment.objects.get().client == namesakes[1]
    batch.refresh_from_db()
    assert (batch.summary["held"], batch.summary["updated"], batch.summary["enrollments"]) == (0, 1, 1)
    assert sum(batch.summary[name] for name in pipeline.OUTCOMES) == batch.summary["rows"]

    feed(row, name="tomorrow.csv")
    assert not desk.open_rows().exists()
    assert ImportRow.objects.latest("row_id").outcome == "unchanged"


def test_an_answer_stands_also_where_the_row_has_no_identifier(namesakes, coordinator):
    feed({**AMINA, "phone_number": "647-555-0199"})
    desk.answer_same(open_row(), namesakes[0], actor=coordinator)
    feed({**AMINA, "phone_number": "647-555-0199"}, name="again.csv")
    assert not desk.open_rows().exists()
    feed({**AMINA, "phone_number": "647-555-0000"}, name="other.csv")
    assert open_row().reason_code == "several_candidates", "what tells the namesakes apart differs: another question"


def test_an_answer_is_logged_with_who_and_why(namesakes, coordinator):
    batch = feed({**AMINA, "uid_external": "S-1"})
    desk.answer_same(open_row(), namesakes[0], actor=coordinator, reason="Her worker knows")
    entries = AuditEntry.objects.filter(reference_id=batch.pk, entity__in=("row_answers", "client_identifiers"))
    assert {(e.entity, e.action, e.changed_by, e.channel, e.reason) for e in entries} == {
        ("row_answers", "create", coordinator, "import", "Her worker knows"),
        ("client_identifiers", "create", coordinator, "import", "Her worker knows"),
    }
    (told,) = read(entries.filter(entity="row_answers"), viewer=coordinator)
    assert told.what == "Answered row 1 of SMIS a.csv: Same person"


def test_one_answer_settles_every_row_that_asks_the_same(namesakes, coordinator, shelter, clinic):
    first = {**AMINA, "uid_external": "S-1", "program": "Hostel A", "start_date": "2024-03-01"}
    feed(first, {**first, "program": "Clinic", "start_date": "2024-04-01"})
    feed(first, name="tomorrow.csv")
    assert desk.open_rows().count() == 3
    assert desk.answer_same(desk.open_rows().first(), namesakes[0], actor=coordinator) == 3
    assert not desk.open_rows().exists()
    assert Enrollment.objects.filter(client=namesakes[0]).count() == 2


def test_a_new_person_is_made_kept_apart_and_remembered(namesakes, coordinator):
    row = {**AMINA, "uid_external": "S-9", "phone_number": "647-555-0199"}
    feed(row)
    assert desk.answer_new(open_row(), actor=coordinator) == 1
    made = Client.objects.exclude(pk__in=[c.pk for c in namesakes]).get()
    assert (made.phone_number, made.identifiers.get().uid_external) == ("647-555-0199", "S-9")
    assert ClientLink.objects.filter(verdict="not_same").count() == 2
    assert ImportRow.objects.get().outcome == "created"
    feed({**row, "phone_number": "647-555-0200"}, name="tomorrow.csv")
    made.refresh_from_db()
    assert (desk.open_rows().count(), made.phone_number, Client.objects.count()) == (0, "647-555-0200", 3)


def test_an_identifier_given_out_again_is_the_new_persons(amina, coordinator):
    feed({**AMINA, "uid_external": "S-1"})
    other = {"uid_external": "S-1", "first_name": "Boris", "last_name": "Novak", "dob": "1971-12-30"}
    feed(other, name="b.csv")
    assert open_row().reason_code == "recycled_identifier"
    desk.answer_new(open_row(), actor=coordinator)
    boris = Client.objects.get(first_name="Boris")
    assert ClientIdentifier.objects.get().client == boris
    amina.refresh_from_db()
    assert amina.full_name == "Amina Yusuf"
    feed({**other, "phone_number": "647-555-0111"}, name="c.csv")
    boris.refresh_from_db()
    assert (desk.open_rows().count(), boris.phone_number) == (0, "647-555-0111")


def test_whom_name_and_date_fit_is_offered_beside_whose_identifier_it_was(coordinator):
    boris = {"uid_external": "S-2", "first_name": "Boris", "last_name": "Novak", "dob": "1971-12-30"}
    feed({**AMINA, "uid_external": "S-1"}, boris)
    feed({**AMINA, "uid_external": "S-2"}, name="b.csv")
    known = {client.first_name: client for client in Client.objects.all()}
    assert open_row().reason_code == "recycled_identifier"
    assert open_row().candidate_ids == [known["Boris"].pk, known["Amina"].pk]
    assert "A client of this name and date of birth is known, too." in open_row().reason
    desk.answer_same(open_row(), known["Amina"], actor=coordinator)
    assert ClientIdentifier.objects.get(uid_external="S-2").client == known["Amina"]
    assert Client.objects.count() == 2


def test_not_this_one_takes_the_candidate_away_for_good(namesakes, coordinator):
    row = {**AMINA, "uid_external": "S-1"}
    feed(row)
    assert desk.rule_out(open_row(), namesakes[0], actor=coordinator) == 1
    assert open_row().candidate_ids == [namesakes[1].pk]
    feed(row, name="tomorrow.csv")
    assert [r.candidate_ids for r in desk.open_rows()] == [[namesakes[1].pk]] * 2
    with pytest.raises(Conflict, match="not a candidate"):
        desk.rule_out(desk.open_rows().first(), namesakes[0], actor=coordinator)


def test_a_new_person_is_kept_apart_from_whom_the_row_was_said_not_to_be(namesakes, coordinator):
    feed({**AMINA, "uid_external": "S-1", "phone_number": namesakes[0].phone_number})
    desk.rule_out(open_row(), namesakes[0], actor=coordinator)
    desk.answer_new(open_row(), actor=coordinator, reason="Her cousin")
    made = Client.objects.exclude(pk__in=[c.pk for c in namesakes]).get()
    apart = ClientLink.objects.filter(verdict="not_same").values_list("client", "other")
    assert set(apart) == {tuple(sorted((made.pk, other.pk))) for other in namesakes}


def test_a_row_is_not_linked_by_itself_to_whom_it_is_not(namesakes, coordinator):
    row = {**AMINA, "uid_external": "S-1"}
    feed(row)
    desk.rule_out(open_row(), namesakes[0], actor=coordinator)
    with audit.acting(None, channel="command"):
        Client.objects.filter(pk=namesakes[1].pk).update(last_name="Osman")
    feed(row, name="tomorrow.csv")
    kept = ImportRow.objects.latest("row_id")
    assert (kept.outcome, kept.candidate_ids, kept.client) == ("held", [], None)


def test_a_corrected_row_is_taken_and_keeps_what_came(coordinator, shelter):
    feed({**AMINA, "dob": "1990-13-45", "program": "Hostel A", "start_date": "2024-03-01"})
    row = open_row()
    with pytest.raises(Invalid, match="dob"):
        desk.fix(row, actor=coordinator, values={3: "1990-14-01"})
    assert ImportRow.objects.get().cells == row.cells, "what is still wrong changes nothing"
    with pytest.raises(Invalid, match="Nothing was corrected"):
        desk.fix(row, actor=coordinator, values={})
    fixed = desk.fix(row, actor=coordinator, values={3: "1990-04-02"})
    assert (fixed.outcome, fixed.settled_as, fixed.cells_before[3], fixed.cells[3]) == (
        "created",
        "fixed",
        "1990-13-45",
        "1990-04-02",
    )
    assert Client.objects.get().dob == date(1990, 4, 2)


def test_one_corrected_program_name_takes_in_every_row_it_held(coordinator, shelter):
    rows = [
        {"first_name": f"Person{n}", "last_name": f"Nr{n}", "dob": f"19{50 + n}-01-0{n + 1}", "program": "Hostl Alpha"}
        for n in range(4)
    ]
    feed(
        *[{**row, "start_date": "2024-03-01"} for row in rows],
        {**AMINA, "program": "Elsewhere", "start_date": "2024-01-01"},
    )
    assert desk.programs_named() == [("SMIS", "Hostl Alpha", 4), ("SMIS", "Elsewhere", 1)]
    assert desk.correct_program("SMIS", "Hostl Alpha", shelter, actor=coordinator) == 4
    assert Enrollment.objects.filter(program=shelter).count() == 4
    assert desk.programs_named() == [("SMIS", "Elsewhere", 1)]
    assert SourceSettings.objects.get().program_names == {"Hostl Alpha": str(shelter.pk)}
    feed({**AMINA, "program": "hostl  alpha", "start_date": "2024-05-01"}, name="b.csv")
    assert ImportRow.objects.latest("row_id").outcome == "created", "the next file is read so, too"


def test_an_answer_about_a_program_leaves_rows_of_another_department_alone(coordinator, shelter, clinic):
    with audit.acting(coordinator, channel="admin"):
        other = Program.objects.create(name="Hostel A", department=clinic.department)
    row = {**AMINA, "program": "Hostel A", "start_date": "2024-03-01"}
    feed(row)
    assert desk.programs_named() == [("SMIS", "Hostel A", 1)]
    assert desk.correct_program("SMIS", "Hostel A", shelter, actor=coordinator) == 1
    feed({**row, "department": "Health", "start_date": "2025-03-01"}, name="b.csv")
    assert [stay.program for stay in Enrollment.objects.order_by("start_date")] == [shelter, other]


def test_a_department_that_has_no_such_program_is_answered_for_itself(coordinator, shelter):
    row = {
        **AMINA,
        "department": "Hostels",
        "program": "Hostel A",
        "start_date": "2024-03-01",
        "end_date": "2024-04-01",
    }
    feed(row)
    assert desk.programs_named() == [("SMIS", "Hostel A (department Hostels)", 1)]
    assert desk.correct_program("SMIS", "Hostel A (department Hostels)", shelter, actor=coordinator) == 1
    feed({**row, "start_date": "2024-02-01", "end_date": "2024-02-03", "department": "hostels"}, name="b.csv")
    assert Enrollment.objects.filter(program=shelter).count() == 2
    feed({**row, "department": "Nonsense"}, name="c.csv")
    assert open_row().reason_code == "program_not_in_department"


def test_what_still_stands_in_the_way_leaves_the_row_open(amina, coordinator):
    feed({**AMINA, "uid_external": "S-1", "program": "Hostel A", "start_date": "2024-05-01"})
    assert open_row().reason_code == "overlapping_enrollment"
    assert desk.retry([open_row()], actor=coordinator) == 0
    with audit.acting(coordinator, channel="admin"):
        amina.enrollments.update(end_date=date(2024, 4, 1))
    assert desk.retry([open_row()], actor=coordinator) == 1
    assert amina.enrollments.count() == 2


def test_a_row_that_is_set_aside_waits_no_more_and_says_why(coordinator):
    feed({**AMINA, "dob": "nonsense"})
    with pytest.raises(Invalid, match="Say why"):
        desk.set_aside([open_row()], actor=coordinator, reason=" ")
    assert desk.set_aside([open_row()], actor=coordinator, reason="A test row of SMIS") == 1
    kept = ImportRow.objects.get()
    assert (kept.outcome, kept.settled_as, Client.objects.count()) == ("rejected", "aside", 0)
    assert AuditEntry.objects.get(entity="row_answers").reason == "A test row of SMIS"


def test_taking_the_file_back_takes_the_answers_back(namesakes, coordinator):
    batch = feed({**AMINA, "uid_external": "S-9"})
    desk.answer_new(open_row(), actor=coordinator)
    undo.undo(batch, actor=coordinator, reason="Wrong file")
    assert (Client.objects.count(), RowAnswer.objects.count(), ClientLink.objects.count()) == (2, 0, 0)
    assert not desk.open_rows().exists()


def test_the_rejects_file_corrected_and_fed_back_in_is_taken(namesakes, coordinator, shelter):
    batch = feed({**AMINA, "uid_external": "S-1", "program": "Hostl", "start_date": "2024-03-01"})
    text = "".join(rejects.csv_of_batch(batch, only=("held", "rejected")))
    report = pipeline.take(
        text.replace("Hostl,", "Hostel A,").encode(), file_name="a.rejects.csv", source="SMIS", actor=coordinator
    )
    again = ImportBatch.objects.get(pk=report.batch_id)
    assert again.headers == batch.headers
    assert again.rows.get().reason_code == "several_candidates", "the program is right now; the person is asked"


@pytest.mark.parametrize("role", ["manager", "leader", "analyst", "worker"])
def test_others_have_no_say(request, role, namesakes):
    feed({**AMINA, "uid_external": "S-1"})
    actor: Staff = request.getfixturevalue(role)
    row = open_row()
    attempts: list[Any] = [
        lambda: desk.answer_same(row, namesakes[0], actor=actor),
        lambda: desk.answer_new(row, actor=actor),
        lambda: desk.rule_out(row, namesakes[0], actor=actor),
        lambda: desk.fix(row, actor=actor, values={3: "1990-04-03"}),
        lambda: desk.retry([row], actor=actor),
        lambda: desk.set_aside([row], actor=actor, reason="no"),
        lambda: desk.correct_program("SMIS", "x", None, actor=actor),
    ]
    for attempt in attempts:
        with pytest.raises(NotAllowed):
            attempt()
    assert len(open_row().candidate_ids) == 2
    assert not RowAnswer.objects.exists()


def test_a_row_that_waits_goes_on_waiting_although_scores_have_moved(amina, administrator):
    near = {"first_name": "Amnia", "last_name": "Yusuf", "dob": str(amina.dob), "uid_external": "S-9"}
    feed(near)
    assert open_row().candidate_ids == [amina.pk]
    parameters.change({"mode": "off"}, actor=administrator, reason="A trial.")
    feed(near, {**near, "phone_number": "416-555-0103"}, name="b.csv")
    assert {(row.outcome, *row.candidate_ids) for row in desk.open_rows()} == {("held", amina.pk)}
    assert Client.objects.count() == 1
    desk.set_aside(list(desk.open_rows()), actor=administrator, reason="Not ours.")
    assert feed(near, name="c.csv").summary["created"] == 1


def test_the_page_marks_what_differs_in_meaning_not_in_spelling(amina, coordinator, client):
    headers = "SMIS Client No,Given Name,Surname,DOB,Gender Identity,City"
    with audit.acting(None, channel="command"):
        Client.objects.filter(pk=amina.pk).update(gender="Woman", address={"city": "Ottawa"})
    content = f"{headers}\nS-9,Amnia,Yusuf,{amina.dob},F,Toronto\n".encode()
    pipeline.take(content, file_name="a.csv", source="SMIS", actor=None, options=pipeline.Options(writes_files=False))
    assert desk.as_read(open_row())["gender"] == "Woman"
    client.force_login(coordinator)
    page = client.get(reverse("admin:core_importrow_desk"))
    marked = {header: is_other for header, _, ((_, is_other), *_) in page.context["fields"]}
    assert (marked["Gender Identity"], marked["City"], marked["Given Name"], marked["Surname"]) == (
        False,
        True,
        True,
        False,
    )


def test_the_page_takes_as_many_queries_for_many_rows_as_for_a_few(amina, coordinator, client):
    def queries(number: int, name: str) -> int:
        rows = [{**AMINA, "uid_external": f"S-{n}", "program": f"Nowhere {name}"} for n in range(number)]
        feed(*rows, name=name)
        client.get(address)  # settings and roles are read once
        with CaptureQueriesContext(connection) as seen:
            assert client.get(address).status_code == 200
        return len(seen)

    client.force_login(coordinator)
    address = reverse("admin:core_importrow_desk") + "?cause=unknown_program"
    assert queries(2, "a.csv") == queries(30, "b.csv")


def test_a_file_that_is_read_otherwise_today_does_not_break_the_page(amina, coordinator, client):
    feed({**AMINA, "uid_external": "S-1", "program": "Nowhere"})
    ImportBatch.objects.update(headers=["One", "Two"])
    client.force_login(coordinator)
    page = client.get(reverse("admin:core_importrow_desk"), {"cause": "unknown_program"})
    assert page.status_code == 200
    assert page.context["programs_named"] == [("SMIS", "", 1)]


def test_a_row_is_answered_once(namesakes, coordinator):
    feed({**AMINA, "uid_external": "S-1"})
    row = open_row()
    desk.answer_same(row, namesakes[0], actor=coordinator)
    with pytest.raises(Conflict, match="does not wait any more"):
        desk.answer_same(row, namesakes[1], actor=coordinator)


def test_a_rejected_row_is_no_question_about_a_person(amina, coordinator):
    feed({**AMINA, "program": "Nowhere", "start_date": "2024-01-01"})
    with pytest.raises(Conflict, match="correct it first"):
        desk.answer_same(open_row(), amina, actor=coordinator)


def corrected(batch: ImportBatch, *changes: tuple[str, str]) -> ImportBatch:
    """The rejects file of a batch, fed back in with some texts replaced."""
    text = "".join(rejects.csv_of_batch(batch, only=("held", "rejected")))
    for wrong, right in changes:
        assert wrong in text
        text = text.replace(wrong, right)
    report = pipeline.take(text.encode(), file_name="a.rejects.csv", source="SMIS", actor=None)
    return ImportBatch.objects.get(pk=report.batch_id)


INES = {"first_name": "Ines", "last_name": "Vidal", "dob": "=1985", "uid_external": "S-2"}


def test_rows_that_come_back_corrected_wait_no_more_until_that_file_is_taken_back(coordinator):
    batch = feed({**AMINA, "dob": "nonsense"}, INES)
    again = corrected(batch, (",nonsense,", ",1990-04-02,"))
    assert (again.summary["fed_back"], again.summary["created"], again.summary["rejected"]) == (2, 1, 1)
    assert [(row.batch, row.row_number) for row in desk.open_rows()] == [(again, 2)], "still wrong: the new row waits"
    assert {(row.settled_as, row.settled_in) for row in batch.rows.all()} == {("fed_back", again)}
    undo.undo(again, actor=coordinator, reason="Wrong file")
    assert [row.batch for row in desk.open_rows()] == [batch, batch]


def test_a_character_no_text_has_in_our_own_columns_refuses_nothing(coordinator):
    """A workbook may hold it; nobody knows then which row it was."""
    batch = feed({**AMINA, "dob": "nonsense"})
    headers, row = list(csv.reader(rejects.csv_of_batch(batch, only=("rejected",))))
    row = [cell.replace("_date", "_x0000_").replace("nonsense", "1990-04-02") for cell in row]
    report = pipeline.take(xlsx_bytes(headers, row), file_name="a.xlsx", source="SMIS", actor=None)
    assert (report.fed_back, report.outcomes, desk.open_rows().count()) == (0, {"created": 1}, 1)


def test_a_word_replaced_everywhere_in_a_spreadsheet_settles_its_row(shelter):
    """The sentence that says why the row waited quotes the cell, and is corrected with it."""
    batch = feed({**AMINA, "uid_external": "S-1", "program": "Hostle A", "start_date": "2024-01-01"})
    assert "Hostle A" in open_row().reason
    again = corrected(batch, ("Hostle A", "Hostel A"))
    assert (again.summary["fed_back"], again.summary["created"], desk.open_rows().count()) == (1, 1, 0)


def test_a_row_of_the_same_number_and_reason_about_somebody_else_waits_on(coordinator):
    monday = feed({**AMINA, "dob": "nonsense"})
    tuesday = feed({"first_name": "Bo", "last_name": "Li", "dob": "nonsense"}, name="b.csv")
    corrected(monday, (",nonsense,", ",1990-04-02,"))
    assert open_row().batch == tuesday


def test_a_row_is_known_by_its_identifier_where_its_name_was_corrected(coordinator):
    batch = feed({**INES, "first_name": "Inez"})
    corrected(batch, ("Inez", "Ines"), ("'=1985", "1985-01-31"))
    assert not desk.open_rows().exists()


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_correcting_one_cell_on_the_page_leaves_the_line_ends_of_others(coordinator, client, line_end):
    street = f"12 King St{line_end}Rear door"
    content = f'first_name,last_name,dob,street\nAmina,Yusuf,nonsense,"{street}"\n'
    pipeline.take(content.encode(), file_name="a.csv", source="SMIS", actor=None)
    row = open_row()
    client.force_login(coordinator)
    sent = fields(client.get(reverse("admin:core_importrow_desk")).content)
    client.post(reverse("admin:core_importrow_settle"), {**sent, "verb": "fix", "cell-2": "1990-04-02"})
    row.refresh_from_db()
    assert row.cells == ["Amina", "Yusuf", "1990-04-02", street]
    assert Client.objects.get().address["street"] == "12 King St Rear door"
