"""What has moved since a run was kept: cell by cell, and person by person.

Who was counted then is not stored. The audit log after the run says what changed: taken back step by step, it gives the
stays and links as they were, for the few people it touches. Today's people less those who came and with those who went
must have the kept hash: then the explanation is proved, and the page says so.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from time import monotonic, sleep
from typing import Any, NamedTuple
from uuid import UUID

from django.db import DEFAULT_DB_ALIAS, connection, connections
from django.db.models import Q

from core.audit.settled import settled_position
from core.errors import Conflict
from core.models import AuditEntry, Client, Enrollment, Program, ReportRun, Staff
from reporting import served
from reporting.reading import alias, scoped, select
from reporting.report import Cell, Params, Report, Row, change, told_key

ENTERED, DATES, UNLINKED = "entered late", "dates corrected", "unlinked"
LINKED, REMOVED, VALUES = "linked", "removed", "values or programs changed"


@dataclass(frozen=True)
class Moved:
    """People then and now, why people came (+) and went (−), whether that explains all of it, and cells that differ."""

    then: int
    now: int
    came: Counter[str] = field(default_factory=Counter)
    went: Counter[str] = field(default_factory=Counter)
    proved: bool = True
    cells: tuple[tuple[str, int | None, int | None], ...] = ()

    @property
    def sentence(self) -> str:
        """'219: +6 entered late, −1 linked'."""
        moves = [f"+{n:,} {why}" for why, n in sorted(self.came.items())]
        moves += [f"−{n:,} {why}" for why, n in sorted(self.went.items())]
        rest = self.now - self.then - self.came.total() + self.went.total()
        if rest:
            moves.append(f"{change(rest, 0)} {VALUES}")
        return f"{self.now:,}: {', '.join(moves) or 'nobody came or went'}"


class Answer(NamedTuple):
    """What a report says at one moment: all of the log up to `position`, and nothing after it."""

    position: int
    people: set[UUID]
    rows: list[Row]


def answer(report: Report, *, actor: Staff | None, params: Params, patience: float = 5.0) -> Answer:
    """The answer now. Waits so many seconds for a moment at which nobody writes: an entry of the log that is on its way
    may have a smaller number than one that is there, and nobody could tell later on which side of the run it was.

    Raises Conflict where there was no such moment.
    """
    until = monotonic() + patience
    while True:
        position = _settled()
        if position is not None:
            found = Answer(position, people(actor, report.span(params)), report.rows(actor, params))
            if not AuditEntry.objects.using(alias()).filter(position__gt=position).exists():
                return found
        if monotonic() > until:
            raise Conflict(
                "Something is being written at this moment, a daily file perhaps: keep it when that is done."
            )
        sleep(0.1)


def _settled() -> int | None:
    """How far the log has come for good, where reports read; None while someone writes to it, or a replica lags."""
    with connection.cursor() as cursor:
        position = settled_position(cursor)
        if position is None or alias() == DEFAULT_DB_ALIAS:
            return position
        cursor.execute("SELECT pg_current_wal_lsn()::text")
        written = cursor.fetchone()[0]
    with connections[alias()].cursor() as cursor:
        cursor.execute("SELECT coalesce(pg_last_wal_replay_lsn() >= %s::pg_lsn, true)", [written])
        return position if cursor.fetchone()[0] else None


def people(actor: Staff | None, params: Params) -> set[UUID]:
    """The keys of those counted, `params` as reporting.served takes them."""
    with_list, where = served.served_set(actor, params)
    return {key for (key,) in select(f"{with_list} SELECT DISTINCT client_id FROM served", where)}


def seal(keys: Iterable[UUID]) -> str:
    """The hash of these keys."""
    return hashlib.sha256("\n".join(sorted(map(str, keys))).encode()).hexdigest()


def plain(rows: Iterable[Row]) -> list[list[Any]]:
    """Rows as JSON has them."""
    return [[cell if isinstance(cell, int | None) else str(cell) for cell in row] for row in rows]


def moved(run: ReportRun, report: Report, *, actor: Staff | None, params: Params) -> Moved:
    """Between the run and now, `params` being its parameters."""
    span = report.span(params)
    now = people(actor, span)
    came, went = _movements(actor, run, span)
    came = {key: why for key, why in came.items() if key in now}
    wanted = served.chosen(scoped(actor, Client).filter(pk__in=went), span)
    if wanted is not None:
        went = {key: went[key] for key in wanted.values_list("pk", flat=True)}
    then = (now - came.keys()) | went.keys()
    return Moved(
        run.people,
        len(now),
        Counter(came.values()),
        Counter(went.values()),
        seal(then) == run.people_sha256,
        _cells(report, run.rows, plain(report.rows(actor, params))),
    )


def _cells(
    report: Report, then: list[list[Cell]], now: list[list[Cell]]
) -> tuple[tuple[str, int | None, int | None], ...]:
    """(row, number then, number now) where they differ; another number than the counted one by its column's name."""

    def numbers(rows: list[list[Cell]]) -> dict[tuple[str, str], int | None]:
        return {
            (report.key(tuple(row)), "" if column == report.counted else f" · {column}"): value
            for row in rows
            for column, value in zip(report.columns, row, strict=True)
            if column == report.counted or isinstance(value, int)
        }

    old, new = numbers(then), numbers(now)
    return tuple(
        (told_key(key[0]) + key[1], old.get(key), new.get(key))
        for key in {**old, **new}
        if old.get(key) != new.get(key)
    )


