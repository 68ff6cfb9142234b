"""The rejects desk: what people make of held and rejected rows, of whichever file.

A row that is answered or corrected goes the road of its file once more, alone, on behalf of the person at the desk. It
stays a row of its batch, so that taking the file back takes this back, too. An answer is remembered (row_answers) and
the identifier is the client's from then on; what waits for the same answer, in whichever file, is settled with it.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from django.db import DataError, IntegrityError, connection, transaction
from django.db.backends.utils import CursorWrapper
from django.db.models import Count, Max, Q, QuerySet
from django.utils import timezone
from psycopg import Error as DriverError

from core import audit, rules
from core.choices import OUTCOMES
from core.errors import Conflict, FileRefused, Invalid
from core.ingest import batches, feeds, limits, loading, pipeline, profiles, staging, versions
from core.ingest.apply_clients import apply_clients
from core.ingest.apply_stays import apply_stays
from core.ingest.headers import recognise
from core.ingest.profile import SourceProfile
from core.ingest.programs import said_with
from core.ingest.reader import UNREAD_ROWS, RawRow
from core.keys import in_order
from core.linking import answers
from core.linking.joining import mark_not_same
from core.models import AuditEntry, Client, ClientLink, ImportBatch, ImportRow, Program, RowAnswer, Staff
from core.normalise import fold, tidy

OPEN: Final = ("held", "rejected")
PROGRAM_FAULTS: Final = ("unknown_program", "ambiguous_program", "program_not_in_department")
# What the reader saw of the file itself and the kept cells do not show: such rows are only taken corrected.
_UNREADABLE: Final = frozenset({*UNREAD_ROWS, "unsafe_number"})
_Settled = ImportRow.Settled


def open_rows() -> QuerySet[ImportRow]:
    """Rows that wait for a person, the oldest file first."""
    found = ImportRow.objects.filter(batch__status=ImportBatch.Status.APPLIED, outcome__in=OPEN, settled_at=None)
    return found.select_related("batch").order_by("batch__created_at", "row_number")


def answer_same(row: ImportRow, client: Client, *, actor: Staff | None, reason: str | None = None) -> int:
    """The held row is about `client`. Remembered; every open row that asks the same is settled with it. Returns how
    many were. Raises NotAllowed, Conflict (settled already; not held), FileBusy.
    """
    with _turn():
        row = _locked_held(row, actor)
        with audit.acting(actor, channel="import", reference=row.batch_id, reason=reason):
            _remember(row, client, actor, reason)
        return _settle(_asking_the_same(row), _Settled.SAME, actor, reason)


def answer_new(row: ImportRow, *, actor: Staff | None, reason: str | None = None) -> int:
    """The held row is about nobody we know: a new client, and not the same as any of the candidates, those included
    that were ruled out before, for ever.

    Returns how many rows were settled. Raises NotAllowed, Conflict, FileBusy.
    """
    with _turn():
        row = _locked_held(row, actor)
        candidates = list(Client.objects.filter(Q(pk__in=row.candidate_ids or ()) | Q(pk__in=_ruled_out(row))))
        with audit.acting(actor, channel="import", reference=row.batch_id, reason=reason):
            settled = _run(row.batch, [row], _Settled.NEW, actor, new=row.row_number)
            row.refresh_from_db()
            if row.client is None:
                raise Conflict(f"Row {row.row_number} still cannot be taken in. {row.reason}")
            _remember(row, row.client, actor, reason)
            for candidate in candidates:
                _keep_apart(row.client, candidate, actor, reason)
        return settled + _settle(_asking_the_same(row), _Settled.NEW, actor, reason)


def rule_out(row: ImportRow, client: Client, *, actor: Staff | None, reason: str | None = None) -> int:
    """The held row is not about `client`, now and whenever it comes again. The row stays open; returns how many
    candidates it has left. Raises NotAllowed, Conflict.
    """
    with transaction.atomic():
        row = _locked_held(row, actor)
        if client.pk not in (row.candidate_ids or ()):
            raise Conflict(f"{client} is not a candidate of this row any more.")
        with audit.acting(actor, channel="import", reference=row.batch_id, reason=reason):
            RowAnswer.objects.create(verdict="not_same", client=client, **_about(row, actor, reason))
        for other in _asking_the_same(row).select_for_update(of=("self",)):
            other.candidate_ids = [key for key in other.candidate_ids or () if key != client.pk]
            other.save(update_fields=["candidate_ids"])
        row.refresh_from_db()
        return len(row.candidate_ids)


def fix(row: ImportRow, *, actor: Staff | None, values: Mapping[int, str], reason: str | None = None) -> ImportRow:
    """Correct cells (position → text) and try the row again, with open rows that say the very same. Returns it; it may
    now be held. Raises NotAllowed, Conflict, FileBusy, and Invalid where it is still wrong: then nothing was changed.
    """
    with _turn():
        row = _locked(row, actor)
        alike = list(_saying_the_same(row))
        cells = list(row.cells[: len(row.batch.headers)])
        for position, text in values.items():
            cells[position] = text
        if cells == row.cells:
            raise Invalid({"": ["Nothing was corrected: change a cell, or try the row again as it is."]})
        for each in alike:
            each.cells, each.reason_code = cells, None
        _settle(alike, _Settled.FIXED, actor, reason)
        row.refresh_from_db()
        if row.outcome == "rejected":
            raise Invalid({"": [row.reason]})
        return row


def retry(rows: Iterable[ImportRow], *, actor: Staff | None, reason: str | None = None) -> int:
    """Try open rows again as they are, after what held them was put right. Returns how many are settled now.

    Raises NotAllowed, Conflict, FileBusy.
    """
    with _turn():
        rules.require(actor, "core.answer_rows")
        keys = [row.pk for row in rows]
        return _settle(open_rows().filter(pk__in=keys), _Settled.RETRIED, actor, reason)


def correct_program(source: str, name: str, program: Program, *, actor: Staff | None) -> int:
    """From now on `name` (as programs_named() has it) is how this source writes `program`; every row that this held is
    tried again. Returns how many rows are settled. Raises NotAllowed, Invalid, Conflict, FileBusy.
    """
    rules.require(actor, "core.answer_rows")
    if not fold(name):
        raise Invalid({"name": ["A program name needs a letter or a digit."]})
    with _turn():
        names = limits.settings_of(source).program_names
        kept = {own: key for own, key in names.items() if fold(own) != fold(name)}
        feeds.configure(source, actor=actor, values={"program_names": {**kept, name: str(program.pk)}})
        reader = Reader()
        rows = [row for row in _open_by_program(source) if fold(reader.program(row)) == fold(name)]
        return _settle(rows, _Settled.RETRIED, actor, f"“{name}” is {program}")


def set_aside(rows: Iterable[ImportRow], *, actor: Staff | None, reason: str) -> int:
    """Leave open rows out for good, with the reason in the log. Returns how many. Raises NotAllowed, Invalid."""
    reason = reason.strip()
    keys = [row.pk for row in rows]
    with transaction.atomic():
        rules.require(actor, "core.answer_rows")
        if not reason:
            raise Invalid({"reason": ["Say why the row is set aside."]})
        found = list(open_rows().filter(pk__in=keys).select_for_update(of=("self",)))
        with audit.acting(actor, channel="import", reason=reason):
            RowAnswer.objects.bulk_create(RowAnswer(verdict="aside", **_about(row, actor, reason)) for row in found)
        ImportRow.objects.filter(pk__in=[row.pk for row in found]).update(
            settled_as=_Settled.ASIDE, settled_by=actor, settled_at=timezone.now()
        )
        return len(found)


class Reader:
    """How rows of files are read today; each source's settings are asked once, however many rows there are."""

    def __init__(self) -> None:
        self._sources: dict[str, SourceProfile] = {}

    def columns(self, row: ImportRow) -> tuple[str | None, ...]:
        """Which column of ours each of the row's is; none where such a file would be refused today."""
        source, headers = row.batch.source_system, row.batch.headers or ()
        if source not in self._sources:
            self._sources[source] = profiles.effective(source)
        try:
            return recognise(headers, self._sources[source])
        except FileRefused:
            return (None,) * len(headers)

    def program(self, row: ImportRow) -> str:
        """What the row has for its program, '' where it has none; with its department, where that leads nowhere: of a
        program that we know by name the department of a row decides.
        """
        columns = self.columns(row)
        said = {name: tidy(row.cells[columns.index(name)]) for name in ("program", "department") if name in columns}
        department = said.get("department") if row.reason_code != "unknown_program" else None
        return said_with(said.get("program", ""), department)


