"""Is this XLSX safe to open? Asked before any spreadsheet reader sees it: a crafted file of a few kilobytes can ask one
for hundreds of gigabytes, and readers written in Rust then abort the process instead of raising.

What the archive says about itself is believed only where it speaks against it: each part is unpacked here, in pieces,
up to the size it claims.
"""

import io
import re
import string
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator
from typing import Final

from core.errors import FileRefused

PARTS: Final = 200
UNZIPPED: Final = 400 * 1024 * 1024
RATIO: Final = 200
RATIO_FROM: Final = 2 * 1024 * 1024  # small parts may well shrink more
COLUMNS: Final = 200
ROWS: Final = 1_048_576
AREA: Final = 15_000_000  # rows by columns, of the rectangle around all cells
SPARSE_FROM: Final = 1_000_000
SPARSENESS: Final = 20

_PIECE: Final = 1024 * 1024
_OVERLAP: Final = 32  # a declaration may lie across two pieces
_NOT_THE_SIZE: Final = "The file is damaged: a part of it has not the size it claims."
_STORED, _DEFLATED = 0, 8
_LOCAL_HEADER: Final = 30
_DECLARATION: Final = re.compile(rb"<!(?:DOCTYPE|ENTITY)")
# Nearly every writer puts the reference first and uses no prefix; the slower patterns are for the others.
_USUAL_CELL: Final = re.compile(rb'<c r="([A-Z]{1,3}[0-9]{1,7})"')
_CELL: Final = re.compile(rb"<(?:[^\s<>/:]+:)?c(?=[\s/>])")
_OTHER_ATTRIBUTES: Final = rb"""(?:\s+(?!r\s*=)[^\s=<>/]+\s*=\s*(?:"[^"<]*"|'[^'<]*'))*"""
_REFERENCE: Final = re.compile(_OTHER_ATTRIBUTES + rb"""\s+r\s*=\s*["']([A-Za-z]{1,3}[0-9]{1,7})["']""")
# What the reader gives as blank although something stands there: errors, and formulas that were never computed.
_UNCOMPUTED: Final = re.compile(
    rb"""<c\b[^>]*\br="([A-Z]{1,3}[0-9]{1,7})"[^>]*>(?:<f\b[^>]*/>|<f\b[^>]*>[^<]*</f>)\s*(?:<v\s*/>|<v></v>)?\s*</c>"""
)
_ERROR: Final = re.compile(rb"""<c\b(?=[^>]*\bt=["']e["'])[^>]*\br=["']([A-Z]{1,3}[0-9]{1,7})["']""")
_NAMED: Final = 10  # cells told by their address
_DIGITS: Final = string.digits.encode()
_LETTERS: Final = string.ascii_uppercase.encode()
_BEGINS_WITH_0: Final = re.compile(rb"0").match
_XML: Final = (".xml", ".rels", ".vml")


