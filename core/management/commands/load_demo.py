"""manage.py load_demo: the demo agency of fixtures/, for trying out."""

from argparse import ArgumentParser

from django.core.management import call_command

from core import demo
from core.management.owner import as_owner
from core.management.sentence import SentenceCommand


class Command(SentenceCommand):
    """Exit 0: the agency is there, now or since before. Exit 1: nothing was loaded, and why."""

    help = "Load the demo agency into an empty database, and print how to log in."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The options."""
        parser.add_argument("--daily", action="store_true", help="then ingest the three sample daily files")
        parser.add_argument("--logins", action="store_true", help="only print the logins")

    def handle(self, *, daily: bool, logins: bool, **options: object) -> None:
        """Load what is not there yet."""
        if not logins:
            self._load()
        if daily:
            self._ingest()
        if logins or not daily:
            self._print_logins()

    def _load(self) -> None:
        if demo.is_loaded():
            self.stdout.write("The demo agency is loaded already.")
            return
        counts = demo.load()
        with as_owner():
            demo.analyze()
        self.stdout.write("Loaded the demo agency:")
        for table, rows in counts.items():
            self.stdout.write(f"  {table:<28}{rows:>7,}")

    def _ingest(self) -> None:
        for source, path, is_ingested in demo.waiting_files():
            if is_ingested:
                self.stdout.write(f"{source} {path.name}: already ingested")
            else:
                call_command("ingest_daily", src=path, source=source, stdout=self.stdout)

    def _print_logins(self) -> None:
        width = max(len(role) for role in demo.LOGINS)
        for role, email in demo.LOGINS.items():
            self.stdout.write(f"{role:<{width}}  {email:<28}  {demo.PASSWORD}")
