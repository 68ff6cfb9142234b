"""Rows that contradict each other, the database or the calendar: three files in a row, and what becomes of each row.

`person(n)` is the n-th of people who have nothing in common; a case changes what it needs of them.
"""

from typing import NamedTuple

_FIRST = [
    "Amina",
    "Bartholomew",
    "Chidinma",
    "Desmond",
    "Evangeline",
    "Farouk",
    "Giuseppina",
    "Horatio",
    "Ingeborg",
    "Jacinto",
    "Kazimiera",
    "Leopold",
    "Mbali",
    "Nikolaos",
    "Oluwaseun",
    "Philippa",
    "Quentin",
    "Rosalind",
    "Svetlana",
    "Thaddeus",
    "Ursula",
    "Valentin",
    "Wilhelmina",
    "Xiomara",
    "Yevgenia",
    "Zebulon",
    "Anneliese",
    "Benedikt",
    "Cordelia",
    "Dragomir",
    "Eleonora",
    "Fyodor",
    "Guinevere",
    "Hyacinth",
    "Ignatius",
    "Jocasta",
    "Kristof",
    "Lavinia",
    "Montserrat",
    "Nehemiah",
    "Octavia",
    "Percival",
    "Queenie",
    "Radovan",
    "Seraphina",
    "Tiberius",
    "Umberto",
    "Violetta",
    "Wolfgang",
    "Xanthippe",
]
_LAST = [
    "Abernathy",
    "Bukowski",
    "Castellanos",
    "Drummond",
    "Etxeberria",
    "Fitzgerald",
    "Gunnarsdottir",
    "Hamidullah",
    "Ishikawa",
    "Jankowicz",
    "Kovalenko",
    "Lindqvist",
    "Mwangi",
    "Nakagawa",
    "Oyelaran",
    "Papadopoulos",
    "Quispe",
    "Ravindran",
    "Szczepanski",
    "Thorvaldsen",
    "Uchenna",
    "Vandermeer",
    "Whittingham",
    "Xenakis",
    "Yamoah",
    "Zimmermann",
    "Achterberg",
    "Bhattacharya",
    "Czarnecki",
    "Delacroix",
    "Eriksson",
    "Fontainebleau",
    "Grzybowski",
    "Huntington",
    "Ivanovich",
    "Jorgensen",
    "Kirkpatrick",
    "Lombardi",
    "McAllister",
    "Nguyen",
    "Ostrowski",
    "Pemberton",
    "Quintanilla",
    "Rasmussen",
    "Silverberg",
    "Tennyson",
    "Underhill",
    "Villanueva",
    "Wojciechowski",
    "Youngblood",
]


class Case(NamedTuple):
    """One row, its outcome, its reason code or '', and words of what is said."""

    name: str
    row: dict[str, str]
    outcome: str
    code: str = ""
    said: str = ""


def person(number: int, **values: str) -> dict[str, str]:
    year, month, day = 1950 + number, 1 + number % 12, 1 + (number * 7) % 28
    row = {
        "uid_external": f"S-{number}",
        "first_name": _FIRST[number],
        "last_name": _LAST[number],
        "dob": f"{year}-{month:02}-{day:02}",
    }
    return row | values


def stay(program: str = "Hostel A", **dates: str) -> dict[str, str]:
    return {"program": program, **dates}


