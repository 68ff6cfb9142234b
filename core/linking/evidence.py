"""The evidence kept with a decision, read for people: every bit of it, in words."""

from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from core.linking.levels import BY_NAME
from core.linking.parameters import EXACT
from core.linking.scoring import BARS

_LEVELS: Final = {
    "same": "the same",
    "variant": "another form of the name",
    "typo": "a slip of the pen away",
    "alike": "alike",
    "part": "one is a part of the other",
    "initial": "the same initial",
    "kin": "alike, but another name",
    "different": "different",
    "swapped": "swapped",
    "slip": "one slip away",
    "near": "two of three parts the same",
    "area": "the same area",
    "another identifier": "another identifier",
}
_SUMS: Final = {
    "full_name": ("Full name", "commoner than its parts"),
    "household": ("Shared household", "phone, e-mail and address tell one fact several times"),
    "prior": ("Before comparing", "how many people could be meant"),
}
MARGIN: Final = "Another client is nearly as likely."


@dataclass(frozen=True, slots=True)
class Line:
    """One field of one candidate: its label, how it agrees, and the bits that gives."""

    field: str
    label: str
    agrees: str
    bits: float


@dataclass(frozen=True, slots=True)
class Candidate:
    """One client who may be meant, with every bit; the lines add up to `total`."""

    client: UUID
    total: float
    bar: str  # a sentence: why it is not linked by itself whatever the bits say, or ''
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Explained:
    """A decision: the word, the thresholds it was measured against, the model, and the candidates, best first."""

    verdict: str
    bar: str
    model: int
    learnt_from: int
    auto_bits: float
    hold_bits: float
    margin_bits: float
    candidates: tuple[Candidate, ...]
    exact_bits: float  # from which an equal name and date is borne out


def explain(evidence: dict[str, Any] | None) -> Explained | None:
    """The evidence of a row (ImportRow.evidence) or a pair (ClientPair.evidence, ClientLink.evidence) in words."""
    if not evidence or "candidates" not in evidence:
        return None
    bar = evidence.get("bar", "")
    return Explained(
        evidence["verdict"],
        MARGIN if bar == "margin" else BARS.get(bar, ""),
        evidence["model"],
        evidence["learnt_from"],
        *evidence["thresholds"],
        tuple(map(_candidate, evidence["candidates"])),
        evidence.get("exact", evidence["thresholds"][0] - EXACT),
    )


def _candidate(found: dict[str, Any]) -> Candidate:
    lines = tuple(_line(name, *found["bits"][name]) for name in (*BY_NAME, *_SUMS) if name in found["bits"])
    return Candidate(UUID(found["client"]), found["total"], BARS.get(found["bar"], ""), lines)


def _line(name: str, level: str, bits: float) -> Line:
    if name in _SUMS:
        return Line(name, *_SUMS[name], bits)
    return Line(name, BY_NAME[name].label, _LEVELS[level], bits)
