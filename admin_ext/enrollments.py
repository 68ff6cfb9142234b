"""Enrollments, and the intakes and discharges beside them."""

from datetime import date

from django.contrib import admin
from django.db import models
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import RangeDateFilter
from unfold.decorators import display

from admin_ext import client_search, words
from admin_ext.base import CCDModelAdmin
from admin_ext.ending import Ending
from admin_ext.exporting import Exporting
from admin_ext.lists import DepartmentFilter, ProgramFilter, StateFilter
from admin_ext.restoring import Restoring
from core.models import Client, Discharge, Enrollment, Intake, Program
from core.rules import visible_to

CLIENT_SEARCH = ("client__search_text", "program__name")
WHO_AND_WHERE = {
    "client_id": "client_id",
    "first_name": "client__first_name",
    "last_name": "client__last_name",
    "department": "program__department__name",
    "program": "program__name",
}


def export_of(*names: str) -> dict[str, str]:
    return WHO_AND_WHERE | {name: name for name in names}


class EnrollmentState(StateFilter):
    """Active today, ended before, or starting later."""

    states = (("active", "Active today"), ("ended", "Ended"), ("future", "Starts later"))

    def narrow(self, queryset: models.QuerySet, day: date) -> models.QuerySet:
        if self.value() == "active":
            return queryset.active_on(day)
        return queryset.filter(end_date__lt=day) if self.value() == "ended" else queryset.filter(start_date__gt=day)


class OfClientAdmin(Restoring, Exporting, CCDModelAdmin):
    """A row that belongs to one client and one program, which it keeps: to move it, remove it and enter it anew."""

    related = ("client", "program__department")
    autocomplete_fields = ("client",)
    deletable = True
    search_fields = CLIENT_SEARCH
    search_help_text = "Client or program"
    list_display_links = ("client",)

    def get_readonly_fields(self, request: HttpRequest, obj: models.Model | None = None) -> tuple[str, ...]:
        return ("client", "program") if obj is not None else ()

    def get_search_results(
        self, request: HttpRequest, queryset: models.QuerySet, search_term: str
    ) -> tuple[models.QuerySet, bool]:
        clients, programs = (visible_to(request.user, model) for model in (Client, Program))
        for term in client_search.terms_of(search_term):
            queryset = queryset.filter(client_search.of_client_or_program(term, clients, programs))
        return queryset, False

    def response_post_save_add(self, request: HttpRequest, obj: models.Model) -> HttpResponse:
        """Added from a client's page: back to it."""
        if request.GET.get("client") == str(obj.client_id):
            return HttpResponseRedirect(reverse("admin:core_client_change", args=[obj.client_id]))
        return super().response_post_save_add(request, obj)

    @display(description="Department")
    def display_department(self, record: models.Model) -> str:
        return str(record.program.department) if record.program_id else ""


@admin.register(Enrollment)
class EnrollmentAdmin(Ending, OfClientAdmin):
    """A client in a program from a day through a day."""

    list_display = ("client", "program", "display_department", "start_date", "end_date", "display_state")
    export_columns = export_of("enrollment_id", "start_date", "end_date", "override_reason")
    list_filter = (EnrollmentState, ProgramFilter, DepartmentFilter, ("start_date", RangeDateFilter))
    fieldsets = (
        (None, {"fields": (("client", "program"), ("start_date", "end_date"))}),
        (
            "In spite of a restriction",
            {
                "fields": ("override_reason",),
                "description": "Leave this empty. Where an active restriction bars the client, the page says so, and a "
                "reason given here enrolls the client all the same.",
            },
        ),
    )

    @display(description="State")
    def display_state(self, enrollment: Enrollment) -> SafeString:
        if enrollment.is_active:
            return words.chip("active", "green")
        later = enrollment.start_date > timezone.localdate()
        return words.chip("starts later" if later else "ended", "blue" if later else "grey")


@admin.register(Intake)
class IntakeAdmin(OfClientAdmin):
    """A client was taken in."""

    list_display = ("client", "program", "display_department", "intake_date", "source_system")
    export_columns = export_of("intake_id", "intake_date", "source_system")
    list_filter = (ProgramFilter, DepartmentFilter, ("intake_date", RangeDateFilter))
    fields = (("client", "program"), ("intake_date", "source_system"))


@admin.register(Discharge)
class DischargeAdmin(OfClientAdmin):
    """A client left; the enrollment of that day is ended with it."""

    list_display = ("client", "program", "display_department", "discharge_date", "reason")
    export_columns = export_of("discharge_id", "discharge_date", "reason")
    list_filter = (ProgramFilter, DepartmentFilter, ("discharge_date", RangeDateFilter))
    fields = (("client", "program"), ("discharge_date", "reason"))
