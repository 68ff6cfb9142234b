"""The form of a page as a browser would send it, read from the page itself: an input has one line, and each line end of
a textarea is CR LF.
"""

from dataclasses import dataclass, field
from html.parser import HTMLParser

_VOID = {"submit", "button", "image", "reset", "file"}


@dataclass
class _Form(HTMLParser):
    """Collects name and value of every field of the forms that are sent by POST."""

    values: dict[str, list[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        super().__init__()
        self._inside = False
        self._select = ""
        self._area = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._inside = given.get("method", "").lower() == "post" and "logout" not in given.get("action", "")
        elif self._inside and tag in ("input", "select", "textarea") and given.get("name"):
            self._field(tag, given, dict(attrs))
        elif tag == "option" and self._select and "selected" in dict(attrs):
            self._add(self._select, given.get("value", ""))

    def _field(self, tag: str, given: dict[str, str], attrs: dict[str, str | None]) -> None:
        self._select = given["name"] if tag == "select" else ""
        if self._select:
            self.values.setdefault(self._select, [])
        self._area = given["name"] if tag == "textarea" else ""
        kind = given.get("type", "text")
        if tag == "textarea":
            self._add(self._area, "")
        elif tag == "input" and kind not in _VOID and (kind not in ("checkbox", "radio") or "checked" in attrs):
            self._add(given["name"], given.get("value", "").replace("\r", "").replace("\n", ""))

    def handle_data(self, data: str) -> None:
        if self._area:
            self.values[self._area][-1] += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._inside = False
        elif tag == "select":
            self._select = ""
        elif tag == "textarea":
            text = self.values[self._area][-1].replace("\r\n", "\n").removeprefix("\n")
            self.values[self._area][-1] = text.replace("\n", "\r\n")
            self._area = ""

    def _add(self, name: str, value: str) -> None:
        self.values.setdefault(name, []).append(value)


def fields(page: bytes) -> dict[str, list[str]]:
    """Name → values, without the token."""
    form = _Form()
    form.feed(page.decode())
    form.values.pop("csrfmiddlewaretoken", None)
    return form.values
