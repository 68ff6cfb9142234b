"""The page of one proposal: three columns per field, who asked and why, and what else waits."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import models
from django.http import HttpRequest, QueryDict
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.timesince import timesince

from admin_ext.marking import marked
from admin_ext.similar import Similar, similar
from core import approvals, rules
from core.approvals import FieldComparison
from core.audit import sentences
from core.audit.words import in_words, label_of, model_of
from core.choices import APPROVED, PENDING
from core.errors import CCDError
from core.models import Client, PendingChange, Staff

_OTHERS = 20


@dataclass(frozen=True)
class Row:
    """One field in words, with what can be chosen for it and what was chosen."""

    comparison: FieldComparison
    when_proposed: str
    now: SafeString | str
    proposed: SafeString | str
    is_required: bool
    is_chosen: bool
    choice: str
    was_taken: bool


def moment(when: datetime) -> str:
    """Local date and time."""
    return timezone.localtime(when).strftime("%Y-%m-%d %H:%M")


def age(when: datetime) -> str:
    """'3 days ago'."""
    since = timesince(when, depth=1).replace("\xa0", " ")
    return "just now" if since.startswith("0 ") else f"{since} ago"


def fields_of(change: PendingChange) -> str:
    """What it would touch, in the order of the record's form."""
    if change.kind != "change":
        return "New record" if change.kind == "create" else "Removal"
    model = approvals.ENTITIES.get(change.entity)
    order = [field.column for field in model._meta.concrete_fields] if model else []
    columns = sorted(change.after, key=lambda column: order.index(column) if column in order else len(order))
    return ", ".join(label_of(model, column) for column in columns)


def may_decide(request: HttpRequest) -> bool:
    """Decides on proposals at all."""
    return rules.allows(request.user, "core.approve_change")


def sent_together(viewer: Staff, change: PendingChange) -> models.QuerySet[PendingChange]:
    """What waits of the submission this proposal was part of, itself included, in the order sent."""
    waiting = rules.visible_to(viewer, PendingChange).filter(status=PENDING)
    return waiting.filter(group_id=change.group_id) if change.group_id else waiting.filter(pk=change.pk)


def choice(posted: QueryDict, change: PendingChange) -> tuple[set[str] | None, dict[str, str]]:
    """(fields to take, what was seen of those that moved) as approvals.approve() wants them.

    A field that moved and was not chosen for is named without having been seen, so that nothing is written.
    """
    seen = {key.removeprefix("seen_"): value for key, value in posted.items() if key.startswith("seen_")}
    chosen = {name: posted.get(f"stale_{name}", "") for name in seen}
    accepted = {name: value for name, value in seen.items() if chosen[name] == "proposed"}
    if change.kind == "delete":
        return None, accepted
    taken = set(posted.getlist("take")) | {name for name in seen if chosen[name] != "now"}
    return taken, accepted


def context(request: HttpRequest, change: PendingChange) -> dict[str, Any]:
    """What the template shows."""
    viewer, record = request.user, approvals.target(change)
    rows = _rows(viewer, change, request.POST)
    together = [other for other in _named(viewer, sent_together(viewer, change)) if other.pk != change.pk]
    decides = rules.allows(viewer, "core.approve_change", change)
    return {
        "title": sentences.about([change], viewer=viewer)[change.pk],
        "subtitle": "Proposal",
        "change": change,
        "age": age(change.requested_at),
        "requested_at": moment(change.requested_at),
        "reviewed_at": moment(change.reviewed_at) if change.reviewed_at else "",
        "rows": rows,
        "notes": [(note, moment(note.said_at)) for note in change.notes.select_related("author")],
        "obstacle": approvals.obstacle(change, record) if decides else None,
        "similar": (likely := _similar(viewer, change) if decides else None),
        "clients_shown": [person.client for person in likely.people] if likely else [],
        "is_stale": any(row.comparison.is_stale for row in rows),
        "record_url": _url(change, record),
        "client": _client(viewer, change),
        "together": together if change.status == PENDING else [],
        "others": _others(viewer, change, {other.pk for other in together}),
        "may_decide": decides,
        "may_withdraw": rules.allows(viewer, "core.withdraw_change", change),
        "may_answer": change.is_sent_back and rules.allows(viewer, "core.answer_change", change),
        "beside": _beside(viewer, change),
        "is_own": change.requested_by_id == viewer.pk,
        "rationale": request.POST.get("rationale", ""),
        "log_url": _log_url(viewer, change),
    }


