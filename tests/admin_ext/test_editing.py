"""Coordinators edit directly: one act, one entry per row, and a refusal is shown where it belongs."""

from datetime import date

import pytest
from django.contrib.admin.models import LogEntry

from core import audit
from core.models import Client, ClientIdentifier, Enrollment, Restriction
from tests.admin_ext.conftest import INLINES, client_form, empty_formsets, url


def _errors(response: object) -> str:
    forms = [response.context["adminform"].form]
    forms += [form for inline in response.context["inline_admin_formsets"] for form in inline.formset.forms]
    return " ".join(str(form.errors) for form in forms)


def test_an_edit_writes_one_entry_by_the_road_admin(browse, coordinator, amina, entries):
    entries()
    response = browse(coordinator).post(url("client_change", amina.pk), client_form(amina, gender="Man"))
    assert response.status_code == 302
    (entry,) = entries()
    assert (entry.entity, entry.entity_id, entry.action, entry.channel) == ("clients", amina.pk, "update", "admin")
    assert entry.changed_by == coordinator
    assert entry.diff_json == {"before": {"gender": "Woman"}, "after": {"gender": "Man"}}
    assert not LogEntry.objects.exists()


def test_saving_without_a_difference_writes_nothing_and_says_so(browse, coordinator, amina, entries):
    entries()
    response = browse(coordinator).post(url("client_change", amina.pk), client_form(amina), follow=True)
    assert entries() == []
    assert "Nothing differed" in response.content.decode()


def test_a_new_client_is_created_with_its_address(browse, coordinator, entries):
    entries()
    data = {
        "first_name": "Noor",
        "last_name": "Haddad",
        "dob": "1988-02-03",
        "address_city": "Toronto",
        "languages_spoken": ["French", "Arabic"],
    }
    response = browse(coordinator).post(url("client_add"), data)
    assert response.status_code == 302, response.content
    client = Client.objects.get(last_name="Haddad")
    assert client.address == {"city": "Toronto"}
    assert set(client.languages_spoken) == {"French", "Arabic"}
    assert [entry.action for entry in entries()] == ["create"]


def test_a_part_of_the_address_changes_and_what_a_source_added_stays(browse, coordinator, amina):
    with audit.acting(None, channel="command"):
        Client.objects.filter(pk=amina.pk).update(address={"street": "1 King St", "buzzer": "12"})
    data = client_form(amina, address_street="2 King St", address_city="Toronto")
    browse(coordinator).post(url("client_change", amina.pk), data)
    amina.refresh_from_db()
    assert amina.address == {"street": "2 King St", "city": "Toronto", "buzzer": "12"}


def test_a_value_outside_the_vocabulary_stays_until_someone_changes_it(browse, coordinator, amina, entries):
    with audit.acting(None, channel="command"):
        Client.objects.filter(pk=amina.pk).update(gender="Femme")
    amina.refresh_from_db()
    entries()
    browse(coordinator).post(url("client_change", amina.pk), client_form(amina, alias="Mina"))
    amina.refresh_from_db()
    assert (amina.gender, amina.alias) == ("Femme", "Mina")
    response = browse(coordinator).post(url("client_change", amina.pk), client_form(amina, gender="Forged"))
    assert response.status_code == 200
    amina.refresh_from_db()
    assert amina.gender == "Femme"


def test_a_client_without_a_name_is_refused_on_the_form(browse, coordinator, entries):
    entries()
    response = browse(coordinator).post(url("client_add"), {"first_name": " ", "last_name": ""})
    assert response.status_code == 200
    assert "needs a first or a last name" in _errors(response)
    assert entries() == []


