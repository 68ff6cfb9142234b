"""A rejects file that comes back corrected: the rows it was made of wait no more, whatever becomes of the new ones.

A row is known by what our own columns in front of it say, its number and the code of why it waited, in a file of the
same headers; and it must still be about the same person, by identifier or by name: numbers and codes are alike from
day to day. The sentence is not compared: it quotes the cell that is wrong, and a spreadsheet that replaces a word
everywhere corrects it there as well. A row that is not known so goes on waiting.
"""

from django.db.backends.utils import CursorWrapper

from core.ingest.headers import OUTCOME_COLUMNS
from core.ingest.reader import Table
from core.models import ImportBatch, ImportRow, Staff

_PLACES = tuple(map(OUTCOME_COLUMNS.index, ("row_number", "reason_code")))


def settle(cursor: CursorWrapper, batch: ImportBatch, table: Table, actor: Staff | None) -> int:
    """Settle the open rows that the kept rows of `batch` came from. Returns how many."""
    came = [(row.number, *(row.origin[place] for place in _PLACES)) for row in table.rows() if row.origin]
    came = [each for each in came if each[1].isascii() and each[1].isdecimal() and len(each[1]) < 10]
    came = [each for each in came if not any("\0" in text for text in each[1:])]  # what PostgreSQL has no text for
    if not came:
        return 0
    numbers, before, codes = zip(*came, strict=True)
    cursor.execute(
        f"""
        UPDATE import_rows r
        SET settled_as = %(how)s, settled_by = %(actor)s, settled_at = now(), settled_in = n.batch_id
        FROM unnest(%(numbers)s::int[], %(before)s::int[], %(codes)s::text[]) AS c (number, before, code)
        JOIN import_rows n ON n.batch_id = %(batch)s AND n.row_number = c.number
        CROSS JOIN import_batches b
        WHERE b.source_system = %(source)s AND b.status = 'applied' AND b.batch_id <> %(batch)s
          AND b.headers = %(headers)s::text[] AND r.batch_id = b.batch_id AND r.row_number = c.before
          AND r.outcome IN ('held', 'rejected') AND r.settled_at IS NULL
          AND r.reason_code = c.code AND ({_same_person(table)})
        """,
        {
            "how": ImportRow.Settled.FED_BACK,
            "actor": actor and actor.pk,
            "batch": batch.pk,
            "source": batch.source_system,
            "headers": list(table.headers),
            "numbers": list(numbers),
            "before": list(map(int, before)),
            "codes": list(codes),
        },
    )
    return cursor.rowcount


def _same_person(table: Table) -> str:
    """SQL, of the row as it came back `n` and as it was `r`."""

    def cells(row: str, *columns: str) -> str:
        return f"({', '.join(f'{row}.cells[{table.columns.index(name) + 1}]' for name in columns)})"

    names = ("first_name", "last_name")
    same = f"{cells('n', *names)} = {cells('r', *names)}"
    if "uid_external" in table.columns:
        uid = cells("n", "uid_external")
        same += f" OR {uid} <> '' AND {uid} = {cells('r', 'uid_external')}"
    return same


def reopen(cursor: CursorWrapper, batch: ImportBatch) -> None:
    """The rows that `batch` settled wait again: it was taken back."""
    cursor.execute(
        "UPDATE import_rows SET settled_as = NULL, settled_by = NULL, settled_at = NULL, settled_in = NULL "
        "WHERE settled_in = %s",
        [batch.pk],
    )
