"""How far the system may go by itself: three thresholds and a switch, which an Administrator reads and changes."""

from dataclasses import dataclass, replace
from math import log2
from typing import Final

from core import audit, records, rules
from core.linking.weights import AT_LEAST
from core.models import LinkSettings, Staff

# In a small agency a person is asked up to so many bits earlier.
EARLIER: Final = 6.0
# Where many clients tell how common a name and a date are, so many bits less link: none up to TELLS clients, one less
# each time they double. Measured in cities of 10,000 to a million clients: docs/linking.md.
SURER: Final = 3.0
TELLS: Final = 12_500
# An equal name and date links from so many bits less than a small agency's other rows do.
EXACT: Final = 4.0
FIELDS = ("mode", "auto_bits", "hold_bits", "margin_bits")


@dataclass(frozen=True, slots=True)
class Parameters:
    """Bits from which a pair is linked by itself, from which it is held, and how far the next one must be behind."""

    mode: str = LinkSettings.Mode.AUTOMATIC
    auto_bits: float = 8.0
    hold_bits: float = 0.0
    margin_bits: float = 5.0
    surer: float = 0.0  # how far `auto_bits` are below those that were set, since there are so many clients

    @property
    def exact_bits(self) -> float:
        """Bits from which an equal name and date is borne out, however many clients there are."""
        return self.auto_bits + self.surer - EXACT

    @property
    def links(self) -> bool:
        """Scores may link."""
        return self.mode == LinkSettings.Mode.AUTOMATIC

    @property
    def scores(self) -> bool:
        """Scores are looked at at all."""
        return self.mode != LinkSettings.Mode.OFF

    def among(self, clients: int) -> "Parameters":
        """The same for an agency of so many clients. Bits begin with the careful prior of a big one; where few people
        could be meant, fewer bits make it as likely as not. A big one knows better what bits are worth, and links
        earlier, though never from fewer than it holds from.
        """
        earlier = min(EARLIER, max(0.0, log2(AT_LEAST / max(clients, 1))))
        surer = max(0.0, min(SURER, log2(max(clients, 1) / TELLS), self.auto_bits - self.hold_bits))
        return replace(self, auto_bits=self.auto_bits - surer, surer=surer, hold_bits=self.hold_bits - earlier)


def current() -> Parameters:
    """What holds now: what was set, else the defaults."""
    row = LinkSettings.objects.first()
    return Parameters() if row is None else of(row)


def of(row: LinkSettings) -> Parameters:
    return Parameters(**{name: getattr(row, name) for name in FIELDS})


def change(values: dict[str, object], *, actor: Staff | None, reason: str | None = None) -> frozenset[str]:
    """Set some of FIELDS. Returns the names of those that differed. Raises NotAllowed, Invalid."""
    with audit.acting(actor, channel="admin", reason=reason):
        row = LinkSettings.objects.select_for_update().first() or LinkSettings()
        rules.require(actor, "core.change_linksettings")
        changed = frozenset(name for name in FIELDS if name in values and getattr(row, name) != values[name])
        for name in changed:
            setattr(row, name, values[name])
        if changed:
            records.check(row)
            with records.explained(row):
                row.save()
        return changed
