"""manage.py report SLUG --options [--csv PATH|-] [--json] [--out DIR] [--email ADDRESSES]: one sub-command per report,
its options from its form.
"""

import os
import uuid
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError, CommandParser
from django.forms import DateField, Field

import reporting
from core.errors import CCDError
from core.management.sentence import USAGE, OneLineParser, SentenceCommand
from reporting import mailing, render
from reporting.forms import UNKNOWN, ReportForm
from reporting.report import Report

REFUSED = 1
# What to give an option that is empty.
_EMPTY = {"csv": "name a file, or - for standard output", "out": "name a folder", "email": "name at least one address"}


class Command(SentenceCommand):
    """Prints a report as a table, writes it as CSV, or prints it as JSON."""

    help = "Print a report, or write it as CSV or JSON. Exit 0: done; 1: refused; 2: wrong usage."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        """A sub-command per report."""
        reports = parser.add_subparsers(dest="report", metavar="REPORT", required=True, parser_class=OneLineParser)
        for report in reporting.every().values():
            _add_options(
                reports.add_parser(report.slug, help=report.description, description=report.description), report
            )

    def handle(self, *args: Any, **options: Any) -> None:
        """Options → rows → output."""
        report = reporting.get(options["report"])
        if sentence := _at_odds(report, options):
            raise CommandError(sentence, returncode=USAGE)
        params = _params(report, options)
        rows = report.rows(None, params)
        shared = _shared(report, params, options)
        if options["csv"] not in (None, "-"):
            _write(Path(options["csv"]), render.csv_text(report, _leaving(rows, shared, options)))
        if options["out"] is not None:
            _write(_place(report, params, options), render.csv_text(report, _leaving(rows, shared, options)))
        if options["email"]:
            mailing.send(report, params, rows if options["inside"] else shared, options["email"].split(","))
        rows = _leaving(rows, shared, options)
        self.stdout.write(_output(report, rows, params, options), ending="")


def _at_odds(report: Report, options: dict[str, Any]) -> str | None:
    """Why these options do not go together; None where they do. An empty one is a variable that cron did not have: what
    was meant for a file or for somebody's mail must not be printed instead.
    """
    empty = [name for name in ("csv", "out", "email") if options[name] is not None and not options[name].strip(" ,")]
    days = [_option(name) for name in _days(report) if options[name] is not None]
    if empty:
        return f"--{empty[0]} is empty: {_EMPTY[empty[0]]}."
    if options["csv"] == "-" and options["json"]:
        return "--csv - and --json would both write to standard output: choose one."
    if options["inside"] and options["share"]:
        return "--inside hides nothing and --share hides small numbers: choose one."
    if options["inside"] and options["email"] is None:
        return "--inside is about what is sent: name the addresses with --email."
    if options["period"] and days:
        return f"--period stands in place of {' and '.join(days)}: choose one."
    return None


def _days(report: Report) -> list[str]:
    """The fields of the form that a named period fills in."""
    return [name for name, field in report.form.base_fields.items() if isinstance(field, DateField)]


def _output(report: Report, rows: list, params: dict[str, Any], options: dict[str, Any]) -> str:
    if options["json"]:
        return render.json_text(report, rows, params)
    if options["csv"] == "-":
        return render.csv_text(report, rows)
    done = []
    if options["csv"] is not None:
        done.append(f"{len(rows)} rows written to {options['csv']}\n")
    if options["out"] is not None:
        done.append(f"{len(rows)} rows written to {_place(report, params, options)}\n")
    if options["email"]:
        done.append(f"Sent to {options['email']}{'' if options['inside'] else ', small numbers hidden'}\n")
    if done:
        return "".join(done)
    return render.table_text(report, rows)


def _place(report: Report, params: dict[str, Any], options: dict[str, Any]) -> Path:
    """Where --out writes: beside the file of all numbers the one to share, never in its place."""
    prefix = render.SHARED if options["share"] else ""
    return Path(options["out"]) / f"{prefix}{render.file_name(report, params, 'csv')}"


def _shared(report: Report, params: dict[str, Any], options: dict[str, Any]) -> list | None:
    """The rows that may leave the agency, where they are to."""
    if options["share"] or (options["email"] and not options["inside"]):
        return report.shared(None, params, settings.CCD_SMALL_CELLS_LEAVING, settings.CCD_ROUND_LEAVING)
    return None


def _leaving(rows: list, shared: list | None, options: dict[str, Any]) -> list:
    return shared if options["share"] and shared is not None else rows


def _add_options(parser: ArgumentParser, report: Report) -> None:
    """--from for the form's date_from, --as-of for as_of: what the form requires is required."""
    for name, field in report.form.base_fields.items():
        metavar = "DATE" if isinstance(field, DateField) else "NAME"
        parser.add_argument(_option(name), dest=name, metavar=metavar, help=_help(field), default=None)
    periods = [_slug(name) for name, _ in report.form.presets()]
    parser.add_argument("--period", choices=periods, help="In place of the days, as of today: for cron.")
    parser.set_defaults(usage_error=parser.error)
    parser.add_argument("--csv", metavar="PATH", help="Write CSV to this file; - for standard output.")
    parser.add_argument("--json", action="store_true", help="Print one JSON object.")
    parser.add_argument("--out", metavar="DIR", help="Write CSV into this folder, named after what was asked.")
    parser.add_argument("--email", metavar="ADDRESSES", help="Send the CSV, small numbers hidden; several with commas.")
    parser.add_argument("--inside", action="store_true", help="With --email: to people of the agency, nothing hidden.")
    parser.add_argument("--share", action="store_true", help="Hide small numbers: for what leaves the agency.")


def _slug(name: str) -> str:
    return name.lower().replace(" ", "-")


def _option(name: str) -> str:
    return "--" + name.removeprefix("date_").replace("_", "-")


def _help(field: Field) -> str:
    return str(field.help_text).replace("%", "%%")


def _params(report: Report, options: dict[str, Any]) -> dict[str, Any]:
    """The form's cleaned values. A name that does not exist is refused, anything else is wrong usage."""
    given = {name: options[name] for name in report.form.base_fields}
    if options["period"]:
        given |= next(values for name, values in report.form.presets() if _slug(name) == options["period"])
    missing = [
        _option(name) for name, field in report.form.base_fields.items() if field.required and given[name] is None
    ]
    if missing:
        options["usage_error"](f"the following arguments are required: {', '.join(missing)}")
    form = report.form(given, actor=None)
    if form.is_valid():
        return form.cleaned_data
    raise CommandError(_sentence(form), returncode=_code(form))


def _sentence(form: ReportForm) -> str:
    return " ".join(
        f"{_option(name)}: {message}" if name in form.fields else message
        for name, messages in form.errors.items()
        for message in messages
    )


def _code(form: ReportForm) -> int:
    codes = {error.code for errors in form.errors.as_data().values() for error in errors}
    return REFUSED if codes <= {UNKNOWN} else USAGE


def _write(path: Path, text: str) -> None:
    """All of it or nothing: beside the target first, then renamed. A pipe or device is written straight."""
    try:
        target = path.resolve()
        if target.exists() and not target.is_file() and not target.is_dir():
            target.write_text(text, encoding="utf-8", newline="")
            return
        if target.is_dir():
            raise IsADirectoryError(f"{path} is a directory")
        part = target.with_name(f".{target.name[:100]}.{uuid.uuid4().hex}.part")
        try:
            part.write_text(text, encoding="utf-8", newline="")
            os.replace(part, target)
        finally:
            part.unlink(missing_ok=True)
    except OSError as error:
        raise CCDError(f"Cannot write {path}: {error.strerror or error}.") from error
