"""The page on which a source's own headers, words, program names and dates are set, on top of its TOML file."""

import json
from typing import Any

from django.contrib import messages
from django.http import HttpRequest
from django.utils.text import capfirst

from core import rules
from core.errors import CCDError
from core.ingest import feeds, limits, profiles, sources
from core.ingest.resource import COLUMNS
from core.models import ImportBatch, Program, SourceSettings
from core.normalise import header_key

FORMATS = {
    "%d/%m/%Y": "31/12/2026",
    "%m/%d/%Y": "12/31/2026",
    "%Y/%m/%d": "2026/12/31",
    "%d-%m-%Y": "31-12-2026",
    "%m-%d-%Y": "12-31-2026",
    "%d.%m.%Y": "31.12.2026",
    "%d %b %Y": "31 Dec 2026",
    "%b %d, %Y": "Dec 31, 2026",
    "%Y%m%d": "20261231",
}


def page(request: HttpRequest, source: str) -> dict[str, Any]:
    """What is set, what the last files had that leads nowhere, and what it may mean."""
    base, own = sources.profile(source), limits.settings_of(source)
    programs = [(str(p.pk), str(p)) for p in rules.visible_to(request.user, Program).order_by("name")]
    return {
        "source": source,
        "unmapped": [
            {"item": each, "label": _label(each.column), "choices": _choices(each.column, programs)}
            for each in profiles.unmapped(source)
        ],
        "headers": _unknown_headers(request, source),
        "columns": [(name, _label(name)) for name in COLUMNS],
        "formats": [
            (each, shown, each in base.date_formats or each in own.date_formats, each in base.date_formats)
            for each, shown in FORMATS.items()
        ],
        "own": _own(own, dict(programs)),
    }


def _label(column: str) -> str:
    return capfirst({"dob": "date of birth"}.get(column, column.replace("_", " ")))


def _choices(column: str, programs: list[tuple[str, str]]) -> list[tuple[str, str]]:
    return programs if column == "program" else [(value, value) for value in sources.VOCABULARY.get(column, ())]


def _unknown_headers(request: HttpRequest, source: str) -> list[str]:
    """Headers of the last file that are no column of the source."""
    batches = rules.visible_to(request.user, ImportBatch).filter(source_system=source, headers__isnull=False)
    last = batches.order_by("-created_at").first()
    known = profiles.effective(source).headers
    return [text for text in (last.headers if last else ()) if text.strip() and header_key(text) not in known]


def _lines(own: SourceSettings) -> list[tuple[str, str, str, str]]:
    """What the agency set, line by line: field of the settings, column, text of the source, what it means."""
    lines = [("header_aliases", "", text, column) for text, column in own.header_aliases.items()]
    for column, words in own.value_maps.items():
        lines += [("value_maps", column, word, value) for word, value in words.items()]
    return lines + [("program_names", "program", name, key) for name, key in own.program_names.items()]


def _key(*parts: str) -> str:
    """By which a line is forgotten."""
    return json.dumps(parts)


def _own(own: SourceSettings, programs: dict[str, str]) -> list[dict[str, str]]:
    return [
        {
            "key": _key(kind, column, text),
            "what": "Header" if kind == "header_aliases" else _label(column),
            "text": text,
            "means": _label(means) if kind == "header_aliases" else programs.get(means, means),
        }
        for kind, column, text, means in _lines(own)
    ]


def save(request: HttpRequest, source: str) -> bool:
    """Set what was posted. False where it was refused, which is said."""
    try:
        feeds.configure(source, actor=request.user, values=_posted(request, source))
    except CCDError as error:
        messages.error(request, str(error))
        return False
    messages.success(request, f"Saved. The next file of {source} is read so; preview one to see it.")
    return True


def _posted(request: HttpRequest, source: str) -> dict[str, Any]:
    """The settings as they would be: what stands, less what is forgotten, and what was given a meaning."""
    own, post = limits.settings_of(source), request.POST
    headers = dict(own.header_aliases)
    words = {column: dict(found) for column, found in own.value_maps.items()}
    programs = dict(own.program_names)
    forgotten = set(post.getlist("forget"))
    for kind, column, text, _ in _lines(own):
        if _key(kind, column, text) in forgotten:
            {"header_aliases": headers, "value_maps": words.get(column, {}), "program_names": programs}[kind].pop(text)
    for text, column in zip(post.getlist("header"), post.getlist("column"), strict=False):
        if text.strip() and column:
            headers[text.strip()] = column
    for each in profiles.unmapped(source):
        if meaning := post.get(f"value-{each.pk}"):
            (programs if each.column == "program" else words.setdefault(each.column, {}))[each.value] = meaning
    base = sources.profile(source).date_formats
    formats = [each for each in FORMATS if each in post.getlist("format") and each not in base]
    return {
        "header_aliases": headers,
        "value_maps": {column: found for column, found in words.items() if found},
        "program_names": programs,
        "date_formats": formats,
    }
