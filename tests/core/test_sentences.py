"""The log in words: who, what, by which road, before and after; and nothing the reader may not see."""

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test.utils import CaptureQueriesContext

from core import approvals, audit
from core.approvals import Draft
from core.audit.phrases import PHRASES
from core.audit.sentences import Reading, read
from core.audit.words import in_words
from core.models import (
    AuditEntry,
    Client,
    ClientAssignment,
    ClientIdentifier,
    ClientLink,
    Enrollment,
    ImportBatch,
    PendingChange,
    Program,
    ProgramStaff,
    Restriction,
    Role,
    Staff,
    StaffRole,
)

pytestmark = pytest.mark.django_db


def last(viewer: Staff) -> Reading:
    [reading] = read(AuditEntry.objects.order_by("-position")[:1], viewer=viewer)
    return reading


def lines(reading: Reading) -> list[tuple[str, str, str]]:
    return [(line.label, line.before, line.after) for line in reading.lines]


def acted(actor: Staff | None, act: Callable[[], Any], channel: str = "admin") -> Any:
    with audit.acting(actor, channel=channel):
        return act()


def test_a_direct_edit_says_who_what_and_before_and_after(amina: Client, coordinator: Staff) -> None:
    address = {"street": "12 Elm St", "unit": "4", "city": "Toronto", "province": "ON", "postal_code": "M5V 2T6"}
    acted(
        coordinator,
        lambda: Client.objects.update(
            gender="Man", dob=None, languages_spoken=["Dari", "English"], address=address, alias="Mina"
        ),
    )
    reading = last(coordinator)
    assert (reading.who, reading.asked_by, reading.road) == (str(coordinator), None, "Direct edit")
    assert reading.what == "Changed client Amina Yusuf"
    assert reading.record == (Client, amina.pk)
    assert lines(reading) == [
        ("Alias", "—", "Mina"),
        ("Date of birth", "1990-04-02", "—"),
        ("Gender", "Woman", "Man"),
        ("Languages spoken", "—", "Dari, English"),
        ("Address", "—", "12 Elm St, unit 4, Toronto, ON M5V 2T6"),
    ]


def test_the_system_is_named_and_creation_lists_what_was_entered(amina: Client, coordinator: Staff) -> None:
    entry = AuditEntry.objects.get(entity="client_program_enrollments")
    [reading] = read([entry], viewer=coordinator)
    assert (reading.who, reading.road) == ("System", "Command")
    assert reading.what == "Enrolled Amina Yusuf in Hostel A from 2024-01-01"
    assert lines(reading) == [
        ("Client", "—", "Amina Yusuf"),
        ("Program", "—", "Hostel A"),
        ("Start date", "—", "2024-01-01"),
    ]


def test_an_approved_proposal_names_requester_and_approver(
    amina: Client, clinic: Program, manager: Staff, coordinator: Staff
) -> None:
    values = {"client": amina, "program": clinic, "start_date": date(2024, 5, 1)}
    [change] = approvals.submit([Draft(Enrollment, None, values)], actor=manager, reason="She asked")
    proposed = last(coordinator)
    assert proposed.what == "Proposed to enroll Amina Yusuf in Clinic"
    assert proposed.who == str(manager)
    assert lines(proposed) == [
        ("Client", "—", "Amina Yusuf"),
        ("Program", "—", "Clinic"),
        ("Start date", "—", "2024-05-01"),
        ("Reason", "—", "She asked"),
    ]
    approvals.approve(change, actor=coordinator, rationale="Agreed")
    decided, written = read(AuditEntry.objects.order_by("-position")[:2], viewer=coordinator)
    assert (written.who, written.asked_by, written.road) == (str(coordinator), str(manager), "Approved proposal")
    assert (written.what, written.reason) == ("Enrolled Amina Yusuf in Clinic from 2024-05-01", "Agreed")
    assert decided.what == "Approved the proposal to enroll Amina Yusuf in Clinic"
    assert lines(decided)[0] == ("Status", "Pending", "Approved")


