"""The audit log: who did what, when and by which road; one entry with before and after; the same as CSV."""

from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db import models
from django.db.models import Q
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, StreamingHttpResponse
from django.template.response import TemplateResponse
from django.urls import NoReverseMatch, URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import DropdownFilter, RangeDateFilter
from unfold.decorators import display
from unfold.utils import parse_date_str

from admin_ext import audit_export, words
from admin_ext.base import CCDModelAdmin, Link
from admin_ext.exporting import whole_list
from admin_ext.lists import CCDChangeList, RecordFilter
from admin_ext.watching import exported
from core import rules
from core.audit import sentences
from core.audit.phrases import PHRASES
from core.audit.sentences import Reading
from core.audit.words import model_of
from core.choices import AUDIT_ACTIONS, CHANNELS
from core.models import AuditEntry, Client, ImportBatch, PendingChange, Staff

_ROADS = {"admin": "blue", "approval": "green", "import": "grey", "link": "blue", "command": "grey"}


class KindFilter(DropdownFilter):
    """What kind of record; managers are offered the kinds they see."""

    title = "record"
    parameter_name = "entity"

    def lookups(self, request: HttpRequest, model_admin: object) -> list[tuple[str, str]]:
        reads_all = rules.has_role(request.user, rules.EXPORTING)
        tables = [table for table in PHRASES if reads_all or table in (*rules.SEEN_TABLES, "pending_changes")]
        kinds = [(table, str(model_of(table)._meta.verbose_name).capitalize()) for table in tables]
        return sorted(kinds, key=lambda kind: kind[1])

    def queryset(self, request: HttpRequest, queryset: models.QuerySet) -> models.QuerySet:
        return queryset.filter(entity=self.value()) if self.value() else queryset


class ActionFilter(DropdownFilter):
    """Created, changed, deleted, imported."""

    title = "action"
    parameter_name = "action"

    def lookups(self, request: HttpRequest, model_admin: object) -> tuple[tuple[str, str], ...]:
        return AUDIT_ACTIONS

    def queryset(self, request: HttpRequest, queryset: models.QuerySet) -> models.QuerySet:
        return queryset.filter(action=self.value()) if self.value() else queryset


class RoadFilter(DropdownFilter):
    """Direct edit, approved proposal, daily file, linking, command."""

    title = "road"
    parameter_name = "channel"

    def lookups(self, request: HttpRequest, model_admin: object) -> tuple[tuple[str, str], ...]:
        return CHANNELS

    def queryset(self, request: HttpRequest, queryset: models.QuerySet) -> models.QuerySet:
        return queryset.filter(channel=self.value()) if self.value() else queryset


class PersonFilter(RecordFilter):
    """Who did it or asked for it, of the people one may see; or the system."""

    title = "who"
    parameter_name = "who"
    target = Staff

    def lookups(self, request: HttpRequest, model_admin: object) -> list[tuple[str, str]]:
        return [("system", sentences.SYSTEM), *super().lookups(request, model_admin)]

    def queryset(self, request: HttpRequest, queryset: models.QuerySet) -> models.QuerySet:
        key = self.value()
        if key == "system":
            return queryset.filter(changed_by__isnull=True)
        if key not in {known for known, _ in self.lookup_choices}:
            return queryset.none() if key else queryset
        return queryset.filter(Q(changed_by=key) | Q(requested_by=key))


class DaysFilter(RangeDateFilter):
    """From a day through a day, both whole, local time."""

    def queryset(self, request: HttpRequest, queryset: models.QuerySet) -> models.QuerySet:
        first = parse_date_str(self.used_parameters.get(f"{self.parameter_name}_from") or "")
        last = parse_date_str(self.used_parameters.get(f"{self.parameter_name}_to") or "")
        if first:
            queryset = queryset.filter(changed_at__gte=_midnight(first))
        if not last or last >= date.max:
            return queryset
        return queryset.filter(changed_at__lt=_midnight(last + timedelta(days=1)))


def _midnight(day: Any) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.min))


