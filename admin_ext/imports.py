"""Daily files: upload with preview and Confirm, the batches, and what became of every row."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db import models
from django.http import (
    HttpRequest,
    HttpResponse,
    HttpResponseNotAllowed,
    HttpResponseRedirect,
    JsonResponse,
    StreamingHttpResponse,
)
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.safestring import SafeString
from django.views.decorators.http import require_POST, require_safe
from unfold.decorators import display
from unfold.widgets import UnfoldAdminFileFieldWidget, UnfoldAdminSelectWidget

from admin_ext import feeds, import_pages, import_progress, import_row, import_undo, source_words
from admin_ext.base import CCDModelAdmin
from admin_ext.watching import exported
from admin_ext.words import chip, lines
from core import rules
from core.errors import CCDError, FileRefused
from core.ingest import jobs, previews, rejects, sources
from core.ingest.reader import LARGEST
from core.models import ImportBatch, ImportRow


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
    change_list_template = "admin/core/importbatch/list.html"
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
            path("feeds/", view(require_safe(self.feeds_view)), name="core_importbatch_feeds"),
            path("feeds/<slug:source>/", view(self.source_view), name="core_importbatch_source"),
            path("feeds/<slug:source>/words/", view(self.words_view), name="core_importbatch_words"),
            path("<uuid:key>/confirm/", view(self.confirm_view), name="core_importbatch_confirm"),
            path("<uuid:key>/cancel/", view(self.cancel_view), name="core_importbatch_cancel"),
            path("<uuid:key>/progress/", view(require_safe(self.progress_view)), name="core_importbatch_progress"),
            path("<uuid:key>/undo/", view(self.undo_view), name="core_importbatch_undo"),
            path("<uuid:key>/rows/<int:number>/", view(require_safe(self.row_view)), name="core_importbatch_row"),
            path("<uuid:key>/rows.csv", view(require_safe(self.rows_view)), name="core_importbatch_rows"),
            *super().get_urls(),
        ]

    @display(description="File", ordering="file_name")
    def display_file(self, batch: ImportBatch) -> SafeString:
        return lines(batch.file_name, batch.source_system)

    @display(description="Status", ordering="status")
    def display_status(self, batch: ImportBatch) -> SafeString:
        return chip(batch.get_status_display(), import_pages.STATUS_KINDS.get(batch.status, "grey"))

    @display(description="Rows")
    def display_rows(self, batch: ImportBatch) -> str:
        return f"{batch.summary['rows']:,}" if batch.summary else ""

    @display(description="Waiting for a person")
    def display_open(self, batch: ImportBatch) -> str:
        summary = batch.summary or {}
        parts = [f"{summary[name]:,} {name}" for name in ("held", "rejected") if summary.get(name)]
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
        file, source = form.cleaned_data["file"], form.cleaned_data["source"]
        content = file.read()
        try:
            is_long = jobs.is_long(content, file_name=file.name, source=source)
            road = jobs.submit if is_long else previews.preview
            return road(content, file_name=file.name, source=source, actor=request.user)
        except FileRefused as error:
            form.add_error("file", str(error))
            return None

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """The batch: what it did or would do, and its rows."""
        batch = self.get_object_or_404(request, object_id)
        rules.require(request.user, "core.view_importbatch", batch)
        if request.method not in ("GET", "HEAD"):
            return HttpResponseNotAllowed(["GET", "HEAD"])
        if batch.status in (ImportBatch.Status.PREVIEWED, ImportBatch.Status.HELD) and hasattr(batch, "file"):
            return self._page(
                request, "preview.html", title=f"Preview of {batch.file_name}", **import_pages.preview(batch, request)
            )
        if import_progress.is_under_way(batch):
            return self._page(
                request, "progress.html", title=batch.file_name, batch=batch, progress=import_progress.told(batch)
            )
        return self._page(request, "batch.html", title=batch.file_name, **import_pages.batch_page(batch, request))

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
            road = jobs.again if import_progress.may_try_again(batch) else jobs.confirm
            if (report := road(batch, actor=request.user)) is not None:
                messages.success(request, f"Taken in: {import_pages.counts(report.summary())}.")
        except CCDError as error:
            messages.error(request, str(error))
        return HttpResponseRedirect(reverse("admin:core_importbatch_change", args=[batch.pk]))

    def _cancel(self, request: HttpRequest, batch: ImportBatch) -> HttpResponse:
        try:
            jobs.cancel(batch, actor=request.user)
            batch.refresh_from_db()
            said = "is being stopped" if batch.status == ImportBatch.Status.RUNNING else "was not taken in"
            messages.info(request, f"{batch.file_name} {said}.")
        except CCDError as error:
            messages.error(request, str(error))
        return HttpResponseRedirect(reverse("admin:core_importbatch_changelist"))

    def progress_view(self, request: HttpRequest, key: object) -> JsonResponse:
        """How far the worker is, for the script of the page."""
        batch = self.get_object_or_404(request, str(key))
        rules.require(request.user, "core.view_importbatch", batch)
        return JsonResponse(import_progress.told(batch), headers={"Cache-Control": "no-store"})

    def feeds_view(self, request: HttpRequest) -> HttpResponse:
        """What each source sends, against its schedule and its own past."""
        rules.require(request.user, "core.view_sourcesettings")
        return self._page(request, "feeds.html", title="Feeds", **feeds.page(request))

    def source_view(self, request: HttpRequest, source: str) -> HttpResponse:
        """Schedule and limits of one source."""
        rules.require(request.user, "core.change_sourcesettings")
        source, form = feeds.form_of(request, source)
        if request.method == "POST" and form.is_valid() and feeds.save(request, source, form):
            return HttpResponseRedirect(reverse("admin:core_importbatch_feeds"))
        return self._page(request, "source.html", title=f"Source {source}", source=source, form=form)

    def words_view(self, request: HttpRequest, source: str) -> HttpResponse:
        """Headers, words, program names and dates of one source."""
        rules.require(request.user, "core.change_sourcesettings")
        name, _ = feeds.form_of(request, source)
        if request.method == "POST" and source_words.save(request, name):
            return HttpResponseRedirect(reverse("admin:core_importbatch_words", args=[name]))
        return self._page(request, "words.html", title=f"Words of {name}", **source_words.page(request, name))

    def undo_view(self, request: HttpRequest, key: object) -> HttpResponse:
        """What taking the file back would do, or what stands in the way; a POST with a reason does it."""
        batch = self.get_object_or_404(request, str(key))
        rules.require(request.user, "core.undo_batch", batch)
        form = import_undo.UndoForm(request.POST or None)
        if request.method == "POST" and form.is_valid() and import_undo.undo(request, batch, form):
            return HttpResponseRedirect(reverse("admin:core_importbatch_change", args=[batch.pk]))
        batch.refresh_from_db()
        found = import_undo.page(batch, actor=request.user)
        return self._page(request, "undo.html", title=f"Take back {batch.file_name}", form=form, **found)

    def row_view(self, request: HttpRequest, key: object, number: int) -> HttpResponse:
        """One row: as it came, whose it is, and every bit of that."""
        batch = self.get_object_or_404(request, str(key))
        rules.require(request.user, "core.view_importbatch", batch)
        row = import_row.row_of(batch, number)
        found = import_row.page(row, batch, request)
        return self._page(request, "row.html", title=f"Row {number} of {batch.file_name}", **found)

    def rows_view(self, request: HttpRequest, key: object) -> StreamingHttpResponse:
        """The rejects file of the batch, with ?own=1 in the layout of its source, with ?all=1 every row's outcome."""
        batch = self.get_object_or_404(request, str(key))
        rules.require(request.user, "core.view_importbatch", batch)
        only = None if request.GET.get("all") else ("held", "rejected")
        kind = "outcomes" if only is None else "rejects"
        own = only is not None and bool(request.GET.get("own"))
        rows = ImportRow.objects.filter(batch=batch, **({"outcome__in": only} if only else {}))
        exported(request, rows, rows.count())
        return StreamingHttpResponse(
            rejects.csv_in_own_layout(batch) if own else rejects.csv_of_batch(batch, only=only),
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
