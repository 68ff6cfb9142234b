"""Clients: the list, the page with its tabs, the search."""

from collections.abc import Collection
from typing import Any
from uuid import UUID

from django.contrib import admin
from django.db import models
from django.db.models import Count, Prefetch
from django.forms import ModelForm
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.safestring import SafeString
from unfold.decorators import display

from admin_ext import client_filters, client_search, words
from admin_ext.assigning import Assigning, AssignmentInline
from admin_ext.base import CCDModelAdmin
from admin_ext.client_form import ADDRESS, ADDRESS_FIELDS, ClientForm, proposed_client
from admin_ext.exporting import Exporting
from admin_ext.forms import CCDForm
from admin_ext.inlines import CCDInline, ReadOnlyInline
from admin_ext.looks import Watched
from admin_ext.restoring import Restoring
from admin_ext.scoping import client_label
from admin_ext.similar import require_looked
from core.audit.words import numbered
from core.models import (
    Client,
    ClientIdentifier,
    ClientLink,
    Discharge,
    Enrollment,
    Intake,
    PendingChange,
    Restriction,
)
from core.rules import allows, visible_to


class OfProgramForm(CCDForm):
    """A row whose program stays as it is."""

    pinned = ("program",)


class EnrollmentInline(CCDInline):
    """Programs the client is or was in."""

    model = Enrollment
    form = OfProgramForm
    fields = ("program", "start_date", "end_date", "override_reason", "display_open")
    related = ("client", "program")
    verbose_name_plural = "enrollments"


class IntakeInline(CCDInline):
    """When the client was taken in."""

    model = Intake
    form = OfProgramForm
    fields = ("program", "intake_date", "source_system", "display_open")
    related = ("client", "program")


class DischargeInline(CCDInline):
    """When and why the client left."""

    model = Discharge
    form = OfProgramForm
    fields = ("program", "discharge_date", "reason", "display_open")
    related = ("client", "program")


class RestrictionInline(ReadOnlyInline):
    """Bars of this client, newest first, as long as they are kept."""

    model = Restriction
    fields = ("scope", "program", "start_date", "end_date", "reason", "display_state", "display_open")
    readonly_fields = ("display_state", "display_open")
    related = ("client", "program")
    template_before = "admin_ext/add_restriction.html"

    @display(description="State")
    def display_state(self, restriction: Restriction) -> SafeString:
        return words.chip(restriction.state, "red" if restriction.state == "active" else "grey")


class IdentifierInline(CCDInline):
    """By which the sources know the client."""

    model = ClientIdentifier
    fields = ("source_system", "uid_external")
    related = ("client",)
    deletable = True
    readonly_fields = ()


@admin.register(Client)
class ClientAdmin(Watched, Assigning, Restoring, Exporting, CCDModelAdmin):
    """One row per person: clients linked to another are reached from that one's page."""

    verbs = ("view", "add", "change", "propose")
    form = ClientForm
    first_tab = "Demographics"
    summary_template = "admin_ext/client_header.html"
    list_display = (
        "display_name",
        "display_age",
        "display_programs",
        "display_barred",
        "display_gender",
        "display_updated",
    )
    list_display_links = ("display_name",)
    list_filter = client_filters.FILTERS
    search_fields = ("search_text",)
    search_help_text = "Name, alias, identifier, phone number or date of birth (1990-04-02)"
    ordering = ("last_name", "first_name", "client_id")
    fieldsets = (
        ("Name", {"fields": (("first_name", "last_name"), ("preferred_name", "alias"))}),
        (
            "Demographics",
            {
                "fields": (
                    ("dob", "gender"),
                    ("sexual_orientation", "race"),
                    ("immigration_status", "languages_spoken"),
                )
            },
        ),
        ("Contact", {"fields": (("phone_number", "email"), ADDRESS_FIELDS[:2], ADDRESS_FIELDS[2:])}),
        ("Record", {"fields": (("uid_external", "closed_on"), "image")}),
    )
    # The columns of a daily file, so that what was exported can be corrected and taken in again.
    export_columns = {
        name: name
        for name in (
            *("client_id", "uid_external", "first_name", "last_name", "preferred_name", "alias", "dob", "gender"),
            *("sexual_orientation", "languages_spoken", "race", "immigration_status", "phone_number", "email"),
        )
    } | {part: f"address__{part}" for part in ADDRESS}
    inlines = (EnrollmentInline, IntakeInline, DischargeInline, RestrictionInline, IdentifierInline, AssignmentInline)

    def get_queryset(self, request: HttpRequest) -> models.QuerySet:
        return super().get_queryset(request).defer("edited_fields")

    def list_queryset(self, request: HttpRequest) -> models.QuerySet:
        return with_today(self.get_queryset(request).canonical())

    def choice_queryset(self, request: HttpRequest) -> models.QuerySet:
        return self.get_queryset(request).canonical()

    def choice_label(self, obj: Client) -> str:
        return client_label(obj)

    def get_search_results(
        self, request: HttpRequest, queryset: models.QuerySet, search_term: str
    ) -> tuple[models.QuerySet, bool]:
        return client_search.find(queryset, search_term, visible_to(request.user, Client)), False

    def history_entries(self, obj: Client) -> models.Q:
        """Everything that happened to the client, not only to its own row; proposals have their own page."""
        return models.Q(client_id=obj.pk) & ~models.Q(entity=PendingChange._meta.db_table)

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> TemplateResponse:
        obj = kwargs.get("obj")
        if obj is not None:
            found = context["header"] = header(request, obj)
            linked = (record for record, *_ in found["same_person"])
            context["clients_shown"] = [client for client in (found["linked_to"], *linked) if client]
        if similar := getattr(request, "ccd_similar", None):
            context["similar"] = similar
            context["clients_shown"] = [person.client for person in similar.people]
        return super().render_change_form(request, context, *args, **kwargs)

    def save_model(self, request: HttpRequest, obj: Client, form: ModelForm, change: bool) -> None:
        """Nobody is entered a second time without having looked who is there."""
        if not change:
            request.ccd_form = ""
            require_looked(request, proposed_client(form))
        super().save_model(request, obj, form, change)

    @display(description="Client", ordering="last_name")
    def display_name(self, client: Client) -> SafeString:
        other = [f"“{client.preferred_name}”"] if client.preferred_name else []
        other += [f"also {client.alias}"] if client.alias else []
        return words.lines(client.full_name, ", ".join(other))

    @display(description="Date of birth", ordering="dob")
    def display_age(self, client: Client) -> SafeString | str:
        return words.lines(f"{client.dob:%Y-%m-%d}", f"{words.age(client)} years") if client.dob else "–"

    @display(description="Programs today")
    def display_programs(self, client: Client) -> SafeString | str:
        names = sorted({row.program.name for row in _of_person(client, "today")})
        if not names:
            return "–"
        return words.lines(names[0], ", ".join(names[1:]))

    @display(description="Restricted")
    def display_barred(self, client: Client) -> SafeString | str:
        bars = sorted({words.where(bar) for bar in _of_person(client, "bars")})
        return words.chip(", ".join(bars), "red") if bars else ""

    @display(description="Gender", ordering="gender")
    def display_gender(self, client: Client) -> str:
        return client.gender or "–"

    @display(description="Updated", ordering="updated_at")
    def display_updated(self, client: Client) -> SafeString | str:
        return words.day(timezone.localtime(client.updated_at).date())


