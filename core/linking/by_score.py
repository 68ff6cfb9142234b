"""Step 4 of DESIGN §7: rows and their candidates among the clients, scored in bits; and the equal name and date of
step 2, which is no certainty either where the name is common.
"""

from typing import Final
from uuid import UUID

import numpy as np
from django.db.backends.utils import CursorWrapper

from core.linking import candidates, model
from core.linking.comparing import Compared, compare
from core.linking.holding import Held, Linked, Told, hold_uncertain, write_linked, write_told
from core.linking.parameters import Parameters
from core.linking.scoring import Scored, learn, score
from core.linking.verdict import Verdict, evidence, verdicts
from core.linking.weights import Weights, is_exact

# So many rows tell how often fields agree; from fewer nothing is learnt.
LEARNS_FROM: Final = 300
# An equal name and date links from so many bits less.
EXACT_BITS: Final = 3.0
# Rows to look at: new people by the first row of each, and rows of an equal name and date.
_WHICH: Final = f"""s.outcome IS NULL AND (s.person = s.row_number OR s.road = 'exact')
    OR s.outcome = 'held' AND s.reason_code IN {candidates.HELD_EXACT}"""
_COMMON: Final = (
    "A client has this name and date of birth, but so many people are called that that it may be another one. "
    "Decide whether they are one person."
)


def link_by_score(cursor: CursorWrapper, source: str, parameters: Parameters, weights: Weights, held: Held) -> None:
    """Link or hold the rows of staging that have candidates. Exact rows must be borne out by the bits."""
    cursor.execute("SELECT row_number, client_id FROM staging WHERE road = 'exact' AND outcome IS NULL")
    exact = dict(cursor.fetchall())
    cursor.execute("SELECT row_number FROM staging WHERE outcome = 'held'")
    decided = {number for (number,) in cursor.fetchall()}
    doubtful = set(exact)
    learnt = False
    for pairs in candidates.of_clients(cursor, source, _WHICH):
        compared = compare(pairs.rows, pairs.i, pairs.clients, pairs.j, weights.is_known)
        if not learnt and len(pairs.numbers) >= LEARNS_FROM:
            learn(compared, weights, pairs.rows.texts, pairs.born_apart, owners=len(pairs.numbers))
            learnt = True
        scored = score(compared, weights, pairs.rows.texts, pairs.born_apart)
        _Chunk(pairs, compared, scored, parameters, weights).decide(cursor, held, exact, doubtful, decided)
    for number in doubtful:
        held.add(number, "uncertain_match", _COMMON, [exact[number]])
    if learnt:
        model.keep_learnt(weights)


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

    def decide(
        self, cursor: CursorWrapper, held: Held, exact: dict[int, UUID], doubtful: set[int], decided: set[int]
    ) -> None:
        """One verdict per row, written; rows of `exact` that were decided leave `doubtful`. Of rows `decided` already
        only the evidence is written.
        """
        numbered: dict[UUID, int] = {}
        of_client = np.array([numbered.setdefault(key, len(numbered)) for key in self.pairs.keys], dtype=np.int64)
        linked, told = Linked(), Told()
        for verdict in verdicts(self.scored, self.pairs.i, of_client[self.pairs.j], self.parameters):
            number = int(self.pairs.numbers[verdict.owner])
            keys = [self.pairs.keys[self.pairs.j[pair]] for pair in verdict.pairs]
            why = evidence(verdict, self.compared, self.scored, keys, self.weights, self.parameters)
            wanted = exact.get(number)
            if number in decided:
                told.add(number, verdict.total, {**why, "verdict": "maybe"})
            elif wanted is not None:
                doubtful.discard(number)
                if self._bears_out(verdict, keys, wanted):
                    linked.add(number, wanted, verdict.total, {**why, "verdict": "same", "bar": ""})
                else:
                    held.add(number, "uncertain_match", _COMMON, keys, round(verdict.total, 1), why)
            elif verdict.word == "same":
                linked.add(number, keys[0], verdict.total, why)
            elif verdict.total >= self.parameters.hold_bits:
                hold_uncertain(held, number, keys, verdict.total, verdict.bar, why)
        write_linked(cursor, linked)
        write_told(cursor, told)

    def _bears_out(self, verdict: Verdict, keys: list[UUID], wanted: UUID) -> bool:
        """The client of equal name and date is the likeliest, and likely enough: it needs less than a slip would."""
        return keys[0] == wanted and verdict.total >= self.parameters.auto_bits - EXACT_BITS
