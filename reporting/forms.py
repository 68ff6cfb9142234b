"""Parameters of reports: plain Django forms, which the page shows and the command turns into options."""

from calendar import monthrange
from collections.abc import Callable
from datetime import date, timedelta
from difflib import get_close_matches
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone

from core.models import Client, Department, Program, Staff
from reporting.demographics import DEMOGRAPHICS, NOT_RECORDED, having
from reporting.reading import scoped

FISCAL_YEAR_STARTS = 4  # April

# Codes of errors that are about what exists, not about how it was asked: the command refuses (exit 1) for these.
UNKNOWN = "unknown"


class ReportForm(forms.Form):
    """A form that knows who asks: choices are what `actor` may see (None: the system itself)."""

    def __init__(self, *args: Any, actor: Staff | None = None, **kwargs: Any) -> None:
        super().__init__(*args, label_suffix="", **kwargs)
        self.actor = actor

    # Fields that a page keeps folded away until one of them is used.
    more: tuple[str, ...] = ()

    @classmethod
    def presets(cls) -> list[tuple[str, dict[str, date]]]:
        """Names of ready-made choices and their values: known without a form, and so without the database."""
        return []

    def first_fields(self) -> list[forms.BoundField]:
        """What a page always shows."""
        return [field for field in self if field.name not in self.more]

    def more_fields(self) -> list[forms.BoundField]:
        """The others."""
        return [self[name] for name in self.more]

    def more_used(self) -> int:
        """How many of the others are given or wrong."""
        return sum(1 for field in self.more_fields() if field.value() or field.errors)


class DayField(forms.DateField):
    """A day, written YYYY-MM-DD."""

    def __init__(self, **kwargs: Any) -> None:
        widget = forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"})
        super().__init__(
            input_formats=["%Y-%m-%d"],
            widget=widget,
            error_messages={"invalid": "%(value)s is not a day written YYYY-MM-DD."},
            **kwargs,
        )

    def to_python(self, value: Any) -> date | None:
        """The day, or an error that names what was given."""
        try:
            return super().to_python(value)
        except ValidationError:
            raise ValidationError(self.error_messages["invalid"], "invalid", {"value": str(value)[:40]}) from None


