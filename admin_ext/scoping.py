"""Asks core.rules wherever Django's admin would ask its own permissions; shared by model admins and inlines."""

from typing import Any
from uuid import UUID

from django import forms
from django.contrib.admin.widgets import AutocompleteSelect, RelatedFieldWidgetWrapper
from django.db import models
from django.http import HttpRequest

from core import rules
from core.models import Client, Program


class ProgramChoiceField(forms.ModelChoiceField):
    """Two departments may have a program of the same name."""

    def label_from_instance(self, obj: Program) -> str:
        return program_label(obj)


class ClientChoiceField(forms.ModelChoiceField):
    """Namesakes are told apart by their date of birth."""

    def label_from_instance(self, obj: Client) -> str:
        return client_label(obj)


class KeySelect(AutocompleteSelect):
    """Django's own asks the database for whatever was posted, also for what is no key at all."""

    def optgroups(self, name: str, value: list[str], attrs: dict[str, Any] | None = None) -> list[Any]:
        return super().optgroups(name, [key for key in value if _is_key(key)], attrs)


def _is_key(text: str) -> bool:
    try:
        UUID(str(text))
    except ValueError:
        return False
    return True


_CHOICE_FIELDS = {Program: ProgramChoiceField, Client: ClientChoiceField}


def program_label(program: Program) -> str:
    """Name and department; of a closed program its last day, since one is chosen for days when it ran."""
    return f"{program.name} · {program.department}" + (f" · closed {program.closed_on}" if program.is_closed else "")


def client_label(client: Client) -> str:
    """Name and date of birth."""
    return f"{client.full_name} · {client.dob:%Y-%m-%d}" if client.dob else client.full_name


def may(request: HttpRequest, permission: str, record: models.Model | None = None) -> bool:
    """rules.allows(), asked once per request and record."""
    answers = request.__dict__.setdefault("ccd_answers", {})
    key = (permission, record.pk if record is not None else None)
    if key not in answers:
        answers[key] = rules.allows(request.user, permission, record)
    return answers[key]


class Scoped:
    """Permissions, querysets and choices from core.rules. `verbs` are those that core.rules knows for the model."""

    verbs: tuple[str, ...] = ("view", "add", "change", "propose", "delete")
    related: tuple[str, ...] = ()
    deletable = False

    def may(self, request: HttpRequest, verb: str, record: models.Model | None = None) -> bool:
        """Is this verb allowed on the record, or (None) on some record of the model."""
        return verb in self.verbs and may(request, f"core.{verb}_{self.opts.model_name}", record)

    def is_proposing(self, request: HttpRequest, record: models.Model | None = None) -> bool:
        """What this person saves here waits for a second person."""
        direct = self.may(request, "change", record) if record is not None else self.may(request, "add")
        return not direct and self.may(request, "propose", record)

    def get_queryset(self, request: HttpRequest) -> models.QuerySet:
        queryset = rules.visible_to(request.user, self.model).select_related(*self.related)
        ordering = self.get_ordering(request)
        return queryset.order_by(*ordering) if ordering else queryset

    def choices_of(self, request: HttpRequest, model: type[models.Model]) -> models.QuerySet:
        """What a field that points to `model` offers, and accepts."""
        queryset = rules.visible_to(request.user, model)
        return queryset.select_related("department") if model is Program else queryset

    def formfield_for_foreignkey(
        self, db_field: models.ForeignKey, request: HttpRequest, **kwargs: Any
    ) -> forms.ModelChoiceField | None:
        target = db_field.remote_field.model
        kwargs["queryset"] = self.choices_of(request, target)
        if target in _CHOICE_FIELDS:
            kwargs["form_class"] = _CHOICE_FIELDS[target]
        if db_field.name in self.get_autocomplete_fields(request):
            kwargs["widget"] = KeySelect(db_field, self.admin_site)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def formfield_for_manytomany(
        self, db_field: models.ManyToManyField, request: HttpRequest, **kwargs: Any
    ) -> forms.ModelMultipleChoiceField | None:
        kwargs["queryset"] = self.choices_of(request, db_field.remote_field.model)
        return super().formfield_for_manytomany(db_field, request, **kwargs)

    def formfield_for_dbfield(self, db_field: models.Field, request: HttpRequest, **kwargs: Any) -> forms.Field | None:
        """Without the little icons that open other records in pop-up windows."""
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if field is not None and isinstance(field.widget, RelatedFieldWidgetWrapper):
            field.widget = field.widget.widget
        return field
