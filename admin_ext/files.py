"""Rows on their way out as a file: read while they are sent, kept nowhere. The wall stands while they are read, see
admin_ext/wall.py.
"""

from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Any

from django.http import FileResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase

from reporting import render

KINDS = ("csv", "xlsx")
BYTE_ORDER_MARK = "\ufeff"
# A workbook is made before its first byte is sent, at some 3,000 rows a second.
MOST_XLSX_ROWS = 50_000


def too_long(kind: str, number: int) -> str:
    """Why so many rows do not go into this kind of file; empty where they do."""
    if kind != "xlsx" or number <= MOST_XLSX_ROWS:
        return ""
    return f"{number:,} rows are too many for XLSX: narrow the list, or take CSV."


def download(
    kind: str, name: str, title: str, columns: Iterable[str], rows: Iterable[Sequence[Any]], *, marked: bool = False
) -> HttpResponseBase:
    """`rows` as a file of one of KINDS, called `name` with its ending: CSV line by line while it is sent, XLSX by way
    of a temporary file. `marked` CSV begins with a byte order mark: Excel misreads names like Zoë without one.
    """
    columns = tuple(columns)
    if kind == "xlsx":
        file = render.xlsx_file(title, columns, rows)
        response = FileResponse(file, content_type=render.XLSX_TYPE)
    else:
        pieces = chain([BYTE_ORDER_MARK] if marked else [], render.csv_pieces(columns, rows))
        response = StreamingHttpResponse(pieces, content_type=render.CSV_TYPE)
    response["Content-Disposition"] = f'attachment; filename="{name}.{kind}"'
    return response
