"""The one ModelAdmin behind every screen. A screen is tuples, a queryset and short display methods."""

from typing import Any

from django.contrib.admin import ShowFacets
from django.contrib.admin.utils import unquote
from django.core.exceptions import FieldDoesNotExist, SuspiciousOperation, ValidationError
from django.db import models
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from unfold.admin import ModelAdmin
from unfold.widgets import UnfoldAdminTextareaWidget

from admin_ext import before_sending, history, words
from admin_ext.forms import CCDForm
from admin_ext.lists import CappedPaginator, CCDChangeList
from admin_ext.plain import plainly
from admin_ext.scoping import Scoped
from admin_ext.writing import Writing, seen_of
from core import approvals, rules
from core.models import AuditEntry, PendingChange

Link = tuple[str, str]


class CCDModelAdmin(Scoped, Writing, ModelAdmin):
    """Asks core.rules, writes through core.records, and looks the same to everyone who may not see."""

    form = CCDForm
    formfield_overrides = {models.TextField: {"widget": UnfoldAdminTextareaWidget(attrs={"rows": 3})}}
    paginator = CappedPaginator
    show_full_result_count = False
    show_facets = ShowFacets.NEVER
    list_per_page = 50
    list_max_show_all = 100  # what the access log keeps of a page
    list_filter_submit = True
    list_fullwidth = True
    actions = None
    view_on_site = False
    warn_unsaved_form = True
    change_form_before_template = "admin_ext/form_top.html"
    change_form_after_template = "admin_ext/form_bottom.html"
    delete_confirmation_template = "admin_ext/delete.html"
    object_history_template = "admin_ext/history.html"
    # What stands above the tabs of a record's page.
    summary_template = ""
    # What a number of rows is called below a list, where the list's own name is no plural.
    rows_name = ""
    # What an empty list says where nothing was searched or filtered.
    empty_words = "Nothing here yet."
    # The name of the first tab where a page has tabs.
    first_tab = "Details"

    # Permissions

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.may(request, "view")

    def has_view_permission(self, request: HttpRequest, obj: models.Model | str | None = None) -> bool:
        return self.may(request, "view", self.resolve(request, obj))

    def has_add_permission(self, request: HttpRequest) -> bool:
        return self.may(request, "add") or ("add" in self.verbs and self.may(request, "propose"))

    def has_change_permission(self, request: HttpRequest, obj: models.Model | str | None = None) -> bool:
        record = self.resolve(request, obj)
        return self.may(request, "change", record) or self.may(request, "propose", record)

    def has_delete_permission(self, request: HttpRequest, obj: models.Model | str | None = None) -> bool:
        record = self.resolve(request, obj)
        return self.may(request, "delete", record) or (self.deletable and self.may(request, "propose", record))

    def resolve(self, request: HttpRequest, obj: models.Model | str | None) -> models.Model | None:
        """Unfold hands its actions the key as text: the record itself, or 404."""
        if obj is None or isinstance(obj, models.Model):
            return obj
        return self.get_object_or_404(request, str(obj))

    # What is there: out of scope and nonexistent are the same page.

    def get_object_or_404(self, request: HttpRequest, object_id: str) -> models.Model:
        """The record, if this person may see it."""
        record = self.get_object(request, unquote(object_id))
        if record is None:
            raise Http404
        return record

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> models.Model | None:
        return super().get_object(request, object_id, from_field or None)

    def _get_obj_does_not_exist_redirect(self, request: HttpRequest, opts: object, object_id: str) -> HttpResponse:
        raise Http404

    def choice_queryset(self, request: HttpRequest) -> models.QuerySet:
        """What autocomplete offers."""
        return self.get_queryset(request)

    def choice_label(self, obj: models.Model) -> str:
        """One record in autocomplete, told apart from its namesakes."""
        return str(obj)

    def list_queryset(self, request: HttpRequest) -> models.QuerySet:
        """What the list shows; add its annotations here."""
        return self.get_queryset(request)

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[CCDChangeList]:
        return CCDChangeList

    def get_changelist_instance(self, request: HttpRequest) -> CCDChangeList:
        """PostgreSQL has no NUL: no filter with one is ours."""
        if "%00" in request.META.get("QUERY_STRING", ""):
            raise SuspiciousOperation
        return super().get_changelist_instance(request)

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        """Only the declared filters: any other lookup would answer questions about fields that are not shown."""
        return lookup in self._lookups(request)

    def _lookups(self, request: HttpRequest | None) -> set[str]:
        allowed: set[str] = set()
        for entry in self.get_list_filter(request):
            if isinstance(entry, type):
                allowed.add(entry.parameter_name)
                continue
            path = entry if isinstance(entry, str) else entry[0]
            key = _key_of(self.model, path)
            allowed |= {
                path,
                *(f"{path}__{end}" for end in ("exact", "in", "isnull", *key)),
                f"{path}_from",
                f"{path}_to",
            }
        if self.date_hierarchy:
            allowed |= {f"{self.date_hierarchy}__{part}" for part in ("year", "month", "day")}
        return allowed

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """?client=<key> fills the field, if this person may see that client."""
        initial = {}
        for name, value in request.GET.items():
            try:
                field = self.opts.get_field(name)
            except FieldDoesNotExist:
                continue
            if not isinstance(field, models.ForeignKey) or _exists(
                self.choices_of(request, field.related_model), value
            ):
                initial[name] = value
        return initial

    # Pages

    def get_fieldsets(self, request: HttpRequest, obj: models.Model | None = None) -> Any:
        """Who may not change the record reads it: without links to pages that are not theirs."""
        fieldsets = super().get_fieldsets(request, obj)
        if obj is None or self.has_change_permission(request, obj):
            return fieldsets
        return [
            (title, {**options, "fields": plainly(options["fields"], self.model, self.admin_site, request)})
            for title, options in fieldsets
        ]

    def get_inlines(self, request: HttpRequest, obj: models.Model | None) -> tuple[type, ...]:
        """A new record is saved first; what hangs on it is added on its page."""
        return super().get_inlines(request, obj) if obj is not None else ()

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        request.ccd_first_tab = self.first_tab
        return super().change_view(request, object_id, form_url, extra_context)

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> TemplateResponse:
        obj = kwargs.get("obj")
        proposing = self.is_proposing(request, obj) and self.has_change_permission(request, obj)
        if proposing:
            formsets = [inline.formset for inline in context["inline_admin_formsets"]]
            context["opened"] = before_sending.opened(context["adminform"].form, formsets)
        context.update(
            proposing=proposing,
            only_read=obj is not None and not self.has_change_permission(request, obj),
            seen=seen_of(obj) if obj is not None else "",
            waiting=self.waiting(request, obj) if obj is not None else [],
            summary_template=self.summary_template if obj is not None else "",
            object_links=self.object_links(request, obj) if obj is not None else [],
            show_save_and_add_another=False,
            show_save_and_continue=not proposing and obj is not None,
            title=f"{'New' if obj is None else ''} {self.opts.verbose_name}".strip().capitalize(),
        )
        return super().render_change_form(request, context, *args, **kwargs)

    def waiting(self, request: HttpRequest, obj: models.Model) -> list[tuple[str, PendingChange]]:
        """Title and row of the proposals about this record that wait, as far as this person may see them."""
        found = approvals.waiting_for(obj, viewer=request.user).select_related("requested_by")
        return [(words.proposal(change), change) for change in found]

    def object_links(self, request: HttpRequest, obj: models.Model) -> list[Link]:
        """(address, title) of what else can be done with the record."""
        if not rules.allows(request.user, "core.view_auditentry"):
            return []
        return [(reverse(f"admin:core_{self.opts.model_name}_history", args=[obj.pk]), "History")]

    def history_entries(self, obj: models.Model) -> models.Q:
        """Which audit entries the History tab tells."""
        return models.Q(entity=self.opts.db_table, entity_id=obj.pk)

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The record's story from the audit log."""
        record = self.get_object_or_404(request, object_id)
        rules.require(request.user, f"core.view_{self.opts.model_name}", record)
        rules.require(request.user, "core.view_auditentry")
        entries = rules.visible_to(request.user, AuditEntry).filter(self.history_entries(record))
        context = {
            **self.admin_site.each_context(request),
            **history.page(request, entries),
            "title": "History",
            "subtitle": str(record),
            "object": record,
            "opts": self.opts,
            **(extra_context or {}),
        }
        request.current_app = self.admin_site.name
        return TemplateResponse(request, self.object_history_template, context)

    def render_delete_form(self, request: HttpRequest, context: dict[str, Any]) -> TemplateResponse:
        context["proposing"] = not self.may(request, "delete", context["object"])
        return super().render_delete_form(request, context)


def _key_of(model: type[models.Model], path: str) -> tuple[str, ...]:
    """The lookups by key that a related filter uses: <path>__<key>__exact, and id__exact."""
    field: models.Field | None = None
    for part in path.split("__"):
        field = model._meta.get_field(part)
        if field.is_relation:
            model = field.related_model
    if field is None or not field.is_relation:
        return ()
    return (f"{model._meta.pk.name}__exact", "id__exact")


def _exists(queryset: models.QuerySet, key: str) -> bool:
    try:
        return queryset.filter(pk=key).exists()
    except (ValidationError, ValueError):
        return False
