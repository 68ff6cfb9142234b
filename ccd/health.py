"""/healthz: the process answers. Says nothing else and asks nothing of the database."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

ADDRESS = "/healthz"


@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """`ok`."""
    return HttpResponse("ok", content_type="text/plain")


def health(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Before all else: a container and a load balancer ask by an address, which is no name of ALLOWED_HOSTS."""

    def answer(request: HttpRequest) -> HttpResponse:
        asks = request.path == ADDRESS and request.method in ("GET", "HEAD")
        return healthz(request) if asks else get_response(request)

    return answer
