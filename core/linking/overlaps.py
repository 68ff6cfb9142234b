"""Enrollments of one person in one program that overlap, found after a link: each is a task for a coordinator.

They are looked up, not stored: a task is done when the enrollments no longer overlap.
"""

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from django.db import connection

# Between records of one person only: within one record the database refuses overlaps.
_OVERLAPS = """
    SELECT a.person, a.program_id, a.enrollment_id, a.start_date, a.end_date, b.enrollment_id, b.start_date, b.end_date
    FROM (
        SELECT e.*, coalesce(c.linked_to, c.client_id) AS person FROM client_program_enrollments e
        JOIN clients c USING (client_id)
        WHERE c.linked_to IS NOT NULL OR EXISTS (SELECT FROM clients l WHERE l.linked_to = c.client_id)
    ) a JOIN (
        SELECT e.*, coalesce(c.linked_to, c.client_id) AS person FROM client_program_enrollments e
        JOIN clients c USING (client_id)
        WHERE c.linked_to IS NOT NULL OR EXISTS (SELECT FROM clients l WHERE l.linked_to = c.client_id)
    ) b ON b.person = a.person AND b.program_id = a.program_id AND b.client_id <> a.client_id
       AND (a.start_date, a.enrollment_id) < (b.start_date, b.enrollment_id)
       AND daterange(a.start_date, a.end_date, '[]') && daterange(b.start_date, b.end_date, '[]')
    WHERE %(person)s::uuid IS NULL OR a.person = %(person)s::uuid
    ORDER BY b.start_date DESC, a.enrollment_id, b.enrollment_id
"""


@dataclass(frozen=True, slots=True)
class Overlap:
    """Two enrollments of a person in a program; the earlier one is `first`."""

    person: UUID
    program: UUID
    first: UUID
    first_start: date
    first_end: date | None
    second: UUID
    second_start: date
    second_end: date | None


def overlaps(person: UUID | None = None) -> list[Overlap]:
    """What is to be put in order, the latest first: of everyone, or of one person (the key of the record shown)."""
    with connection.cursor() as cursor:
        cursor.execute(_OVERLAPS, {"person": person})
        return [Overlap(*row) for row in cursor.fetchall()]