class _Extent:
    """The rectangle around the cells of one part, and how many cells it really has. Any part may turn out a sheet:
    where a workbook keeps its sheets is only a custom."""

    def __init__(self) -> None:
        self.cells = self.rows = self.columns = 0
        self.is_sheet = self.has_unaddressed = False
        self.is_jumbled = False  # out of order, or oddly written: whether an address comes twice must be looked up
        self.twice: bytes | None = None  # an address that two cells have: the reader would give the last one alone
        self._last_row: set[bytes] = set()
        self.unread: dict[str, None] = {}  # addresses of cells that the reader gives as blank
        self._last_cell = b""
        self._rest = b""

    def add(self, piece: bytes, *, is_end: bool = False) -> None:
        """Looks at all complete tags; what follows them is kept for the next piece."""
        text = self._rest + piece
        cut = len(text) if is_end else max(text.rfind(b"<"), 0)
        complete, self._rest = text[:cut], text[cut:]
        self.is_sheet = self.is_sheet or b"sheetData" in complete
        if self.is_sheet:
            self._find_unread(complete)
        if len(self._rest) > _PIECE:
            self.has_unaddressed, self._rest = True, b""
        references = _USUAL_CELL.findall(complete)
        if len(references) != complete.count(b"<c") or b":c" in complete:
            references = self._read_slowly(complete)
        if references:
            self._measure(references)

    def _measure(self, references: list[bytes]) -> None:
        joined = b" ".join(references)
        self.cells += len(references)
        written = set(joined.translate(None, _LETTERS).split())
        rows = set(map(int, written))
        self.is_jumbled = self.is_jumbled or any(map(_BEGINS_WITH_0, written))  # B02 is B2 to a reader
        self._find_twice(references, rows)
        self.rows = max(self.rows, *rows)
        self.columns = max(self.columns, *map(_column_number, set(joined.translate(None, _DIGITS).split())))

    def _find_twice(self, references: list[bytes], rows: set[int]) -> None:
        """Rows come in order, so only the row that goes on from the last piece can have cells in both."""
        different = set(references)
        if len(different) != len(references):
            self.twice = next(each for each, number in Counter(references).items() if number > 1)
        self.twice = self.twice or next(iter(self._last_row & different), None)
        self.is_jumbled = self.is_jumbled or min(rows) < self.rows
        last = str(max(rows)).encode()
        going_on = self._last_row if max(rows) == self.rows else set()
        self._last_row = going_on | {each for each in different if each.lstrip(_LETTERS) == last}

    def _find_unread(self, text: bytes) -> None:
        """The last cell of a piece may go on in the next one, and is looked at again there."""
        text = self._last_cell + text
        self._last_cell = text[max(text.rfind(b"<c "), 0) :]
        if b"<f" in text:
            self.unread.update((address.decode(), None) for address in _UNCOMPUTED.findall(text))
        if b't="e"' in text or b"t='e'" in text:
            self.unread.update((address.decode(), None) for address in _ERROR.findall(text))

    def _read_slowly(self, text: bytes) -> list[bytes]:
        matches = [_REFERENCE.match(text, cell.end()) for cell in _CELL.finditer(text)]
        self.has_unaddressed = self.has_unaddressed or None in matches
        return [match[1].upper() for match in matches if match]

    def refuse_bomb(self) -> None:
        if not self.is_sheet:
            return
        if self.has_unaddressed:
            raise FileRefused("The sheet has cells without an address; open it in Excel and save it again.")
        self.refuse_twice()
        reach = f"The sheet reaches to row {self.rows:,} and column {self.columns:,}"
        if self.columns > COLUMNS or self.rows > ROWS:
            raise FileRefused(
                f"{reach}; at most {COLUMNS} columns are read. Delete what lies beyond the data, and save."
            )
        area = self.rows * self.columns
        if area > AREA or (area > SPARSE_FROM and area > SPARSENESS * self.cells):
            raise FileRefused(
                f"{reach} but holds {self.cells:,} cells. Delete the empty rows and columns beyond the data, and save;"
                " split a file that really has so many."
            )

    def refuse_twice(self) -> None:
        if self.twice:
            raise FileRefused(
                f"The sheet has two cells at {self.twice.decode()}; open it in Excel, keep the right one, and save."
            )


class _Places(_Extent):
    """A second look at a sheet that is jumbled: which places of its rectangle are taken."""

    def __init__(self, extent: _Extent) -> None:
        super().__init__()
        self.width = extent.columns + 1
        self.taken = bytearray((extent.rows + 1) * self.width)

    def _measure(self, references: list[bytes]) -> None:
        for each in references:
            row, column = int(each.lstrip(_LETTERS)), _column_number(each.rstrip(_DIGITS))
            place = row * self.width + column
            if self.taken[place]:
                self.twice = each
            self.taken[place] = 1


def inspect(content: bytes) -> list[str]:
    """Refuses with a sentence what is not a plain workbook, or would take more memory than an honest one. Returns notes
    on cells that read as blank although something stands in them.
    """
    parts = _parts(content)
    _refuse_kinds({part.filename.lower() for part in parts})
    left = UNZIPPED
    unread: list[str] = []
    for part in parts:
        size, found = _inspect_part(content, part, left)
        left -= size
        unread += found
    return _notes(unread)


def _notes(unread: list[str]) -> list[str]:
    if not unread:
        return []
    more = f" and {len(unread) - _NAMED:,} more" if len(unread) > _NAMED else ""
    return [
        "Cells with an error or with a formula that was never computed were read as blank: "
        f"{', '.join(unread[:_NAMED])}{more}."
    ]


