"""What Django's admin finds: one line per screen."""

from admin_ext import (  # noqa: F401
    audit_log,
    clients,
    departments,
    desk,
    disagreements,
    duplicates,
    enrollments,
    imports,
    inbox,
    programs,
    reports,
    restrictions,
    staff,
)
