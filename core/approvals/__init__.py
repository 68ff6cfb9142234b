"""Proposals: propose, approve, decline, withdraw, send back, answer; and the comparison a decision is made from."""

from core.approvals.asking import answer, send_back
from core.approvals.comparing import FieldComparison, Stale, compare, draft_of, taken, target, waiting_for
from core.approvals.deciding import approve, approve_group, decline, decline_group, withdraw
from core.approvals.diff import ENTITIES, Draft
from core.approvals.meanwhile import obstacle
from core.approvals.news import unread
from core.approvals.proposing import propose, submit

__all__ = [
    "ENTITIES",
    "Draft",
    "FieldComparison",
    "Stale",
    "answer",
    "approve",
    "approve_group",
    "compare",
    "decline",
    "decline_group",
    "draft_of",
    "obstacle",
    "propose",
    "send_back",
    "submit",
    "taken",
    "target",
    "unread",
    "waiting_for",
    "withdraw",
]
