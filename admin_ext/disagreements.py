"""Source disagreements: what a person entered beside what a file says, to take theirs or keep ours, one or many."""

from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.views.decorators.http import require_POST, require_safe

from admin_ext.mounting import mount
from core import rules
from core.audit.words import in_words, label_of
from core.errors import CCDError, NotAllowed
from core.ingest import disagreements
from core.models import SourceDisagreement, Staff

PER_PAGE = 50
VERBS = {"take": (disagreements.take_theirs, "taken as the source has it"), "keep": (disagreements.keep_ours, "kept")}


def urls() -> list[URLPattern]:
    """Routes below the admin site, in its namespace."""
    return [
        path("disagreements/", admin.site.admin_view(list_page), name="core_sourcedisagreement_open"),
        path("disagreements/decide/", admin.site.admin_view(decide), name="core_sourcedisagreement_decide"),
    ]


@require_safe
def list_page(request: HttpRequest) -> HttpResponse:
    """What waits, the oldest first."""
    rules.require(request.user, "core.decide_disagreements")
    page = Paginator(disagreements.open_ones(), PER_PAGE).get_page(request.GET.get("page"))
    shown = list(page.object_list)
    request.current_app = admin.site.name
    context = {
        **admin.site.each_context(request),
        "title": "Disagreements",
        "page": page,
        "rows": [_row(each, request.user) for each in shown],
        "clients_shown": [each.client for each in shown],
    }
    return TemplateResponse(request, "admin/core/importbatch/disagreements.html", context)


def _row(each: SourceDisagreement, viewer: Staff) -> dict[str, Any]:
    model = disagreements.ENTITIES[each.entity]
    ours, theirs = in_words(model, [{each.field: each.ours}, {each.field: each.theirs}], viewer=viewer)
    return {"it": each, "field": label_of(model, each.field), "ours": ours[each.field], "theirs": theirs[each.field]}


def decide(request: HttpRequest) -> HttpResponse:
    """Take theirs or keep ours, for the one whose button was pressed or for all that were ticked."""
    rules.require(request.user, "core.decide_disagreements")
    return require_POST(_decide)(request)


def _decide(request: HttpRequest) -> HttpResponse:
    verb, _, key = request.POST.get("decision", "").partition(" ")
    keys = {UUID(text) for text in ([key] if key else request.POST.getlist("chosen")) if _is_key(text)}
    chosen = list(rules.visible_to(request.user, SourceDisagreement).filter(pk__in=keys))
    if verb not in VERBS or not chosen:
        messages.error(request, "Choose at least one disagreement, and what is to become of it.")
        return _back()
    act, done = VERBS[verb]
    try:
        number = act(chosen, actor=request.user, reason=request.POST.get("reason", "").strip()[:1000] or None)
        messages.success(request, f"{number} value{'' if number == 1 else 's'} {done}.")
    except NotAllowed:
        raise
    except CCDError as error:
        messages.error(request, str(error))
    return _back()


def _is_key(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True


def _back() -> HttpResponseRedirect:
    return HttpResponseRedirect(reverse("admin:core_sourcedisagreement_open"))


mount(urls)
