"""The History tab: a record's audit entries in words, newest first."""

from typing import Any

from django.core.paginator import Paginator
from django.db import models
from django.http import HttpRequest

from core.audit import sentences

PER_PAGE = 50


def page(request: HttpRequest, entries: models.QuerySet) -> dict[str, Any]:
    """Template context of one page of the story."""
    shown = Paginator(entries.order_by("-position"), PER_PAGE).get_page(request.GET.get("p"))
    return {"page": shown, "readings": sentences.read(shown.object_list, viewer=request.user)}
