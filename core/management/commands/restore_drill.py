"""manage.py restore_drill: proves a backup by restoring it."""

from argparse import ArgumentParser
from pathlib import Path

from django.core.management.base import CommandError

from core.backup import drill
from core.errors import BackupFailed
from core.management.sentence import OneLineCommand


class Command(OneLineCommand):
    """Exit 0: the backup restores and holds exactly what its manifest says. Exit 1: it does not, and why."""

    help = "Restore a backup (default: the latest) into a scratch database, compare, and drop it."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The options."""
        parser.add_argument("backup", nargs="?", type=Path, help="folder of a backup; default: the latest")

    def handle(self, *, backup: Path | None, **options: object) -> None:
        """Drill and say what was proved."""
        try:
            folder, proved = drill(backup.resolve() if backup else None)
        except BackupFailed as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{folder}: restores, {len(proved.tables)} tables and {proved.rows:,} rows, all equal.")
