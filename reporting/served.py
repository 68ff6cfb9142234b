"""Who was served in a period, counted in SQL: the set once, every breakdown from it.

A client is in the set once per program and stands for those linked to it. Demographics are counted from one pass over
the people of the set: those with one value per person as one combination, taken apart afterwards, which costs a sixth
of counting each.
"""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from django.db.models import QuerySet

from core import rules
from core.models import Client, Staff
from reporting import snapshot
from reporting.demographics import DEMOGRAPHICS, PARTITIONS, age_case, having, languages, named
from reporting.reading import compiled, enrollments, scoped, select, stays_between

Params = dict[str, Any]
# Section → (group, value) → number of clients.
Counts = dict[str, Counter[tuple[str, str]]]

SERVED = """
WITH stays AS ({stays}),
kin AS MATERIALIZED (SELECT client_id, linked_to FROM clients WHERE linked_to IS NOT NULL),
served AS MATERIALIZED (
    SELECT DISTINCT coalesce(kin.linked_to, stays.client_id) AS client_id, stays.program_id
    FROM stays LEFT JOIN kin USING (client_id)
    {chosen}
)
"""

COUNTED = """,
in_program AS (SELECT program_id, count(*) AS number FROM served GROUP BY program_id),
in_department AS (
    SELECT department_id, count(*) AS number
    FROM (SELECT DISTINCT served.client_id, programs.department_id FROM served JOIN programs USING (program_id)) AS once
    GROUP BY department_id
),
people AS (
    SELECT gender, sexual_orientation, race, immigration_status, languages_spoken, {age_group} AS age_group
    FROM clients JOIN (SELECT DISTINCT client_id FROM served) AS person USING (client_id)
)
SELECT CASE grouping(languages_spoken, age_group) WHEN 2 THEN 'people' WHEN 1 THEN 'language' ELSE 'total' END,
       gender, sexual_orientation, race, immigration_status, age_group, languages_spoken, count(*)
FROM people
GROUP BY GROUPING SETS (
    (gender, sexual_orientation, race, immigration_status, age_group), (languages_spoken), ()
)
UNION ALL
SELECT 'department', '', name, NULL, NULL, NULL, NULL, number FROM in_department JOIN departments USING (department_id)
UNION ALL
SELECT 'program', departments.name, programs.name, NULL, NULL, NULL, NULL, number
FROM in_program JOIN programs USING (program_id) JOIN departments USING (department_id)
"""

RETURNING = """,
earlier AS ({earlier})
SELECT (SELECT count(DISTINCT client_id) FROM served), count(*) FROM (
    SELECT DISTINCT client_id FROM served
    WHERE client_id IN (SELECT coalesce(kin.linked_to, earlier.client_id) FROM earlier LEFT JOIN kin USING (client_id))
) AS again
"""


def counts(actor: Staff | None, params: Params) -> Counts:
    """How many were served, in all and by every section: from the snapshot where it is fresh, else by SQL."""
    copy = _copy(actor, params)
    return copy.counts(params) if copy else counts_by_sql(actor, params)


def _copy(actor: Staff | None, params: Params) -> snapshot.Snapshot | None:
    """The snapshot, for those who see every client and ask about everyone."""
    everyone = actor is None or rules.sees_every_client(actor)
    some = any(params.get(section) for section in DEMOGRAPHICS)
    return snapshot.fresh() if everyone and not some else None


def counts_by_sql(actor: Staff | None, params: Params) -> Counts:
    """The same from PostgreSQL."""
    served, where = served_set(actor, params)
    ages, cuts = age_case(params["date_to"])
    found: Counts = {section: Counter() for section in ("total", "department", "program", *DEMOGRAPHICS)}
    for section, *values, spoken, number in select(served + COUNTED.format(age_group=ages), (*where, *cuts)):
        for name, key in _keys(section, values, spoken):
            found[name][key] += number
    return found


def _keys(section: str, values: list[str | None], spoken: list[str] | None) -> Iterator[tuple[str, tuple[str, str]]]:
    """The cells that a row of the statement counts in."""
    if section == "people":
        yield from ((name, ("", named(value))) for name, value in zip(PARTITIONS, values, strict=True))
    elif section == "language":
        yield from (("language", ("", language)) for language in languages(spoken))
    else:
        yield section, (values[0] or "", values[1] or "")


def newcomers(actor: Staff | None, params: Params) -> tuple[int, int]:
    """(new, returning): returning is who was in one of the report's programs on a day before the period."""
    copy = _copy(actor, params)
    return copy.newcomers(params) if copy else newcomers_by_sql(actor, params)


def newcomers_by_sql(actor: Staff | None, params: Params) -> tuple[int, int]:
    """The same from PostgreSQL."""
    served, where = served_set(actor, params)
    earlier, before = compiled(enrollments(actor, params).filter(start_date__lt=params["date_from"]), "client_id")
    ((total, again),) = select(served + RETURNING.format(earlier=earlier), (*where, *before))
    return total - again, again


def served_set(actor: Staff | None, params: Params) -> tuple[str, tuple[object, ...]]:
    """The WITH list that ends with `served`, and its parameters."""
    stays, where = stays_between(enrollments(actor, params), params["date_from"], params["date_to"])
    people = chosen(scoped(actor, Client), params)
    if people is None:
        return SERVED.format(stays=stays, chosen=""), where
    found, values = compiled(people, "client_id")
    condition = f"WHERE coalesce(kin.linked_to, stays.client_id) IN ({found})"
    return SERVED.format(stays=stays, chosen=condition), (*where, *values)


def chosen(people: QuerySet, params: Params) -> QuerySet | None:
    """Those of `people` with the values that were asked for; None where none were."""
    wanted = {section: params[section] for section in DEMOGRAPHICS if params.get(section)}
    for section, value in wanted.items():
        people = having(people, section, value, params["date_to"])
    return people if wanted else None
