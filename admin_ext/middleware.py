"""At the edge: headers of every answer, and refusals as plain pages that tell nothing."""

import sys
from collections.abc import Callable

from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from django.template.loader import render_to_string

from core.errors import CCDError, NotAllowed

Handler = Callable[[HttpRequest], HttpResponse]
UNREACHABLE = (OperationalError, InterfaceError)

# Alpine and htmx need 'unsafe-eval', hence no script-src; frames, plug-ins, base and form targets are ours alone.
CONTENT_SECURITY = "frame-ancestors 'none'; object-src 'none'; base-uri 'self'; form-action 'self'"
PERMISSIONS = "camera=(), microphone=(), geolocation=(), payment=(), usb=(), interest-cohort=()"

SENTENCES = {
    400: ("That did not work", "The address or the form was not one of ours. Go back and try again."),
    403: ("Not allowed", "Your role does not include this. If it should, ask an administrator."),
    404: ("Not found", "There is no such page, or it is not yours to see."),
    429: ("Locked for a while", "Too many wrong passwords. Try again later, or ask an administrator."),
    500: ("Something went wrong", "The fault is ours, nothing was half saved, and it was noted. Please try again."),
    503: ("One moment", "The database cannot be reached. Nothing was lost. Please try again in a minute."),
}


def headers(get_response: Handler) -> Handler:
    """Content-Security-Policy and its neighbours; nothing of the admin stays in a cache; Secure cookies over HTTPS."""
    # Django wraps each middleware so that its exceptions become pages before anyone else sees them. The session's must
    # be seen here: without a database it fails outside every view.
    inner = getattr(get_response, "__wrapped__", get_response)

    def answer(request: HttpRequest) -> HttpResponse:
        try:
            response = inner(request)
        except UNREACHABLE:
            response = page(503)
        response.headers.setdefault("Content-Security-Policy", CONTENT_SECURITY)
        response.headers.setdefault("Permissions-Policy", PERMISSIONS)
        if request.path.startswith("/admin/"):
            response.headers["Cache-Control"] = "no-store"
        if request.is_secure():
            for cookie in response.cookies.values():
                cookie["secure"] = True
        return response

    return answer


def refusals(get_response: Handler) -> Handler:
    """What a view refuses becomes one of the pages here, with DEBUG as without."""

    def answer(request: HttpRequest) -> HttpResponse:
        return get_response(request)

    answer.process_exception = lambda request, exception: _refusal(exception)
    return answer


def _refusal(exception: Exception) -> HttpResponse | None:
    if isinstance(exception, UNREACHABLE):
        return page(503)
    if isinstance(exception, Http404):
        return page(404)
    if isinstance(exception, PermissionDenied | NotAllowed):
        return page(403)
    if isinstance(exception, CCDError):
        return page(400, str(exception))
    return page(400) if isinstance(exception, SuspiciousOperation) else None


def page(status: int, sentence: str = "") -> HttpResponse:
    """The same page for everyone: neither template tags nor context ask the database."""
    title, usual = SENTENCES[status]
    context = {"status": status, "title": title, "sentence": sentence or usual}
    return HttpResponse(render_to_string("admin_ext/refusal.html", context), status=status)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    return page(400)


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    return page(403)


def form_of_another(request: HttpRequest, reason: str = "") -> HttpResponse:
    """A form without the token of this log-in."""
    return page(
        403, "The form was from before you logged in, or not one of ours. Nothing was changed. Open the page again."
    )


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return page(404)


def broken(request: HttpRequest) -> HttpResponse:
    return page(503 if isinstance(sys.exc_info()[1], UNREACHABLE) else 500)
