"""The client form: words from the vocabulary, several languages, an address of five parts."""

from typing import Any

from django import forms
from unfold.widgets import UnfoldAdminSelect2MultipleWidget, UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from admin_ext.forms import CCDForm
from core.choices import GENDERS, IMMIGRATION_STATUSES, LANGUAGES, RACES, SEXUAL_ORIENTATIONS
from core.models import Client

VOCABULARY = {
    "gender": GENDERS,
    "sexual_orientation": SEXUAL_ORIENTATIONS,
    "race": RACES,
    "immigration_status": IMMIGRATION_STATUSES,
}
ADDRESS = ("street", "unit", "city", "province", "postal_code")
ADDRESS_FIELDS = tuple(f"address_{part}" for part in ADDRESS)


def _part(label: str) -> forms.CharField:
    return forms.CharField(label=label, required=False, max_length=200, widget=UnfoldAdminTextInputWidget)


class ClientForm(CCDForm):
    """A value from a file that is not in the vocabulary stays a choice of its own record."""

    address_street = _part("Street")
    address_unit = _part("Unit")
    address_city = _part("City")
    address_province = _part("Province")
    address_postal_code = _part("Postal code")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, offered in VOCABULARY.items():
            if name in self.fields:
                self.fields[name] = self._select(name, offered)
        if "languages_spoken" in self.fields:
            self.fields["languages_spoken"] = self._languages()
        address = self.instance.address if isinstance(self.instance.address, dict) else {}
        for part, name in zip(ADDRESS, ADDRESS_FIELDS, strict=True):
            self.initial.setdefault(name, address.get(part) or "")

    def _select(self, name: str, offered: tuple[str, ...]) -> forms.TypedChoiceField:
        own = getattr(self.instance, name)
        every = (*offered, own) if own and own not in offered else offered
        choices = [("", "Not recorded"), *((word, word) for word in every)]
        field = forms.TypedChoiceField(
            label=self.fields[name].label,
            required=False,
            empty_value=None,
            choices=choices,
            widget=UnfoldAdminSelectWidget(),
        )
        field.widget.choices = choices
        return field

    def _languages(self) -> forms.MultipleChoiceField:
        own = [word for word in self.instance.languages_spoken or [] if word not in LANGUAGES]
        return forms.MultipleChoiceField(
            label="Languages spoken",
            required=False,
            choices=[(word, word) for word in (*LANGUAGES, *own)],
            widget=UnfoldAdminSelect2MultipleWidget(),
        )

    def values(self) -> dict[str, Any]:
        """The five parts are one column; what else a source put into it stays."""
        found = super().values()
        if self.instance._state.adding or set(ADDRESS_FIELDS) & set(self.changed_data):
            kept = self.instance.address if isinstance(self.instance.address, dict) else {}
            parts = {part: self.cleaned_data[name].strip() for part, name in zip(ADDRESS, ADDRESS_FIELDS, strict=True)}
            joined = {**kept, **parts}
            found["address"] = {part: text for part, text in joined.items() if text} or None
        return found


def proposed_client(form: ClientForm) -> Client:
    """The client a valid form would make, not saved."""
    return Client(**form.values())
