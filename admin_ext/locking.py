"""Against guessing passwords: how django-axes names an account, and what is said when it is locked.

The same is said of an address that has no account: the page tells nobody who works here.
"""

from typing import Any

from axes.backends import AxesStandaloneBackend
from axes.utils import reset
from django.conf import settings
from django.http import HttpRequest, HttpResponse

from admin_ext.middleware import page
from core.models import Staff


class Guard(AxesStandaloneBackend):
    """Does not let a locked account be asked for its password. Without a request a script asks, and no guesser."""

    def authenticate(self, request: HttpRequest | None, username: str | None = None, **credentials: Any) -> None:
        """None, or PermissionDenied, which ends the asking."""
        return super().authenticate(request, username, **credentials) if request is not None else None


def account(request: HttpRequest | None, credentials: dict[str, Any] | None) -> str | None:
    """The e-mail that was typed, in one spelling: the database finds an account ignoring case, by its capitals."""
    typed = (credentials or {}).get("username")
    if typed is None and request is not None:
        typed = request.POST.get("username")
    return _spelt(typed) if typed else None


def locked(request: HttpRequest, response: HttpResponse | None, credentials: dict[str, Any] | None) -> HttpResponse:
    """The page of a locked account. The right password is not let in either: it would say that it was right."""
    minutes = settings.LOGIN_LOCK_MINUTES
    return page(
        429, f"Too many wrong passwords for this account. Try again in {minutes} minutes, or ask an administrator."
    )


def unlock(staff: Staff) -> None:
    """A new password from an administrator lets the person in at once."""
    reset(username=_spelt(staff.email))


def _spelt(text: str) -> str:
    return text.replace("\x00", "").strip().upper().lower()[:255]
