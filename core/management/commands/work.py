"""manage.py work: the worker for files too long for a request; runs until it is told to stop"""

from argparse import ArgumentParser
from typing import Any

from core.ingest import jobs
from core.management.sentence import SentenceCommand


class Command(SentenceCommand):
    """One file at a time; a second worker does no harm and no good. SIGTERM lets the file on its way in finish."""

    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--once", action="store_true", help="leave when nothing is left to do")

    def handle(self, *, once: bool, **options: Any) -> None:
        """Exit code 0 when it was told to stop."""
        jobs.run_worker(wait=not once)
