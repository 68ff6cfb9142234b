"""Clients granted by name: the tab of the client, the tab of the staff member, the pages that assign and end."""

from collections.abc import Callable
from datetime import date
from typing import Any
from uuid import UUID

from django import forms
from django.db import models
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.decorators import display
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminSingleDateWidget, UnfoldAdminTextareaWidget

from admin_ext import words
from admin_ext.inlines import ReadOnlyInline
from core import assignments, rules
from core.errors import CCDError, Invalid, NotAllowed
from core.models import Client, ClientAssignment, Staff


class AssignmentInline(ReadOnlyInline):
    """Who may see the client by name, also those whose last day has passed. For those who may assign."""

    model = ClientAssignment
    fields = ("display_person", "display_until", "reason", "display_state", "display_end")
    readonly_fields = fields
    related = ("user", "content_object")
    ordering = (models.F("end_date").desc(nulls_first=True), "user__last_name", "user__first_name")
    verbose_name = "assigned staff member"
    verbose_name_plural = "assigned staff"
    template_before = "admin_ext/assign_above.html"

    @display(description="Staff member")
    def display_person(self, assignment: ClientAssignment) -> str:
        """Without a link: coordinators do not open accounts."""
        return str(assignment.user)

    @display(description="Last day")
    def display_until(self, assignment: ClientAssignment) -> SafeString | str:
        return words.day(assignment.end_date, "no end")

    @display(description="State")
    def display_state(self, assignment: ClientAssignment) -> SafeString:
        over = assignments.is_over(assignment)
        return words.chip("ended" if over else "may see", "grey" if over else "green")

    @display(description="")
    def display_end(self, assignment: ClientAssignment) -> SafeString | str:
        if assignments.is_over(assignment):
            return ""
        address = reverse("admin:core_client_unassign", args=[assignment.content_object_id, assignment.pk])
        return format_html('<a class="ccd-open" href="{}">End</a>', address)


class GrantedInline(AssignmentInline):
    """Clients granted to this person."""

    fields = ("display_client", "display_until", "reason", "display_state", "display_end")
    readonly_fields = fields
    ordering = (models.F("end_date").desc(nulls_first=True), "content_object__last_name", "content_object__first_name")
    verbose_name = "client by name"
    verbose_name_plural = "clients by name"
    template_before = None

    @display(description="Client")
    def display_client(self, assignment: ClientAssignment) -> SafeString:
        address = reverse("admin:core_client_change", args=[assignment.content_object_id])
        return format_html('<a class="ccd-open" href="{}">{}</a>', address, assignment.content_object)


class AssignForm(forms.Form):
    """Whom, until when, why."""

    staff = forms.ModelChoiceField(
        Staff.objects.none(),
        label="Staff member",
        widget=UnfoldAdminSelectWidget(),
        help_text="Only those who do not see every client by role.",
    )
    until = forms.DateField(
        label="Last day",
        required=False,
        widget=UnfoldAdminSingleDateWidget,
        help_text="Included. Left empty: until further notice.",
    )
    reason = forms.CharField(
        required=False, max_length=500, label="Why", widget=UnfoldAdminTextareaWidget(attrs={"rows": 2})
    )

    def __init__(self, *args: Any, staff: models.QuerySet, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["staff"].queryset = staff


class UnassignForm(forms.Form):
    """The last day."""

    on = forms.DateField(
        label="Last day",
        widget=UnfoldAdminSingleDateWidget,
        help_text="Included. Yesterday takes the access away at once.",
    )


class Assigning:
    """Beside ClientAdmin: <id>/assign/ and <id>/assign/<assignment>/end/."""

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path("<path:object_id>/assign/<uuid:key>/end/", view(self.unassign_view), name="core_client_unassign"),
            path("<path:object_id>/assign/", view(self.assign_view), name="core_client_assign"),
            *super().get_urls(),
        ]

    def assign_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """GET asks whom, POST assigns."""
        client = self.get_object_or_404(request, object_id)
        rules.require(request.user, "core.add_clientassignment")
        form = AssignForm(request.POST or None, staff=_assignable(request.user))
        if request.method == "POST" and form.is_valid():
            data = form.cleaned_data
            if _told(form, lambda: assignments.assign(client, actor=request.user, **data)):
                return self.say(request, _sentence(data["staff"], data["until"]), _tab(client))
        return _form_page(self, request, client, form, title="Assign staff", button="Assign")

    def unassign_view(self, request: HttpRequest, object_id: str, key: UUID) -> HttpResponse:
        """GET asks for the last day, POST ends it."""
        client = self.get_object_or_404(request, object_id)
        rules.require(request.user, "core.change_clientassignment")
        held = rules.visible_to(request.user, ClientAssignment).filter(content_object=client, pk=key)
        assignment = held.select_related("user").first()
        if assignment is None:
            raise Http404
        form = UnassignForm(request.POST or None, initial={"on": timezone.localdate()})
        if request.method == "POST" and form.is_valid():
            day = form.cleaned_data["on"]
            if _told(form, lambda: assignments.end(assignment, actor=request.user, on=day)):
                return self.say(request, f"{assignment.user} sees this client through {day}.", _tab(client))
        title = f"End the access of {assignment.user}"
        return _form_page(self, request, client, form, title=title, button="End it")


def _assignable(viewer: Staff) -> models.QuerySet:
    """Open accounts with a role, but none that sees every client."""
    seeing = Staff.objects.filter(roles__name__in=rules.SEEING_ALL).values("pk")
    people = rules.visible_to(viewer, Staff).filter(active=True, roles__isnull=False).exclude(pk__in=seeing)
    return people.distinct().order_by("last_name", "first_name")


def _told(form: forms.Form, verb: Callable[[], object]) -> bool:
    """Call the verb; its refusal goes to the fields it is about."""
    try:
        verb()
    except NotAllowed:
        raise
    except CCDError as error:
        faults = error.faults if isinstance(error, Invalid) else {"": [str(error)]}
        for name, sentences in faults.items():
            form.add_error(name if name in form.fields else None, sentences)
        return False
    return True


def _sentence(staff: Staff, until: date | None) -> str:
    return f"{staff} may see this client {words.until(until)}."


def _tab(client: Client) -> str:
    return f"{reverse('admin:core_client_change', args=[client.pk])}#assignments"


def _form_page(
    admin: Any, request: HttpRequest, client: Client, form: forms.Form, *, title: str, button: str
) -> TemplateResponse:
    context = {
        **admin.admin_site.each_context(request),
        "title": title,
        "subtitle": str(client),
        "record": client,
        "form": form,
        "media": admin.media + form.media,
        "opts": admin.opts,
        "button": button,
        "back": _tab(client),
    }
    request.current_app = admin.admin_site.name
    return TemplateResponse(request, "admin_ext/assign.html", context)
