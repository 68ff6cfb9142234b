"""Who looked: after every answer of the admin at most one entry in the access log, written here and nowhere else.

A page need not remember to be logged: its route says what was done, its context which clients it showed. Where the
entry cannot be written the page is not shown. A refusal is logged too; the one who is refused is told nothing of it.
"""

from collections.abc import Callable, Iterable
from typing import Any
from uuid import UUID

from django.apps import apps
from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.db import models
from django.http import HttpRequest, HttpResponse
from django.shortcuts import resolve_url

from core import access
from core.models import Client

Handler = Callable[[HttpRequest], HttpResponse]

# What the last part of a route's name is called in the log; any other is called what it is.
ACTIONS = {
    "changelist": "list",
    "change": "open",
    "report_people": "list",
    "report_people_file": "export",
    "autocomplete": "choose",
    "rows": "export",
}
# Pages that say nothing of anyone, unless they show clients.
QUIET = {"index", "app_list", "search", "add", "report_index", "autocomplete"}
UNSEEN = {"login", "logout", "jsi18n", "password_change", "password_change_done", "password"}
REFUSED = (400, 403, 404)
_WHERE_IN_LIST = {"p", "o", "all"}
_LONGEST_VALUE = 100  # characters


def look(request: HttpRequest, **what: Any) -> None:
    """What only the view knows of its entry: action, entity, clients, number, detail."""
    request.__dict__.setdefault("ccd_look", {}).update(what)


def exported(request: HttpRequest, rows: models.QuerySet, number: int) -> None:
    """The clients in a file that is about to leave; too many are told by their number alone."""
    path = client_path(rows.model)
    found = rows.order_by().exclude(**{path: None}).values_list(path, flat=True).distinct() if path else rows.none()
    keys = list(found[: access.MOST_CLIENTS + 1])
    look(request, number=number, clients=keys if len(keys) <= access.MOST_CLIENTS else ())


def watch(get_response: Handler) -> Handler:
    """Inside authentication, outside everything that refuses."""

    def answer(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        if request.path.startswith("/admin/"):
            _note(request, response)
        return response

    return answer


def _note(request: HttpRequest, response: HttpResponse) -> None:
    who = request.user.pk if request.user.is_authenticated else request.session.get(SESSION_KEY)
    if who is None:
        return
    context = getattr(response, "context_data", None)
    entity, verb = _route(request)
    if _is_refusal(request, response):
        access.record(who, "refused", entity, clients=_asked_for(request, entity), detail=request.path)
    elif verb not in UNSEEN and (response.status_code == 200 or context):
        entry = _entry(request, entity, verb, context or {})
        names_clients = verb == "autocomplete" and entry["entity"] == Client._meta.db_table
        if verb not in QUIET or entry["clients"] or names_clients:
            access.record(who, **entry)


def _route(request: HttpRequest) -> tuple[str | None, str]:
    """Table and verb of the address: core_client_change is ("clients", "change")."""
    match = request.resolver_match
    name = (match.url_name or "") if match else ""
    parts = name.split("_", 2)
    if len(parts) == 3 and parts[0] == "core":
        try:
            return apps.get_model("core", parts[1])._meta.db_table, parts[2]
        except LookupError:
            return None, parts[2]
    return (f"report {match.kwargs['slug']}" if match and "slug" in match.kwargs else None), name


def _is_refusal(request: HttpRequest, response: HttpResponse) -> bool:
    """Refused by a page, or sent to log in again although logged in: without a role, or no longer active."""
    login = resolve_url(settings.LOGIN_URL)
    sent_away = response.status_code == 302 and response["Location"].split("?")[0] == login and request.path != login
    is_leaving = request.resolver_match is not None and request.resolver_match.url_name == "logout"
    return response.status_code in REFUSED or (sent_away and not is_leaving)


def _entry(request: HttpRequest, entity: str | None, verb: str, context: dict[str, Any]) -> dict[str, Any]:
    action = ACTIONS.get(verb, verb.replace("_", " "))
    if verb == "changelist" and request.GET.get("q", "").strip():
        action = "search"
    changes = context.get("cl")
    return {
        "action": action,
        "entity": entity,
        "number": changes.result_count if changes is not None else None,
        "detail": "; ".join([*_record(request, entity), *_query(request)]),
        "clients": _shown(context),
        **{name: _keys(value) if name == "clients" else value for name, value in _told(request).items()},
    }


def _told(request: HttpRequest) -> dict[str, Any]:
    return request.__dict__.get("ccd_look", {})


def _record(request: HttpRequest, entity: str | None) -> list[str]:
    """The key in the address, where it is not a client's, which stands among the clients."""
    kwargs = request.resolver_match.kwargs if request.resolver_match else {}
    key = kwargs.get("object_id") or kwargs.get("key")
    return [str(key)] if key and entity != Client._meta.db_table else []


def _query(request: HttpRequest) -> list[str]:
    """What was searched and filtered: q=amina, gender=Woman. Which page of it, and in which order, comes last: nobody
    pushes the rest out of the entry with it.
    """
    found = [(name, value) for name, values in request.GET.lists() for value in values if value]
    found.sort(key=lambda pair: pair[0] in _WHERE_IN_LIST)
    return [
        f"{name}={value if len(value) <= _LONGEST_VALUE else value[:_LONGEST_VALUE] + '…'}" for name, value in found
    ]


def _shown(context: dict[str, Any]) -> set[UUID]:
    """The clients that a page shows: of its list, of its record and the rows of its tabs, and those it names itself."""
    found = _keys(context.get("clients_shown") or ())
    found |= _keys(context[name] for name in ("original", "object", "record", "entry", "change") if context.get(name))
    if context.get("cl") is not None:
        found |= _keys(context["cl"].result_list)
    if context.get("adminform") is not None:
        found |= {key for key in [_key(context["adminform"].form.initial.get("client"))] if key}
    for inline in context.get("inline_admin_formsets") or ():
        found |= _keys(form.instance for form in inline.formset.forms if not form.instance._state.adding)
    return found


def _keys(shown: Iterable[object]) -> set[UUID]:
    """Keys of clients, and of the clients that records are about."""
    return {key for key in map(client_of, shown) if key}


def _key(text: object) -> UUID | None:
    try:
        return UUID(str(text))
    except ValueError:
        return None


def client_of(shown: object) -> UUID | None:
    """The client that a record is, or hangs on."""
    if isinstance(shown, UUID):
        return shown
    if isinstance(shown, Client):
        return shown.pk
    if not isinstance(shown, models.Model):
        return None
    return getattr(shown, "client_id", None) or _of_assignment(shown)


def client_path(model: type[models.Model]) -> str:
    """The same as a lookup from the table; empty where it has no client."""
    return "pk" if model is Client else "client_id" if hasattr(model, "client_id") else ""


def _of_assignment(shown: models.Model) -> UUID | None:
    field = {f.name: f for f in shown._meta.concrete_fields}.get("content_object")
    return getattr(shown, field.attname) if field is not None else None


def _asked_for(request: HttpRequest, entity: str | None) -> set[UUID]:
    """The client whose page was refused; whether there is one is not looked up, which would take time."""
    if entity != Client._meta.db_table or request.resolver_match is None:
        return set()
    key = _key(request.resolver_match.kwargs.get("object_id"))
    return {key} if key else set()
