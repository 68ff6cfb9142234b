"""The rejects desk: one held or rejected row after the other, beside the clients who may be meant, and its verbs."""

from collections.abc import Callable
from typing import Any, Final
from urllib.parse import urlencode

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.views.decorators.http import require_POST, require_safe

from admin_ext.mounting import mount
from core import rules
from core.errors import CCDError, Conflict, NotAllowed
from core.ingest import desk, sources
from core.linking.evidence import explain
from core.models import Client, ImportRow, Program

CAUSES: Final = {
    "several_candidates": "Several clients of this name and date",
    "uncertain_match": "May be a client we know",
    "other_identifier": "Known by another identifier",
    "conflicting_contact": "Same name, other phone and postal code",
    "recycled_identifier": "Identifier of someone else",
    "overlapping_enrollment": "Overlapping enrollment",
    "unknown_program": "Program not known",
    "ambiguous_program": "Program name fits several",
    "program_not_in_department": "Program of another department",
    "missing_program": "Dates without a program",
    "missing_name": "No name",
    "bad_date": "Not a date",
    "dob_in_future": "Born in the future",
    "dob_too_old": "Born too long ago",
    "end_before_start": "Ends before it begins",
    "discharge_before_start": "Discharged before it begins",
    "too_long": "Text too long",
    "too_many_cells": "More cells than headers",
    "repeated_headers": "Headers between the rows",
    "unsafe_number": "Number of too many digits",
    "nul_character": "NUL character",
}
# Of these a person is the question.
PERSONAL: Final = frozenset(
    {"several_candidates", "uncertain_match", "other_identifier", "conflicting_contact", "recycled_identifier"}
)


def urls() -> list[URLPattern]:
    """Routes below the admin site, in its namespace."""
    return [
        path("desk/", admin.site.admin_view(desk_page), name="core_importrow_desk"),
        path("desk/settle/", admin.site.admin_view(settle), name="core_importrow_settle"),
    ]


@require_safe
def desk_page(request: HttpRequest) -> HttpResponse:
    """The rejects desk."""
    request.current_app = admin.site.name
    context = {**admin.site.each_context(request), "title": "Rejects Desk", **page(request)}
    return TemplateResponse(request, "admin/core/importbatch/desk.html", context)


def page(request: HttpRequest) -> dict[str, Any]:
    """What the desk shows: the causes with their numbers, one row of the chosen cause, and what can be said of it."""
    rules.require(request.user, "core.answer_rows")
    causes = desk.numbers_by_cause()
    codes = [code or "" for _, code, _ in causes]
    cause = request.GET.get("cause") if request.GET.get("cause") in codes else (codes or [""])[0]
    rows = desk.open_rows().filter(reason_code=cause or None)
    keys = list(rows.values_list("pk", flat=True)[:1000])
    at = _whole(request.GET.get("at", ""))
    place = keys.index(at) if at in keys else 0
    row = rows.filter(pk=keys[place]).first() if keys else None
    return {
        "causes": [(code or "", _cause(code), number, (code or "") == cause) for _, code, number in causes],
        "cause": cause,
        "row": row,
        "place": place + 1,
        "number": next((number for _, code, number in causes if (code or "") == cause), 0),
        "next": _url(cause, keys[place + 1]) if place + 1 < len(keys) else "",
        "previous": _url(cause, keys[place - 1]) if place else "",
        "programs_named": desk.programs_named() if cause in desk.PROGRAM_FAULTS else [],
        "programs": rules.visible_to(request.user, Program).select_related("department").order_by("name"),
        **(_one(request, row) if row else {}),
    }


def _cause(code: str | None) -> str:
    return CAUSES.get(code or "", (code or "other").replace("_", " ").capitalize())


def _url(cause: str, at: int | None = None) -> str:
    query = {"cause": cause} | ({"at": at} if at else {})
    return f"{reverse('admin:core_importrow_desk')}?{urlencode(query)}"


def _one(request: HttpRequest, row: ImportRow) -> dict[str, Any]:
    headers = row.batch.headers or []
    columns = desk.Reader().columns(row)
    found = rules.visible_to(request.user, Client).prefetch_related("identifiers", "enrollments__program")
    clients = found.in_bulk(row.candidate_ids or ())
    candidates = [clients[key] for key in row.candidate_ids or () if key in clients]
    why = explain(row.evidence)
    evidence = {candidate.client: candidate for candidate in why.candidates} if why else {}
    cells, read = [*row.cells, *[""] * len(headers)], desk.as_read(row)
    return {
        "is_held": row.outcome == "held",
        "is_personal": row.outcome == "held" and row.reason_code in PERSONAL,
        "candidates": [(number, c, evidence.get(c.pk)) for number, c in enumerate(candidates, start=1)],
        "clients_shown": candidates,
        "why": why,
        "cells": [
            (place, header, cells[place], not {"\r", "\n"}.isdisjoint(cells[place]))
            for place, header in enumerate(headers)
        ],
        "fields": [
            (header, cells[place], [_beside(client, columns[place], cells[place], read) for client in candidates])
            for place, header in enumerate(headers)
            if cells[place] or any(_told(client, columns[place]) for client in candidates)
        ],
    }


