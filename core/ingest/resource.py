"""The columns of a daily file, declared once: how a cell of each is read, and how its value is written again."""

import re
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final

from import_export.fields import Field
from import_export.resources import Resource
from import_export.widgets import Widget

from core.ingest.dates import read_day
from core.ingest.faults import CellFault
from core.ingest.profile import SourceProfile
from core.normalise import canadian_postal_code, digits, fold, looks_like_email, tidy

LONGEST_CELL: Final = 10_000
LONGEST_BLANK: Final = 20
OLDEST: Final = 120  # years
EARLIEST_DATE: Final = date(1900, 1, 1)  # of anything but a birth

# Folded words that say nothing. Never asked of a name: Null, Na and Unk are people.
_BLANKS: Final = frozenset(
    {"na", "#na", "null", "none", "nil", "unknown", "unk", "notknown", "notapplicable", "notavailable", "notrecorded"}
    | {"notasked", "notprovided", "notcollected", "notstated", "blank", "missing", "tbd"}
)
_DATE_BLANKS: Final = frozenset({"n/a", "#n/a", "na", "null", "none", "nil"})
_NAME_BLANKS: Final = frozenset({"n/a", "#n/a", "none", "(none)", "not applicable"})  # of a nickname or an alias
# What a spreadsheet writes where it could not compute, and what it makes of a long number: nobody's name or identifier.
_SPREADSHEET_ERROR: Final = re.compile(r"#(n/a|ref!|name\?|value!|div/0!|null!|num!|spill!|calc!)", re.IGNORECASE)
_ROUNDED: Final = re.compile(r"\d([.,]\d+)?E\+\d+", re.IGNORECASE)
_EXTENSION: Final = re.compile(r"[;,]? *(x|ext\.?|extension|poste) *\d+$", re.IGNORECASE)
_NOT_AVAILABLE: Final = re.compile(r"(?<!\w)#?n/a(?!\w)", re.IGNORECASE)
_MAILTO: Final = re.compile("^mailto: ?", re.IGNORECASE)


@dataclass
class Reading:
    """What a widget may know about the cell it reads, and where it leaves what it noted."""

    column: str
    profile: SourceProfile
    today: date
    notes: list[str] = field(default_factory=list)

    def note(self, sentence: str) -> None:
        self.notes.append(sentence)


def _known(text: str, reading: Reading) -> str | None:
    """Our value for the source's word, where there is one."""
    return reading.profile.values.get(reading.column, {}).get(fold(text))


class TextWidget(Widget):
    """A text, tidied; words that say nothing are blank."""

    def __init__(self, longest: int = 100) -> None:
        super().__init__()
        self.longest = longest

    def clean(self, value: str, row: Any = None, *, reading: Reading, **kwargs: Any) -> Any:
        """The value of a cell, or None where it is blank. Raises CellFault, a ValueError with a sentence."""
        text = tidy(value[: LONGEST_CELL + 1])
        if self.is_blank(text) and _known(text, reading) is None:
            return None
        if len(text) > self.longest or len(value) > LONGEST_CELL:
            raise CellFault("too_long", f"has {len(value):,} characters, at most {self.longest} fit; shorten it.")
        return self.read(text, reading)

    def is_blank(self, text: str) -> bool:
        return not any(map(str.isalnum, text)) or (len(text) <= LONGEST_BLANK and fold(text) in _BLANKS)

    def read(self, text: str, reading: Reading) -> Any:
        return text


class NameWidget(TextWidget):
    """A first or last name: no word is ever taken for a blank."""

    def __init__(self) -> None:
        super().__init__(longest=150)

    def is_blank(self, text: str) -> bool:
        return not text

    def read(self, text: str, reading: Reading) -> str | None:
        if not any(map(str.isalnum, text)):
            reading.note("has no letter and was read as missing.")
            return None
        if _SPREADSHEET_ERROR.fullmatch(text):
            reading.note("is a spreadsheet's error, not a name, and was read as missing.")
            return None
        if "\ufffd" in text:
            reading.note("has lost a letter on its way here (\ufffd) and was kept.")
        if not any(map(str.isalpha, text)):
            reading.note("has no letter and was kept.")
        if len(text) == 1 and text.upper() != text.lower():
            reading.note("has one letter and was kept.")
        return text


class OtherNameWidget(TextWidget):
    """A preferred name or alias."""

    def __init__(self) -> None:
        super().__init__(longest=150)

    def is_blank(self, text: str) -> bool:
        return not any(map(str.isalnum, text)) or text.casefold() in _NAME_BLANKS


class IdentifierWidget(TextWidget):
    """An identifier: a text, whatever it looks like. Leading zeros stay."""

    def is_blank(self, text: str) -> bool:
        return not text

    def read(self, text: str, reading: Reading) -> str | None:
        if super().is_blank(text) or not text.strip("0"):
            reading.note("is no identifier and was read as missing.")
            return None
        if _SPREADSHEET_ERROR.fullmatch(text):
            reading.note("is a spreadsheet's error, no identifier, and was read as missing.")
            return None
        if _ROUNDED.fullmatch(text):
            raise CellFault("unsafe_number", "is a number that a spreadsheet has rounded; type the identifier as text.")
        return text


class ChoiceWidget(TextWidget):
    """A value of the vocabulary, by the source's words for it; any other is kept and noted."""

    def read(self, text: str, reading: Reading) -> str:
        known = _known(text, reading)
        if known is None:
            reading.note("is not in the list and was kept as it is.")
        return known or text

    def render(self, value: Any, obj: Any = None, **kwargs: Any) -> str:
        return value or ""


