"""Any order of edits, proposals, decisions, questions and daily files on a few records.

The machine keeps its own picture of what every value must be, of every entry the log must have gained, and of every
decided proposal. After each step the database must agree: a canonical value changes only by a direct edit of someone
entitled, an approved field, or a file; each change has exactly one entry with the right actor and road; a decided
proposal never moves again.
"""

from collections.abc import Callable, Collection
from datetime import date
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from core import approvals, audit, records
from core.errors import Conflict, Invalid, NotAllowed
from core.ingest import pipeline
from core.models import AuditEntry, Client, ClientIdentifier, Enrollment, PendingChange, Program, Staff

VALUES: dict[str, tuple[Any, ...]] = {
    "preferred_name": (None, "Mina", "Ama"),
    "race": (None, "Black", "White"),
    "gender": ("Woman", "Man", "Non-binary"),
}
DAYS = (None, date(2024, 6, 1), date(2024, 7, 1))
BY_FILE = ("preferred_name", "race", "gender")
WATCHED = ("clients", "client_program_enrollments", "pending_changes", "proposal_notes")
DIRECT, PROPOSING = ("coordinator", "administrator", "both"), ("manager", "leader", "both")
EVERYONE = ("coordinator", "administrator", "both", "manager", "leader", "analyst", "worker")
# Those who may decide are drawn more often than those who may not: refusals are quick to find.
DECIDING = (*DIRECT[:2] * 5, *EVERYONE)
ASKING = (*PROPOSING * 3, *EVERYONE)
latest = st.integers(0, 5)

Slot = tuple[int, str]
people_of = st.sampled_from
slots = st.one_of(
    st.tuples(st.integers(0, 1), st.sampled_from(sorted(VALUES))), st.tuples(st.just(2), st.just("end_date"))
)


def shown(value: Any) -> Any:
    """As it stands in a diff."""
    return value.isoformat() if isinstance(value, date) else value