@pytest.mark.parametrize(
    ("verb", "sentence"),
    [
        (lambda c, m, change: approvals.decline(change, actor=c, rationale="No"), "Declined the proposal to change"),
        (lambda c, m, change: approvals.withdraw(change, actor=m), "Withdrew the proposal to change"),
    ],
)
def test_what_became_of_a_proposal(
    amina: Client, manager: Staff, coordinator: Staff, verb: Callable, sentence: str
) -> None:
    change = approvals.propose(amina, actor=manager, values={"gender": "Man"}, reason="")
    verb(coordinator, manager, change)
    assert last(coordinator).what == f"{sentence} client Amina Yusuf"


def test_ends_removals_roles_and_links_have_their_own_sentences(
    amina: Client, shelter: Program, coordinator: Staff, administrator: Staff, worker: Staff
) -> None:
    def says(act: Callable[[], Any]) -> str:
        acted(administrator, act)
        return last(administrator).what

    bo = acted(None, lambda: Client.objects.create(first_name="Bo", last_name="Li"))
    pair = sorted([amina, bo], key=lambda client: client.pk)
    enrollment = amina.enrollments.get()
    manager_role = Role.objects.get(name="Manager")
    assert says(lambda: Enrollment.objects.update(end_date=date(2024, 2, 1))) == (
        "Ended the enrollment of Amina Yusuf in Hostel A on 2024-02-01"
    )
    assert says(enrollment.delete) == "Removed the enrollment of Amina Yusuf in Hostel A"
    assert says(lambda: Restriction.objects.create(client=amina, scope="org", start_date=date(2024, 1, 1))) == (
        "Restricted Amina Yusuf from the whole organization from 2024-01-01"
    )
    assert says(lambda: Restriction.objects.update(scope="program", program=shelter)) == (
        "Changed the restriction of Amina Yusuf from Hostel A"
    )
    assert says(lambda: ClientIdentifier.objects.create(client=bo, source_system="SMIS", uid_external="7")) == (
        "Added the identifier SMIS 7 of Bo Li"
    )
    assert says(lambda: StaffRole.objects.create(staff=worker, role=manager_role)) == f"Gave {worker} the role Manager"
    assert says(lambda: StaffRole.objects.filter(staff=worker, role=manager_role).delete()) == (
        f"Took the role Manager from {worker}"
    )
    assert says(lambda: ProgramStaff.objects.filter(staff=worker).update(is_manager=True)) == (
        "Changed the staff of Hostel A"
    )
    assert lines(last(administrator)) == [("Manager", "No", "Yes")]
    assert says(lambda: ProgramStaff.objects.filter(staff=worker).delete()) == (
        f"Took {worker} from the staff of Hostel A"
    )
    assert says(lambda: Program.objects.filter(pk=shelter.pk).update(closed_on=date(2025, 1, 1))) == (
        "Closed program Hostel A"
    )
    assert says(lambda: Staff.objects.filter(pk=worker.pk).update(active=False)) == f"Closed the account of {worker}"
    assert says(lambda: ClientLink.objects.create(client=pair[0], other=pair[1], verdict="not_same")) == (
        f"Marked {pair[0]} and {pair[1]} as not the same person"
    )
    assert says(lambda: ClientLink.objects.create(client=bo, other=amina, verdict="same")) == (
        "Linked Bo Li and Amina Yusuf"
    )


def test_a_daily_file_tells_its_summary(coordinator: Staff, analyst: Staff) -> None:
    batch = ImportBatch(
        source_system="SMIS", file_name="smis.csv", sha256="0" * 64, size=9, summary={"rows": 3, "created": 2}
    )
    acted(None, batch.save, "import")
    batch.status = "applied"
    acted(None, batch.save, "import")
    for viewer in (coordinator, analyst):
        reading = last(viewer)
        assert (reading.what, reading.road) == ("Ingested smis.csv from SMIS", "Daily file")
        assert ("Rows", "—", "3") in lines(reading)
        assert ("Created", "—", "2") in lines(reading)
    assert last(coordinator).record == (ImportBatch, batch.pk)
    assert last(analyst).record is None