def _movements(actor: Staff | None, run: ReportRun, span: Params) -> tuple[dict[UUID, str], dict[UUID, str]]:
    """Who came and who went, each with the reason."""
    entries = list(
        scoped(actor, AuditEntry)
        .filter(position__gt=run.position, entity__in=(Client._meta.db_table, Enrollment._meta.db_table))
        .order_by("-position")
        .values_list("entity", "entity_id", "action", "diff_json", "client_id")
    )
    links = _links_then(entries)
    touched = {UUID(str(key)) for entity, _, _, _, key in entries if entity == Enrollment._meta.db_table and key}
    kin = _kin(touched | links.keys() | {root for root in links.values() if root})
    roots_now = dict(kin)
    roots_then = {key: links.get(key, root) for key, root in kin.items()}
    now = {stay.pk: stay for stay in Enrollment.objects.using(alias()).filter(client__in=kin)}
    then, created = _stays_then(entries, now)
    places = _places(span)
    served_now = _served(now.values(), roots_now, places, span)
    served_then = _served(then.values(), roots_then, places, span)
    counted_now, counted_then = _stays_of(served_now), _stays_of(served_then)
    came = {
        key: _why_came(served_now[key], key, now, created, counted_then)
        for key in served_now.keys() - served_then.keys()
    }
    went = {
        key: _why_went(served_then[key], bool(roots_now.get(key)), now, counted_now)
        for key in served_then.keys() - served_now.keys()
    }
    return came, went


def _stays_of(people: dict[UUID, list[UUID]]) -> set[UUID]:
    return {key for stays in people.values() for key in stays}


def _links_then(entries: list[tuple]) -> dict[UUID, UUID | None]:
    """Client → whom it was linked to before its first change after the run; newest entries come first."""
    found = {}
    for entity, key, _, diff, _ in entries:
        before = diff.get("before") or {}
        if entity == Client._meta.db_table and "linked_to" in before:
            found[key] = UUID(before["linked_to"]) if before["linked_to"] else None
    return found


def _kin(keys: set[UUID]) -> dict[UUID, UUID | None]:
    """Client → whom it is linked to, for these and all linked with them."""
    clients = Client.objects.using(alias())
    roots = {root or key for key, root in clients.filter(pk__in=keys).values_list("pk", "linked_to")} | keys
    return dict(clients.filter(Q(pk__in=roots) | Q(linked_to__in=roots)).values_list("pk", "linked_to"))


def _stays_then(entries: list[tuple], now: dict[UUID, Enrollment]) -> tuple[dict[UUID, Enrollment], set[UUID]]:
    """The stays as they were, and the keys of those that were not there yet."""
    fields = ("client_id", "program_id", "start_date", "end_date")
    states = {key: {name: getattr(stay, name) for name in fields} for key, stay in now.items()}
    created: set[UUID] = set()
    for entity, key, action, diff, _ in entries:
        if entity != Enrollment._meta.db_table:
            continue
        before = {name: value for name, value in (diff.get("before") or {}).items() if name in fields}
        if action == "create":
            states.pop(key, None)
            created.add(key)
        else:
            states.setdefault(key, {}).update({name: _value(name, text) for name, text in before.items()})
    return {key: Enrollment(pk=key, **state) for key, state in states.items() if state.get("client_id")}, created


def _value(name: str, text: str | None) -> UUID | date | None:
    if text is None:
        return None
    return UUID(text) if name.endswith("_id") else date.fromisoformat(text)


def _places(span: Params) -> set[UUID] | None:
    """Keys of the programs the report is about; None: of all."""
    if span.get("program"):
        return {span["program"].pk}
    if span.get("department"):
        return set(Program.objects.using(alias()).filter(department=span["department"]).values_list("pk", flat=True))
    return None


def _served(
    stays: Iterable[Enrollment], roots: dict[UUID, UUID | None], places: set[UUID] | None, span: Params
) -> dict[UUID, list[UUID]]:
    """Person → the stays that make them served."""
    found: dict[UUID, list[UUID]] = {}
    for stay in stays:
        inside = places is None or stay.program_id in places
        if inside and stay.is_active_between(span["date_from"], span["date_to"]):
            found.setdefault(roots.get(stay.client_id) or stay.client_id, []).append(stay.pk)
    return found


def _why_came(stays: list[UUID], person: UUID, now: dict[UUID, Enrollment], created: set[UUID], then: set[UUID]) -> str:
    """`then`: the stays that made someone served before."""
    if any(key in created for key in stays):
        return ENTERED
    if not any(key in then for key in stays):
        return DATES
    return LINKED if any(now[key].client_id != person for key in stays) else UNLINKED


def _why_went(stays: list[UUID], is_linked: bool, now: dict[UUID, Enrollment], counted: set[UUID]) -> str:
    """`counted`: the stays that make someone served now."""
    if is_linked:
        return LINKED
    if any(key in counted for key in stays):
        return UNLINKED
    return DATES if any(key in now for key in stays) else REMOVED
