"""New people of a daily file, linked to each other by the same rules as to clients, in the order of their rows."""

from collections import defaultdict
from dataclasses import dataclass
from uuid import UUID, uuid4

from django.db.backends.utils import CursorWrapper

from core.linking.holding import BLOCK, NEAR_KEYS, Held, hold_near, people
from core.linking.judge import Person, nearness


def link_within_file(cursor: CursorWrapper, held: Held) -> None:
    """The same rules among the new people of the file, in the order of their rows.

    A later person with the name and date of an earlier one is the same person unless both have identifiers; a near
    one is held. Only people who share a key with another come to Python.
    """
    cursor.execute(
        f"""
        WITH heads AS MATERIALIZED (
            SELECT s.row_number, s.first_folded, s.last_folded, s.dob, s.uid_external, s.preferred_name, s.alias,
                   (s.client_id IS NULL) AS is_new, s.client_id, ccd_digits(s.phone_number) AS phone,
                   ccd_postal_key(s.address) AS postal
            FROM staging s WHERE s.person = s.row_number
               OR (s.outcome IS NULL AND s.same_as IS NULL AND s.client_id IS NOT NULL)
        ), days AS MATERIALIZED (SELECT dob FROM heads GROUP BY dob HAVING count(*) BETWEEN 2 AND {BLOCK}),
        pairs AS (
            SELECT c.row_number AS earlier, s.row_number AS later FROM heads s JOIN days USING (dob)
            JOIN heads c USING (dob) WHERE (s.is_new AND (c.row_number < s.row_number OR NOT c.is_new)) AND {NEAR_KEYS}
            UNION
            SELECT c.row_number, s.row_number FROM heads s JOIN heads c USING (first_folded, last_folded)
            WHERE s.is_new AND (c.row_number < s.row_number OR NOT c.is_new) AND c.row_number <> s.row_number
            UNION
            SELECT c.row_number, s.row_number FROM heads s
            JOIN heads c ON c.first_folded = s.last_folded AND c.last_folded = s.first_folded
            WHERE s.is_new AND (c.row_number < s.row_number OR NOT c.is_new) AND c.row_number <> s.row_number
        )
        SELECT s.row_number, s.first_folded, s.last_folded, s.dob, c.row_number,
               c.first_folded, c.last_folded, c.dob, ccd_fold(c.preferred_name), ccd_fold(c.alias),
               ccd_fold(s.preferred_name), ccd_fold(s.alias),
               s.uid_external IS NOT NULL, c.uid_external IS NOT NULL,
               coalesce(s.phone <> c.phone AND s.postal <> c.postal, false), c.client_id
        FROM pairs JOIN heads s ON s.row_number = later JOIN heads c ON c.row_number = earlier
        ORDER BY later, earlier
        """
    )
    FileOrder(cursor, held).decide(cursor.fetchall())


@dataclass(frozen=True, slots=True)
class Pair:
    """A new person of the file and an earlier one who shares a key."""

    later: int
    mine: Person
    earlier: int
    theirs: Person
    later_identified: bool
    earlier_identified: bool
    contact_conflicts: bool
    client: UUID | None

    @classmethod
    def of(cls, row: tuple) -> "Pair":
        """From one line of the query in _within_file."""
        return cls(*people(row[:12]), *row[12:])

    @property
    def exact(self) -> bool:
        """Same folded names and the same date of birth, which must be known."""
        mine, theirs = self.mine, self.theirs
        return mine.dob is not None and (mine.first, mine.last, mine.dob) == (theirs.first, theirs.last, theirs.dob)


class FileOrder:
    """Decides the new people of a file one after the other, so that a held one is no candidate for the next."""

    def __init__(self, cursor: CursorWrapper, held: Held) -> None:
        self.cursor = cursor
        self.held = held
        self.out = {row[0] for row in held.rows}
        self.keys: dict[int, UUID] = {}
        self.joined: dict[int, int] = {}  # later row → first row of the person
        self.identified: set[int] = set()  # first rows of people of whom some row has an identifier
        self.linked: dict[int, UUID] = {}

    def decide(self, pairs: list[tuple]) -> None:
        """Pairs come ordered by the later row."""
        by_later: dict[int, list[Pair]] = defaultdict(list)
        for pair in map(Pair.of, pairs):
            by_later[pair.later].append(pair)
            if pair.earlier_identified:
                self.identified.add(pair.earlier)
            if pair.client is not None:
                self.linked[pair.earlier] = pair.client
        for later, found in by_later.items():
            if later not in self.out:
                self._decide(later, [pair for pair in found if pair.earlier not in self.out])
        self._write()

    def _decide(self, later: int, pairs: list["Pair"]) -> None:
        near = []
        for pair in pairs:
            first = self.joined.get(pair.earlier, pair.earlier)
            other = pair.later_identified and first in self.identified
            if pair.exact and not other and not pair.contact_conflicts:
                self.joined[later] = first
                if pair.later_identified:
                    self.identified.add(first)
                return
            score = 1.0 if pair.exact else nearness(pair.mine, pair.theirs)
            if score is not None:
                near.append((score, self._key(first)))
        if near:
            self.out.add(later)
            hold_near(self.held, later, near)

    def _key(self, first: int) -> UUID:
        """client_id of an earlier person: of the client it is linked to, or of the new one it becomes."""
        return self.linked.get(first) or self.keys.setdefault(first, uuid4())

    def _write(self) -> None:
        """New people that others refer to get their key now; who joined an earlier person shares that one's."""
        joined = {later: self._key(first) for later, first in self.joined.items()}
        for table, road in ((self.keys, "new"), (joined, "file")):
            self.cursor.execute(
                """
                UPDATE staging s SET client_id = k.key, road = %s
                FROM unnest(%s::int[], %s::uuid[]) AS k (row_number, key) WHERE k.row_number = s.row_number
                """,
                [road, list(table), list(table.values())],
            )
