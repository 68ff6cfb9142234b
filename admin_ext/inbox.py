"""Approvals: the list of proposals, and the verbs that decide on them. Each is a POST that calls one verb."""

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db import models
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.decorators import display
from unfold.forms import ActionForm

from admin_ext import proposal_page, words
from admin_ext.base import CCDModelAdmin, Link
from admin_ext.inbox_filters import STATES, AboutProgramFilter, EntityFilter, RequesterFilter, StatusFilter
from admin_ext.lists import CCDChangeList
from core import approvals
from core.audit import sentences
from core.errors import CCDError, NotAllowed
from core.models import Client, PendingChange
from core.rules import visible_to

_COLOURS = {"waiting": "orange", "sent back": "blue", "approved": "green", "declined": "red", "withdrawn": "grey"}


def state_of(change: PendingChange) -> str:
    """'waiting', 'sent back', 'approved', 'declined' or 'withdrawn'."""
    if change.is_sent_back:
        return "sent back"
    return "withdrawn" if change.withdrawn else change.get_status_display().lower().replace("pending", "waiting")


def chip_of(change: PendingChange) -> SafeString:
    """The state as a coloured label."""
    return words.chip(state_of(change), _COLOURS[state_of(change)])


class RationaleForm(ActionForm):
    """Beside the choice of the action: one rationale for all."""

    rationale = forms.CharField(
        required=False,
        label="",
        max_length=1000,
        widget=forms.TextInput(
            attrs={"placeholder": "Rationale (needed to decline)", "class": "ccd-rationale", "aria-label": "Rationale"}
        ),
    )


