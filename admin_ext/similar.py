"""Before someone is entered a second time: people who may be meant, named as far as one may see them."""

from dataclasses import dataclass
from hashlib import sha256

from django.http import HttpRequest
from django.urls import reverse

from admin_ext.scoping import client_label
from core import rules
from core.errors import Invalid
from core.linking.similar import similar_to
from core.models import Client, Staff

SEEN = "similar_seen"
SENTENCE = "A similar person may already exist. Look below, and say so if this is someone else."


@dataclass(frozen=True)
class Person:
    """One whom the viewer may see."""

    client: Client
    label: str
    url: str
    bits: float


@dataclass(frozen=True)
class Similar:
    """Who may be meant. `hidden`: how many more whom the viewer may not see; `seen`: a mark of all of them."""

    people: tuple[Person, ...]
    hidden: int
    seen: str


def similar(person: Client, *, viewer: Staff) -> Similar | None:
    """Those who may be this person, who is not saved yet; None where there is no one."""
    found = similar_to(person)
    if not found:
        return None
    keys = [entry.client for entry in found]
    known = rules.visible_to(viewer, Client).in_bulk(keys)
    people = tuple(
        Person(
            client=known[entry.client],
            label=client_label(known[entry.client]),
            url=reverse("admin:core_client_change", args=[entry.client]),
            bits=entry.bits,
        )
        for entry in found
        if entry.client in known
    )
    seen = sha256("".join(sorted(map(str, keys))).encode()).hexdigest()[:16]
    return Similar(people, len(keys) - len(people), seen)


def require_looked(request: HttpRequest, person: Client) -> None:
    """Raise Invalid where similar people exist and were not looked at yet; the page then shows them."""
    found = similar(person, viewer=request.user)
    if found is not None and request.POST.get(SEEN) != found.seen:
        request.ccd_similar = found
        raise Invalid({"": [SENTENCE]})
