"""Lists: our change list, a count that does not count a million rows, and the filters' base."""

from collections.abc import Iterable
from datetime import date

from django.core.paginator import Page, Paginator
from django.db import models
from django.http import HttpRequest
from django.utils import timezone
from django.utils.functional import cached_property
from unfold.contrib.filters.admin import DropdownFilter
from unfold.views import ChangeList

from admin_ext.scoping import program_label
from core.models import Department, Program
from core.models.assigned import in_order
from core.rules import visible_to

COUNT_LIMIT = 10_000
# A page is read in the list's order where the list is this many times as long as what comes up to the page's end: with
# fewer rows of one's own among those of everyone, looking each of one's own up and sorting them is less work.
READ_IN_ORDER = 40
NOT_RECORDED = "-"


class CappedPaginator(Paginator):
    """Counts exactly up to COUNT_LIMIT rows; beyond, narrowing the list is better than paging."""

    @cached_property
    def counted(self) -> int:
        return self.object_list.order_by()[: COUNT_LIMIT + 1].count()

    @cached_property
    def count(self) -> int:
        return min(self.counted, COUNT_LIMIT)

    def page(self, number: int | str) -> Page:
        """The page, read at once: how is known here, from the count."""
        page = super().page(number)
        with in_order(self.count >= READ_IN_ORDER * page.end_index()):
            len(page.object_list)
        return page

    @property
    def count_label(self) -> str:
        """'1,234', or '10,000+'."""
        return f"{self.count:,}+" if self.counted > COUNT_LIMIT else f"{self.count:,}"


class CCDChangeList(ChangeList):
    """A list over what the model admin wants to show in lists (columns annotated, linked clients left out)."""

    def get_queryset(self, request: HttpRequest, exclude_parameters: list[str] | None = None) -> models.QuerySet:
        self.root_queryset = self.model_admin.list_queryset(request)
        found = super().get_queryset(request, exclude_parameters)
        if self.date_hierarchy:
            # Django clears the filters but for the year, month and day, and names those as bounds, which lists refuse.
            own = {name for name in self.get_filters_params() if not name.startswith(f"{self.date_hierarchy}__")}
            self.clear_all_filters_qs = self.get_query_string(remove=own)
        return found

    @property
    def is_narrowed(self) -> bool:
        """A search, a filter or a date was asked for: an empty list says nothing of what there is."""
        asked = (value for values in self.get_filters_params().values() for value in values)
        return bool(self.query) or any(asked)


class ChoiceFilter(DropdownFilter):
    """One of a list of values of one field; the empty value is offered as 'Not recorded'."""

    field = ""
    words: Iterable[str] = ()

    def lookups(self, request: HttpRequest, model_admin: object) -> list[tuple[str, str]]:
        return [*((word, word) for word in self.words), (NOT_RECORDED, "Not recorded")]

    def queryset(self, request: HttpRequest, queryset: models.QuerySet) -> models.QuerySet:
        if not self.value():
            return queryset
        if self.value() == NOT_RECORDED:
            return queryset.filter(**{f"{self.field}__isnull": True})
        return queryset.filter(**{self.field: self.value()})


def choice_filter(field: str, title: str, words: Iterable[str]) -> type[ChoiceFilter]:
    """A ChoiceFilter class for one vocabulary."""
    return type(
        f"{field.title()}Filter",
        (ChoiceFilter,),
        {"field": field, "title": title, "parameter_name": field, "words": tuple(words)},
    )


class RecordFilter(DropdownFilter):
    """One of the records of `target` that the person may see."""

    target: type[models.Model] = Program
    path = "program"

    def lookups(self, request: HttpRequest, model_admin: object) -> list[tuple[str, str]]:
        return [(str(record.pk), self.label(record)) for record in self.records(request)]

    def records(self, request: HttpRequest) -> models.QuerySet:
        return visible_to(request.user, self.target)

    def label(self, record: models.Model) -> str:
        return str(record)

    def queryset(self, request: HttpRequest, queryset: models.QuerySet) -> models.QuerySet:
        if self.value() not in {key for key, _ in self.lookup_choices}:
            return queryset.none() if self.value() else queryset
        return queryset.filter(**{self.path: self.value()})


class ProgramFilter(RecordFilter):
    """Program, its department beside it."""

    title = "program"
    parameter_name = "program"

    def records(self, request: HttpRequest) -> models.QuerySet:
        return super().records(request).select_related("department")

    def label(self, record: Program) -> str:
        return program_label(record)


class DepartmentFilter(RecordFilter):
    """Department, of the program unless `path` says otherwise."""

    title = "department"
    parameter_name = "department"
    target = Department
    path = "program__department"


class StateFilter(DropdownFilter):
    """Active, upcoming or ended today, for a model whose queryset knows these words."""

    title = "state"
    parameter_name = "state"
    states: tuple[tuple[str, str], ...] = ()

    def lookups(self, request: HttpRequest, model_admin: object) -> tuple[tuple[str, str], ...]:
        return self.states

    def queryset(self, request: HttpRequest, queryset: models.QuerySet) -> models.QuerySet:
        if self.value() not in dict(self.states):
            return queryset
        return self.narrow(queryset, timezone.localdate())

    def narrow(self, queryset: models.QuerySet, day: date) -> models.QuerySet:
        """The rows in state self.value() on `day`."""
        raise NotImplementedError
