"""The real addresses, and beside them the leaky ones: only for tests/matrix/test_teeth.py."""

from django.urls import include, path

from ccd.urls import handler400, handler403, handler404, handler500
from ccd.urls import urlpatterns as real
from tests.matrix import leaky

urlpatterns = [
    *(path(f"{site.name}/", site.urls) for site in leaky.SITES),
    path("leaky/", include((leaky.VIEWS, "leaky"))),
    *real,
]

__all__ = ["handler400", "handler403", "handler404", "handler500", "urlpatterns"]
