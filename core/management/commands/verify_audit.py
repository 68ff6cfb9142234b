"""verify_audit: prove that the audit log explains every audited table. Exit 0 only when it does."""

import sys
from typing import Any

from core.audit.verify import Verdict, verify
from core.management.sentence import SentenceCommand


class Command(SentenceCommand):
    """One line per table; what is not explained names table, record and field. Exit 1 then."""

    help = "Prove that the audit log explains every audited table, and that its triggers are in force."

    def handle(self, *args: Any, **options: Any) -> None:
        wrong = 0
        for verdict in verify():
            wrong += verdict.wrong
            self.stdout.write(_line(verdict))
            for finding in verdict.findings:
                self.stdout.write(f"    {finding}")
            if verdict.wrong > len(verdict.findings):
                self.stdout.write(f"    and {verdict.wrong - len(verdict.findings)} more")
        if wrong:
            self.stderr.write(f"Not proved: {wrong} {'thing is' if wrong == 1 else 'things are'} not explained.")
            sys.exit(1)
        self.stdout.write("Proved: the log explains every row.")


def _line(verdict: Verdict) -> str:
    unit = {"triggers": "in force", "audit_log": "entries"}.get(verdict.subject, "rows")
    outcome = "ok" if verdict.holds else f"{verdict.wrong} WRONG"
    return f"{verdict.subject:28} {verdict.looked_at:>10,} {unit:8} {outcome}"
