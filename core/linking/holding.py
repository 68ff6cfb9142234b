"""Rows of a daily file that wait for a person, collected while pairs are judged; and how a pair comes from SQL."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from uuid import UUID

from django.db.backends.utils import CursorWrapper

from core.linking.judge import Person

# A date of birth or a name shared by more clients than this says nothing (placeholders) and is not looked through.
BLOCK = 500
CANDIDATES = 5


@dataclass(slots=True)
class Held:
    """Rows to hold, collected in Python and written at once."""

    rows: list[tuple[int, str, str, list[UUID], float | None]] = field(default_factory=list)

    def add(self, row: int, code: str, reason: str, candidates: Iterable[UUID], score: float | None = None) -> None:
        self.rows.append((row, code, reason, list(dict.fromkeys(candidates))[:CANDIDATES], score))


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


NEAR_KEYS = """
    (c.first_folded = s.first_folded OR c.last_folded = s.last_folded
     OR (c.first_folded = s.last_folded AND c.last_folded = s.first_folded)
     OR (left(c.first_folded, 1) = left(s.first_folded, 1) AND left(c.last_folded, 1) = left(s.last_folded, 1))
     OR left(c.first_folded, 1) = left(s.last_folded, 1) AND left(c.last_folded, 1) = left(s.first_folded, 1))
"""


def hold_near(held: Held, number: int, found: list[tuple[float, UUID]]) -> None:
    found.sort(key=lambda pair: (-pair[0], str(pair[1])))
    reason = "A client with nearly this name and date of birth exists. Decide whether they are one person."
    held.add(number, "uncertain_match", reason, [key for _, key in found], found[0][0])


def write_held(cursor: CursorWrapper, held: Held) -> None:
    """Write what was collected. Candidates go over as text: an array of arrays must not be ragged."""
    if not held.rows:
        return
    rows, codes, reasons, candidates, scores = zip(*held.rows, strict=True)
    cursor.execute(
        """
        UPDATE staging s SET outcome = 'held', reason_code = h.code, reason = h.reason, score = h.score,
            candidate_ids = string_to_array(h.candidates, ';')::uuid[], client_id = NULL, road = NULL
        FROM unnest(%s::int[], %s::text[], %s::text[], %s::text[], %s::float8[])
            AS h (row_number, code, reason, candidates, score)
        WHERE h.row_number = s.row_number
        """,
        [list(rows), list(codes), list(reasons), [";".join(map(str, keys)) for keys in candidates], list(scores)],
    )
