"""Files that may be long: memory does not grow with their rows, and what they tell is what the list tells."""

import csv
import inspect
import io
import tracemalloc
from collections.abc import Callable, Iterator
from typing import IO
from weakref import WeakSet

import pytest
from django.db import connection, models
from django.db.models import Func, IntegerField, Value
from django.test import Client as Browser
from django.urls import reverse
from openpyxl import Workbook, load_workbook

from admin_ext import exporting, files
from admin_ext.clients import ClientAdmin
from core import audit
from core.models import AccessEntry, Client, Staff
from reporting import reading, render
from reporting.org_summary import OrgSummary
from tests.admin_ext.conftest import url

# Rows of a short and of a long file, each of several portions of the database and several pieces of a file; fewer of a
# workbook, which openpyxl writes slowly while memory is traced.
PORTION, PIECE, SAMPLE = 100, 8 * 1024, 50
SIZES = {"csv": (400, 2_000), "xlsx": (150, 1_800)}
FEW, MANY = SIZES["csv"]
COLUMNS = ("key", "name", "day")
PERIOD = {"date_from": "2025-01-01", "date_to": "2025-01-31"}
ROW = {**PERIOD, "row": "total / clients served"}
# What a peak may differ by from one size to the other. What is held of so many more rows is several times that, see the
# tests of what would be seen.
SLACK = 150_000


@pytest.fixture(autouse=True)
def small_portions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "PORTION", PORTION)
    monkeypatch.setattr(exporting, "PORTION", PORTION)
    monkeypatch.setattr(render, "PIECE", PIECE)
    monkeypatch.setattr(render, "_SAMPLE", SAMPLE)


def times(found: models.QuerySet, number: int) -> models.QuerySet:
    """Each row so many times, made by the database: a long list without a large agency."""
    series = Func(Value(1), Value(number), function="generate_series", output_field=IntegerField())
    return found.annotate(again=series).order_by("again")


def peak(work: Callable[[], object]) -> int:
    """The most that Python holds while it works, in bytes."""
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def read_out(pieces: Iterator[str | bytes]) -> int:
    """How long the file is; it is not kept."""
    return sum(len(piece) for piece in pieces)


def lines(number: int) -> Iterator[tuple[object, ...]]:
    return ((n, f"Client {n} of a long list", "2025-01-31") for n in range(number))


def people_file(kind: str = "csv") -> str:
    return reverse("admin:report_people_file", args=["org_summary", kind])


def peaks_of(kind: str, work: Callable[[int], object]) -> tuple[int, int]:
    """Peaks of a short and a long file; once before, so that what is loaded only once counts for neither."""
    _, few, many = (peak(lambda n=n: work(n)) for n in (SIZES[kind][0], *SIZES[kind]))
    return few, many


def test_a_csv_of_many_rows_holds_no_more_than_one_of_few():
    few, many = peaks_of("csv", lambda n: read_out(render.csv_pieces(COLUMNS, lines(n))))
    assert many < few + SLACK


def test_a_workbook_of_many_rows_holds_no_more_than_one_of_few():
    few, many = peaks_of("xlsx", lambda n: render.xlsx_file("Long", COLUMNS, lines(n)).close())
    assert many < few + SLACK


def test_a_workbook_that_was_held_would_be_seen():
    def held(number: int) -> None:
        sheet = Workbook().active
        for row in lines(number):
            sheet.append(row)

    few, many = peaks_of("xlsx", held)
    assert many > few + 3 * SLACK


def test_a_workbook_lets_go_of_each_row():
    alive, most = WeakSet(), []

    class Line(list):
        __hash__ = object.__hash__

    def watched() -> Iterator[Line]:
        for row in lines(500):
            line = Line(row)
            alive.add(line)
            most.append(len(alive))
            yield line

    render.xlsx_file("Long", COLUMNS, watched()).close()
    assert len(most) == 500
    assert SAMPLE <= max(most) <= SAMPLE + 2


