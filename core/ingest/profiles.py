"""A source as it is read today: its TOML file, and on top of it what the agency set (source_settings).

Words that files had and nobody mapped are kept with their counts, to be mapped.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

from django.db import connection
from psycopg import sql

from core.errors import Invalid
from core.ingest import limits, sources
from core.ingest.profile import SourceProfile
from core.ingest.resource import COLUMNS
from core.models import Program, SourceSettings, UnmappedValue
from core.normalise import fold, header_key

MAPPED: Final = ("header_aliases", "value_maps", "program_names", "date_formats")
# Where staging keeps the values of a column, as a set of texts per row.
_TEXTS: Final = {
    "languages_spoken": "unnest(languages_spoken)",
    "province": "address ->> 'province'",
}


def effective(source: str) -> SourceProfile:
    """The source as files of it are read. Raises UnknownSource."""
    return merged(sources.profile(source), limits.settings_of(sources.profile(source).name))


def merged(base: SourceProfile, own: SourceSettings) -> SourceProfile:
    """The profile with the agency's own headers, words and date formats; where they differ, these stand."""
    if not (own.header_aliases or own.value_maps or own.date_formats):
        return base
    aliases = dict(base.aliases)
    for header, column in own.header_aliases.items():
        aliases[column] = (*aliases.get(column, ()), header)
    values = dict(base.values)
    for column, words in own.value_maps.items():
        values[column] = {**values.get(column, {}), **{fold(word): value for word, value in words.items()}}
    return replace(
        base,
        headers={**base.headers, **{header_key(header): column for header, column in own.header_aliases.items()}},
        aliases=aliases,
        values=values,
        date_formats=(*base.date_formats, *(each for each in own.date_formats if each not in base.date_formats)),
    )


def program_names(source: str) -> dict[str, UUID]:
    """Folded name as the source writes it → program."""
    own = limits.settings_of(source).program_names
    return {fold(name): UUID(key) for name, key in own.items()}


def refuse_senseless(source: str, values: Mapping[str, Any]) -> None:
    """Raise Invalid, a sentence per field, where the settings contradict the source's file or themselves."""
    base = sources.profile(source)
    checks = {
        "header_aliases": _header_faults,
        "value_maps": _value_faults,
        "program_names": _program_faults,
        "date_formats": _format_faults,
    }
    faults = {name: [*check(base, values[name])] for name, check in checks.items() if name in values}
    if any(faults.values()):
        raise Invalid({name: said for name, said in faults.items() if said})


def _header_faults(base: SourceProfile, aliases: Mapping[str, str]) -> Iterator[str]:
    for header, column in aliases.items():
        if column not in COLUMNS:
            yield f"There is no column “{column}”."
        elif not header_key(header):
            yield "A header needs a letter or a digit."
        elif base.headers.get(header_key(header), column) != column:
            yield f"“{header}” means {base.headers[header_key(header)]} in {base.name} already."


def _value_faults(base: SourceProfile, maps: Mapping[str, Mapping[str, str]]) -> Iterator[str]:
    for column, words in maps.items():
        for word, value in words.items():
            if value not in sources.VOCABULARY.get(column, ()):
                yield f"“{value}” is not in our list of {column.replace('_', ' ')}."
            elif not fold(word):
                yield f"“{word}” has no letter or digit."


def _program_faults(base: SourceProfile, names: Mapping[str, str]) -> Iterator[str]:
    known = {str(key) for key in Program.objects.filter(pk__in=names.values()).values_list("pk", flat=True)}
    for name, key in names.items():
        if key not in known or not fold(name):
            yield f"“{name}” needs a program that there is."


def _format_faults(base: SourceProfile, formats: list[str]) -> Iterator[str]:
    """A format must give a day back, and no text may be two days."""
    day = date(2001, 2, 3)
    every = dict.fromkeys((*base.date_formats, *formats))
    for each in formats:
        if _read(day.strftime(each), each) != day:
            yield f"“{each}” does not say year, month and day."
    for one in every:
        for other in every:
            if one < other and _read(day.strftime(one), other) not in (None, day):
                yield f"{day.strftime(one)} would be two different days; keep one of the two formats."


def _read(text: str, date_format: str) -> date | None:
    try:
        return datetime.strptime(text, date_format).date()
    except ValueError:
        return None


def collect_unmapped(source: SourceProfile, columns: tuple[str | None, ...]) -> None:
    """Keep, with their counts, the words of the staged file that are none of ours, and program names that lead to none;
    words that were mapped meanwhile are forgotten.
    """
    with connection.cursor() as cursor:
        for column, vocabulary in sources.VOCABULARY.items():
            texts = sql.SQL(_TEXTS.get(column, column))
            cursor.execute(
                sql.SQL(_COLLECT).format(sql.SQL("SELECT {} AS value FROM staging").format(texts)),
                {"source": source.name, "column": column, "known": list(vocabulary)},
            )
        if "program" in columns:
            names = sql.SQL("SELECT cells[{}] AS value FROM staging WHERE reason_code = 'unknown_program'")
            query = names.format(sql.Literal(columns.index("program") + 1))
            cursor.execute(sql.SQL(_COLLECT).format(query), {"source": source.name, "column": "program", "known": []})


_COLLECT: Final = """
INSERT INTO unmapped_values (source_system, "column", value, rows)
SELECT %(source)s, %(column)s, left(value, 200), count(*) FROM ({}) v
WHERE value <> '' AND NOT value = ANY(%(known)s) GROUP BY left(value, 200)
ON CONFLICT (source_system, "column", value) DO UPDATE
SET rows = excluded.rows, files = unmapped_values.files + 1, last_seen = now()
"""


def unmapped(source: str) -> list[UnmappedValue]:
    """Words of the source that still lead nowhere, the most frequent first."""
    profile, programs = effective(source), program_names(source)
    return [
        each
        for each in UnmappedValue.objects.filter(source_system=profile.name).order_by("column", "-rows", "value")
        if fold(each.value) not in (programs if each.column == "program" else profile.values.get(each.column, {}))
    ]
