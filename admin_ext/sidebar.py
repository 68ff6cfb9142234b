"""The sidebar: what the role may see, in the order of the contract, with the number of proposals waiting."""

from typing import Any

from django.http import HttpRequest
from django.urls import reverse

from core.choices import PENDING
from core.models import PendingChange
from core.rules import allows

# title, icon, URL name, arguments, permission
Entry = tuple[str, str, str, tuple[str, ...], str]

RECORDS: tuple[Entry, ...] = (
    ("Clients", "group", "core_client_changelist", (), "core.view_client"),
    ("Programs & Services", "home_work", "core_program_changelist", (), "core.view_program"),
    ("Departments", "account_tree", "core_department_changelist", (), "core.view_department"),
    ("Enrollments", "how_to_reg", "core_enrollment_changelist", (), "core.view_enrollment"),
    ("Restrictions", "block", "core_restriction_changelist", (), "core.view_restriction"),
    ("Approvals", "inbox", "core_pendingchange_changelist", (), "core.view_pendingchange"),
)
REPORTS: tuple[Entry, ...] = (
    ("Organizational Summary", "bar_chart", "report", ("org_summary",), "core.view_report"),
    ("Vacancy Tracker", "event_available", "report", ("vacancy",), "core.view_report"),
    ("All Reports", "lists", "report_index", (), "core.view_report"),
)
LOG: tuple[Entry, ...] = (("Audit Log", "manage_history", "core_auditentry_changelist", (), "core.view_auditentry"),)
DESK: tuple[Entry, ...] = (
    ("Imports", "upload_file", "core_importbatch_changelist", (), "core.view_importbatch"),
    ("Rejects Desk", "rule", "core_importrow_desk", (), "core.answer_rows"),
    ("Disagreements", "difference", "core_sourcedisagreement_open", (), "core.decide_disagreements"),
    ("Duplicates", "join_inner", "core_clientlink_changelist", (), "core.view_clientlink"),
    ("Staff", "badge", "core_staff_changelist", (), "core.view_staff"),
)


def navigation(request: HttpRequest) -> list[dict[str, Any]]:
    """For UNFOLD["SIDEBAR"]: groups of links."""
    groups = (("", RECORDS), ("Reports", REPORTS), ("", LOG), ("", DESK))
    made = [{"title": title, "separator": True, "items": _items(request, entries)} for title, entries in groups]
    shown = [group for group in made if group["items"]]
    for group in shown[:1]:
        group["separator"] = False
    return shown


def _items(request: HttpRequest, entries: tuple[Entry, ...]) -> list[dict[str, Any]]:
    return [_item(request, entry) for entry in entries if allows(request.user, entry[-1])]


def _item(request: HttpRequest, entry: Entry) -> dict[str, Any]:
    title, icon, name, arguments, permission = entry
    link = reverse(f"admin:{name}", args=arguments)
    item: dict[str, Any] = {"title": title.replace("&", "&amp;"), "icon": icon, "link": link}
    if name == "report_index":  # its address begins those of all reports
        item["active"] = request.path.startswith(link) and not _has_own_entry(request.path)
    number = waiting(request) if permission == "core.view_pendingchange" else 0
    return {**item, "badge": str(number)} if number else item


def _has_own_entry(path: str) -> bool:
    links = (reverse(f"admin:{name}", args=arguments) for _, _, name, arguments, _ in REPORTS if arguments)
    return any(path.startswith(link) for link in links)


def waiting(request: HttpRequest) -> int:
    """Proposals that wait for this person: not their own, and none that waits for an answer. Asked once per request."""
    if not hasattr(request, "ccd_waiting"):
        may_decide = allows(request.user, "core.view_importbatch")
        others = PendingChange.objects.filter(status=PENDING, is_sent_back=False).exclude(requested_by=request.user.pk)
        request.ccd_waiting = others.count() if may_decide else 0
    return request.ccd_waiting
