"""Who may do what at which address: the one table behind the matrix and docs/permissions.md.

Deny by default: a route that is not here fails the tests, and so does a row without a route. A role that a row does not
name is refused; what a person may not see answers as if it had never been.
"""

from dataclasses import dataclass

from core.choices import ADMINISTRATOR, ANALYST, COORDINATOR, LEADER, MANAGER, STAFF

ROLES = (ADMINISTRATOR, COORDINATOR, MANAGER, LEADER, STAFF, ANALYST)
DIRECT = frozenset({ADMINISTRATOR, COORDINATOR})
PROPOSING = frozenset({MANAGER, LEADER})
WRITING = DIRECT | PROPOSING
READING = WRITING | {ANALYST}
EVERYONE = READING | {STAFF}
EXPORTING = DIRECT | {ANALYST}
ADMINISTRATORS = frozenset({ADMINISTRATOR})
NOBODY: frozenset[str] = frozenset()

# Persona → role. The first four have none, or lost it while logged in.
OUTSIDERS = ("anonymous", "norole", "deactivated", "demoted")
INSIDERS = {
    "administrator": ADMINISTRATOR,
    "coordinator": COORDINATOR,
    "manager": MANAGER,
    "leader": LEADER,
    "analyst": ANALYST,
    "worker": STAFF,
    "elsewhere": STAFF,
}
PERSONAS = (*OUTSIDERS, *INSIDERS)

# Tags of what is planted in the world, and from whom each is hidden.
OF_PEOPLE = frozenset({"own", "clinic", "past", "granted", "lapsed", "extra"})
_DESK = frozenset({"batch", "batchname", "desk", "grant"})
_PROPOSED = frozenset({"proposalmanager", "proposalleader", "proposalrival"})
ALL_TAGS = OF_PEOPLE | _DESK | _PROPOSED | {"people", "access", "secret"}
HIDDEN: dict[str, frozenset[str]] = {
    **dict.fromkeys(OUTSIDERS, ALL_TAGS),
    "administrator": frozenset({"secret"}),
    "coordinator": frozenset({"secret", "access"}),
    "manager": _DESK | {"secret", "access", "proposalleader", "proposalrival"},
    "leader": _DESK | {"secret", "access", "proposalmanager", "proposalrival"},
    "analyst": frozenset({"secret", "access", "batch"}),
    "worker": ALL_TAGS - {"own", "granted"},
    "elsewhere": ALL_TAGS - {"clinic"},
}

# Answers
ALLOW, FORBIDDEN, NOT_FOUND, METHOD, LOGIN = "allow", "403", "404", "405", "login"


@dataclass(frozen=True)
class Row:
    """One route. `of`: the model of the record it names. `get`, `post`: the roles it is open to; None: no such method.
    `hides`: asks for the record before the right, so that a record one may not see is 404 and one may see, without
    the right, 403; else 403 for both. `does`: what it is for, in a few words.
    """

    name: str
    does: str
    of: str = ""
    get: frozenset[str] | None = EVERYONE
    post: frozenset[str] | None = NOBODY
    hides: bool = False
    is_open: bool = False
    page: bool = True  # asked for with its own record by GET it answers with a page or a file


def _admin(
    model: str,
    *,
    see: frozenset[str],
    write: frozenset[str],
    remove: frozenset[str] = NOBODY,
    add: frozenset[str] | None = None,
) -> tuple[Row, ...]:
    """The five pages of Django's admin for one model. Nobody may POST what they may not GET."""
    name = f"admin:core_{model}"
    return (
        Row(f"{name}_changelist", "list, search, filters", get=see, post=see),
        Row(f"{name}_add", "new", get=write if add is None else add, post=write if add is None else add),
        Row(f"{name}_change", "one record", of=model, get=see, post=write, hides=True),
        Row(f"{name}_delete", "remove", of=model, get=remove, post=remove, hides=bool(remove)),
        Row(f"{name}_history", "its story", of=model, get=READING & see, post=READING & see,
            hides=True),
        Row(f"admin/core/{model}/<path:object_id>/", "leads to the record's page", of=model, post=EVERYONE, page=False),
    )  # fmt: skip


def _version(model: str) -> Row:
    return Row(f"admin:core_{model}_version", "an old version, to restore", of=model, get=ADMINISTRATORS,
               post=ADMINISTRATORS, hides=True)  # fmt: skip


def _export(model: str) -> Row:
    return Row(f"admin:core_{model}_export", "rows as CSV or XLSX", get=EXPORTING, post=None)