def test_an_inline_row_is_written_with_the_record_in_one_act(browse, coordinator, amina, clinic, entries):
    entries()
    row = {
        "enrollments-TOTAL_FORMS": "1",
        "enrollments-0-program": str(clinic.pk),
        "enrollments-0-start_date": "2024-03-01",
    }
    response = browse(coordinator).post(url("client_change", amina.pk), client_form(amina, alias="Mina", **row))
    assert response.status_code == 302, _errors(response)
    assert [(entry.entity, entry.action, entry.channel) for entry in entries()] == [
        ("clients", "update", "admin"),
        ("client_program_enrollments", "create", "admin"),
    ]


def test_an_existing_inline_row_is_ended_and_keeps_its_program(browse, coordinator, amina, clinic, shelter):
    enrollment = Enrollment.objects.get()
    row = {
        "enrollments-TOTAL_FORMS": "1",
        "enrollments-INITIAL_FORMS": "1",
        "enrollments-0-enrollment_id": str(enrollment.pk),
        "enrollments-0-client": str(amina.pk),
        "enrollments-0-program": str(clinic.pk),
        "enrollments-0-start_date": "2024-01-01",
        "enrollments-0-end_date": "2024-06-30",
    }
    response = browse(coordinator).post(url("client_change", amina.pk), client_form(amina, **row))
    assert response.status_code == 302, _errors(response)
    enrollment.refresh_from_db()
    assert (enrollment.program, enrollment.end_date) == (shelter, date(2024, 6, 30))


def test_an_overlapping_enrollment_is_an_error_on_the_form_and_saves_nothing(
    browse, coordinator, amina, shelter, entries
):
    entries()
    data = {"client": str(amina.pk), "program": str(shelter.pk), "start_date": "2024-05-01"}
    response = browse(coordinator).post(url("enrollment_add"), data)
    assert response.status_code == 200
    assert "is in this program during those days already" in _errors(response)
    assert Enrollment.objects.count() == 1
    assert entries() == []


def test_a_refused_inline_row_leaves_the_record_unsaved(browse, coordinator, amina, shelter, entries):
    entries()
    row = {
        "enrollments-TOTAL_FORMS": "1",
        "enrollments-0-program": str(shelter.pk),
        "enrollments-0-start_date": "2024-03-01",
    }
    response = browse(coordinator).post(url("client_change", amina.pk), client_form(amina, alias="Mina", **row))
    assert response.status_code == 200
    assert "during those days already" in _errors(response)
    amina.refresh_from_db()
    assert amina.alias is None
    assert entries() == []


def test_the_end_before_the_start_is_a_field_error(browse, coordinator, amina, clinic):
    data = {"client": str(amina.pk), "program": str(clinic.pk), "start_date": "2024-05-01", "end_date": "2024-04-01"}
    response = browse(coordinator).post(url("enrollment_add"), data)
    assert response.context["adminform"].form.errors["end_date"] == ["The end date is before the start date."]


def test_enrolling_a_barred_client_asks_for_the_reason_and_takes_it(browse, coordinator, amina, clinic, entries):
    with audit.acting(None, channel="command"):
        Restriction.objects.create(client=amina, scope="org", start_date=date(2024, 1, 1))
    entries()
    browser = browse(coordinator)
    data = {"client": str(amina.pk), "program": str(clinic.pk), "start_date": "2024-05-01"}
    response = browser.post(url("enrollment_add"), data)
    assert response.status_code == 200
    assert "reason for the override" in str(response.context["adminform"].form.errors["override_reason"])
    assert entries() == []
    assert browser.post(url("enrollment_add"), {**data, "override_reason": "Winter"}).status_code == 302
    assert Enrollment.objects.get(program=clinic).override_reason == "Winter"


def test_a_barred_client_in_the_tab_is_refused_in_its_row(browse, coordinator, amina, clinic, entries):
    with audit.acting(None, channel="command"):
        Restriction.objects.create(client=amina, scope="program", program=clinic, start_date=date(2024, 1, 1))
    entries()
    row = {
        "enrollments-TOTAL_FORMS": "1",
        "enrollments-0-program": str(clinic.pk),
        "enrollments-0-start_date": "2024-03-01",
    }
    response = browse(coordinator).post(url("client_change", amina.pk), client_form(amina, alias="Mina", **row))
    assert response.status_code == 200
    formset = response.context["inline_admin_formsets"][0].formset
    assert "override_reason" in formset.forms[0].errors
    assert entries() == []


