"""See as: which clients a staff member sees, and by which rule. An administrator looks, and stays who they are."""

from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.views.decorators.http import require_safe

from admin_ext import client_search
from admin_ext.base import Link
from admin_ext.lists import CappedPaginator
from core import rules, sight
from core.models import Client, Staff

PER_PAGE = 50


class Seeing:
    """Beside StaffAdmin: <id>/sees/."""

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(require_safe(self.sees_view))
        return [path("<path:object_id>/sees/", view, name="core_staff_sees"), *super().get_urls()]

    def object_links(self, request: HttpRequest, obj: Staff) -> list[Link]:
        links = super().object_links(request, obj)
        if not rules.allows(request.user, "core.see_as"):
            return links
        return [*links, (reverse("admin:core_staff_sees", args=[obj.pk]), "See as")]

    def sees_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Their list of clients, each with why it is there."""
        staff = self.get_object_or_404(request, object_id)
        rules.require(request.user, "core.see_as")
        term = request.GET.get("q", "").strip()
        seen = rules.visible_to(staff, Client)
        found = client_search.find(seen.canonical(), term, seen).order_by("last_name", "first_name", "client_id")
        shown = found.only("first_name", "last_name", "dob", "linked_to")
        page = CappedPaginator(shown, PER_PAGE).get_page(request.GET.get("p"))
        clients = list(page.object_list)
        why = sight.why_visible(staff, clients)
        context = {
            **self.admin_site.each_context(request),
            "title": f"What {staff} sees",
            "subtitle": "See as",
            "object": staff,
            "opts": self.opts,
            "page": page,
            "term": term,
            "reasons": sight.reasons_of(staff),
            "roles": sorted(rules.roles_of(staff)),
            "rows": [(client, why.get(client.pk, [])) for client in clients],
            "clients_shown": clients,
        }
        request.current_app = self.admin_site.name
        return TemplateResponse(request, "admin_ext/sees.html", context)