class PlaceForm(ReportForm):
    """A department, and a program in it: by key from a page, by name from the command line."""

    department = forms.CharField(
        required=False, widget=forms.Select, help_text="Only programs of this department.", empty_value=None
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.departments = list(self._seen(Department).order_by("name"))
        self.fields["department"].widget.choices = [
            ("", "All departments"),
            *((str(department.pk), department.name) for department in self.departments),
        ]

    def _seen(self, model: type) -> Any:
        return scoped(self.actor, model)

    def clean_department(self) -> Department | None:
        """The department, or an error that names the nearest."""
        wanted = self.cleaned_data["department"]
        if wanted is None:
            return None
        found = [department for department in self.departments if _is(department, wanted)]
        if not found:
            raise _unknown("department", wanted, [department.name for department in self.departments])
        self._show("department", found[0])
        return found[0]

    def _show(self, name: str, record: Department | Program) -> None:
        """A page that was asked by name shows it chosen."""
        self.data = {**self.data, name: str(record.pk)}


class DayPlaceForm(PlaceForm):
    """A day, and perhaps a department."""

    as_of = DayField(label="As of", initial=timezone.localdate, help_text="The day that is looked at.")
    field_order = ["as_of", "department"]

    @classmethod
    def presets(cls) -> list[tuple[str, dict[str, date]]]:
        """Today, and the end of the month before."""
        today = timezone.localdate()
        return [("Today", {"as_of": today}), ("End of last month", {"as_of": today.replace(day=1) - date.resolution})]


class PeriodForm(ReportForm):
    """A period alone."""

    date_from = DayField(
        label="From", initial=lambda: this_fiscal_year(timezone.localdate())[0], help_text="First day of the period."
    )
    date_to = DayField(label="To", initial=timezone.localdate, help_text="Last day of the period, included.")

    def clean(self) -> dict[str, Any]:
        """A period that ends before it starts has no days."""
        cleaned = super().clean()
        first, last = cleaned.get("date_from"), cleaned.get("date_to")
        if first and last and last < first:
            self.add_error("date_to", f"The last day, {last}, is before the first, {first}.")
        return cleaned

    @classmethod
    def presets(cls) -> list[tuple[str, dict[str, date]]]:
        """Periods that boards ask for."""
        today = timezone.localdate()
        return [(name, dict(zip(("date_from", "date_to"), of(today), strict=True))) for name, of in PERIODS.items()]


class PlacePeriodForm(PlaceForm, PeriodForm):
    """A period, and perhaps a department or a program."""

    program = forms.CharField(
        required=False,
        widget=forms.Select,
        help_text="Only this program; with --department where several have the name.",
        empty_value=None,
    )
    field_order = ("date_from", "date_to", "department", "program")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.programs = list(self._seen(Program).select_related("department").order_by("department__name", "name"))
        grouped: dict[str, list[tuple[str, str]]] = {}
        for program in self.programs:
            grouped.setdefault(program.department.name, []).append((str(program.pk), program.name))
        self.fields["program"].widget.choices = [("", "All programs"), *grouped.items()]

    def clean_program(self) -> Program | None:
        """The program, or an error that names the nearest, or its departments where several have the name."""
        wanted = self.cleaned_data["program"]
        if wanted is None:
            return None
        named = [program for program in self.programs if _is(program, wanted)]
        if not named:
            raise _unknown("program", wanted, [program.name for program in self.programs])
        department = self.cleaned_data.get("department")
        found = [program for program in named if department is None or program.department_id == department.pk]
        if len(found) == 1:
            self._show("program", found[0])
            return found[0]
        places = " and in ".join(program.department.name for program in named)
        if not found:
            raise ValidationError(f"{named[0].name} is in {places}, not in {department.name}.", UNKNOWN)
        raise ValidationError(f"There is a program {named[0].name} in {places}: name the department, too.", UNKNOWN)


class ValueField(forms.CharField):
    """One value of a demographic: of its vocabulary, ignoring case, or any other that a client has."""

    def __init__(self, section: str) -> None:
        self.section = section
        super().__init__(
            label=section.replace("_", " ").capitalize(),
            required=False,
            empty_value=None,
            widget=forms.Select,
            help_text=f"Only people with this {section.replace('_', ' ')}.",
        )
        words = (*DEMOGRAPHICS[section], NOT_RECORDED)
        self.widget.choices = [("", "All"), *((word, word) for word in words)]

    def clean(self, value: Any) -> str | None:
        """The value as it is counted."""
        wanted = super().clean(value)
        if wanted is None:
            return None
        words = {word.casefold(): word for word in (*DEMOGRAPHICS[self.section], NOT_RECORDED)}
        if wanted.casefold() in words:
            return words[wanted.casefold()]
        if not having(scoped(None, Client), self.section, wanted, timezone.localdate()).exists():
            raise _unknown(self.section.replace("_", " "), wanted, list(words.values()))
        return wanted


class ServedForm(PlacePeriodForm):
    """A period, a place, and perhaps some demographics that narrow whom it counts."""

    more = tuple(DEMOGRAPHICS)
    gender = ValueField("gender")
    sexual_orientation = ValueField("sexual_orientation")
    race = ValueField("race")
    immigration_status = ValueField("immigration_status")
    language = ValueField("language")
    age_group = ValueField("age_group")


def _is(record: Department | Program, wanted: str) -> bool:
    return wanted == str(record.pk) or wanted.strip().casefold() == record.name.strip().casefold()


def _unknown(noun: str, wanted: str, names: list[str]) -> ValidationError:
    """The nearest names, ignoring case."""
    folded = {name.casefold(): name for name in names}
    near = [folded[key] for key in get_close_matches(wanted.strip().casefold(), folded, n=3, cutoff=0.4)]
    hint = f" Nearest: {', '.join(near)}." if near else ""
    return ValidationError(f"There is no {noun} {wanted[:80]!r}.{hint}", UNKNOWN)


def period_before(first: date, last: date) -> tuple[date, date] | None:
    """What a period is compared with: whole months with as many months before them, other days with as many days. None
    where the calendar begins.
    """
    if (first - date.min).days <= (last - first).days + 31:
        return None
    end = first - timedelta(days=1)
    if first.day == 1 and last.day == monthrange(last.year, last.month)[1]:
        months = (last.year - first.year) * 12 + last.month - first.month + 1
        year, month = divmod(first.year * 12 + first.month - 1 - months, 12)
        return date(year, month + 1, 1), end
    return end - (last - first), end


def month_before(today: date) -> tuple[date, date]:
    """First and last day of the month before today's."""
    last = today.replace(day=1) - timedelta(days=1)
    return last.replace(day=1), last


def quarter_before(today: date) -> tuple[date, date]:
    """First and last day of the quarter before today's; quarters start in January, April, July and October."""
    last = today.replace(month=(today.month - 1) // 3 * 3 + 1, day=1) - timedelta(days=1)
    return last.replace(month=last.month - 2, day=1), last


def this_fiscal_year(today: date) -> tuple[date, date]:
    """From 1 April through today."""
    year = today.year if today.month >= FISCAL_YEAR_STARTS else today.year - 1
    return date(year, FISCAL_YEAR_STARTS, 1), today


def fiscal_year_before(today: date) -> tuple[date, date]:
    """The whole fiscal year before today's."""
    start = this_fiscal_year(today)[0]
    return start.replace(year=start.year - 1), start - timedelta(days=1)


PERIODS: dict[str, Callable[[date], tuple[date, date]]] = {
    "Last month": month_before,
    "Last quarter": quarter_before,
    "This fiscal year": this_fiscal_year,
    "Last fiscal year": fiscal_year_before,
}