def as_read(row: ImportRow) -> dict[str, Any]:
    """Column → what the row's cell means today, as its source is read; without what cannot be read."""
    source = profiles.effective(row.batch.source_system)
    try:
        check = loading.checker(row.batch.headers or (), source).check
    except FileRefused:
        return {}
    width = len(row.batch.headers or ())
    cells = tuple([*row.cells, *[""] * width][:width])
    return {name: value for name, value in check(RawRow(row.row_number, cells)).values.items() if value is not None}


def numbers_by_cause() -> list[tuple[str, str, int]]:
    """(outcome, reason code, open rows), the most first."""
    found = open_rows().order_by().values_list("outcome", "reason_code").annotate(number=Count("pk"))
    return sorted(found, key=lambda cause: (-cause[2], cause[1] or ""))


def programs_named() -> list[tuple[str, str, int]]:
    """(source, what the file has for a program, open rows) of rows whose program leads nowhere, the most first."""
    reader, numbers = Reader(), Counter[tuple[str, str]]()
    for row in open_rows().filter(reason_code__in=PROGRAM_FAULTS):
        numbers[row.batch.source_system, reader.program(row)] += 1
    return sorted(((*key, number) for key, number in numbers.items()), key=lambda found: (-found[2], found[:2]))


@contextmanager
def _turn() -> Iterator[None]:
    """One transaction, while no daily file comes in. What the database refuses becomes a sentence."""
    try:
        with transaction.atomic():
            batches.take_turn("A daily file")
            yield
    except (DataError, IntegrityError, DriverError) as error:
        raise Conflict(f"The database refused this row: {str(error).splitlines()[0]}. Nothing was changed.") from error