def _beside(client: Client, column: str | None, cell: str, read: dict[str, Any]) -> tuple[str, bool]:
    """What the client has for a column, and whether that is other than what the cell means: Female means Woman."""
    told = _told(client, column)
    if not told or not cell:
        return told, False
    if column == "uid_external":
        return told, all(known.uid_external != read.get(column, cell) for known in client.identifiers.all())
    if column == "program":
        return told, all(stay.program_id != read.get("program_id") for stay in client.enrollments.all())
    value = read.get(column, cell)
    said = ", ".join(value) if isinstance(value, list | tuple) else str(value)
    return told, said.casefold() != told.casefold()


def _told(client: Client, column: str | None) -> str:
    """What the client has for a column of a file, in words."""
    if column is None:
        return ""
    address = client.address or {}
    if column in ("street", "unit", "city", "province", "postal_code"):
        return str(address.get(column) or "")
    if column == "uid_external":
        return ", ".join(map(str, client.identifiers.all()))
    if column == "program":
        return ", ".join(sorted({e.program.name for e in client.enrollments.all()}))
    value = getattr(client, column, None)
    return ", ".join(value) if isinstance(value, list) else str(value or "")


def settle(request: HttpRequest) -> HttpResponse:
    """One verb on one row, or on all of a cause; then the next row."""
    rules.require(request.user, "core.answer_rows")
    return require_POST(_settle)(request)


def _settle(request: HttpRequest) -> HttpResponse:
    verb = VERBS.get(request.POST.get("verb", ""))
    try:
        if verb is None:
            raise Conflict("Choose what is to become of the row.")
        messages.success(request, verb(request))
    except NotAllowed:
        raise
    except CCDError as error:
        messages.error(request, str(error))
        return HttpResponseRedirect(_url(request.POST.get("cause", ""), _number(request)))
    return HttpResponseRedirect(_url(request.POST.get("cause", ""), _number(request, "next")))


def _number(request: HttpRequest, name: str = "row") -> int:
    return _whole(request.POST.get(name, ""))


def _whole(text: str) -> int:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 18 else 0


def _row(request: HttpRequest) -> ImportRow:
    row = rules.visible_to(request.user, ImportRow).select_related("batch").filter(pk=_number(request)).first()
    if row is None:
        raise Conflict("This row is not there any more.")
    return row


def _client(request: HttpRequest) -> Client:
    for client in rules.visible_to(request.user, Client).filter(pk__in=_row(request).candidate_ids or ()):
        if str(client.pk) == request.POST.get("client"):
            return client
    raise Conflict("Choose one of the clients beside the row.")


def _reason(request: HttpRequest) -> str | None:
    return request.POST.get("reason", "").strip()[:1000] or None


def _rows(number: int) -> str:
    return "1 row" if number == 1 else f"{number:,} rows"


def _same(request: HttpRequest) -> str:
    row, client = _row(request), _client(request)
    settled = desk.answer_same(row, client, actor=request.user, reason=_reason(request))
    if not settled:
        return f"Remembered: it is {client}. The row still waits for another reason, which it now shows."
    return f"It is {client}: {_rows(settled)} taken in."


def _new(request: HttpRequest) -> str:
    return (
        f"A new client: {_rows(desk.answer_new(_row(request), actor=request.user, reason=_reason(request)))} taken in."
    )


def _not(request: HttpRequest) -> str:
    row, client = _row(request), _client(request)
    left = desk.rule_out(row, client, actor=request.user, reason=_reason(request))
    return f"It is not {client}. {left or 'No'} candidate{'' if left == 1 else 's'} left."


def _fix(request: HttpRequest) -> str:
    row = _row(request)
    places = range(len(row.batch.headers or ()))
    values = {n: _as_sent(request.POST[f"cell-{n}"]) for n in places if f"cell-{n}" in request.POST}
    changed = {n: text for n, text in values.items() if n >= len(row.cells) or text != _as_sent(row.cells[n])}
    fixed = desk.fix(row, actor=request.user, values=changed, reason=_reason(request))
    return "Corrected and taken in." if fixed.settled_at else f"Corrected. Now it is held: {fixed.reason}"


def _as_sent(text: str) -> str:
    """Browsers send every line end as CR LF, whichever the cell has."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _retry(request: HttpRequest) -> str:
    return f"Tried again: {_rows(desk.retry([_row(request)], actor=request.user))} taken in."


def _retry_all(request: HttpRequest) -> str:
    rows = desk.open_rows().filter(reason_code=request.POST.get("cause") or None)
    return f"Tried again: {_rows(desk.retry(rows, actor=request.user))} taken in."


def _aside(request: HttpRequest) -> str:
    number = desk.set_aside([_row(request)], actor=request.user, reason=request.POST.get("reason", ""))
    return f"{_rows(number)} set aside."


def _program(request: HttpRequest) -> str:
    name, chosen = request.POST.get("name", ""), request.POST.get("program", "")
    known = {str(program.pk): program for program in rules.visible_to(request.user, Program)}
    if chosen not in known or request.POST.get("source") not in sources.names():
        raise Conflict("Choose which program is meant.")
    number = desk.correct_program(request.POST["source"], name, known[chosen], actor=request.user)
    return f"“{name}” is {known[chosen]} from now on: {_rows(number)} taken in."


VERBS: Final[dict[str, Callable[[HttpRequest], str]]] = {
    "same": _same,
    "new": _new,
    "not": _not,
    "fix": _fix,
    "retry": _retry,
    "retry_all": _retry_all,
    "aside": _aside,
    "program": _program,
}


mount(urls)
