"""What becomes of proposals, and how long they wait."""

from collections.abc import Iterator
from statistics import median

from django.utils import timezone

from core.choices import APPROVED, PENDING
from core.models import PendingChange, Staff
from reporting.forms import PeriodForm
from reporting.reading import local_days, scoped
from reporting.report import Params, Report, Row


class Proposals(Report):
    """A row per table that proposals are about."""

    slug = "proposals"
    title = "Proposals"
    description = "Proposals sent in a period: waiting and for how long, approved, declined, withdrawn."
    icon = "inbox"
    permission = "core.view_pendingchange"
    form = PeriodForm
    columns = ("about", "sent", "waiting", "oldest_days", "approved", "declined", "withdrawn", "median_days_to_decide")

    def answer(self, actor: Staff | None, params: Params) -> Iterator[Row]:
        """Of the proposals one may see: coordinators all, managers and leaders their own."""
        found = scoped(actor, PendingChange).filter(
            requested_at__range=local_days(params["date_from"], params["date_to"])
        )
        groups: dict[str, list[tuple]] = {}
        names = ("entity", "status", "withdrawn", "requested_at", "reviewed_at")
        for entity, *rest in found.order_by().values_list(*names):
            groups.setdefault(entity, []).append(tuple(rest))
        for entity, rows in sorted(groups.items()):
            yield entity.replace("_", " "), len(rows), *_outcomes(rows)

    def rule(self, params: Params) -> list[str]:
        """What is counted."""
        return [
            f"Proposals sent from {params['date_from']} through {params['date_to']}, local days, as they stand now; of "
            "managers and leaders, their own.",
            "The days to decide are whole days from sending to the decision, the median of approved and declined ones.",
        ]


def _outcomes(rows: list[tuple]) -> tuple[int, int | None, int, int, int, int | None]:
    now = timezone.now()
    waiting = [sent for status, _, sent, _ in rows if status == PENDING]
    approved = sum(1 for status, *_ in rows if status == APPROVED)
    withdrawn = sum(1 for _, is_withdrawn, *_ in rows if is_withdrawn)
    declined = len(rows) - len(waiting) - approved - withdrawn
    days = [(done - sent).days for status, gone, sent, done in rows if status != PENDING and not gone and done]
    oldest = max(((now - sent).days for sent in waiting), default=None)
    return len(waiting), oldest, approved, declined, withdrawn, round(median(days)) if days else None
