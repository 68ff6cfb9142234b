"""The one form behind every change page and inline row."""

from typing import Any, ClassVar

from django import forms
from django.db import models
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.widgets import UnfoldAdminTextareaWidget

Faults = dict[str, dict[str, list[str]]]


class Shown(forms.Widget):
    """Text in place of an input."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text

    def render(self, name: str, value: object, attrs: object = None, renderer: object = None) -> SafeString:
        return format_html('<span class="ccd-shown">{}</span>', self.text)


class CCDForm(forms.ModelForm):
    """Carries the refusals of core back to the fields they are about; says what would be written."""

    # Form prefix → field → sentences, found when writing was tried. Set on a subclass made for one request.
    faults: ClassVar[Faults] = {}
    # Fields that an existing row shows and does not change: FK choices would cost a query per row.
    pinned: ClassVar[tuple[str, ...]] = ()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not self.instance._state.adding:
            for name in self.pinned:
                if name in self.fields:
                    self._pin(name)

    def _pin(self, name: str) -> None:
        value = getattr(self.instance, name)
        label = self.fields[name].label
        self.fields[name] = forms.Field(label=label, required=False, disabled=True, widget=Shown(str(value)))

    def _post_clean(self) -> None:
        """An untouched row was valid when it was written: not asked again, which for a long history saves much."""
        if self.instance._state.adding or self.has_changed():
            self.cleaned_data.update(self._pinned_values())
            super()._post_clean()
        for name, sentences in self.faults.get(self.prefix or "", {}).items():
            self.add_error(name if name in self.fields else None, sentences)

    def _pinned_values(self) -> dict[str, models.Model]:
        if self.instance._state.adding:
            return {}
        return {name: getattr(self.instance, name) for name in self.pinned if name in self.fields}

    def values(self) -> dict[str, Any]:
        """Field name → value: all for a new record, else those that differ."""
        names = self.cleaned_data if self.instance._state.adding else self.changed_data
        columns = {field.name for field in self._meta.model._meta.concrete_fields}
        return {name: self.cleaned_data[name] for name in names if name in columns}


class ReasonField(forms.CharField):
    """Why: asked of everyone whose changes wait for a second person."""

    def __init__(self) -> None:
        super().__init__(
            label="Reason",
            max_length=500,
            widget=UnfoldAdminTextareaWidget(attrs={"rows": 2}),
            help_text="Tell the coordinator why. Nothing changes until someone approves.",
            error_messages={"required": "Say why, so that the coordinator can decide."},
        )


def form_for(base: type[forms.ModelForm], *, faults: Faults, with_reason: bool = False) -> type[forms.ModelForm]:
    """`base` for one request: with what writing refused, and with a reason where the change is a proposal."""
    attributes: dict[str, Any] = {"faults": faults}
    if with_reason:
        attributes["proposal_reason"] = ReasonField()
    return type(base)(base.__name__, (base,), attributes)
