"""What the preview and the batch page tell of a daily file: figures, rows, changes, in words."""

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.core.paginator import Paginator
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from admin_ext import import_changes, import_progress
from admin_ext.words import chip
from core import rules
from core.audit.words import in_words, label_of, model_of
from core.choices import OUTCOMES
from core.ingest import batches
from core.models import Client, ImportBatch, ImportRow

ROWS_PER_PAGE = 50
LONGEST_CELL = 80
KINDS = {
    "created": "green",
    "updated": "blue",
    "unchanged": "grey",
    "duplicate": "grey",
    "held": "orange",
    "rejected": "red",
}
STATUS_KINDS = {
    "applied": "green",
    "previewed": "orange",
    "refused": "red",
    "interrupted": "red",
    "undone": "grey",
    "queued": "blue",
    "running": "blue",
    "held": "orange",
}


def counts(summary: dict[str, Any]) -> str:
    return ", ".join(f"{summary[name]:,} {name}" for name in OUTCOMES if summary.get(name)) or "no rows"


def _figures(summary: dict[str, Any] | None) -> list[dict[str, Any]]:
    """The outcomes with their share, for the cards on top."""
    summary = summary or {}
    rows = summary.get("rows") or 0
    return [
        {
            "name": name,
            "kind": KINDS[name],
            "number": summary.get(name, 0),
            "told": f"{summary.get(name, 0):,}",
            "share": round(100 * summary.get(name, 0) / rows) if rows else 0,
        }
        for name in OUTCOMES
    ]


def _told(summary: dict[str, Any] | None) -> dict[str, str]:
    """The numbers of a file as they are written: 100,000."""
    names = ("rows", "updated", "intakes", "enrollments", "discharges")
    found = summary or {}
    return {name: f"{found.get(name, 0):,}" for name in names} | {"open": f"{_open(found):,}"}


def _open(summary: dict[str, Any]) -> int:
    return summary.get("held", 0) + summary.get("rejected", 0)


def preview(batch: ImportBatch, request: HttpRequest) -> dict[str, Any]:
    found = batch.file.preview or {"rows": [], "changes": []}
    summary = batch.summary or {}
    return {
        "batch": batch,
        "summary": summary,
        "figures": _figures(summary),
        "open_rows": [{**row, "kind": KINDS[row["outcome"]], "cells": _filled(row["cells"])} for row in found["rows"]],
        "open_total": _open(summary),
        "told": _told(summary),
        "changes": (changes := _changes(found["changes"], request)),
        "clients_shown": [change["key"] for change in changes if change["key"]],
    }


def _filled(cells: list[str]) -> list[str]:
    """The first few cells with something in them, cut: a cell may be as long as a file."""
    return [cell if len(cell) <= LONGEST_CELL else f"{cell[:LONGEST_CELL]}…" for cell in cells if cell][:6]


def _changes(found: list[dict[str, Any]], request: HttpRequest) -> list[dict[str, Any]]:
    """Before and after of what would change, in words, with the client's name."""
    keys = {change["client_id"] for change in found if change["client_id"] != "None"}
    names = {str(c.pk): c.full_name for c in rules.visible_to(request.user, Client).filter(pk__in=keys)}
    told = []
    for change in found:
        model = model_of(change["entity"])
        if model is None:
            continue
        before, after = in_words(
            model, [change["diff"]["before"] or {}, change["diff"]["after"] or {}], viewer=request.user
        )
        told.append(
            {
                "client": names.get(change["client_id"], "a client"),
                "client_id": change["client_id"],
                "key": UUID(change["client_id"]) if change["client_id"] in names else None,
                "record": str(model._meta.verbose_name),
                "fields": [(label_of(model, name), before.get(name, ""), after[name]) for name in sorted(after)],
            }
        )
    return told


def batch_page(batch: ImportBatch, request: HttpRequest) -> dict[str, Any]:
    outcome = request.GET.get("outcome", "")
    rows = ImportRow.objects.filter(batch=batch).select_related("client").order_by("row_number")
    if outcome in OUTCOMES:
        rows = rows.filter(outcome=outcome)
    page = Paginator(rows, ROWS_PER_PAGE).get_page(request.GET.get("page"))
    candidates = _candidates(page.object_list, request)
    written = import_changes.by_client(batch, page.object_list, viewer=request.user)
    return {
        "batch": batch,
        "status": _status(batch),
        "has_rows": batch.status in (ImportBatch.Status.APPLIED, ImportBatch.Status.UNDONE),
        "summary": batch.summary or {},
        "figures": _figures(batch.summary),
        "outcome": outcome,
        "page": page,
        "rows": [_row(row, candidates, written) for row in page.object_list],
        "clients_shown": [*page.object_list, *candidates.values()],
        "query": urlencode({"outcome": outcome}) if outcome else "",
        "may_try_again": import_progress.may_try_again(batch),
        "may_undo": batch.status == ImportBatch.Status.APPLIED and rules.allows(request.user, "core.undo_batch", batch),
        "open_total": _open(batch.summary or {}),
        "told": _told(batch.summary),
    }


def _status(batch: ImportBatch) -> SafeString:
    if batches.is_interrupted(batch):
        how = "try again, or forget it" if import_progress.may_try_again(batch) else "upload it again"
        return format_html("{} Nothing of it was taken in; {}.", chip("Interrupted", "red"), how)
    when = f"{timezone.localtime(batch.finished_at):%Y-%m-%d %H:%M}" if batch.finished_at else ""
    return format_html("{} {}", chip(batch.get_status_display(), STATUS_KINDS.get(batch.status, "grey")), when)


def _candidates(rows: list[ImportRow], request: HttpRequest) -> dict[Any, Client]:
    keys = {key for row in rows for key in row.candidate_ids or ()}
    return rules.visible_to(request.user, Client).in_bulk(keys)


def _row(row: ImportRow, candidates: dict[Any, Client], written: import_changes.Changes) -> dict[str, Any]:
    return {
        "written": written.get(row.client_id, []) if row.outcome in ("created", "updated") else [],
        "row": row,
        "kind": KINDS[row.outcome],
        "cells": _filled(row.cells),
        "why": row.reason or row.note or "",
        "candidates": [candidates[key] for key in row.candidate_ids or () if key in candidates],
    }