FIRST = [
    Case("someone new", person(0), "created"),
    Case("the very same row again", person(0), "duplicate", "same_row"),
    Case("the same row in other capitals", person(0, first_name="AMINA"), "unchanged"),
    Case("the same person with more said", person(0, gender="F"), "updated"),
    Case("somebody else by the same identifier", person(1, uid_external="S-0"), "held", "recycled_identifier"),
    Case("decomposed accents", person(2, last_name="Castellan\u0303os"), "created"),
    Case("the same, composed", person(2, last_name="Castella\u00f1os"), "duplicate"),
    Case("non-breaking spaces", person(3, first_name="\u00a0Desmond\u00a0"), "created"),
    Case("leading zeros", person(4, uid_external="0007"), "created"),
    Case("without its leading zeros it is another identifier", person(5, uid_external="7"), "created"),
    Case("several programs for one person", person(6, **stay(start_date="2026-01-05")), "created"),
    Case("the second of them", person(6, **stay("Clinic", start_date="2026-01-05")), "updated"),
    Case(
        "an overlap in the same program", person(6, **stay(start_date="2026-03-01")), "held", "overlapping_enrollment"
    ),
    Case(
        "a program nobody knows", person(7, **stay("Hostel Z", start_date="2026-01-05")), "rejected", "unknown_program"
    ),
    Case("a date without a program", person(8, start_date="2026-01-05"), "rejected", "missing_program"),
    Case(
        "an end before its start",
        person(9, **stay(start_date="2026-02-05", end_date="2026-02-04")),
        "rejected",
        "end_before_start",
    ),
    Case(
        "a discharge before the enrollment",
        person(10, **stay(start_date="2026-02-05", discharge_date="2026-02-04")),
        "rejected",
        "discharge_before_start",
    ),
    Case(
        "a discharge of nobody enrolled",
        person(11, **stay(discharge_date="2026-02-04", discharge_reason="Housed")),
        "created",
        "",
        "none was ended",
    ),
    Case("in and out on one day", person(12, **stay(start_date="2026-02-05", end_date="2026-02-05")), "created"),
    Case("in for a long time", person(13, **stay(start_date="2026-01-01")), "created"),
    Case(
        "out again, further below",
        person(13, **stay(discharge_date="2026-02-01", discharge_reason="Housed")),
        "updated",
    ),
    Case("in again the day after", person(13, **stay(start_date="2026-02-02")), "updated"),
    Case("two intakes on one day", person(14, **stay(intake_date="2026-01-05")), "created"),
    Case(
        "the second intake",
        person(14, **stay(intake_date="2026-01-05", discharge_reason="x")),
        "unchanged",
        "",
        "no discharge date",
    ),
    Case("born in the future", person(15, dob="2030-01-01"), "rejected", "dob_in_future"),
    Case("born in the age of sail", person(15, dob="1801-01-01"), "rejected", "dob_too_old"),
    Case("a placeholder birth", person(16, dob="1900-01-01"), "created", "", "unknown date"),
    Case("no identifier", person(17, uid_external=""), "created"),
    Case("twins: one", person(18, first_name="Svetlana"), "created"),
    Case("twins: the other", person(18, first_name="Bogumila", uid_external="S-18b"), "created"),
    Case("father and son of one name", person(19), "created"),
    Case("the son", person(19, dob="1999-12-31", uid_external="S-19b"), "created"),
    Case("a formula for a name", person(20, first_name="=Ursula"), "created"),
    Case("a name of 151 letters", person(21, first_name="V" * 151), "rejected", "too_long"),
    Case("an odd e-mail address", person(22, email="not an address"), "created", "", "does not look like"),
    Case(
        "a foreign telephone and postal code",
        person(23, phone_number="+44 20 7946 0321", postal_code="SW1A 1AA"),
        "created",
        "",
        "not a Canadian",
    ),
    Case("a word that is not in the list", person(24, gender="Xanith"), "created", "", "kept as it is"),
    Case("many languages, oddly parted", person(25, languages_spoken="English/Somali|EN; Cree"), "created"),
    Case("a single name", person(26, last_name=""), "created", "", "single name"),
    Case("an apostrophe of every kind", person(27, last_name="O\u2019Bhattacharya"), "created"),
    Case("the same with another apostrophe", person(27, last_name="O'Bhattacharya"), "unchanged"),
    Case("an identifier of zeros", person(28, uid_external="000"), "created", "", "no identifier"),
    Case("an identifier that Excel rounded", person(29, uid_external="1.5E+11"), "rejected", "unsafe_number"),
    Case("conflicting rows: what stands at first", person(30, gender="F"), "created"),
    Case("conflicting rows: what stands in the end", person(30, gender="M"), "updated"),
]

# The same source on the next day.
SECOND = [
    Case("nothing new", person(0, gender="F"), "unchanged"),
    Case("a blank erases nothing", person(24), "unchanged"),
    Case("an identifier given to somebody else", person(31, uid_external="S-12"), "held", "recycled_identifier"),
    Case("married: a new last name", person(3, last_name="Featherstonehaugh"), "held", "recycled_identifier"),
    Case("a typing error in the name", person(5, uid_external="7", last_name="Fitzgerold"), "updated"),
    Case("a second identifier of one source for one person", person(12, uid_external="S-12-new"), "held"),
    Case("day and month swapped", person(25, dob="1975-08-02"), "updated"),
    Case("no birth date this time", person(14, dob=""), "unchanged"),
    Case("an end of the open enrollment", person(6, **stay(end_date="2026-06-30")), "updated"),
    Case(
        "an end before the open enrollment began",
        person(6, **stay("Clinic", end_date="2025-06-30")),
        "unchanged",
        "",
        "none was ended",
    ),
    Case(
        "a start inside an enrollment that is over",
        person(13, **stay(start_date="2026-01-15")),
        "held",
        "overlapping_enrollment",
    ),
    Case("someone without identifier gets one", person(17), "updated"),
    Case("an identifier in capitals is another one", person(32, uid_external="s-0"), "created"),
]

# Another source with identifiers of the same text.
THIRD = [
    Case("the same person, known by name", person(0, uid_external="E-0"), "updated"),
    Case("the same text for somebody else", person(33, uid_external="S-0"), "created"),
    Case("the same text for the same person", person(2, uid_external="S-2", last_name="Castella\u00f1os"), "updated"),
    Case("one of twins, first letter only", person(18, first_name="S", uid_external="E-18"), "held", "", ""),
    Case(
        "first and last name swapped",
        person(23, first_name="Xenakis", last_name="Xiomara", uid_external="E-23"),
        "held",
        "uncertain_match",
    ),
]

FILES = (("SMIS", FIRST), ("SMIS", SECOND), ("EMHWare", THIRD))
