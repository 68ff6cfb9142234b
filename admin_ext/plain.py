"""Names in place of links that lead nowhere: Django links each record that a read-only page names, whoever reads."""

from collections.abc import Callable, Iterable
from functools import cache
from typing import Any

from django.contrib.admin import AdminSite
from django.core.exceptions import FieldDoesNotExist
from django.db import models
from django.http import HttpRequest

# A field's name, a method of the record's page, or names side by side.
Shown = str | Callable[[models.Model], str] | tuple[Any, ...]


def plainly(names: Iterable[Shown], model: type[models.Model], site: AdminSite, request: HttpRequest) -> tuple:
    """`names` of a page on which nothing can be changed, those as plain text that lead to pages not for this person."""
    return tuple(
        plainly(name, model, site, request)
        if isinstance(name, list | tuple)
        else (_told(model, name) if _leads_nowhere(name, model, site, request) else name)
        for name in names
    )


def _leads_nowhere(name: Shown, model: type[models.Model], site: AdminSite, request: HttpRequest) -> bool:
    try:
        target = model._meta.get_field(name).related_model if isinstance(name, str) else None
    except FieldDoesNotExist:
        return False
    return site.is_registered(target) and not site.get_model_admin(target).has_view_permission(request)


@cache
def _told(model: type[models.Model], name: str) -> Callable[[models.Model], str]:
    """One function for a field: Django knows a column by whether it is the same."""

    def told(record: models.Model) -> str:
        return str(getattr(record, name) or "-")

    told.__name__ = name
    told.short_description = model._meta.get_field(name).verbose_name
    return told
