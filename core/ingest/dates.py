"""Reading a day as it is written: ISO, or one of the formats its source declares. Nothing else is guessed."""

import re
from datetime import date, datetime
from typing import Final

from core.ingest.faults import CellFault
from core.ingest.profile import SourceProfile

_TIME: Final = re.compile(r"[T ]\d{1,2}:\d\d(:\d\d(\.\d+)?)?( ?[AP]\.?M\.?)?$", re.ASCII | re.IGNORECASE)
_MIDNIGHT: Final = re.compile(r"[T ](0?0:00(:00(\.0+)?)?|12:00(:00)? ?A\.?M\.?)$", re.ASCII | re.IGNORECASE)
_ISO: Final = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_DAY_NUMBER: Final = re.compile(r"\d{5}(\.\d+)?", re.ASCII)


def read_day(text: str, profile: SourceProfile) -> tuple[date, bool]:
    """The day, and whether a time of day other than midnight stood beside it. Raises CellFault."""
    written = _TIME.sub("", text)
    day = _iso(written) or _declared(written, profile)
    if day is None:
        raise CellFault("bad_date", _complaint(written, profile))
    return day, written != text and not _MIDNIGHT.search(text)


def _iso(text: str) -> date | None:
    if not _ISO.fullmatch(text):
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _declared(text: str, profile: SourceProfile) -> date | None:
    for date_format in profile.date_formats if text.isascii() else ():
        try:
            return datetime.strptime(text, date_format).date()
        except ValueError:
            continue
    return None


def _complaint(text: str, profile: SourceProfile) -> str:
    if _ISO.fullmatch(text) or any(_has_shape(text, date_format) for date_format in profile.date_formats):
        return f"is not a day of the calendar; correct it, written as {profile.dates_in_words}."
    if _DAY_NUMBER.fullmatch(text):
        return f"is a spreadsheet's number for a day; format the cell as a date or write {profile.dates_in_words}."
    return f"is not a date as {profile.name} writes it; write {profile.dates_in_words}."


def _has_shape(text: str, date_format: str) -> bool:
    """Whether the digits stand where the format has them, though they make no day."""
    pattern = re.sub("%[dm]", r"\\d{1,2}", re.escape(date_format).replace("%Y", r"\d{4}"))
    return re.fullmatch(pattern, text, re.ASCII) is not None
