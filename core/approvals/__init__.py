"""Proposals: propose, approve, decline, withdraw; and the comparison a decision is made from."""

from core.approvals.comparing import FieldComparison, Stale, compare, taken, target, waiting_for
from core.approvals.deciding import approve, approve_group, decline, withdraw
from core.approvals.diff import ENTITIES, Draft
from core.approvals.proposing import propose, submit

__all__ = [
    "ENTITIES",
    "Draft",
    "FieldComparison",
    "Stale",
    "approve",
    "approve_group",
    "compare",
    "decline",
    "propose",
    "submit",
    "taken",
    "target",
    "waiting_for",
    "withdraw",
]
