"""Pages of reports: who sees them, what they say, the files they give."""

import csv
import html
import io
import re
from collections.abc import Callable
from datetime import date

import openpyxl
import pytest
from django.contrib import admin
from django.core.cache import caches
from django.db import connection
from django.test import Client as Browser
from django.test import RequestFactory
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

import reporting
from core import audit, rules
from core.choices import ADMINISTRATOR, ANALYST, COORDINATOR, LEADER, MANAGER, STAFF
from core.models import AccessEntry, AuditEntry, Client, Department, Enrollment, Program, Staff
from tests.reporting import world
from tests.reporting.conftest import enroll, set_capacity, twins  # noqa: F401 - fixtures
from tests.reporting.test_registry import visits  # noqa: F401 - a fixture

SLUGS = list(reporting.every())
PERIOD = {"date_from": "2025-01-01", "date_to": "2025-01-31"}


def address(slug: str) -> str:
    return reverse("admin:report", args=[slug])


@pytest.fixture
def browse(client: Browser, leader: Staff) -> Callable[..., object]:
    """browse("org_summary", **query) as a leader."""
    client.force_login(leader)
    return lambda slug, **query: client.get(address(slug), query)


def test_the_addresses_are_those_of_the_contract():
    assert address("org_summary") == "/admin/reports/org_summary/"
    assert reverse("admin:report_index") == "/admin/reports/"


@pytest.mark.parametrize(
    ("path", "entry"), [("", "All Reports"), ("vacancy/", "Vacancy Tracker"), ("completeness/", "All Reports")]
)
def test_one_entry_of_the_sidebar_is_marked(path: str, entry: str, leader: Staff, rf: RequestFactory):
    request = rf.get(f"/admin/reports/{path}")
    request.user = leader
    (reports,) = (group for group in admin.site.get_sidebar_list(request) if group["title"] == "Reports")
    assert [item["title"] for item in reports["items"] if item["active"]] == [entry]


@pytest.mark.parametrize(
    ("role", "status"),
    [
        (ADMINISTRATOR, 200),
        (COORDINATOR, 200),
        (MANAGER, 200),
        (LEADER, 200),
        (ANALYST, 200),
        (STAFF, 403),
        (None, 302),
    ],
)
@pytest.mark.parametrize("kind", [None, "csv", "xlsx"])
def test_roles_by_page(client: Browser, person: Callable[..., Staff], role: str | None, status: int, kind: str | None):
    if role:
        staff = person(role)
        client.force_login(staff)
    query = {"format": kind} if kind else {}
    narrow = {slug for slug in SLUGS if role and not rules.allows(staff, reporting.get(slug).permission)}
    expected = [403 if slug in narrow else status for slug in SLUGS]
    answers = [client.get(address(slug), query) for slug in SLUGS]
    assert [answer.status_code for answer in answers] == expected
    assert all(answer.getvalue() for answer in answers if answer.streaming)
    assert client.get(reverse("admin:report_index")).status_code == status


def test_an_unknown_report_is_not_found(browse: Callable):
    assert browse("nothing").status_code == 404


@pytest.mark.parametrize("method", ["post", "put", "delete"])
def test_pages_are_read_only(client: Browser, leader: Staff, method: str):
    client.force_login(leader)
    assert getattr(client, method)(address("vacancy")).status_code == 405


def test_looking_changes_nothing_and_is_noted(browse: Callable, amina: Client, leader: Staff):
    before = AuditEntry.objects.count()
    slugs = [slug for slug in SLUGS if rules.allows(leader, reporting.get(slug).permission)]
    for slug in slugs:
        browse(slug)
    assert AuditEntry.objects.count() == before
    looked = AccessEntry.objects.order_by("accessed_at").values_list("action", "entity", "client_ids")
    assert list(looked) == [("report", f"report {slug}", None) for slug in slugs]


