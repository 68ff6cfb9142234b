"""Source disagreements: a file says other than a person entered; theirs is taken or ours kept."""

from datetime import date

import pytest

from core import audit, records
from core.errors import Conflict, NotAllowed
from core.ingest import disagreements, undo
from core.models import AuditEntry, Client, Enrollment, ImportBatch, SourceDisagreement
from tests.ingest.test_desk import AMINA, feed

pytestmark = pytest.mark.django_db


@pytest.fixture
def disputed(amina: Client, coordinator) -> Client:
    """A person entered a phone number and alias; SMIS has another number."""
    records.change(amina, actor=coordinator, values={"phone_number": "416-555-0101"})
    feed({**AMINA, "uid_external": "S-1", "phone_number": "647-555-0200"})
    amina.refresh_from_db()
    return amina


def test_ours_is_kept_until_someone_decides(disputed):
    each = disagreements.open_ones().get()
    assert (disputed.phone_number, each.ours, each.theirs) == ("416-555-0101", "416-555-0101", "647-555-0200")


def test_taking_theirs_writes_it_and_says_who(disputed, coordinator):
    assert disagreements.take_theirs(disagreements.open_ones(), actor=coordinator, reason="She moved") == 1
    disputed.refresh_from_db()
    each = SourceDisagreement.objects.get()
    assert (disputed.phone_number, each.status, each.decided_by) == ("647-555-0200", "taken", coordinator)
    entry = AuditEntry.objects.filter(entity="clients").latest("position")
    assert (entry.changed_by, entry.channel, entry.reason) == (coordinator, "admin", "She moved")


def test_keeping_ours_is_not_asked_again(disputed, coordinator):
    assert disagreements.keep_ours(disagreements.open_ones(), actor=coordinator) == 1
    feed({**AMINA, "uid_external": "S-1", "phone_number": "647-555-0200"}, name="tomorrow.csv")
    disputed.refresh_from_db()
    assert (disputed.phone_number, disagreements.open_ones().count()) == ("416-555-0101", 0)


def test_a_record_that_moved_is_not_overwritten(disputed, coordinator):
    records.change(disputed, actor=coordinator, values={"phone_number": "416-555-0999"})
    with pytest.raises(Conflict, match="changed since"):
        disagreements.take_theirs(disagreements.open_ones(), actor=coordinator)
    disputed.refresh_from_db()
    assert (disputed.phone_number, disagreements.open_ones().count()) == ("416-555-0999", 1)


def test_one_is_decided_once(disputed, coordinator):
    each = disagreements.open_ones().get()
    disagreements.keep_ours([each], actor=coordinator)
    with pytest.raises(Conflict, match="meanwhile"):
        disagreements.take_theirs([each], actor=coordinator)


def says(phone: str) -> ImportBatch:
    """SMIS says of Amina that this is her number."""
    return feed({**AMINA, "uid_external": "S-1", "phone_number": phone})


def listed() -> list[tuple[str, str]]:
    """Ours and theirs of what waits for a decision."""
    return list(disagreements.open_ones().values_list("ours", "theirs"))


def test_a_source_that_comes_round_to_ours_disagrees_no_more(disputed, coordinator):
    each = disagreements.open_ones().get()
    says("(416) 555-0101")
    each.refresh_from_db()
    assert (each.status, each.decided_by, each.decided_at is None) == ("kept", None, False)
    with pytest.raises(Conflict, match="meanwhile"):
        disagreements.take_theirs([each], actor=coordinator)


def test_of_what_a_source_said_only_the_last_stands_open(disputed, coordinator):
    says("647-555-0300")
    assert listed() == [("416-555-0101", "647-555-0300")]
    assert disagreements.take_theirs(disagreements.open_ones(), actor=coordinator) == 1
    disputed.refresh_from_db()
    assert disputed.phone_number == "647-555-0300"


def test_a_source_that_goes_back_to_what_nobody_decided_is_asked_about_again(disputed):
    for phone in ("647-555-0300", "647-555-0200"):
        says(phone)
    assert listed() == [("416-555-0101", "647-555-0200")]
    says("416-555-0101")
    assert listed() == []
    says("647-555-0200")
    assert listed() == [("416-555-0101", "647-555-0200")]


def test_a_source_that_goes_back_to_what_was_decided_is_not(disputed, coordinator):
    disagreements.keep_ours(disagreements.open_ones(), actor=coordinator)
    says("647-555-0300")
    says("647-555-0200")
    assert listed() == []


