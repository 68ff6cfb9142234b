"""What a person says of two clients: not the same, for ever."""

from django.db.utils import IntegrityError

from core import audit, rules
from core.errors import Conflict
from core.models import Client, ClientLink, Staff


def mark_not_same(client: Client, other: Client, *, actor: Staff | None, reason: str | None = None) -> ClientLink:
    """Remember for ever that these are two people. Raises NotAllowed, Conflict where it was said already."""
    first, second = sorted((client, other), key=lambda c: c.pk)
    with audit.acting(actor, channel="link", reason=reason):
        rules.require(actor, "core.link_clients")
        try:
            return ClientLink.objects.create(
                client=first, other=second, verdict="not_same", decided_by=actor, reason=reason
            )
        except IntegrityError as error:
            raise Conflict("This pair was marked as not the same already.") from error
