"""An Administrator restores a version: an ordinary change, with its own entry and its own version."""

from datetime import date

import pytest

from core import records, versions
from core.errors import Conflict, Invalid, NotAllowed
from core.models import AuditEntry, Client, Enrollment, Program, Staff

pytestmark = pytest.mark.django_db


@pytest.fixture
def moved(amina: Client, coordinator: Staff) -> Client:
    """Amina, who came by SQL and was twice changed by hand: three versions, the first of how she came."""
    records.change(amina, actor=coordinator, values={"gender": "Man", "languages_spoken": ["Somali", "French"]})
    records.change(amina, actor=coordinator, values={"gender": "Non-binary", "languages_spoken": None, "alias": "Mina"})
    amina.refresh_from_db()
    return amina


def test_it_gives_the_record_its_old_values_as_a_change_of_its_own(moved: Client, administrator: Staff) -> None:
    newest, middle, first = versions.versions_of(moved)
    since = AuditEntry.objects.latest("position").position
    changed = versions.restore(moved, middle, actor=administrator, reason="Wrong person")
    assert changed == {"gender", "languages_spoken", "alias"}
    moved.refresh_from_db()
    assert (moved.gender, moved.languages_spoken, moved.alias) == ("Man", ["Somali", "French"], None)
    [entry] = AuditEntry.objects.filter(position__gt=since)
    assert (entry.entity, entry.action, entry.changed_by, entry.channel) == (
        "clients",
        "update",
        administrator,
        "admin",
    )
    assert entry.reason.startswith("Restored the version of ")
    assert entry.reason.endswith(": Wrong person")
    assert entry.diff_json["before"]["gender"] == "Non-binary"
    assert versions.versions_of(moved).count() == 4
    assert versions.versions_of(moved)[0].revision.user == administrator


def test_the_same_values_again_write_nothing(moved: Client, administrator: Staff) -> None:
    since = AuditEntry.objects.latest("position").position
    assert versions.restore(moved, versions.versions_of(moved)[0], actor=administrator, reason="Try") == frozenset()
    assert not AuditEntry.objects.filter(position__gt=since).exists()
    assert versions.versions_of(moved).count() == 3


def test_what_stood_before_the_first_change_by_hand_can_be_restored(moved: Client, administrator: Staff) -> None:
    first = versions.versions_of(moved).last()
    assert "before the first change" in first.revision.comment
    versions.restore(moved, first, actor=administrator, reason="All of it was wrong")
    moved.refresh_from_db()
    assert (moved.gender, moved.languages_spoken, moved.alias) == ("Woman", None, None)


@pytest.mark.parametrize("role", ["coordinator", "manager", "leader", "analyst", "worker"])
def test_administrators_alone_restore(moved: Client, role: str, request: pytest.FixtureRequest) -> None:
    with pytest.raises(NotAllowed):
        versions.restore(moved, versions.versions_of(moved)[1], actor=request.getfixturevalue(role), reason="Mine")
    moved.refresh_from_db()
    assert moved.gender == "Non-binary"


def test_it_needs_a_reason(moved: Client, administrator: Staff) -> None:
    with pytest.raises(Invalid) as refusal:
        versions.restore(moved, versions.versions_of(moved)[1], actor=administrator, reason=" ")
    assert list(refusal.value.faults) == ["reason"]


def test_a_version_of_another_record_is_refused(moved: Client, administrator: Staff, coordinator: Staff) -> None:
    other = records.create(Client, actor=coordinator, values={"first_name": "Ines", "last_name": "Vidal"})
    with pytest.raises(Conflict, match="another record"):
        versions.restore(other, versions.versions_of(moved)[0], actor=administrator, reason="Forged")
    other.refresh_from_db()
    assert other.first_name == "Ines"


def test_old_values_that_do_not_hold_any_more_are_refused_in_words(
    amina: Client, clinic: Program, administrator: Staff, coordinator: Staff
) -> None:
    values = {"client": amina, "program": clinic, "start_date": date(2024, 1, 1), "end_date": date(2024, 6, 30)}
    first = records.create(Enrollment, actor=coordinator, values=values)
    records.change(first, actor=coordinator, values={"end_date": date(2024, 2, 1)})
    records.create(
        Enrollment, actor=coordinator, values={"client": amina, "program": clinic, "start_date": date(2024, 3, 1)}
    )
    oldest = versions.versions_of(first).last()
    with pytest.raises(Invalid, match="during those days"):
        versions.restore(first, oldest, actor=administrator, reason="Back")
    first.refresh_from_db()
    assert first.end_date == date(2024, 2, 1)


def test_what_the_system_keeps_for_itself_is_not_restored(
    moved: Client, administrator: Staff, coordinator: Staff
) -> None:
    kept = versions.values_in(versions.versions_of(moved)[1], Client)
    assert not {"client_id", "linked_to", "edited_fields", "search_text", "created_at", "updated_at"} & set(kept)
