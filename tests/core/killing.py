"""`python -m tests.core.killing CHANGE ACTOR`: approve again and again, each time killed one statement later.

Every attempt is a process of its own, forked before any connection is made; it ends by SIGKILL before its n-th
statement, or before its commit. Prints for each n whether the proposal was decided then; the last, not killed, is.
"""

import os
import signal
import sys
from collections.abc import Callable
from typing import Any

import django

if __name__ == "__main__":
    django.setup()

from django.db import connection, transaction

from core import approvals
from core.models import PendingChange, Staff


def main(change: str, actor: str) -> int:
    """One line per attempt: its number, how it ended, the state of the proposal."""
    number = 0
    while True:
        number += 1
        child = os.fork()
        if child == 0:
            attempt(change, actor, number)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        ended = "killed" if os.WIFSIGNALED(status) else f"exit {os.waitstatus_to_exitcode(status)}"
        print(number, ended, PendingChange.objects.values_list("status", flat=True).get(pk=change), flush=True)
        connection.close()
        if ended != "killed":
            return 0


def attempt(change: str, actor: str, limit: int) -> None:
    """Approve, and die before statement `limit`; the commit counts as one."""
    executed = 0

    def count() -> None:
        nonlocal executed
        executed += 1
        if executed == limit:
            os.kill(os.getpid(), signal.SIGKILL)

    def between(execute: Callable, sql: str, params: Any, many: bool, context: dict[str, Any]) -> Any:
        count()
        return execute(sql, params, many, context)

    proposal, person = PendingChange.objects.get(pk=change), Staff.objects.get(pk=actor)
    commit = connection.commit

    def counted() -> None:
        count()
        commit()

    connection.commit = counted
    with connection.execute_wrapper(between):
        approvals.approve(proposal, actor=person, rationale="Met")
    assert not transaction.get_connection().in_atomic_block


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
