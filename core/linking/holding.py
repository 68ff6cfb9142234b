"""What is decided of rows while their pairs are judged, collected in Python and written to staging at once."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from django.db.backends.utils import CursorWrapper

from core.linking.judge import Person
from core.linking.scoring import BARS

CANDIDATES: Final = 5
_LIKELY: Final = "This is probably a client we know"
_POSSIBLE: Final = "This may be a client we know"


@dataclass(slots=True)
class Held:
    """Rows to hold, with what to show of them."""

    rows: list[tuple[int, str, str, list[UUID], float | None, str | None]] = field(default_factory=list)

    def add(
        self,
        row: int,
        code: str,
        reason: str,
        candidates: Iterable[UUID],
        score: float | None = None,
        evidence: dict[str, Any] | None = None,
    ) -> None:
        keys = list(dict.fromkeys(candidates))[:CANDIDATES]
        self.rows.append((row, code, reason, keys, score, json.dumps(evidence) if evidence else None))


ROW_AND_CLIENT = """
    SELECT s.row_number, s.first_folded, s.last_folded, s.dob,
           c.client_id, c.first_folded, c.last_folded, c.dob, ccd_fold(c.preferred_name), ccd_fold(c.alias),
           ccd_fold(s.preferred_name), ccd_fold(s.alias)
"""


def people(row: tuple) -> tuple[int, Person, UUID, Person]:
    """One line of ROW_AND_CLIENT as (row number, person of the row, client_id, person of the client)."""
    number, first, last, dob, key, c_first, c_last, c_dob, c_preferred, c_alias, preferred, alias = row
    mine = Person(first, last, dob, tuple(filter(None, (preferred, alias))))
    return number, mine, key, Person(c_first, c_last, c_dob, tuple(filter(None, (c_preferred, c_alias))))


def hold_uncertain(
    held: Held, number: int, keys: Sequence[UUID], score: float, bar: str, evidence: dict[str, Any] | None = None
) -> None:
    """Hold a row that may be a client (or an earlier new person of the file); the reason says what is against it."""
    if bar == "margin":
        why = f"{_LIKELY}, but another one is nearly as likely."
    elif bar:
        why = f"{_POSSIBLE}. {BARS[bar]}"
    else:
        why = f"{_POSSIBLE}: name, date of birth and contacts agree in part."
    held.add(number, "uncertain_match", f"{why} Decide whether they are one person.", keys, round(score, 1), evidence)


def write_held(cursor: CursorWrapper, held: Held) -> None:
    """Write what was collected. Candidates go over as text: an array of arrays must not be ragged."""
    if not held.rows:
        return
    rows, codes, reasons, candidates, scores, evidence = zip(*held.rows, strict=True)
    cursor.execute(
        """
        UPDATE staging s SET outcome = 'held', reason_code = h.code, reason = h.reason, score = h.score,
            candidate_ids = string_to_array(h.candidates, ';')::uuid[], client_id = NULL, road = NULL,
            evidence = h.evidence::jsonb
        FROM unnest(%s::int[], %s::text[], %s::text[], %s::text[], %s::float8[], string_to_array(%s, E'\\n', ''))
            AS h (row_number, code, reason, candidates, score, evidence)
        WHERE h.row_number = s.row_number
        """,
        [
            list(rows),
            list(codes),
            list(reasons),
            [";".join(map(str, keys)) for keys in candidates],
            list(scores),
            _lines(evidence),
        ],
    )


def _lines(evidence: Iterable[str | None]) -> str:
    """JSON, one document a line, an empty one for none: the quotes of an array of texts cost more than all the rest."""
    return "\n".join(each or "" for each in evidence)


@dataclass(slots=True)
class Linked:
    """Rows that a score linked to a client, or whose equal name and date it bore out."""

    rows: list[tuple[int, UUID, float, str]] = field(default_factory=list)

    def add(self, row: int, client: UUID, score: float, evidence: dict[str, Any]) -> None:
        self.rows.append((row, client, round(score, 1), json.dumps(evidence)))


def write_linked(cursor: CursorWrapper, linked: Linked) -> None:
    if not linked.rows:
        return
    rows, clients, scores, evidence = zip(*linked.rows, strict=True)
    cursor.execute(
        """
        UPDATE staging s SET client_id = l.client, score = l.score, evidence = l.evidence::jsonb,
            road = coalesce(s.road, 'score')
        FROM unnest(%s::int[], %s::uuid[], %s::float8[], string_to_array(%s, E'\\n'))
            AS l (row_number, client, score, evidence)
        WHERE l.row_number = s.row_number
        """,
        [list(rows), list(clients), list(scores), _lines(evidence)],
    )


@dataclass(slots=True)
class Told:
    """The evidence of rows that were held before any score."""

    rows: list[tuple[int, float, str]] = field(default_factory=list)

    def add(self, row: int, score: float, evidence: dict[str, Any]) -> None:
        self.rows.append((row, round(score, 1), json.dumps(evidence)))


def write_told(cursor: CursorWrapper, told: Told) -> None:
    if told.rows:
        rows, scores, evidence = zip(*told.rows, strict=True)
        cursor.execute(
            """
            UPDATE staging s SET score = t.score, evidence = t.evidence::jsonb
            FROM unnest(%s::int[], %s::float8[], string_to_array(%s, E'\\n')) AS t (row_number, score, evidence)
            WHERE t.row_number = s.row_number
            """,
            [list(rows), list(scores), _lines(evidence)],
        )
