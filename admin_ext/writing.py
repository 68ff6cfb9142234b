"""Saving: through core.records alone, or as a proposal. A refusal is shown on the form and nothing is half saved."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.admin.utils import quote, unquote
from django.db import models
from django.forms import BaseInlineFormSet, ModelForm
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from admin_ext.forms import Faults, form_for
from core import approvals, audit, records
from core.errors import CCDError, Invalid, NotAllowed
from core.models import AuditEntry
from core.remarks import remarks

SENT = "Sent for approval. Nothing was changed yet."
UNCHANGED = "Nothing differed, so nothing was changed."


class Writing:
    """What a model admin does on POST. Beside Scoped."""

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """The record and its inline rows are one act: all of it is written, or the page says why nothing was."""
        if request.method != "POST":
            return super().changeform_view(request, object_id, form_url, extra_context)
        request.ccd_drafts, request.ccd_written, request.ccd_form, request.ccd_remarks = [], 0, "", []
        record = self.get_object(request, unquote(object_id)) if object_id is not None else None
        try:
            with self._act(request, proposing=self.is_proposing(request, record)):
                return super().changeform_view(request, object_id, form_url, extra_context)
        except NotAllowed:
            raise
        except CCDError as error:
            # The same POST again, now with the refusal on the form it is about: it is shown, not written.
            request.ccd_faults = {request.ccd_form: _faults_of(error)}
            return super().changeform_view(request, object_id, form_url, extra_context)

    def _act(self, request: HttpRequest, *, proposing: bool) -> AbstractContextManager[None]:
        """A direct edit is one act. A proposal writes nothing but itself, which approvals does by its own road."""
        return nullcontext() if proposing else audit.acting(request.user, channel="admin")

    def get_form(
        self, request: HttpRequest, obj: models.Model | None = None, change: bool = False, **kwargs: Any
    ) -> type[ModelForm]:
        kwargs["form"] = form_for(
            self.form, faults=self._faults(request, obj), with_reason=self.is_proposing(request, obj)
        )
        return super().get_form(request, obj, change=change, **kwargs)

    def _faults(self, request: HttpRequest, obj: models.Model | None) -> Faults:
        faults = {prefix: dict(found) for prefix, found in getattr(request, "ccd_faults", {}).items()}
        moved = _moved_since(request.POST.get("_seen", ""), obj)
        if moved:
            faults.setdefault("", {}).setdefault("", []).append(moved)
        return faults

    def save_model(self, request: HttpRequest, obj: models.Model, form: ModelForm, change: bool) -> None:
        record = obj if change else None
        self._write(request, form, record=record, proposing=self.is_proposing(request, record))
        obj._state.adding = False

    def save_related(
        self, request: HttpRequest, form: ModelForm, formsets: list[BaseInlineFormSet], change: bool
    ) -> None:
        for formset in formsets:
            self.save_formset(request, form, formset, change)
        if request.ccd_drafts:
            request.ccd_form = ""
            approvals.submit(request.ccd_drafts, actor=request.user, reason=form.cleaned_data["proposal_reason"])

    def save_formset(self, request: HttpRequest, form: ModelForm, formset: BaseInlineFormSet, change: bool) -> None:
        if not formset.is_bound:
            return
        proposing = self.is_proposing(request, form.instance if change else None)
        for row in formset.deleted_forms:
            self._remove(request, row, proposing=proposing)
        for row in formset.forms:
            if row in formset.deleted_forms or not row.has_changed():
                continue
            record = row.instance if row.instance.pk and row in formset.initial_forms else None
            self._write(request, row, record=record, proposing=proposing)

    def _write(self, request: HttpRequest, form: ModelForm, *, record: models.Model | None, proposing: bool) -> None:
        request.ccd_form = form.prefix or ""
        model, key, values = form._meta.model, form.instance.pk, form.values()
        if record is not None and not values:
            return
        if proposing:
            kind = "create" if record is None else "change"
            request.ccd_drafts.append(approvals.Draft(model, record, values, kind))
        elif record is None:
            made = records.create(model, actor=request.user, values={model._meta.pk.name: key, **values})
            request.ccd_written += 1
            request.ccd_remarks += remarks(made)
        elif records.change(record, actor=request.user, values=values):
            request.ccd_written += 1
            request.ccd_remarks += remarks(model._default_manager.get(pk=record.pk))

    def _remove(self, request: HttpRequest, form: ModelForm, *, proposing: bool) -> None:
        request.ccd_form = form.prefix or ""
        if proposing:
            request.ccd_drafts.append(approvals.Draft(type(form.instance), form.instance, {}, "delete"))
        else:
            records.remove(form.instance, actor=request.user)
            request.ccd_written += 1

    # What is said afterwards: never that something was saved when it was not.

    def response_add(
        self, request: HttpRequest, obj: models.Model, post_url_continue: str | None = None
    ) -> HttpResponse:
        if request.ccd_drafts:
            return self.say(request, SENT, self.list_url())
        _remark(request)
        return super().response_add(request, obj, post_url_continue)

    def response_post_save_add(self, request: HttpRequest, obj: models.Model) -> HttpResponse:
        """What hangs on a new record is added on its page."""
        if self.inlines and self.has_view_permission(request, obj):
            return HttpResponseRedirect(self.url_of(obj.pk))
        return super().response_post_save_add(request, obj)

    def response_change(self, request: HttpRequest, obj: models.Model) -> HttpResponse:
        if request.ccd_drafts:
            return self.say(request, SENT, request.get_full_path())
        if not request.ccd_written:
            return self.say(request, UNCHANGED, request.get_full_path(), messages.INFO)
        _remark(request)
        return super().response_change(request, obj)

    def response_delete(self, request: HttpRequest, obj_display: str, obj_id: str) -> HttpResponse:
        if request.ccd_drafts:
            return self.say(request, SENT, self.list_url())
        return super().response_delete(request, obj_display, obj_id)

    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        if request.method != "POST":
            return super().delete_view(request, object_id, extra_context)
        request.ccd_drafts, request.ccd_written = [], 0
        record = self.get_object(request, unquote(object_id))
        return self.acted(
            request,
            lambda: super(Writing, self).delete_view(request, object_id, extra_context),
            back=self.url_of(object_id),
            proposing=record is not None and not self.may(request, "delete", record),
        )

    def delete_model(self, request: HttpRequest, obj: models.Model) -> None:
        reason = request.POST.get("reason", "").strip()
        if self.may(request, "delete", obj):
            records.remove(obj, actor=request.user, reason=reason or None)
            return
        if not reason:
            raise Invalid({"": ["Say why, so that the coordinator can decide."]})
        request.ccd_drafts = [approvals.Draft(type(obj), obj, {}, "delete")]
        approvals.submit(request.ccd_drafts, actor=request.user, reason=reason)

    def acted(
        self, request: HttpRequest, act: Callable[[], HttpResponse], *, back: str, proposing: bool = False
    ) -> HttpResponse:
        """Run a verb as one act of this person; a refusal becomes a message on the page `back`."""
        try:
            with self._act(request, proposing=proposing):
                return act()
        except NotAllowed:
            raise
        except CCDError as error:
            return self.say(request, str(error), back, messages.ERROR)

    def say(self, request: HttpRequest, sentence: str, url: str, level: int = messages.SUCCESS) -> HttpResponse:
        self.message_user(request, sentence, level)
        return HttpResponseRedirect(url)

    def url_of(self, key: object) -> str:
        """Address of one record's page."""
        return reverse(f"admin:core_{self.opts.model_name}_change", args=[quote(str(key))])

    def list_url(self) -> str:
        """Address of the list."""
        return reverse(f"admin:core_{self.opts.model_name}_changelist")

    # The audit log is the log: Django's own would keep names and say nothing more.

    def log_addition(self, request: HttpRequest, obj: models.Model, message: object) -> None:
        """Nothing."""

    def log_change(self, request: HttpRequest, obj: models.Model, message: object) -> None:
        """Nothing."""

    def log_deletions(self, request: HttpRequest, queryset: object) -> None:
        """Nothing."""

    def construct_change_message(
        self, request: HttpRequest, form: ModelForm, formsets: list[BaseInlineFormSet], add: bool = False
    ) -> list[object]:
        return []


