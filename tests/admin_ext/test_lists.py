"""Lists: a constant number of queries, the search, the sidebar, what a row says."""

from datetime import date, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

import reporting
from admin_ext import lists, words
from admin_ext.lists import CappedPaginator
from core import audit
from core.choices import LEADER, STAFF
from core.models import (
    Client,
    ClientIdentifier,
    Department,
    Discharge,
    Enrollment,
    ImportBatch,
    Intake,
    Program,
    ProgramStaff,
    Restriction,
)
from tests.admin_ext.conftest import url


def _people(number: int, program: Program) -> None:
    offset = Client.objects.count()
    with audit.acting(None, channel="command"):
        for i in range(offset, offset + number):
            department = Department.objects.create(name=f"Department {i}")
            place = Program.objects.create(name=f"Program {i}", department=department, capacity_current=5)
            client = Client.objects.create(first_name=f"First{i}", last_name=f"Last{i}", dob=date(1990, 1, 1))
            Client.objects.create(first_name=f"First{i}", last_name=f"Twin{i}", linked_to=client)
            Enrollment.objects.create(client=client, program=place, start_date=date(2024, 1, 1))
            Intake.objects.create(client=client, program=place, intake_date=date(2024, 1, 1))
            Discharge.objects.create(client=client, program=program, discharge_date=date(2024, 1, 1))
            Restriction.objects.create(client=client, scope="program", program=place, start_date=date(2024, 1, 1))


def _queries(browser: object, page: str) -> int:
    with CaptureQueriesContext(connection) as captured:
        assert browser.get(page).status_code == 200
    return len(captured)


@pytest.mark.parametrize(
    "name", ["client", "program", "department", "enrollment", "restriction", "intake", "discharge", "staff"]
)
def test_the_number_of_queries_does_not_grow_with_the_rows(browse, administrator, shelter, name):
    browser = browse(administrator)
    page = url(f"{name}_changelist")
    _people(10, shelter)
    browser.get(page)
    few = _queries(browser, page)
    _people(50, shelter)
    assert _queries(browser, page) == few
    assert few < 20


def test_the_client_page_does_not_grow_with_its_history(browse, coordinator, amina, shelter, clinic):
    browser = browse(coordinator)
    page = url("client_change", amina.pk)
    browser.get(page)

    def add(number: int, first: date) -> None:
        with audit.acting(None, channel="command"):
            for i in range(number):
                day = first + timedelta(days=2 * i)
                Enrollment.objects.create(client=amina, program=clinic, start_date=day, end_date=day)
                Intake.objects.create(client=amina, program=clinic, intake_date=day)

    add(2, date(2020, 1, 1))
    few = _queries(browser, page)
    add(15, date(2021, 1, 1))
    assert _queries(browser, page) == few


def test_a_long_history_is_paged(browse, coordinator, amina, clinic):
    with audit.acting(None, channel="command"):
        for i in range(45):
            day = date(2015, 1, 1) + timedelta(days=i)
            Enrollment.objects.create(client=amina, program=clinic, start_date=day, end_date=day)
    response = browse(coordinator).get(url("client_change", amina.pk), {"enrollments-page": "2"})
    formset = response.context["inline_admin_formsets"][0].formset
    assert len(formset.forms) == 20
    assert formset.page.number == 2


@pytest.mark.parametrize(
    "search",
    ["amina", "AMÍNA yus", "yusuf amina", "1990-04-02", "S-104", "(416) 555-0199", "4165550199", "0199", "Mina"],
)
def test_a_client_is_found_by(browse, coordinator, amina, search):
    with audit.acting(None, channel="command"):
        Client.objects.filter(pk=amina.pk).update(phone_number="+1 416-555-0199", preferred_name="Mína")
        ClientIdentifier.objects.create(client=amina, source_system="SMIS", uid_external="S-104")
        Client.objects.create(first_name="Someone", last_name="Else", dob=date(1991, 4, 2))
    response = browse(coordinator).get(url("client_changelist"), {"q": search})
    assert [client.pk for client in response.context["cl"].result_list] == [amina.pk], search


