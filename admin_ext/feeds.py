"""The Feeds page: what each source sends, and the page on which its schedule and limits are set."""

import json
from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest
from django.utils import timezone
from unfold.widgets import (
    UnfoldAdminDecimalFieldWidget,
    UnfoldAdminTimeWidget,
    UnfoldBooleanSwitchWidget,
)

from core.choices import OUTCOMES
from core.errors import CCDError, UnknownSource
from core.ingest import feeds, limits, sources
from core.models import SourceSettings

DAYS = ((1, "Mon"), (2, "Tue"), (3, "Wed"), (4, "Thu"), (5, "Fri"), (6, "Sat"), (7, "Sun"))
COLOURS = {
    "created": "#17b26a",
    "updated": "#2e90fa",
    "unchanged": "#98a2b3",
    "duplicate": "#667085",
    "held": "#f79009",
    "rejected": "#f04438",
}
STATES = {
    "never": ("No file yet", "grey"),
    "on time": ("On time", "green"),
    "waiting": ("Due today", "blue"),
    "late": ("Late", "red"),
}
SHARES = ("open_share", "renamed_share", "least_rows", "most_rows")
_OPTIONS = {
    "responsive": True,
    "maintainAspectRatio": False,
    "animation": False,
    "scales": {"x": {"stacked": True, "grid": {"display": False}}, "y": {"stacked": True, "beginAtZero": True}},
    "plugins": {"legend": {"display": True, "position": "bottom", "labels": {"boxWidth": 10}}},
}


def page(request: HttpRequest) -> dict[str, Any]:
    """What the Feeds page shows."""
    found = feeds.every(actor=request.user)
    return {
        "feeds": [_card(feed) for feed in found],
        "clients_shown": [client for feed in found for client, _, _ in feed.gone.people],
    }


def _card(feed: feeds.Feed) -> dict[str, Any]:
    state, kind = STATES[feed.schedule.state]
    return {
        "feed": feed,
        "state": state,
        "kind": kind,
        "days": ", ".join(name for number, name in DAYS if number in feed.settings.expected_days) or "no day",
        "of_median": round(100 * feed.of_median) if feed.of_median is not None else None,
        "chart": json.dumps(_chart(feed)) if feed.files else "",
        "options": json.dumps(_OPTIONS),
        "files": [(batch, [(batch.summary or {}).get(name, 0) for name in OUTCOMES]) for batch in feed.files[::-1]],
        "outcomes": OUTCOMES,
    }


def _chart(feed: feeds.Feed) -> dict[str, Any]:
    """One bar per file, its outcomes on top of each other."""
    return {
        "labels": [f"{timezone.localtime(batch.created_at):%m-%d}" for batch in feed.files],
        "datasets": [
            {
                "label": name,
                "data": [(batch.summary or {}).get(name, 0) for batch in feed.files],
                "backgroundColor": COLOURS[name],
                "maxBarThickness": 28,
            }
            for name in OUTCOMES
        ],
    }


class _Percent(forms.FloatField):
    """A share, typed and shown in percent."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(widget=UnfoldAdminDecimalFieldWidget(attrs={"step": "1"}), **kwargs)

    def prepare_value(self, value: Any) -> Any:
        return round(100 * value, 1) if isinstance(value, float) else value

    def clean(self, value: Any) -> float:
        return super().clean(value) / 100


class SourceForm(forms.Form):
    """When the files of a source are due, and when one is held whole."""

    expected_days = forms.TypedMultipleChoiceField(
        label="Files are due on", choices=DAYS, coerce=int, required=False, widget=forms.CheckboxSelectMultiple
    )
    expected_by = forms.TimeField(label="by", widget=UnfoldAdminTimeWidget())
    holds_files = forms.BooleanField(
        label="Hold unusual files whole",
        required=False,
        widget=UnfoldBooleanSwitchWidget(),
        help_text=f"Only files of {limits.SMALLEST} rows or more, and only those that nobody looked at before: "
        "who confirms a preview has seen them.",
    )
    open_share = _Percent(label="Held and rejected rows, at most %", min_value=0, max_value=100)
    renamed_share = _Percent(label="Known people who get another name, at most %", min_value=0, max_value=100)
    least_rows = _Percent(label="Rows, at least % of the median", min_value=0, max_value=100)
    most_rows = _Percent(
        label="Rows, at most % of the median",
        min_value=100,
        help_text="The median of the files of the last 28 days, where there are five or more.",
    )


def form_of(request: HttpRequest, name: str) -> tuple[str, SourceForm]:
    """The source's own name and its form. Raises Http404 where there is no such source."""
    try:
        source = sources.profile(name).name
    except UnknownSource as error:
        raise Http404(str(error)) from None
    stands = limits.settings_of(source)
    initial = {field: getattr(stands, field) for field in SourceForm.base_fields}
    return source, SourceForm(request.POST or None, initial=initial)


def save(request: HttpRequest, source: str, form: SourceForm) -> bool:
    """Set what was posted. False where it was refused, which is said beside the fields."""
    try:
        feeds.configure(source, actor=request.user, values=form.cleaned_data)
    except CCDError as error:
        faults = getattr(error, "faults", {"": [str(error)]})
        for field, said in faults.items():
            form.add_error(field if field in form.fields else None, said)
        return False
    messages.success(request, f"{SourceSettings._meta.verbose_name.capitalize()} {source} was saved.")
    return True
