"""A random small agency, as dictionaries for the oracle and as rows in the database."""

import random
import uuid
from datetime import date, timedelta

from django.db import connection

from core import audit
from core.choices import GENDERS, IMMIGRATION_STATUSES, LANGUAGES, RACES, SEXUAL_ORIENTATIONS
from core.models import Client, Department, Enrollment, Program, ProgramCapacity

EPOCH = date(2023, 1, 1)
DAYS = 1200
DEPARTMENTS = ("Refuge", "clinics", "Housing", "Élan")
ODD = [None, None, "", "  ", " Woman ", "woman", "=cmd()", "Élan", "Zzz"]

COPIED = ("dob", "gender", "sexual_orientation", "race", "immigration_status")


def day(dice: random.Random, spread: int = DAYS) -> date:
    """Some day of the world; often one where counting goes wrong: leap days, ends of months, DST."""
    special = [date(2024, 2, 29), date(2024, 3, 1), date(2024, 3, 10), date(2024, 11, 3), date(2025, 3, 31)]
    return dice.choice(special) if dice.random() < 0.1 else EPOCH + timedelta(days=dice.randrange(spread))


def make(seed: int, clients: int = 60, programs: int = 8, departments: tuple[str, ...] = DEPARTMENTS) -> dict:
    """The dictionaries."""
    dice = random.Random(seed)
    places = []
    for number in range(programs):
        since = [None if dice.random() < 0.3 else day(dice) for _ in range(dice.randrange(4))]
        places.append(
            {
                "id": uuid.UUID(int=dice.getrandbits(128), version=4),
                # the same name in two departments, now and then
                "name": f"Program {number // 2 if number % 4 == 0 else number}",
                "department": departments[number % len(departments)],
                "location": dice.choice([None, "1 Main St", "=SUM(A1)"]),
                "closed_on": day(dice) if dice.random() < 0.3 else None,
                "capacities": {first: dice.choice([None, 0, 1, 3, 10, 40]) for first in since},
            }
        )
    people = [_person(dice) for _ in range(clients)]
    for person in dice.sample(people[clients // 2 :], clients // 8):
        person["linked_to"] = dice.choice(people[: clients // 2])["id"]
    return {
        "departments": departments,
        "programs": places,
        "clients": people,
        "enrollments": list(_enrollments(dice, people, places)),
    }


def _person(dice: random.Random) -> dict:
    def one(vocabulary: tuple[str, ...]) -> str | None:
        return dice.choice(ODD) if dice.random() < 0.3 else dice.choice(vocabulary)

    languages = [dice.choice([*LANGUAGES[:6], "Klingon", " French", ""]) for _ in range(dice.randrange(4))]
    return {
        "id": uuid.UUID(int=dice.getrandbits(128), version=4),
        "linked_to": None,
        "dob": _dob(dice),
        "gender": one(GENDERS),
        "sexual_orientation": one(SEXUAL_ORIENTATIONS),
        "race": one(RACES),
        "immigration_status": one(IMMIGRATION_STATUSES),
        "languages": languages if dice.random() < 0.9 else None,
    }


def _dob(dice: random.Random) -> date | None:
    """Often on the very birthday that moves a person to the next group on some day of the world."""
    chance = dice.random()
    if chance < 0.1:
        return None
    if chance < 0.2:
        return date(dice.choice([1960, 1988, 2000, 2008]), 2, 29)
    birthday = day(dice)
    years = dice.choice([16, 25, 35, 45, 55, 65]) if chance < 0.6 else dice.randrange(5, 90)
    return date(birthday.year - years, birthday.month, min(birthday.day, 28))


def _enrollments(dice: random.Random, people: list[dict], places: list[dict]) -> list[dict]:
    """Up to two stays of a person in a program, never overlapping; some of one day, some open."""
    for person in people:
        for place in dice.sample(places, dice.randrange(4)):
            start = day(dice)
            end = start + timedelta(days=dice.choice([0, 0, 1, 30, dice.randrange(400)]))
            yield {"client": person["id"], "program": place["id"], "start": start, "end": end}
            if dice.random() < 0.4:
                again = end + timedelta(days=dice.randrange(1, 60))
                until = None if dice.random() < 0.5 else again + timedelta(days=dice.randrange(90))
                yield {"client": person["id"], "program": place["id"], "start": again, "end": until}


def store(world: dict) -> None:
    """The same, as rows."""
    with audit.acting(None, channel="command"):
        departments = {name: Department.objects.create(name=name) for name in world["departments"]}
        Program.objects.bulk_create(
            Program(
                program_id=item["id"],
                name=item["name"],
                department=departments[item["department"]],
                location=item["location"],
                closed_on=item["closed_on"],
            )
            for item in world["programs"]
        )
        ProgramCapacity.objects.bulk_create(
            ProgramCapacity(program_id=item["id"], capacity=number, effective_date=since)
            for item in world["programs"]
            for since, number in item["capacities"].items()
        )
        people = sorted(world["clients"], key=lambda person: person["linked_to"] is not None)
        Client.objects.bulk_create(
            Client(
                client_id=person["id"],
                first_name="P",
                linked_to_id=person["linked_to"],
                languages_spoken=person["languages"],
                **{
                    name: person[name] for name in ("dob", "gender", "sexual_orientation", "race", "immigration_status")
                },
            )
            for person in people
        )
        Enrollment.objects.bulk_create(
            Enrollment(
                client_id=item["client"], program_id=item["program"], start_date=item["start"], end_date=item["end"]
            )
            for item in world["enrollments"]
        )
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
