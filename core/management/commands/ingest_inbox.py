"""manage.py ingest_inbox: take in every complete file of the inbox, inbox/<source>/<file>"""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError

from core.ingest import inbox
from core.management.sentence import SentenceCommand


class Command(SentenceCommand):
    """For cron: files that are still being written wait, and a second run at the same time leaves at once."""

    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--dir", type=Path, metavar="FOLDER", help="the inbox (default: CCD_DATA_DIR/inbox)")
        parser.add_argument(
            "--settled",
            type=float,
            default=inbox.SETTLED,
            metavar="SECONDS",
            help="how long a file must not have changed (default: %(default)s)",
        )

    def handle(self, *, dir: Path | None, settled: float, **options: Any) -> None:
        """Exit code 0 when all that was complete is in; 1 where a file was refused or could not be taken, else 3 where
        one is held whole. A file in no source's folder is named and counts for none of these.
        """
        folder = dir or settings.DATA_DIR / "inbox"
        with inbox.alone(folder) as is_mine:
            if not is_mine:
                self.stdout.write("Another run is at work on this inbox; nothing to do.")
                return
            states = [self._told(result) for result in inbox.take_all(folder, actor=None, settled=settled)]
            for result in inbox.astray(folder):  # told only: no file of the day has failed
                self._told(result)
        if "failed" in states:
            raise CommandError(f"{states.count('failed')} of {len(states)} files failed; see {folder / 'failed'}.")
        if "stopped" in states:
            raise CommandError(
                f"{states.count('stopped')} of {len(states)} files could not be taken; they stay in {folder}."
            )
        if "held" in states:
            raise CommandError(f"{states.count('held')} of {len(states)} files are held whole.", returncode=3)

    def _told(self, result: inbox.Result) -> str:
        self.stdout.write(f"{result.file}: {result.state}. {result.said}")
        return result.state
