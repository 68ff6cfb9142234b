"""find_duplicates: look through all clients for people entered twice. Exit 0 when all were looked through and kept."""

import json
import sys
from argparse import ArgumentParser
from time import monotonic
from typing import Any

from tqdm import tqdm

from core.linking import duplicates
from core.management.sentence import SentenceCommand
from core.models import Client, ClientPair


class Command(SentenceCommand):
    """Finds pairs by the scores of daily files, and keeps them for the Duplicates screen. Links nothing."""

    help = "Look through all clients for people entered twice; keep the pairs for the Duplicates screen."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The options."""
        parser.add_argument("--json", action="store_true", help="print the summary as one JSON object")
        parser.add_argument("--list", type=int, default=0, metavar="N", help="print the N likeliest pairs")

    def handle(self, *args: Any, **options: Any) -> None:
        """Find, keep, count."""
        started = monotonic()
        quiet = options["json"] or not sys.stderr.isatty()
        with tqdm(total=Client.objects.canonical().count(), unit=" clients", disable=quiet) as bar:
            found = duplicates.refresh(actor=None, progress=lambda number: bar.update(number - bar.n))
        groups = duplicates.groups(ClientPair.objects.values_list("client_id", "other_id"))
        summary = {
            "clients": Client.objects.canonical().count(),
            "pairs": found,
            "groups": len(groups),
            "largest_group": max(map(len, groups), default=0),
            "seconds": round(monotonic() - started, 1),
        }
        self._print(summary, as_json=options["json"], number=options["list"])

    def _print(self, summary: dict[str, Any], *, as_json: bool, number: int) -> None:
        if as_json:
            self.stdout.write(json.dumps(summary))
            return
        self.stdout.write(
            "{clients:,} clients looked through in {seconds} s: {pairs:,} pairs may be one person, in {groups:,} "
            "groups of up to {largest_group}.".format(**summary)
        )
        for pair in ClientPair.objects.all()[:number]:
            self.stdout.write(f"  {pair.score:6.1f} bits  {pair.client_id}  {pair.other_id}")
