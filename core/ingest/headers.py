"""Which column of a file is which of ours."""

from collections.abc import Sequence
from typing import Final

from core.errors import FileRefused
from core.ingest.faults import quote
from core.ingest.profile import SourceProfile
from core.normalise import header_key

REQUIRED: Final = ("first_name", "last_name")
# What our outcomes and rejects files put before the file's own columns.
OUTCOME_COLUMNS: Final = ("row_number", "outcome", "reason_code", "reason", "client_id", "candidate_ids", "score")

NAMED: Final = 30  # ignored columns told by name

_OUTCOME_KEYS: Final = tuple(map(header_key, OUTCOME_COLUMNS))


def recognise(headers: Sequence[str], profile: SourceProfile) -> tuple[str | None, ...]:
    """The canonical column of each header, None where it is none of ours; refuses what cannot be told apart."""
    columns = tuple(profile.headers.get(header_key(header)) for header in headers)
    _refuse_missing(headers, columns, profile)
    _refuse_twice(headers, columns)
    return columns


def score(headers: Sequence[str], profile: SourceProfile) -> tuple[int, int]:
    """How much a header row looks like one of this source; the greatest is the right reading."""
    columns = {profile.headers.get(header_key(header)) for header in headers} - {None}
    return len(columns.intersection(REQUIRED)), len(columns)


def count_outcome_columns(headers: Sequence[str]) -> int:
    """How many leading columns our own rejects file added: they are not the file's own."""
    width, count = len(_OUTCOME_KEYS), 0
    keys = tuple(map(header_key, headers))
    while keys[count : count + width] == _OUTCOME_KEYS:
        count += width
    return count


def ignored(headers: Sequence[str], columns: Sequence[str | None]) -> list[str]:
    """One note for the columns that are nobody's; our own outcome columns are passed over."""
    unknown = [
        quote(header) if header.strip() else f"column {position} (no header)"
        for position, (header, column) in enumerate(zip(headers, columns, strict=True), start=1)
        if column is None and header_key(header) not in _OUTCOME_KEYS
    ]
    if not unknown:
        return []
    more = f" and {len(unknown) - NAMED:,} more" if len(unknown) > NAMED else ""
    return [f"Columns not known to this source were ignored: {', '.join(unknown[:NAMED])}{more}."]


def _refuse_missing(headers: Sequence[str], columns: Sequence[str | None], profile: SourceProfile) -> None:
    missing = [column for column in REQUIRED if column not in columns]
    if not missing:
        return
    wanted = " and ".join(f"{column} ({profile.name} calls it {quote(profile.called(column))})" for column in missing)
    found = ", ".join(quote(header) for header in headers if header.strip()) or "none"
    raise FileRefused(
        f"The file has no column {wanted}. Its headers are: {_shortened(found)}. Is it a file from {profile.name}?"
    )


def _refuse_twice(headers: Sequence[str], columns: Sequence[str | None]) -> None:
    seen: dict[str, str] = {}
    for header, column in zip(headers, columns, strict=True):
        key = column or header_key(header)
        if not key:
            continue
        if key in seen:
            both = f"{quote(seen[key])} and {quote(header)}"
            meaning = f"both mean {column}" if column else "are the same header"
            raise FileRefused(f"The columns {both} {meaning}; remove or rename one of them.")
        seen[key] = header


def _shortened(text: str, longest: int = 1500) -> str:
    return text if len(text) <= longest else f"{text[:longest]}…"