def _locked(row: ImportRow, actor: Staff | None) -> ImportRow:
    """The row as it is now, locked. Raises Conflict where it waits no more."""
    rules.require(actor, "core.answer_rows")
    found = open_rows().select_for_update(of=("self",)).filter(pk=row.pk).first()
    if found is None:
        raise Conflict("This row does not wait any more: somebody settled it, or its file was taken back.")
    return found


def _locked_held(row: ImportRow, actor: Staff | None) -> ImportRow:
    found = _locked(row, actor)
    if found.outcome != "held":
        raise Conflict("The data of this row is wrong: correct it first, then it can be said who it is about.")
    return found


def _asking_the_same(row: ImportRow) -> QuerySet[ImportRow]:
    """Open rows that the same answer answers, the row itself included while it is open."""
    if row.answer_key is None:
        return _saying_the_same(row)
    return open_rows().filter(batch__source_system=row.batch.source_system, outcome="held", answer_key=row.answer_key)


def _saying_the_same(row: ImportRow) -> QuerySet[ImportRow]:
    """Open rows with the very same cells: the same row of yesterday's and of today's file."""
    return open_rows().filter(
        batch__source_system=row.batch.source_system, batch__headers=row.batch.headers, cells=row.cells
    )


def _open_by_program(source: str) -> QuerySet[ImportRow]:
    return open_rows().filter(batch__source_system=source, reason_code__in=PROGRAM_FAULTS)


def _about(row: ImportRow, actor: Staff | None, reason: str | None) -> dict[str, object]:
    return {
        "source_system": row.batch.source_system,
        "answer_key": row.answer_key,
        "batch": row.batch,
        "row_number": row.row_number,
        "decided_by": actor,
        "reason": reason,
    }


def _remember(row: ImportRow, client: Client, actor: Staff | None, reason: str | None) -> None:
    """The newest word stands: that it is this client also takes back that it is not."""
    about = _about(row, actor, reason)
    if row.answer_key is None:
        raise Conflict("This row is from before answers were kept: take its file in again, and answer it there.")
    known = {"source_system": row.batch.source_system, "answer_key": row.answer_key}
    RowAnswer.objects.filter(**known, verdict="not_same", client=client).delete()
    RowAnswer.objects.filter(**known, verdict="same").exclude(client=client).delete()
    if not RowAnswer.objects.filter(**known, verdict="same").exists():
        RowAnswer.objects.create(verdict="same", client=client, **about)


def _ruled_out(row: ImportRow) -> QuerySet[RowAnswer]:
    """Keys of the clients whom the row is not about, as somebody said: they are no candidates of it any more."""
    said = RowAnswer.objects.filter(source_system=row.batch.source_system, answer_key=row.answer_key)
    return said.filter(verdict="not_same").values("client")


def _keep_apart(client: Client, other: Client, actor: Staff | None, reason: str | None) -> None:
    first, second = sorted((client.pk, other.pk))
    if client.pk != other.pk and not ClientLink.objects.filter(verdict="not_same", client=first, other=second).exists():
        mark_not_same(client, other, actor=actor, reason=reason)


