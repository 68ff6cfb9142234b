"""The doors that a list has beside its address, as they multiply by themselves: per model, field and foreign key."""

from collections.abc import Iterator
from urllib.parse import urlencode

from django.contrib import admin
from django.contrib.admin import AdminSite, ModelAdmin
from django.db import models
from django.test import RequestFactory
from django.urls import reverse

from tests.matrix.canaries import key
from tests.matrix.cells import Answer, Stage
from tests.matrix.grid import faults
from tests.matrix.policy import ALLOW, BY_NAME, FORBIDDEN, INSIDERS

LOOKUPS = ("", "__startswith", "__isnull", "__gte")
ABSENT = str(key("nothing"))


def lists(persona: str, site: AdminSite = admin.site) -> Iterator[tuple[ModelAdmin, str]]:
    """The lists and exports that are open to the persona."""
    for model_admin in site._registry.values():
        name = f"core_{model_admin.opts.model_name}"
        if INSIDERS[persona] in BY_NAME[f"admin:{name}_changelist"].get:
            yield model_admin, reverse(f"{site.name}:{name}_changelist")
        row = BY_NAME.get(f"admin:{name}_export")
        if site is admin.site and row is not None and INSIDERS[persona] in row.get and "audit" not in row.name:
            yield model_admin, reverse(row.name, args=["csv"])


def _lookups(model: type[models.Model]) -> Iterator[str]:
    """Every column, and every column of what it points to."""
    for field in model._meta.concrete_fields:
        yield field.name
        if field.is_relation:
            yield from (f"{field.name}__{other.name}" for other in field.related_model._meta.concrete_fields)


def declared(stage: Stage, persona: str, model_admin: ModelAdmin) -> set[str]:
    """What the list says it can be filtered by."""
    request = RequestFactory().get("/")
    request.user = stage.world.staff[persona]
    return model_admin._lookups(request) if hasattr(model_admin, "_lookups") else set()


def _value(lookup: str) -> str:
    return "1" if lookup.endswith(("__isnull", "__gte")) else "Zqclinic1x"


def undeclared_lookups(stage: Stage, persona: str, site: AdminSite = admin.site) -> Iterator[str]:
    """Lookups that nothing declares and that are answered all the same."""
    for model_admin, address in lists(persona, site):
        if model_admin.opts.model_name == "clientlink":
            continue  # its list is of suspicions, and takes no parameters
        known = declared(stage, persona, model_admin)
        for path in _lookups(model_admin.model):
            for lookup in (path + end for end in LOOKUPS if path + end not in known):
                answer = stage.ask(persona, "GET", f"{address}?{urlencode({lookup: _value(lookup)})}")
                yield from faults(f"{persona} {address}?{lookup}", answer, may_write=False)
                if answer.status not in (400, 302):
                    yield f"answer: {persona} {address}?{lookup} answers {answer.status}"


def hidden_values(stage: Stage, persona: str, tag: str, site: AdminSite = admin.site) -> Iterator[str]:
    """Searches and filters by what is there and hidden, which are not answered as by what is not there at all."""
    kinds = ("client", "program", "department", "staff")
    hidden = [str(stage.world.keys[name][tag]) for name in kinds if tag in stage.world.keys[name]]
    day = str(stage.world.canaries.day(tag))
    for model_admin, address in lists(persona, site):
        pairs = [("q", f"Zq{tag}1x", "Zqnothing1z"), ("q", f"zq{tag}2", "zqnothin2"), ("q", day, "1912-03-07")]
        pairs += [(name, value, ABSENT) for name in declared(stage, persona, model_admin) for value in hidden]
        for name, there, absent in pairs:
            first, second = (_valued(stage, persona, address, name, value) for value in (there, absent))
            cell = f"{persona} {address}?{name}={there}"
            yield from (*faults(cell, first, may_write=False), *faults(cell, second, may_write=False))
            if not first.same_as(second):
                yield f"same: {cell} differs from {absent}"


def _valued(stage: Stage, persona: str, address: str, name: str, value: str) -> Answer:
    """The answer, without the value that was sent."""
    answer = stage.ask(persona, "GET", f"{address}?{urlencode({name: value})}")
    for text in (value, value.lower()):
        answer.body = answer.body.replace(text.encode(), b"VALUE")
    answer.location = answer.location.replace(value, "VALUE")
    return answer


def foreign_keys(site: AdminSite = admin.site) -> Iterator[tuple[type[models.Model], models.Field]]:
    """Every field that points to another record."""
    for model in (m for m in site._registry if m._meta.app_label == "core"):
        for field in (*model._meta.concrete_fields, *model._meta.many_to_many):
            if field.is_relation:
                yield model, field


def choices(stage: Stage, persona: str, site: AdminSite = admin.site) -> Iterator[str]:
    """Autocomplete of every foreign key there is, with and without a term; refused where its list would be."""
    for model, field in foreign_keys(site):
        for term in ("", "zq", "Zqclinic1x", "zqown1"):
            query = {"app_label": "core", "model_name": model._meta.model_name, "field_name": field.name, "term": term}
            answer = stage.ask(persona, "GET", f"{reverse(f'{site.name}:autocomplete')}?{urlencode(query)}")
            cell = f"{persona} autocomplete {model._meta.model_name}.{field.name} {term!r}"
            yield from faults(cell, answer, may_write=False)
            row = BY_NAME.get(f"admin:core_{field.related_model._meta.model_name}_changelist")
            allowed = {ALLOW, FORBIDDEN} if row and INSIDERS[persona] in row.get else {FORBIDDEN}
            if answer.kind not in allowed:
                yield f"answer: {cell} answers {answer.status}"


def prefilled(stage: Stage, persona: str, site: AdminSite = admin.site) -> Iterator[str]:
    """?client=<key> of someone hidden on the page of a new record: as if there were no such key."""
    for model, field in foreign_keys(site):
        name = f"core_{model._meta.model_name}_add"
        hidden = stage.world.keys.get(field.related_model._meta.model_name, {}).get("clinic")
        row = BY_NAME.get(f"admin:{name}")
        if row is None or hidden is None or not row.get:
            continue
        answer = stage.ask(persona, "GET", f"{reverse(f'{site.name}:{name}')}?{field.name}={hidden}")
        yield from faults(f"{persona} {name} {field.name}", answer, may_write=False)
