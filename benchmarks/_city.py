"""People as a city has them, and a daily file about them: seeded, so that two runs are about the same people.

Communities of fixtures/demo_names.py with a long tail of family names; households that share address and phone; twins,
fathers and sons of one name, strangers of one name and birthday, placeholder birthdays. The file spells people as
another source would: slips, nicknames, transliterations, married names, moved, another phone. It knows who is meant.

    python benchmarks/_city.py CLIENTS ROWS      # prints how many of each there are
"""

import random
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from core.normalise import fold  # noqa: E402
from fixtures.demo_names import COMMUNITIES, STREET_TYPES, STREETS  # noqa: E402

SEED = 20261125
CONSONANTS = ("b", "d", "f", "g", "h", "k", "l", "m", "n", "r", "s", "t", "v", "z", "ch", "sh", "br")
SYLLABLES = tuple(consonant + vowel for consonant in CONSONANTS for vowel in "aeiou")
ENDINGS = ("n", "r", "s", "l", "tt", "ng", "ski", "vic", "son", "ez", "di", "ka", "")
VARIANTS = Path(__file__).resolve().parents[1] / "core" / "linking" / "variants.txt"
# Shares of the rows about known people, each spelt in one of these ways; the rest as we have it.
SLIPS = {
    "typo in the first name": 0.055,
    "typo in the last name": 0.07,
    "two typos": 0.015,
    "names swapped": 0.02,
    "nickname or transliteration": 0.10,
    "last name changed": 0.04,
    "no date of birth": 0.02,
    "placeholder date of birth": 0.015,
    "day and month": 0.02,
    "one digit of the date": 0.035,
    "initial only": 0.01,
    "double name cut": 0.01,
}


@dataclass(slots=True)
class Person:
    """One person; `kind` says what is special, `of` whose twin, child or namesake it is."""

    first: str
    last: str
    dob: date
    woman: bool
    phone: str
    email: str
    street: str
    postal: str
    kind: str = ""
    of: int = -1


@dataclass(slots=True)
class Row:
    """One line of the file, whom it means (-1: nobody we know) and how it is spelt."""

    uid: str
    person: Person
    dob: date | None
    meant: int
    how: str
    of: int = -1  # of a new person: the twin, parent or namesake we know


