"""How clients are found: every word of a name, an identifier, a date of birth, a phone number."""

import re
from datetime import date

from django.db.models import F, Func, Q, QuerySet, TextField, Value

from core.models import ClientIdentifier
from core.normalise import digits

_NUMBER = re.compile(r"[\d\s()+./-]+")
_FEWEST_DIGITS = 4
_MOST_LINKED = 200
_MOST_NAMED = 1000


def find(queryset: QuerySet, text: str, visible: QuerySet) -> QuerySet:
    """The rows of `queryset` that every word of `text` fits, or that stand for a linked record that it fits.

    `visible`: the clients this person may see; nothing else may answer.
    """
    terms = terms_of(text)
    if not terms:
        return queryset
    every = Q()
    for term in terms:
        every &= fits(term, visible)
    linked = visible.filter(every, linked_to__isnull=False).values_list("linked_to", flat=True)[:_MOST_LINKED]
    return queryset.filter(every | Q(pk__in=list(linked)))


def terms_of(text: str) -> list[str]:
    """Words; a date stays one, and so does a phone number with its blanks."""
    text = text.replace("\x00", "").strip()
    if _NUMBER.fullmatch(text) and _date(text) is None and len(digits(text)) >= _FEWEST_DIGITS:
        return [text]
    return text.split()


def fits(term: str, visible: QuerySet) -> Q:
    """The condition on a client that one word of a search sets."""
    plain = Func(Value(term, output_field=TextField()), function="ccd_plain", output_field=TextField())
    found = Q(search_text__contains=plain)
    if not any(letter.isdigit() for letter in term):
        return found
    known = ClientIdentifier.objects.filter(uid_external=term, client__in=visible.order_by())
    rows = known.annotate(same=F("client__linked_to")).values_list("client", "same")
    found |= Q(pk__in={key for row in rows for key in row if key})
    if day := _date(term):
        return found | Q(dob=day)
    if _NUMBER.fullmatch(term) and len(digits(term)) >= _FEWEST_DIGITS:
        found |= Q(phone_digits__contains=digits(term))
    return found


def of_client_or_program(term: str, clients: QuerySet, programs: QuerySet) -> Q:
    """The same for a row that belongs to a client and a program. Few keys are named: indexes then answer for both."""
    matching = clients.filter(fits(term, clients)).order_by()
    keys = list(matching.values_list("pk", flat=True)[: _MOST_NAMED + 1])
    client = Q(client__in=keys) if len(keys) <= _MOST_NAMED else Q(client__in=matching.values("pk"))
    return client | Q(program__in=list(programs.filter(name__icontains=term).values_list("pk", flat=True)))


def _date(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
