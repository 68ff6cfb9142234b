"""Staff: accounts, roles and where they work. For administrators."""

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.auth.hashers import make_password
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import PermissionDenied
from django.db import models
from django.forms import BaseInlineFormSet, ModelForm
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import DropdownFilter
from unfold.decorators import display
from unfold.forms import AdminPasswordChangeForm
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget, UnfoldAdminPasswordWidget

from admin_ext import locking, words
from admin_ext.assigning import GrantedInline
from admin_ext.base import CCDModelAdmin, Link
from admin_ext.forms import CCDForm
from admin_ext.inlines import CCDInline
from admin_ext.looks import Watching
from admin_ext.seeing import Seeing
from core import access, audit, records
from core.models import ProgramStaff, Role, Staff, StaffRole


class StaffForm(CCDForm):
    """Name, e-mail, whether the account is open, and its roles; a new one also gets a first password."""

    roles = forms.ModelMultipleChoiceField(
        Role.objects.all(), required=False, label="Roles", widget=UnfoldAdminCheckboxSelectMultipleWidget
    )
    password1 = forms.CharField(label="Password", strip=False, widget=UnfoldAdminPasswordWidget)
    password2 = forms.CharField(label="Password again", strip=False, widget=UnfoldAdminPasswordWidget)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not self.instance._state.adding:
            self.initial["roles"] = list(self.instance.staff_roles.values_list("role", flat=True))
            del self.fields["password1"], self.fields["password2"]

    def clean(self) -> dict[str, Any]:
        data = super().clean()
        first, second = data.get("password1"), data.get("password2")
        if first and second and first != second:
            self.add_error("password2", "The two passwords differ.")
        elif first:
            try:
                validate_password(first, Staff(**{k: data.get(k) or "" for k in ("first_name", "last_name", "email")}))
            except forms.ValidationError as error:
                self.add_error("password1", error)
        return data

    def values(self) -> dict[str, Any]:
        found = super().values()
        found.pop("roles", None)
        if self.instance._state.adding:
            found["password"] = make_password(self.cleaned_data["password1"])
        return found


class WorksInForm(CCDForm):
    """A row whose program stays as it is."""

    pinned = ("program",)


class WorksInInline(CCDInline):
    """Programs the staff member works in: whose clients they see."""

    model = ProgramStaff
    form = WorksInForm
    fields = ("program", "is_manager")
    related = ("program", "staff")
    ordering = ("program__name",)
    verbose_name = "program"
    verbose_name_plural = "programs"
    deletable = True
    readonly_fields = ()


class RoleFilter(DropdownFilter):
    """Holds a role."""

    title = "role"
    parameter_name = "role"

    def lookups(self, request: HttpRequest, model_admin: object) -> list[tuple[str, str]]:
        return [(role.name, role.name) for role in Role.objects.all()]

    def queryset(self, request: HttpRequest, queryset: models.QuerySet) -> models.QuerySet:
        held = StaffRole.objects.filter(role__name=self.value()).values("staff")
        return queryset.filter(pk__in=held) if self.value() else queryset


class ActiveFilter(DropdownFilter):
    """Open or closed accounts."""

    title = "account"
    parameter_name = "account"

    def lookups(self, request: HttpRequest, model_admin: object) -> tuple[tuple[str, str], ...]:
        return (("open", "Open"), ("closed", "Closed"))

    def queryset(self, request: HttpRequest, queryset: models.QuerySet) -> models.QuerySet:
        return queryset.filter(active=self.value() == "open") if self.value() else queryset


@admin.register(Staff)
class StaffAdmin(Watching, Seeing, CCDModelAdmin):
    """Closed, never deleted."""

    verbs = ("view", "add", "change")
    form = StaffForm
    first_tab = "Account"
    list_display = ("display_name", "email", "display_roles", "display_active")
    list_filter = (RoleFilter, ActiveFilter)
    search_fields = ("first_name", "last_name", "email")
    search_help_text = "Name or e-mail"
    ordering = ("last_name", "first_name")
    inlines = (WorksInInline, GrantedInline)

    def get_fieldsets(self, request: HttpRequest, obj: Staff | None = None) -> tuple[tuple[str | None, dict], ...]:
        account = (None, {"fields": (("first_name", "last_name"), "email", "active", "roles")})
        return (
            (account,) if obj is not None else (account, ("First password", {"fields": (("password1", "password2"),)}))
        )

    def list_queryset(self, request: HttpRequest) -> models.QuerySet:
        return self.get_queryset(request).prefetch_related("roles")

    def get_form(
        self, request: HttpRequest, obj: Staff | None = None, change: bool = False, **kwargs: Any
    ) -> type[ModelForm]:
        """The declared fields are none of the model's."""
        fields = [name for name in kwargs.pop("fields", None) or () if name not in ("roles", "password1", "password2")]
        return super().get_form(
            request, obj, change=change, fields=fields or ["first_name", "last_name", "email", "active"], **kwargs
        )

    def save_related(
        self, request: HttpRequest, form: ModelForm, formsets: list[BaseInlineFormSet], change: bool
    ) -> None:
        super().save_related(request, form, formsets, change)
        request.ccd_form = ""
        changed = records.set_roles(form.instance, actor=request.user, roles=form.cleaned_data["roles"])
        request.ccd_written += bool(changed)

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.password_view)
        return [path("<path:object_id>/password/", view, name="core_staff_password"), *super().get_urls()]

    def object_links(self, request: HttpRequest, obj: Staff) -> list[Link]:
        url = reverse("admin:core_staff_password", args=[obj.pk])
        return [(url, "Set password"), *super().object_links(request, obj)]

    def password_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Set someone's password; who did it is noted, the password is not."""
        staff = self.get_object_or_404(request, object_id)
        if not self.may(request, "change", staff):
            raise PermissionDenied
        form = AdminPasswordChangeForm(staff, request.POST or None)
        if request.method == "POST" and form.is_valid():
            with audit.acting(request.user, channel="admin"):
                records.change(
                    staff, actor=request.user, values={"password": make_password(form.cleaned_data["password1"])}
                )
                access.record(request.user, "set password", "staff", detail=str(staff.pk))
                locking.unlock(staff)
            return self.say(request, f"The password of {staff} was set.", self.url_of(staff.pk))
        context = {
            **self.admin_site.each_context(request),
            "title": "Set password",
            "subtitle": str(staff),
            "form": form,
            "media": self.media,
            "opts": self.opts,
            "back": self.url_of(staff.pk),
        }
        return TemplateResponse(request, "admin_ext/password.html", context)

    @display(description="Name", ordering="last_name")
    def display_name(self, staff: Staff) -> str:
        return str(staff)

    @display(description="Roles")
    def display_roles(self, staff: Staff) -> str:
        return ", ".join(sorted(role.name for role in staff.roles.all())) or "none"

    @display(description="Account", ordering="active")
    def display_active(self, staff: Staff) -> SafeString:
        return words.chip("open", "green") if staff.active else words.chip("closed", "grey")
