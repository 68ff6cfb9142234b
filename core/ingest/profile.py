"""What there is to know about one source: its headers, its words, its dates."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

PLACEHOLDER_DATES: Final = frozenset({date(1900, 1, 1)})
LANGUAGE_SEPARATORS: Final = ";,|/"

_WORDS: Final = {"%Y": "YYYY", "%m": "MM", "%d": "DD", "%b": "Mon", "%B": "Month", "%y": "YY"}


@dataclass(frozen=True)
class SourceProfile:
    """One source. The pipeline knows no source by name, only this."""

    name: str
    label: str
    headers: Mapping[str, str]  # header_key of an alias or canonical header -> canonical column
    aliases: Mapping[str, tuple[str, ...]]  # canonical column -> the source's own headers, as it writes them
    values: Mapping[str, Mapping[str, str]]  # canonical column -> folded raw value -> our value
    date_formats: tuple[str, ...] = ()  # strptime formats, beside ISO
    placeholder_dates: frozenset[date] = PLACEHOLDER_DATES
    language_separators: str = LANGUAGE_SEPARATORS

    def called(self, column: str) -> str:
        """What this source calls a canonical column, for a sentence."""
        return self.aliases.get(column, (column,))[0]

    @property
    def dates_in_words(self) -> str:
        """How a date may be written: 'YYYY-MM-DD or DD/MM/YYYY'."""
        formats = ["%Y-%m-%d", *(f for f in self.date_formats if f != "%Y-%m-%d")]
        return " or ".join(_in_words(text) for text in formats)


def _in_words(date_format: str) -> str:
    for directive, word in _WORDS.items():
        date_format = date_format.replace(directive, word)
    return date_format