POLICY: tuple[Row, ...] = (
    Row("/", "leads to the admin", is_open=True, post=EVERYONE, page=False),
    Row("/healthz", "the process answers", is_open=True, post=None),
    Row("admin:login", "log in", is_open=True, post=EVERYONE, page=False),
    Row("admin:logout", "log out", is_open=True, get=None, post=EVERYONE, page=False),
    Row("admin:index", "first page", post=EVERYONE),
    Row("admin:password_change", "own password", post=EVERYONE),
    Row("admin:password_change_done", "own password was changed", post=None),
    Row("admin:jsi18n", "words of the scripts", post=None),
    Row("admin:search", "finds screens by name", post=EVERYONE),
    Row("admin:autocomplete", "choices of a field", get=EVERYONE, post=None),
    Row("admin:app_list", "screens", post=EVERYONE),
    Row("admin/(?P<url>.*)$", "everything else", get=NOBODY, post=NOBODY),
    Row("admin:report_index", "reports", get=READING, post=None),
    Row("admin:report", "one report, its CSV and XLSX", get=READING, post=None),
    Row("admin:report_keep", "keep the numbers as they stand", get=None, post=READING, page=False),
    Row("admin:report_kept", "what has moved since a run was kept", get=READING, post=None),
    Row("admin:report_people", "the clients behind a number", get=READING, post=None),
    Row("admin:report_people_file", "the same as CSV or XLSX", get=EXPORTING, post=None),
    *_admin("client", see=EVERYONE, write=WRITING),
    _version("client"),
    _export("client"),
    Row("admin:core_client_access", "who looked at this client", of="client", get=DIRECT, post=None, hides=True),
    Row("admin:core_client_assign", "assign someone to the client", of="client", get=DIRECT, post=DIRECT, hides=True),
    Row("admin:core_client_unassign", "end an assignment", of="client", get=DIRECT, post=DIRECT, hides=True),
    *_admin("program", see=EVERYONE, write=WRITING),
    _version("program"),
    _export("program"),
    *_admin("department", see=READING, write=WRITING),
    _version("department"),
    *_admin("enrollment", see=EVERYONE, write=WRITING, remove=WRITING),
    _version("enrollment"),
    _export("enrollment"),
    Row("admin:core_enrollment_end", "set the last day", of="enrollment", get=WRITING, post=WRITING, hides=True),
    *_admin("intake", see=EVERYONE, write=WRITING, remove=WRITING),
    _version("intake"),
    _export("intake"),
    *_admin("discharge", see=EVERYONE, write=WRITING, remove=WRITING),
    _version("discharge"),
    _export("discharge"),
    *_admin("restriction", see=EVERYONE, write=WRITING),
    _version("restriction"),
    _export("restriction"),
    Row("admin:core_restriction_end", "set the last day", of="restriction", get=WRITING, post=WRITING, hides=True),
    *_admin("pendingchange", see=WRITING, write=NOBODY),
    Row("admin:core_pendingchange_approve", "approve", of="pendingchange", get=None, post=DIRECT, hides=True),
    Row("admin:core_pendingchange_decline", "decline", of="pendingchange", get=None, post=DIRECT, hides=True),
    Row("admin:core_pendingchange_send_back", "send back with a question", of="pendingchange", get=None, post=DIRECT,
        hides=True),
    Row("admin:core_pendingchange_answer", "answer the question", of="pendingchange", get=None, post=PROPOSING,
        hides=True),
    Row("admin:core_pendingchange_withdraw", "take one's own back", of="pendingchange", get=None, post=PROPOSING,
        hides=True),
    *_admin("auditentry", see=READING, write=NOBODY),
    Row("admin:core_auditentry_export", "the log as CSV", get=EXPORTING, post=None),
    *_admin("importbatch", see=DIRECT, write=NOBODY, add=DIRECT),
    Row("admin:core_importbatch_confirm", "take a previewed file in", of="importbatch", get=None, post=DIRECT,
        hides=True),
    Row("admin:core_importbatch_cancel", "forget a previewed file", of="importbatch", get=None, post=DIRECT,
        hides=True),
    Row("admin:core_importbatch_feeds", "what each source sends", get=DIRECT, post=None),
    Row("admin:core_importbatch_source", "schedule and limits of a source", get=DIRECT, post=DIRECT),
    Row("admin:core_importbatch_words", "headers, words, dates of a source", get=DIRECT, post=DIRECT),
    Row("admin:core_importbatch_progress", "how far a long file is", of="importbatch", get=DIRECT, post=None,
        hides=True),
    Row("admin:core_importbatch_undo", "take a file back", of="importbatch", get=DIRECT, post=DIRECT, hides=True),
    Row("admin:core_importbatch_row", "every bit of one row", of="importbatch", get=DIRECT, post=None, hides=True),
    Row("admin:core_importbatch_rows", "rejects as CSV", of="importbatch", get=DIRECT, post=None, hides=True),
    Row("admin:core_importrow_desk", "rows that wait for a person", get=DIRECT, post=None),
    Row("admin:core_importrow_settle", "answer, correct or set aside a row", get=None, post=DIRECT, page=False),
    Row("admin:core_sourcedisagreement_open", "where a file disagrees with a person", get=DIRECT, post=None),
    Row("admin:core_sourcedisagreement_decide", "take theirs, keep ours", get=None, post=DIRECT, page=False),
    *_admin("clientlink", see=DIRECT, write=NOBODY),
    Row("admin:core_clientlink_not_same", "say that two are two", of="client", get=None, post=DIRECT),
    Row("admin:core_clientlink_parameters", "how clients are linked", get=ADMINISTRATORS, post=ADMINISTRATORS),
    Row("admin:core_clientlink_link", "two records side by side, to link", of="client", get=DIRECT, post=DIRECT,
        hides=True),
    Row("admin:core_clientlink_unlink", "take a link back", of="clientlink", get=None, post=DIRECT, hides=True),
    *_admin("staff", see=ADMINISTRATORS, write=ADMINISTRATORS),
    Row("admin:core_staff_password", "set someone's password", of="staff", get=ADMINISTRATORS, post=ADMINISTRATORS,
        hides=True),
    Row("admin:core_staff_looks", "what this person looked at", of="staff", get=ADMINISTRATORS, post=None, hides=True),
    Row("admin:core_staff_sees", "which clients this person sees, and why", of="staff", get=ADMINISTRATORS, post=None,
        hides=True),
)  # fmt: skip
BY_NAME = {row.name: row for row in POLICY}