def test_a_record_that_moved_meanwhile_is_not_overwritten(browse, coordinator, administrator, amina, entries):
    browser = browse(coordinator)
    seen = browser.get(url("client_change", amina.pk)).context["seen"]
    stale = client_form(amina, alias="Mina", _seen=seen)
    with audit.acting(administrator, channel="admin"):
        Client.objects.filter(pk=amina.pk).update(phone_number="416 555 0100")
        Client.objects.filter(pk=amina.pk).update(updated_at="2030-01-01T00:00Z")
    response = browser.post(url("client_change", amina.pk), stale)
    assert response.status_code == 200
    assert "phone number" in _errors(response)
    assert "Administrator" in _errors(response)
    amina.refresh_from_db()
    assert (amina.alias, amina.phone_number) == (None, "416 555 0100")


def test_what_is_odd_is_said_once_it_is_saved(browse, coordinator, amina):
    page = browse(coordinator).post(url("client_change", amina.pk), client_form(amina, email="notamail"), follow=True)
    assert "“notamail” does not look like one" in page.content.decode()
    amina.refresh_from_db()
    assert amina.email == "notamail"


def test_only_what_was_changed_while_the_page_was_open_is_told(browse, coordinator, administrator, amina):
    """An entry of the log is later than the change it tells of: by time alone the one before would count, too."""
    with audit.acting(None, channel="import"):
        Client.objects.filter(pk=amina.pk).update(email="amina@example.org")
    browser = browse(coordinator)
    _, _, entry = browser.get(url("client_change", amina.pk)).context["seen"].partition(" ")
    seen = f"2024-01-01T00:00:00+00:00 {entry}"
    with audit.acting(administrator, channel="admin"):
        Client.objects.filter(pk=amina.pk).update(phone_number="416 555 0100")
    said = _errors(browser.post(url("client_change", amina.pk), client_form(amina, alias="Mina", _seen=seen)))
    assert f"{administrator} changed: phone number" in said
    assert "email" not in said
    assert "daily file" not in said


def test_a_restriction_of_the_whole_organization_drops_the_hidden_program(browse, coordinator, amina, shelter):
    data = {"client": str(amina.pk), "scope": "org", "program": str(shelter.pk), "start_date": "2026-01-01"}
    response = browse(coordinator).post(url("restriction_add"), data)
    assert response.status_code == 302, _errors(response)
    assert Restriction.objects.get().program is None


def test_a_restriction_of_a_program_names_it(browse, coordinator, amina):
    data = {"client": str(amina.pk), "scope": "program", "start_date": "2026-01-01"}
    response = browse(coordinator).post(url("restriction_add"), data)
    assert response.status_code == 200
    assert response.context["adminform"].form.errors == {"program": ["Choose the program."]}


def test_a_restriction_is_ended_by_post_alone(browse, coordinator, amina, entries):
    with audit.acting(None, channel="command"):
        bar = Restriction.objects.create(client=amina, scope="org", start_date=date(2024, 1, 1))
    entries()
    browser = browse(coordinator)
    browser.get(url("restriction_end", bar.pk), {"end_date": "2026-01-01"})
    assert entries() == []
    browser.post(url("restriction_end", bar.pk), {"end_date": "2026-01-01", "reason": "Agreed"})
    (entry,) = entries()
    assert (entry.entity, entry.channel, entry.reason) == ("service_restrictions", "admin", "Agreed")
    bar.refresh_from_db()
    assert bar.end_date == date(2026, 1, 1)


