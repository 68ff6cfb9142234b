"""Step 4 of DESIGN §7: rows and their candidates among the clients, scored in bits; and the equal name and date of
step 2, which is no certainty either where the name is common.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import numpy as np
from django.db.backends.utils import CursorWrapper

from core.linking import candidates, model
from core.linking.comparing import Compared, compare
from core.linking.holding import Held, Linked, Told, hold_uncertain, write_held, write_linked, write_told
from core.linking.parameters import Parameters
from core.linking.scoring import Scored, learn, score
from core.linking.verdict import Telling, Verdict, likely, verdicts
from core.linking.weights import Weights, is_exact

# So many rows tell how often fields agree; from fewer nothing is learnt.
LEARNS_FROM: Final = 300
# Rows to look at: new people by the first row of each, and rows of an equal name and date.
_WHICH: Final = f"""s.outcome IS NULL AND (s.client_id IS NULL AND s.person IS NULL OR s.road = 'exact')
    OR s.outcome = 'held' AND s.reason_code IN {candidates.HELD_EXACT}"""
_COMMON: Final = (
    "A client has this name and date of birth, but so many people are called that that it may be another one. "
    "Decide whether they are one person."
)


def link_by_score(
    cursor: CursorWrapper, source: str, parameters: Parameters, weights: Weights, heard: Callable[[int], None]
) -> None:
    """Link or hold the rows of staging that have candidates. Exact rows must be borne out by the bits. `heard` is told
    how many rows have been gone through, now and then.
    """
    learnt = False
    for span in candidates.spans(cursor):
        heard(span.start - 1)
        pairs = candidates.of_clients(cursor, source, _WHICH, weights.is_known, span)
        if pairs is None:
            continue
        compared = compare(pairs.rows, pairs.i, pairs.clients, pairs.j, weights.is_known)
        if not learnt and pairs.owners >= LEARNS_FROM:
            learn(compared, weights, pairs.rows.texts, owners=pairs.owners)
            learnt = True
        scored = score(compared, weights, pairs.rows.texts)
        _Chunk(pairs, compared, scored, parameters, weights).decide(cursor, _Before.of(cursor, span))
    if learnt:
        model.keep_learnt(weights)


@dataclass(slots=True)
class _Before:
    """What was decided of some rows before their scores: the client of their name and date, or that they are held."""

    exact: dict[int, UUID]
    held: set[int]

    @classmethod
    def of(cls, cursor: CursorWrapper, span: range) -> "_Before":
        cursor.execute(
            "SELECT row_number, client_id, outcome = 'held' FROM staging WHERE row_number BETWEEN %s AND %s "
            "AND (road = 'exact' AND outcome IS NULL OR outcome = 'held')",
            [span.start, span.stop - 1],
        )
        rows = cursor.fetchall()
        return cls({number: key for number, key, held in rows if not held}, {n for n, _, held in rows if held})


class _Chunk:
    """The scored pairs of some rows."""

    def __init__(
        self,
        pairs: candidates.Pairs,
        compared: Compared,
        scored: Scored,
        parameters: Parameters,
        weights: Weights,
    ) -> None:
        self.pairs, self.compared, self.scored = pairs, compared, scored
        self.parameters, self.weights = parameters, weights
        self.exact = is_exact(compared)

    def decide(self, cursor: CursorWrapper, before: _Before) -> None:
        """One verdict per row, written. Of rows that are held already only the evidence is; an exact row without a
        verdict is doubtful.
        """
        numbered: dict[UUID, int] = {}
        of_client = np.array([numbered.setdefault(key, len(numbered)) for key in self.pairs.keys], dtype=np.int64)
        held, linked, told, doubtful = Held(), Linked(), Told(), dict(before.exact)
        pairs = likely(self.scored, self.parameters)
        telling = Telling(pairs, self.compared, self.scored, self.weights, self.parameters)
        for verdict in verdicts(pairs, self.scored, self.pairs.i, of_client[self.pairs.j], self.parameters):
            number = int(self.pairs.numbers[verdict.owner])
            keys = [self.pairs.keys[self.pairs.j[pair]] for pair in verdict.pairs]
            why = telling.row(verdict, keys)
            wanted = doubtful.pop(number, None)
            if number in before.held:
                told.add(number, verdict.total, {**why, "verdict": "maybe"})
            elif wanted is not None:
                if self._bears_out(verdict, keys, wanted):
                    linked.add(number, wanted, verdict.total, {**why, "verdict": "same", "bar": ""})
                else:
                    held.add(number, "uncertain_match", _COMMON, keys, round(verdict.total, 1), why)
            elif verdict.word == "same":
                linked.add(number, keys[0], verdict.total, why)
            elif verdict.total >= self.parameters.hold_bits:
                hold_uncertain(held, number, keys, verdict.total, verdict.bar, why)
        for number, key in doubtful.items():
            held.add(number, "uncertain_match", _COMMON, [key])
        write_linked(cursor, linked)
        write_told(cursor, told)
        write_held(cursor, held)

    def _bears_out(self, verdict: Verdict, keys: list[UUID], wanted: UUID) -> bool:
        """The client of equal name and date is the likeliest, and likely enough: it needs less than a slip would."""
        return keys[0] == wanted and verdict.total >= self.parameters.exact_bits
