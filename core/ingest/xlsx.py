"""The first sheet of a workbook as rows of text. Only this module knows calamine."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, time
from typing import Any, Final

from python_calamine import CalamineSheet, CalamineWorkbook, SheetTypeEnum, SheetVisibleEnum

from core.errors import FileRefused
from core.ingest import preflight

SAFE_NUMBER: Final = 10**15  # a spreadsheet keeps 15 digits; what follows them is made up

_ENDS_THE_PROCESS: Final = (KeyboardInterrupt, SystemExit, GeneratorExit, MemoryError)


class Sheet:
    """The first visible sheet. Its rows are converted as they are asked for."""

    def __init__(self, content: bytes) -> None:
        unread = preflight.inspect(content)
        with _calamine():
            book = CalamineWorkbook.from_filelike(io.BytesIO(content))
            names = _visible(book)
            self._sheet: CalamineSheet = book.get_sheet_by_name(names[0])
        self.notes = [*unread, *([f"Only the first sheet, “{names[0]}”, was read."] if len(names) > 1 else [])]

    def rows(self) -> Iterator[tuple[list[str], list[int]]]:
        """Each row's cells as text, and the positions of numbers too long to be trusted."""
        with _calamine():
            for cells in self._sheet.iter_rows():
                unsafe = [i for i, cell in enumerate(cells) if type(cell) is float and abs(cell) >= SAFE_NUMBER]
                yield [cell if type(cell) is str else _text(cell) for cell in cells], unsafe


def _visible(book: CalamineWorkbook) -> list[str]:
    sheets = [sheet for sheet in book.sheets_metadata if sheet.typ == SheetTypeEnum.WorkSheet]
    names = [sheet.name for sheet in sheets if sheet.visible == SheetVisibleEnum.Visible]
    if not names:
        raise FileRefused("The workbook has no sheet with cells that can be seen.")
    return names


def _text(value: Any) -> str:
    match value:
        case bool():
            return "TRUE" if value else "FALSE"
        case float():
            return str(int(value)) if value.is_integer() else repr(value)
        case datetime():
            return value.date().isoformat() if value.time() == time() else value.isoformat(" ", "seconds")
        case date() | time():
            return value.isoformat()
        case _:
            return str(value)


@contextmanager
def _calamine() -> Iterator[None]:
    """Turns what the reader says, even its panics (which are no Exception), into a refusal."""
    try:
        yield
    except (FileRefused, *_ENDS_THE_PROCESS):
        raise
    except BaseException as error:
        raise FileRefused(f"The workbook cannot be read ({error}); open it in Excel and save it again.") from error
