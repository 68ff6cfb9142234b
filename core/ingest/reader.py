"""Reading a daily file: bytes in, rows of text out. Nothing here knows what a cell means.

`open_table` refuses what cannot be read as a whole; a row that cannot be read carries its fault. Rows are lazy, so a
quotation mark that is never closed is only met, and the file refused, while they are read.
"""

import stat
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple, Protocol

from core.errors import FileRefused
from core.ingest.delimited import DelimitedText
from core.ingest.faults import Fault, fault
from core.ingest.headers import count_outcome_columns, ignored, recognise
from core.ingest.profile import SourceProfile
from core.ingest.xlsx import Sheet
from core.normalise import header_key, unescape_formula

LARGEST: Final = 128 * 1024 * 1024

_ZIP: Final = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")
_OLE: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ENCRYPTED: Final = "EncryptedPackage".encode("utf-16-le")
_OTHER_KINDS: Final = {b"\x1f\x8b": "a gzip archive", b"%PDF": "a PDF document", b"7z\xbc\xaf": "a 7-Zip archive"}
_REFUSED_ENDINGS: Final = {
    ".xlsm": "Workbooks with macros (.xlsm) are not read; save it as XLSX or CSV.",
    ".xltm": "Templates with macros (.xltm) are not read; save it as XLSX or CSV.",
    ".xlsb": "Binary workbooks (.xlsb) are not read; save it as XLSX or CSV.",
    ".xls": "Workbooks of the old kind (.xls) are not read; save it as XLSX or CSV.",
    ".ods": "OpenDocument sheets (.ods) are not read; save it as XLSX or CSV.",
    ".zip": "Archives (.zip) are not read; unpack it first.",
}
# Faults of a row that is not read any further.
_REPEATED_HEADERS: Final = Fault(
    "",
    "",
    "repeated_headers",
    "The row repeats the headers; two files may have been put together. Nothing was read of it.",
)
_NUL: Final = Fault(
    "", "", "nul_character", "The row holds a NUL character, which no text has (shown as \ufffd); type that cell again."
)
UNREAD_ROWS: Final = frozenset({"too_many_cells", "repeated_headers", "nul_character"})


class RawRow(NamedTuple):
    """One data row. `cells` is as wide as the headers, wider only where the row had too many cells."""

    number: int
    cells: tuple[str, ...]
    faults: tuple[Fault, ...] = ()
    notes: tuple[str, ...] = ()
    origin: tuple[str, ...] = ()  # of a rejects file fed back: what our own columns say


class _Grid(Protocol):
    """Rows of text with the positions of unsafe numbers; the header is the first row that is not blank."""

    notes: list[str]

    def rows(self) -> Iterator[tuple[list[str], Sequence[int]]]: ...


class Table:
    """An opened file: its own headers, which columns they are, and its rows."""

    def __init__(self, grid: _Grid, profile: SourceProfile) -> None:
        header = next((cells for cells, _ in grid.rows() if not _is_blank(cells)), None)
        if header is None:
            raise FileRefused("The file holds nothing but blank lines; it needs a line of headers.")
        header = [unescape_formula(text) for text in header]
        self._grid = grid
        self._skipped = count_outcome_columns(header)
        own = header[self._skipped :]
        self._width = len(own)
        while own and not own[-1].strip():
            own.pop()
        self.headers: tuple[str, ...] = tuple(own)
        self._later_headers = own[1:]
        self.columns: tuple[str | None, ...] = recognise(self.headers, profile)
        self.notes: list[str] = [*grid.notes, *ignored(self.headers, self.columns)]
        self.blank_rows = 0

    @property
    def is_fed_back(self) -> bool:
        """One of our own outcomes or rejects files."""
        return self._skipped > 0

    def rows(self) -> Iterator[RawRow]:
        """The data rows, numbered from 1; blank ones are none, and counted in blank_rows. May be asked for again."""
        number, is_header, self.blank_rows = 0, True, 0
        for cells, unsafe in self._grid.rows():
            own = cells[self._skipped :] if self._skipped else cells
            text = "".join(own)  # looked through at once: most rows hold nothing odd
            if _is_blank(cells) if is_header else not text.strip():
                self.blank_rows += not is_header and len(own) > 1  # an empty line is not even a row
                continue
            if is_header:
                is_header = False
                continue
            number += 1
            row = self._row(number, own, text, unsafe)
            yield row._replace(origin=tuple(cells[: self._skipped])) if self._skipped else row

    def _row(self, number: int, cells: list[str], text: str, unsafe: Sequence[int]) -> RawRow:
        if "'" in text:
            cells = [unescape_formula(cell) if cell[:1] == "'" else cell for cell in cells]
        width = len(self.headers)
        if len(cells) == width > 1 and not unsafe and "\0" not in text and cells[-1] != self.headers[-1]:
            return RawRow(number, tuple(cells))  # nothing odd, like most rows
        if cells[1:width] == self._later_headers and header_key(cells[0]) == header_key(self.headers[0]):
            return RawRow(number, _padded(cells, width), (_REPEATED_HEADERS,))
        if len(cells) > self._width or any(map(str.strip, cells[width:])):
            return RawRow(number, _padded(cells, width), (self._too_many(cells),))
        notes = ()
        if len(cells) < width:
            notes = (f"The row ends after {len(cells)} of {width} cells; the others were read as blank.",)
        row = _padded(cells[:width], width)
        faults = self._unsafe_numbers(row, unsafe) if unsafe else ()
        if "\0" in text:
            return RawRow(number, tuple(cell.replace("\0", "\ufffd") for cell in row), (*faults, _NUL), notes)
        return RawRow(number, row, faults, notes)

    def _too_many(self, cells: Sequence[str]) -> Fault:
        sentence = (
            f"The row has {len(cells)} cells but the file has {len(self.headers)} headers, so values may stand in the"
            " wrong columns; look for a separator inside a value and put that value in quotation marks."
        )
        return Fault("", "", "too_many_cells", sentence)

    def _unsafe_numbers(self, row: Sequence[str], unsafe: Sequence[int]) -> tuple[Fault, ...]:
        sentence = "is a number of more than 15 digits, which spreadsheets do not keep; type it as text."
        positions = [position - self._skipped for position in unsafe]
        return tuple(
            fault(self.headers[position], row[position], "unsafe_number", sentence)
            for position in positions
            if 0 <= position < len(row) and self.columns[position]
        )


