"""Staff without clients, and clients without staff."""

from collections import Counter
from collections.abc import Iterator

from django.db.models import Exists, OuterRef, QuerySet

from core.choices import STAFF
from core.models import ClientAssignment, Enrollment, ProgramStaff, Staff
from reporting.forms import DayPlaceForm
from reporting.reading import people_of, scoped
from reporting.report import Params, Report, Row, key_of

NO_CLIENTS, NO_STAFF = "staff without clients", "clients without staff"


class Staffing(Report):
    """Programs and people that someone should be assigned to."""

    slug = "staffing"
    title = "Staff and Clients"
    description = "Staff who see no client through their programs or by name, and programs with clients but no staff."
    icon = "badge"
    form = DayPlaceForm
    columns = ("section", "department", "name", "clients")
    counted = "clients"

    def answer(self, actor: Staff | None, params: Params) -> Iterator[Row]:
        """Staff by name with no client; then programs without active staff, with how many clients are in them."""
        if not params.get("department"):
            for first, last in (
                _idle(actor, params).order_by("last_name", "first_name").values_list("first_name", "last_name")
            ):
                yield NO_CLIENTS, "", f"{first} {last}".strip(), 0
        people: dict[tuple[str, str], set] = {}
        names = ("program__department__name", "program__name", "client", "client__linked_to")
        for department, program, client, root in _unstaffed(actor, params).order_by().values_list(*names):
            people.setdefault((department, program), set()).add(root or client)
        numbers = Counter({place: len(found) for place, found in people.items()})
        for place in sorted(numbers, key=lambda place: [part.casefold() for part in place]):
            yield NO_STAFF, *place, numbers[place]

    def rule(self, params: Params) -> list[str]:
        """Who has clients, and who staff."""
        day = params["as_of"]
        return [
            "Staff without clients: active accounts with the role Staff that work in no program with a client active "
            f"on {day} and have no client by name.",
            f"Clients without staff: active on {day} in a program in which no active account works.",
        ]

    def key(self, row: Row) -> str:
        """Section, department and program."""
        return key_of(row[:3]) if row[0] == NO_STAFF else ""

    def people(self, actor: Staff | None, params: Params, row: Row) -> QuerySet | None:
        """The clients of a program without staff."""
        if row[0] != NO_STAFF:
            return None
        stays = _unstaffed(actor, params)
        return people_of(actor, stays.filter(program__department__name=row[1], program__name=row[2]))


def _stays(actor: Staff | None, params: Params) -> QuerySet:
    found = scoped(actor, Enrollment).active_on(params["as_of"])
    return found.filter(program__department=params["department"]) if params.get("department") else found


def _unstaffed(actor: Staff | None, params: Params) -> QuerySet:
    working = ProgramStaff.objects.filter(program=OuterRef("program"), staff__active=True)
    return _stays(actor, params).filter(~Exists(working))


def _idle(actor: Staff | None, params: Params) -> QuerySet:
    busy = Enrollment.objects.active_on(params["as_of"]).filter(program__program_staff__staff=OuterRef("pk"))
    granted = ClientAssignment.objects.filter(user=OuterRef("pk"))
    return scoped(actor, Staff).filter(~Exists(busy), ~Exists(granted), active=True, roles__name=STAFF)