class Desk(RuleBasedStateMachine):
    """Two clients, the enrollment of the first, and everyone who may or may not touch them."""

    def __init__(self, people: dict[str, Staff], shelter: Program) -> None:
        super().__init__()
        self.people = people
        self.point = transaction.atomic()
        self.point.__enter__()
        with audit.acting(None, channel="command"):
            first, second = (
                Client.objects.create(
                    first_name=name, last_name="Test", dob=date(1990, 4, day), gender="Woman", uid_external=uid
                )
                for name, day, uid in (("Amina", 2, "S-0"), ("Ines", 9, "S-1"))
            )
            stay = Enrollment.objects.create(client=first, program=shelter, start_date=date(2024, 1, 1))
            for number, client in enumerate((first, second)):
                ClientIdentifier.objects.create(client=client, source_system="SMIS", uid_external=f"S-{number}")
        self.records: tuple[Any, ...] = (first, second, stay)
        self.values: dict[Slot, Any] = {(n, f): None for n in (0, 1) for f in VALUES} | {(2, "end_date"): None}
        self.values |= {(0, "gender"): "Woman", (1, "gender"): "Woman"}
        self.edited: set[Slot] = set()
        self.changes: list[PendingChange] = []
        self.decided: dict[Any, dict[str, Any]] = {}
        self.position = AuditEntry.objects.latest("position").position
        self.expected: list[tuple] = []

    def teardown(self) -> None:
        transaction.set_rollback(True)
        self.point.__exit__(None, None, None)

    # What people do

    @rule(who=people_of(DECIDING), slot=slots, choice=st.integers(0, 2))
    def edit(self, who: str, slot: Slot, choice: int) -> None:
        self._edit(who, slot, choice)

    @rule(who=people_of(ASKING), slot=slots, choice=st.integers(0, 2), also=st.sampled_from(sorted(VALUES)))
    def propose(self, who: str, slot: Slot, choice: int, also: str) -> None:
        wanted = {slot[1]: self._value(slot, choice)}
        if slot[0] != 2:
            wanted |= {also: self._value((slot[0], also), choice)}
        differs = {name for name, value in wanted.items() if self.values[slot[0], name] != value}
        refusal = NotAllowed if who not in PROPOSING else None if differs else Invalid
        if refusal is None and self._asked_already(who, slot, {name: wanted[name] for name in differs}):
            refusal = Conflict
        sent: list[PendingChange] = []

        def act() -> None:
            sent.append(approvals.propose(self._record(slot), actor=self.people[who], values=wanted, reason="Asked"))

        if self._goes_through(act, refusal):
            assert set(sent[0].after) == differs
            self.changes += sent
            self._logged("pending_changes", sent[0].pk, "create", who, "approval")

    @precondition(lambda self: self.changes)
    @rule(who=people_of(DECIDING), number=latest, only=st.integers(0, 3), seen=st.booleans())
    def approve(self, who: str, number: int, only: int, seen: bool) -> None:
        self._approve(who, self._change(number), only, seen)

    @precondition(lambda self: self.changes)
    @rule(
        who=people_of(DIRECT),
        by=people_of(DECIDING),
        number=latest,
        choice=st.integers(0, 2),
        only=st.integers(0, 3),
        seen=st.booleans(),
    )
    def approve_what_moved(self, who: str, by: str, number: int, choice: int, only: int, seen: bool) -> None:
        """The very field that a proposal is about is edited just before."""
        change = self._change(number)
        self._edit(who, (self._at(change), min(change.after)), choice)
        self._approve(by, change, only, seen)

    @precondition(lambda self: self.changes)
    @rule(who=people_of(DECIDING), number=latest, rationale=st.sampled_from(["", "Not confirmed"]))
    def decline(self, who: str, number: int, rationale: str) -> None:
        change = self._change(number)
        refusal = self._refusal(change, who) or (None if rationale else Invalid)
        if self._goes_through(lambda: approvals.decline(change, actor=self.people[who], rationale=rationale), refusal):
            self._decide(change, who)

    @precondition(lambda self: self.changes)
    @rule(who=people_of(ASKING), number=latest)
    def withdraw(self, who: str, number: int) -> None:
        change = self._change(number)
        refusal = self._seen(change, who) or self._over(change)
        if not refusal and change.requested_by != self.people[who]:
            refusal = NotAllowed
        if self._goes_through(lambda: approvals.withdraw(change, actor=self.people[who]), refusal):
            self._decide(change, who)

    @precondition(lambda self: self.changes)
    @rule(who=people_of(DECIDING), number=latest)
    def send_back(self, who: str, number: int) -> None:
        change = self._change(number)
        refusal = self._refusal(change, who) or (Conflict if change.is_sent_back else None)
        if self._goes_through(lambda: approvals.send_back(change, actor=self.people[who], question="Why?"), refusal):
            self._said(change, who)

    @precondition(lambda self: any(change.is_sent_back for change in self.changes[-3:]))
    @rule(who=people_of(ASKING), number=latest)
    def answer(self, who: str, number: int) -> None:
        change = self._change(number)
        refusal = self._seen(change, who) or self._over(change)
        if not refusal and change.requested_by != self.people[who]:
            refusal = NotAllowed
        refusal = refusal or (None if change.is_sent_back else Conflict)
        if self._goes_through(lambda: approvals.answer(change, actor=self.people[who], answer="So"), refusal):
            self._said(change, who)

    @rule(number=st.integers(0, 1), choices=st.tuples(*[st.integers(0, 2)] * len(BY_FILE)))
    def ingest(self, number: int, choices: tuple[int, ...]) -> None:
        """A person's value is kept, a blank erases nothing, the rest is the file's."""
        values = {name: VALUES[name][choice] for name, choice in zip(BY_FILE, choices, strict=True)}
        client = self.records[number]
        cells = [f"S-{number}", client.first_name, client.last_name, client.dob.isoformat(), *values.values()]
        header = ",".join(("uid_external", "first_name", "last_name", "dob", *BY_FILE))
        content = f"{header}\n{','.join(cell or '' for cell in cells)}\n".encode()
        options = pipeline.Options(repeat=True, writes_files=False)
        report = pipeline.take(content, file_name="s.csv", source="SMIS", actor=None, options=options)
        assert report.outcomes.get("updated", 0) + report.outcomes.get("unchanged", 0) == 1
        written = [
            name
            for name, value in values.items()
            if value and (number, name) not in self.edited and self.values[number, name] != value
        ]
        for name in written:
            self.values[number, name] = values[name]
        if written:
            self._expect(number, "update", None, "import")

    # What must hold after each step

    @invariant()
    def the_records_are_as_expected(self) -> None:
        for number, record in enumerate(self.records):
            names = [name for at, name in self.values if at == number]
            row = type(record).objects.filter(pk=record.pk).values(*names).get()
            assert row == {name: self.values[number, name] for name in names}

    @invariant()
    def the_log_gained_exactly_what_happened(self) -> None:
        new = AuditEntry.objects.filter(position__gt=self.position, entity__in=WATCHED).order_by("position")
        assert [(e.entity, e.entity_id, e.action, e.changed_by_id, e.channel) for e in new] == self.expected
        self.expected = []
        self.position = AuditEntry.objects.latest("position").position

    @invariant()
    def what_was_decided_stays(self) -> None:
        rows = PendingChange.objects.filter(pk__in=self.decided).values()
        assert {row["change_id"]: row for row in rows} == self.decided

    # The picture

    def _edit(self, who: str, slot: Slot, choice: int) -> None:
        value = self._value(slot, choice)

        def act() -> None:
            records.change(self._record(slot), actor=self.people[who], values={slot[1]: value})

        if self._goes_through(act, None if who in DIRECT else NotAllowed) and self.values[slot] != value:
            self._set(slot, value)
            self._expect(slot[0], "update", who, "admin")

    def _approve(self, who: str, change: PendingChange, only: int, seen: bool) -> None:
        names = sorted(change.after)
        fields = None if only >= len(names) else {names[only]}
        moved = self._moved(change, fields or set(names))
        accepted = {c.name: c.seen for c in approvals.compare(change) if c.is_stale} if seen else {}
        refusal = self._refusal(change, who) or (approvals.Stale if moved and not seen else None)

        def act() -> None:
            approvals.approve(change, actor=self.people[who], fields=fields, accept_stale=accepted)

        if not self._goes_through(act, refusal):
            return
        self._write(change, fields or set(names), who)
        self._decide(change, who)

    def _record(self, slot: Slot) -> Any:
        return self.records[slot[0]]

    def _value(self, slot: Slot, choice: int) -> Any:
        return DAYS[choice] if slot[0] == 2 else VALUES[slot[1]][choice]

    def _set(self, slot: Slot, value: Any) -> None:
        self.values[slot] = value
        self.edited.add(slot)

    def _change(self, number: int) -> PendingChange:
        """One of the last that wait, now and then the last that was decided."""
        waiting = [change for change in self.changes if change.pk not in self.decided]
        pool = (waiting[-3:] or self.changes[-1:]) * 2 + [c for c in self.changes if c.pk in self.decided][-1:]
        change = pool[number % len(pool)]
        change.refresh_from_db()
        return change

    def _at(self, change: PendingChange) -> int:
        return next(n for n, record in enumerate(self.records) if record.pk == change.entity_id)

    def _moved(self, change: PendingChange, names: Collection[str]) -> set[str]:
        """Fields that are now neither as when proposed nor as proposed."""
        now = {name: shown(self.values[self._at(change), name]) for name in names}
        return {name for name in names if now[name] not in (change.before[name], change.after[name])}

    def _seen(self, change: PendingChange, who: str) -> type[Exception] | None:
        may = who in DIRECT or (who in PROPOSING and change.requested_by == self.people[who])
        return None if may else NotAllowed

    def _over(self, change: PendingChange) -> type[Exception] | None:
        return Conflict if change.pk in self.decided else None

    def _refusal(self, change: PendingChange, who: str) -> type[Exception] | None:
        """Why this person may not decide on it."""
        found = self._seen(change, who) or self._over(change)
        own = change.requested_by == self.people[who]
        return found or (NotAllowed if own or who not in DIRECT else None)

    def _asked_already(self, who: str, slot: Slot, wanted: dict[str, object]) -> bool:
        """They sent exactly this about this record, and it waits."""
        told = {name: value.isoformat() if isinstance(value, date) else value for name, value in wanted.items()}
        waiting = [change for change in self.changes if change.pk not in self.decided]
        key = self._record(slot).pk
        return any((c.requested_by, c.entity_id, c.after) == (self.people[who], key, told) for c in waiting)

    def _goes_through(self, act: Callable[[], object], refusal: type[Exception] | None) -> bool:
        if refusal is None:
            act()
            return True
        with pytest.raises(refusal):
            act()
        return False

    def _write(self, change: PendingChange, names: Collection[str], who: str) -> None:
        at, written = self._at(change), False
        for name in names:
            value = change.after[name]
            value = date.fromisoformat(value) if name == "end_date" and value else value
            if self.values[at, name] != value:
                self._set((at, name), value)
                written = True
        if written:
            self._expect(at, "update", who, "approval")

    def _decide(self, change: PendingChange, who: str) -> None:
        self.decided[change.pk] = PendingChange.objects.filter(pk=change.pk).values().get()
        self._logged("pending_changes", change.pk, "update", who, "approval")

    def _said(self, change: PendingChange, who: str) -> None:
        self._logged("proposal_notes", change.notes.last().pk, "create", who, "approval")
        self._logged("pending_changes", change.pk, "update", who, "approval")

    def _expect(self, at: int, action: str, who: str | None, channel: str) -> None:
        self._logged(self.records[at]._meta.db_table, self.records[at].pk, action, who, channel)

    def _logged(self, table: str, key: Any, action: str, who: str | None, channel: str) -> None:
        self.expected.append((table, key, action, self.people[who].pk if who else None, channel))


@pytest.mark.slow
@pytest.mark.django_db
def test_any_order_of_events_keeps_records_log_and_decisions_true(
    person: Callable[..., Staff], shelter: Program, request: pytest.FixtureRequest
) -> None:
    names = ("coordinator", "administrator", "manager", "leader", "analyst", "worker")
    people = {name: request.getfixturevalue(name) for name in names}
    people["both"] = person("Manager", "Client Data Coordinator")
    run_state_machine_as_test(
        lambda: Desk(people, shelter),
        settings=settings(
            max_examples=30,
            stateful_step_count=30,
            deadline=None,
            derandomize=True,
            database=None,
            phases=(Phase.explicit, Phase.generate, Phase.shrink),
            suppress_health_check=list(HealthCheck),
        ),
    )
