"""The History tab: a record's audit entries as sentences."""

from typing import Any

from django.core.paginator import Paginator
from django.db import models
from django.http import HttpRequest

PER_PAGE = 50


def page(request: HttpRequest, entries: models.QuerySet) -> dict[str, Any]:
    """One page of the story, newest first."""
    found = entries.select_related("changed_by", "requested_by").order_by("-position")
    shown = Paginator(found, PER_PAGE).get_page(request.GET.get("p"))
    return {"page": shown, "sentences": list(shown.object_list)}
