"""Duplicates: clients who may be one person, side by side, and the verdict that they are not."""

from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.views.decorators.http import require_POST

from admin_ext.base import CCDModelAdmin
from admin_ext.linking_page import parameters_page
from admin_ext.words import age
from core import rules
from core.errors import CCDError
from core.linking.duplicates import Suspicion, suspects
from core.linking.evidence import explain
from core.linking.joining import mark_not_same
from core.models import Client, ClientLink

PAIRS_PER_PAGE = 20
COMPARED = (
    ("Name", lambda c: c.full_name),
    ("Also", lambda c: ", ".join(filter(None, (c.preferred_name, c.alias)))),
    ("Date of birth", lambda c: f"{c.dob:%Y-%m-%d} ({age(c)})" if c.dob else ""),
    ("Gender", lambda c: c.gender or ""),
    ("Phone", lambda c: c.phone_number or ""),
    ("E-mail", lambda c: c.email or ""),
    ("Postal code", lambda c: c.postal_key or ""),
    ("Identifiers", lambda c: ", ".join(map(str, c.identifiers.all()))),
    ("Programs", lambda c: ", ".join(sorted({e.program.name for e in c.enrollments.all()}))),
)


@admin.register(ClientLink)
class ClientLinkAdmin(CCDModelAdmin):
    """The list is of suspicions; what was decided is in the audit log of both clients."""

    verbs = ("view",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path("not-same/<uuid:client>/<uuid:other>/", view(self.not_same_view), name="core_clientlink_not_same"),
            path("parameters/", view(self.parameters_view), name="core_clientlink_parameters"),
            *super().get_urls(),
        ]

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """Pairs, nearest first."""
        rules.require(request.user, "core.link_clients")
        page = Paginator(suspects(), PAIRS_PER_PAGE).get_page(request.GET.get("page"))
        pairs = _side_by_side(list(page.object_list))
        request.current_app = self.admin_site.name
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": "Duplicates",
            "page": page,
            "pairs": pairs,
            "clients_shown": [pair[name] for pair in pairs for name in ("client", "other")],
            "may_set": rules.allows(request.user, "core.change_linksettings"),
            "decided": ClientLink.objects.filter(verdict="not_same").count(),
        }
        return TemplateResponse(request, "admin/core/clientlink/pairs.html", context)

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
            mark_not_same(first, second, actor=request.user)
            messages.success(request, f"{first} and {second} are two people; the pair will not be shown again.")
        except CCDError as error:
            messages.error(request, str(error))
        return HttpResponseRedirect(reverse("admin:core_clientlink_changelist"))


def _side_by_side(found: list[Suspicion]) -> list[dict[str, Any]]:
    keys = {key for suspicion in found for key in (suspicion.client, suspicion.other)}
    clients = Client.objects.prefetch_related("identifiers", "enrollments__program").in_bulk(keys)
    pairs = []
    for suspicion in found:
        client, other = clients[suspicion.client], clients[suspicion.other]
        rows = [(label, told(client), told(other)) for label, told in COMPARED]
        pairs.append(
            {
                "client": client,
                "other": other,
                "bits": suspicion.score,
                "why": explain(suspicion.evidence),
                "rows": [(label, a, b, a == b) for label, a, b in rows if a or b],
            }
        )
    return pairs
