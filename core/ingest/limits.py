"""When a whole file is held: it looks too unlike its source's other files to go in unseen.

Asked after the rows have their outcomes, before anything is kept, and never of a file below SMALLEST rows: in a small
file a share says nothing.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from statistics import median
from typing import Final

from django.db.backends.utils import CursorWrapper
from django.utils import timezone

from core.ingest.report import Report
from core.models import ImportBatch, SourceSettings

SMALLEST: Final = 200  # CONTRACT §6
WINDOW: Final = timedelta(days=28)
FEWEST: Final = 5  # files that make a median


def settings_of(source: str) -> SourceSettings:
    """The settings of a source, the defaults where none were made."""
    return SourceSettings.objects.filter(source_system=source).first() or SourceSettings(source_system=source)


def median_rows(source: str, *, before: datetime | None = None) -> float | None:
    """The median number of rows of the files taken in from the source in the 28 days before, without rejects that were
    fed back; None below five files.
    """
    end = before or timezone.now()
    summaries = ImportBatch.objects.filter(
        source_system=source,
        status=ImportBatch.Status.APPLIED,
        repeated=False,
        created_at__lt=end,
        created_at__gte=end - WINDOW,
    ).exclude(summary__has_key="fed_back")
    summaries = summaries.values_list("summary__rows", flat=True)
    found = [rows for rows in summaries if rows is not None]
    return median(found) if len(found) >= FEWEST else None


def reasons(cursor: CursorWrapper, batch: ImportBatch, report: Report) -> list[str]:
    """Why the file is to be held whole: a sentence for each limit it is outside of; none where it may go in.

    The staging table holds its rows, settled; what it changed is in the log of this transaction.
    """
    limits, rows = settings_of(batch.source_system), report.rows
    if rows < SMALLEST or not limits.holds_files:
        return []
    said = [*_open(limits, rows, report.outcomes), *_renamed(cursor, batch, limits)]
    return said if report.fed_back is not None else [*said, *_size(limits, batch, rows)]


def _open(limits: SourceSettings, rows: int, outcomes: Mapping[str, int]) -> Iterator[str]:
    number = outcomes.get("held", 0) + outcomes.get("rejected", 0)
    if number > limits.open_share * rows:
        yield (
            f"{number:,} of {rows:,} rows ({number / rows:.0%}) are held or rejected; "
            f"at most {limits.open_share:.0%} are expected of {limits.source_system}."
        )


def _renamed(cursor: CursorWrapper, batch: ImportBatch, limits: SourceSettings) -> Iterator[str]:
    """Known are those whom the source names by an identifier it used before: found by score, another spelling is what
    brought the row to a human or to the person.
    """
    cursor.execute(
        """
        WITH known AS (
            SELECT DISTINCT client_id FROM staging
            WHERE outcome IS NULL AND road IN ('identifier', 'uid_external')
            UNION SELECT client_id FROM known_rows
        )
        SELECT (SELECT count(*) FROM known),
               (SELECT count(DISTINCT entity_id) FROM audit_log JOIN known ON known.client_id = entity_id
                WHERE reference_id = %s AND entity = 'clients' AND action = 'update'
                AND diff_json -> 'after' ?| ARRAY['first_name', 'last_name'])
        """,
        [batch.pk],
    )
    known, renamed = cursor.fetchone()
    if known and renamed > limits.renamed_share * known:
        yield (
            f"{renamed:,} of {known:,} known people ({renamed / known:.0%}) would get another name; "
            f"at most {limits.renamed_share:.0%} are expected. Have columns been mixed up?"
        )


def _size(limits: SourceSettings, batch: ImportBatch, rows: int) -> Iterator[str]:
    usual = median_rows(batch.source_system, before=batch.created_at)
    if not usual:
        return
    if not limits.least_rows * usual <= rows <= limits.most_rows * usual:
        yield (
            f"The file has {rows:,} rows, {rows / usual:.0%} of the median of the last 28 days ({usual:,.0f}); "
            f"between {limits.least_rows:.0%} and {limits.most_rows:.0%} are expected."
        )
