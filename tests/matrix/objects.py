"""Which record stands for own, foreign, deleted, never existed and another model's, for each persona."""

from collections.abc import Iterable
from uuid import UUID

from tests.matrix.canaries import key
from tests.matrix.policy import DIRECT, HIDDEN, INSIDERS, OF_PEOPLE, PROPOSING, READING
from tests.matrix.world import World

NEVER = key("no record has this key")
_STAFF_ROLE = ("worker", "elsewhere")


def own(world: World, persona: str, model: str) -> str | None:
    """The tag of a record of `model` that the persona may see; None where there is none."""
    role = INSIDERS.get(persona)
    if role is None:
        return None
    if model == "staff":
        return persona
    if model == "pendingchange":
        return persona if role in PROPOSING else "rival" if role in DIRECT else None
    if model in ("importbatch", "clientlink"):
        return {"importbatch": "previewed", "clientlink": "desk"}[model] if role in DIRECT else None
    if model == "auditentry":
        return "own" if role in READING else None
    return "clinic" if persona == "elsewhere" else "own"


def foreign(world: World, persona: str, model: str) -> list[str]:
    """Tags of the records of `model` that are there and that the persona may not see."""
    tags = world.keys[model]
    role = INSIDERS.get(persona)
    if role is None:
        return list(tags)
    if model == "staff":
        colleagues = {"worker": ("worker", "manager"), "elsewhere": ("elsewhere",)}
        return [tag for tag in tags if persona in _STAFF_ROLE and tag not in colleagues[persona]]
    if model == "auditentry":
        own_tag, every = own(world, persona, model), role in READING - PROPOSING
        return [] if every else [tag for tag in tags if tag != own_tag]
    if model == "pendingchange":
        return [] if role in DIRECT else [tag for tag in tags if tag != persona]
    if model in ("importbatch", "clientlink"):
        return [] if role in DIRECT else list(tags)
    return [tag for tag in tags if tag in HIDDEN[persona]]


def cases(world: World, persona: str, model: str, *, every: bool = True) -> list[tuple[str, UUID | str, bool]]:
    """(what, key, is it visible) for each kind of object; not `every`: own, one foreign, and one that never was."""
    found: list[tuple[str, UUID | str, bool]] = []
    tag = own(world, persona, model)
    if tag is not None:
        found.append(("own", world.keys[model][tag], True))
    found += [(f"foreign {tag}", world.keys[model][tag], False) for tag in foreign(world, persona, model)[:3]]
    if not every:
        unseen = [case for case in found if not case[2]][:1]
        return [*(case for case in found if case[2]), *unseen, ("never existed", NEVER, False)]
    if "deleted" in world.keys[model]:
        found.append(("deleted", world.keys[model]["deleted"], False))
    other = "program" if model == "client" else "client"
    return [
        *found,
        ("never existed", NEVER, False),
        (f"a {other}'s", world.keys[other]["own"], False),
        ("malformed", "nonsense", False),
    ]


def hidden_keys(world: World, persona: str) -> set[str]:
    """Keys of records that the persona may not see, as they would stand in a page."""
    hanging = ("client", "program", "department", "enrollment", "intake", "discharge", "restriction")
    keys = {
        str(value)
        for model in (*hanging, "clientidentifier")
        for tag, value in world.keys[model].items()
        if tag in HIDDEN[persona] & OF_PEOPLE
    }
    for model in ("pendingchange", "importbatch", "clientlink", "auditentry"):
        # An analyst reads the whole log, which names these.
        if persona not in INSIDERS or INSIDERS[persona] not in READING - PROPOSING:
            keys |= {str(world.keys[model][tag]) for tag in foreign(world, persona, model)}
    return keys


def rows_in(world: World, leaked: Iterable[str]) -> list[str]:
    """Of what leaked, what tells of clients, files, proposals or the logs: what the database itself should hide."""
    places = {str(key) for model in ("program", "department") for key in world.keys[model].values()}
    return sorted(set(leaked) - world.open - places)
