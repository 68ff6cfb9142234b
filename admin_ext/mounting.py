"""Pages of no model's own, below the admin site and in its namespace."""

from collections.abc import Callable
from typing import Any

from django.contrib import admin
from django.urls import URLPattern


def mount(urls: Callable[[], list[URLPattern]]) -> None:
    """Unfold's site takes further routes from `extra_urls`; what others put there stays."""
    site: Any = admin.site
    before = getattr(site, "extra_urls", list)
    site.extra_urls = lambda: [*before(), *urls()]
