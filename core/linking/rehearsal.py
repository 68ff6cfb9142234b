"""What other thresholds would have made of past decisions, and what people have said of those since."""

from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from django.db.models import Q

from core.linking.parameters import Parameters
from core.models import Client, ClientIdentifier, ClientLink, ImportBatch, ImportRow

# The latest rows and verdicts that are looked through while someone waits.
LATEST: Final = 20_000
SAME, MAYBE, NEW = "same", "maybe", "new"


@dataclass(slots=True)
class Rehearsal:
    """Counts over the scored rows of past files, and over pairs that people decided."""

    rows: int = 0
    linked: int = 0
    held: int = 0
    more: int = 0  # linked now, held or new then
    more_confirmed: int = 0  # of those: the row's identifier is that client's today
    more_rejected: int = 0  # of those: the row's identifier is another client's today
    fewer: int = 0  # linked then by score, not any more
    pairs: int = 0
    pairs_linked: int = 0  # decided by people, linked by these thresholds
    pairs_rejected: int = 0  # of those: a person said that they are two

    @property
    def sentence(self) -> str:
        """The whole of it in words."""
        if not self.rows and not self.pairs:
            return "Nothing was scored yet: there is nothing to rehearse with."
        return (
            f"Of the last {self.rows:,} scored rows these thresholds would have linked {self.linked:,} and held "
            f"{self.held:,}: {self.more:,} more linked than then, {self.more_rejected} of which people gave to someone "
            f"else since ({self.more_confirmed} confirmed), and {self.fewer:,} fewer. Of {self.pairs:,} pairs that "
            f"people decided they would have linked {self.pairs_linked:,}, {self.pairs_rejected} of which people "
            "rejected."
        )


def rehearse(parameters: Parameters) -> Rehearsal:
    """Judge the kept evidence by other parameters. Reads only."""
    found, parameters = Rehearsal(), parameters.among(Client.objects.count())
    _rows(found, parameters)
    _pairs(found, parameters)
    return found


def word(evidence: dict[str, Any], parameters: Parameters) -> str:
    """'same', 'maybe' or 'new': the verdict on kept evidence by these parameters."""
    best, *others = evidence["candidates"]
    total = best["total"]
    clear = not others or total - others[0]["total"] >= parameters.margin_bits
    if parameters.links and total >= parameters.auto_bits and not best["bar"] and clear:
        return SAME
    return MAYBE if parameters.scores and total >= parameters.hold_bits else NEW


def _rows(found: Rehearsal, parameters: Parameters) -> None:
    latest = (
        ImportRow.objects.filter(evidence__isnull=False, batch__status=ImportBatch.Status.APPLIED)
        .filter(~Q(outcome="held") | Q(reason_code="uncertain_match"))  # the others are held whatever their bits
        .order_by("-row_id")
        .values_list("evidence", "outcome", "batch__source_system")[:LATEST]
    )
    rows = [row for row in latest if row[0].get("candidates")]
    owners = _owners({(source, row["uid"]) for row, _, source in rows if row.get("uid")})
    for evidence, outcome, source in rows:
        now, was = word(evidence, parameters), SAME if evidence["verdict"] == SAME and outcome != "held" else MAYBE
        found.rows += 1
        found.linked += now == SAME
        found.held += now == MAYBE
        found.fewer += was == SAME and now != SAME
        if now == SAME and was != SAME:
            owner = owners.get((source, evidence.get("uid")))
            found.more += 1
            found.more_confirmed += owner == UUID(evidence["candidates"][0]["client"])
            found.more_rejected += owner not in (None, UUID(evidence["candidates"][0]["client"]))


def _owners(wanted: set[tuple[str, str]]) -> dict[tuple[str, str], UUID]:
    """Whose these identifiers are today, links resolved."""
    known = ClientIdentifier.objects.filter(uid_external__in={uid for _, uid in wanted}).select_related("client")
    return {
        (k.source_system, k.uid_external): k.client.linked_to_id or k.client_id
        for k in known
        if (k.source_system, k.uid_external) in wanted
    }


def _pairs(found: Rehearsal, parameters: Parameters) -> None:
    decided = ClientLink.objects.filter(evidence__has_key="candidates").order_by("-decided_at")[:LATEST]
    for verdict in decided:
        found.pairs += 1
        if word(verdict.evidence, parameters) == SAME:
            found.pairs_linked += 1
            found.pairs_rejected += verdict.verdict == ClientLink.Verdict.NOT_SAME or verdict.undone_at is not None