def test_a_download_is_in_the_access_log(browse: Callable, amina: Client, leader: Staff):
    browse("org_summary", **PERIOD, format="csv")
    entry = AccessEntry.objects.get()
    assert (entry.staff, entry.action, entry.entity) == (leader, "download", "report org_summary")
    assert entry.detail == "date_from: 2025-01-01, date_to: 2025-01-31"


def test_the_index_lists_every_report(client: Browser, leader: Staff):
    client.force_login(leader)
    body = client.get(reverse("admin:report_index")).content.decode()
    for report in reporting.every().values():
        assert (address(report.slug) in body) == rules.allows(leader, report.permission)


def test_the_page_says_total_reconciliation_and_rule(browse: Callable, twins: tuple, enroll: Callable):  # noqa: F811
    client = enroll(twins[0], "2025-01-01", languages_spoken=["French", "Cree"])
    enroll(twins[1], "2025-01-01", client=client)
    body = browse("org_summary", **PERIOD).content.decode()
    assert "Sum of programs 2 − counted in more than one program 1 = 1 different person" in body
    assert "age on 2025-01-31" in body
    assert "several languages counts once in each" in body


def test_screens_say_over_by(browse: Callable, shelter: Program, enroll: Callable, set_capacity: Callable):  # noqa: F811
    set_capacity(shelter, 1, date(2025, 1, 1))
    for _ in range(4):
        enroll(shelter, "2025-01-01")
    body = browse("vacancy", as_of="2025-01-15").content.decode()
    assert "over by 3" in body
    assert ">-3<" not in body


@pytest.mark.parametrize(
    ("slug", "query", "sentence"),
    [
        ("org_summary", {"date_from": "2025-02-01", "date_to": "2025-01-01"}, "is before the first"),
        ("org_summary", {"date_from": "31/12/2024", "date_to": "2025-01-01"}, "is not a day written YYYY-MM-DD"),
        ("org_summary", {"date_from": "", "date_to": "2025-01-01"}, "required"),
        ("org_summary", {**PERIOD, "department": "9" * 40}, "There is no department"),
        ("org_summary", {**PERIOD, "program": "\x00"}, "ull character"),
        ("vacancy", {"as_of": "<script>alert(1)</script>"}, "&lt;script&gt;"),
        ("vacancy", {"as_of": "99999-01-01"}, "is not a day"),
    ],
)
@pytest.mark.parametrize("kind", [{}, {"format": "csv"}])
def test_bad_parameters_are_said_on_the_page(browse: Callable, slug: str, query: dict, sentence: str, kind: dict):
    response = browse(slug, **query, **kind)
    assert response.status_code == 200
    assert response["Content-Type"].startswith("text/html")
    body = response.content.decode()
    assert sentence in body
    assert "<script>alert" not in body
    assert "format=csv" not in body


@pytest.mark.parametrize("query", [{}, {"date_from": "0001-01-01", "date_to": "9999-12-31"}, {"format": "exe"}])
def test_far_days_and_unknown_formats_are_a_page(browse: Callable, amina: Client, query: dict):
    response = browse("org_summary", **query)
    assert response.status_code == 200
    assert "How this is counted" in response.content.decode()


def test_the_csv_is_that_of_the_command(browse: Callable, amina: Client):
    response = browse("org_summary", **PERIOD, format="csv")
    assert response["Content-Type"] == "text/csv; charset=utf-8"
    assert response["Content-Disposition"] == 'attachment; filename="org_summary_2025-01-01_2025-01-31.csv"'
    rows = list(csv.reader(io.StringIO(response.getvalue().decode())))
    assert rows[:2] == [
        ["section", "group", "value", "clients", "percent"],
        ["total", "", "clients served", "1", "100.0"],
    ]


def test_files_keep_what_was_chosen(browse: Callable, amina: Client, clinic: Program):
    body = browse("org_summary", **PERIOD, department="Health").content.decode()
    assert "format=csv" in body
    response = browse("org_summary", **PERIOD, department=str(clinic.department_id), format="csv")
    assert "clients served,0," in response.getvalue().decode()
    assert "Health.csv" in response["Content-Disposition"]


