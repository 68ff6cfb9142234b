"""The page that ends an enrollment or a restriction: a last day and, for a proposal, why."""

from datetime import date
from typing import Any

from django import forms
from django.core.exceptions import PermissionDenied
from django.db import models
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from unfold.widgets import UnfoldAdminSingleDateWidget, UnfoldAdminTextareaWidget

from admin_ext.base import Link
from admin_ext.writing import SENT
from core import approvals, audit, records
from core.errors import CCDError, Invalid, NotAllowed


class EndForm(forms.Form):
    """The last day, included."""

    end_date = forms.DateField(label="Last day", widget=UnfoldAdminSingleDateWidget, help_text="Included.")
    reason = forms.CharField(
        required=False, max_length=500, label="Why", widget=UnfoldAdminTextareaWidget(attrs={"rows": 2})
    )

    def __init__(self, *args: Any, with_reason: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["reason"].required = with_reason


class Ending:
    """Beside CCDModelAdmin: adds <id>/end/ and its link."""

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.end_view)
        return [path("<path:object_id>/end/", view, name=f"core_{self.opts.model_name}_end"), *super().get_urls()]

    def object_links(self, request: HttpRequest, obj: models.Model) -> list[Link]:
        links = super().object_links(request, obj)
        if not self.is_open(obj) or not self.has_change_permission(request, obj):
            return links
        url = reverse(f"admin:core_{self.opts.model_name}_end", args=[obj.pk])
        return [(url, f"End this {self.opts.verbose_name}"), *links]

    def is_open(self, obj: models.Model) -> bool:
        """There is something left to end."""
        return obj.end_date is None or obj.end_date > timezone.localdate()

    def end_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """GET asks for the last day, POST writes or proposes it."""
        record = self.get_object_or_404(request, object_id)
        if not self.has_change_permission(request, record):
            raise PermissionDenied
        proposing = self.is_proposing(request, record)
        initial = {"end_date": max(timezone.localdate(), record.start_date)}
        form = EndForm(request.POST or None, initial=initial, with_reason=proposing)
        if request.method == "POST" and form.is_valid():
            try:
                sentence = self._end(request, record, form.cleaned_data, proposing=proposing)
                return self.say(request, sentence, self.url_of(record.pk))
            except NotAllowed:
                raise
            except CCDError as error:
                _show(error, form)
        return self._end_page(request, record, form, proposing=proposing)

    def _end(self, request: HttpRequest, record: models.Model, data: dict[str, Any], *, proposing: bool) -> str:
        day: date = data["end_date"]
        if proposing:
            approvals.propose(record, actor=request.user, values={"end_date": day}, reason=data["reason"])
            return SENT
        with audit.acting(request.user, channel="admin", reason=data["reason"] or None):
            records.end(record, actor=request.user, on=day, reason=data["reason"] or None)
        return f"The {self.opts.verbose_name} ends on {day:%Y-%m-%d}."

    def _end_page(
        self, request: HttpRequest, record: models.Model, form: EndForm, *, proposing: bool
    ) -> TemplateResponse:
        context = {
            **self.admin_site.each_context(request),
            "title": f"End {self.opts.verbose_name}",
            "subtitle": str(record),
            "record": record,
            "form": form,
            "media": self.media + form.media,
            "opts": self.opts,
            "proposing": proposing,
            "back": self.url_of(record.pk),
        }
        request.current_app = self.admin_site.name
        return TemplateResponse(request, "admin_ext/end.html", context)


def _show(error: CCDError, form: EndForm) -> None:
    faults = error.faults if isinstance(error, Invalid) else {"": [str(error)]}
    for name, sentences in faults.items():
        form.add_error(name if name in form.fields else None, sentences)
