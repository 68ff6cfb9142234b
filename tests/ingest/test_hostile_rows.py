"""Hostile rows on the whole road: three files in a row into one database, every row held to its golden outcome."""

import csv
import json
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command

from core.choices import OUTCOMES
from core.models import Client, ImportRow, Program
from tests.ingest.hostile_files import CASES
from tests.ingest.hostile_rows import FILES, Case

pytestmark = pytest.mark.django_db


def feed(source: str, cases: list[Case], folder: Path) -> tuple[dict, list[dict], list[list[str]]]:
    headers = list(dict.fromkeys(name for case in cases for name in case.row))
    cells = [[case.row.get(name, "") for name in headers] for case in cases]
    path, outcomes, out = folder / "rows.csv", folder / "outcomes.csv", StringIO()
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([headers, *cells])
    call_command("ingest_daily", src=path, source=source, outcomes=outcomes, json=True, stdout=out)
    with outcomes.open(encoding="utf-8-sig", newline="") as file:
        return json.loads(out.getvalue()), list(csv.DictReader(file)), cells


def test_every_row_of_every_file_has_its_golden_outcome(
    tmp_path: Path, settings: object, shelter: Program, clinic: Program
) -> None:
    settings.DATA_DIR = tmp_path
    wrong = []
    for source, cases in FILES:
        summary, rows, cells = feed(source, cases, tmp_path)
        assert len(rows) == len(cases) == summary["rows"] == sum(summary[name] for name in OUTCOMES)
        kept = ImportRow.objects.filter(batch=summary["batch_id"]).order_by("row_number")
        assert [row.cells for row in kept] == cells
        for case, row in zip(cases, rows, strict=True):
            if not _as_golden(case, row):
                wrong.append((source, case.name, case[2:], row["outcome"], row["reason_code"], row["reason"]))
    assert not wrong, "\n".join(map(str, wrong))
    assert Client.objects.filter(first_name="=Ursula").exists()


def _as_golden(case: Case, row: dict) -> bool:
    is_code = row["reason_code"] == case.code if case.code or case.outcome in ("created", "updated") else True
    return row["outcome"] == case.outcome and is_code and case.said in row["reason"]


def test_the_corpus_has_its_150_cases() -> None:
    assert len(CASES) + sum(len(cases) for _, cases in FILES) >= 200
