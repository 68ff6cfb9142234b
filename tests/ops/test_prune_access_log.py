"""prune_access_log: what is older than the setting goes, by the owner alone, and a year stays whatever is said."""

from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.utils import timezone
from pytest_django import Settings

from core.management.owner import as_owner
from core.models import AccessEntry, Staff

pytestmark = pytest.mark.django_db


@pytest.fixture
def looks(administrator: Staff) -> list[AccessEntry]:
    """Of today, of a year ago less and more a day, and of four years ago."""
    now = timezone.now()
    return [
        AccessEntry.objects.create(staff=administrator, action="list", accessed_at=now - timedelta(days=days))
        for days in (0, 364, 366, 4 * 365)
    ]


def _left() -> set[object]:
    return set(AccessEntry.objects.values_list("pk", flat=True))


def test_what_is_older_than_the_setting_goes_and_that_it_went_is_noted(looks, capsys):
    call_command("prune_access_log")
    assert capsys.readouterr().out == "1 entries older than 1095 days removed.\n"
    noted = AccessEntry.objects.get(action="prune")
    assert (noted.staff, noted.entity, noted.number) == (None, "access_log", 1)
    assert _left() == {entry.pk for entry in looks[:3]} | {noted.pk}
    call_command("prune_access_log")
    assert AccessEntry.objects.filter(action="prune").count() == 1


def test_a_dry_run_only_counts(looks, settings: Settings, capsys):
    settings.CCD_ACCESS_LOG_DAYS = 365
    call_command("prune_access_log", "--dry-run")
    assert capsys.readouterr().out == "2 entries older than 365 days would be removed.\n"
    assert _left() == {entry.pk for entry in looks}


def test_less_than_a_year_is_refused(looks, settings: Settings):
    settings.CCD_ACCESS_LOG_DAYS = 30
    with pytest.raises(CommandError, match="kept for 365 days at least; CCD_ACCESS_LOG_DAYS says 30"):
        call_command("prune_access_log")
    assert len(_left()) == 4


def _delete(days: int) -> int:
    with transaction.atomic():
        return AccessEntry.objects.filter(accessed_at__lt=timezone.now() - timedelta(days=days)).delete()[0]


def test_the_working_role_removes_nothing_however_old(looks):
    with pytest.raises(DatabaseError, match="permission denied"):
        _delete(2 * 365)


def test_the_owner_removes_nothing_of_the_last_year_and_changes_nothing(looks):
    with as_owner():
        with pytest.raises(IntegrityError, match="kept for a year"):
            _delete(363)
        with pytest.raises(IntegrityError, match="never changed"), transaction.atomic():
            AccessEntry.objects.update(action="forged")
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET LOCAL session_replication_role = replica")
            with pytest.raises(IntegrityError, match="kept for a year"):
                _delete(363)
        assert _delete(365) == 2
