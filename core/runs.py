"""Keeping a report's run, so that it can be asked later what has moved since. Runs are added and stay as they are."""

from typing import Any

from core import audit, rules
from core.models import ReportRun, Staff


def keep(
    report: str,
    *,
    actor: Staff,
    parameters: dict[str, str],
    rows: list[list[Any]],
    people: int,
    people_sha256: str,
    position: int,
) -> ReportRun:
    """The kept run. `parameters` as in the page's address, `rows` as JSON has them, `people` how many different clients
    were counted, `people_sha256` the hash of their keys, `position` the last audit entry before it was counted.
    Raises NotAllowed.
    """
    with audit.acting(actor, channel="admin"):
        rules.require(actor, "core.keep_report")
        return ReportRun.objects.create(
            report=report,
            parameters=parameters,
            rows=rows,
            people=people,
            people_sha256=people_sha256,
            position=position,
            kept_by=actor,
        )
