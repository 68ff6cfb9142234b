"""The one writer by hand: each verb writes the row, exactly its audit entries and one version, or refuses whole."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from datetime import date
from threading import Event
from time import sleep

import pytest
from django.db import connection, transaction
from reversion.models import Version

from core import audit, records, versions
from core.errors import Conflict, Invalid, NotAllowed
from core.models import AuditEntry, Client, Department, Discharge, Enrollment, Program, Restriction, Role, Staff
from core.remarks import remarks

pytestmark = pytest.mark.django_db


def test_create_writes_row_entry_and_version(coordinator: Staff) -> None:
    before = AuditEntry.objects.count()
    client = records.create(
        Client, actor=coordinator, values={"first_name": "  Zoë ", "last_name": "Roy", "alias": " "}, reason="walk-in"
    )
    assert (client.first_name, client.alias) == ("Zoë", None)
    entry = AuditEntry.objects.latest("position")
    assert AuditEntry.objects.count() == before + 1
    assert (entry.action, entry.changed_by, entry.channel, entry.reason) == ("create", coordinator, "admin", "walk-in")
    assert Version.objects.get_for_object(client).get().revision.user == coordinator


def test_change_writes_only_what_differs(coordinator: Staff, amina: Client) -> None:
    changed = records.change(amina, actor=coordinator, values={"gender": "Woman", "phone_number": "416-555-0100"})
    assert changed == {"phone_number"}
    assert AuditEntry.objects.latest("position").diff_json == {
        "before": {"phone_number": None},
        "after": {"phone_number": "416-555-0100"},
    }


def test_changing_nothing_writes_nothing(coordinator: Staff, amina: Client) -> None:
    before = AuditEntry.objects.count()
    assert records.change(amina, actor=coordinator, values={"gender": " Woman "}) == frozenset()
    assert AuditEntry.objects.count() == before
    assert not Version.objects.get_for_object(amina).exists()


def test_what_a_person_edited_is_remembered(coordinator: Staff, amina: Client) -> None:
    records.change(amina, actor=coordinator, values={"phone_number": "416-555-0100"})
    amina.refresh_from_db()
    assert amina.edited_fields == ["phone_number"]


@pytest.mark.parametrize("role", ["manager", "leader", "analyst", "worker"])
def test_others_may_not_write(request: pytest.FixtureRequest, amina: Client, role: str) -> None:
    actor = request.getfixturevalue(role)
    before = AuditEntry.objects.count()
    with pytest.raises(NotAllowed):
        records.change(amina, actor=actor, values={"gender": "Man"})
    with pytest.raises(NotAllowed):
        records.create(Department, actor=actor, values={"name": "New"})
    assert AuditEntry.objects.count() == before


def test_invalid_values_name_their_field(coordinator: Staff, amina: Client, shelter: Program) -> None:
    values = {"client": amina, "program": shelter, "start_date": date(2026, 1, 2), "end_date": date(2026, 1, 1)}
    with pytest.raises(Invalid) as refusal:
        records.create(Enrollment, actor=coordinator, values=values)
    assert refusal.value.faults["end_date"] == ["The end date is before the start date."]


def test_an_overlap_is_a_sentence(coordinator: Staff, amina: Client, shelter: Program) -> None:
    values = {"client": amina, "program": shelter, "start_date": date(2026, 1, 2)}
    with pytest.raises(Invalid, match="in this program during those days already"):
        records.create(Enrollment, actor=coordinator, values=values)


def test_a_barred_client_is_enrolled_only_with_a_reason(coordinator: Staff, amina: Client, clinic: Program) -> None:
    with audit.acting(None, channel="command"):
        Restriction.objects.create(client=amina, scope="org", start_date=date(2026, 1, 1))
    values = {"client": amina, "program": clinic, "start_date": date(2026, 2, 1)}
    with pytest.raises(Invalid) as refusal:
        records.create(Enrollment, actor=coordinator, values=values)
    assert "until further notice" in refusal.value.faults["override_reason"][0]
    records.create(Enrollment, actor=coordinator, values={**values, "override_reason": "Only program with a nurse"})


@pytest.mark.parametrize(("end", "barred"), [(date(2026, 1, 31), False), (date(2026, 2, 1), True)])
def test_a_restriction_bars_through_its_last_day(
    coordinator: Staff, amina: Client, clinic: Program, end: date, barred: bool
) -> None:
    with audit.acting(None, channel="command"):
        Restriction.objects.create(
            client=amina, scope="program", program=clinic, start_date=date(2026, 1, 1), end_date=end
        )
    values = {"client": amina, "program": clinic, "start_date": date(2026, 2, 1)}
    with pytest.raises(Invalid, match="until further notice|through 2026") if barred else nullcontext():
        records.create(Enrollment, actor=coordinator, values=values)


@pytest.mark.parametrize("scope", ["org", "program"])
def test_who_is_barred_is_discharged_and_ended_without_more_ado(
    coordinator: Staff, amina: Client, shelter: Program, scope: str
) -> None:
    """Incident, restriction and discharge on one day: no day is added that a restriction bars."""
    with audit.acting(None, channel="command"):
        where = {"program": shelter} if scope == "program" else {}
        Restriction.objects.create(client=amina, scope=scope, start_date=date(2026, 2, 1), **where)
    enrollment = amina.enrollments.get()
    values = {"client": amina, "program": shelter, "discharge_date": date(2026, 3, 1)}
    records.create(Discharge, actor=coordinator, values=values)
    records.end(enrollment, actor=coordinator, on=date(2026, 2, 1))
    enrollment.refresh_from_db()
    assert enrollment.end_date == date(2026, 2, 1)


@pytest.mark.parametrize(
    ("values", "barred"),
    [
        ({"end_date": date(2026, 2, 20)}, True),  # longer, into the restriction
        ({"end_date": None}, True),
        ({"end_date": date(2026, 1, 20)}, False),  # longer, before it
        ({"start_date": date(2026, 1, 8)}, False),  # shorter
        ({"start_date": date(2025, 6, 1)}, True),  # longer, back into another
        ({"start_date": date(2026, 1, 1), "end_date": date(2026, 1, 5)}, False),
    ],
)
def test_a_stay_made_longer_needs_a_reason_only_for_days_that_are_barred(
    coordinator: Staff, amina: Client, clinic: Program, values: dict, barred: bool
) -> None:
    with audit.acting(None, channel="command"):
        stay = Enrollment.objects.create(
            client=amina, program=clinic, start_date=date(2026, 1, 5), end_date=date(2026, 1, 10)
        )
        Restriction.objects.create(client=amina, scope="org", start_date=date(2026, 2, 1))
        Restriction.objects.create(client=amina, scope="org", start_date=date(2025, 1, 1), end_date=date(2025, 12, 31))
    with pytest.raises(Invalid, match="reason for the override") if barred else nullcontext():
        records.change(stay, actor=coordinator, values=values)


def test_another_program_is_a_new_stay_to_a_restriction(coordinator: Staff, amina: Client, clinic: Program) -> None:
    with audit.acting(None, channel="command"):
        Restriction.objects.create(client=amina, scope="program", program=clinic, start_date=date(2026, 2, 1))
    with pytest.raises(Invalid, match="reason for the override"):
        records.change(amina.enrollments.get(), actor=coordinator, values={"program": clinic})


def test_a_discharge_ends_the_enrollment_it_falls_in(coordinator: Staff, amina: Client, shelter: Program) -> None:
    values = {"client": amina, "program": shelter, "discharge_date": date(2026, 3, 1), "reason": "Housed"}
    records.create(Discharge, actor=coordinator, values=values)
    assert Enrollment.objects.get().end_date == date(2026, 3, 1)


def test_remove_is_refused_where_others_hang_on_it(administrator: Staff, shelter: Program, amina: Client) -> None:
    with pytest.raises(NotAllowed):
        records.remove(shelter, actor=administrator)


def test_remove_takes_a_row_entered_by_mistake_and_logs_it(coordinator: Staff, amina: Client) -> None:
    records.remove(Enrollment.objects.get(), actor=coordinator, reason="wrong person")
    entry = AuditEntry.objects.latest("position")
    assert (entry.action, entry.reason, entry.diff_json["after"]) == ("delete", "wrong person", None)


def test_roles_are_given_by_an_administrator_and_never_to_oneself(
    administrator: Staff, coordinator: Staff, manager: Staff
) -> None:
    analyst = Role.objects.get(name="Analyst")
    assert records.set_roles(manager, actor=administrator, roles=[analyst])
    assert set(manager.roles.all()) == {analyst}
    with pytest.raises(NotAllowed):
        records.set_roles(manager, actor=coordinator, roles=[])
    with pytest.raises(Invalid, match="own roles"):
        records.set_roles(administrator, actor=administrator, roles=[])


def test_no_one_closes_their_own_account(administrator: Staff, manager: Staff) -> None:
    with pytest.raises(Invalid, match="their own account"):
        records.change(administrator, actor=administrator, values={"active": False})
    assert records.change(manager, actor=administrator, values={"active": False}) == {"active"}


def test_what_the_database_alone_refuses_is_a_sentence(coordinator: Staff, amina: Client) -> None:
    restriction = records.create(
        Restriction, actor=coordinator, values={"client": amina, "scope": "org", "start_date": date(2026, 1, 1)}
    )
    other = records.create(Client, actor=coordinator, values={"first_name": "Other"})
    with pytest.raises(Conflict, match="cannot be moved to another client"):
        records.change(restriction, actor=coordinator, values={"client": other})


@pytest.fixture
def again(amina: Client) -> Client:
    """A second record of Amina, linked to the first."""
    with audit.acting(None, channel="link"):
        return Client.objects.create(first_name="Aminah", last_name="Yusuf", linked_to=amina)


@pytest.mark.parametrize("barred", ["shown", "linked"])
@pytest.mark.parametrize("enrolled", ["shown", "linked", "other linked"])
def test_a_restriction_bars_the_person_by_whichever_record(
    coordinator: Staff, amina: Client, again: Client, clinic: Program, barred: str, enrolled: str
) -> None:
    with audit.acting(None, channel="link"):
        third = Client.objects.create(first_name="Amina-Rose", last_name="Yusuf", linked_to=amina)
    which = {"shown": amina, "linked": again, "other linked": third}
    records.create(
        Restriction, actor=coordinator, values={"client": which[barred], "scope": "org", "start_date": date(2026, 1, 1)}
    )
    values = {"client": which[enrolled], "program": clinic, "start_date": date(2026, 2, 1)}
    with pytest.raises(Invalid, match="reason for the override"):
        records.create(Enrollment, actor=coordinator, values=values)


@pytest.mark.parametrize("discharged", ["shown", "linked"])
def test_a_discharge_ends_the_stay_of_the_person_by_whichever_record(
    coordinator: Staff, amina: Client, again: Client, shelter: Program, clinic: Program, discharged: str
) -> None:
    with audit.acting(None, channel="command"):
        Enrollment.objects.create(client=again, program=clinic, start_date=date(2026, 1, 5))
    program, client = (clinic, amina) if discharged == "shown" else (shelter, again)
    discharge = records.create(
        Discharge,
        actor=coordinator,
        values={"client": client, "program": program, "discharge_date": date(2026, 3, 1)},
    )
    assert Enrollment.objects.get(program=program).end_date == date(2026, 3, 1)
    assert remarks(discharge) == []


@pytest.mark.django_db(transaction=True)
def test_whoever_enrolls_waits_for_whoever_bars(coordinator: Staff, amina: Client, clinic: Program) -> None:
    barred, asked = Event(), Event()

    def bar() -> None:
        try:
            with transaction.atomic():
                values = {"client": amina, "scope": "org", "start_date": date(2026, 1, 1)}
                records.create(Restriction, actor=coordinator, values=values)
                barred.set()
                asked.wait(20)
                sleep(0.3)  # by now the other one waits, or is through
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        doing = pool.submit(bar)
        assert barred.wait(20)
        asked.set()
        values = {"client": amina, "program": clinic, "start_date": date(2026, 2, 1)}
        with pytest.raises(Invalid, match="reason for the override"):
            records.create(Enrollment, actor=coordinator, values=values)
        doing.result(20)


def test_the_reason_for_an_override_is_neither_taken_away_nor_outlived(
    coordinator: Staff, amina: Client, clinic: Program
) -> None:
    with audit.acting(None, channel="command"):
        Restriction.objects.create(
            client=amina, scope="program", program=clinic, start_date=date(2026, 1, 1), end_date=date(2026, 3, 31)
        )
    values = {"client": amina, "program": clinic, "start_date": date(2026, 2, 1), "end_date": date(2026, 2, 20)}
    for nothing in ("", "⠀", "–"):
        with pytest.raises(Invalid, match="reason for the override"):
            records.create(Enrollment, actor=coordinator, values={**values, "override_reason": nothing})
    stay = records.create(Enrollment, actor=coordinator, values={**values, "override_reason": "court order"})
    with pytest.raises(Invalid, match="reason for the override"):
        records.change(stay, actor=coordinator, values={"override_reason": ""})
    records.change(stay, actor=coordinator, values={"end_date": date(2026, 3, 1)})  # the same restriction
    with audit.acting(None, channel="command"):
        Restriction.objects.create(client=amina, scope="org", start_date=date(2026, 4, 1))
    with pytest.raises(Invalid, match="anew"):
        records.change(stay, actor=coordinator, values={"end_date": None})
    anew = {"end_date": None, "override_reason": "court order of April"}
    assert records.change(stay, actor=coordinator, values=anew) == {"end_date", "override_reason"}


def test_a_reason_does_not_speak_of_a_restriction_that_came_after_it(
    coordinator: Staff, amina: Client, clinic: Program
) -> None:
    values = {"client": amina, "program": clinic, "start_date": date(2026, 1, 15)}
    stay = records.create(
        Enrollment, actor=coordinator, values={**values, "override_reason": "Her sister is here, too"}
    )
    with audit.acting(None, channel="command"):
        bar = Restriction.objects.create(client=amina, scope="program", program=clinic, start_date=date(2026, 11, 20))
    records.end(stay, actor=coordinator, on=date(2026, 11, 20))  # the first barred day, on which she was there
    with pytest.raises(Invalid, match="anew"):
        records.change(stay, actor=coordinator, values={"end_date": None})
    records.change(stay, actor=coordinator, values={"end_date": None, "override_reason": "In spite of November"})
    records.end(stay, actor=coordinator, on=date(2026, 11, 20))
    records.change(stay, actor=coordinator, values={"end_date": None})  # the reason knows this one
    records.end(stay, actor=coordinator, on=date(2026, 11, 20))
    records.change(bar, actor=coordinator, values={"scope": "org", "program": None})
    with pytest.raises(Invalid, match="anew"):
        records.change(stay, actor=coordinator, values={"end_date": None})


def test_a_stay_that_ends_on_the_last_day_there_is_can_be_opened(
    coordinator: Staff, amina: Client, clinic: Program
) -> None:
    values = {"client": amina, "program": clinic, "start_date": date(2026, 1, 1), "end_date": date.max}
    stay = records.create(Enrollment, actor=coordinator, values=values)
    assert records.change(stay, actor=coordinator, values={"end_date": None}) == {"end_date"}


def test_a_reason_that_comes_back_with_an_old_version_is_as_old_as_it_was(
    administrator: Staff, coordinator: Staff, amina: Client, clinic: Program
) -> None:
    values = {"client": amina, "program": clinic, "start_date": date(2026, 1, 15)}
    stay = records.create(Enrollment, actor=coordinator, values={**values, "override_reason": "Her sister is here"})
    records.change(stay, actor=coordinator, values={"end_date": date(2026, 5, 31), "override_reason": "Moved out"})
    with audit.acting(None, channel="command"):
        Restriction.objects.create(client=amina, scope="org", start_date=date(2026, 5, 1))
    stay.refresh_from_db()
    first = versions.versions_of(stay).last()
    with pytest.raises(Invalid, match="anew"):
        versions.restore(stay, first, actor=administrator, reason="She never left")
    anew = {"end_date": None, "override_reason": "Her sister is here, and the ban is about the yard"}
    assert records.change(stay, actor=coordinator, values=anew) == {"end_date", "override_reason"}
