"""manage.py snapshot [--follow SECONDS]: the columnar copy that large agencies' reports read."""

import time
from typing import Any

from django.core.management.base import CommandError, CommandParser

from core.management.sentence import USAGE, SentenceCommand
from reporting import marks, snapshot


class Command(SentenceCommand):
    """Writes a copy where the last one is out of date."""

    help = "Write the snapshot that reports read, where something has changed since the last one."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        """--follow keeps it up to date."""
        parser.add_argument(
            "--follow",
            type=int,
            metavar="SECONDS",
            help="Stay, and write again whenever an import or a burst of edits has been over for so long.",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Once, or for as long as it runs."""
        pause = options["follow"]
        if pause is not None and pause < 1:
            raise CommandError("--follow needs at least one second.", returncode=USAGE)
        self._write()
        while pause is not None:
            mark = marks.take()
            time.sleep(pause)
            if marks.holds(mark):
                self._write()

    def _write(self) -> None:
        if snapshot.fresh() is not None:
            return
        started = time.perf_counter()
        folder = snapshot.write()
        self.stdout.write(f"{folder.name} written in {time.perf_counter() - started:.1f} s")
