"""The sentences: what each kind of entry says. Placeholders are columns of the row, in words, without their `_id`."""

from typing import Final

# entity → what it says when a row is created, changed, deleted
PHRASES: Final[dict[str, tuple[str, str, str]]] = {
    "clients": ("Added client {name}", "Changed client {name}", "Deleted client {name}"),
    "client_identifiers": (
        "Added the identifier {source_system} {uid_external} of {client}",
        "Changed the identifier {source_system} {uid_external} of {client}",
        "Removed the identifier {source_system} {uid_external} of {client}",
    ),
    "client_program_enrollments": (
        "Enrolled {client} in {program} from {start_date}",
        "Changed the enrollment of {client} in {program}",
        "Removed the enrollment of {client} in {program}",
    ),
    "intakes": (
        "Recorded the intake of {client} for {program} on {intake_date}",
        "Changed the intake of {client} for {program}",
        "Removed the intake of {client} for {program}",
    ),
    "discharges": (
        "Discharged {client} from {program} on {discharge_date}",
        "Changed the discharge of {client} from {program}",
        "Removed the discharge of {client} from {program}",
    ),
    "service_restrictions": (
        "Restricted {client} from {where} from {start_date}",
        "Changed the restriction of {client} from {where}",
        "Removed the restriction of {client} from {where}",
    ),
    "programs": ("Added program {name}", "Changed program {name}", "Deleted program {name}"),
    "program_capacities": (
        "Recorded the capacity of {program}: {capacity}",
        "Changed the capacity of {program}",
        "Removed a capacity of {program}",
    ),
    "program_staff": (
        "Added {staff} to the staff of {program}",
        "Changed the staff of {program}",
        "Took {staff} from the staff of {program}",
    ),
    "departments": ("Added department {name}", "Changed department {name}", "Deleted department {name}"),
    "staff": ("Added staff member {name}", "Changed staff member {name}", "Deleted staff member {name}"),
    "roles": ("Added role {name}", "Changed role {name}", "Deleted role {name}"),
    "staff_roles": (
        "Gave {staff} the role {role}",
        "Changed a role of {staff}",
        "Took the role {role} from {staff}",
    ),
    "client_assignments": (
        "Let {user} see {client}",
        "Changed how {user} may see {client}",
        "Ended that {user} may see {client}",
    ),
    "client_links": (
        "Linked {client} and {other}",
        "Changed the link of {client} and {other}",
        "Removed the link of {client} and {other}",
    ),
    "link_settings": (
        "Set how clients are linked: {mode}",
        "Changed how clients are linked",
        "Took back how clients are linked",
    ),
    "source_disagreements": (
        "Kept {field} of {client}, where {source_system} disagrees",
        "Kept {field} of {client}, where {source_system} still disagrees",
        "Removed a disagreement about {field} of {client}",
    ),
    "row_answers": (
        "Answered row {row_number} of {batch}: {verdict}",
        "Changed the answer about row {row_number} of {batch}",
        "Took back the answer about row {row_number} of {batch}",
    ),
    "source_settings": (
        "Set how files of {source_system} are taken in",
        "Changed how files of {source_system} are taken in",
        "Took back how files of {source_system} are taken in",
    ),
    "pending_changes": (
        "Proposed to {proposal}",
        "Changed the proposal to {proposal}",
        "Removed the proposal to {proposal}",
    ),
    "proposal_notes": (
        "Said about a proposal: “{text}”",
        "Changed what was said about a proposal",
        "Removed what was said about a proposal",
    ),
    "report_runs": (
        "Kept a run of {report}: {people} people",
        "Changed a kept run of {report}",
        "Removed a kept run of {report}",
    ),
    "import_batches": (
        "Ingested {file_name} from {source_system}",
        "Ingested {file_name} from {source_system}",
        "Ingested {file_name} from {source_system}",
    ),
}

