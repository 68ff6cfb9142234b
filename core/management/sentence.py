"""What every command of ours shares: a refusal is one line on stderr and exit code 1, wrong usage one line and exit
code 2, never a traceback.
"""

from typing import Any, NoReturn

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError

from core.errors import CCDError

USAGE = 2


class OneLineParser(CommandParser):
    """Says in one line what is wrong with the options; exit code 2."""

    def error(self, message: str) -> NoReturn:
        sentence = f"{message}. See: {self.prog} --help"
        if self.called_from_command_line:
            self.exit(USAGE, f"CommandError: {sentence}\n")
        raise CommandError(sentence, returncode=USAGE)


class OneLineCommand(BaseCommand):
    """Wrong usage is one line."""

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        """Django's parser, with one line for what is wrong."""
        parser = super().create_parser(prog_name, subcommand, **kwargs)
        parser.__class__ = OneLineParser
        return parser


class SentenceCommand(OneLineCommand):
    """Turns refusals of the domain, and of the database, into Django's CommandError."""

    def execute(self, *args: object, **options: object) -> str | None:
        """Run the command. Raises CommandError."""
        try:
            return super().execute(*args, **options)
        except CCDError as error:
            raise CommandError(str(error)) from error
        except DatabaseError as error:
            raise CommandError(f"The database refused: {str(error).splitlines()[0]}") from error