def open_table(content: bytes, file_name: str, profile: SourceProfile) -> Table:
    """The file as a table. Refuses with one sentence what is no readable file of this source."""
    if not content:
        raise FileRefused("The file is empty.")
    if len(content) > LARGEST:
        raise FileRefused(_too_large(len(content)))
    grid: _Grid = Sheet(content) if _is_workbook(content, file_name) else DelimitedText(content, profile)
    return Table(grid, profile)


def read_source(path: Path) -> bytes:
    """The bytes of a file. Refuses what is missing, no plain file, unreadable, empty, too large or still growing."""
    try:
        before = path.stat()
        _refuse_path(path, before.st_mode, before.st_size)
        content = path.read_bytes()
        after = path.stat()
    except FileNotFoundError:
        raise FileRefused(f"There is no file {path}.") from None
    except (OSError, ValueError) as error:
        raise FileRefused(f"{path} cannot be read: {getattr(error, 'strerror', None) or error}.") from None
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns) or len(content) != after.st_size:
        raise FileRefused(f"{path} is still being written; try again when it is complete.")
    return content


def _refuse_path(path: Path, mode: int, size: int) -> None:
    if stat.S_ISDIR(mode):
        raise FileRefused(f"{path} is a folder, not a file.")
    if not stat.S_ISREG(mode):
        raise FileRefused(f"{path} is not a plain file.")
    if size == 0:
        raise FileRefused(f"{path} is empty.")
    if size > LARGEST:
        raise FileRefused(_too_large(size))


def _too_large(size: int) -> str:
    return f"The file has {size / 1024**2:,.1f} MB, at most {LARGEST // 1024**2} MB are read; split it into several."


def _is_workbook(content: bytes, file_name: str) -> bool:
    """Content decides; a name that says otherwise is refused."""
    ending = Path(file_name).suffix.lower()
    if ending in _REFUSED_ENDINGS:
        raise FileRefused(_REFUSED_ENDINGS[ending])
    _refuse_other_kinds(content)
    is_zip = content.startswith(_ZIP)
    if is_zip and ending in (".csv", ".tsv", ".txt"):
        raise FileRefused(
            f"The file is named {ending} but is a workbook or an archive; name it .xlsx or save it as CSV."
        )
    if ending == ".xlsx" and not is_zip:
        raise FileRefused("The file is named .xlsx but is no workbook; name it .csv, or save it as XLSX again.")
    return is_zip


def _refuse_other_kinds(content: bytes) -> None:
    if content.startswith(_OLE):
        if _ENCRYPTED in content:
            raise FileRefused("The workbook is protected by a password; save it without one.")
        raise FileRefused("The file is a workbook of the old kind (.xls); save it as XLSX or CSV.")
    for magic, kind in _OTHER_KINDS.items():
        if content.startswith(magic):
            raise FileRefused(f"The file is {kind}; save the data as XLSX or CSV.")


def _is_blank(cells: Sequence[str]) -> bool:
    return not any(map(str.strip, cells))


def _padded(cells: Sequence[str], width: int) -> tuple[str, ...]:
    return tuple(cells) if len(cells) >= width else (*cells, *[""] * (width - len(cells)))
