"""Versions of a record on its History page, and the page that restores one: administrators alone."""

from typing import Any

from django import forms
from django.db import models
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.text import capfirst
from unfold.widgets import UnfoldAdminTextareaWidget

from admin_ext.marking import marked
from core import rules, versions
from core.audit.words import in_words
from core.errors import CCDError, Invalid, NotAllowed
from core.versions import Version

_SHOWN = 50


class RestoreForm(forms.Form):
    """Why: it stands in the history."""

    reason = forms.CharField(
        max_length=500,
        label="Why",
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 2}),
        error_messages={"required": "Say why: it stands in the history."},
    )


class Restoring:
    """Beside CCDModelAdmin: adds <id>/version/<key>/ and the list of versions to the History page."""

    def get_urls(self) -> list[URLPattern]:
        name = f"core_{self.opts.model_name}_version"
        view = self.admin_site.admin_view(self.version_view)
        return [path("<path:object_id>/version/<str:version>/", view, name=name), *super().get_urls()]

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        record = self.get_object_or_404(request, object_id)
        shown = []
        if rules.allows(request.user, "core.restore_version", record):
            shown = [
                {"version": version, "url": self._version_url(record, version), "who": version.revision.user}
                for version in versions.versions_of(record)[:_SHOWN]
            ]
        return super().history_view(request, object_id, {**(extra_context or {}), "versions": shown})

    def version_view(self, request: HttpRequest, object_id: str, version: str) -> HttpResponse:
        """GET shows the version beside what stands now, POST restores it."""
        record = self.get_object_or_404(request, object_id)
        rules.require(request.user, "core.restore_version", record)
        found = versions.version_of(record, int(version)) if version.isdecimal() and len(version) < 10 else None
        if found is None:
            raise Http404
        form = RestoreForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            try:
                changed = versions.restore(record, found, actor=request.user, reason=form.cleaned_data["reason"])
                sentence = "Restored." if changed else "Nothing differed, so nothing was changed."
                return self.say(request, sentence, self.url_of(record.pk))
            except NotAllowed:
                raise
            except CCDError as error:
                _show(error, form)
        return self._version_page(request, record, found, form)

    def _version_page(
        self, request: HttpRequest, record: models.Model, version: Version, form: RestoreForm
    ) -> TemplateResponse:
        context = {
            **self.admin_site.each_context(request),
            "title": "Version",
            "subtitle": str(record),
            "object": record,
            "version": version,
            "rows": _compared(record, version, request),
            "form": form,
            "media": self.media + form.media,
            "opts": self.opts,
            "back": reverse(f"admin:core_{self.opts.model_name}_history", args=[record.pk]),
        }
        request.current_app = self.admin_site.name
        return TemplateResponse(request, "admin_ext/version.html", context)

    def _version_url(self, record: models.Model, version: Version) -> str:
        return reverse(f"admin:core_{self.opts.model_name}_version", args=[record.pk, version.pk])


def _compared(record: models.Model, version: Version, request: HttpRequest) -> list[dict[str, Any]]:
    """The fields that differ, now and as they were, in words."""
    model = type(record)
    fields = {name: model._meta.get_field(name) for name in versions.values_in(version, model)}
    was = {fields[name].column: value for name, value in versions.values_in(version, model).items()}
    now = {field.column: field.value_from_object(record) for field in fields.values()}
    texts = in_words(model, (now, was), viewer=request.user)
    rows = []
    for field in fields.values():
        if now[field.column] != was[field.column]:
            before, after = marked(texts[0][field.column], texts[1][field.column])
            rows.append({"label": capfirst(field.verbose_name), "now": before, "was": after})
    return rows


def _show(error: CCDError, form: RestoreForm) -> None:
    faults = error.faults if isinstance(error, Invalid) else {"": [str(error)]}
    for name, sentences in faults.items():
        form.add_error(name if name in form.fields else None, sentences)
