"""The first page: what a coordinator wants to know in the morning, as far as the role may see it."""

from datetime import date, timedelta
from typing import Any

from django.db.models import Count, F, QuerySet, Sum
from django.db.models.functions import Coalesce, Greatest
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from admin_ext import words
from admin_ext.client_filters import ANY_PROGRAM
from admin_ext.inbox import chip_of
from admin_ext.programs import vacancy_of, with_places
from admin_ext.sidebar import waiting
from core import approvals
from core.audit import sentences
from core.choices import PENDING, QUESTION
from core.models import Enrollment, ImportBatch, PendingChange, Program, ProposalNote, Restriction
from core.rules import allows, sees_every_client, visible_to

SOON = timedelta(days=14)
_MOST = 8


def today(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """For UNFOLD["DASHBOARD_CALLBACK"]."""
    day = timezone.localdate()
    user = request.user
    full, more_full = _first(_fullest(user, day))
    ending, more_ending = _first(_ending(user, day))
    news, more_news = _first(_unread(user))
    cards = [_clients(user, day), _places(user, day), *_proposals(request)]
    return {
        **context,
        "title": "Today",
        "day": day,
        "cards": cards,
        "files": _files(user) if allows(user, "core.view_importbatch") else None,
        "ending": [
            {"restriction": row, "where": words.where(row), "days": (row.end_date - day).days} for row in ending
        ],
        "more_ending": more_ending,
        "news": _news(user, news),
        "more_news": more_news,
        "clients_shown": [*ending, *news],
        "full": [{"program": row, "vacancy": vacancy_of(row)} for row in full],
        "more_full": more_full,
        "none_full": "" if full else _none_full(user, day),
        "places_url": _places_url(user),
    }


def _first(rows: QuerySet) -> tuple[list[Any], int]:
    """What the first page has room for, and how many there are beside; counted only where it is full."""
    shown = list(rows[:_MOST])
    return shown, rows.count() - _MOST if len(shown) == _MOST else 0


def _clients(user: Any, day: date) -> dict[str, Any]:
    active = visible_to(user, Enrollment).active_on(day)
    number = active.aggregate(people=Count(Coalesce("client__linked_to", "client"), distinct=True))["people"]
    return {
        "title": "Clients active today",
        "number": f"{number:,}",
        # Who does not see every client sees these clients' stays in programs of others, too.
        "note": "different people, all programs" if sees_every_client(user) else "different people, of those you see",
        "url": f"{_url('core_client_changelist')}?program={ANY_PROGRAM}",
    }


def _programs(user: Any, day: date) -> Any:
    """With a capacity; one that is closed only while someone is still in it."""
    programs = with_places(visible_to(user, Program)).filter(places__isnull=False)
    return programs.exclude(closed_on__lt=day, occupied=0)


def _places(user: Any, day: date) -> dict[str, Any]:
    """Free places of one program do not pay for another's overflow."""
    sums = _programs(user, day).aggregate(
        all_places=Sum("places"),
        taken=Sum("occupied"),
        free=Sum(Greatest(F("vacant"), 0)),
        over=Sum(Greatest(-F("vacant"), 0)),
    )
    places, taken, free, over = (sums[name] or 0 for name in ("all_places", "taken", "free", "over"))
    return {
        "title": "Vacant places",
        "number": f"{free:,}",
        "note": f"{taken:,} of {places:,} places occupied" + (f", {over:,} over capacity" if over else ""),
        "url": _places_url(user),
    }


def _places_url(user: Any) -> str:
    """The vacancy report, or the list of programs for those who have no reports."""
    return _url("report", "vacancy") if allows(user, "core.view_report") else _url("core_program_changelist")


def _proposals(request: HttpRequest) -> list[dict[str, Any]]:
    user, url = request.user, _url("core_pendingchange_changelist")
    if allows(user, "core.view_importbatch"):
        return [
            {
                "title": "Proposals to decide",
                "number": waiting(request),
                "note": "waiting for a second person",
                "url": url,
            }
        ]
    if allows(user, "core.view_pendingchange"):
        own = visible_to(user, PendingChange).filter(status=PENDING).count()
        return [{"title": "Your proposals waiting", "number": own, "note": "nothing changed yet", "url": url}]
    return []


def _unread(user: Any) -> QuerySet:
    """One's own proposals of which there is news, until one has opened them."""
    if not allows(user, "core.view_pendingchange"):
        return PendingChange.objects.none()
    return approvals.unread(user).select_related("reviewed_by")


def _news(user: Any, changes: list[PendingChange]) -> list[dict[str, Any]]:
    """What became of these proposals, each with who said it and why."""
    titles = sentences.about(changes, viewer=user)
    notes = visible_to(user, ProposalNote).filter(change__in=changes, kind=QUESTION).select_related("author")
    asked = {note.change_id: note for note in notes}
    return [
        {
            "change": change,
            "title": titles[change.pk],
            "chip": chip_of(change),
            "who": asked[change.pk].author if change.is_sent_back else change.reviewed_by,
            "said": asked[change.pk].text if change.is_sent_back else change.rationale,
            "when": change.told_at,
        }
        for change in changes
    ]


def _files(user: Any) -> list[dict[str, Any]]:
    """The last file of each source that was taken in, or waits held whole: not a preview, nor one that was refused."""
    came = visible_to(user, ImportBatch).filter(status__in=(ImportBatch.Status.APPLIED, ImportBatch.Status.HELD))
    latest = came.order_by("source_system", "-created_at").distinct("source_system")
    today = timezone.localdate()
    return [
        {"batch": batch, "summary": batch.summary or {}, "age": (today - timezone.localdate(batch.created_at)).days}
        for batch in latest
    ]


def _ending(user: Any, day: date) -> QuerySet:
    """Restrictions in force that end soon, the first to end first."""
    soon = visible_to(user, Restriction).active_on(day).filter(end_date__lte=day + SOON)
    return soon.select_related("client", "program").order_by("end_date")


def _fullest(user: Any, day: date) -> QuerySet:
    """Programs without a free place, those furthest over their capacity first."""
    return _programs(user, day).filter(vacant__lte=0).select_related("department").order_by("vacant", "name")


def _none_full(user: Any, day: date) -> str:
    """Why no program is without a free place: they have room, or there are none that could be full."""
    if _programs(user, day).exists():
        return "Every program has room."
    if visible_to(user, Program).exists():
        return "No running program has a fixed number of places."
    return "There are no programs yet." if sees_every_client(user) else "You are in no program yet."


def _url(name: str, *arguments: str) -> str:
    return reverse(f"admin:{name}", args=arguments)
