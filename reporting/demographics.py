"""The demographics that reports break down by: their values in order, and who has one (CONTRACT §6)."""

from collections.abc import Callable, Iterable
from datetime import date

from django.contrib.postgres.fields import ArrayField
from django.db.models import F, Func, QuerySet, TextField, Value
from django.db.models.functions import Coalesce

from core.choices import GENDERS, IMMIGRATION_STATUSES, LANGUAGES, RACES, SEXUAL_ORIENTATIONS

NOT_RECORDED = "Not recorded"

# Someone younger than the first number, and not in the group before, is in the group named by the second.
AGE_GROUPS = ((16, "0-15"), (25, "16-24"), (35, "25-34"), (45, "35-44"), (55, "45-54"), (65, "55-64"))
OLDEST = "65+"
AGES = (*(name for _, name in AGE_GROUPS), OLDEST)

# Section → the order of its values; other values follow by name, what is missing comes last.
DEMOGRAPHICS = {
    "gender": GENDERS,
    "sexual_orientation": SEXUAL_ORIENTATIONS,
    "race": RACES,
    "immigration_status": IMMIGRATION_STATUSES,
    "language": LANGUAGES,
    "age_group": AGES,
}
# One value per person: these add up to the total.
PARTITIONS = tuple(section for section in DEMOGRAPHICS if section != "language")

# What str.strip() takes away.
BLANKS = "".join(character for character in map(chr, range(0x3001)) if character.isspace())


class Words(Func):
    """Words(languages, blanks): the words without outer blanks, and without those that are nothing else."""

    template = (
        "ARRAY(SELECT btrim(word, blanks) FROM (SELECT unnest(%(expressions)s)::text) AS each (word, blanks) "
        "WHERE btrim(word, blanks) <> '')"
    )
    arg_joiner = "), ("
    output_field = ArrayField(TextField())


def named(value: str | None) -> str:
    """The value without outer blanks, or that there is none."""
    return (value or "").strip() or NOT_RECORDED


def languages(spoken: Iterable[str | None] | None) -> set[str]:
    """Each language of one person once."""
    return {language.strip() for language in spoken or () if language and language.strip()} or {NOT_RECORDED}


def order_of(section: str) -> Callable[[str], tuple[int, str, str]]:
    """Sorting key: the vocabulary's order, then others by name, then what is missing."""
    vocabulary = DEMOGRAPHICS[section]
    place = {value: number for number, value in enumerate(vocabulary)}
    place[NOT_RECORDED] = len(vocabulary) + 1
    return lambda value: (place.get(value, len(vocabulary)), value.casefold(), value)


def age_case(day: date) -> tuple[str, list[date]]:
    """SQL for the age group on `day`, and its parameters: who was born after day minus n years is younger than n."""
    cases = " ".join(f"WHEN dob > %s THEN '{name}'" for _, name in AGE_GROUPS)
    return f"CASE WHEN dob IS NULL THEN NULL {cases} ELSE '{OLDEST}' END", [years_before(day, n) for n, _ in AGE_GROUPS]


def years_before(day: date, years: int) -> date:
    """The same day `years` earlier; 29 February becomes the 28th where there is none."""
    if day.year <= years:
        return date.min
    try:
        return day.replace(year=day.year - years)
    except ValueError:
        return day.replace(year=day.year - years, day=28)


def having(people: QuerySet, section: str, value: str, day: date) -> QuerySet:
    """Those counted under `value`, by the same rules as the SQL and named(), languages()."""
    missing = value == NOT_RECORDED
    if section == "age_group":
        return people.filter(dob__isnull=True) if missing else people.filter(**_born(value, day))
    if section == "language":
        spoken = people.annotate(spoken=Words("languages_spoken", Value(BLANKS)))
        return spoken.filter(spoken=[]) if missing else spoken.filter(spoken__contains=[value])
    kept = Coalesce(Func(F(section), Value(BLANKS), function="btrim", output_field=TextField()), Value("", TextField()))
    return people.annotate(kept=kept).filter(kept__in=("", NOT_RECORDED) if missing else (value,))


def _born(group: str, day: date) -> dict[str, date]:
    """Bounds of dob for an age group on `day`; nobody is in a group that there is not."""
    if group not in AGES:
        return {"dob__lt": date.min}
    place = AGES.index(group)
    bounds = {}
    if place < len(AGE_GROUPS):
        bounds["dob__gt"] = years_before(day, AGE_GROUPS[place][0])
    if place:
        bounds["dob__lte"] = years_before(day, AGE_GROUPS[place - 1][0])
    return bounds
