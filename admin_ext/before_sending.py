"""What the form held when it was opened, for the script that shows before and after while someone proposes.

The script only shows; what is sent is compared again, by core.approvals, with what is recorded then.
"""

from collections.abc import Iterable
from datetime import date
from typing import Any

from django.db import models
from django.forms import BaseForm, BaseFormSet, BoundField
from django.forms.models import ModelChoiceIterator, ModelChoiceIteratorValue

NOT_SHOWN = ("proposal_reason", "DELETE")


def opened(form: BaseForm, formsets: Iterable[BaseFormSet]) -> dict[str, Any]:
    """`fields`: posted name → label, values and text of the record and its rows; `rows`: prefix → what a row is called
    and the labels of its fields.
    """
    found: dict[str, Any] = {"fields": _fields(form, ""), "rows": {}}
    for formset in formsets:
        empty = formset.empty_form
        labels = {name: str(field.label or name) for name, field in empty.fields.items() if _is_shown(field, name)}
        meta = formset.model._meta
        found["rows"][formset.prefix] = {"title": str(meta.verbose_name), "labels": labels}
        for row in (form for form in formset.initial_forms if not form.instance._state.adding):
            # Of a posted key that is none of this record's rows the formset says so; it has no before.
            found["fields"] |= _fields(row, str(row.instance))
            found["fields"][row.add_prefix("DELETE")] = {"label": "Remove", "row": str(row.instance), "values": [""]}
    return found


def _fields(form: BaseForm, row: str) -> dict[str, dict[str, Any]]:
    return {
        bound.html_name: {"label": str(bound.label), "row": row, **_before(bound)}
        for bound in form
        if _is_shown(bound.field, bound.name) and not bound.is_hidden
    }


def _is_shown(field: Any, name: str) -> bool:
    return name not in NOT_SHOWN and not field.disabled and not getattr(field.widget, "is_hidden", False)


def _before(bound: BoundField) -> dict[str, Any]:
    """The values as the controls would post them, and as people read them."""
    initial = bound.initial
    given = initial if isinstance(initial, list | tuple) else [initial]
    values = [_posted(value) for value in given if value not in (None, "")]
    return {"values": values, "text": ", ".join(filter(None, (_read(bound, value) for value in values)))}


def _posted(value: Any) -> str:
    if isinstance(value, models.Model):
        return str(value.pk)
    return value.isoformat() if isinstance(value, date) else str(value)


def _read(bound: BoundField, value: str) -> str:
    """The label of a choice; one record by name, without making all choices there are."""
    choices = getattr(bound.field, "choices", None)
    if isinstance(choices, ModelChoiceIterator):
        related = getattr(bound.form.instance, bound.name, None)
        return bound.field.label_from_instance(related) if isinstance(related, models.Model) else ""
    for key, label in choices or ():
        key = key.value if isinstance(key, ModelChoiceIteratorValue) else key
        if str(key) == value:
            return str(label)
    return value