class AuditList(CCDChangeList):
    """Reads the page's entries as sentences, with a number of queries that does not grow with them."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        readings = sentences.read(self.result_list, viewer=request.user)
        for reading in readings:
            reading.entry.reading = reading
        self.result_list = [reading.entry for reading in readings]


@admin.register(AuditEntry)
class AuditEntryAdmin(CCDModelAdmin):
    """Read only, for everyone."""

    verbs = ("view",)
    rows_name = "entries"
    list_before_template = "admin/core/auditentry/export.html"
    list_display = ("display_when", "display_who", "display_road", "display_what", "display_fields")
    list_display_links = ("display_when", "display_what")
    list_filter = (KindFilter, ("changed_at", DaysFilter), PersonFilter, ActionFilter, RoadFilter)
    search_fields = ("entity_id",)
    search_help_text = "Client, or a record's key"
    ordering = ("-position",)

    class Media:
        css = {"all": ("ccd/inbox.css",)}

    # The list

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[CCDChangeList]:
        return AuditList

    def get_search_results(
        self, request: HttpRequest, queryset: models.QuerySet, search_term: str
    ) -> tuple[models.QuerySet, bool]:
        """A key finds the record, what was decided about it and what a batch wrote; words find clients by name."""
        key = _key(search_term)
        if key:
            return queryset.filter(Q(entity_id=key) | Q(reference_id=key) | Q(client_id=key) | Q(pk=key)), False
        clients = rules.visible_to(request.user, Client)
        terms = search_term.replace("\x00", "").split()
        for term in terms:
            plain = models.Func(models.Value(term), function="ccd_plain", output_field=models.TextField())
            clients = clients.filter(search_text__contains=plain)
        keys = clients.values("pk")
        found = Q(client_id__in=keys) | Q(entity="clients", entity_id__in=keys)
        return (queryset.filter(found) if terms else queryset), False

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        may_export = rules.allows(request.user, "core.export_rows")
        url = f"{reverse('admin:core_auditentry_export')}?{request.GET.urlencode()}" if may_export else ""
        return super().changelist_view(request, {"title": "Audit log", "export_url": url} | (extra_context or {}))

    @display(description="When", ordering="position")
    def display_when(self, entry: AuditEntry) -> SafeString:
        when = timezone.localtime(entry.changed_at)
        return format_html(
            '<time class="ccd-time" datetime="{}">{}</time>', when.isoformat(), when.strftime("%Y-%m-%d %H:%M")
        )

    @display(description="Who")
    def display_who(self, entry: AuditEntry) -> SafeString:
        asked = entry.reading.asked_by
        return words.lines(entry.reading.who, asked and f"asked by {asked}")

    @display(description="Road")
    def display_road(self, entry: AuditEntry) -> SafeString:
        is_proposal = entry.entity == "pending_changes"
        return words.chip(entry.reading.road, "orange" if is_proposal else _ROADS.get(entry.channel, "grey"))

    @display(description="What")
    def display_what(self, entry: AuditEntry) -> SafeString:
        return words.lines(entry.reading.what, entry.reading.reason and f"“{entry.reading.reason[:120]}”")

    @display(description="Fields")
    def display_fields(self, entry: AuditEntry) -> str:
        labels = [line.label for line in entry.reading.lines]
        return ", ".join(labels[:4]) + (f" and {len(labels) - 4} more" if len(labels) > 4 else "")

    # Export and one entry

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.export_view)
        return [path("export/", view, name="core_auditentry_export"), *super().get_urls()]

    def export_view(self, request: HttpRequest) -> HttpResponse:
        """The list as it is filtered now, one line per field, written while it is read."""
        if not (self.has_view_permission(request) and rules.allows(request.user, "core.export_rows")):
            raise PermissionDenied
        if request.method != "GET":
            return HttpResponseNotAllowed(["GET"])
        entries = whole_list(self, request).queryset
        exported(request, entries, entries.count())
        name = f"audit_log_{timezone.localdate():%Y-%m-%d}.csv"
        response = StreamingHttpResponse(
            audit_export.csv_lines(entries, viewer=request.user), content_type="text/csv; charset=utf-8"
        )
        response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
        return response

    def object_links(self, request: HttpRequest, obj: models.Model) -> list[Link]:
        return []

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        entry = self.get_object_or_404(request, object_id)
        if request.method not in ("GET", "HEAD"):
            return HttpResponseNotAllowed(["GET", "HEAD"])
        [reading] = sentences.read([entry], viewer=request.user)
        context = {
            **self.admin_site.each_context(request),
            "title": reading.what,
            "subtitle": "Audit log",
            "opts": self.opts,
            "media": self.media,
            "reading": reading,
            "entry": entry,
            "record_url": _record_url(reading),
            "client": rules.visible_to(request.user, Client).filter(pk=entry.client_id).first(),
            "origin": _origin(request.user, entry),
        }
        request.current_app = self.admin_site.name
        return TemplateResponse(request, "admin/core/auditentry/entry.html", context)


def _key(text: str) -> UUID | None:
    try:
        return UUID(text.strip())
    except ValueError:
        return None


def _record_url(reading: Reading) -> str:
    """The record's own page; empty where it has none, or may not be seen."""
    if reading.record is None:
        return ""
    model, key = reading.record
    return _page(f"core_{model._meta.model_name}_change", key)


def _origin(viewer: Staff, entry: AuditEntry) -> dict[str, str] | None:
    """The proposal or the daily file that led to it, where it may be seen; and all that it led to."""
    if entry.reference_id is None:
        return None
    for model, label in ((PendingChange, "Proposal"), (ImportBatch, "Daily file")):
        found = rules.visible_to(viewer, model).filter(pk=entry.reference_id).first()
        if found is not None:
            title = sentences.about([found], viewer=viewer)[found.pk] if model is PendingChange else str(found)
            url = _page(f"core_{model._meta.model_name}_change", found.pk)
            return {"label": label, "title": title, "url": url}
    return None


def _page(name: str, key: object) -> str:
    try:
        return reverse(f"admin:{name}", args=[key])
    except NoReverseMatch:
        return ""