def _settle(rows: Iterable[ImportRow], how: str, actor: Staff | None, reason: str | None) -> int:
    """Run the rows of each file again, the oldest file first, each on behalf of its batch."""
    by_batch: dict[ImportBatch, list[ImportRow]] = defaultdict(list)
    for row in rows:
        if row.reason_code not in _UNREADABLE:
            by_batch[row.batch].append(row)
    settled = 0
    for batch, found in by_batch.items():
        with audit.acting(actor, channel="import", reference=batch.pk, reason=reason):
            settled += _run(batch, found, how, actor)
    return settled


def _run(batch: ImportBatch, rows: list[ImportRow], how: str, actor: Staff | None, *, new: int | None = None) -> int:
    """The road of a file for these rows: check, stage, link, apply; then what became of them. `new`: the number of the
    row that is a new person. Returns how many wait no more.
    """
    source, width = profiles.effective(batch.source_system), len(batch.headers)
    check = loading.checker(batch.headers, source).check
    last = AuditEntry.objects.aggregate(last=Max("position"))["last"] or 0
    with connection.cursor() as cursor:
        staging.create(cursor)
        checked = (check(RawRow(row.row_number, tuple(row.cells[:width]))) for row in rows)
        staging.load(cursor, (staging.line(row, None) for row in checked))
        staging.index(cursor)
        if new is not None:
            cursor.execute(
                f"UPDATE staging SET client_id = {in_order('row_number')}, road = 'new' "
                "WHERE row_number = %s AND outcome IS NULL",
                [new],
            )
        pipeline.link(cursor, source.name)
        apply_clients(cursor, source.name, batch.pk)
        written = apply_stays(cursor, source.name, batch.pk)
        _give_identifiers(cursor, source.name)
        versions.snapshot(cursor, batch.pk, actor=actor, comment=f"Rejects desk: {batch.file_name}"[:500], after=last)
        settled = _keep(cursor, batch, how, actor)
    _recount(batch, written)
    return settled


def _give_identifiers(cursor: CursorWrapper, source: str) -> None:
    """An identifier that was given out again is the answered client's from now on."""
    cursor.execute(
        """
        UPDATE client_identifiers i SET client_id = s.client_id FROM staging s
        WHERE s.outcome IS NULL AND s.road IN ('answer', 'new') AND i.source_system = %s
          AND i.uid_external = s.uid_external AND i.client_id <> s.client_id
          AND NOT EXISTS (SELECT FROM clients c WHERE c.client_id = i.client_id AND c.linked_to = s.client_id)
        """,
        [source],
    )


def _keep(cursor: CursorWrapper, batch: ImportBatch, how: str, actor: Staff | None) -> int:
    """Write what became of the rows; cells as they came are kept beside corrected ones, evidence stays readable."""
    cursor.execute(
        f"""
        UPDATE import_rows r SET outcome = {staging.OUTCOME}, reason_code = s.reason_code, reason = s.reason,
            note = s.note, client_id = s.client_id, candidate_ids = coalesce(s.candidate_ids, r.candidate_ids),
            score = coalesce(s.score, r.score), evidence = coalesce(s.evidence, r.evidence),
            cells_before = CASE WHEN r.cells <> s.cells THEN coalesce(r.cells_before, r.cells) ELSE r.cells_before END,
            cells = s.cells, answer_key = CASE WHEN s.outcome = 'held' THEN {answers.KEY} ELSE r.answer_key END
        FROM staging s WHERE r.batch_id = %(batch)s AND r.row_number = s.row_number
        """,
        {"batch": batch.pk},
    )
    cursor.execute(
        """
        UPDATE import_rows r SET settled_as = %(how)s, settled_by = %(actor)s, settled_at = now(), candidate_ids = NULL
        FROM staging s WHERE r.batch_id = %(batch)s AND r.row_number = s.row_number
          AND (s.outcome IS NULL OR s.outcome NOT IN ('held', 'rejected'))
        """,
        {"batch": batch.pk, "how": how, "actor": actor and actor.pk},
    )
    return cursor.rowcount


def _recount(batch: ImportBatch, written: Mapping[str, int]) -> None:
    """The summary of the batch counts its rows as they are now."""
    numbers = dict(ImportRow.objects.filter(batch=batch).values_list("outcome").annotate(number=Count("pk")).order_by())
    locked = ImportBatch.objects.select_for_update().get(pk=batch.pk)
    summary = locked.summary or {}
    more = {name: summary.get(name, 0) + number for name, number in written.items()}
    locked.summary = summary | {name: numbers.get(name, 0) for name in OUTCOMES} | more
    locked.save(update_fields=["summary"])
