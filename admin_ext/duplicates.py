"""Duplicates: clients who may be one person, and what was decided of them: link, unlink, not the same."""

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.views.decorators.http import require_POST

from admin_ext import duplicate_pages
from admin_ext.base import CCDModelAdmin
from admin_ext.linking_page import parameters_page
from core import rules
from core.errors import CCDError, NotAllowed
from core.linking import joining
from core.linking.weighing import weigh
from core.models import Client, ClientLink

_LIST = "admin:core_clientlink_changelist"


@admin.register(ClientLink)
class ClientLinkAdmin(CCDModelAdmin):
    """The list is of what waits for a decision; what was decided is beside it, and can be looked up bit by bit."""

    verbs = ("view",)

    class Media:
        css = {"all": ("ccd/imports.css", "ccd/duplicates.css")}
        js = ("ccd/duplicates.js",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path("not-same/<uuid:client>/<uuid:other>/", view(self.not_same_view), name="core_clientlink_not_same"),
            path("parameters/", view(self.parameters_view), name="core_clientlink_parameters"),
            path("link/<uuid:client>/<uuid:other>/", view(self.link_view), name="core_clientlink_link"),
            path("<uuid:key>/unlink/", view(self.unlink_view), name="core_clientlink_unlink"),
            *super().get_urls(),
        ]

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """What waits; with ?tab= what was decided, and what a link left to be put in order."""
        rules.require(request.user, "core.link_clients")
        tab = request.GET.get("tab", "")
        if tab == "overlaps":
            found = duplicate_pages.in_disorder()
        elif tab in ("linked", "not_same"):
            found = duplicate_pages.decided(request, tab)
        else:
            tab, found = "", duplicate_pages.to_decide(request)
        tabs = [(key, label, key == tab) for key, label in duplicate_pages.TABS]
        may_set = rules.allows(request.user, "core.change_linksettings")
        return self._page(request, "list.html", title="Duplicates", tab=tab, tabs=tabs, may_set=may_set, **found)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """One decision: who, when, why, and every bit of it."""
        made = self.get_object_or_404(request, object_id)
        rules.require(request.user, "core.view_clientlink", made)
        if request.method not in ("GET", "HEAD"):
            return HttpResponseNotAllowed(["GET", "HEAD"])
        return self._page(request, "decision.html", title=str(made), **duplicate_pages.decision(made, request))

    def link_view(self, request: HttpRequest, client: UUID, other: UUID) -> HttpResponse:
        """Two records field by field; a POST links `client` to `other`, whose record is shown from then on."""
        gone, kept = (self._client(request, key) for key in (client, other))
        rules.require(request.user, "core.link_clients")
        if gone == kept:
            messages.error(request, "A client cannot be linked to itself: choose two records.")
            return HttpResponseRedirect(reverse(_LIST))
        if request.method == "POST" and (answer := self._link(request, gone, kept)):
            return answer
        found = duplicate_pages.compared(gone, kept, request)
        status = 409 if request.method == "POST" else 200
        return self._page(request, "link.html", title="One person?", status=status, **found)

    def _link(self, request: HttpRequest, gone: Client, kept: Client) -> HttpResponse | None:
        """Link. None where it was refused: the page then says why, with what was chosen still there."""
        reason = request.POST.get("reason", "").replace("\x00", "").strip()[:1000]
        try:
            made = joining.link(
                gone,
                kept,
                actor=request.user,
                take=request.POST.getlist("take"),
                reason=reason or None,
                evidence=weigh(gone, kept),
            )
        except NotAllowed:
            raise
        except CCDError as error:
            messages.error(request, str(error))
            return None
        messages.success(request, f"{gone} is linked to {kept}. Nothing was lost: this page takes it back.")
        return HttpResponseRedirect(reverse("admin:core_clientlink_change", args=[made.pk]))

    def unlink_view(self, request: HttpRequest, key: UUID) -> HttpResponse:
        """Take a link back."""
        made = self.get_object_or_404(request, str(key))
        rules.require(request.user, "core.link_clients")
        return require_POST(self._unlink)(request, made)

    def _unlink(self, request: HttpRequest, made: ClientLink) -> HttpResponse:
        reason = request.POST.get("reason", "").replace("\x00", "").strip()[:1000]
        try:
            joining.unlink(made, actor=request.user, reason=reason or None)
            one, other = Client.objects.get(pk=made.client_id), Client.objects.get(pk=made.other_id)
            messages.success(request, f"{one} and {other} are two records again, as they were.")
        except CCDError as error:
            messages.error(request, str(error))
        return HttpResponseRedirect(reverse("admin:core_clientlink_change", args=[made.pk]))

    def parameters_view(self, request: HttpRequest) -> HttpResponse:
        """How far the system may go by itself."""
        return parameters_page(self, request)

    def not_same_view(self, request: HttpRequest, client: UUID, other: UUID) -> HttpResponse:
        """Say that two clients are two people."""
        rules.require(request.user, "core.link_clients")
        first, second = (self._client(request, key) for key in (client, other))
        return require_POST(self._not_same)(request, first, second)

    def _client(self, request: HttpRequest, key: UUID) -> Client:
        return self.admin_site.get_model_admin(Client).get_object_or_404(request, str(key))

    def _not_same(self, request: HttpRequest, first: Client, second: Client) -> HttpResponse:
        try:
            joining.mark_not_same(first, second, actor=request.user, evidence=weigh(first, second))
            messages.success(request, f"{first} and {second} are two people; the pair will not be shown again.")
        except CCDError as error:
            messages.error(request, str(error))
        return HttpResponseRedirect(reverse(_LIST))

    def _page(self, request: HttpRequest, template: str, status: int = 200, **context: Any) -> TemplateResponse:
        request.current_app = self.admin_site.name
        return TemplateResponse(
            request,
            f"admin/core/clientlink/{template}",
            {
                **self.admin_site.each_context(request),
                "opts": self.opts,
                "media": forms.Media() + self.media,
                **context,
            },
            status=status,
        )