def test_formulas_stay_asleep_in_files(browse: Callable, shelter: Program):
    with audit.acting(None, channel="command"):
        Department.objects.update(name="=cmd|' /C calc'!A0")
        Program.objects.update(name="@SUM(1)", location="+1")
    text = browse("vacancy", as_of="2025-01-01", format="csv").getvalue().decode()
    assert text.splitlines()[1] == "'=cmd|' /C calc'!A0,'@SUM(1),'+1,10,0,10,2025-01-01"
    content = browse("vacancy", as_of="2025-01-01", format="xlsx").getvalue()
    row = openpyxl.load_workbook(io.BytesIO(content)).active[2]
    assert [cell.data_type for cell in row] == ["s", "s", "s", "n", "n", "n", "d"]
    assert row[0].value.startswith("'=")


def test_names_are_escaped_on_the_page(browse: Callable, shelter: Program):
    with audit.acting(None, channel="command"):
        Program.objects.update(name="<img src=x onerror=alert(1)>")
    for slug in SLUGS:
        assert "<img src=x" not in browse(slug).content.decode()


def test_the_number_of_queries_does_not_grow(browse: Callable, amina: Client):
    def queries() -> int:
        caches["reports"].clear()
        with CaptureQueriesContext(connection) as seen:
            browse("org_summary", **PERIOD)
            browse("vacancy")
        return len(seen)

    before = queries()
    world.store(world.make(1, clients=150, programs=30))
    assert queries() == before


def test_presets_keep_the_place_and_mark_the_chosen(browse: Callable, shelter: Program):
    body = browse("org_summary", department=str(shelter.department_id)).content.decode()
    chips = body.split('class="report-presets"')[1].split("</form>")[0]
    assert chips.count(f"department={shelter.department_id}") >= 4
    assert 'aria-current="true">This fiscal year' in chips


def test_a_report_dropped_in_has_its_page(browse: Callable, visits: object):  # noqa: F811
    body = browse("visits", as_of="2025-01-01").content.decode()
    assert "Visits" in body
    assert "=1+1" in body
    assert browse("visits", as_of="2025-01-01", format="csv").getvalue() == b"name,visits\n'=1+1,-3\n"


def test_a_number_opens_the_list_behind_it(client: Browser, browse: Callable, amina: Client, leader: Staff):
    body = browse("org_summary", **PERIOD).content.decode()
    link = re.search(r'href="([^"]+/people/[^"]+row=gender[^"]+)"', body)[1].replace("&amp;", "&")
    listed = client.get(link).content.decode()
    assert "Amina Yusuf" in listed
    assert reverse("admin:core_client_change", args=[amina.pk]) in listed
    entry = AccessEntry.objects.get(action="list")
    assert (entry.staff, entry.client_ids, entry.number) == (leader, [amina.pk], 1)
    assert "row: gender / Woman" in entry.detail


@pytest.fixture
def slashes(enroll: Callable[..., Client]) -> dict[tuple[str, str], set[str]]:  # noqa: F811
    """Names that read the same when joined by ' / ': (department, program) → who is in it."""
    places = {("A / B", "C"): {"Ada"}, ("A", "B / C"): {"Bo", "Cy"}, ("A /", "D"): {"Di"}, ("A", "/ D"): {"Ed", "Flo"}}
    with audit.acting(None, channel="command"):
        departments = {name: Department.objects.create(name=name) for name in {place[0] for place in places}}
        programs = {place: Program.objects.create(name=place[1], department=departments[place[0]]) for place in places}
    for place, names in places.items():
        for name in names:
            enroll(programs[place], "2025-01-01", first_name=name, last_name="Slash")
    return places


