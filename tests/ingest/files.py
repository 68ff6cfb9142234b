"""Small daily files for tests."""

import csv
import io
import zipfile
from collections.abc import Mapping, Sequence
from typing import Any

from openpyxl import Workbook

SHEET = "xl/worksheets/sheet1.xml"
SHEET_BEGIN = (
    b'<?xml version="1.0"?><worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
)
SHEET_END = b"</sheetData></worksheet>"


def csv_bytes(*rows: Sequence[str], delimiter: str = ",", encoding: str = "utf-8") -> bytes:
    buffer = io.StringIO(newline="")
    csv.writer(buffer, delimiter=delimiter).writerows(rows)
    return buffer.getvalue().encode(encoding)


def xlsx_bytes(*rows: Sequence[Any], at: tuple[int, int] = (1, 1), more_sheets: Sequence[str] = ()) -> bytes:
    book = Workbook()
    sheet = book.active
    for row_number, row in enumerate(rows, start=at[0]):
        for column_number, value in enumerate(row, start=at[1]):
            cell = sheet.cell(row_number, column_number, value)
            if isinstance(value, str):
                cell.data_type = "s"
    for title in more_sheets:
        book.create_sheet(title)
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def rezipped(parts: Mapping[str, bytes | None], content: bytes | None = None) -> bytes:
    """A plain workbook with some parts replaced, added, or (None) left out."""
    with zipfile.ZipFile(io.BytesIO(content or xlsx_bytes(["first_name", "last_name"], ["Ada", "Ng"]))) as source:
        kept = {name: source.read(name) for name in source.namelist()}
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as target:
        for name, data in {**kept, **parts}.items():
            if data is not None:
                target.writestr(name, data)
    return buffer.getvalue()


def sheet_xml(*cells: bytes) -> bytes:
    """A sheet of one row with the given cell tags, each holding the text x."""
    filled = b"".join(b"<c" + attributes + b' t="inlineStr"><is><t>x</t></is></c>' for attributes in cells)
    return SHEET_BEGIN + b"<row>" + filled + b"</row>" + SHEET_END
