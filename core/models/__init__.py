"""The tables of CONTRACT §3 and those beside them."""

from core.models.audit import AccessEntry, AuditEntry
from core.models.base import AuditedModel
from core.models.changes import PendingChange, ProposalNote
from core.models.clients import Client, ClientAssignment, ClientIdentifier
from core.models.enrollment import Discharge, Enrollment, Intake
from core.models.imports import (
    ImportBatch,
    ImportFile,
    ImportProgress,
    ImportRow,
    RememberedRow,
    RowAnswer,
    SourceDisagreement,
)
from core.models.linking import ClientLink, ClientPair, LinkModel, LinkSettings, MatchKey
from core.models.people import Role, Staff, StaffRole
from core.models.programs import Department, Program, ProgramCapacity, ProgramStaff
from core.models.reports import ReportRun
from core.models.restrictions import Restriction
from core.models.sources import SourceSettings, UnmappedValue

__all__ = [
    "AccessEntry",
    "AuditEntry",
    "AuditedModel",
    "Client",
    "ClientAssignment",
    "ClientIdentifier",
    "ClientLink",
    "ClientPair",
    "Department",
    "Discharge",
    "Enrollment",
    "ImportBatch",
    "ImportFile",
    "ImportProgress",
    "ImportRow",
    "Intake",
    "LinkModel",
    "LinkSettings",
    "MatchKey",
    "PendingChange",
    "Program",
    "ProgramCapacity",
    "ProgramStaff",
    "ProposalNote",
    "RememberedRow",
    "ReportRun",
    "Restriction",
    "Role",
    "RowAnswer",
    "SourceDisagreement",
    "SourceSettings",
    "Staff",
    "StaffRole",
    "UnmappedValue",
]
