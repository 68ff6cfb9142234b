"""manage.py work: the worker for files too long for a request; runs until it is told to stop"""

from argparse import ArgumentParser
from typing import Any

import psycopg
from django.core.management.base import CommandError

from core.ingest import jobs
from core.management.sentence import SentenceCommand


class Command(SentenceCommand):
    """One file at a time; a second worker does no harm and no good. SIGTERM lets the file on its way in finish."""

    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--once", action="store_true", help="leave when nothing is left to do")

    def handle(self, *, once: bool, **options: Any) -> None:
        """Exit code 0 when it was told to stop; 1 where the database did not answer for as long as it waits for it."""
        try:
            jobs.run_worker(wait=not once)
        except psycopg.OperationalError as error:  # of the worker's own connections, which are not Django's
            raise CommandError(f"The database refused: {str(error).splitlines()[0]}") from error