def _similar(viewer: Staff, change: PendingChange) -> Similar | None:
    """Who a proposed new client may already be."""
    if change.kind != "create" or change.entity != Client._meta.db_table:
        return None
    try:
        return similar(approvals.draft_of(change), viewer=viewer)
    except CCDError:
        return None


def _beside(viewer: Staff, change: PendingChange) -> dict[str, str]:
    """Addresses of the proposals before and after it in the list of what waits, for the keys j and k."""
    waiting = rules.visible_to(viewer, PendingChange).filter(status=PENDING).exclude(pk=change.pk)
    at = (change.requested_at, change.pk)
    later = models.Q(requested_at__gt=at[0]) | models.Q(requested_at=at[0], pk__gt=at[1])
    found = {
        "next": waiting.filter(later).order_by("requested_at", "pk").values_list("pk", flat=True).first(),
        "previous": waiting.exclude(later).order_by("-requested_at", "-pk").values_list("pk", flat=True).first(),
    }
    return {name: reverse("admin:core_pendingchange_change", args=[key]) for name, key in found.items() if key}


def _rows(viewer: Staff, change: PendingChange, posted: Mapping[str, str]) -> list[Row]:
    try:
        comparisons = approvals.compare(change)
    except CCDError:
        return []
    model = approvals.ENTITIES[change.entity]
    columns = ("when_proposed", "now", "proposed")
    texts = in_words(model, ({c.name: getattr(c, column) for c in comparisons} for column in columns), viewer=viewer)
    taken = approvals.taken(change) if change.status == APPROVED else frozenset()
    fields = {field.column: field for field in model._meta.concrete_fields}
    chosen = set(posted.getlist("take")) if posted else {c.name for c in comparisons}
    sides = {c.name: marked(texts[1][c.name], texts[2][c.name]) for c in comparisons}
    return [
        Row(
            comparison=c,
            when_proposed=texts[0][c.name],
            now=sides[c.name][0] if change.kind == "change" else texts[1][c.name],
            proposed=sides[c.name][1] if change.kind == "change" else texts[2][c.name],
            is_required=change.kind == "create" and not fields[c.name].blank,
            is_chosen=c.name in chosen,
            choice=posted.get(f"stale_{c.name}", ""),
            was_taken=c.name in taken,
        )
        for c in comparisons
    ]


def _named(viewer: Staff, changes: models.QuerySet[PendingChange]) -> list[PendingChange]:
    found = list(changes.select_related("requested_by")[:_OTHERS])
    titles = sentences.about(found, viewer=viewer)
    for change in found:
        change.title = titles[change.pk]
        change.age = age(change.requested_at)
        change.fields = fields_of(change)
    return found


def _others(viewer: Staff, change: PendingChange, shown: set[object]) -> list[PendingChange]:
    """What else waits for the same record, or for its client."""
    about = models.Q(entity=change.entity, entity_id=change.entity_id)
    if change.client_id:
        about |= models.Q(client_id=change.client_id)
    waiting = rules.visible_to(viewer, PendingChange).filter(about, status=PENDING)
    return _named(viewer, waiting.exclude(pk__in={change.pk, *shown}))


def _client(viewer: Staff, change: PendingChange) -> dict[str, str] | None:
    """The client it hangs on, where it is about something else."""
    if not change.client_id or change.entity == Client._meta.db_table:
        return None
    client = rules.visible_to(viewer, Client).filter(pk=change.client_id).first()
    return {"name": str(client), "url": reverse("admin:core_client_change", args=[client.pk])} if client else None


def _url(change: PendingChange, record: models.Model | None) -> str:
    """Where the record can be looked at; empty where it has no page of its own."""
    if record is None:
        return ""
    try:
        return reverse(f"admin:core_{model_of(change.entity)._meta.model_name}_change", args=[record.pk])
    except NoReverseMatch:
        return ""


def _log_url(viewer: Staff, change: PendingChange) -> str:
    """The entries that approving it wrote."""
    if change.status == PENDING or not rules.allows(viewer, "core.view_auditentry"):
        return ""
    try:
        return f"{reverse('admin:core_auditentry_changelist')}?q={change.pk}"
    except NoReverseMatch:
        return ""