@pytest.mark.parametrize("search", ["amina nobody", "S-10", "%", "_", "\\", "1990-04-03", "555"])
def test_a_client_is_not_found_by(browse, coordinator, amina, search):
    with audit.acting(None, channel="command"):
        ClientIdentifier.objects.create(client=amina, source_system="SMIS", uid_external="S-104")
        Client.objects.filter(pk=amina.pk).update(phone_number="416-555-0199")
    response = browse(coordinator).get(url("client_changelist"), {"q": search})
    assert response.status_code == 200
    assert response.context["cl"].result_count == 0


def test_a_linked_record_is_found_as_the_person_it_stands_for(browse, coordinator, amina, clinic):
    with audit.acting(None, channel="command"):
        twin = Client.objects.create(first_name="Aminah", last_name="Youssouf", linked_to=amina)
        ClientIdentifier.objects.create(client=twin, source_system="FFAI", uid_external="F-9")
        Enrollment.objects.create(client=twin, program=clinic, start_date=date(2024, 1, 1))
    browser = browse(coordinator)
    for search in ("youssouf", "F-9"):
        response = browser.get(url("client_changelist"), {"q": search})
        assert [client.pk for client in response.context["cl"].result_list] == [amina.pk]
    listed = browser.get(url("client_changelist")).content.decode()
    assert "Youssouf" not in listed
    assert "Clinic" in listed
    assert str(amina.pk) in browser.get(url("client_change", twin.pk)).content.decode()


def test_an_active_restriction_is_in_the_list_and_on_the_page(browse, worker, amina, shelter):
    today = timezone.localdate()
    with audit.acting(None, channel="command"):
        Restriction.objects.create(client=amina, scope="org", start_date=today, end_date=today, reason="Weapon")
    browser = browse(worker)
    assert "whole organization" in browser.get(url("client_changelist")).content.decode()
    page = browser.get(url("client_change", amina.pk)).content.decode()
    assert "Restricted: whole organization" in page
    assert "Weapon" in page


def test_the_page_of_a_linked_record_tells_the_bars_and_programs_of_the_person(
    browse, coordinator, other_worker, amina, shelter, clinic
):
    with audit.acting(None, channel="link"):
        twin = Client.objects.create(first_name="Aminah", linked_to=amina)
        Enrollment.objects.create(client=twin, program=clinic, start_date=date(2024, 1, 1))
        Restriction.objects.create(client=amina, scope="org", start_date=timezone.localdate(), reason="Weapon")
    for viewer in (coordinator, other_worker):  # the second sees the person by the linked record
        page = browse(viewer).get(url("client_change", twin.pk)).content.decode()
        assert "Restricted: whole organization" in page
    assert f"{shelter.name} since" in browse(coordinator).get(url("client_change", twin.pk)).content.decode()


def test_expired_and_upcoming_restrictions_are_not_alarms(browse, coordinator, amina):
    today = timezone.localdate()
    with audit.acting(None, channel="command"):
        Restriction.objects.create(
            client=amina, scope="org", start_date=date(2012, 1, 1), end_date=today - timedelta(days=1)
        )
        Restriction.objects.create(client=amina, scope="org", start_date=today + timedelta(days=1))
    browser = browse(coordinator)
    assert "Restricted:" not in browser.get(url("client_change", amina.pk)).content.decode()
    for state in ("active", "upcoming", "expired"):
        response = browser.get(url("restriction_changelist"), {"state": state})
        assert response.context["cl"].result_count == (0 if state == "active" else 1)


def test_a_program_says_how_much_it_is_over(browse, coordinator, amina, shelter):
    with audit.acting(None, channel="command"):
        Program.objects.filter(pk=shelter.pk).update(capacity_current=0)
    assert "over by 1" in browse(coordinator).get(url("program_changelist")).content.decode()


def test_a_linked_person_takes_one_place(browse, coordinator, amina, shelter):
    with audit.acting(None, channel="command"):
        twin = Client.objects.create(first_name="Amina", last_name="Y", linked_to=amina)
        Enrollment.objects.create(client=twin, program=shelter, start_date=date(2024, 1, 1))
    response = browse(coordinator).get(url("program_changelist"))
    assert [program.occupied for program in response.context["cl"].result_list] == [1]