class ProposalList(CCDChangeList):
    """Says of every proposal on the page what it is about, with a constant number of queries."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        self.result_list = list(self.result_list)
        titles = sentences.about(self.result_list, viewer=request.user)
        for change in self.result_list:
            change.title = titles[change.pk]


@admin.register(PendingChange)
class PendingChangeAdmin(CCDModelAdmin):
    """Coordinators decide; managers and leaders follow and withdraw their own."""

    verbs = ("view",)
    related = ("requested_by", "reviewed_by")
    actions = ("approve_selected", "decline_selected")
    action_form = RationaleForm
    list_before_template = "admin/core/pendingchange/tabs.html"
    empty_words = "Nothing is waiting."
    list_display = ("display_title", "display_fields", "display_requester", "display_age", "display_state")
    list_display_links = ("display_title",)
    list_filter = (StatusFilter, RequesterFilter, EntityFilter, AboutProgramFilter)
    search_fields = ("client_id",)
    search_help_text = "Client"

    class Media:
        css = {"all": ("ccd/inbox.css",)}
        js = ("ccd/inbox.js",)

    # The list

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[CCDChangeList]:
        return ProposalList

    def get_ordering(self, request: HttpRequest) -> tuple[str, ...]:
        is_waiting = request.GET.get("status", "waiting") == "waiting"
        return ("requested_at", "change_id") if is_waiting else ("-reviewed_at", "-requested_at")

    def get_search_results(
        self, request: HttpRequest, queryset: models.QuerySet, search_term: str
    ) -> tuple[models.QuerySet, bool]:
        clients = visible_to(request.user, Client)
        terms = search_term.replace("\x00", "").split()
        for term in terms:
            plain = models.Func(models.Value(term), function="ccd_plain", output_field=models.TextField())
            clients = clients.filter(search_text__contains=plain)
        return (queryset.filter(client_id__in=clients.values("pk")) if terms else queryset), False

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        current = request.GET.get("status") or "waiting"
        tabs = [(key, label, key == current) for key, label, _ in STATES]
        context = {"title": "Approvals", "tabs": [*tabs, ("all", "All", current == "all")]}
        return super().changelist_view(request, context | (extra_context or {}))

    @display(description="Proposal")
    def display_title(self, change: PendingChange) -> SafeString:
        return words.lines(change.title, change.reason and f"“{change.reason[:120]}”")

    @display(description="Fields")
    def display_fields(self, change: PendingChange) -> str:
        return proposal_page.fields_of(change)

    @display(description="Asked by", ordering="requested_by__last_name")
    def display_requester(self, change: PendingChange) -> str:
        return str(change.requested_by)

    @display(description="Asked", ordering="requested_at")
    def display_age(self, change: PendingChange) -> SafeString:
        return format_html(
            '<time class="ccd-time" datetime="{}" title="{}">{}</time>',
            change.requested_at.isoformat(),
            proposal_page.moment(change.requested_at),
            proposal_page.age(change.requested_at),
        )

    @display(description="Status")
    def display_state(self, change: PendingChange) -> SafeString:
        who = change.reviewed_by or (change.requested_by if change.withdrawn else None)
        by = f"{who}, {proposal_page.moment(change.reviewed_at)}" if who and change.reviewed_at else ""
        said = f": “{change.rationale[:160]}”" if change.rationale else ""
        return words.lines(chip_of(change), by + said)

    # Several at once

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        return super().get_actions(request) if proposal_page.may_decide(request) else {}

    @admin.action(description="Approve")
    def approve_selected(self, request: HttpRequest, queryset: models.QuerySet) -> None:
        self._decide_all(request, queryset, "Approved", approvals.approve)

    @admin.action(description="Decline")
    def decline_selected(self, request: HttpRequest, queryset: models.QuerySet) -> None:
        self._decide_all(request, queryset, "Declined", approvals.decline)

    def _decide_all(self, request: HttpRequest, queryset: models.QuerySet, done: str, verb: Callable) -> None:
        """One after the other, oldest first; what cannot be decided is named and the rest goes on."""
        changes = list(queryset.order_by("requested_at", "change_id"))
        titles = sentences.about(changes, viewer=request.user)
        number = 0
        for change in changes:
            try:
                verb(change, actor=request.user, rationale=request.POST.get("rationale", ""))
                number += 1
            except CCDError as error:
                self.message_user(request, f"{titles[change.pk]}: {error}", messages.ERROR)
        if number:
            self.message_user(request, f"{done}: {number} proposal{'' if number == 1 else 's'}.")

    # One proposal

    def get_urls(self) -> list[URLPattern]:
        verbs = {
            "approve": self.approve_view,
            "decline": self.decline_view,
            "send_back": self.send_back_view,
            "answer": self.answer_view,
            "withdraw": self.withdraw_view,
        }
        own = [
            path(f"<path:object_id>/{name}/", self.admin_site.admin_view(view), name=f"core_pendingchange_{name}")
            for name, view in verbs.items()
        ]
        return own + super().get_urls()

    def object_links(self, request: HttpRequest, obj: models.Model) -> list[Link]:
        return []

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """When proposed, now, proposed. What is decided here goes to the verbs below."""
        change = self.get_object_or_404(request, object_id)
        if request.method not in ("GET", "HEAD"):
            return HttpResponseNotAllowed(["GET", "HEAD"])
        return self._page(request, change)

    def approve_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Approve the chosen fields, or with `together` all that was sent with it."""

        def act(change: PendingChange, rationale: str) -> None:
            if "together" in request.POST:
                sent = proposal_page.sent_together(request.user, change)
                approvals.approve_group(sent, actor=request.user, rationale=rationale)
                return
            fields, accepted = proposal_page.choice(request.POST, change)
            approvals.approve(change, actor=request.user, rationale=rationale, fields=fields, accept_stale=accepted)

        return self._decide(request, object_id, "Approved", act)

    def decline_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Decline with a rationale, or with `together` all that was sent with it."""

        def act(change: PendingChange, rationale: str) -> None:
            sent = proposal_page.sent_together(request.user, change) if "together" in request.POST else [change]
            approvals.decline_group(sent, actor=request.user, rationale=rationale)

        return self._decide(request, object_id, "Declined", act)

    def send_back_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask the requester; what was typed is the question."""

        def act(change: PendingChange, rationale: str) -> None:
            approvals.send_back(change, actor=request.user, question=rationale)

        return self._decide(request, object_id, "Sent back", act)

    def answer_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Answer the question one was asked about one's own proposal."""

        def act(change: PendingChange, rationale: str) -> None:
            approvals.answer(change, actor=request.user, answer=rationale)

        return self._decide(request, object_id, "Answered", act)

    def withdraw_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Take one's own proposal back."""

        def act(change: PendingChange, rationale: str) -> None:
            approvals.withdraw(change, actor=request.user)

        return self._decide(request, object_id, "Withdrawn", act)

    def _decide(
        self, request: HttpRequest, object_id: str, done: str, act: Callable[[PendingChange, str], None]
    ) -> HttpResponse:
        """Call the verb. A refusal is said on the page, with what was typed and chosen still there."""
        change = self.get_object_or_404(request, object_id)
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        try:
            act(change, request.POST.get("rationale", ""))
        except NotAllowed:
            raise
        except CCDError as error:
            change.refresh_from_db()
            self.message_user(request, str(error), messages.ERROR)
            return self._page(request, change, status=409)
        title = sentences.about([change], viewer=request.user)[change.pk]
        return self.say(request, f"{done}: {title}.", self.list_url())

    def _page(self, request: HttpRequest, change: PendingChange, status: int = 200) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            **proposal_page.context(request, change),
            "opts": self.opts,
            "media": self.media,
            "chip": chip_of(change),
            "state": state_of(change),
        }
        request.current_app = self.admin_site.name
        return TemplateResponse(request, "admin/core/pendingchange/proposal.html", context, status=status)
