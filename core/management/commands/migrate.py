"""Django's migrate, as the database's owner: the working role owns nothing and may not change a table."""

from django.core.management.base import CommandError
from django.core.management.commands.migrate import Command as MigrateCommand
from django.db import OperationalError, connections

from core.management.owner import as_owner


class Command(MigrateCommand):
    """Same options as Django's."""

    def execute(self, *args: object, **options: object) -> str | None:
        """Check and migrate as the owner. Raises CommandError where there is no server; what goes wrong in a migration
        keeps its traceback.
        """
        with as_owner(options["database"]):
            try:
                connections[options["database"]].ensure_connection()
            except OperationalError as error:
                raise CommandError(f"The database refused: {str(error).splitlines()[0]}") from error
            return super().execute(*args, **options)
