"""Rows of a record, as tabs of its page: editable ones, and ones that are only shown."""

from typing import Any

from django.core.exceptions import ValidationError
from django.db import models
from django.forms import BaseModelFormSet, Media
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.admin import TabularInline
from unfold.decorators import display
from unfold.forms import PaginationInlineFormSet

from admin_ext.forms import CCDForm, form_for
from admin_ext.plain import plainly
from admin_ext.scoping import Scoped


class OwnRowsFormSet(PaginationInlineFormSet):
    """Django takes the key of any row there is, of whichever record, and leaves it to the form what that would mean."""

    def clean(self) -> None:
        """Rows that are there are rows of this record."""
        super().clean()
        if any(form.instance._state.adding for form in self.initial_forms):
            raise ValidationError("A row of this tab is no longer there. Nothing was saved; open the page again.")


class CCDInline(Scoped, TabularInline):
    """Rows of a record, as a tab. Django asks the inline about the parent: rules are asked about its rows in general,
    and core.records about each row that is written.
    """

    form = CCDForm
    formset = OwnRowsFormSet
    tab = True
    extra = 0
    per_page = 20
    hide_title = True
    editable = True
    readonly_fields = ("display_open",)

    @display(description="")
    def display_open(self, record: models.Model) -> SafeString | str:
        """Leads to the row's own page."""
        if record._state.adding:
            return ""
        address = reverse(f"admin:core_{self.opts.model_name}_change", args=[record.pk])
        return format_html('<a class="ccd-open" href="{}">Open</a>', address)

    def get_fields(self, request: HttpRequest, obj: models.Model | None = None) -> tuple:
        names = super().get_fields(request, obj)
        if self.has_change_permission(request, obj):
            return names
        return plainly(names, self.model, self.admin_site, request)

    def get_readonly_fields(self, request: HttpRequest, obj: models.Model | None = None) -> tuple:
        told = super().get_readonly_fields(request, obj)
        return (*told, *(name for name in self.get_fields(request, obj) if callable(name)))

    def has_view_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return self.may(request, "view")

    def has_add_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return self.editable and (self.may(request, "add") or self.may(request, "propose"))

    def has_change_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return self.editable and (self.may(request, "change") or self.may(request, "propose"))

    def has_delete_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return self.editable and self.deletable and (self.may(request, "delete") or self.may(request, "propose"))

    def get_formset(
        self, request: HttpRequest, obj: models.Model | None = None, **kwargs: Any
    ) -> type[BaseModelFormSet]:
        kwargs["form"] = form_for(self.form, faults=getattr(request, "ccd_faults", {}))
        return super().get_formset(request, obj, **kwargs)


class ShownFormSet(PaginationInlineFormSet):
    """Rows that are only shown: what is posted about them is not read, and is always right."""

    def __init__(self, data: object = None, files: object = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)

    def is_valid(self) -> bool:
        return True

    def has_changed(self) -> bool:
        return False


class ReadOnlyInline(CCDInline):
    """Rows that are only shown here."""

    formset = ShownFormSet
    editable = False
    max_num = 0
    verbs = ("view",)

    @property
    def media(self) -> Media:
        return Media()