def with_today(clients: models.QuerySet) -> models.QuerySet:
    """With the enrollments and restrictions of today, also those of the records linked to a client."""
    day = timezone.localdate()
    loaded = (
        Prefetch("enrollments", Enrollment.objects.active_on(day).select_related("program"), to_attr="today"),
        Prefetch("restrictions", Restriction.objects.active_on(day).select_related("program"), to_attr="bars"),
    )
    linked = Prefetch("linked_clients", Client.objects.prefetch_related(*loaded), to_attr="same_person")
    return clients.prefetch_related(*loaded, linked)


def _of_person(client: Client, name: str) -> list[models.Model]:
    return [row for record in (client, *client.same_person) for row in getattr(record, name)]


def _same_person(request: HttpRequest, client: Client) -> list[tuple[Client, str, Any]]:
    """The records linked to this one, what hangs on each and so is not in the tabs of this one, and the key of the
    decision, for those who may read it.
    """
    records = list(visible_to(request.user, Client).filter(linked_to=client.pk))
    if not records:
        return []
    decisions = {}
    if allows(request.user, "core.view_clientlink"):
        made = visible_to(request.user, ClientLink).filter(
            client__in=records, verdict=ClientLink.Verdict.SAME, undone_at=None
        )
        decisions = dict(made.values_list("client_id", "pk"))
    hanging = _hanging(request, records)
    return [(record, ", ".join(hanging[record.pk]), decisions.get(record.pk)) for record in records]


def _hanging(request: HttpRequest, records: Collection[Client]) -> dict[UUID, list[str]]:
    """'2 enrollments', '1 discharge': the rows of each record that this person may see."""
    told: dict[UUID, list[str]] = {record.pk: [] for record in records}
    for model in (Enrollment, Intake, Discharge, Restriction):
        rows = visible_to(request.user, model).filter(client__in=records).order_by()
        for key, number in rows.values_list("client").annotate(Count("pk")):
            told[key].append(numbered(model, number))
    return told


def header(request: HttpRequest, client: Client) -> dict[str, Any]:
    """What one must know before anything else: who, barred from where, where today, by whichever record."""
    seen, day = visible_to(request.user, Client), timezone.localdate()
    theirs = {"client__in": Client.objects.of_person(client.pk)}
    bars = Restriction.objects.active_on(day).filter(**theirs).select_related("program")
    return {
        "client": client,
        "age": words.age(client),
        "bars": [(words.where(bar), words.until(bar.end_date), bar) for bar in bars],
        "programs": Enrollment.objects.active_on(day).filter(**theirs).select_related("program"),
        "linked_to": seen.filter(pk=client.linked_to_id).first() if client.linked_to_id else None,
        "same_person": _same_person(request, client),
        "may_restrict": allows(request.user, "core.add_restriction")
        or allows(request.user, "core.propose_restriction"),
    }
