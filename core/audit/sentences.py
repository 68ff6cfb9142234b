"""What people read of the log: who did what, when, by which road and why, with the values before and after in words.

Names are found when reading, with a number of queries that does not grow with the entries. Nothing is said of a
record the viewer may not see: a name becomes its kind ("a client"), an entry only says that such a record changed.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db import models
from django.utils.text import capfirst

from core import rules
from core.audit.phrases import ANY_PROPOSAL, ENDINGS, MADE, PHRASES, PROPOSALS, TURNS
from core.audit.words import EMPTY, Names, Wanted, field_of, keys_in, label_of, model_of, readable
from core.choices import SCOPE_ORG
from core.models import AuditEntry, ClientAssignment, PendingChange, Staff

SYSTEM: Final = "System"
# Tables without a single key are logged under their owner's.
_OWNERS: Final = {
    "program_staff": "program_id",
    "staff_roles": "staff_id",
    "staff_groups": "staff_id",
    "staff_user_permissions": "staff_id",
}
# Of a new proposal: what the sentence and its fields say already.
_SAID_ALREADY: Final = frozenset(
    ("entity", "entity_id", "kind", "diff_json", "group_id", "client_id", "status", "withdrawn", "is_sent_back")
    + ("requested_by", "requested_at")
)
# What the sentence says already, or says nothing to people: guardian's name of the right.
_DULL: Final = {ClientAssignment: ("user_id", "permission_id", "client_id")}

_SUMMARY: Final = (
    "source_system",
    "file_name",
    "rows",
    "created",
    "updated",
    "unchanged",
    "duplicate",
    "held",
    "rejected",
) + ("intakes", "enrollments", "discharges", "seconds", "rows_per_second")

Values = Mapping[str, Any]


@dataclass(frozen=True)
class Line:
    """One field: its name for people, the value before and after."""

    label: str
    before: str
    after: str


@dataclass(frozen=True)
class Reading:
    """One entry as people read it. `record` is (model, key) where the viewer may see the record and it still exists."""

    entry: AuditEntry
    who: str
    asked_by: str | None
    when: datetime
    road: str
    what: str
    reason: str | None
    lines: list[Line] = field(default_factory=list)
    record: tuple[type[models.Model], UUID] | None = None

    @property
    def is_approved(self) -> bool:
        """A record was written because a second person agreed."""
        return bool(self.asked_by) and self.entry.channel == "approval" and self.road != "Proposal"


def read(entries: Iterable[AuditEntry], *, viewer: Staff) -> list[Reading]:
    """The entries the viewer may see, in the order given, as people read them."""
    given = list(entries)
    visible = rules.visible_to(viewer, AuditEntry).filter(pk__in=[entry.pk for entry in given])
    allowed = set(visible.values_list("pk", flat=True))
    page = _Page([entry for entry in given if entry.pk in allowed], viewer)
    return [page.reading(entry) for entry in page.entries]


def about(changes: Iterable[PendingChange], *, viewer: Staff) -> dict[UUID, str]:
    """What each proposal is about, as a title ("Change client Amina Yusuf"), by its key. The viewer may see them."""
    given = list(changes)
    page = _Page([], viewer, given)
    return {change.pk: capfirst(page.proposal(_values(change))) for change in given}


class _Page:
    """A page of entries, or of proposals, with the records and names they speak of."""

    def __init__(self, entries: list[AuditEntry], viewer: Staff, proposals: Iterable[PendingChange] = ()) -> None:
        self.entries = entries
        self.rows: dict[tuple[str, str], Values] = {("pending_changes", str(c.pk)): _values(c) for c in proposals}
        self.linked: set[tuple[str, str]] = set()
        self.masked: set[tuple[str, str]] = set()
        self._look_up(viewer, _keys_by_table((e.entity, e.entity_id) for e in entries))
        targets = _keys_by_table((row["entity"], row["entity_id"]) for row in self._proposals())
        self._look_up(viewer, {table: keys - self._known(table) for table, keys in targets.items()})
        self.names = Names(viewer, self._wanted())

    def _proposals(self) -> list[Values]:
        return [row for (table, _), row in self.rows.items() if table == "pending_changes"]

    def _known(self, table: str) -> set[str]:
        return {key for found, key in self.rows if found == table}

    def _look_up(self, viewer: Staff, keys: Mapping[str, set[str]]) -> None:
        """Rows as they are now. Who reads the whole log reads of every row what the log says of it anyway."""
        reads_all = rules.has_role(viewer, rules.EXPORTING)
        for table, wanted in keys.items():
            model = model_of(table)
            if model is None or table in _OWNERS or not wanted:
                continue
            seen = {str(row.pk): row for row in rules.visible_to(viewer, model).filter(pk__in=wanted)}
            missing = wanted - set(seen)
            others = {str(row.pk): row for row in model._default_manager.filter(pk__in=missing)} if missing else {}
            self.linked |= {(table, key) for key in seen}
            if reads_all:
                seen |= others
            else:
                self.masked |= {(table, key) for key in others}
            self.rows |= {(table, key): _values(row) for key, row in seen.items()}

    def _wanted(self) -> Wanted:
        wanted: Wanted = defaultdict(set)
        for entry in self.entries:
            wanted[Staff] |= {str(key) for key in (entry.changed_by_id, entry.requested_by_id) if key}
        for table, values in self._mentioned():
            model = model_of(table)
            for related, keys in keys_in(model, values).items() if model else ():
                wanted[related] |= keys
        return wanted

    def _mentioned(self) -> Iterator[tuple[str, Values]]:
        """Every set of values that may be spoken of, with its table."""
        proposals = self._proposals()
        for entry in self.entries:
            before, after = _diff(entry.diff_json)
            values = self._all(entry)
            yield from ((entry.entity, before), (entry.entity, after), (entry.entity, values))
            if entry.entity == "pending_changes":
                proposals.append(values)
        for proposal in proposals:
            table, (before, after) = proposal.get("entity", ""), _diff(proposal.get("diff_json"))
            yield from ((table, before), (table, after), (table, self._target(proposal)))

    def _all(self, entry: AuditEntry) -> Values:
        """The row as it is now, overlaid with what the entry says."""
        before, after = _diff(entry.diff_json)
        owner = {_OWNERS[entry.entity]: entry.entity_id} if entry.entity in _OWNERS else {}
        return {**owner, **self.rows.get((entry.entity, str(entry.entity_id)), {}), **before, **after}

    def _target(self, proposal: Values) -> Values:
        """What a proposal is about: the row as it is now, or as it was proposed."""
        before, after = _diff(proposal.get("diff_json"))
        row = self.rows.get((proposal.get("entity", ""), str(proposal.get("entity_id"))), {})
        return {**after, **before, **row}

    def reading(self, entry: AuditEntry) -> Reading:
        """One entry in words."""
        key = (entry.entity, str(entry.entity_id))
        hidden = key in self.masked
        asked = entry.requested_by_id if entry.requested_by_id != entry.changed_by_id else None
        return Reading(
            entry=entry,
            who=self.names.of(Staff, entry.changed_by_id) if entry.changed_by_id else SYSTEM,
            asked_by=self.names.of(Staff, asked) if asked else None,
            when=entry.changed_at,
            road="Proposal" if entry.entity in ("pending_changes", "proposal_notes") else entry.get_channel_display(),
            what=f"{entry.get_action_display()} {_a_record(entry.entity)}" if hidden else self._sentence(entry),
            reason=None if hidden else entry.reason,
            lines=[] if hidden else self._lines(entry),
            record=(model_of(entry.entity), entry.entity_id) if key in self.linked else None,
        )

    def _sentence(self, entry: AuditEntry) -> str:
        values = self._all(entry)
        words = self._words(entry.entity, values)
        if entry.entity == "pending_changes":
            words["proposal"] = self.proposal(values)
        return _phrase(entry, words).format_map(words)

    def proposal(self, values: Values) -> str:
        """What a proposal wants: "change client Amina Yusuf"."""
        table = values.get("entity", "")
        made, changed, removed = PROPOSALS.get(table, ANY_PROPOSAL)
        _, after = _diff(values.get("diff_json"))
        if table in ENDINGS and set(after) == {"end_date"} and after["end_date"]:
            changed = ENDINGS[table]
        phrase = {"create": made, "delete": removed}.get(values.get("kind", ""), changed)
        return phrase.format_map(self._words(table, self._target(values)))

    def _words(self, table: str, values: Values) -> "_Words":
        model = model_of(table)
        words = _Words()
        for column, value in values.items():
            words[column.removesuffix("_id")] = readable(model, column, value, self.names)
        words["name"] = _name(values) or _a_record(table)
        words["where"] = "the whole organization" if values.get("scope") == SCOPE_ORG else words["program"]
        return words

    def _lines(self, entry: AuditEntry) -> list[Line]:
        before, after = _diff(entry.diff_json)
        if entry.action == "import":
            return self._compared(entry.entity, {}, _summary(after))
        if entry.entity != "pending_changes" or entry.action != "create":
            return self._compared(entry.entity, before, after)
        inner = self._compared(after.get("entity", ""), *_diff(after.get("diff_json")))
        rest = {column: value for column, value in after.items() if column not in _SAID_ALREADY}
        return inner + self._compared(entry.entity, {}, rest)

    def _compared(self, table: str, before: Values, after: Values) -> list[Line]:
        """A line per field, in the order of the model."""
        model = model_of(table)
        return [
            Line(
                label=label_of(model, column),
                before=readable(model, column, before.get(column), self.names),
                after=readable(model, column, after.get(column), self.names),
            )
            for column in _ordered(model, {**before, **after})
        ]


class _Words(dict[str, str]):
    """Placeholders; what is not known is its kind where it is a record, else a dash."""

    def __missing__(self, name: str) -> str:
        kinds = {"client": "a client", "other": "a client", "program": "a program", "staff": "a staff member"}
        return kinds.get(name, EMPTY)


def _phrase(entry: AuditEntry, words: Mapping[str, str]) -> str:
    got = (entry.diff_json.get("after") or {}) if entry.action in ("update", "create") else {}
    turns = TURNS if entry.action == "update" else MADE if entry.action == "create" else ()
    for table, column, value, phrase in turns:
        filled = got.get(column) is not None and value in (None, words[column.removesuffix("_id")])
        if table == entry.entity and filled:
            return phrase
    created, changed, deleted = PHRASES.get(entry.entity, ("Added {name}", "Changed {name}", "Deleted {name}"))
    return {"create": created, "delete": deleted}.get(entry.action, changed)


def _name(values: Values) -> str:
    """A person's name or the record's own."""
    person = f"{values.get('first_name') or ''} {values.get('last_name') or ''}".strip()
    return person or str(values.get("name") or "")


def _a_record(table: str) -> str:
    model = model_of(table)
    name = str(model._meta.verbose_name) if model else "record"
    return f"{'an' if name[0] in 'aeiou' else 'a'} {name}"


def _diff(diff: Any) -> tuple[Values, Values]:
    """Before and after; a proposal written by hand may hold anything."""
    if not isinstance(diff, Mapping):
        return {}, {}
    before, after = diff.get("before"), diff.get("after")
    return (before if isinstance(before, Mapping) else {}, after if isinstance(after, Mapping) else {})


def _summary(after: Values) -> Values:
    """The counts of a daily file in their order; where its rejects lie on the server says nothing to people."""
    known = {name: after[name] for name in _SUMMARY if name in after}
    return known | {name: value for name, value in after.items() if name not in {*_SUMMARY, "rejects_file"}}


def _ordered(model: type[models.Model] | None, values: Values) -> list[str]:
    """Columns worth reading, in the order of the model; keys and times of creation say nothing to people."""
    if model is None:
        return list(values)
    order = {f.column: number for number, f in enumerate(model._meta.concrete_fields)}
    dull = {model._meta.pk.name, getattr(model._meta.pk, "column", ""), "created_at", *_DULL.get(model, ())}
    columns = [column for column in values if column not in dull and not _is_bare_key(model, column)]
    return sorted(columns, key=lambda column: order.get(column, len(order)))


def _is_bare_key(model: type[models.Model], column: str) -> bool:
    """A key that stands for no record people could be told about."""
    found = field_of(model, column)
    return isinstance(found, models.UUIDField) and (model, column) != (PendingChange, "client_id")


def _values(row: models.Model) -> Values:
    return {f.column: f.value_from_object(row) for f in row._meta.concrete_fields}


def _keys_by_table(pairs: Iterable[tuple[str, UUID | None]]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for table, key in pairs:
        if key is not None:
            found[table].add(str(key))
    return found
