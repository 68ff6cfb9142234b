"""Many people deciding at once: exactly one decision counts, nothing deadlocks, no one sees the database's words."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import OperationalError, connection, transaction

from core import approvals, audit
from core.approvals import Draft, locking
from core.errors import Busy, CCDError, Conflict
from core.models import AuditEntry, Client, PendingChange, Staff

ROUNDS = 200
CROWD = 8

Act = Callable[[Staff], object]


@pytest.fixture
def people(person: Callable[..., Staff]) -> list[Staff]:
    return [person("Client Data Coordinator") for _ in range(CROWD)]


@pytest.fixture
def crowd(people: list[Staff]) -> Iterator[Callable[[list[Act]], list[str]]]:
    """crowd(acts): everyone does theirs at the same moment; what each was told, "done" where it counted."""
    barrier = Barrier(CROWD)

    def press(actor: Staff, act: Act) -> str:
        barrier.wait(30)
        try:
            act(actor)
        except Conflict as told:
            return str(told)
        return "done"

    with ThreadPoolExecutor(CROWD) as pool:
        yield lambda acts: list(pool.map(press, people, acts, timeout=120))
        leaving = Barrier(CROWD)

        def leave(_: int) -> None:
            leaving.wait(30)
            connection.close()

        list(pool.map(leave, range(CROWD)))


@pytest.fixture
def pair(transactional_db: None) -> tuple[Client, Client]:
    with audit.acting(None, channel="command"):
        first, second = (Client.objects.create(first_name=name, last_name="Test", alias="0") for name in ("A", "B"))
    return first, second


def proposed(manager: Staff, *wanted: tuple[Client, str, str, str]) -> list[PendingChange]:
    """One submission: (client, field, value now, value proposed) each."""
    with audit.acting(manager, channel="approval"):
        return [
            PendingChange.objects.create(
                entity="clients",
                entity_id=client.pk,
                client_id=client.pk,
                requested_by=manager,
                diff_json={"before": {field: before}, "after": {field: after}},
            )
            for client, field, before, after in wanted
        ]


def mark() -> int:
    return AuditEntry.objects.latest("position").position


def logged(since: int) -> list[tuple[str, str]]:
    entries = AuditEntry.objects.filter(position__gt=since).order_by("position")
    return list(entries.values_list("entity", "action"))


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_of_many_who_decide_at_once_exactly_one_does_and_the_others_are_told_who(
    crowd: Callable, people: list[Staff], pair: tuple[Client, Client], manager: Staff
) -> None:
    """Half of the rounds eight approve, in the other half four approve and four decline."""
    client = pair[0]
    for number in range(1, ROUNDS + 1):
        now = Client.objects.get(pk=client.pk).alias
        [change] = proposed(manager, (client, "alias", now, str(number)))
        since = mark()
        approve = lambda actor, change=change: approvals.approve(change, actor=actor)  # noqa: E731
        decline = lambda actor, change=change: approvals.decline(change, actor=actor, rationale="No")  # noqa: E731
        told = crowd([approve] * CROWD if number % 2 else [approve, decline] * (CROWD // 2))

        assert told.count("done") == 1, (number, told)
        winner = people[told.index("done")]
        change.refresh_from_db()
        assert change.reviewed_by == winner
        assert {line for line in told if line != "done"} == {locking.who_was_faster(change)}
        assert str(winner) in locking.who_was_faster(change)
        if change.status == "approved":
            assert logged(since) == [("clients", "update"), ("pending_changes", "update")]
            assert Client.objects.get(pk=client.pk).alias == str(number)
        else:
            assert logged(since) == [("pending_changes", "update")]
            assert Client.objects.get(pk=client.pk).alias == now


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_groups_that_touch_the_same_clients_the_other_way_round_do_not_deadlock(
    crowd: Callable, pair: tuple[Client, Client], manager: Staff, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every decision takes, at its first attempt."""
    first, second = pair
    monkeypatch.setattr(locking, "_ATTEMPTS", 1)  # a deadlock would be said, not tried again
    for number in range(ROUNDS // CROWD):
        groups = []
        for turn in range(CROWD):
            one, other = (first, second) if turn % 2 else (second, first)
            field = ("alias", "preferred_name", "gender", "race")[turn // 2]
            values = [str(getattr(Client.objects.get(pk=c.pk), field) or "") or None for c in (one, other)]
            wanted = f"{number}"
            groups.append(proposed(manager, (one, field, values[0], wanted), (other, field, values[1], wanted)))
        acts = [lambda actor, group=group: approvals.approve_group(group, actor=actor) for group in groups]
        told = crowd(acts)
        assert told == ["done"] * CROWD, told


class _Deadlock(Exception):
    sqlstate = "40P01"


class _Serialization(Exception):
    sqlstate = "40001"


def _failing(times: int, cause: Exception) -> tuple[Callable[[], str], list[int]]:
    calls: list[int] = []

    def act() -> str:
        calls.append(1)
        if len(calls) <= times:
            raise OperationalError("could not serialize access") from cause
        return "done"

    return act, calls


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("cause", [_Deadlock(), _Serialization()])
def test_what_the_database_took_back_is_tried_three_times_and_then_said_in_words(cause: Exception) -> None:
    act, calls = _failing(2, cause)
    assert locking.retried(act) == "done"
    assert len(calls) == 3
    act, calls = _failing(3, cause)
    with pytest.raises(Busy, match="Nothing was written; try again"):
        locking.retried(act)
    assert len(calls) == 3
    assert issubclass(Busy, CCDError)


@pytest.mark.django_db(transaction=True)
def test_what_is_no_such_thing_is_not_tried_again() -> None:
    act, calls = _failing(1, Exception())
    with pytest.raises(OperationalError):
        locking.retried(act)
    assert len(calls) == 1


@pytest.mark.django_db
def test_within_a_longer_transaction_a_deadlock_is_left_to_it() -> None:
    act, calls = _failing(1, _Deadlock())
    with transaction.atomic(), pytest.raises(OperationalError):
        locking.retried(act)
    assert len(calls) == 1


@pytest.mark.django_db(transaction=True)
def test_an_approval_that_cannot_be_serialized_is_done_all_the_same(
    pair: tuple[Client, Client], manager: Staff, people: list[Staff]
) -> None:
    """Real ones: the transaction is REPEATABLE READ and someone else changes the record after its snapshot."""
    client = pair[0]
    [change] = proposed(manager, (client, "alias", "0", "wanted"))
    attempts: list[int] = []

    def between(execute: Callable, sql: str, params: object, many: bool, context: dict) -> object:
        if 'FROM "clients"' in sql and "FOR NO KEY UPDATE" in sql and not attempts:
            attempts.append(1)
            with ThreadPoolExecutor(1) as pool:
                pool.submit(_directly, client).result()
        return execute(sql, params, many, context)

    with connection.cursor() as cursor:
        cursor.execute("SET default_transaction_isolation = 'repeatable read'")
    with connection.execute_wrapper(between):
        approvals.approve(change, actor=people[0])
    assert attempts == [1]
    client.refresh_from_db()
    assert (client.alias, client.gender) == ("wanted", "Man")


def _directly(client: Client) -> None:
    with audit.acting(None, channel="command"):
        Client.objects.filter(pk=client.pk).update(gender="Man")
    connection.close()


def test_of_two_clicks_at_one_moment_one_proposal_comes(
    person: Callable[..., Staff], pair: tuple[Client, Client]
) -> None:
    manager, barrier = person("Manager"), Barrier(2)
    newcomer = Draft(Client, None, {"first_name": "Once", "last_name": "Only"})

    def click() -> str:
        connection.ensure_connection()
        barrier.wait(30)
        try:
            approvals.submit([newcomer], actor=manager, reason="Asked")
        except Conflict as told:
            return str(told)
        finally:
            connection.close()
        return "sent"

    for number in range(10):
        with ThreadPoolExecutor(2) as pool:
            said = sorted(job.result(timeout=60) for job in [pool.submit(click) for _ in range(2)])
        assert said == ["You have proposed the same already; it waits for approval.", "sent"], number
        approvals.withdraw(PendingChange.objects.get(status="pending"), actor=manager)
