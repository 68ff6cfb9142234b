"""Unmistakable text in every value that someone may not see, and the places where it must not turn up."""

import re
from collections.abc import Iterable, Iterator
from datetime import date
from io import BytesIO
from typing import Any
from uuid import UUID, uuid5
from zipfile import BadZipFile, ZipFile

from django.contrib.messages import get_messages
from django.http import HttpResponse

_SPACE = UUID("5f0d2c1e-0000-4000-8000-00000000cafe")
_CANARY = re.compile(r"zq([a-z]+)\d+[xy]")
# Days no one else was born or moved on: tag → year.
YEARS = {"own": 1911, "clinic": 1913, "past": 1917, "lapsed": 1919, "extra": 1923, "granted": 1929}
DIGITS = {"own": "5550111", "clinic": "5550113", "past": "5550117", "lapsed": "5550119", "extra": "5550123"}


def key(name: str) -> UUID:
    """The key of the record of that name: the same in every world."""
    return uuid5(_SPACE, name)


class Canaries:
    """Makes the texts of one world: "zq", the tag, a number, and the letter of the world."""

    def __init__(self, hidden_differ: frozenset[str] = frozenset()) -> None:
        self.differ = hidden_differ
        self.numbers: dict[str, int] = {}
        self.made: list[str] = []

    def letter(self, tag: str) -> str:
        return "y" if tag in self.differ else "x"

    def text(self, tag: str) -> str:
        """A new canary of `tag`."""
        self.numbers[tag] = self.numbers.get(tag, 0) + 1
        self.made.append(f"Zq{tag}{self.numbers[tag]}{self.letter(tag)}")
        return self.made[-1]

    def day(self, tag: str) -> date:
        """A date of birth of `tag`."""
        return date(YEARS.get(tag, 1931), 3, 7 if self.letter(tag) == "x" else 8)

    def phone(self, tag: str) -> str:
        """A phone number of `tag`."""
        return DIGITS.get(tag, "5550131") + ("001" if self.letter(tag) == "x" else "002")


def text_of(response: HttpResponse) -> str:
    """Everything the answer says, in lower case: body (XLSX unpacked), headers, cookies, messages."""
    body = body_of(response)
    parts = [_unpacked(body), str(response.headers), str(response.cookies)]
    request = getattr(response, "wsgi_request", None)
    if request is not None and hasattr(request, "_messages"):
        storage = request._messages
        parts += [str(m) for m in (*storage._queued_messages, *get_messages(request))]
        storage.used = False
    return "\n".join(parts).lower()


def body_of(response: HttpResponse) -> bytes:
    """The body, also of a streaming answer, which can be read once."""
    if getattr(response, "streaming", False):
        if not hasattr(response, "matrix_body"):
            response.matrix_body = b"".join(response.streaming_content)
        return response.matrix_body
    return response.content


def readable(response: HttpResponse) -> bytes:
    """The body, of an XLSX file its parts."""
    return _unpacked(body_of(response)).encode()


def _unpacked(body: bytes) -> str:
    if body[:2] != b"PK":
        return body.decode(errors="replace")
    try:
        with ZipFile(BytesIO(body)) as book:
            return "\n".join(book.read(name).decode(errors="replace") for name in book.namelist())
    except BadZipFile:
        return body.decode(errors="replace")


def found_in(text: str, *, hidden: Iterable[str], keys: Iterable[str] = (), echoed: str = "") -> list[str]:
    """The canaries of the tags `hidden`, and the keys, that stand in `text` and were not sent with the request."""
    return sorted(set(_found(text, set(hidden), keys, echoed.lower())))


def _found(text: str, hidden: set[str], keys: Iterable[str], echoed: str) -> Iterator[str]:
    for match in _CANARY.finditer(text):
        if match[1] in hidden and match[0] not in echoed:
            yield match[0]
    for tag in hidden:
        for mark in (f"{YEARS[tag]}-03-0" if tag in YEARS else "", DIGITS.get(tag, "")):
            if mark and mark in text and mark not in echoed:
                yield mark
    for one in keys:
        if one in text and one not in echoed:
            yield one


def every_text(record: Any) -> str:
    """All column values of one record in one text: to prove that a canary was really planted."""
    return " ".join(str(getattr(record, field.attname)) for field in record._meta.concrete_fields).lower()
