"""The admin site: what all screens share."""

from typing import Any

from django.contrib.admin.views.autocomplete import AutocompleteJsonView
from django.db import models
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern
from unfold.sites import UnfoldAdminSite


class ScopedAutocomplete(AutocompleteJsonView):
    """Choices of a field, from what the person may see, each told apart from its namesakes."""

    def get_queryset(self) -> models.QuerySet:
        queryset, _ = self.model_admin.get_search_results(
            self.request, self.model_admin.choice_queryset(self.request), self.term
        )
        return queryset

    def serialize_result(self, obj: models.Model, to_field_name: str) -> dict[str, Any]:
        return {"id": str(getattr(obj, to_field_name)), "text": self.model_admin.choice_label(obj)}


class CCDAdminSite(UnfoldAdminSite):
    """Unfold's site without the routes nobody needs and with scoped choices."""

    site_title = "Central Client Database"
    index_title = "Today"
    enable_nav_sidebar = True

    def register(self, model_or_iterable: Any, admin_class: type | None = None, **options: Any) -> None:
        """Not the groups of django.contrib.auth: who may do what is said by roles alone."""
        if admin_class is None or not admin_class.__module__.startswith("django.contrib.auth"):
            super().register(model_or_iterable, admin_class, **options)

    def get_urls(self) -> list[URLPattern]:
        """Without view-on-site, which names a record's address by content type and key."""
        return [url for url in super().get_urls() if getattr(url, "name", None) != "view_on_site"]

    def autocomplete_view(self, request: HttpRequest) -> HttpResponse:
        return ScopedAutocomplete.as_view(admin_site=self)(request)
