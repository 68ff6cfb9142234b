"""Feeding a small file, for tests of what linking makes of it."""

import csv
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command


@pytest.fixture
def feed(tmp_path: Path, settings: Any, db: None) -> Callable[..., list[dict[str, str]]]:
    """feed(row, …, source="SMIS") takes the rows in and gives their outcomes."""
    settings.DATA_DIR = tmp_path
    number = iter(range(1000))

    def run(*rows: dict[str, str], source: str = "SMIS") -> list[dict[str, str]]:
        path = tmp_path / f"{source}{next(number)}.csv"
        headers = list(dict.fromkeys(name for row in rows for name in row))
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, headers)
            writer.writeheader()
            writer.writerows(rows)
        outcomes = path.with_suffix(".outcomes.csv")
        call_command("ingest_daily", src=path, source=source, outcomes=outcomes, stdout=StringIO())
        with outcomes.open(encoding="utf-8-sig", newline="") as file:
            return list(csv.DictReader(file))

    return run
