"""What a source sends, over time: when files are due and came, how large they are, what they no longer say.

Reads only; configure() is the one writer of a source's settings.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

from django.db import connection
from django.utils import timezone

from core import audit, records, rules
from core.ingest import limits, profiles, sources
from core.models import ImportBatch, SourceSettings, Staff
from core.normalise import header_key

DAYS: Final = 28
NAMED: Final = 20  # people who disappeared, told by name
_ARRIVED: Final = ("applied", "held", "undone", "previewed")


@dataclass(frozen=True)
class Schedule:
    """Whether files came when they were due. `missing` are due days without a file since the first one came."""

    state: str  # never, on time, waiting, late
    due: datetime | None
    missing: tuple[date, ...] = ()


@dataclass(frozen=True)
class Gone:
    """People of the last file but one who are not in the last one, with their identifiers."""

    number: int
    people: Sequence[tuple[Any, str, str]]  # client, name, identifiers


@dataclass(frozen=True)
class Feed:
    """One source."""

    name: str
    label: str
    settings: SourceSettings
    schedule: Schedule
    files: Sequence[ImportBatch]  # of the last 28 days, oldest first
    last: ImportBatch | None
    median: float | None
    appeared: Sequence[str]
    vanished: Sequence[str]
    gone: Gone
    waiting: Sequence[ImportBatch]  # held whole
    unmapped: int  # words of its files that lead nowhere

    @property
    def of_median(self) -> float | None:
        """Rows of the last file as a part of the median."""
        if self.last is None or not self.median:
            return None
        return (self.last.summary or {}).get("rows", 0) / self.median


def every(*, actor: Staff, now: datetime | None = None) -> list[Feed]:
    """All sources as they stand now. Raises NotAllowed."""
    rules.require(actor, "core.view_sourcesettings")
    moment = timezone.localtime(now)
    return [_feed(name, actor, moment) for name in sources.names()]


def _feed(name: str, actor: Staff, now: datetime) -> Feed:
    settings = limits.settings_of(name)
    batches = rules.visible_to(actor, ImportBatch).filter(source_system=name)
    applied = batches.filter(status=ImportBatch.Status.APPLIED)
    last, earlier = [*applied.order_by("-created_at")[:2], None, None][:2]
    appeared, vanished = _columns(earlier, last)
    return Feed(
        name=name,
        label=sources.profile(name).label,
        settings=settings,
        schedule=schedule(settings, _days_of(batches), now),
        files=list(applied.filter(created_at__gte=now - timedelta(days=DAYS)).order_by("created_at")),
        last=last,
        median=limits.median_rows(name, before=last.created_at if last else None),
        appeared=appeared,
        vanished=vanished,
        gone=_gone(name, earlier, last),
        waiting=list(batches.filter(status=ImportBatch.Status.HELD).order_by("created_at")),
        unmapped=len(profiles.unmapped(name)),
    )


def _days_of(batches: Any) -> list[datetime]:
    return list(batches.filter(status__in=_ARRIVED).order_by("created_at").values_list("created_at", flat=True))


def schedule(settings: SourceSettings, arrivals: Sequence[datetime], now: datetime) -> Schedule:
    """`arrivals` and `now` are moments, days are local: a file that comes at any hour of a due day is that day's."""
    if not arrivals:
        return Schedule("never", None)
    days = {timezone.localtime(moment).date() for moment in arrivals}
    today = now.date()
    first = max(min(days), today - timedelta(days=DAYS))
    due_days = [
        day
        for day in (first + timedelta(days=n) for n in range((today - first).days + 1))
        if day.isoweekday() in settings.expected_days
    ]
    missing = tuple(day for day in due_days if day not in days and day < today)
    if today not in due_days or today in days:
        return Schedule("late" if missing and missing[-1] > max(days) else "on time", None, missing)
    due = datetime.combine(today, settings.expected_by, tzinfo=now.tzinfo)
    is_behind = now > due or bool(missing and missing[-1] > max(days))
    return Schedule("late" if is_behind else "waiting", due, missing)


def _columns(earlier: ImportBatch | None, last: ImportBatch | None) -> tuple[list[str], list[str]]:
    """Headers of the last file that the one before had not, and the other way round."""
    if earlier is None or last is None:
        return [], []
    before, now = ({header_key(text): text for text in batch.headers or ()} for batch in (earlier, last))
    return [now[key] for key in now if key not in before], [before[key] for key in before if key not in now]


def _gone(source: str, earlier: ImportBatch | None, last: ImportBatch | None) -> Gone:
    if earlier is None or last is None:
        return Gone(0, ())
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT c.client_id, trim(c.first_name || ' ' || c.last_name), string_agg(i.uid_external, ', '),
                   count(*) OVER ()
            FROM (SELECT client_id FROM import_rows WHERE batch_id = %s AND client_id IS NOT NULL
                  EXCEPT SELECT client_id FROM import_rows WHERE batch_id = %s
                  EXCEPT SELECT unnest(candidate_ids) FROM import_rows WHERE batch_id = %s) g
            JOIN clients c USING (client_id)
            JOIN client_identifiers i ON i.client_id = c.client_id AND i.source_system = %s
            GROUP BY c.client_id, c.first_name, c.last_name ORDER BY c.last_name, c.first_name, c.client_id LIMIT %s
            """,
            [earlier.pk, last.pk, last.pk, source, NAMED],
        )
        found = cursor.fetchall()
    return Gone(found[0][3] if found else 0, [row[:3] for row in found])


def configure(source: str, *, actor: Staff | None, values: Mapping[str, Any]) -> SourceSettings:
    """Set what the agency sets of a source; only what differs from what stands is written.

    Raises UnknownSource, NotAllowed, Invalid.
    """
    name = sources.profile(source).name
    profiles.refuse_senseless(name, values)
    with audit.acting(actor, channel="admin"):
        found = SourceSettings.objects.filter(source_system=name).first()
        if found is None:
            return records.create(SourceSettings, actor=actor, values={"source_system": name, **values})
        records.change(found, actor=actor, values=values)
        found.refresh_from_db()
        return found
