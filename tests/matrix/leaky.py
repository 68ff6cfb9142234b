"""Admins and views that leak on purpose, as TRAPS lists them. Never mounted but by tests/matrix/leaky_urls.py."""

import logging
from typing import Any

from django.conf import settings
from django.contrib import admin
from django.contrib.admin.views.autocomplete import AutocompleteJsonView
from django.core.cache import cache
from django.db import models
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import path
from django.views.decorators.csrf import csrf_exempt
from guardian.admin import GuardedModelAdmin
from import_export.admin import ImportExportModelAdmin
from reversion.admin import VersionAdmin
from unfold.admin import ModelAdmin
from unfold.sites import UnfoldAdminSite

from admin_ext import files
from core import access, audit, rules
from core.models import Client, Enrollment


class Plain(ModelAdmin):
    """Stock permissions, stock queryset."""

    list_display = ("last_name", "first_name")
    search_fields = ("last_name",)


class Writable(Plain):
    """Everyone with a role may change."""

    def has_change_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return True

    has_add_permission = has_view_permission = has_change_permission


class Editable(Writable):
    """Cells of the list can be written."""

    list_display = ("client_id", "first_name")
    list_editable = ("first_name",)


class Raw(Writable):
    """?client=<key> prints who that is; the plain list of choices names everyone."""

    list_display = ("start_date",)
    search_fields = ()
    raw_id_fields = ("client",)

    def get_queryset(self, request: HttpRequest) -> models.QuerySet:
        return rules.visible_to(request.user, Enrollment)


class Select(Raw):
    """Every client as a choice."""

    raw_id_fields = ()


class Asking(Plain):
    """The right rows; but whatever is asked about their hidden columns is answered."""

    def get_queryset(self, request: HttpRequest) -> models.QuerySet:
        return rules.visible_to(request.user, Client)

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        return True


class Importing(ImportExportModelAdmin, ModelAdmin):
    """Open to everyone by default: whole tables in and out."""


class Versioned(VersionAdmin, ModelAdmin):
    """Lists what was deleted, and puts it back."""


class Guarded(GuardedModelAdmin, ModelAdmin):
    """Its permission pages."""


class OpenAutocomplete(AutocompleteJsonView):
    """Choices of the whole table."""

    def get_queryset(self) -> models.QuerySet:
        return self.model_admin.model._default_manager.all()


class LeakySite(UnfoldAdminSite):
    """A site with one leaky admin."""

    def autocomplete_view(self, request: HttpRequest) -> HttpResponse:
        return OpenAutocomplete.as_view(admin_site=self)(request)


def _site(name: str, model: type[models.Model], model_admin: type) -> LeakySite:
    site = LeakySite(name=name)
    site.register(model, model_admin)
    return site


SITES = (
    _site("plain", Client, Plain),
    _site("editable", Client, Editable),
    _site("raw", Enrollment, Raw),
    _site("select", Enrollment, Select),
    _site("asking", Client, Asking),
    _site("importing", Client, Importing),
    _site("versioned", Client, Versioned),
    _site("guarded", Client, Guarded),
)


def _by_get(request: HttpRequest) -> HttpResponse:
    """A GET that acts."""
    with audit.acting(request.user, channel="admin"):
        Client.objects.order_by("client_id").first().enrollments.update(override_reason="by GET")
    return HttpResponse("done")


def _told_apart(request: HttpRequest, object_id: str) -> HttpResponse:
    """Refuses what is there, and says of the rest that it is not."""
    return HttpResponse(status=403 if Client.objects.filter(pk=object_id).exists() else 404)


def _export(request: HttpRequest) -> HttpResponseBase:
    """Everyone, as XLSX, without asking for the right to export."""
    rows = [list(row) for row in Client.objects.values_list("last_name", "gender")]
    return files.download("xlsx", "clients", "Clients", ("name", "gender"), rows)


def _header(request: HttpRequest) -> HttpResponse:
    return HttpResponse("nothing here", headers={"X-Last": "; ".join(c.last_name for c in Client.objects.all())})


def _log(request: HttpRequest) -> HttpResponse:
    logging.getLogger("leaky").warning("seen: %s", ", ".join(c.last_name for c in Client.objects.all()))
    return HttpResponse("nothing here")


def _cache(request: HttpRequest) -> HttpResponse:
    """Kept for whoever asks next."""
    cache.set("last", [c.last_name for c in Client.objects.all()])
    return HttpResponse("nothing here")


def _noting(request: HttpRequest) -> HttpResponse:
    """Says in the access log that they saw whom they may not see."""
    access.record(request.user, "list", "clients", clients=Client.objects.values_list("pk", flat=True))
    return HttpResponse("nothing here")


def _count(request: HttpRequest) -> HttpResponse:
    """How many there are: no name, and yet."""
    return HttpResponse(f"{Client.objects.count()} clients")


@csrf_exempt
def _without_token(request: HttpRequest) -> HttpResponse:
    return HttpResponse("posted")


def _broken(request: HttpRequest) -> HttpResponse:
    raise ValueError(Client.objects.first())


# The database's own wall is down: the matrix alone must notice.
WITHOUT_WALL = [name for name in settings.MIDDLEWARE if name != "admin_ext.wall.wall"]


def _inside(view: Any) -> Any:
    return admin.site.admin_view(view)


# Name → what must be said of it is in test_teeth.py.
VIEWS = [
    path("by-get/", _inside(_by_get), name="by_get"),
    path("told-apart/<uuid:object_id>/", _inside(_told_apart), name="told_apart"),
    path("export/", _inside(_export), name="export"),
    path("header/", _inside(_header), name="header"),
    path("log/", _inside(_log), name="log"),
    path("cache/", _inside(_cache), name="cache"),
    path("noting/", _inside(_noting), name="noting"),
    path("count/", _inside(_count), name="count"),
    path("without-token/", _without_token, name="without_token"),
    path("open/", _export, name="open"),
    path("broken/", _inside(_broken), name="broken"),
]
