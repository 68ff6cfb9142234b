"""The filters of the approvals list: state, who asked, what kind of record, which program."""

from django.db import models
from django.db.models import Q
from django.http import HttpRequest
from unfold.contrib.filters.admin import DropdownFilter

from admin_ext.lists import ProgramFilter
from core import approvals
from core.choices import APPROVED, DECLINED, PENDING
from core.models import PendingChange, Staff
from core.rules import visible_to

STATES = (
    ("waiting", "Waiting", Q(status=PENDING)),
    ("sent_back", "Sent back", Q(status=PENDING, is_sent_back=True)),
    ("approved", "Approved", Q(status=APPROVED)),
    ("declined", "Declined", Q(status=DECLINED, withdrawn=False)),
    ("withdrawn", "Withdrawn", Q(withdrawn=True)),
)


class StatusFilter(DropdownFilter):
    """What waits, unless another state or all of them is asked for."""

    title = "status"
    parameter_name = "status"
    all_option = None

    def lookups(self, request: HttpRequest, model_admin: object) -> list[tuple[str, str]]:
        return [*((key, label) for key, label, _ in STATES), ("all", "All")]

    def value(self) -> str:
        return super().value() or "waiting"

    def queryset(self, request: HttpRequest, queryset: models.QuerySet) -> models.QuerySet:
        wanted = {key: condition for key, _, condition in STATES}.get(self.value(), Q())
        return queryset.filter(wanted)


class RequesterFilter(DropdownFilter):
    """Who asked, of those who asked for something one may see."""

    title = "who asked"
    parameter_name = "requester"

    def lookups(self, request: HttpRequest, model_admin: object) -> list[tuple[str, str]]:
        asked = visible_to(request.user, PendingChange).values("requested_by")
        people = Staff.objects.filter(pk__in=asked)
        return [(str(staff.pk), str(staff)) for staff in people]

    def queryset(self, request: HttpRequest, queryset: models.QuerySet) -> models.QuerySet:
        if self.value() not in {key for key, _ in self.lookup_choices}:
            return queryset.none() if self.value() else queryset
        return queryset.filter(requested_by=self.value())


class EntityFilter(DropdownFilter):
    """What kind of record it is about."""

    title = "record"
    parameter_name = "entity"

    def lookups(self, request: HttpRequest, model_admin: object) -> list[tuple[str, str]]:
        kinds = [(table, str(model._meta.verbose_name).capitalize()) for table, model in approvals.ENTITIES.items()]
        return sorted(kinds, key=lambda kind: kind[1])

    def queryset(self, request: HttpRequest, queryset: models.QuerySet) -> models.QuerySet:
        return queryset.filter(entity=self.value()) if self.value() else queryset


class AboutProgramFilter(ProgramFilter):
    """Proposals about a program, about rows of it, or that would put a row into it."""

    def queryset(self, request: HttpRequest, queryset: models.QuerySet) -> models.QuerySet:
        key = self.value()
        if not key:
            return queryset
        if key not in {known for known, _ in self.lookup_choices}:
            return queryset.none()
        about = Q(entity_id=key) | Q(diff_json__after__program_id=key) | Q(diff_json__before__program_id=key)
        for table, model in approvals.ENTITIES.items():
            if any(field.name == "program" for field in model._meta.fields):
                about |= Q(entity=table, entity_id__in=model._default_manager.filter(program=key).values("pk"))
        return queryset.filter(about)