def _faults_of(error: CCDError) -> dict[str, list[str]]:
    return error.faults if isinstance(error, Invalid) else {"": [str(error)]}


def _remark(request: HttpRequest) -> None:
    """Say what is odd about what was saved."""
    for sentence in dict.fromkeys(request.ccd_remarks):
        messages.warning(request, f"Saved; look at it once more. {sentence}")


def seen_of(obj: models.Model) -> str:
    """What a page says of the record it shows: when it was changed last, and by which entry of the log. Not by time
    alone: an entry is later than the change it tells of, by minutes in a long file.
    """
    if not hasattr(obj, "updated_at"):
        return ""
    last = _entries(obj).order_by("-position").values_list("pk", flat=True).first()
    return f"{obj.updated_at.isoformat()} {last or ''}"


def _entries(obj: models.Model) -> models.QuerySet[AuditEntry]:
    return AuditEntry.objects.filter(entity=obj._meta.db_table, entity_id=obj.pk)


def _since(seen: str, obj: models.Model) -> models.QuerySet[AuditEntry] | None:
    """Entries about the record after the one that the page was made from; None where the page does not say."""
    moment, _, last = seen.partition(" ")
    try:
        opened, entry = datetime.fromisoformat(moment), UUID(last) if last else None
    except ValueError:
        return None
    if entry is None:
        return _entries(obj).filter(changed_at__gt=opened)
    return _entries(obj).filter(position__gt=AuditEntry.objects.filter(pk=entry).values("position"))


def _moved_since(seen: str, obj: models.Model | None) -> str:
    """A sentence where someone else changed the record after this page was opened: saving would undo theirs."""
    now = getattr(obj, "updated_at", None)
    if not seen or now is None or seen.partition(" ")[0] == now.isoformat():
        return ""
    entries = _since(seen, obj)
    if entries is None:
        return ""
    people, fields = set(), set()
    for entry in entries.select_related("changed_by"):
        people.add(str(entry.changed_by or "a daily file"))
        fields.update(entry.diff_json.get("after") or {})
    who = " and ".join(sorted(people)) or "Someone"
    what = ", ".join(sorted(name.removesuffix("_id").replace("_", " ") for name in fields)) or "this record"
    changed = f"While this page was open, {who} changed: {what}."
    return f"{changed} Below are your values. Check them and save again to keep them."