def test_the_list_and_the_vacancy_report_say_the_same(browse, coordinator, amina, shelter, clinic):
    later = timezone.localdate() + timedelta(days=30)
    with audit.acting(None, channel="command"):
        Program.objects.filter(pk=shelter.pk).update(capacity_current=99, capacity_effective_date=later)
    listed = browse(coordinator).get(url("program_changelist")).context["cl"].result_list
    report = reporting.get("vacancy")
    told = report.rows(coordinator, {"as_of": timezone.localdate(), "department": None})
    assert {(p.name, p.places, p.occupied, p.vacant) for p in listed} == {row[1:2] + row[3:6] for row in told}
    assert (10, 1) in {(p.places, p.occupied) for p in listed}


def test_the_count_stops_at_the_limit(db, monkeypatch, shelter):
    monkeypatch.setattr("admin_ext.lists.COUNT_LIMIT", 3)
    with audit.acting(None, channel="command"):
        for i in range(5):
            Client.objects.create(first_name="A", last_name=str(i))
    assert CappedPaginator(Client.objects.all(), 2).count_label == "3+"
    assert CappedPaginator(Client.objects.filter(last_name="1"), 2).count_label == "1"


@pytest.mark.parametrize(
    ("role", "titles"),
    [
        ("administrator", ["Clients", "Programs", "Departments", "Enrollments", "Restrictions", "Staff"]),
        ("coordinator", ["Clients", "Programs", "Departments", "Enrollments", "Restrictions"]),
        ("manager", ["Clients", "Programs", "Departments", "Enrollments", "Restrictions"]),
        ("leader", ["Clients", "Programs", "Departments", "Enrollments", "Restrictions"]),
        ("worker", ["Clients", "Programs", "Enrollments", "Restrictions"]),
        ("analyst", ["Clients", "Programs", "Departments", "Enrollments", "Restrictions"]),
    ],
)
def test_the_sidebar_shows_what_the_role_may_see(request, browse, role, titles):
    response = browse(request.getfixturevalue(role)).get("/admin/")
    shown = [item["title"] for group in response.context["sidebar_navigation"] for item in group["items"]]
    known = ("Clients", "Programs", "Departments", "Enrollments", "Restrictions", "Staff")
    assert [title.split(" ")[0] for title in shown if title.split(" ")[0] in known] == titles
    if role == "worker":
        assert len(shown) == 4


@pytest.mark.parametrize("role", ["administrator", "coordinator", "manager", "leader", "worker", "analyst"])
def test_the_first_page_opens_for_every_role(request, browse, amina, role):
    response = browse(request.getfixturevalue(role)).get("/admin/")
    assert response.status_code == 200
    assert ("Daily files" in response.content.decode()) == (role in ("administrator", "coordinator"))


def test_the_first_page_shows_the_last_file_that_came_in_of_each_source(browse, coordinator):
    with audit.acting(None, channel="command"):
        files = {
            status: ImportBatch.objects.create(
                source_system="SMIS", file_name=f"{status}.csv", sha256=str(number) * 64, size=1, status=status
            )
            for number, status in enumerate(("undone", "applied", "refused", "previewed", "interrupted"))
        }
    shown = browse(coordinator).get("/admin/").context["files"]
    assert [file["batch"] for file in shown] == [files["applied"]]


def test_places_taken_beyond_what_there_are_are_told(browse, coordinator, shelter, amina):
    with audit.acting(None, channel="command"):
        shelter.capacities.update(capacity=0)
        Program.objects.create(name="Hostel B", department=shelter.department, capacity_current=5)
    cards = {card["title"]: card for card in browse(coordinator).get("/admin/").context["cards"]}
    assert cards["Vacant places"]["number"] == "5"
    assert cards["Vacant places"]["note"] == "1 of 5 places occupied, 1 over capacity"


