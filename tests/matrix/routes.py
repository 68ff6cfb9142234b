"""Every route there is, found by walking the resolver; and the addresses that fit one."""

from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

from django.urls import NoReverseMatch, URLPattern, URLResolver, get_resolver, reverse

REPORT = "org_summary"


@dataclass(frozen=True)
class Route:
    """A pattern and its name with namespaces; of one without a name, the pattern."""

    name: str
    pattern: str
    arguments: tuple[str, ...]


def every(urlconf: str | None = None) -> list[Route]:
    """The routes of a URLconf, however deep."""
    return list(_walk(get_resolver(urlconf), "", ()))


def _walk(resolver: URLResolver, prefix: str, spaces: tuple[str, ...]) -> Iterator[Route]:
    for entry in resolver.url_patterns:
        pattern = prefix + str(entry.pattern).removeprefix("^")
        if isinstance(entry, URLResolver):
            yield from _walk(entry, pattern, (*spaces, entry.namespace) if entry.namespace else spaces)
        else:
            yield _route(entry, pattern, spaces)


def _route(entry: URLPattern, pattern: str, spaces: tuple[str, ...]) -> Route:
    names = tuple(entry.pattern.regex.groupindex)
    if entry.name:
        return Route(":".join((*spaces, entry.name)), pattern, names)
    return Route(pattern if spaces else f"/{pattern}", pattern, names)


def addresses(route: Route, record: UUID | str) -> list[str]:
    """Where the route is asked, about `record` where it names one; several where another argument has several."""
    if ":" not in route.name or "<" in route.name or "?P" in route.name:
        return _unnamed(route, record)
    choices: dict[str, tuple[object, ...]] = {
        "object_id": (record,),
        "key": (record,),
        "client": (record,),
        "other": (record,),
        "kind": ("csv", "xlsx", "pdf"),
        "slug": (REPORT, "vacancy", "no_such"),
        "number": (1,),
        "source": ("SMIS", "no_such"),
        "app_label": ("core",),
    }
    if not route.arguments:
        return [_plain(route.name, record)]
    found = [{}]
    for name in route.arguments:
        found = [{**values, name: value} for values in found for value in choices.get(name, (record,))]
    return [address for values in found if (address := _reverse(route.name, values))]


def _plain(name: str, record: UUID | str) -> str:
    """An address without arguments, or of a library that gives its arguments no names."""
    for arguments in ([], [1], [record, 1]):
        try:
            return reverse(name, args=arguments)
        except NoReverseMatch:
            continue
    raise NoReverseMatch(name)


def _reverse(name: str, values: dict[str, object]) -> str:
    try:
        return reverse(name, kwargs=values)
    except NoReverseMatch:
        return ""


def _unnamed(route: Route, record: UUID | str) -> list[str]:
    if "?P<url>" in route.pattern:
        return ["/admin/no/such/page/", "/admin/r/1/2/"]
    address = route.pattern.replace("<path:object_id>", str(record))
    return [f"/{address}"]
