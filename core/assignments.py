"""Clients granted to a staff member by name, beside the programs they work in: assign, end."""

from datetime import date, timedelta

from django.contrib.auth.models import Permission
from django.utils import timezone

from core import audit, rules
from core.errors import Invalid
from core.models import Client, ClientAssignment, Staff


def assign(
    client: Client, staff: Staff, *, actor: Staff, until: date | None = None, reason: str | None = None
) -> ClientAssignment:
    """Let `staff` see the client through `until`, or until further notice. Who had access already keeps one row, whose
    last day moves; it is never made earlier here, that is end(). Raises NotAllowed, Invalid.
    """
    with audit.acting(actor, channel="admin", reason=reason):
        locked = Client.objects.select_for_update(of=("self",)).get(pk=client.pk)
        rules.require(actor, "core.view_client", locked)
        rules.require(actor, "core.add_clientassignment")
        _guard(staff, until)
        held = ClientAssignment.objects.filter(user=staff, content_object=locked).select_for_update(of=("self",))
        assignment = held.first()
        if assignment is None:
            return ClientAssignment.objects.create(
                user=staff,
                content_object=locked,
                permission=_seeing(),
                end_date=until,
                reason=_tidy(reason),
            )
        _extend(assignment, until, reason)
        return assignment


def end(assignment: ClientAssignment, *, actor: Staff, on: date) -> bool:
    """`on` is the last day of access, included; yesterday takes it away at once. False where it was that day already.
    Raises NotAllowed, Invalid.
    """
    with audit.acting(actor, channel="admin"):
        locked = ClientAssignment.objects.select_for_update(of=("self",)).get(pk=assignment.pk)
        rules.require(actor, "core.change_clientassignment", locked)
        if on < timezone.localdate() - timedelta(days=1):
            raise Invalid({"on": ["What was seen until today was seen: the earliest last day is yesterday."]})
        if locked.end_date is not None and on > locked.end_date:
            raise Invalid({"on": [f"It ends on {locked.end_date} already. To make it longer, assign again."]})
        if locked.end_date == on:
            return False
        locked.end_date = on
        locked.save(update_fields=["end_date"])
        return True


def is_over(assignment: ClientAssignment) -> bool:
    """The last day has passed."""
    return assignment.end_date is not None and assignment.end_date < timezone.localdate()


def _guard(staff: Staff, until: date | None) -> None:
    if until is not None and until < timezone.localdate():
        raise Invalid({"until": ["The last day has passed already."]})
    if not staff.active:
        raise Invalid({"staff": [f"The account of {staff} is closed."]})
    if rules.has_role(staff, rules.SEEING_ALL):
        raise Invalid({"staff": [f"{staff} sees every client by role already."]})
    if not rules.has_role(staff, rules.EVERYONE):
        raise Invalid({"staff": [f"{staff} has no role, and sees nothing without one."]})


def _extend(assignment: ClientAssignment, until: date | None, reason: str | None) -> None:
    """Move the last day later, or begin again after it has passed."""
    last = assignment.end_date
    if until is not None and not is_over(assignment) and (last is None or until < last):
        held = f"through {last}" if last else "until further notice"
        raise Invalid({"until": [f"{assignment.user} has access {held}. To make it shorter, end that."]})
    values = {"end_date": until, "reason": _tidy(reason) or assignment.reason}
    changed = [name for name, value in values.items() if getattr(assignment, name) != value]
    for name in changed:
        setattr(assignment, name, values[name])
    if changed:
        assignment.save(update_fields=changed)


def _seeing() -> Permission:
    """What guardian calls it; nobody is shown this."""
    return Permission.objects.get(content_type__app_label="core", codename="view_client")


def _tidy(reason: str | None) -> str | None:
    return (reason or "").strip()[:500] or None