def test_rows_are_read_when_their_piece_is_asked_for():
    taken = []
    pieces = render.csv_pieces(COLUMNS, (taken.append(row) or row for row in lines(MANY)))
    assert taken == []
    assert len(next(pieces)) >= render.PIECE
    assert 0 < len(taken) < MANY / 4


def test_the_people_of_a_report_leave_with_memory_that_stays(
    client: Browser, analyst: Staff, amina: Client, monkeypatch: pytest.MonkeyPatch
):
    few, many = peaks_of("csv", taking_people(client, analyst, monkeypatch))
    assert many < few + SLACK


def test_people_that_were_held_would_be_seen(
    client: Browser, analyst: Staff, amina: Client, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("admin_ext.reports.streamed", lambda found, names: iter(list(reading.streamed(found, names))))
    few, many = peaks_of("csv", taking_people(client, analyst, monkeypatch))
    assert many > few + 3 * SLACK


def taking_people(client: Browser, reader: Staff, monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Takes the file of one client so many times."""
    client.force_login(reader)
    monkeypatch.setattr("admin_ext.reports.BY_NAME", ("again",))
    people = OrgSummary.people

    def take(number: int) -> None:
        monkeypatch.setattr(OrgSummary, "people", lambda *a: times(people(*a), number))
        assert read_out(client.get(people_file(), ROW)) > number * 50

    return take


def test_a_list_leaves_with_memory_that_stays(
    client: Browser, analyst: Staff, amina: Client, monkeypatch: pytest.MonkeyPatch
):
    client.force_login(analyst)

    def take(number: int) -> None:
        monkeypatch.setattr(ClientAdmin, "export_queryset", lambda self, found: times(found, number))
        assert read_out(client.get(url("client_export", "csv"))) > number * 50

    few, many = peaks_of("csv", take)
    assert many < few + SLACK


@pytest.mark.parametrize("address", [people_file("xlsx"), url("client_export", "xlsx")])
def test_the_rows_of_a_workbook_are_not_read_before_it_is_written(
    client: Browser, analyst: Staff, amina: Client, monkeypatch: pytest.MonkeyPatch, address: str
):
    write, states = render.xlsx_file, []

    def watched(title: str, columns: tuple[str, ...], rows: Iterator[tuple[object, ...]]) -> IO[bytes]:
        states.append(inspect.getgeneratorstate(rows))
        return write(title, columns, rows)

    monkeypatch.setattr(render, "xlsx_file", watched)
    client.force_login(analyst)
    assert read_out(client.get(address, ROW if "people" in address else {})) > 1_000
    assert states == [inspect.GEN_CREATED]


def test_long_lists_are_fetched_in_portions_from_the_database(amina: Client):
    rows = reading.streamed(times(Client.objects.all(), MANY), ("client_id", "first_name"))
    assert next(rows) == (amina.pk, "Amina")
    with connection.cursor() as cursor:
        cursor.execute("SELECT is_holdable FROM pg_cursors WHERE name LIKE 'streamed_%%'", [])
        assert cursor.fetchall() == [(True,)]
        assert sum(1 for _ in rows) == MANY - 1
        cursor.execute("SELECT count(*) FROM pg_cursors WHERE name LIKE 'streamed_%%'", [])
        assert cursor.fetchone() == (0,)


@pytest.mark.django_db(transaction=True)
def test_no_transaction_stays_open_while_a_list_is_sent(amina: Client):
    rows = reading.streamed(times(Client.objects.all(), FEW), ("client_id",))
    next(rows)
    assert connection.connection.info.transaction_status.name == "IDLE"
    rows.close()
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_cursors WHERE name LIKE 'streamed_%%'", [])
        assert cursor.fetchone() == (0,)


def test_the_file_names_the_people_of_the_number(client: Browser, analyst: Staff, amina: Client, stranger: Client):
    with audit.acting(None, channel="command"):
        Client.objects.filter(pk=amina.pk).update(preferred_name="=1+1", languages_spoken=["Cree", "Dari"])
    client.force_login(analyst)
    answer = client.get(people_file(), {**PERIOD, "row": "gender / Woman"})
    assert 'filename="org_summary_2025-01-01_2025-01-31_gender-Woman.csv"' in answer["Content-Disposition"]
    (row,) = csv.DictReader(io.StringIO(answer.getvalue().decode("utf-8-sig")))
    assert (row["client_id"], row["first_name"], row["dob"]) == (str(amina.pk), "Amina", "1990-04-02")
    assert (row["preferred_name"], row["languages_spoken"]) == ("'=1+1", "Cree;Dari")
    entry = AccessEntry.objects.get(action="export")
    assert (entry.staff, entry.entity, entry.number) == (analyst, "report org_summary", 1)
    assert entry.client_ids == [amina.pk]
    assert "row: gender / Woman" in entry.detail


def test_the_workbook_has_the_same_people(client: Browser, analyst: Staff, amina: Client):
    client.force_login(analyst)
    rows = list(load_workbook(io.BytesIO(client.get(people_file("xlsx"), ROW).getvalue())).active.values)
    assert len(rows) == 2
    assert rows[1][:4] == (str(amina.pk), None, "Amina", "Yusuf")


@pytest.mark.parametrize("role", ["manager", "leader", "worker"])
def test_who_may_not_export_gets_no_file_of_people(request, client: Browser, amina: Client, role: str):
    client.force_login(request.getfixturevalue(role))
    assert client.get(people_file(), ROW).status_code == 403
    page = client.get(reverse("admin:report_people", args=["org_summary"]), ROW)
    assert "people.csv" not in page.content.decode()


def test_who_may_export_finds_the_file_on_the_list(client: Browser, analyst: Staff, amina: Client):
    client.force_login(analyst)
    body = client.get(reverse("admin:report_people", args=["org_summary"]), ROW).content.decode()
    assert f'href="{people_file()}?' in body
    assert f'href="{people_file("xlsx")}?' in body


@pytest.mark.parametrize("kind", ["exe", "pdf"])
def test_there_is_no_other_kind_of_file_of_people(client: Browser, analyst: Staff, amina: Client, kind: str):
    client.force_login(analyst)
    assert client.get(people_file(kind), ROW).status_code == 404
    assert client.get(people_file(), {**PERIOD, "row": "gender / Nothing"}).status_code == 404


def test_too_long_a_workbook_says_to_take_csv(
    client: Browser, analyst: Staff, amina: Client, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(files, "MOST_XLSX_ROWS", 0)
    client.force_login(analyst)
    answer = client.get(people_file("xlsx"), ROW, follow=True)
    assert "1 rows are too many for XLSX" in answer.content.decode()
    assert client.get(people_file("csv"), ROW).status_code == 200


def test_what_is_streamed_stays_behind_the_wall(
    client: Browser, worker: Staff, amina: Client, stranger: Client, monkeypatch: pytest.MonkeyPatch
):
    """Both conditions of the view forgotten, everyone's records asked for: the database shows the assigned ones."""
    allows = "core.rules.allows"
    monkeypatch.setattr(allows, lambda *a, **k: True)
    monkeypatch.setattr("core.rules.require", lambda *a, **k: None)
    monkeypatch.setattr(reading.rules, "visible_to", lambda actor, model: model._default_manager.all())
    monkeypatch.setattr(ClientAdmin, "export_queryset", lambda self, found: Client.objects.all())
    client.force_login(worker)
    answer = client.get(url("client_export", "csv"))
    names = [row["first_name"] for row in csv.DictReader(io.StringIO(answer.getvalue().decode("utf-8-sig")))]
    assert names == [amina.first_name]
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user")
        assert cursor.fetchone() != ("ccd_viewer",)


def test_a_control_character_does_not_stop_a_workbook():
    with render.xlsx_file("Odd", ("reason",), [("a\x0bb",), ("c",)]) as file:
        book = load_workbook(file)
    assert [row[0] for row in book.active.values] == ["reason", "ab", "c"]