def test_ending_before_the_start_is_said_on_the_form(browse, coordinator, amina):
    enrollment = Enrollment.objects.get()
    response = browse(coordinator).post(url("enrollment_end", enrollment.pk), {"end_date": "2020-01-01"})
    assert response.status_code == 200
    assert "before the start date" in response.content.decode()


def test_a_mistaken_enrollment_is_deleted_and_logged_once(browse, coordinator, amina, entries):
    enrollment = Enrollment.objects.get()
    entries()
    response = browse(coordinator).post(url("enrollment_delete", enrollment.pk), {"post": "yes", "reason": "Typo"})
    assert response.status_code == 302
    (entry,) = entries()
    assert (entry.action, entry.channel) == ("delete", "admin")


@pytest.mark.parametrize("name", ["client", "program", "department", "restriction", "staff"])
def test_what_is_closed_or_ended_has_no_delete(browse, administrator, amina, shelter, name):
    with audit.acting(None, channel="command"):
        bar = Restriction.objects.create(client=amina, scope="org", start_date=date(2024, 1, 1))
    record = {
        "client": amina,
        "program": shelter,
        "department": shelter.department,
        "restriction": bar,
        "staff": administrator,
    }[name]
    assert browse(administrator).post(url(f"{name}_delete", record.pk), {"post": "yes"}).status_code == 403
    assert type(record).objects.filter(pk=record.pk).exists()


def test_an_identifier_is_added_and_removed_in_its_tab(browse, coordinator, amina, entries):
    browser = browse(coordinator)
    row = {"identifiers-TOTAL_FORMS": "1", "identifiers-0-source_system": "SMIS", "identifiers-0-uid_external": "77"}
    browser.post(url("client_change", amina.pk), client_form(amina, **row))
    identifier = ClientIdentifier.objects.get()
    row |= {
        "identifiers-INITIAL_FORMS": "1",
        "identifiers-0-identifier_id": str(identifier.pk),
        "identifiers-0-client": str(amina.pk),
        "identifiers-0-DELETE": "on",
    }
    browser.post(url("client_change", amina.pk), client_form(amina, **row))
    assert not ClientIdentifier.objects.exists()


def test_no_bulk_delete_is_offered(browse, administrator, amina):
    data = {"action": "delete_selected", "_selected_action": [str(amina.pk)], "index": "0", "post": "yes"}
    response = browse(administrator).post(url("enrollment_changelist"), data)
    assert response.status_code in (200, 302)
    assert Enrollment.objects.exists()


def test_program_staff_several_managers(browse, coordinator, shelter, worker, manager, leader):
    prefix = "program_staff"
    link = shelter.program_staff.get()
    data = {
        "name": shelter.name,
        "department": str(shelter.department_id),
        "capacity_current": "10",
        **empty_formsets(prefix, "enrollments", "capacities"),
        f"{prefix}-TOTAL_FORMS": "3",
        f"{prefix}-INITIAL_FORMS": "1",
        f"{prefix}-0-program_staff_id": str(link.pk),
        f"{prefix}-0-program": str(shelter.pk),
        f"{prefix}-0-is_manager": "",
        f"{prefix}-1-staff": str(manager.pk),
        f"{prefix}-1-is_manager": "on",
        f"{prefix}-2-staff": str(leader.pk),
        f"{prefix}-2-is_manager": "on",
    }
    response = browse(coordinator).post(url("program_change", shelter.pk), data)
    assert response.status_code == 302, _errors(response)
    assert shelter.program_staff.filter(is_manager=True).count() == 2
    assert shelter.program_staff.filter(staff=worker).exists()


def test_the_tabs_of_a_client_are_there(browse, coordinator, amina):
    response = browse(coordinator).get(url("client_change", amina.pk))
    prefixes = [inline.formset.prefix for inline in response.context["inline_admin_formsets"]]
    assert prefixes == [*INLINES, "assignments"]
    assert "Demographics" in response.content.decode()
