"""Programs & services: places, who works there, who is there."""

from django.contrib import admin
from django.db import models
from django.db.models import Case, Count, F, FilteredRelation, OuterRef, Q, Subquery, When
from django.db.models.functions import Coalesce
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import DropdownFilter
from unfold.decorators import display

from admin_ext import words
from admin_ext.base import CCDModelAdmin
from admin_ext.exporting import Exporting
from admin_ext.forms import CCDForm
from admin_ext.inlines import CCDInline, ReadOnlyInline
from admin_ext.lists import DepartmentFilter
from admin_ext.restoring import Restoring
from admin_ext.scoping import program_label
from core.models import Enrollment, Program, ProgramCapacity, ProgramStaff, Staff
from core.rules import visible_to


class OfStaffForm(CCDForm):
    """A row whose staff member stays as it is."""

    pinned = ("staff",)


class ProgramStaffInline(CCDInline):
    """Who works in the program; several may be its managers."""

    model = ProgramStaff
    form = OfStaffForm
    fields = ("staff", "is_manager")
    related = ("staff", "program")
    ordering = ("-is_manager", "staff__last_name", "staff__first_name")
    verbose_name = "staff member"
    verbose_name_plural = "staff"
    deletable = True
    readonly_fields = ()

    def choices_of(self, request: HttpRequest, model: type[models.Model]) -> models.QuerySet:
        queryset = super().choices_of(request, model)
        return queryset.filter(active=True) if model is Staff else queryset


class CurrentEnrollmentInline(ReadOnlyInline):
    """Clients in the program today."""

    model = Enrollment
    fields = ("client", "start_date", "end_date", "display_open")
    readonly_fields = fields
    related = ("client", "program")
    ordering = ("client__last_name", "client__first_name")
    verbose_name_plural = "enrollments today"
    template_before = "admin_ext/all_enrollments.html"

    def get_queryset(self, request: HttpRequest) -> models.QuerySet:
        return super().get_queryset(request).active_on(timezone.localdate())


class CapacityInline(ReadOnlyInline):
    """Places from which day on: what the vacancy report reads for past days."""

    model = ProgramCapacity
    fields = ("effective_date", "capacity")
    readonly_fields = fields
    related = ("program",)
    verbose_name_plural = "capacity history"


class PlacesFilter(DropdownFilter):
    """With or without a fixed number of places."""

    title = "capacity"
    parameter_name = "capacity"

    def lookups(self, request: HttpRequest, model_admin: object) -> tuple[tuple[str, str], ...]:
        return (("fixed", "Fixed number of places"), ("none", "No fixed number"))

    def queryset(self, request: HttpRequest, queryset: models.QuerySet) -> models.QuerySet:
        if self.value() not in ("fixed", "none"):
            return queryset
        return queryset.filter(capacity_current__isnull=self.value() == "none")


class OpenFilter(DropdownFilter):
    """Running or closed."""

    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: object) -> tuple[tuple[str, str], ...]:
        return (("open", "Running"), ("closed", "Closed"))

    def queryset(self, request: HttpRequest, queryset: models.QuerySet) -> models.QuerySet:
        closed = Q(closed_on__lt=timezone.localdate())
        if self.value() == "closed":
            return queryset.filter(closed)
        return queryset.filter(Q(closed_on__isnull=True) | ~closed) if self.value() == "open" else queryset


class LocationFilter(DropdownFilter):
    """Location, among those of the programs the person sees."""

    title = "location"
    parameter_name = "location"

    def lookups(self, request: HttpRequest, model_admin: object) -> list[tuple[str, str]]:
        seen = visible_to(request.user, Program).exclude(location__isnull=True).order_by("location")
        return [(place, place) for place in seen.values_list("location", flat=True).distinct()]

    def queryset(self, request: HttpRequest, queryset: models.QuerySet) -> models.QuerySet:
        return queryset.filter(location=self.value()) if self.value() else queryset


class OwnDepartmentFilter(DepartmentFilter):
    """Department of the program."""

    path = "department"


