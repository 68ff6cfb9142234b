"""Django's admin with our own site in it."""

from django.contrib.admin.apps import AdminConfig


class CCDAdminConfig(AdminConfig):
    """Stands in INSTALLED_APPS in place of django.contrib.admin."""

    default_site = "admin_ext.site.CCDAdminSite"
