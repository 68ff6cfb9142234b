"""prune_access_log: remove what is older than CCD_ACCESS_LOG_DAYS from the access log, as the database's owner."""

from argparse import ArgumentParser
from typing import Any

from django.conf import settings

from core import access
from core.management.owner import as_owner
from core.management.sentence import SentenceCommand


class Command(SentenceCommand):
    """Says how many entries went; that they did is itself an entry."""

    help = "Remove entries of the access log older than CCD_ACCESS_LOG_DAYS days. Safe to repeat."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="only say how many entries would go")

    def handle(self, *args: Any, **options: Any) -> None:
        days, dry_run = settings.CCD_ACCESS_LOG_DAYS, options["dry_run"]
        with as_owner():
            number = access.prune(days=days, dry_run=dry_run)
        what = "would be removed" if dry_run else "removed"
        self.stdout.write(f"{number:,} entries older than {days} days {what}.")