class LanguagesWidget(ChoiceWidget):
    """Several languages in one cell: a list without repetitions, in the order of the file."""

    def __init__(self) -> None:
        super().__init__(longest=LONGEST_CELL)

    def clean(self, value: str, row: Any = None, *, reading: Reading, **kwargs: Any) -> list[str] | None:
        separators = f"[{re.escape(reading.profile.language_separators)}\n\r]"
        parted = re.sub(separators, ";", _NOT_AVAILABLE.sub("", value))
        return super().clean(parted, row, reading=reading, **kwargs)

    def read(self, text: str, reading: Reading) -> list[str] | None:
        found: dict[str, str] = {}
        for part in filter(None, map(tidy, text.split(";"))):
            if _known(part, reading) or not self.is_blank(part):
                language = self._one(part, reading)
                found.setdefault(fold(language), language)
        return list(found.values()) or None

    def _one(self, part: str, reading: Reading) -> str:
        known = _known(part, reading)
        if known is None and len(part) > 100:
            raise CellFault("too_long", "names a language of more than 100 characters; separate languages with ;.")
        if known is None:
            reading.note(f"has a language that is not in the list, {part}; it was kept.")
        return known or part

    def render(self, value: Any, obj: Any = None, **kwargs: Any) -> str:
        return "; ".join(value or ())


class PhoneWidget(TextWidget):
    """A phone number as it was written; one that is not Canadian in shape is noted."""

    def read(self, text: str, reading: Reading) -> str | None:
        number = digits(fold(_EXTENSION.sub("", text)))
        if len(number) >= 7 and len(set(number)) == 1:
            reading.note("is no phone number and was read as missing.")
            return None
        abroad = text.startswith("+") and not number.startswith("1")
        if abroad or len(number.removeprefix("1")) != 10:
            reading.note("is not a Canadian phone number and was kept as it is.")
        return text


class EmailWidget(TextWidget):
    """An e-mail address; an odd one is noted."""

    def read(self, text: str, reading: Reading) -> str:
        text = _MAILTO.sub("", text)
        if not looks_like_email(text):
            reading.note("does not look like an e-mail address and was kept as it is.")
        return text


class PostalCodeWidget(TextWidget):
    """A1A 1A1; any other postal code is kept and noted."""

    def read(self, text: str, reading: Reading) -> str:
        code = canadian_postal_code(text)
        if code is None:
            reading.note("is not a Canadian postal code and was kept as it is.")
        return code or text


class DateWidget(TextWidget):
    """A day: ISO, or as the source declares it. Nothing else is guessed."""

    def is_blank(self, text: str) -> bool:
        return not any(map(str.isalnum, text)) or text.casefold() in _DATE_BLANKS

    def read(self, text: str, reading: Reading) -> date | None:
        day, has_time = read_day(text, reading.profile)
        if has_time:
            reading.note("has a time of day, which was left out.")
        if day in reading.profile.placeholder_dates:
            reading.note("stands for an unknown date and was read as missing.")
            return None
        return self.judge(day, reading)

    def judge(self, day: date, reading: Reading) -> date:
        if day < EARLIEST_DATE:
            raise CellFault("bad_date", "is before 1900; correct the year.")
        return day

    def render(self, value: Any, obj: Any = None, **kwargs: Any) -> str:
        return value.isoformat() if value else ""


class BirthDateWidget(DateWidget):
    """A day on which someone alive may have been born."""

    def judge(self, day: date, reading: Reading) -> date:
        if day > reading.today:
            raise CellFault("dob_in_future", "is a birth in the future; correct the date or leave it blank.")
        if (reading.today.year - OLDEST, reading.today.month, reading.today.day) > (day.year, day.month, day.day):
            raise CellFault("dob_too_old", f"is more than {OLDEST} years ago; correct the date or leave it blank.")
        if day.year < 1920:
            reading.note("is a birth before 1920 and was kept.")
        return day


def _column(name: str, widget: Widget) -> Field:
    return Field(attribute=name, column_name=name, widget=widget)


class DailyFileResource(Resource):
    """Every canonical column once, in the order of exports. Reading goes through core.ingest.check."""

    uid_external = _column("uid_external", IdentifierWidget())
    first_name = _column("first_name", NameWidget())
    last_name = _column("last_name", NameWidget())
    preferred_name = _column("preferred_name", OtherNameWidget())
    alias = _column("alias", OtherNameWidget())
    dob = _column("dob", BirthDateWidget())
    gender = _column("gender", ChoiceWidget())
    sexual_orientation = _column("sexual_orientation", ChoiceWidget())
    languages_spoken = _column("languages_spoken", LanguagesWidget())
    race = _column("race", ChoiceWidget())
    immigration_status = _column("immigration_status", ChoiceWidget())
    phone_number = _column("phone_number", PhoneWidget(longest=60))
    email = _column("email", EmailWidget(longest=254))
    street = _column("street", TextWidget(longest=300))
    unit = _column("unit", TextWidget())
    city = _column("city", TextWidget())
    province = _column("province", ChoiceWidget())
    postal_code = _column("postal_code", PostalCodeWidget(longest=20))
    department = _column("department", TextWidget(longest=200))
    program = _column("program", TextWidget(longest=200))
    intake_date = _column("intake_date", DateWidget())
    start_date = _column("start_date", DateWidget())
    end_date = _column("end_date", DateWidget())
    discharge_date = _column("discharge_date", DateWidget())
    discharge_reason = _column("discharge_reason", ChoiceWidget(longest=500))


COLUMNS: Final[tuple[str, ...]] = tuple(DailyFileResource.fields)
