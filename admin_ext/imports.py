"""Daily files: upload with preview and Confirm, the batches, and what became of every row."""

from typing import Any
from urllib.parse import urlencode

from django import forms
from django.contrib import admin, messages
from django.core.paginator import Paginator
from django.db import models
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, StreamingHttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.views.decorators.http import require_POST
from unfold.decorators import display
from unfold.widgets import UnfoldAdminFileFieldWidget, UnfoldAdminSelectWidget

from admin_ext.base import CCDModelAdmin
from admin_ext.words import chip, lines
from core import rules
from core.audit.words import in_words, label_of, model_of
from core.choices import OUTCOMES
from core.errors import CCDError, FileRefused
from core.ingest import pipeline, rejects, sources
from core.ingest.reader import LARGEST
from core.models import Client, ImportBatch, ImportRow

ROWS_PER_PAGE = 50
KINDS = {
    "created": "green",
    "updated": "blue",
    "unchanged": "grey",
    "duplicate": "grey",
    "held": "orange",
    "rejected": "red",
}
STATUS_KINDS = {"applied": "green", "previewed": "orange", "refused": "red", "interrupted": "red"}


class UploadForm(forms.Form):
    """One daily file and the system it comes from."""

    source = forms.ChoiceField(label="Source", widget=UnfoldAdminSelectWidget())
    file = forms.FileField(
        label="File",
        widget=UnfoldAdminFileFieldWidget(attrs={"accept": ".csv,.xlsx,.txt"}),
        help_text="CSV or XLSX as the source writes it, or a corrected rejects file.",
        error_messages={"required": "Choose a file.", "empty": "This file is empty."},
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["source"].choices = [("", "Choose…"), *((name, name) for name in sources.names())]

    def clean_file(self) -> Any:
        """Refuse what is too large before it is read."""
        file = self.cleaned_data["file"]
        if file.size > LARGEST:
            raise forms.ValidationError(f"The file has {file.size:,} bytes; at most {LARGEST:,} can be taken in.")
        return file


@admin.register(ImportBatch)
class ImportBatchAdmin(CCDModelAdmin):
    """Every door to a file ends in core.ingest.pipeline."""

    verbs = ("view",)
    list_display = ("display_file", "display_status", "display_rows", "display_open", "display_by", "created_at")
    list_filter = ("source_system", "status")
    search_fields = ("file_name",)
    date_hierarchy = "created_at"
    related = ("created_by",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return rules.allows(request.user, "core.ingest_files")

    def has_change_permission(self, request: HttpRequest, obj: models.Model | str | None = None) -> bool:
        return False

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path("<uuid:key>/confirm/", view(self.confirm_view), name="core_importbatch_confirm"),
            path("<uuid:key>/cancel/", view(self.cancel_view), name="core_importbatch_cancel"),
            path("<uuid:key>/rows.csv", view(self.rows_view), name="core_importbatch_rows"),
            *super().get_urls(),
        ]

    @display(description="File", ordering="file_name")
    def display_file(self, batch: ImportBatch) -> SafeString:
        return lines(batch.file_name, batch.source_system)

    @display(description="Status", ordering="status")
    def display_status(self, batch: ImportBatch) -> SafeString:
        return chip(batch.get_status_display(), STATUS_KINDS.get(batch.status, "grey"))

    @display(description="Rows")
    def display_rows(self, batch: ImportBatch) -> str:
        return f"{batch.summary['rows']:,}" if batch.summary else ""

    @display(description="Waiting for a person")
    def display_open(self, batch: ImportBatch) -> str:
        summary = batch.summary or {}
        parts = [f"{summary[name]} {name}" for name in ("held", "rejected") if summary.get(name)]
        return ", ".join(parts)

    @display(description="By", ordering="created_by")
    def display_by(self, batch: ImportBatch) -> str:
        return str(batch.created_by or "System")

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        """Upload: the file is run and rolled back, and its preview shown."""
        rules.require(request.user, "core.ingest_files")
        form = UploadForm(request.POST or None, request.FILES or None)
        if request.method == "POST" and form.is_valid():
            batch = self._previewed(request, form)
            if batch is not None:
                return HttpResponseRedirect(reverse("admin:core_importbatch_change", args=[batch.pk]))
        return self._page(request, "upload.html", title="Take in a daily file", form=form, aliases=_aliases())

    def _previewed(self, request: HttpRequest, form: UploadForm) -> ImportBatch | None:
        file = form.cleaned_data["file"]
        try:
            return pipeline.preview(
                file.read(), file_name=file.name, source=form.cleaned_data["source"], actor=request.user
            )
        except FileRefused as error:
            form.add_error("file", str(error))
            return None

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """The batch: what it did or would do, and its rows."""
        batch = self.get_object_or_404(request, object_id)
        rules.require(request.user, "core.view_importbatch", batch)
        if batch.status == ImportBatch.Status.PREVIEWED and hasattr(batch, "file"):
            return self._page(
                request, "preview.html", title=f"Preview of {batch.file_name}", **_preview(batch, request)
            )
        return self._page(request, "batch.html", title=batch.file_name, **_batch(batch, request))

    def confirm_view(self, request: HttpRequest, key: object) -> HttpResponse:
        """Take a previewed file in."""
        return self._decide(request, key, self._confirm)

    def cancel_view(self, request: HttpRequest, key: object) -> HttpResponse:
        """Forget a previewed file."""
        return self._decide(request, key, self._cancel)

    def _decide(self, request: HttpRequest, key: object, verb: Any) -> HttpResponse:
        batch = self.get_object_or_404(request, str(key))
        rules.require(request.user, "core.ingest_files")
        return require_POST(verb)(request, batch)

    def _confirm(self, request: HttpRequest, batch: ImportBatch) -> HttpResponse:
        try:
            report = pipeline.confirm(batch, actor=request.user)
            messages.success(request, f"Taken in: {_counts(report.summary())}.")
        except CCDError as error:
            messages.error(request, str(error))
        return HttpResponseRedirect(reverse("admin:core_importbatch_change", args=[batch.pk]))

    def _cancel(self, request: HttpRequest, batch: ImportBatch) -> HttpResponse:
        try:
            pipeline.cancel(batch, actor=request.user)
            messages.info(request, f"{batch.file_name} was not taken in.")
        except CCDError as error:
            messages.error(request, str(error))
        return HttpResponseRedirect(reverse("admin:core_importbatch_changelist"))

    def rows_view(self, request: HttpRequest, key: object) -> StreamingHttpResponse:
        """The rejects file of the batch, or with ?all=1 every row with its outcome."""
        batch = self.get_object_or_404(request, str(key))
        rules.require(request.user, "core.view_importbatch", batch)
        only = None if request.GET.get("all") else ("held", "rejected")
        kind = "outcomes" if only is None else "rejects"
        return StreamingHttpResponse(
            rejects.csv_of_batch(batch, only=only),
            content_type="text/csv; charset=utf-8",
            headers={"Content-Disposition": f'attachment; filename="{_safe(batch.file_name)}.{kind}.csv"'},
        )

    def _page(self, request: HttpRequest, template: str, **context: Any) -> TemplateResponse:
        request.current_app = self.admin_site.name
        return TemplateResponse(
            request,
            f"admin/core/importbatch/{template}",
            {**self.admin_site.each_context(request), "opts": self.opts, **context},
        )


def _safe(name: str) -> str:
    return "".join(c if c.isalnum() or c in "-_." else "_" for c in name)


def _aliases() -> list[tuple[str, str]]:
    """Source → what it calls first and last name, so that the right one is chosen."""
    profiles = [sources.profile(name) for name in sources.names()]
    return [
        (p.name, ", ".join(p.called(column) for column in ("uid_external", "first_name", "last_name")))
        for p in profiles
    ]


def _counts(summary: dict[str, Any]) -> str:
    return ", ".join(f"{summary[name]} {name}" for name in OUTCOMES if summary.get(name)) or "no rows"


def _figures(summary: dict[str, Any] | None) -> list[dict[str, Any]]:
    """The outcomes with their share, for the cards on top."""
    summary = summary or {}
    rows = summary.get("rows") or 0
    return [
        {
            "name": name,
            "kind": KINDS[name],
            "number": summary.get(name, 0),
            "share": round(100 * summary.get(name, 0) / rows) if rows else 0,
        }
        for name in OUTCOMES
    ]


def _preview(batch: ImportBatch, request: HttpRequest) -> dict[str, Any]:
    found = batch.file.preview or {"rows": [], "changes": []}
    summary = batch.summary or {}
    return {
        "batch": batch,
        "summary": summary,
        "figures": _figures(summary),
        "open_rows": [{**row, "kind": KINDS[row["outcome"]], "cells": _filled(row["cells"])} for row in found["rows"]],
        "open_total": summary.get("held", 0) + summary.get("rejected", 0),
        "changes": _changes(found["changes"], request),
    }


def _filled(cells: list[str]) -> list[str]:
    return [cell for cell in cells if cell][:6]


def _changes(found: list[dict[str, Any]], request: HttpRequest) -> list[dict[str, Any]]:
    """Before and after of what would change, in words, with the client's name."""
    keys = {change["client_id"] for change in found if change["client_id"] != "None"}
    names = {str(c.pk): c.full_name for c in rules.visible_to(request.user, Client).filter(pk__in=keys)}
    told = []
    for change in found:
        model = model_of(change["entity"])
        if model is None:
            continue
        before, after = in_words(
            model, [change["diff"]["before"] or {}, change["diff"]["after"] or {}], viewer=request.user
        )
        told.append(
            {
                "client": names.get(change["client_id"], "a client"),
                "client_id": change["client_id"],
                "record": str(model._meta.verbose_name),
                "fields": [(label_of(model, name), before.get(name, ""), after[name]) for name in sorted(after)],
            }
        )
    return told


def _batch(batch: ImportBatch, request: HttpRequest) -> dict[str, Any]:
    outcome = request.GET.get("outcome", "")
    rows = ImportRow.objects.filter(batch=batch).select_related("client").order_by("row_number")
    if outcome in OUTCOMES:
        rows = rows.filter(outcome=outcome)
    page = Paginator(rows, ROWS_PER_PAGE).get_page(request.GET.get("page"))
    candidates = _candidates(page.object_list, request)
    return {
        "batch": batch,
        "status": _status(batch),
        "summary": batch.summary or {},
        "figures": _figures(batch.summary),
        "outcome": outcome,
        "page": page,
        "rows": [_row(row, candidates) for row in page.object_list],
        "query": urlencode({"outcome": outcome}) if outcome else "",
        "open_total": sum((batch.summary or {}).get(name, 0) for name in ("held", "rejected")),
    }


def _status(batch: ImportBatch) -> SafeString:
    if pipeline.is_interrupted(batch):
        return format_html("{} Nothing of it was taken in; upload it again.", chip("Interrupted", "red"))
    when = f"{timezone.localtime(batch.finished_at):%Y-%m-%d %H:%M}" if batch.finished_at else ""
    return format_html("{} {}", chip(batch.get_status_display(), STATUS_KINDS.get(batch.status, "grey")), when)


def _candidates(rows: list[ImportRow], request: HttpRequest) -> dict[Any, Client]:
    keys = {key for row in rows for key in row.candidate_ids or ()}
    return rules.visible_to(request.user, Client).in_bulk(keys)


def _row(row: ImportRow, candidates: dict[Any, Client]) -> dict[str, Any]:
    return {
        "row": row,
        "kind": KINDS[row.outcome],
        "cells": _filled(row.cells),
        "why": row.reason or row.note or "",
        "candidates": [candidates[key] for key in row.candidate_ids or () if key in candidates],
    }
