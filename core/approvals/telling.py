"""A mail about what became of a proposal, where EMAIL_URL is set: after the commit, and never in its way.

It says that something was decided, asked or answered, and where to read it. Mails leave the house: no client's name, no
value and no rationale is in them.
"""

from django.conf import settings
from django.core.mail import send_mail
from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from core.choices import QUESTION
from core.models import PendingChange, Staff


def after_commit(change: PendingChange) -> None:
    """Tell whoever waits for it, once the transaction is through. A failure is logged and changes nothing."""
    if settings.CCD_SENDS_MAIL:
        transaction.on_commit(lambda: _tell(change), robust=True)


def _tell(change: PendingChange) -> None:
    said, to = _news(change)
    if to is None or not to.active:
        return
    sent = timezone.localtime(change.requested_at).strftime("%Y-%m-%d %H:%M")
    address = settings.CCD_SITE_URL + reverse("admin:core_pendingchange_change", args=[change.pk])
    text = f"The proposal that {change.requested_by} sent on {sent} {said}.\n\nRead it: {address}\n"
    send_mail(f"Proposal {said}", text, settings.DEFAULT_FROM_EMAIL, [to.email])


def _news(change: PendingChange) -> tuple[str, Staff | None]:
    """What happened, and who waits to hear of it; no one of what they did themselves."""
    if change.reviewed_by is not None:
        return f"was {change.status} by {change.reviewed_by}", change.requested_by
    last = change.notes.select_related("author").last()
    if last is None or change.withdrawn:
        return "was withdrawn", None
    if last.kind == QUESTION:
        return f"was sent back with a question of {last.author}", change.requested_by
    asked = change.notes.filter(kind=QUESTION).select_related("author").last()
    return "was answered", asked.author if asked else None
