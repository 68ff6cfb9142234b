"""Source disagreements: a file says other than a person entered; theirs is taken or ours kept."""

import pytest

from core import audit, records
from core.errors import Conflict, NotAllowed
from core.ingest import disagreements
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
