"""manage.py ingest_daily --src FILE --source SMIS|EMHWare|FFAI"""

import json
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError
from tqdm import tqdm

from core.choices import OUTCOMES
from core.errors import CCDError, FileHeld
from core.ingest import pipeline, sources
from core.ingest.reader import read_source
from core.management.sentence import SentenceCommand
from core.models import Staff


class Command(SentenceCommand):
    """Take in one daily file: everything that is certain goes in, the rest waits for a person in the rejects file."""

    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        known = ", ".join(sources.names())
        parser.add_argument("--src", required=True, type=Path, metavar="FILE", help="the file, CSV or XLSX")
        parser.add_argument("--source", required=True, metavar="NAME", help=f"the system it comes from: {known}")
        parser.add_argument("--dry-run", action="store_true", help="do all but the write")
        parser.add_argument("--rejects", type=Path, metavar="PATH", help="where the held and rejected rows go")
        parser.add_argument("--outcomes", type=Path, metavar="PATH", help="CSV with one line per input row")
        parser.add_argument("--actor", metavar="EMAIL", help="on whose behalf (default: the system itself)")
        parser.add_argument("--json", action="store_true", help="print the summary as one JSON object")
        parser.add_argument("--allow-repeat", action="store_true", help="take the very same bytes in again")

    def handle(self, *, src: Path, source: str, actor: str | None, **options: Any) -> None:
        """Exit code 0 when done, also with rejects; 1 when the file was refused and nothing changed; 3 when it is held
        whole, until a coordinator releases or refuses it.
        """
        bar = _Progress(quiet=options["json"])
        try:
            _refuse_overwriting(src, options)
            person = _actor(actor)
            name = sources.profile(source).name
            content = read_source(src)
            report = self._run(content, src.name, name, person, options, bar)
        except FileHeld as error:
            raise CommandError(f"Held whole, nothing was taken in. {error}", returncode=3) from error
        finally:
            bar.close()
        self._print(report, src, name, options)

    def _run(
        self, content: bytes, name: str, source: str, actor: Staff | None, options: dict[str, Any], bar: "_Progress"
    ) -> pipeline.Report:
        how = pipeline.Options(
            dry_run=options["dry_run"],
            repeat=options["allow_repeat"],
            rejects=options["rejects"],
            outcomes=options["outcomes"],
            progress=bar.show,
        )
        return pipeline.take(content, file_name=name, source=source, actor=actor, options=how)

    def _print(self, report: pipeline.Report, src: Path, source: str, options: dict[str, Any]) -> None:
        summary = report.summary()
        if options["json"]:
            self.stdout.write(json.dumps(summary))
            return
        said = "would be taken in" if options["dry_run"] else "taken in"
        self.stdout.write(f"{source} {src.name} {said}: {summary['rows']} rows in {summary['seconds']:.1f} s")
        for name in (*OUTCOMES, "intakes", "enrollments", "discharges"):
            self.stdout.write(f"  {name:<12}{summary[name]:>8}")
        for note in report.notes:
            self.stdout.write(f"  note: {note}")
        if report.rejects_file:
            self.stdout.write(f"  rejects file: {report.rejects_file}")


class _Progress:
    """A bar on a terminal, nothing when piped."""

    def __init__(self, *, quiet: bool) -> None:
        self.bar = tqdm(unit=" rows", disable=quiet or not sys.stderr.isatty(), leave=False)

    def show(self, stage: str, number: int) -> None:
        """`number` rows are through `stage`."""
        self.bar.set_description(stage)
        if number > self.bar.n:
            self.bar.update(number - self.bar.n)

    def close(self) -> None:
        """Clear the line."""
        self.bar.close()


def _refuse_overwriting(src: Path, options: dict[str, Any]) -> None:
    for name in ("rejects", "outcomes"):
        if options[name] is not None and options[name].resolve() == src.resolve():
            raise CCDError(f"--{name} names the file that is to be taken in; it would be overwritten. Name another.")


def _actor(email: str | None) -> Staff | None:
    if email is None:
        return None
    person = Staff.objects.of_email(email).filter(active=True).first()
    if person is None:
        raise CCDError(f"No active staff member has the e-mail {email}.")
    return person
