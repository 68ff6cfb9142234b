"""What is told of a file beside its counts: notes on the whole of it, and what its preview shows."""

from typing import Any, Final

from core.ingest import headers
from core.ingest.reader import Table
from core.ingest.sources import SourceProfile, names, profile
from core.models import AuditEntry, ImportBatch

# Of a row in a preview: cells may be as long, and rows as wide, as a file.
LONGEST_SHOWN: Final = 200
MOST_SHOWN: Final = 60


def notes(table: Table, source: SourceProfile) -> list[str]:
    """Sentences about the whole file, once its rows were read."""
    return [*_other_source(table, source), *table.notes, *_blank(table)]


def _other_source(table: Table, source: SourceProfile) -> list[str]:
    """A note where the headers are plainly those of another source: the wrong one was chosen."""
    like = max((profile(name) for name in names()), key=lambda p: headers.score(table.headers, p))
    recognised = [headers.score(table.headers, p)[1] for p in (like, source)]
    if recognised[0] < recognised[1] + 4:
        return []
    return [
        f"These look like the headers of {like.name}: {recognised[0]} of them are known there, only "
        f"{recognised[1]} in {source.name}. Is the source right?"
    ]


def _blank(table: Table) -> list[str]:
    """A note on rows without any value, which are no rows; nothing is passed over unsaid."""
    if not table.blank_rows:
        return []
    number = table.blank_rows
    return [f"{number} blank {'row was' if number == 1 else 'rows were'} passed over: nothing stands in any cell."]


def preview(batch: ImportBatch, limit: int = 100) -> dict[str, Any]:
    """The held and rejected rows and the changes, as many as a person reads before Confirm."""
    rows = batch.rows.filter(outcome__in=("held", "rejected"))[:limit]
    changes = AuditEntry.objects.filter(reference_id=batch.pk, action="update").order_by("position")[:limit]
    return {
        "rows": [
            {
                "row_number": row.row_number,
                "outcome": row.outcome,
                "reason": row.reason,
                "reason_code": row.reason_code,
                "cells": [cell[:LONGEST_SHOWN] for cell in row.cells[:MOST_SHOWN]],
            }
            for row in rows
        ],
        "changes": [
            {"entity": e.entity, "entity_id": str(e.entity_id), "client_id": str(e.client_id), "diff": e.diff_json}
            for e in changes
        ],
    }
