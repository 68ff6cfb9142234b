"""Rows of a list as CSV or XLSX, as filtered, for those who may export; each download is in the access log."""

from collections.abc import Iterator
from typing import Any

from django.db import models
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from admin_ext import files
from admin_ext.watching import exported
from core import rules
from reporting.reading import PORTION


def whole_list(model_admin: Any, request: HttpRequest) -> Any:
    """The list that the address filters and orders, whatever page of it the address names."""
    request.GET = request.GET.copy()
    request.GET.pop("p", None)
    return model_admin.get_changelist_instance(request)


class Exporting:
    """Beside CCDModelAdmin. `export_columns`: header → lookup, or a method of the model admin that takes the record."""

    export_columns: dict[str, str] = {}

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(require_safe(self.export_view))
        name = f"core_{self.opts.model_name}_export"
        return [path("export.<str:kind>", view, name=name), *super().get_urls()]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        context = {"exports": self._links(request), **(extra_context or {})}
        return super().changelist_view(request, context)

    def _links(self, request: HttpRequest) -> list[tuple[str, str]]:
        if not rules.allows(request.user, "core.export_rows"):
            return []
        query = request.GET.copy()
        query.pop("p", None)
        end = f"?{query.urlencode()}" if query else ""
        name = f"admin:core_{self.opts.model_name}_export"
        return [(reverse(name, args=[kind]) + end, kind.upper()) for kind in files.KINDS]

    def export_queryset(self, queryset: models.QuerySet) -> models.QuerySet:
        """The filtered list without what only its page needs."""
        return queryset.prefetch_related(None)

    def export_view(self, request: HttpRequest, kind: str) -> HttpResponse:
        """The file. Columns are explicit: nothing leaves that is not named here."""
        rules.require(request.user, "core.export_rows")
        rules.require(request.user, f"core.view_{self.opts.model_name}")
        if kind not in files.KINDS:
            raise Http404
        found = self.export_queryset(whole_list(self, request).get_queryset(request))
        number = found.order_by().count()
        if sentence := files.too_long(kind, number):
            return self.say(request, sentence, self.list_url())
        exported(request, found, number)
        title = str(self.opts.verbose_name_plural).capitalize()
        name = f"{self.opts.db_table}_{timezone.localdate()}"
        return files.download(kind, name, title, self.export_columns, self._rows(found), marked=True)

    def _rows(self, found: models.QuerySet) -> Iterator[list[Any]]:
        for record in found.iterator(chunk_size=PORTION):
            yield [self._cell(record, path) for path in self.export_columns.values()]

    def _cell(self, record: models.Model, path: str) -> Any:
        if hasattr(self, path):
            return getattr(self, path)(record)
        value: Any = record
        for part in path.split("__"):
            value = value.get(part) if isinstance(value, dict) else getattr(value, part, None)
        return value
