"""Asking back: a proposal is sent back with a question, and waits for the answer of the one who asked.

Its content stays as it was sent; who wants something else withdraws it and proposes that.
"""

from collections.abc import Callable

from core import audit, rules
from core.approvals import telling
from core.approvals.deciding import require_decider, road
from core.approvals.locking import lock_waiting, retried
from core.choices import ANSWER, QUESTION
from core.errors import Conflict, Invalid, NotAllowed
from core.models import PendingChange, ProposalNote, Staff


def send_back(change: PendingChange, *, actor: Staff, question: str) -> PendingChange:
    """Ask the requester for more information. It stays undecided; others may still decide on it.

    Raises NotAllowed (never one's own), Conflict (decided, or sent back already), Invalid without a question, Busy.
    """

    def act(locked: PendingChange) -> None:
        require_decider(actor, locked)
        if locked.is_sent_back:
            raise Conflict(f"This was sent back already and waits for an answer of {locked.requested_by}.")
        _say(locked, actor, QUESTION, question, "Say what you need to know: the person who asked reads it.")

    return retried(lambda: _noted(change, actor, act))


def answer(change: PendingChange, *, actor: Staff, answer: str) -> PendingChange:
    """Answer the question; the proposal waits for a decision again. Raises NotAllowed, Conflict, Invalid, Busy."""

    def act(locked: PendingChange) -> None:
        rules.require(actor, "core.answer_change", locked)
        if not locked.is_sent_back:
            raise Conflict("Nothing was asked that is not answered already.")
        _say(locked, actor, ANSWER, answer, "Write the answer: the coordinator reads it.")

    return retried(lambda: _noted(change, actor, act))


def _noted(change: PendingChange, actor: Staff, act: Callable[[PendingChange], None]) -> PendingChange:
    with audit.acting(actor, **road(change, "")):
        found = lock_waiting([change.pk], actor)
        if not found:
            raise NotAllowed("You have no right to do this.")
        act(found[0])
        telling.after_commit(found[0])
        return found[0]


def _say(change: PendingChange, author: Staff, kind: str, text: str, missing: str) -> None:
    if not text.strip():
        raise Invalid({kind: [missing]})
    ProposalNote.objects.create(change=change, author=author, kind=kind, text=text.strip())
    change.is_sent_back = kind == QUESTION
    change.save(update_fields=["is_sent_back"])