def test_another_source_closes_nothing(disputed):
    feed({**AMINA, "phone_number": "416-555-0101"}, source="FFAI")
    feed({**AMINA, "phone_number": "647-555-0300"}, source="FFAI")
    assert listed() == [("416-555-0101", "647-555-0200"), ("416-555-0101", "647-555-0300")]


def test_a_row_that_says_nothing_of_the_field_closes_nothing(disputed):
    says("")
    assert len(listed()) == 1


def test_what_a_person_made_theirs_is_not_listed_until_it_is_other_again(disputed, coordinator):
    records.change(disputed, actor=coordinator, values={"phone_number": "647-555-0200"})
    assert listed() == []
    records.change(disputed, actor=coordinator, values={"phone_number": "416-555-0999"})
    assert len(listed()) == 1
    says("647-555-0200")
    assert listed() == [("416-555-0999", "647-555-0200")], "and theirs can be taken, since ours is known anew"
    assert disagreements.take_theirs(disagreements.open_ones(), actor=coordinator) == 1


def test_of_lists_and_addresses_too_theirs_is_known_when_it_is_ours(disputed, coordinator):
    about = {
        "client": disputed,
        "entity": "clients",
        "entity_id": disputed.pk,
        "source_system": "SMIS",
        "row_number": 1,
    }
    about["batch"] = ImportBatch.objects.get()
    with audit.acting(None, channel="command"):
        SourceDisagreement.objects.create(**about, field="languages_spoken", ours=[], theirs=["Cree", "English"])
        SourceDisagreement.objects.create(**about, field="address", ours=None, theirs={"city": "Toronto"})
    assert len(listed()) == 3
    address = {"city": "Toronto", "street": "1 King Street"}
    values = {"languages_spoken": ["English", "Cree", "Dari"], "address": address}
    records.change(disputed, actor=coordinator, values=values)
    assert [each.field for each in disagreements.open_ones()] == ["phone_number", "languages_spoken"]
    records.change(disputed, actor=coordinator, values={"languages_spoken": ["English", "Cree"]})
    assert [each.field for each in disagreements.open_ones()] == ["phone_number"]


def test_an_end_that_a_source_corrects_is_asked_about_once(disputed, coordinator, shelter):
    stay = {**AMINA, "uid_external": "S-1", "program": "Hostel A", "start_date": "2024-01-01"}
    disagreements.keep_ours(disagreements.open_ones(), actor=coordinator)
    enrollment = Enrollment.objects.get()
    records.change(enrollment, actor=coordinator, values={"end_date": date(2026, 1, 31)})
    for end in ("2026-02-10", "2026-02-12"):
        feed({**stay, "end_date": end})
    assert listed() == [("2026-01-31", "2026-02-12")]
    feed({**stay, "end_date": "2026-01-31"})
    assert listed() == []


def test_taking_the_later_file_back_asks_again_what_the_earlier_one_did(disputed, coordinator):
    for phone in ("416-555-0101", "647-555-0300"):
        batch = says(phone)
        undo.undo(batch, actor=coordinator, reason="Wrong file")
        assert listed() == [("416-555-0101", "647-555-0200")]
        assert disagreements.open_ones().get().decided_at is None


@pytest.mark.parametrize("role", ["manager", "leader", "analyst", "worker"])
def test_others_do_not_decide(request, disputed, role):
    actor = request.getfixturevalue(role)
    for verb in (disagreements.keep_ours, disagreements.take_theirs):
        with pytest.raises(NotAllowed):
            verb(disagreements.open_ones(), actor=actor)
    assert disagreements.open_ones().count() == 1


def test_of_an_enrollment_that_was_removed_ours_is_kept(disputed, coordinator, shelter):
    with audit.acting(None, channel="command"):
        gone = Enrollment.objects.create(
            client=disputed, program=shelter, start_date="2020-01-01", end_date="2020-01-31"
        )
        about = {"client": disputed, "entity": "client_program_enrollments", "entity_id": gone.pk, "field": "end_date"}
        each = SourceDisagreement.objects.create(
            **about,
            source_system="SMIS",
            ours="2020-01-31",
            theirs="2020-02-01",
            batch=ImportBatch.objects.get(),
            row_number=1,
        )
    records.remove(gone, actor=coordinator)
    with pytest.raises(Conflict, match="enrollment whose end date this is was removed"):
        disagreements.take_theirs([each], actor=coordinator)
    assert disagreements.keep_ours([each], actor=coordinator) == 1
