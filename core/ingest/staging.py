"""The staging table: the rows of a file as they were checked, loaded by COPY. From here on the work is SQL. Rows known
again (core/ingest/remembered.py) have a table of their own: nothing is to be done about them.

Both are temporary and go with the transaction. Columns of a client carry a client's names; first_folded and last_folded
are computed by the same SQL function as the generated columns of clients, so that both sides always agree.
"""

import json
from collections.abc import Iterable, Sequence
from hashlib import blake2b

from django.db.backends.utils import CursorWrapper

from core.ingest.check import CheckedRow
from core.ingest.reader import RawRow
from core.ingest.remembered import Known
from core.linking import candidates
from core.models.clients import REMEMBERED_FIELDS

ADDRESS_PARTS = ("street", "unit", "city", "province", "postal_code")
# Columns of a client that a row may carry, besides the address, which comes in parts.
CLIENT_FIELDS = tuple(name for name in REMEMBERED_FIELDS if name != "address")
STAY_FIELDS = ("program_id", "intake_date", "start_date", "end_date", "discharge_date", "discharge_reason")
# SQL, of a row as `s` once all is written: one that was neither held, rejected nor repeated has the outcome that says
# what it wrote. Worked out where it is read, since giving it to every row would write the table anew.
OUTCOME = """coalesce(s.outcome,
    CASE WHEN s.road = 'new' THEN 'created' WHEN s.wrote THEN 'updated' ELSE 'unchanged' END)"""
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
    "digest",
)
_LOADED_KNOWN = ("row_number", "cells", "uid_external", "client_id", "digest")
# In COPY's text format; the backslash before what is written with one.
_ESCAPES = (("\\", r"\\"), ("\t", r"\t"), ("\n", r"\n"), ("\r", r"\r"))
# What plans are made by; statistics of the cells would cost more than the rest.
_COUNTED = (
    *("row_number", "uid_external", "first_folded", "last_folded", "dob", "fingerprint"),
    *("program_id", "intake_date", "start_date", "end_date", "discharge_date"),
    *("outcome", "client_id", "road", "person", "same_as"),
)

# Compiling saves nothing here and costs; sorts of a long file fit in memory, and so do these tables. The last can only
# be set before a session uses its first temporary table; later it stays what it was.
_ROOM = """
SET LOCAL jit = off;
SET LOCAL work_mem = '64MB';
DO $$ BEGIN SET temp_buffers = '128MB'; EXCEPTION WHEN invalid_parameter_value THEN NULL; END $$;
"""

_TABLE = """
DROP TABLE IF EXISTS pg_temp.staging, pg_temp.known_rows;
CREATE TEMP TABLE known_rows (
    row_number integer NOT NULL,
    cells text[] NOT NULL,
    uid_external text NOT NULL,
    client_id uuid NOT NULL,
    digest bytea NOT NULL
) ON COMMIT DROP;
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
    digest bytea,                         -- by which it is known again tomorrow: core.ingest.remembered
    first_folded text GENERATED ALWAYS AS (ccd_fold(first_name)) STORED,
    last_folded text GENERATED ALWAYS AS (ccd_fold(last_name)) STORED,
    client_id uuid,
    road text,                            -- how linked: answer, identifier, uid_external, exact, score, new or file
    person integer,                       -- row number of the first row of the same new person, but for that row
    same_as integer,                      -- row number of the row it repeats
    candidate_ids uuid[],
    score double precision,               -- bits
    evidence jsonb,                       -- bit by bit: core.linking.evidence
    names_kept boolean NOT NULL DEFAULT false,  -- the client keeps its names, whatever the row says
    date_kept boolean NOT NULL DEFAULT false,   -- and its date of birth
    wrote boolean NOT NULL DEFAULT false  -- a row that is not 'new' changed or added something
) ON COMMIT DROP
"""


def create(cursor: CursorWrapper) -> None:
    """Make the empty tables."""
    cursor.execute(_ROOM + _TABLE)
    candidates.create(cursor)


def load(cursor: CursorWrapper, lines: Iterable[str]) -> None:
    """COPY checked rows in, each a line()."""
    _copy(cursor, f"staging ({', '.join(_LOADED)})", lines)


