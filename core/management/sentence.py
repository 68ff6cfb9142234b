"""What every command of ours shares: a refusal is one line on stderr and exit code 1, never a traceback."""

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError

from core.errors import CCDError


class SentenceCommand(BaseCommand):
    """Turns refusals of the domain, and of the database, into Django's CommandError."""

    def execute(self, *args: object, **options: object) -> str | None:
        """Run the command. Raises CommandError."""
        try:
            return super().execute(*args, **options)
        except CCDError as error:
            raise CommandError(str(error)) from error
        except DatabaseError as error:
            raise CommandError(f"The database refused: {str(error).splitlines()[0]}") from error
