"""Every screen."""

from django.apps import AppConfig


class AdminExtConfig(AppConfig):
    """The Unfold clothes over core."""

    name = "admin_ext"
    verbose_name = "Screens"