# (entity, column, value it got or None for any) → what a change says in place of the above; the first that fits
TURNS: Final[tuple[tuple[str, str, str | None, str], ...]] = (
    ("clients", "linked_to", None, "Linked client {name} to {linked_to}"),
    ("clients", "closed_on", None, "Closed client {name}"),
    ("client_program_enrollments", "end_date", None, "Ended the enrollment of {client} in {program} on {end_date}"),
    ("service_restrictions", "end_date", None, "Ended the restriction of {client} from {where} on {end_date}"),
    ("programs", "closed_on", None, "Closed program {name}"),
    ("pending_changes", "withdrawn", "Yes", "Withdrew the proposal to {proposal}"),
    ("pending_changes", "status", "Approved", "Approved the proposal to {proposal}"),
    ("pending_changes", "status", "Declined", "Declined the proposal to {proposal}"),
    ("pending_changes", "is_sent_back", "Yes", "Sent back the proposal to {proposal}"),
    ("pending_changes", "is_sent_back", "No", "Answered what was asked about the proposal to {proposal}"),
    ("client_assignments", "end_date", None, "Let {user} see {client} through {end_date}"),
    ("client_links", "undone_at", None, "Unlinked {client} and {other}"),
    ("import_batches", "status", "Taken back", "Took back {file_name} from {source_system}"),
    ("import_batches", "status", "Refused", "Refused {file_name} from {source_system}, which was held whole"),
    ("import_batches", "status", "Running", "Released {file_name} from {source_system}, which was held whole"),
    (
        "import_batches",
        "status",
        "Waiting for its turn",
        "Released {file_name} from {source_system}, which was held whole",
    ),
    ("staff", "active", "No", "Closed the account of {name}"),
    ("source_disagreements", "status", "Ours kept", "Kept ours: {field} of {client}, where {source_system} disagrees"),
    ("source_disagreements", "status", "Open", "Kept {field} of {client}, where {source_system} disagrees again"),
    ("source_disagreements", "status", "Theirs taken", "Took {field} of {client} from {source_system}"),
)
# The same for rows made at once in that state.
MADE: Final = (
    ("client_links", "verdict", "Not the same", "Marked {client} and {other} as not the same person"),
    ("proposal_notes", "kind", "Question", "Asked about a proposal: “{text}”"),
    ("proposal_notes", "kind", "Answer", "Answered about a proposal: “{text}”"),
)

# What a proposal wants: to make, change or remove a row.
PROPOSALS: Final[dict[str, tuple[str, str, str]]] = {
    "clients": ("add client {name}", "change client {name}", "remove client {name}"),
    "client_identifiers": (
        "add the identifier {source_system} {uid_external} of {client}",
        "change the identifier {source_system} {uid_external} of {client}",
        "remove the identifier {source_system} {uid_external} of {client}",
    ),
    "client_program_enrollments": (
        "enroll {client} in {program}",
        "change the enrollment of {client} in {program}",
        "remove the enrollment of {client} in {program}",
    ),
    "intakes": (
        "record the intake of {client} for {program}",
        "change the intake of {client} for {program}",
        "remove the intake of {client} for {program}",
    ),
    "discharges": (
        "discharge {client} from {program}",
        "change the discharge of {client} from {program}",
        "remove the discharge of {client} from {program}",
    ),
    "service_restrictions": (
        "restrict {client} from {where}",
        "change the restriction of {client} from {where}",
        "remove the restriction of {client} from {where}",
    ),
    "programs": ("add program {name}", "change program {name}", "remove program {name}"),
    "program_staff": (
        "add {staff} to the staff of {program}",
        "change the place of {staff} in {program}",
        "take {staff} from the staff of {program}",
    ),
    "departments": ("add department {name}", "change department {name}", "remove department {name}"),
}
ANY_PROPOSAL: Final = ("add a record", "change a record", "remove a record")
# The same where nothing but the last day is proposed.
ENDINGS: Final = {
    "client_program_enrollments": "end the enrollment of {client} in {program}",
    "service_restrictions": "end the restriction of {client} from {where}",
}