def test_a_manager_reads_what_records_they_see_and_no_more(
    amina: Client, manager: Staff, leader: Staff, coordinator: Staff, administrator: Staff, worker: Staff
) -> None:
    acted(administrator, lambda: Staff.objects.filter(pk=worker.pk).update(first_name="Canary"))
    acted(administrator, lambda: Client.objects.update(gender="Man"))
    readings = read(AuditEntry.objects.all(), viewer=manager)
    assert readings[0].what == "Changed client Amina Yusuf"
    assert not {"staff", "staff_roles", "roles"} & {reading.entry.entity for reading in readings}


def test_another_managers_proposal_only_says_that_there_is_one(
    amina: Client, manager: Staff, leader: Staff, analyst: Staff
) -> None:
    approvals.propose(amina, actor=manager, values={"alias": "CANARY"}, reason="CANARY too")
    readings = read(AuditEntry.objects.filter(entity="pending_changes"), viewer=leader)
    assert "CANARY" not in repr([(r.what, r.reason, r.lines, r.record) for r in readings])
    assert last(manager).lines[0].after == "CANARY"
    assert last(analyst).what == "Proposed to change client Amina Yusuf"


@pytest.mark.parametrize("role", ["worker", "other_worker"])
def test_staff_and_outsiders_read_nothing(
    amina: Client, person: Callable[..., Staff], role: str, request: pytest.FixtureRequest
) -> None:
    assert read(AuditEntry.objects.all(), viewer=request.getfixturevalue(role)) == []
    assert read(AuditEntry.objects.all(), viewer=person()) == []


def test_names_the_viewer_may_not_see_become_kinds(amina: Client, other_worker: Staff, analyst: Staff) -> None:
    values = {"client_id": str(amina.pk), "program_id": str(amina.enrollments.get().program_id)}
    assert in_words(Enrollment, [values], viewer=other_worker) == [{"client_id": "a client", "program_id": "a program"}]
    assert in_words(Enrollment, [values], viewer=analyst) == [{"client_id": "Amina Yusuf", "program_id": "Hostel A"}]


def test_a_proposal_written_by_hand_is_read_whatever_it_holds(
    amina: Client, manager: Staff, coordinator: Staff
) -> None:
    for diff in (
        {"before": None, "after": {"nonsense": [1, {"a": None}]}},
        {"x": 1},
        [],
        {"after": {"client_id": "?"}},
    ):
        acted(
            manager,
            lambda diff=diff: PendingChange.objects.create(
                entity="client_program_enrollments", entity_id=amina.pk, diff_json=diff, requested_by=manager
            ),
        )
        assert last(coordinator).what.startswith("Proposed to change")


def test_a_page_takes_as_many_queries_for_fifty_entries_as_for_five(
    amina: Client, coordinator: Staff, shelter: Program
) -> None:
    def fill(number: int) -> None:
        for n in range(number):
            client = Client.objects.create(first_name=f"C{n}", last_name="X")
            Enrollment.objects.create(client=client, program=shelter, start_date=date(2024, 1, 1))

    def queries(number: int) -> int:
        entries = list(AuditEntry.objects.order_by("-position")[:number])
        with CaptureQueriesContext(connection) as captured:
            assert len(read(entries, viewer=coordinator)) == number
        return len(captured)

    acted(coordinator, lambda: fill(30))
    queries(1)  # the viewer's roles are read once
    assert queries(50) == queries(4) <= 8


def test_every_audited_table_has_its_sentences(amina: Client, administrator: Staff, coordinator: Staff) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT tgrelid::regclass::text FROM pg_trigger JOIN pg_proc ON pg_proc.oid = tgfoid "
            "WHERE proname IN ('ccd_audit', 'ccd_audit_batch')"
        )
        tables = {table for (table,) in cursor.fetchall()}

    assert tables - {"staff_groups", "staff_user_permissions"} == set(PHRASES)


def test_a_grant_of_one_client_names_both(amina: Client, administrator: Staff, worker: Staff) -> None:

    view = Permission.objects.get(codename="view_client")
    acted(
        administrator,
        lambda: ClientAssignment.objects.create(user=worker, content_object=amina, permission=view),
    )
    assert last(administrator).what == f"Let {worker} see Amina Yusuf"