def load_known(cursor: CursorWrapper, lines: Iterable[str]) -> None:
    """COPY rows in that are known again, each a known_line()."""
    _copy(cursor, f"known_rows ({', '.join(_LOADED_KNOWN)})", lines)


def _copy(cursor: CursorWrapper, into: str, lines: Iterable[str]) -> None:
    """At once: what Python does for each line would keep another thread from going on meanwhile."""
    with cursor.copy(f"COPY {into} FROM STDIN") as copy:
        copy.write("".join(lines))


def index(cursor: CursorWrapper) -> None:
    """Ready for SQL, once all rows are in. Not later: an index that is made of rows this very transaction has written
    anew is not used by it.
    """
    cursor.execute("CREATE INDEX ON staging (client_id)")
    count(cursor)


def count(cursor: CursorWrapper) -> None:
    """Let plans know what is in: before the first statement, and once rows have found their clients."""
    cursor.execute(f"ANALYZE staging ({', '.join(_COUNTED)})")


def count_written(cursor: CursorWrapper, table: str, number: int) -> None:
    """Let plans know that this many rows were written to a table of ours; asked of PostgreSQL where they are many for
    it: else it takes what a first file has brought for a single row.
    """
    cursor.execute("SELECT ccd_count_anew(%s::regclass, %s)", [table, number])


def take_out(cursor: CursorWrapper, numbers: Sequence[int]) -> list[tuple[int, list[str], bytes]]:
    """Rows known again that are to be checked all the same: their numbers, cells and hashes."""
    cursor.execute(
        "DELETE FROM known_rows WHERE row_number = ANY(%s) RETURNING row_number, cells, digest", [list(numbers)]
    )
    return cursor.fetchall()


def line(row: CheckedRow, digest: bytes | None) -> str:
    """A checked row in COPY's text format, with the hash by which it is known again, if there is one."""
    values = row.values
    address = {part: values[part] for part in ADDRESS_PARTS if values.get(part)}
    client = tuple(values.get(name) for name in CLIENT_FIELDS)
    stay = tuple(values.get(name) for name in STAY_FIELDS)
    uid = values.get("uid_external")
    person, faults = _hash(client, address), row.faults
    written = (
        row.number,
        _array(row.cells),
        uid,
        client[0] or "",
        client[1] or "",
        *client[2:],
        json.dumps(address) if address else None,
        *stay,
        _hash(person, uid, stay),
        person,
        "rejected" if faults else None,
        faults[0].code if faults else None,
        " ".join(fault.sentence for fault in faults) or None,
        " ".join(row.notes) or None,
        digest,
    )
    return "\t".join([r"\N" if value is None else _text(value) for value in written]) + "\n"


def known_line(row: RawRow, digest: bytes, known: Known) -> str:
    """A row that is known again in COPY's text format."""
    cells, uid = _escaped(_array(row.cells)), _escaped(known.uid_external)
    return f"{row.number}\t{cells}\t{uid}\t{known.client_id}\t\\\\x{digest.hex()}\n"


def _text(value: object) -> str:
    """A value, not None, in COPY's text format; dates, numbers and UUIDs are what they look like."""
    if isinstance(value, str):
        return _escaped(value)
    if isinstance(value, bytes):
        return rf"\\x{value.hex()}"
    if isinstance(value, list):
        return _escaped(_array(value)) if value else "{}"
    return str(value)


def _escaped(text: str) -> str:
    for character, written in _ESCAPES:
        if character in text:
            text = text.replace(character, written)
    return text


def _array(cells: Sequence[str]) -> str:
    """The literal of a text[] of one or more: as psycopg would write it, in a tenth of the time."""
    text = '","'.join(cells)
    if "\\" in text or text.count('"') > 2 * len(cells) - 2:
        text = '","'.join(cell.replace("\\", r"\\").replace('"', r"\"") for cell in cells)
    return f'{{"{text}"}}'


def _hash(*values: object) -> bytes:
    return blake2b(repr(values).encode(), digest_size=12).digest()