@pytest.mark.parametrize(
    ("role", "link"), [("coordinator", "/admin/reports/vacancy/"), ("worker", "/admin/core/program/")]
)
def test_what_the_first_page_has_no_room_for_is_told_and_a_link_away(request, browse, shelter, role, link):
    staff = request.getfixturevalue(role)
    soon = timezone.localdate() + timedelta(days=3)
    with audit.acting(None, channel="command"):
        for number in range(10):
            client = Client.objects.create(first_name="Barred", last_name=str(number))
            program = Program.objects.create(name=f"Full {number}", department=shelter.department, capacity_current=1)
            ProgramStaff.objects.create(program=program, staff=staff)
            Enrollment.objects.create(client=client, program=program, start_date=date(2024, 1, 1))
            Restriction.objects.create(client=client, scope="org", start_date=date(2024, 1, 1), end_date=soon)
    browser = browse(staff)
    response = browser.get("/admin/")
    page = response.content.decode()
    assert (len(response.context["full"]), len(response.context["ending"])) == (8, 8)
    assert f'<a href="{link}">2 more</a>' in page
    restrictions = f"{url('restriction_changelist')}?state=active&o=3"
    assert f'<a href="{restrictions.replace("&", "&amp;")}">2 more</a>' in page
    assert browser.get(restrictions).context["cl"].queryset.query.order_by[0] == "end_date"


def test_what_the_first_page_has_room_for_says_nothing_of_more(browse, coordinator, shelter):
    with audit.acting(None, channel="command"):
        for number in range(8):
            Program.objects.create(name=f"Full {number}", department=shelter.department, capacity_current=0)
    response = browse(coordinator).get("/admin/")
    assert len(response.context["full"]) == 8
    assert " more</a>" not in response.content.decode()


@pytest.mark.parametrize(
    ("role", "note"),
    [("coordinator", "different people, all programs"), ("worker", "different people, of those you see")],
)
def test_the_first_page_says_whom_it_counts(request, browse, amina, role, note):
    cards = {card["title"]: card for card in browse(request.getfixturevalue(role)).get("/admin/").context["cards"]}
    assert cards["Clients active today"]["note"] == note


@pytest.mark.parametrize(
    ("role", "sentence"), [(LEADER, "There are no programs yet."), (STAFF, "You are in no program yet.")]
)
def test_where_there_is_no_program_none_is_said_to_have_room(browse, person, role, sentence):
    page = browse(person(role)).get("/admin/").content.decode()
    assert sentence in page
    assert "has room" not in page


def test_programs_without_a_number_of_places_are_not_said_to_have_room(browse, coordinator, shelter):
    page = browse(coordinator).get("/admin/").content.decode()
    assert "Every program has room." in page
    with audit.acting(None, channel="command"):
        shelter.capacities.update(capacity=None)
    page = browse(coordinator).get("/admin/").content.decode()
    assert "No running program has a fixed number of places." in page


@pytest.mark.parametrize(
    ("capacity", "occupied", "sentence"), [(None, 3, ""), (10, 7, "3"), (10, 10, "full"), (10, 13, "over by 3")]
)
def test_vacancy_in_words(capacity, occupied, sentence):
    assert words.vacancy(capacity, occupied) == sentence


@pytest.mark.parametrize("places", [10, None])
def test_a_closed_and_empty_program_is_closed_not_full(browse, coordinator, shelter, places):
    with audit.acting(None, channel="command"):
        shelter.capacities.update(capacity=places)
        Program.objects.filter(pk=shelter.pk).update(closed_on=date(2025, 6, 30))
    browser = browse(coordinator)
    assert browser.get(url("program_change", shelter.pk)).context["today"]["vacant"] == "closed"
    page = browser.get(url("program_changelist")).content.decode()
    assert "ccd-chip ccd-orange" not in page


def test_a_closed_program_with_someone_inside_is_over_its_places(browse, coordinator, amina, shelter):
    with audit.acting(None, channel="command"):
        Program.objects.filter(pk=shelter.pk).update(closed_on=date(2025, 6, 30))
    assert browse(coordinator).get(url("program_change", shelter.pk)).context["today"]["vacant"] == "over by 1"


