"""Rows of a list as CSV or XLSX, as filtered, for those who may export; each download is in the access log."""

import csv
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from django.db import models
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from admin_ext.watching import exported
from core import rules
from core.normalise import escape_formula
from reporting import render

MOST_XLSX_ROWS = 50_000
Cell = Any


@dataclass(frozen=True)
class Sheet:
    """What the renderer of reports wants to know."""

    title: str
    columns: tuple[str, ...]


class _Echo:
    """csv.writer writes to it and gets its line back."""

    def write(self, line: str) -> str:
        return line


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
        return [(reverse(name, args=[kind]) + end, kind.upper()) for kind in ("csv", "xlsx")]

    def export_queryset(self, queryset: models.QuerySet) -> models.QuerySet:
        """The filtered list without what only its page needs."""
        return queryset.prefetch_related(None)

    def export_view(self, request: HttpRequest, kind: str) -> HttpResponse:
        """The file. Columns are explicit: nothing leaves that is not named here."""
        rules.require(request.user, "core.export_rows")
        rules.require(request.user, f"core.view_{self.opts.model_name}")
        if kind not in ("csv", "xlsx"):
            raise Http404
        found = self.export_queryset(self.get_changelist_instance(request).get_queryset(request))
        number = found.order_by().count()
        if kind == "xlsx" and number > MOST_XLSX_ROWS:
            sentence = f"{number:,} rows are too many for XLSX: narrow the list, or take CSV."
            return self.say(request, sentence, self.list_url())
        exported(request, found, number)
        response = self._csv(found) if kind == "csv" else self._xlsx(found)
        name = f"{self.opts.db_table}_{timezone.localdate()}.{kind}"
        response["Content-Disposition"] = f'attachment; filename="{name}"'
        return response

    def _rows(self, found: models.QuerySet) -> Iterator[list[Cell]]:
        for record in found.iterator(chunk_size=2000):
            yield [self._cell(record, path) for path in self.export_columns.values()]

    def _cell(self, record: models.Model, path: str) -> Cell:
        if hasattr(self, path):
            return getattr(self, path)(record)
        value: Cell = record
        for part in path.split("__"):
            value = value.get(part) if isinstance(value, dict) else getattr(value, part, None)
        return value

    def _csv(self, found: models.QuerySet) -> StreamingHttpResponse:
        return StreamingHttpResponse(_lines(self.export_columns, self._rows(found)), content_type=render.CSV_TYPE)

    def _xlsx(self, found: models.QuerySet) -> HttpResponse:
        sheet = Sheet(str(self.opts.verbose_name_plural).capitalize(), tuple(self.export_columns))
        rows = [[_text(cell) for cell in row] for row in self._rows(found)]
        return HttpResponse(render.xlsx_bytes(sheet, rows), content_type=render.XLSX_TYPE)


def _lines(columns: Iterable[str], rows: Iterable[list[Cell]]) -> Iterator[str]:
    writer = csv.writer(_Echo(), lineterminator="\n")
    yield writer.writerow(columns)
    for row in rows:
        cells = (_text(cell) for cell in row)
        yield writer.writerow([escape_formula(cell) if isinstance(cell, str) else cell for cell in cells])


def _text(cell: Cell) -> Cell:
    """Keys and records as text; numbers and dates as they are."""
    if cell is None or isinstance(cell, int | float | str) or hasattr(cell, "isoformat"):
        return cell
    return ";".join(cell) if isinstance(cell, list) else str(cell)
