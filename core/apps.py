"""The domain."""

import reversion
from django.apps import AppConfig


class CoreConfig(AppConfig):
    """Registers with reversion what the History tab shows."""

    name = "core"
    verbose_name = "Central Client Database"

    def ready(self) -> None:
        for name in ("Client", "Department", "Program", "Enrollment", "Intake", "Discharge", "Restriction"):
            reversion.register(self.get_model(name))
