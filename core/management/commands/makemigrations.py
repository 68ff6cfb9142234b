"""Django's makemigrations, as the owner: it looks at the migration table before the working role may exist."""

from django.core.management.commands.makemigrations import Command as MakeMigrationsCommand

from core.management.owner import as_owner


class Command(MakeMigrationsCommand):
    """Same options as Django's."""

    def execute(self, *args: object, **options: object) -> str | None:
        """Make migrations as the owner."""
        with as_owner():
            return super().execute(*args, **options)
