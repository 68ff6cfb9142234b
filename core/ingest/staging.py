"""The staging table: every row of a file as it was checked, loaded by COPY. From here on the work is SQL.

It is temporary and goes with the transaction. Columns of a client carry a client's names; first_folded and last_folded
are computed by the same SQL function as the generated columns of clients, so that both sides always agree.
"""

from collections.abc import Iterable, Iterator
from hashlib import blake2b
from typing import Any

from django.db import connection
from django.db.backends.utils import CursorWrapper
from psycopg.types.json import Jsonb

from core.ingest.check import CheckedRow
from core.models.clients import REMEMBERED_FIELDS

ADDRESS_PARTS = ("street", "unit", "city", "province", "postal_code")
# Columns of a client that a row may carry, besides the address, which comes in parts.
CLIENT_FIELDS = tuple(name for name in REMEMBERED_FIELDS if name != "address")
STAY_FIELDS = ("program_id", "intake_date", "start_date", "end_date", "discharge_date", "discharge_reason")
_LOADED = (
    "row_number",
    "cells",
    "uid_external",
    *CLIENT_FIELDS,
    "address",
    *STAY_FIELDS,
    "fingerprint",
    "client_fingerprint",
    "outcome",
    "reason_code",
    "reason",
    "note",
)

_TABLE = """
DROP TABLE IF EXISTS pg_temp.staging;
CREATE TEMP TABLE staging (
    row_number integer PRIMARY KEY,
    cells text[] NOT NULL,
    uid_external text,
    first_name text NOT NULL,
    last_name text NOT NULL,
    preferred_name text,
    alias text,
    dob date,
    gender text,
    sexual_orientation text,
    languages_spoken text[],
    race text,
    immigration_status text,
    phone_number text,
    email text,
    address jsonb,
    program_id uuid,
    intake_date date,
    start_date date,
    end_date date,
    discharge_date date,
    discharge_reason text,
    fingerprint bytea,
    client_fingerprint bytea,
    outcome text,
    reason_code text,
    reason text,
    note text,
    first_folded text GENERATED ALWAYS AS (ccd_fold(first_name)) STORED,
    last_folded text GENERATED ALWAYS AS (ccd_fold(last_name)) STORED,
    client_id uuid,
    road text,                            -- how it was linked: identifier, uid_external, exact, score, new, file
    person integer,                       -- row number of the first row of the same new person in the file
    same_as integer,                      -- row number of the row it repeats
    candidate_ids uuid[],
    score double precision,               -- bits
    evidence jsonb,                       -- bit by bit: core.linking.evidence
    names_kept boolean NOT NULL DEFAULT false,
    wrote boolean NOT NULL DEFAULT false  -- it changed or added something
) ON COMMIT DROP
"""


def create(cursor: CursorWrapper) -> None:
    """Make the empty table."""
    cursor.execute(_TABLE)


def load(rows: Iterable[CheckedRow]) -> int:
    """COPY checked rows in. Returns how many; the caller compares that with the file."""
    number = 0
    with connection.cursor() as cursor:
        with cursor.copy(f"COPY staging ({', '.join(_LOADED)}) FROM STDIN") as copy:
            for row in _staged(rows):
                copy.write_row(row)
                number += 1
        cursor.execute("CREATE INDEX ON staging (client_id)")
        cursor.execute("ANALYZE staging")
    return number


def _staged(rows: Iterable[CheckedRow]) -> Iterator[tuple[Any, ...]]:
    for row in rows:
        values = row.values
        address = {part: values[part] for part in ADDRESS_PARTS if values.get(part)}
        client = tuple(values.get(name) for name in CLIENT_FIELDS)
        stay = tuple(values.get(name) for name in STAY_FIELDS)
        uid = values.get("uid_external")
        faults = row.faults
        yield (
            row.number,
            list(row.cells),
            uid,
            client[0] or "",
            client[1] or "",
            *client[2:],
            Jsonb(address) if address else None,
            *stay,
            _hash(uid, client, address, stay),
            _hash(client, address),
            "rejected" if faults else None,
            faults[0].code if faults else None,
            " ".join(fault.sentence for fault in faults) or None,
            " ".join(row.notes) or None,
        )


def _hash(*values: object) -> bytes:
    return blake2b(repr(values).encode(), digest_size=12).digest()
