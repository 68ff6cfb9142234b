"""manage.py create_staff: an account from the command line; the first one is made like this."""

import getpass
import re
import secrets
import sys
from argparse import ArgumentParser

from django.contrib.auth.hashers import make_password
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import CommandError
from django.core.validators import validate_email

from core import audit, records
from core.choices import COORDINATOR, ROLES
from core.management.sentence import SentenceCommand
from core.models import Role, Staff

_BY_NAME = {name.casefold(): name for name in ROLES} | {"coordinator": COORDINATOR}


def _role(name: str) -> str:
    found = _BY_NAME.get(" ".join(name.split()).casefold())
    if found is None:
        raise CommandError(f"There is no role {name!r}. The six are: {', '.join(ROLES)}.", returncode=2)
    return found


def _names(email: str, first: str | None, last: str | None) -> tuple[str, str]:
    """What is not given is taken from the e-mail: amina.yusuf@… is Amina Yusuf."""
    words = [word.capitalize() for word in re.split(r"[._\-+\d]+", email.partition("@")[0]) if word] or [email]
    return first or words[0], last or " ".join(words[1:]) or words[0]


class Command(SentenceCommand):
    """Exit 0: the account is there. Exit 1: it was refused, and why. Exit 2: wrong usage."""

    help = "Make an account. Asks for the password on a terminal; else makes a random one and prints it once."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The options."""
        parser.add_argument("email")
        parser.add_argument("--role", action="append", required=True, metavar="NAME", help="may be given several times")
        parser.add_argument("--first-name")
        parser.add_argument("--last-name")
        parser.add_argument("--password-stdin", action="store_true", help="the password is the first line of stdin")

    def handle(self, *, email: str, role: list[str], **options: object) -> None:
        """Check, ask for the password, write."""
        roles = sorted({_role(name) for name in role}, key=ROLES.index)
        try:
            validate_email(email)
        except ValidationError:
            raise CommandError(f"{email!r} is not an e-mail address.") from None
        if Staff.objects.of_email(email).exists():
            raise CommandError(f"There is an account {email} already.")
        first, last = _names(email, options["first_name"], options["last_name"])
        staff = Staff(email=email, first_name=first, last_name=last)
        password, is_made_up = _password(from_stdin=options["password_stdin"])
        try:
            validate_password(password, staff)
            self._write(staff, password, roles)
        except ValidationError as error:
            raise CommandError(f"The password does not do: {' '.join(error.messages)}") from error
        self.stdout.write(f"Made the account {email} for {first} {last}: {', '.join(roles)}.")
        if is_made_up:
            self.stdout.write(f"Password, shown this once: {password}")

    def _write(self, staff: Staff, password: str, roles: list[str]) -> None:
        values = {name: getattr(staff, name) for name in ("email", "first_name", "last_name")}
        with audit.acting(None, channel="command"):
            values["password"] = make_password(password)
            made = records.create(Staff, actor=None, values=values, reason="manage.py create_staff")
            records.set_roles(made, actor=None, roles=Role.objects.filter(name__in=roles))


def _password(*, from_stdin: bool) -> tuple[str, bool]:
    """(password, whether it was made up here)."""
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n"), False
    if not sys.stdin.isatty():
        return secrets.token_urlsafe(12), True
    password = getpass.getpass("Password: ")
    if getpass.getpass("Password again: ") != password:
        raise CommandError("The two passwords differ.")
    return password, False