class City:
    """`clients` people, then rows about them."""

    def __init__(self, clients: int, seed: int = SEED) -> None:
        self.dice = random.Random(seed)
        names = list(COMMUNITIES.values())
        self.communities = self.dice.choices(names, [c.weight for c in names], k=10_000)
        self.tail = [self._invented() for _ in range(max(2000, min(clients // 8, 60_000)))]
        self.twinned: set[int] = set()  # nobody is made a triplet
        self._read_variants()
        self.people: list[Person] = []
        while len(self.people) < clients:
            self._household()
        del self.people[clients:]

    def _read_variants(self) -> None:
        self.groups: dict[str, list[str]] = {}
        for line in VARIANTS.read_text().splitlines():
            if " " in line and not line.startswith("#"):
                for name in line.split():
                    self.groups.setdefault(name, []).extend(line.split())

    def _invented(self) -> str:
        return (
            "".join(self.dice.choices(SYLLABLES, k=self.dice.choice((2, 2, 3)))) + self.dice.choice(ENDINGS)
        ).title()

    def _last(self, community: object) -> str:
        if self.dice.random() < 0.45:  # Zipf-like over the tail
            return self.tail[int(len(self.tail) ** self.dice.random()) - 1]
        return self.dice.choice(community.family)

    def _first(self, community: object, woman: bool) -> str:
        pool = community.women if woman else community.men
        return pool[int(len(pool) * self.dice.random() ** 1.5)]

    def _born(self, low: int = 1935, high: int = 2015) -> date:
        day = date(low, 1, 1) + timedelta(days=self.dice.randrange((high - low) * 365))
        return day.replace(month=1, day=1) if self.dice.random() < 0.03 else day

    def _home(self) -> tuple[str, str, str]:
        dice = self.dice
        if dice.random() < 0.02:  # one of 40 shelters
            number = dice.randrange(40)
            return f"{100 + number} {STREETS[number % len(STREETS)]} St", f"M5{'ABCD'[number % 4]} 1A{number % 10}", ""
        street = f"{dice.randrange(1, 999)} {dice.choice(STREETS)} {dice.choice(STREET_TYPES)}"
        letters = "ABCEGHJKLMNPRSTVWXYZ"
        area = f"M{dice.randrange(1, 10)}{dice.choice(letters)}"
        postal = f"{area} {dice.randrange(10)}{dice.choice(letters)}{dice.randrange(10)}"
        return street, postal, f"{dice.choice((416, 647, 437))}-{dice.randrange(200, 999)}-{dice.randrange(10_000):04}"

    def _household(self) -> None:
        dice, community = self.dice, self.dice.choice(self.communities)
        last, (street, postal, phone) = self._last(community), self._home()
        size = dice.choices((1, 2, 3, 4), (60, 20, 12, 8))[0]
        start = len(self.people)
        for _ in range(size):
            self._add(community, last, street, postal, phone)
        first = self.people[start]
        if dice.random() < 0.012:
            self._twin(start, community)
        if not first.woman and first.dob.year < 1980 and dice.random() < 0.02:
            born = first.dob.replace(year=first.dob.year + dice.randrange(18, 35), day=dice.randrange(1, 29))
            born = born.replace(month=dice.randrange(1, 13))
            self.people.append(replace(first, dob=born, email="", kind="child", of=start))
        if dice.random() < 0.0005:
            other = self._home()
            self.people.append(
                replace(first, street=other[0], postal=other[1], phone=other[2], email="", kind="namesake", of=start)
            )

    def _twin(self, of: int, community: object) -> None:
        one = self.people[of]
        self.twinned.add(of)
        woman = one.woman if self.dice.random() < 0.67 else not one.woman
        name = self._first(community, woman)
        while name == one.first or name.lower() in self.groups.get(one.first.lower(), ()):
            name = self._first(community, woman)
        self.people.append(replace(one, first=name, woman=woman, email="", kind="twin", of=of))

    def _new_twin(self, of: int) -> Person:
        """A twin for the file, not of a name that is the other's in another spelling (Andrés and Andre)."""
        known = {fold(name) for name in self.groups.get(fold(self.people[of].first), ())}
        while True:
            self._twin(of, self.dice.choice(self.communities))
            person = self.people.pop()
            if fold(person.first) not in known:
                return person

    def _add(self, community: object, last: str, street: str, postal: str, phone: str) -> None:
        dice = self.dice
        woman = dice.random() < 0.5
        first = self._first(community, woman)
        number = len(self.people)
        own = phone if phone and dice.random() < 0.4 else self._home()[2]
        email = f"{first}{number}@example.org".lower().replace(" ", "") if dice.random() < 0.35 else ""
        self.people.append(
            Person(first, last, self._born(), woman, own if dice.random() < 0.8 else "", email, street, postal)
        )

    # The file

    def rows(self, number: int, known: float = 0.7) -> Iterator[Row]:
        """`number` rows: a share `known` about people we have, the rest about new ones, some of them close to ours."""
        dice = random.Random(SEED + 1)
        self.dice = dice
        picked = dice.sample(range(len(self.people)), min(int(number * known), len(self.people)))
        rows = [self._about(key) for key in picked]
        rows += [self._new() for _ in range(number - len(rows))]
        dice.shuffle(rows)
        for index, row in enumerate(rows):
            row.uid = f"E-{index}"
            yield row

    def _about(self, key: int) -> Row:
        dice = self.dice
        person = replace(self.people[key])
        if dice.random() < 0.20:
            person.street, person.postal, _ = self._home()
        if dice.random() < 0.25:
            person.phone = self._home()[2]
        if dice.random() < 0.20:
            person.phone = ""
        if dice.random() < 0.20:
            person.street = person.postal = ""
        if dice.random() < 0.5:
            person.email = ""
        how = dice.choices([*SLIPS, ""], [*SLIPS.values(), 1 - sum(SLIPS.values())])[0]
        row = Row("", person, person.dob, key, how)
        while row.how and not self._spelt(row):  # not every way is open to every name and date
            row.how = dice.choices(list(SLIPS), list(SLIPS.values()))[0]
        if dice.random() < 0.1:
            person.first, person.last = person.first.upper(), person.last.upper()
        return row

    def _spelt(self, row: Row) -> bool:
        """Spell the row its way; whether anything differs from what we have."""
        before = row.person.first, row.person.last, row.dob
        self._spell(row)
        return (row.person.first, row.person.last, row.dob) != before

    def _spell(self, row: Row) -> None:
        person, dice, born = row.person, self.dice, row.dob
        match row.how:
            case "typo in the first name":
                person.first = self._typo(person.first)
            case "typo in the last name":
                person.last = self._typo(person.last)
            case "two typos":
                person.first, person.last = self._typo(person.first), self._typo(person.last)
            case "names swapped":
                person.first, person.last = person.last, person.first
            case "nickname or transliteration":
                group = [n for n in self.groups.get(person.first.lower(), ()) if n != person.first.lower()]
                person.first = dice.choice(group).title() if group else person.first
            case "last name changed":
                person.last = self._last(dice.choice(self.communities))
            case "no date of birth":
                row.dob = None
            case "placeholder date of birth":
                row.dob = date(1900, 1, 1)
            case "day and month":
                row.dob = date(born.year, born.day, born.month) if born.day < 13 else born
            case "one digit of the date":
                row.dob = born + timedelta(days=dice.choice((1, -1, 10, -10))) if dice.random() < 0.6 else born.replace(
                    day=min(born.day, 28), year=born.year + dice.choice((1, -1, 10))
                )  # fmt: skip
            case "initial only":
                person.first = person.first[0]
            case "double name cut":
                person.last = person.last.replace("-", " ").split()[0]
        if row.dob and row.dob > date(2026, 1, 1):
            row.dob = born

    def _typo(self, name: str) -> str:
        dice, at = self.dice, self.dice.randrange(len(name))
        letter = dice.choice("abcdefghijklmnopqrstuvwxyz")
        kind = dice.random()
        if kind < 0.3 and len(name) > 3:
            return name[:at] + name[at + 1 :]
        if kind < 0.55:
            return name[:at] + letter + name[at:]
        if kind < 0.8 or at + 1 >= len(name):
            return name[:at] + letter + name[at + 1 :]
        return name[:at] + name[at + 1] + name[at] + name[at + 2 :]

    def _new(self) -> Row:
        dice, key = self.dice, self.dice.randrange(len(self.people))
        near, roll = self.people[key], dice.random()
        if roll < 0.02 and key not in self.twinned and near.kind != "twin":
            person = self._new_twin(key)
        elif roll < 0.035:
            born = near.dob.replace(year=min(near.dob.year + dice.randrange(18, 35), 2024), day=dice.randrange(1, 29))
            person = replace(near, dob=born.replace(month=dice.randrange(1, 13)), email="", kind="child", of=key)
        elif roll < 0.036:
            street, postal, phone = self._home()
            person = replace(near, street=street, postal=postal, phone=phone, email="", kind="namesake", of=key)
        elif roll < 0.10:  # someone else of a household we know
            self._add(dice.choice(self.communities), near.last, near.street, near.postal, near.phone)
            person = replace(self.people.pop(), kind="household", of=key)
        else:
            community, (street, postal, phone) = dice.choice(self.communities), self._home()
            self._add(community, self._last(community), street, postal, phone)
            person = self.people.pop()
        return Row("", person, person.dob, -1, person.kind or "new", person.of)


if __name__ == "__main__":
    city = City(int(sys.argv[1]))
    print(Counter(person.kind or "plain" for person in city.people))
    print(Counter(row.how or "as we have it" for row in city.rows(int(sys.argv[2]))))
