"""A report by e-mail, for cron: a sentence and the CSV."""

from collections.abc import Sequence

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.mail import EmailMessage
from django.core.validators import validate_email

from core.errors import CCDError
from reporting import render
from reporting.report import Params, Report, Row


def send(report: Report, params: Params, rows: Sequence[Row], addresses: Sequence[str]) -> None:
    """One message to all of them. Raises CCDError where an address is none, or where no mail server takes it."""
    to = [address.strip() for address in addresses if address.strip()]
    for address in to:
        try:
            validate_email(address)
        except ValidationError:
            raise CCDError(f"{address[:80]!r} is not an e-mail address.") from None
    if not settings.CCD_SENDS_MAIL:
        raise CCDError("No mail server is named: set EMAIL_URL, as smtp+tls://user:password@host:587.")
    asked = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in params.items() if value is not None)
    message = EmailMessage(report.title, f"{report.description}\n\n{asked}\n", settings.DEFAULT_FROM_EMAIL, to)
    message.attach(render.file_name(report, params, "csv"), render.csv_text(report, rows), "text/csv")
    try:
        message.send()
    except OSError as error:
        raise CCDError(f"The mail server did not take it: {error}.") from error
