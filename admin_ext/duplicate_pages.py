"""What the Duplicates screens show: groups side by side, two records field by field, a decision bit by bit."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.core.paginator import Page, Paginator
from django.http import HttpRequest
from django.utils import timezone

from admin_ext.words import age
from core import rules
from core.audit.words import EMPTY, in_words, label_of
from core.linking import overlaps
from core.linking.duplicates import Suspicion, groups, suspects
from core.linking.evidence import explain
from core.linking.weighing import weigh
from core.models import Client, ClientLink, Program
from core.models.clients import REMEMBERED_FIELDS

GROUPS_PER_PAGE = 20
DECISIONS_PER_PAGE = 50
# More records than these are not one person but a common name: they are shown pair by pair.
LARGEST_GROUP = 4
TABS = (("", "To decide"), ("linked", "Linked"), ("not_same", "Not the same"), ("overlaps", "To put in order"))
COMPARED = (
    ("Name", lambda c: c.full_name),
    ("Also", lambda c: ", ".join(filter(None, (c.preferred_name, c.alias)))),
    ("Date of birth", lambda c: f"{c.dob:%Y-%m-%d} ({age(c)})" if c.dob else ""),
    ("Gender", lambda c: c.gender or ""),
    ("Phone", lambda c: c.phone_number or ""),
    ("E-mail", lambda c: c.email or ""),
    ("Postal code", lambda c: c.postal_key or ""),
    ("Identifiers", lambda c: ", ".join(map(str, c.identifiers.all()))),
    ("Programs", lambda c: ", ".join(sorted({e.program.name for e in c.enrollments.all()}))),
)


@dataclass(frozen=True)
class Line:
    """One field of some records: what each of them says, and whether all say the same."""

    label: str
    told: tuple[str, ...]
    same: bool


@dataclass(frozen=True)
class Pair:
    """Two records of a group, and the bits that speak for one person."""

    client: Client
    other: Client
    bits: float
    why: Any


@dataclass(frozen=True)
class Group:
    """Records that may be one person, and the pairs by which they hang together, the likeliest first."""

    clients: tuple[Client, ...]
    pairs: tuple[Pair, ...]
    lines: tuple[Line, ...]


@dataclass(frozen=True)
class Choice:
    """One field in which two records differ; `take` is True where the shown record should have the other's value."""

    field: str
    label: str
    gone: str
    kept: str
    take: bool

    @property
    def has_value(self) -> bool:
        """The other record says something that could be taken."""
        return self.gone != EMPTY


def to_decide(request: HttpRequest) -> dict[str, Any]:
    """Groups, the likeliest first."""
    found = [s for s in suspects() if s.client != s.other]
    page = Paginator(_grouped(found), GROUPS_PER_PAGE).get_page(request.GET.get("page"))
    shown = _loaded(key for group in page.object_list for s in group for key in (s.client, s.other))
    made = [_group(group, shown) for group in page.object_list if all(s.client in shown for s in group)]
    return {"page": page, "groups": made, "clients_shown": list(shown.values())}


def _grouped(found: list[Suspicion]) -> list[list[Suspicion]]:
    """The suspicions of each group together, in the order of the likeliest of each."""
    of_client: dict[UUID, int] = {}
    for number, keys in enumerate(groups((s.client, s.other) for s in found)):
        if len(keys) <= LARGEST_GROUP:
            of_client |= dict.fromkeys(keys, number)
    together: dict[object, list[Suspicion]] = {}
    for suspicion in found:
        together.setdefault(of_client.get(suspicion.client, (suspicion.client, suspicion.other)), []).append(suspicion)
    return list(together.values())


def _loaded(keys: Iterable[UUID]) -> dict[UUID, Client]:
    return Client.objects.prefetch_related("identifiers", "enrollments__program").in_bulk(set(keys))


def _group(found: list[Suspicion], clients: dict[UUID, Client]) -> Group:
    members = tuple(clients[key] for key in dict.fromkeys(key for s in found for key in (s.client, s.other)))
    pairs = tuple(Pair(clients[s.client], clients[s.other], s.score, explain(s.evidence)) for s in found)
    return Group(members, pairs, tuple(_lines(members)))


def _lines(members: tuple[Client, ...]) -> Iterable[Line]:
    for label, told in COMPARED:
        values = tuple(told(client) for client in members)
        if any(values):
            yield Line(label, values, len(set(values)) == 1)


def compared(gone: Client, kept: Client, request: HttpRequest) -> dict[str, Any]:
    """The two records, and a choice for each field in which they differ: a value is preferred to none."""
    before, after = _values(gone), _values(kept)
    mine, theirs = in_words(Client, [before, after], viewer=request.user)
    chosen = request.POST.getlist("take") if request.method == "POST" else None
    choices = [
        Choice(
            name,
            label_of(Client, name),
            mine.get(name) or EMPTY,
            theirs.get(name) or EMPTY,
            name in chosen if chosen is not None else not after[name],
        )
        for name in REMEMBERED_FIELDS
        if (before[name] or None) != (after[name] or None)
    ]
    members = tuple(_loaded([gone.pk, kept.pk])[one.pk] for one in (gone, kept))
    return {
        "gone": gone,
        "kept": kept,
        "choices": choices,
        "lines": [line for line in _lines(members) if line.label in ("Identifiers", "Programs")],
        "why": explain(weigh(gone, kept)),
        "clients_shown": [gone, kept],
    }


def _values(client: Client) -> dict[str, Any]:
    found = {name: getattr(client, name) for name in REMEMBERED_FIELDS}
    return found | {"dob": client.dob.isoformat() if client.dob else None}


def decided(request: HttpRequest, verdict: str) -> dict[str, Any]:
    """Links, or pairs said to be two people; the latest first."""
    rows = rules.visible_to(request.user, ClientLink).filter(verdict="same" if verdict == "linked" else "not_same")
    page: Page = Paginator(
        rows.select_related("client", "other", "decided_by", "undone_by").order_by("-decided_at", "pk"),
        DECISIONS_PER_PAGE,
    ).get_page(request.GET.get("page"))
    return {
        "page": page,
        "decisions": page.object_list,
        "clients_shown": [one for row in page.object_list for one in (row.client, row.other)],
    }


def decision(made: ClientLink, request: HttpRequest) -> dict[str, Any]:
    """Every bit of one decision, what the shown record took, and whether it can be taken back."""
    undo = (made.evidence or {}).get("undo", {})
    names = [name for name in undo.get("after", {}) if name in REMEMBERED_FIELDS]
    before, after = in_words(
        Client, [{n: undo[when][n] for n in names} for when in ("before", "after")] if names else [{}, {}],
        viewer=request.user,
    )  # fmt: skip
    return {
        "made": made,
        "is_link": made.verdict == ClientLink.Verdict.SAME,
        "taken": [(label_of(Client, n), before.get(n) or EMPTY, after.get(n) or EMPTY) for n in names],
        "why": explain(made.evidence),
        "when": timezone.localtime(made.decided_at),
        "clients_shown": [made.client, made.other],
    }


def in_disorder() -> dict[str, Any]:
    """Enrollments of one person in one program that overlap: each a task, done when they no longer do."""
    found = overlaps.overlaps()
    people = Client.objects.in_bulk({one.person for one in found})
    programs = Program.objects.in_bulk({one.program for one in found})
    tasks = [(people[one.person], programs[one.program], one) for one in found]
    return {"tasks": tasks, "clients_shown": list(people.values())}
