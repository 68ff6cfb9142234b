"""Filters of the client list."""

from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from unfold.contrib.filters.admin import DropdownFilter

from admin_ext.lists import ProgramFilter, choice_filter
from core.choices import GENDERS, IMMIGRATION_STATUSES, LANGUAGES, RACES
from core.models import Enrollment, Restriction
from core.rules import visible_to

ANY_PROGRAM = "any"


class CurrentProgramFilter(ProgramFilter):
    """Active today in a program; a linked record counts for the client it is linked to."""

    title = "program today"

    def lookups(self, request: HttpRequest, model_admin: object) -> list[tuple[str, str]]:
        return [(ANY_PROGRAM, "Any program"), *super().lookups(request, model_admin)]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        if not self.value():
            return queryset
        if self.value() not in {key for key, _ in self.lookup_choices}:
            return queryset.none()
        rows = visible_to(request.user, Enrollment).active_on(timezone.localdate())
        if self.value() != ANY_PROGRAM:
            rows = rows.filter(program=self.value())
        return queryset.filter(pk__in=_people(rows))


class RestrictedFilter(DropdownFilter):
    """A restriction in force today, or none."""

    title = "restriction"
    parameter_name = "restricted"

    def lookups(self, request: HttpRequest, model_admin: object) -> tuple[tuple[str, str], ...]:
        return (("yes", "Restricted today"), ("no", "Not restricted"))

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        people = _people(Restriction.objects.active_on(timezone.localdate()))
        if self.value() == "yes":
            return queryset.filter(pk__in=people)
        return queryset.exclude(pk__in=people) if self.value() == "no" else queryset


class ClosedFilter(DropdownFilter):
    """Open or closed records."""

    title = "record"
    parameter_name = "record"

    def lookups(self, request: HttpRequest, model_admin: object) -> tuple[tuple[str, str], ...]:
        return (("open", "Open"), ("closed", "Closed"))

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        if self.value() not in ("open", "closed"):
            return queryset
        return queryset.filter(closed_on__isnull=self.value() == "open")


class LanguageFilter(DropdownFilter):
    """Speaks a language."""

    title = "language"
    parameter_name = "language"

    def lookups(self, request: HttpRequest, model_admin: object) -> list[tuple[str, str]]:
        return [(word, word) for word in LANGUAGES]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        return queryset.filter(languages_spoken__contains=[self.value()]) if self.value() else queryset


def _people(rows: QuerySet) -> QuerySet:
    """Keys of the persons that `rows` are about."""
    own = rows.filter(client__linked_to__isnull=True).values("client")
    return own.union(rows.filter(client__linked_to__isnull=False).values("client__linked_to"))


FILTERS = (
    CurrentProgramFilter,
    RestrictedFilter,
    choice_filter("gender", "gender", GENDERS),
    choice_filter("race", "race", RACES),
    choice_filter("immigration_status", "immigration status", IMMIGRATION_STATUSES),
    LanguageFilter,
    ClosedFilter,
)
