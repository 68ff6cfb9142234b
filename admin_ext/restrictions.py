"""Restrictions: who is barred from where, until when. Ended, never deleted; kept for at least ten years."""

from datetime import date
from typing import Any

from django.contrib import admin
from django.db import models
from django.http import HttpRequest
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import DropdownFilter, RangeDateFilter
from unfold.decorators import display

from admin_ext import words
from admin_ext.ending import Ending
from admin_ext.enrollments import OfClientAdmin, export_of
from admin_ext.forms import CCDForm
from admin_ext.lists import ProgramFilter, StateFilter
from core.choices import SCOPE_ORG, SCOPE_PROGRAM, SCOPES
from core.models import Restriction

_COLOURS = {"active": "red", "upcoming": "orange", "expired": "grey"}


class RestrictionState(StateFilter):
    """In force today, later, or before."""

    states = (("active", "Active"), ("upcoming", "Upcoming"), ("expired", "Expired"))

    def narrow(self, queryset: models.QuerySet, day: date) -> models.QuerySet:
        return getattr(queryset, f"{self.value()}_on")(day)


class ScopeFilter(DropdownFilter):
    """Whole organization or one program."""

    title = "scope"
    parameter_name = "scope"

    def lookups(self, request: HttpRequest, model_admin: object) -> tuple[tuple[str, str], ...]:
        return SCOPES

    def queryset(self, request: HttpRequest, queryset: models.QuerySet) -> models.QuerySet:
        return queryset.filter(scope=self.value()) if self.value() else queryset


class RestrictionForm(CCDForm):
    """The browser hides the program where the scope is the whole organization, and posts it all the same."""

    def clean(self) -> dict[str, Any]:
        data = super().clean()
        if data.get("scope") == SCOPE_ORG:
            data["program"] = None
        elif data.get("scope") == SCOPE_PROGRAM and not data.get("program") and "program" not in self.errors:
            self.add_error("program", "Choose the program.")
        return data

    def values(self) -> dict[str, Any]:
        found = super().values()
        if "scope" in found:
            found["program"] = self.cleaned_data["program"]
        return found


@admin.register(Restriction)
class RestrictionAdmin(Ending, OfClientAdmin):
    """A bar with scope and dates."""

    form = RestrictionForm
    deletable = False
    verbs = ("view", "add", "change", "propose")
    list_before_template = "admin_ext/restriction_tabs.html"
    list_display = ("client", "display_where", "start_date", "display_end", "reason", "display_state")
    export_columns = export_of("restriction_id", "scope", "start_date", "end_date", "reason", "state")
    list_filter = (RestrictionState, ScopeFilter, ProgramFilter, ("start_date", RangeDateFilter))
    radio_fields = {"scope": admin.HORIZONTAL}
    conditional_fields = {"program": "scope == 'program'"}
    fieldsets = ((None, {"fields": ("client", "scope", "program", ("start_date", "end_date"), "reason")}),)

    def get_readonly_fields(self, request: HttpRequest, obj: models.Model | None = None) -> tuple[str, ...]:
        return ("client",) if obj is not None else ()

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        return {"scope": SCOPE_ORG, **super().get_changeform_initial_data(request)}

    @display(description="Barred from", ordering="scope")
    def display_where(self, restriction: Restriction) -> str:
        return words.where(restriction)

    @display(description="Through", ordering="end_date")
    def display_end(self, restriction: Restriction) -> SafeString | str:
        return words.day(restriction.end_date, "further notice")

    @display(description="State")
    def display_state(self, restriction: Restriction) -> SafeString:
        return words.chip(restriction.state, _COLOURS[restriction.state])