@pytest.mark.parametrize("slug", ["org_summary", "vacancy", "inactive"])
def test_a_name_with_a_slash_opens_its_own_list(
    browse: Callable, client: Browser, slashes: dict[tuple[str, str], set[str]], slug: str
):
    query = PERIOD if slug == "org_summary" else {"as_of": "2025-12-31"}
    body = html.unescape(browse(slug, **query).content.decode())
    row = "program" if slug == "org_summary" else "A"
    links = set(re.findall(rf'href="([^"]+/people/[^"]+row={row}[^"]+)"', body))
    listed = [client.get(link).content.decode() for link in links]
    found = [
        frozenset(name for names in slashes.values() for name in names if f"{name} Slash" in page) for page in listed
    ]
    assert sorted(map(sorted, found)) == sorted(map(sorted, slashes.values()))
    assert any("A / B / C</h2>" in page for page in listed)


def test_an_address_from_before_slashes_were_told_apart_finds_its_row_or_none(
    client: Browser,
    leader: Staff,
    slashes: dict[tuple[str, str], set[str]],
    enroll: Callable[..., Client],  # noqa: F811
):
    with audit.acting(None, channel="command"):
        other = Program.objects.create(name="Day/Night", department=Department.objects.get(name="A"))
    enroll(other, "2025-01-01", first_name="Gus", last_name="Slash")
    client.force_login(leader)
    people = reverse("admin:report_people", args=["org_summary"])
    assert "Gus Slash" in client.get(people, {**PERIOD, "row": "program / A / Day/Night"}).content.decode()
    assert client.get(people, {**PERIOD, "row": "program / A / B / C"}).status_code == 404


@pytest.mark.parametrize("row", ["", "gender / Nothing", "reconciliation / sum of programs", "../x"])
def test_what_has_no_list_is_not_found(client: Browser, leader: Staff, amina: Client, row: str):
    client.force_login(leader)
    people = reverse("admin:report_people", args=["org_summary"])
    assert client.get(people, {**PERIOD, "row": row}).status_code == 404
    assert client.get(people, {"date_from": "x", "row": "gender / Woman"}).status_code == 404


def test_lists_are_for_those_who_read_reports(client: Browser, worker: Staff, amina: Client):
    client.force_login(worker)
    query = {**PERIOD, "row": "gender / Woman"}
    assert client.get(reverse("admin:report_people", args=["org_summary"]), query).status_code == 403


def test_a_place_asked_by_name_is_shown_chosen(browse: Callable, shelter: Program):
    body = browse("org_summary", department="shelter", program="hostel a").content.decode()
    for record in (shelter, shelter.department):
        assert f'<option value="{record.pk}" selected>' in body


def test_a_file_to_share_hides_small_numbers_and_is_logged(browse: Callable, amina: Client, leader: Staff):
    answer = browse("org_summary", **PERIOD, format="shared")
    assert 'filename="shared_org_summary_2025-01-01' in answer["Content-Disposition"]
    assert "clients served,*,*" in answer.getvalue().decode()
    assert AccessEntry.objects.get().detail.startswith("to share, ")


def test_what_cannot_leave_says_why_on_the_page(browse: Callable, amina: Client):
    answer = browse("org_summary", **PERIOD, gender="Woman", format="shared")
    assert answer["Content-Type"].startswith("text/html")
    assert "Leave the demographics open" in answer.content.decode()


def test_names_beside_bars_fit_a_telephone_and_are_told_whole(browse: Callable, amina: Client, clinic: Program):
    """Chart.js cuts the beginning off a name that needs more than half of the chart's width."""
    name = "Settlement & Newcomer Services"
    with audit.acting(None, channel="command"):
        Department.objects.filter(pk=clinic.department_id).update(name=name)
        Enrollment.objects.create(client=amina, program=clinic, start_date=date(2024, 1, 1))
    charts = {chart.title: chart for chart in browse("org_summary", **PERIOD).context["page"].charts}
    chart = charts["People by department"]
    assert sorted(chart.labels) == ["Settlement & Newcom…", "Shelter"]
    assert f"{name} 1, before 1" in chart.summary
