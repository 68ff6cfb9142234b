"""The pages of the access log: who looked at this client, what this person looked at."""

from collections import defaultdict
from typing import Any
from uuid import UUID

from django.db import models
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.views.decorators.http import require_safe

from admin_ext.base import Link
from admin_ext.lists import CappedPaginator
from core import access, rules
from core.audit.words import model_of
from core.models import AccessEntry, Client, Department, ImportBatch, Program, Staff

PER_PAGE = 50
_NAMED = 6
_SENTENCES = {
    "open": "Opened {one}",
    "history": "Read the history of {one}",
    "list": "Listed {many}",
    "search": "Searched {many}",
    "choose": "Looked among {many} for a form",
    "export": "Exported {many}",
    "report": "Read {many}",
    "download": "Downloaded {many}",
    "refused": "A page of {many}",
    "access": "Read who looked at {one}",
    "looks": "Read what {one} looked at",
    "sees": "Read which clients {one} sees",
    "set password": "Set the password of {one}",
    "index": "Saw the first page",
    "delete": "Opened the page that deletes {one}",
    "end": "Opened the page that ends {one}",
    "assign": "Opened the page that assigns {one}",
    "unassign": "Opened the page that ends an assignment of {one}",
    "add": "Opened a new form of {many}",
}
# Whose keys in the log get their names back.
_RESOLVED = (Staff, Program, Department, ImportBatch)


class Watched:
    """Beside ClientAdmin: who looked at this client."""

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(require_safe(self.access_view))
        return [path("<path:object_id>/access/", view, name="core_client_access"), *super().get_urls()]

    def object_links(self, request: HttpRequest, obj: Client) -> list[Link]:
        links = super().object_links(request, obj)
        if not rules.allows(request.user, "core.view_client_access", obj):
            return links
        return [*links, (reverse("admin:core_client_access", args=[obj.pk]), "Who looked")]

    def access_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Newest first."""
        client = self.get_object_or_404(request, object_id)
        entries = access.of_client(client, viewer=request.user)
        return looks_page(self, request, client, entries, title="Who looked", of_client=True)


class Watching:
    """Beside StaffAdmin: what this person looked at."""

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(require_safe(self.looks_view))
        return [path("<path:object_id>/looks/", view, name="core_staff_looks"), *super().get_urls()]

    def object_links(self, request: HttpRequest, obj: Staff) -> list[Link]:
        url = reverse("admin:core_staff_looks", args=[obj.pk])
        return [*super().object_links(request, obj), (url, "Looked at")]

    def looks_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Newest first."""
        staff = self.get_object_or_404(request, object_id)
        entries = access.of_staff(staff, viewer=request.user)
        return looks_page(self, request, staff, entries, title="Looked at", of_client=False)


def looks_page(
    admin: Any, request: HttpRequest, record: models.Model, entries: models.QuerySet, *, title: str, of_client: bool
) -> TemplateResponse:
    """One page of the access log, in words."""
    page = CappedPaginator(entries.order_by("-accessed_at", "-access_id"), PER_PAGE).get_page(request.GET.get("p"))
    shown = list(page.object_list)
    clients = {} if of_client else _clients(request.user, shown)
    names = _names(request.user, shown)
    context = {
        **admin.admin_site.each_context(request),
        "title": title,
        "subtitle": str(record),
        "object": record,
        "opts": admin.opts,
        "page": page,
        "of_client": of_client,
        "most": access.MOST_CLIENTS,
        "rows": [_row(entry, clients, names) for entry in shown],
        "clients_shown": clients,
    }
    request.current_app = admin.admin_site.name
    return TemplateResponse(request, "admin_ext/looks.html", context)


def _row(entry: AccessEntry, clients: dict[UUID, Client], names: dict[UUID, str]) -> dict[str, Any]:
    keys = entry.client_ids or []
    named = [clients[key] for key in keys[:_NAMED] if key in clients]
    return {
        "entry": entry,
        "who": entry.staff or "System",
        "what": said(entry, names),
        "detail": _detail(entry),
        "clients": named,
        "more": len(keys) - len(named) if named else 0,
        "refused": entry.action == "refused",
    }


def said(entry: AccessEntry, names: dict[UUID, str]) -> str:
    """What was done, as a sentence."""
    model = model_of(entry.entity) if entry.entity else None
    one = many = entry.entity or "a page"
    if model is not None:
        many = str(model._meta.verbose_name_plural)
        one = names.get(_key(entry), f"a record of {many}") if model is not Client else "the client’s page"
    elif one.startswith("report "):
        title = one.removeprefix("report ").replace("_", " ")
        named = entry.action in ("list", "export")
        one = many = f"the people behind the report {title}" if named else f"the report {title}"
    if entry.action != "open" and model is Client:
        one = "the client"
    sentence = _SENTENCES.get(entry.action, f"{entry.action.capitalize()}: {{many}}").format(one=one, many=many)
    found = entry.number is not None and entry.action in ("list", "search", "export")
    return f"{sentence}, {entry.number:,} found" if found else sentence


def _detail(entry: AccessEntry) -> str:
    """What was searched and filtered; the path of a refusal."""
    if entry.action == "refused":
        return entry.detail or ""
    parts = [part for part in (entry.detail or "").split("; ") if part and not _uuid(part)]
    return ", ".join(f"“{part[2:]}”" if part.startswith("q=") else part.replace("=", " ", 1) for part in parts)


def _key(entry: AccessEntry) -> UUID | None:
    return _uuid((entry.detail or "").split("; ")[0])


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _clients(viewer: Staff, entries: list[AccessEntry]) -> dict[UUID, Client]:
    """The first few of each entry, as far as the viewer sees them."""
    keys = {key for entry in entries for key in (entry.client_ids or [])[:_NAMED]}
    return rules.visible_to(viewer, Client).only("first_name", "last_name", "linked_to").in_bulk(keys)


def _names(viewer: Staff, entries: list[AccessEntry]) -> dict[UUID, str]:
    """Names of the programs, staff, departments and files in the log: one query for each kind there is."""
    keys: dict[type[models.Model], set[UUID]] = defaultdict(set)
    for entry in entries:
        model, key = model_of(entry.entity or ""), _key(entry)
        if model in _RESOLVED and key:
            keys[model].add(key)
    found: dict[UUID, str] = {}
    for model, wanted in keys.items():
        found |= {key: str(row) for key, row in rules.visible_to(viewer, model).in_bulk(wanted).items()}
    return found
