"""One row of a daily file on a page of its own: as it came, whose it is, by which road, and every bit of that."""

from typing import Any, Final

from django.http import Http404, HttpRequest
from django.utils import timezone

from admin_ext.import_pages import KINDS
from core import rules
from core.linking.evidence import Candidate, Explained, explain
from core.models import Client, ImportBatch, ImportRow

_KNOWN: Final = "Nothing had to be weighed: the source's identifier is known to be this client's, or somebody said so."
# What became of a row about which nothing had to be weighed.
_ROADS: Final = {
    "created": "Nobody here is close enough to this row to be meant: a new client.",
    "updated": _KNOWN,
    "unchanged": _KNOWN,
    "duplicate": "It says the same as an earlier row of this file, and goes with that one.",
}


def row_of(batch: ImportBatch, number: int) -> ImportRow:
    """The row with that number in the file; 404 where there is none."""
    row = ImportRow.objects.select_related("client", "settled_by").filter(batch=batch, row_number=number).first()
    if row is None:
        raise Http404(f"{batch.file_name} has no row {number}.")
    return row


def page(row: ImportRow, batch: ImportBatch, request: HttpRequest) -> dict[str, Any]:
    """What the page shows. Clients the viewer may not see are not named."""
    why = explain(row.evidence)
    keys = {candidate.client for candidate in why.candidates} if why else set()
    clients = rules.visible_to(request.user, Client).in_bulk(keys | {row.client_id} - {None})
    headers = batch.headers or []
    cells = [*row.cells, *[""] * (len(headers) - len(row.cells))]
    return {
        "batch": batch,
        "row": row,
        "kind": KINDS[row.outcome],
        "client": clients.get(row.client_id),
        "how": _how(row, why),
        "settled": timezone.localtime(row.settled_at) if row.settled_at else None,
        "why": why,
        "weighed": _weighed(row, why, clients) if why else [],
        "clients_shown": list(clients.values()),
        "cells": [(headers[n] if n < len(headers) else "", cell) for n, cell in enumerate(cells) if cell],
    }


def _how(row: ImportRow, why: Explained | None) -> str:
    """The road in a sentence; '' where a person settled the row, which the page says anyway."""
    if row.outcome in ("held", "rejected"):
        return row.reason or ""
    if row.settled_at:
        return ""
    if why is None or not why.candidates:
        return _ROADS[row.outcome]
    if row.outcome == "created":
        return "Nobody of those below is meant: a new client."
    total, asked = why.candidates[0].total, why.auto_bits
    if total >= asked:
        return f"Linked by itself: {total:.1f} bits speak for it, and {asked:.1f} are enough."
    return (
        f"Linked by itself: the same name and date of birth, which {total:.1f} bits bear out; "
        f"{why.exact_bits:.1f} are enough for that."
    )


def _weighed(row: ImportRow, why: Explained, clients: dict[Any, Client]) -> list[tuple[Client | None, Candidate, bool]]:
    """Candidates, best first, and whether the row is about them: linked records are one person."""
    shown = clients.get(row.client_id)
    linked = {shown.pk} if shown else set()
    linked |= {client.pk for client in clients.values() if client.linked_to_id and client.linked_to_id in linked}
    return [(clients.get(found.client), found, found.client in linked) for found in why.candidates]
