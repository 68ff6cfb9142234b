"""Django's migrate, as the database's owner: the working role owns nothing and may not change a table."""

from django.core.management.commands.migrate import Command as MigrateCommand

from core.management.owner import as_owner


class Command(MigrateCommand):
    """Same options as Django's."""

    def execute(self, *args: object, **options: object) -> str | None:
        """Check and migrate as the owner."""
        with as_owner(options["database"]):
            return super().execute(*args, **options)
