"""The rows of a report, and of every list that leaves as a file, as CSV, XLSX, JSON or plain text.

In CSV and XLSX no text is a formula: it gets an apostrophe where a spreadsheet would run it, and XLSX cells of text are
typed as text. Numbers stay numbers, negative ones too. Both take their rows one by one and keep none: a file may be as
long as it likes.
"""

import csv
import hashlib
import json
import tempfile
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from decimal import Decimal
from itertools import chain, islice
from typing import IO, Any

from django.db.models import Model
from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
from openpyxl.styles import Font
from openpyxl.utils import get_column_letter
from openpyxl.worksheet._write_only import WriteOnlyWorksheet

from core.normalise import escape_formula
from reporting.report import Params, Report, Row, shown

CSV_TYPE = "text/csv; charset=utf-8"
XLSX_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
WIDEST = 48
# A piece of a streamed file, in characters: large enough that what surrounds each piece costs nothing beside it.
PIECE = 64 * 1024
# What begins the name of a file in which small numbers are hidden.
SHARED = "shared_"
_LONGEST_NAME = 110
# Whose values stand in a file's name without saying whose they are.
_UNNAMED = ("date_from", "date_to", "as_of", "department", "row")
# As wide as the widest of so many rows are the columns of a workbook.
_SAMPLE = 500


class _Lines(list[str]):
    """What csv.writer writes to, until the next piece is taken."""

    def write(self, line: str) -> int:
        self.append(line)
        return len(line)


def csv_pieces(columns: Iterable[str], rows: Iterable[Sequence[Any]]) -> Iterator[str]:
    """UTF-8 text without BOM, lines end with LF, an empty cell is a missing value; in pieces, each made of the rows
    that are read when it is asked for.
    """
    lines, size = _Lines(), 0
    writer = csv.writer(lines, lineterminator="\n")
    for row in chain([columns], rows):
        size += writer.writerow([_plain(cell) for cell in row])
        if size >= PIECE:
            yield "".join(lines)
            lines.clear()
            size = 0
    yield "".join(lines)


def csv_text(report: Report, rows: Iterable[Row]) -> str:
    """The same at once."""
    return "".join(csv_pieces(report.columns, rows))


def xlsx_file(title: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> IO[bytes]:
    """A workbook with one sheet, the header, frozen, and the rows: an open temporary file, at its beginning, gone when
    closed. What openpyxl writes goes to disk row by row.
    """
    rows = iter(rows)
    first = list(islice(rows, _SAMPLE))
    book = Workbook(write_only=True)
    sheet = book.create_sheet(title[:31])
    sheet.freeze_panes = "A2"
    for number, name in enumerate(columns):
        longest = max((len(shown(_plain(row[number]))) for row in first), default=0)
        sheet.column_dimensions[get_column_letter(number + 1)].width = min(max(longest, len(name)), WIDEST) + 2
    sheet.append([_cell(sheet, name, bold=True) for name in columns])
    for row in chain(first, rows):
        sheet.append([_cell(sheet, cell) for cell in row])
    file = tempfile.TemporaryFile()  # noqa: SIM115
    book.save(file)
    file.seek(0)
    return file


def _plain(cell: Any) -> Any:
    """Numbers and dates as they are; keys, records and lists as text, and text so that no spreadsheet runs it."""
    if cell is None or isinstance(cell, int | float | Decimal | date):
        return cell
    return escape_formula(";".join(cell) if isinstance(cell, list) else str(cell))


def _cell(sheet: WriteOnlyWorksheet, value: Any, bold: bool = False) -> WriteOnlyCell:
    """openpyxl takes a text that begins with '=' for a formula unless told otherwise, and stops at control characters,
    which XML has no way to write.
    """
    value = _plain(value)
    if isinstance(value, str):
        value = ILLEGAL_CHARACTERS_RE.sub("", value)
    cell = WriteOnlyCell(sheet, value)
    if isinstance(value, str):
        cell.data_type = "s"
    if isinstance(value, date):
        cell.number_format = "yyyy-mm-dd"
    if isinstance(value, Decimal):
        cell.number_format = "0.0"
    if bold:
        cell.font = Font(bold=True)
    return cell


def json_text(report: Report, rows: Iterable[Row], params: Params) -> str:
    """One object: report, parameters, columns, rows."""
    answer = {
        "report": report.slug,
        "parameters": {name: _json(value) for name, value in params.items()},
        "columns": report.columns,
        "rows": [[_json(cell) for cell in row] for row in rows],
    }
    return json.dumps(answer, ensure_ascii=False) + "\n"


def _json(value: Any) -> Any:
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, date):
        return value.isoformat()
    return str(value) if isinstance(value, Model) else value


def table_text(report: Report, rows: Iterable[Row]) -> str:
    """Columns side by side for a terminal; numbers to the right."""
    rows = list(rows)
    lines = [[str(name) for name in report.columns], *([shown(cell) for cell in row] for row in rows)]
    widths = [max(len(line[number]) for line in lines) for number in range(len(report.columns))]
    right = [any(isinstance(row[number], int | Decimal) for row in rows) for number in range(len(widths))]
    lines.insert(1, ["-" * width for width in widths])
    return "".join(
        "  ".join(_aligned(*item) for item in zip(line, widths, right, strict=True)).rstrip() + "\n" for line in lines
    )


def _aligned(text: str, width: int, right: bool) -> str:
    return text.rjust(width) if right else text.ljust(width)


def file_name(report: Report, params: Params, extension: str = "") -> str:
    """org_summary_2025-04-01_2026-03-31.csv, with what else was chosen: 'Shelter', 'gender-Woman'. ASCII alone, and
    another name for another choice: in one folder no file takes the place of another.
    """
    parts = [report.slug]
    for name, value in params.items():
        if value is not None:
            # A program and a department, a gender and a race may have the same name.
            named = name not in _UNNAMED and not (name == "program" and params.get("department"))
            parts.append(f"{name}-{_slug(str(value))}" if named else _slug(str(value)))
    whole = "_".join(parts)
    if len(whole) > _LONGEST_NAME:
        whole = f"{whole[:_LONGEST_NAME]}-{_digest(whole)}"
    return whole + (extension and f".{extension}")


def _slug(text: str) -> str:
    """ASCII letters and digits, joined by '-'; where that leaves out more than spaces, with a hash of all of it."""
    ascii_only = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    kept = "".join(letter if letter.isalnum() else " " for letter in ascii_only).split()
    slug = "-".join(kept)
    return slug if slug in (text, text.replace(" ", "-")) else "-".join((*kept, _digest(text)))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:8]
