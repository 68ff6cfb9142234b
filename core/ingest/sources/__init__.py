"""The sources, one TOML file each. Adding a source is adding a file.

name                  what --source says and the tables keep, e.g. "SMIS"
label                 its full name, for screens
date_formats          strptime formats beside ISO, e.g. ["%d/%m/%Y"]
placeholder_dates     dates that mean "not known"; 1900-01-01 where left out
language_separators   the characters between languages in one cell; ";,|/" where left out
[headers]             canonical column = ["Its Header", ...]; canonical headers are always accepted
[values.<column>]     our value = ["their word", ...]; beside the words of _common.toml, before them where they differ
"""

import tomllib
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

from core import choices
from core.errors import UnknownSource
from core.ingest.profile import LANGUAGE_SEPARATORS, PLACEHOLDER_DATES, SourceProfile
from core.ingest.resource import COLUMNS
from core.normalise import fold, header_key

__all__ = ["SourceProfile", "load", "names", "profile"]

FOLDER: Final = Path(__file__).parent
COMMON: Final = FOLDER / "_common.toml"
VOCABULARY: Final = {
    "gender": choices.GENDERS,
    "sexual_orientation": choices.SEXUAL_ORIENTATIONS,
    "race": choices.RACES,
    "immigration_status": choices.IMMIGRATION_STATUSES,
    "languages_spoken": choices.LANGUAGES,
    "province": choices.PROVINCES,
    "discharge_reason": choices.DISCHARGE_REASONS,
}

_KEYS: Final = {"name", "label", "date_formats", "placeholder_dates", "language_separators", "headers", "values"}

Words = Mapping[str, Mapping[str, list[str]]]


def profile(name: str) -> SourceProfile:
    """The source of that name, ignoring case."""
    found = _profiles().get(name.strip().casefold())
    if found is None:
        raise UnknownSource(f"There is no source “{name}”; the sources are {', '.join(names())}.")
    return found


def names() -> tuple[str, ...]:
    """The names of all sources, in alphabetical order."""
    return tuple(sorted(known.name for known in _profiles().values()))


@cache
def _profiles() -> dict[str, SourceProfile]:
    loaded = [load(path) for path in sorted(FOLDER.glob("[!_]*.toml"))]
    by_name = {known.name.casefold(): known for known in loaded}
    if len(by_name) != len(loaded):
        raise ValueError(f"Two files in {FOLDER} declare the same source name.")
    return by_name


def load(path: Path) -> SourceProfile:
    """One source's file. Raises ValueError, naming the file, where it contradicts itself."""
    declared = _read(path)
    if unknown := declared.keys() - _KEYS:
        raise ValueError(f"{path.name}: unknown keys {', '.join(sorted(unknown))}.")
    if not declared.get("name"):
        raise ValueError(f"{path.name}: a source needs a name.")
    aliases = declared.get("headers", {})
    return SourceProfile(
        name=declared["name"],
        label=declared.get("label", declared["name"]),
        headers=_headers(path, aliases),
        aliases={column: tuple(headers) for column, headers in aliases.items()},
        values=_values(path, declared.get("values", {})),
        date_formats=tuple(declared.get("date_formats", ())),
        placeholder_dates=frozenset(declared.get("placeholder_dates", PLACEHOLDER_DATES)),
        language_separators=declared.get("language_separators", LANGUAGE_SEPARATORS),
    )


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"{path.name}: {error}") from error


def _headers(path: Path, aliases: Mapping[str, list[str]]) -> dict[str, str]:
    _demand_columns(path, aliases)
    headers = {header_key(column): column for column in COLUMNS}
    for column, spellings in aliases.items():
        for spelling in spellings:
            if headers.setdefault(header_key(spelling), column) != column:
                taken = headers[header_key(spelling)]
                raise ValueError(f"{path.name}: “{spelling}” would mean both {taken} and {column}.")
    return headers


def _values(path: Path, own: Words) -> dict[str, dict[str, str]]:
    """Folded raw value -> our value, per column: the vocabulary, the words all sources share, the source's own."""
    common = _read(COMMON)["values"]
    _demand_columns(path, own)
    columns = [*VOCABULARY, *(column for column in own if column not in VOCABULARY)]
    return {
        column: {
            **{fold(value): value for value in VOCABULARY.get(column, ())},
            **_inverted(COMMON, column, common.get(column, {})),
            **_inverted(path, column, own.get(column, {})),
        }
        for column in columns
    }


def _inverted(path: Path, column: str, words: Mapping[str, list[str]]) -> dict[str, str]:
    found: dict[str, str] = {}
    for value, spellings in words.items():
        if column in VOCABULARY and value not in VOCABULARY[column]:
            raise ValueError(f"{path.name}: “{value}” is not in the vocabulary of {column}.")
        for spelling in spellings:
            if not fold(spelling):
                raise ValueError(f"{path.name}: “{spelling}” in {column} has no letter or digit.")
            if found.setdefault(fold(spelling), value) != value:
                raise ValueError(
                    f"{path.name}: “{spelling}” in {column} would mean both {found[fold(spelling)]} and {value}."
                )
    return found


def _demand_columns(path: Path, columns: Iterable[str]) -> None:
    for column in columns:
        if column not in COLUMNS:
            raise ValueError(f"{path.name}: there is no column “{column}”.")
