"""manage.py backup: a dump with its manifest, uploaded where BACKUP_S3_BUCKET is set, kept for ten years."""

import signal
import sys
import time
from argparse import ArgumentParser, ArgumentTypeError
from datetime import datetime, timedelta
from datetime import time as time_of_day
from pathlib import Path

from django.core.management.base import CommandError
from django.utils import timezone

from core import backup
from core.errors import BackupFailed
from core.management.sentence import OneLineCommand


def _clock(text: str) -> time_of_day:
    try:
        return time_of_day.fromisoformat(text)
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is not a time of day like 02:30") from None


def next_at(clock: time_of_day, now: datetime) -> datetime:
    """The next moment after `now` at this local time of day."""
    today = datetime.combine(now.date(), clock, tzinfo=now.tzinfo)
    return today if today > now else datetime.combine(now.date() + timedelta(days=1), clock, tzinfo=now.tzinfo)


class Command(OneLineCommand):
    """Exit 0: the backup is whole, and where a bucket is set, in it. Exit 1: it is not, and why."""

    help = "Back up the database to CCD_DATA_DIR/backups and, where BACKUP_S3_BUCKET is set, to that bucket."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The options."""
        parser.add_argument("--out", type=Path, metavar="DIR", help="default: CCD_DATA_DIR/backups")
        parser.add_argument("--drill", action="store_true", help="prove it at once by restoring it")
        parser.add_argument("--nightly", type=_clock, metavar="HH:MM", help="stay, and back up every day at this time")

    def handle(self, *, out: Path | None, drill: bool, nightly: time_of_day | None, **options: object) -> None:
        """One backup, or one every night."""
        place = out.resolve() if out else None
        if nightly is None:
            self._once(place, drill)
            return
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
        while True:
            self._sleep_until(next_at(nightly, timezone.localtime()))
            try:
                self._once(place, drill)
            except CommandError as error:  # tomorrow is another night
                self.stderr.write(f"{timezone.localtime():%Y-%m-%d %H:%M} CommandError: {error}")

    def _sleep_until(self, moment: datetime) -> None:
        self.stdout.write(f"Next backup at {moment:%Y-%m-%d %H:%M:%S %Z}.")
        self.stdout.flush()
        while (left := (moment - timezone.localtime()).total_seconds()) > 0:
            time.sleep(min(left, 60))

    def _once(self, out: Path | None, drill: bool) -> None:
        try:
            made = backup.make(out)
            self._tell(made)
            if drill:
                _, proved = backup.drill(made.folder)
                self.stdout.write(f"  proved by restoring it: {proved.rows:,} rows, equal")
        except BackupFailed as error:
            raise CommandError(str(error)) from error

    def _tell(self, made: backup.Made) -> None:
        tables, rows = len(made.manifest.tables), made.manifest.rows
        self.stdout.write(f"{made.folder}: {tables} tables, {rows:,} rows, {made.size / 1e6:,.1f} MB")
        if made.uploaded:
            self.stdout.write(f"  uploaded: {', '.join(made.uploaded)}")
        if made.pruned:
            self.stdout.write(f"  older than ten years, removed: {', '.join(made.pruned)}")
        for note in made.notes:
            self.stdout.write(f"  {note}")
