"""Whether files came when they were due, and what the last one no longer says."""

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from core.errors import Invalid, NotAllowed, UnknownSource
from core.ingest import feeds, limits, pipeline
from core.models import AuditEntry, Client, ImportBatch, SourceSettings, Staff

HERE = ZoneInfo("America/Toronto")
WEEKDAYS = SourceSettings(source_system="SMIS", expected_by=time(9))
# 2026-11-20 is a Friday.


def at(day: str, clock: str = "08:00") -> datetime:
    return datetime.fromisoformat(f"{day}T{clock}").replace(tzinfo=HERE)


@pytest.mark.parametrize(
    ("now", "arrivals", "state", "missing"),
    [
        (at("2026-11-20"), [], "never", []),
        (at("2026-11-20", "08:59"), ["2026-11-19"], "waiting", []),
        (at("2026-11-20", "09:01"), ["2026-11-19"], "late", []),
        (at("2026-11-20", "09:01"), ["2026-11-19", "2026-11-20"], "on time", []),
        (at("2026-11-20", "08:00"), ["2026-11-18"], "late", ["2026-11-19"]),
        (at("2026-11-20", "10:00"), ["2026-11-17", "2026-11-19", "2026-11-20"], "on time", ["2026-11-18"]),
        (at("2026-11-21", "10:00"), ["2026-11-20"], "on time", []),  # nothing is due on a Saturday
        (at("2026-11-22", "10:00"), ["2026-11-19"], "late", ["2026-11-20"]),
        (at("2026-11-22", "10:00"), ["2026-11-19", "2026-11-21"], "on time", ["2026-11-20"]),
    ],
)
def test_a_feed_is_measured_against_its_schedule(
    now: datetime, arrivals: list[str], state: str, missing: list[str]
) -> None:
    found = feeds.schedule(WEEKDAYS, [at(day) for day in arrivals], now)
    assert (found.state, [day.isoformat() for day in found.missing]) == (state, missing)


def test_days_are_local_days() -> None:
    arrival = datetime(2026, 11, 21, 2, 30, tzinfo=ZoneInfo("UTC"))  # Friday 21:30 in Toronto
    assert feeds.schedule(WEEKDAYS, [arrival], at("2026-11-20", "23:00")).state == "on time"


def test_missing_days_go_back_28_days_at_most() -> None:
    found = feeds.schedule(WEEKDAYS, [at("2026-01-05"), at("2026-11-19")], at("2026-11-20"))
    assert found.missing[0] == date(2026, 10, 23)
    assert len(found.missing) == 19


HEADS = ["uid_external", "first_name", "last_name", "dob"]


def take(rows: list[tuple[str, ...]], *more: str, name: str = "a.csv") -> ImportBatch:
    lines = [",".join([*HEADS, *more]), *(",".join(row + ("x",) * len(more)) for row in rows)]
    report = pipeline.take(
        "\n".join(lines).encode(),
        file_name=name,
        source="SMIS",
        actor=None,
        options=pipeline.Options(writes_files=False),
    )
    return ImportBatch.objects.get(pk=report.batch_id)


INES, AMINA = ("S-2", "Ines", "Vidal", "1985-01-31"), ("S-1", "Amina", "Yusuf", "1990-04-02")


def smis(actor: Staff) -> feeds.Feed:
    return next(feed for feed in feeds.every(actor=actor) if feed.name == "SMIS")


def test_columns_and_people_that_disappeared_are_told(coordinator: Staff) -> None:
    take([INES, AMINA], "Worker")
    take([AMINA], "Shoe", name="b.csv")
    feed = smis(coordinator)
    assert (feed.appeared, feed.vanished) == (["Shoe"], ["Worker"])
    ines = Client.objects.get(first_name="Ines")
    assert (feed.gone.number, feed.gone.people) == (1, [(ines.pk, "Ines Vidal", "S-2")])
    assert [batch.file_name for batch in feed.files] == ["a.csv", "b.csv"]
    assert feed.median is None


def test_a_person_who_is_only_held_this_time_did_not_disappear(coordinator: Staff) -> None:
    take([INES, AMINA])
    take([AMINA, ("S-2", "Rodrigo", "Mendes", "1971-05-05")], name="b.csv")
    assert smis(coordinator).gone.number == 0


def test_settings_are_the_defaults_until_someone_sets_them(coordinator: Staff) -> None:
    assert limits.settings_of("SMIS").open_share == 0.5
    feeds.configure("smis", actor=coordinator, values={"open_share": 0.5})
    feeds.configure("SMIS", actor=coordinator, values={"open_share": 0.5})
    feeds.configure("SMIS", actor=coordinator, values={"expected_days": [7]})
    assert limits.settings_of("SMIS").open_share == 0.5
    assert limits.settings_of("EMHWare").open_share == 0.5
    entries = AuditEntry.objects.filter(entity="source_settings").order_by("position")
    assert [(entry.action, entry.changed_by) for entry in entries] == [
        ("create", coordinator),
        ("update", coordinator),
    ]


@pytest.mark.parametrize("values", [{"open_share": 1.5}, {"most_rows": 0.5}, {"expected_days": [8]}])
def test_settings_that_make_no_sense_are_refused(coordinator: Staff, values: dict) -> None:
    with pytest.raises(Invalid):
        feeds.configure("SMIS", actor=coordinator, values=values)
    assert not SourceSettings.objects.exists()


def test_only_those_entitled_see_and_set_them(manager: Staff, analyst: Staff, worker: Staff) -> None:
    for person in (manager, analyst, worker):
        with pytest.raises(NotAllowed):
            feeds.every(actor=person)
        with pytest.raises(NotAllowed):
            feeds.configure("SMIS", actor=person, values={"open_share": 0.5})
    with pytest.raises(UnknownSource):
        feeds.configure("Nobody", actor=None, values={})


def test_the_missing_days_follow_from_the_batches(coordinator: Staff) -> None:
    batch = take([INES])
    ImportBatch.objects.filter(pk=batch.pk).update(created_at=batch.created_at - timedelta(days=10))
    assert smis(coordinator).schedule.missing
