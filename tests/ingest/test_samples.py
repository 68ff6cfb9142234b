"""The demo agency and its three daily files: what a newcomer sees in `make demo`, held to what was planted."""

import csv
import json
from collections import Counter
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command

from core.choices import OUTCOMES
from core.models import AuditEntry, Client, Enrollment, ImportRow

pytestmark = pytest.mark.django_db

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures" / "daily"
FILES = (
    ("SMIS", "smis_2026-11-20.csv"),
    ("EMHWare", "emhware_2026-11-20.csv"),
    ("FFAI", "ffai_2026-11-20.xlsx"),
)


def feed(source: str, name: str, folder: Path, **options: object) -> tuple[dict, list[dict]]:
    out, outcomes = StringIO(), folder / f"{name}.outcomes.csv"
    call_command(
        "ingest_daily", src=FIXTURES / name, source=source, outcomes=outcomes, json=True, stdout=out, **options
    )
    with outcomes.open(encoding="utf-8-sig", newline="") as file:
        return json.loads(out.getvalue()), list(csv.DictReader(file))


def test_the_sample_files_do_what_was_planted_and_feeding_them_again_changes_nothing(
    tmp_path: Path, settings: object
) -> None:
    settings.DATA_DIR = tmp_path
    settings.DEBUG = True
    call_command("load_demo", stdout=StringIO())
    for source, name in FILES:
        summary, rows = feed(source, name, tmp_path)
        assert sum(summary[outcome] for outcome in OUTCOMES) == summary["rows"] == len(rows)
        _as_planted(name, rows)
        _said_in_words(rows)
        with Path(summary["rejects_file"]).open(encoding="utf-8-sig", newline="") as file:
            assert Counter(row["outcome"] for row in csv.DictReader(file)) == {
                "held": summary["held"],
                "rejected": summary["rejected"],
            }
    people, stays = Client.objects.count(), Enrollment.objects.count()
    position = AuditEntry.objects.latest("position").position
    for source, name in FILES:
        again, _ = feed(source, name, tmp_path, allow_repeat=True)
        assert (again["created"], again["updated"]) == (0, 0)
    assert (Client.objects.count(), Enrollment.objects.count()) == (people, stays)
    later = AuditEntry.objects.filter(position__gt=position)
    assert list(later.values_list("action", flat=True)) == ["import"] * 3
    assert ImportRow.objects.count() == 2 * 936


def _as_planted(name: str, rows: list[dict]) -> None:
    """`a|b` in the planted file means that either is right."""
    with (FIXTURES / "expected" / f"{Path(name).stem}.csv").open(newline="", encoding="utf-8-sig") as file:
        planted = list(csv.DictReader(file))
    assert [row["row_number"] for row in planted] == [row["row_number"] for row in rows]
    wrong = [
        (row["row_number"], row["outcome"], plan["case"])
        for row, plan in zip(rows, planted, strict=True)
        if row["outcome"] not in plan["expected"].split("|")
    ]
    assert wrong == []


def _said_in_words(rows: list[dict]) -> None:
    """Every row that waits says why in a sentence, and has its keys where the contract promises them."""
    for row in rows:
        if row["outcome"] in ("held", "rejected"):
            assert row["reason_code"]
            assert len(row["reason"]) > 20
            assert row["reason"].rstrip().endswith((".", "?"))
            assert not row["client_id"]
        else:
            assert row["client_id"]
        assert bool(row["candidate_ids"]) is (row["outcome"] == "held")
