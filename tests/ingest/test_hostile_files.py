"""Hostile files: every one is refused with a sentence, or every physical row of it has an outcome and a reason."""

import csv
import io
import time
import tracemalloc
from datetime import date

import pytest

from core.errors import FileRefused
from core.ingest import sources
from core.ingest.check import CheckedRow, Checker
from core.ingest.programs import ProgramIndex
from core.ingest.reader import Table, open_table
from core.ingest.telling import notes
from core.normalise import unescape_formula
from tests.ingest.hostile_files import BOMBS, CASES, Case

TODAY = date(2026, 11, 20)


def read(case: Case) -> tuple[Table, list[CheckedRow]]:
    profile = sources.profile(case.source)
    table = open_table(case.content, case.file_name, profile)
    checker = Checker(profile, table.headers, ProgramIndex(()), TODAY)
    return table, [checker.check(row) for row in table.rows()]


def golden(row: CheckedRow) -> str:
    code = "+".join(each.code for each in row.faults) or "ok"
    names = ("uid_external", "last_name", "first_name", "dob")
    return f"{code} {'|'.join(str(row.values.get(name, '')) for name in names)}"


def ids(case: Case) -> str:
    return case.name


def test_the_corpus_is_large_and_no_case_is_in_it_twice():
    assert len(CASES) >= 150
    assert len({case.name for case in CASES}) == len(CASES)
    assert len({(case.content, case.file_name) for case in CASES}) == len(CASES)


@pytest.mark.parametrize("case", [case for case in CASES if isinstance(case.expected, str)], ids=ids)
def test_it_is_refused_with_a_sentence(case: Case):
    with pytest.raises(FileRefused) as caught:
        read(case)
    assert case.expected in str(caught.value)
    assert len(str(caught.value)) < 2000


@pytest.mark.parametrize("case", [case for case in CASES if not isinstance(case.expected, str)], ids=ids)
def test_every_row_has_its_outcome_and_nothing_is_said_that_is_not_so(case: Case):
    table, rows = read(case)
    assert [golden(row) for row in rows] == case.expected
    assert [row.number for row in rows] == list(range(1, len(rows) + 1))
    assert all(fault.sentence for row in rows for fault in row.faults)
    said = [*notes(table, sources.profile(case.source)), *(note for row in rows for note in row.notes)]
    assert [phrase for phrase in case.notes if not any(phrase in note for note in said)] == []
    assert [note for note in said if not any(phrase in note for phrase in case.notes)] == []
    assert all(len(note) < 2000 for note in said)


@pytest.mark.parametrize(
    "case",
    [case for case in CASES if not isinstance(case.expected, str) and case.file_name.endswith(".csv")],
    ids=ids,
)
def test_every_physical_row_is_there_cell_by_cell(case: Case):
    """Read once more by the library alone: header, rows and the blank ones passed over are all records of the file."""
    encoding = "utf-16" if case.content[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    text = case.content.decode(encoding)
    declared, text = (text[4], text.split("\n", 1)[1]) if text.startswith("sep=") else ("", text)
    table, rows = read(case)
    delimiter = declared or max(",;\t", key=text.splitlines()[0].count)
    records = [
        cells for cells in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter) if "".join(cells).strip()
    ]
    records = records[1:]
    assert len(records) == len(rows)
    for record, row in zip(records, rows, strict=True):
        kept = [cell for cell in row.cells if cell.strip()]
        assert kept == [unescape_formula(cell) for cell in record if cell.strip()]


@pytest.mark.parametrize("case", BOMBS, ids=ids)
def test_a_bomb_is_refused_within_a_tenth_of_a_second_and_100_mb(case: Case):
    def seconds() -> float:
        started = time.process_time()
        with pytest.raises(FileRefused):
            read(case)
        return time.process_time() - started

    assert min(seconds() for _ in range(3)) < 0.1
    tracemalloc.start()
    seconds()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 100 * 1024 * 1024
