"""The History tab: who, when, by which road, before and after, in words."""

from tests.admin_ext.conftest import client_form, url


def test_the_history_of_a_client_tells_its_rows_too(browse, coordinator, amina, clinic):
    browser = browse(coordinator)
    row = {
        "enrollments-TOTAL_FORMS": "1",
        "enrollments-0-program": str(clinic.pk),
        "enrollments-0-start_date": "2024-03-01",
    }
    browser.post(url("client_change", amina.pk), client_form(amina, gender="Man", **row))
    body = browser.get(url("client_history", amina.pk)).content.decode()
    for word in (str(coordinator), "Direct edit", "Gender", "Woman", "Man", "Clinic", "2024-03-01"):
        assert word in body
    assert str(clinic.pk) not in body


def test_the_history_of_another_record_is_its_own(browse, coordinator, shelter, amina):
    body = browse(coordinator).get(url("program_history", shelter.pk)).content.decode()
    assert "Hostel A" in body
    assert "Amina" not in body


def test_a_manager_reads_the_history(browse, manager, amina):
    assert browse(manager).get(url("client_history", amina.pk)).status_code == 200
