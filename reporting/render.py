"""The rows of a report as CSV, XLSX, JSON or plain text.

In CSV and XLSX no text is a formula: it gets an apostrophe where a spreadsheet would run it, and XLSX cells of text are
typed as text. Numbers stay numbers, negative ones too.
"""

import csv
import io
import json
from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from typing import Any

from django.db.models import Model
from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Font
from openpyxl.worksheet._write_only import WriteOnlyWorksheet

from core.normalise import escape_formula
from reporting.report import Cell, Params, Report, Row, shown

CSV_TYPE = "text/csv; charset=utf-8"
XLSX_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
WIDEST = 48


def csv_text(report: Report, rows: Iterable[Row]) -> str:
    """UTF-8 text without BOM, lines end with LF; an empty cell is a missing value."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(report.columns)
    writer.writerows([_plain(cell) for cell in row] for row in rows)
    return out.getvalue()


def _plain(cell: Cell) -> Cell:
    return escape_formula(cell) if isinstance(cell, str) else cell


def xlsx_bytes(report: Report, rows: Iterable[Row]) -> bytes:
    """A workbook with one sheet: the header, frozen, and the rows."""
    rows = list(rows)
    book = Workbook(write_only=True)
    sheet = book.create_sheet(report.title[:31])
    sheet.freeze_panes = "A2"
    for number, name in enumerate(report.columns):
        longest = max((len(shown(row[number])) for row in rows), default=0)
        sheet.column_dimensions[chr(ord("A") + number)].width = min(max(longest, len(name)), WIDEST) + 2
    sheet.append([_cell(sheet, name, bold=True) for name in report.columns])
    for row in rows:
        sheet.append([_cell(sheet, cell) for cell in row])
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def _cell(sheet: WriteOnlyWorksheet, value: Cell, bold: bool = False) -> WriteOnlyCell:
    """openpyxl takes a text that begins with '=' for a formula unless told otherwise."""
    cell = WriteOnlyCell(sheet, _plain(value))
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


def file_name(report: Report, params: Params, extension: str) -> str:
    """org_summary_2025-04-01_2026-03-31.csv, with the department or program where one was chosen."""
    parts = [report.slug]
    for value in params.values():
        if value is not None:
            kept = "".join(letter if letter.isascii() and letter.isalnum() else "-" for letter in str(value))
            parts.append("-".join(part for part in kept.split("-") if part))
    return "_".join(part for part in parts if part)[:120] + f".{extension}"