def _parts(content: bytes) -> list[zipfile.ZipInfo]:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            parts = archive.infolist()
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError, UnicodeDecodeError):
        raise FileRefused("The file is damaged: it begins like an XLSX file but cannot be unpacked.") from None
    if len(parts) > PARTS:
        raise FileRefused(f"The file has {len(parts):,} parts, at most {PARTS} are read; save the data alone as XLSX.")
    if len({part.filename.lower() for part in parts}) != len(parts):
        raise FileRefused("The file is damaged: two of its parts have the same name.")
    return parts


def _refuse_kinds(names: set[str]) -> None:
    if any(name.endswith("vbaproject.bin") for name in names):
        raise FileRefused("The workbook contains macros; save it as a plain XLSX or CSV file.")
    if "xl/workbook.bin" in names:
        raise FileRefused("This is a binary workbook (XLSB); save it as XLSX or CSV.")
    if "xl/workbook.xml" not in names or "[content_types].xml" not in names:
        raise FileRefused("The file is a zip archive but no Excel workbook; save the data as XLSX or CSV.")


def _inspect_part(content: bytes, part: zipfile.ZipInfo, left: int) -> tuple[int, list[str]]:
    """The part's true size, and its cells that read as blank. Refuses it as soon as it is too large, or says something
    a plain workbook does not.
    """
    name = part.filename.lower()
    size, before, extent = 0, b"", _Extent()
    _refuse_size(part.file_size, part.compress_size, left)  # a claim is believed where it speaks against the file
    for piece in _unpacked(content, part):
        size += len(piece)
        if size > part.file_size:
            raise FileRefused(_NOT_THE_SIZE)
        extent.add(piece)
        if name.endswith(_XML):
            _refuse_xml(before + piece, is_start=not before, name=name)
            before = piece[-_OVERLAP:]
    extent.add(b"", is_end=True)
    extent.refuse_bomb()
    if extent.is_sheet and extent.is_jumbled:
        places = _Places(extent)
        for piece in _unpacked(content, part):
            places.add(piece)
        places.add(b"", is_end=True)
        places.refuse_twice()
    if size != part.file_size:
        raise FileRefused(_NOT_THE_SIZE)
    return size, list(extent.unread)


def _unpacked(content: bytes, part: zipfile.ZipInfo) -> Iterator[bytes]:
    """The part in pieces, from its packed bytes alone."""
    if part.flag_bits & 0x1:
        raise FileRefused("The file is protected by a password; save it without one.")
    start = part.header_offset + _LOCAL_HEADER
    header = content[part.header_offset : start]
    if len(header) < _LOCAL_HEADER or part.compress_type not in (_STORED, _DEFLATED):
        raise FileRefused("The file is damaged or packed in a way that Excel does not use; save it again as XLSX.")
    start += int.from_bytes(header[26:28], "little") + int.from_bytes(header[28:30], "little")
    packed = memoryview(content)[start : start + part.compress_size]
    if part.compress_type == _STORED:
        for offset in range(0, len(packed), _PIECE):
            yield bytes(packed[offset : offset + _PIECE])
        return
    yield from _inflated(packed)


def _inflated(packed: memoryview) -> Iterator[bytes]:
    unpacker = zlib.decompressobj(-zlib.MAX_WBITS)
    data: bytes | memoryview = packed
    try:
        while not unpacker.eof:
            piece = unpacker.decompress(data, _PIECE)
            data = unpacker.unconsumed_tail
            if not piece and not data:
                return
            yield piece
    except zlib.error:
        raise FileRefused("The file is damaged: a part of it cannot be unpacked.") from None


def _refuse_size(size: int, packed: int, left: int) -> None:
    if size > left:
        raise FileRefused(f"Unpacked, the file is larger than {UNZIPPED // 1024**2} MB; split it, or send it as CSV.")
    if size > RATIO_FROM and size > RATIO * packed:
        raise FileRefused(f"A part of the file is packed more than {RATIO} to 1; no ordinary workbook is.")


def _refuse_xml(text: bytes, *, is_start: bool, name: str) -> None:
    if _DECLARATION.search(text):
        raise FileRefused(
            "The workbook declares a document type or entities, which Excel never does; it was not opened."
        )
    if is_start and text[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise FileRefused("The workbook is not written in UTF-8; open it in Excel and save it again.")
    if name == "[content_types].xml" and b"macroEnabled" in text:
        raise FileRefused("The workbook is of a kind that may contain macros; save it as a plain XLSX or CSV file.")


def _column_number(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number