@admin.register(Program)
class ProgramAdmin(Restoring, Exporting, CCDModelAdmin):
    """Closed, never deleted."""

    verbs = ("view", "add", "change", "propose")
    related = ("department",)
    summary_template = "admin_ext/program_header.html"
    list_display = (
        "name",
        "department",
        "location",
        "display_capacity",
        "display_occupied",
        "display_vacant",
        "display_state",
    )
    list_filter = (OwnDepartmentFilter, LocationFilter, PlacesFilter, OpenFilter)
    search_fields = ("name", "location", "department__name")
    search_help_text = "Program, department or location"
    fieldsets = (
        (None, {"fields": (("name", "department"), ("location", "closed_on"))}),
        ("Capacity", {"fields": (("capacity_current", "capacity_effective_date"),)}),
    )
    export_columns = {
        "program_id": "program_id",
        "program": "name",
        "department": "department__name",
        "location": "location",
        "capacity": "places",
        "occupied": "occupied",
        "vacant": "vacant",
        "closed_on": "closed_on",
    }
    inlines = (ProgramStaffInline, CurrentEnrollmentInline, CapacityInline)

    def list_queryset(self, request: HttpRequest) -> models.QuerySet:
        return with_places(self.get_queryset(request))

    def choice_label(self, obj: Program) -> str:
        return program_label(obj)

    def render_change_form(
        self, request: HttpRequest, context: dict, *args: object, **kwargs: object
    ) -> TemplateResponse:
        obj = kwargs.get("obj")
        if obj is not None:
            today = with_places(Program.objects.filter(pk=obj.pk)).get()
            context["today"] = {"program": today, "vacant": vacancy_of(today)}
            context["all_enrollments"] = f"{reverse('admin:core_enrollment_changelist')}?program={obj.pk}"
        return super().render_change_form(request, context, *args, **kwargs)

    @display(description="Capacity", ordering="places")
    def display_capacity(self, program: Program) -> SafeString:
        held = "–" if program.places is None else program.places
        since = program.capacity_effective_date
        later = since is not None and since > timezone.localdate()
        return words.lines(held, f"{program.capacity_current} from {since}" if later else "")

    @display(description="Occupied today", ordering="occupied")
    def display_occupied(self, program: Program) -> str:
        return str(program.occupied)

    @display(description="Vacant", ordering="vacant")
    def display_vacant(self, program: Program) -> SafeString | str:
        sentence = vacancy_of(program)
        if sentence.startswith("over"):
            return words.chip(sentence, "red")
        return words.chip(sentence, "orange") if sentence == "full" else sentence or "–"

    @display(description="State")
    def display_state(self, program: Program) -> SafeString:
        if program.closed_on is None:
            return words.chip("running", "green")
        return words.chip(f"{'closed' if program.is_closed else 'closes'} {program.closed_on}", "grey")


def vacancy_of(program: Program) -> str:
    """words.vacancy() today of a program from with_places()."""
    return words.vacancy(program.places, program.occupied, closed=program.is_closed)


def with_places(programs: models.QuerySet) -> models.QuerySet:
    """`places`, `occupied` and `vacant` today, as the vacancy report counts them: the capacity that holds today, of a
    closed program none, and different persons with an active enrollment.
    """
    day = timezone.localdate()
    held = ProgramCapacity.objects.filter(
        Q(effective_date__isnull=True) | Q(effective_date__lte=day), program=OuterRef("pk")
    ).order_by(F("effective_date").desc(nulls_last=True))
    active = Q(enrollments__start_date__lte=day) & (
        Q(enrollments__end_date__isnull=True) | Q(enrollments__end_date__gte=day)
    )
    return (
        programs.annotate(held=Subquery(held.values("capacity")[:1]))
        .annotate(places=Case(When(closed_on__lt=day, held__isnull=False, then=0), default=F("held")))
        .annotate(today=FilteredRelation("enrollments", condition=active))
        .annotate(occupied=Count(Coalesce("today__client__linked_to", "today__client"), distinct=True))
        .annotate(vacant=F("places") - F("occupied"))
    )
