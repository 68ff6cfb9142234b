"""What the one who asked has not read yet. Reading is not written down twice: the access log knows who opened what."""

from datetime import timedelta

from django.db import models
from django.db.models import Exists, F, OuterRef, Q
from django.db.models.functions import Cast, Coalesce
from django.utils import timezone

from core.choices import PENDING
from core.models import AccessEntry, PendingChange, ProposalNote, Staff

RECENT = timedelta(days=30)


def unread(staff: Staff) -> models.QuerySet[PendingChange]:
    """Own proposals of the last 30 days that were decided or sent back by someone, and not opened since; newest first.
    `told_at` is when.
    """
    asked = ProposalNote.objects.filter(change=OuterRef("pk")).order_by("-said_at").values("said_at")[:1]
    own = PendingChange.objects.filter(requested_by=staff, withdrawn=False)
    told = own.filter(Q(is_sent_back=True) | ~Q(status=PENDING)).annotate(
        told_at=Coalesce(F("reviewed_at"), models.Subquery(asked), output_field=models.DateTimeField())
    )
    opened = AccessEntry.objects.filter(
        staff=staff,
        action="open",
        entity=PendingChange._meta.db_table,
        accessed_at__gte=OuterRef("told_at"),
        detail__startswith=Cast(OuterRef("pk"), models.CharField()),
    )
    return told.filter(~Exists(opened), told_at__gte=timezone.now() - RECENT).order_by("-told_at")