@pytest.mark.parametrize(
    ("dob", "day", "years"),
    [
        (date(2000, 2, 29), date(2026, 2, 28), 25),
        (date(2000, 2, 29), date(2026, 3, 1), 26),
        (date(2000, 5, 5), date(2026, 5, 5), 26),
    ],
)
def test_age_is_full_years(dob, day, years):
    assert words.age_on(dob, day) == years


@pytest.mark.parametrize("page", [1, 2])
def test_the_first_pages_of_a_long_list_are_the_same_however_they_are_read(browse, worker, shelter, monkeypatch, page):
    """Read in order where the list is long beside the page, else looked up and sorted."""
    with audit.acting(None, channel="command"):
        for number in range(120):
            client = Client.objects.create(first_name=f"C{number * 37 % 120:03}", last_name="Same")
            Enrollment.objects.create(client=client, program=shelter, start_date=date(2024, 1, 1))
    pages = []
    for times in (10_000, 0):
        monkeypatch.setattr(lists, "READ_IN_ORDER", times)
        for model in ("client", "enrollment"):
            pages.append(
                [
                    row.pk
                    for row in browse(worker).get(url(f"{model}_changelist"), {"p": page}).context["cl"].result_list
                ]
            )
    assert pages[:2] == pages[2:]
    assert [len(found) for found in pages] == [50] * 4


def test_the_clients_of_the_first_page_are_those_behind_its_number(browse, coordinator, amina, shelter, clinic):
    with audit.acting(None, channel="command"):
        elsewhere = Client.objects.create(first_name="Else", last_name="Where", linked_to=amina)
        Enrollment.objects.create(client=elsewhere, program=clinic, start_date=date(2024, 1, 1))
        gone = Client.objects.create(first_name="Gone", last_name="Long")
        Enrollment.objects.create(client=gone, program=clinic, start_date=date(2024, 1, 1), end_date=date(2024, 2, 1))
    browser = browse(coordinator)
    card = next(c for c in browser.get("/admin/").context["cards"] if c["title"] == "Clients active today")
    found = browser.get(card["url"]).context["cl"]
    assert card["number"] == str(found.result_count) == "1"
    assert [client.pk for client in found.result_list] == [amina.pk]


def test_a_closed_program_is_offered_with_its_last_day(browse, coordinator, shelter, clinic):
    with audit.acting(None, channel="command"):
        Program.objects.filter(pk=clinic.pk).update(closed_on=date(2025, 3, 31))
        Program.objects.filter(pk=shelter.pk).update(closed_on=timezone.localdate() + timedelta(days=1))
    form = browse(coordinator).get(url("enrollment_add")).context["adminform"].form
    offered = [str(label) for _, label in form.fields["program"].choices]
    assert "Clinic · Health · closed 2025-03-31" in offered
    assert f"{shelter.name} · {shelter.department}" in offered
    assert "Clinic · Health · closed 2025-03-31" in browse(coordinator).get(url("client_changelist")).content.decode()


@pytest.mark.parametrize(("role", "adds"), [("coordinator", True), ("analyst", False)])
@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("", "Nothing here yet."),
        ("?o=1&q=&gender=", "Nothing here yet."),
        ("?q=Nobody", "Nothing matches."),
        ("?gender=Woman", "Nothing matches."),
    ],
)
def test_an_empty_list_says_why_and_offers_what_one_may_do(request, browse, role, adds, query, sentence):
    page = browse(request.getfixturevalue(role)).get(url("client_changelist") + query).content.decode()
    said = page[page.index('class="ccd-empty"') :]
    assert f"<h2>{sentence}</h2>" in said
    assert ("Reset filters" in said) == (sentence == "Nothing matches.")
    assert ("Add client" in said) == adds


def test_an_inbox_in_which_nothing_waits_says_so(browse, coordinator):
    browser = browse(coordinator)
    assert "<h2>Nothing is waiting.</h2>" in browser.get(url("pendingchange_changelist")).content.decode()
    assert "<h2>Nothing matches.</h2>" in browser.get(url("pendingchange_changelist") + "?status=all").content.decode()
