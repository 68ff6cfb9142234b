"""The vocabulary: every word list that forms offer and files are mapped to. The database keeps text, so that a true
but unlisted value from a file is kept; forms offer these lists.
"""

from typing import Final

ADMINISTRATOR: Final = "Administrator"
COORDINATOR: Final = "Client Data Coordinator"
MANAGER: Final = "Manager"
LEADER: Final = "Leader"
STAFF: Final = "Staff"
ANALYST: Final = "Analyst"
ROLES: Final = (ADMINISTRATOR, COORDINATOR, MANAGER, LEADER, STAFF, ANALYST)

GENDERS: Final = (
    "Woman",
    "Man",
    "Trans woman",
    "Trans man",
    "Non-binary",
    "Two-Spirit",
    "Gender fluid",
    "Questioning",
    "Another gender",
    "Prefer not to say",
)
SEXUAL_ORIENTATIONS: Final = (
    "Heterosexual",
    "Gay",
    "Lesbian",
    "Bisexual",
    "Pansexual",
    "Queer",
    "Asexual",
    "Two-Spirit",
    "Questioning",
    "Another orientation",
    "Prefer not to say",
)
RACES: Final = (
    "Black",
    "East Asian",
    "Indigenous",
    "Latin American",
    "Middle Eastern",
    "South Asian",
    "Southeast Asian",
    "White",
    "Mixed",
    "Another race",
    "Prefer not to say",
)
IMMIGRATION_STATUSES: Final = (
    "Canadian citizen",
    "Permanent resident",
    "Convention refugee",
    "Refugee claimant",
    "Temporary worker",
    "International student",
    "Visitor",
    "Without status",
    "Another status",
    "Prefer not to say",
)
LANGUAGES: Final = (
    "English",
    "French",
    "Amharic",
    "Arabic",
    "Bengali",
    "Cantonese",
    "Cree",
    "Dari",
    "Farsi",
    "Greek",
    "Gujarati",
    "Hindi",
    "Hungarian",
    "Igbo",
    "Inuktitut",
    "Italian",
    "Japanese",
    "Korean",
    "Mandarin",
    "Nepali",
    "Ojibwe",
    "Pashto",
    "Polish",
    "Portuguese",
    "Punjabi",
    "Romanian",
    "Russian",
    "Sign language",
    "Somali",
    "Spanish",
    "Swahili",
    "Tagalog",
    "Tamil",
    "Tibetan",
    "Tigrinya",
    "Turkish",
    "Twi",
    "Ukrainian",
    "Urdu",
    "Vietnamese",
    "Yoruba",
    "Another language",
)
PROVINCES: Final = ("AB", "BC", "MB", "NB", "NL", "NS", "NT", "NU", "ON", "PE", "QC", "SK", "YT")
DISCHARGE_REASONS: Final = (
    "Housed",
    "Completed program",
    "Moved to another program",
    "Left voluntarily",
    "Asked to leave",
    "No contact",
    "Hospital",
    "Incarcerated",
    "Deceased",
    "Another reason",
)

SCOPE_ORG: Final = "org"
SCOPE_PROGRAM: Final = "program"
SCOPES: Final = ((SCOPE_ORG, "Whole organization"), (SCOPE_PROGRAM, "One program"))

PENDING: Final = "pending"
APPROVED: Final = "approved"
DECLINED: Final = "declined"
CHANGE_STATUSES: Final = ((PENDING, "Pending"), (APPROVED, "Approved"), (DECLINED, "Declined"))
CHANGE_KINDS: Final = (("create", "Create"), ("change", "Change"), ("delete", "Delete"))
QUESTION: Final = "question"
ANSWER: Final = "answer"
NOTE_KINDS: Final = ((QUESTION, "Question"), (ANSWER, "Answer"))

AUDIT_ACTIONS: Final = (("create", "Created"), ("update", "Changed"), ("delete", "Deleted"), ("import", "Imported"))
CHANNELS: Final = (
    ("admin", "Direct edit"),
    ("approval", "Approved proposal"),
    ("import", "Daily file"),
    ("link", "Linking"),
    ("command", "Command"),
)

OUTCOMES: Final = ("created", "updated", "unchanged", "duplicate", "held", "rejected")
