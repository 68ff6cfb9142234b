"""CSV as rows of text: comma, semicolon or tab; UTF-8, or UTF-16 with its mark."""

import codecs
import csv
import io
import re
from collections.abc import Iterator
from typing import Final

from core.errors import FileRefused
from core.ingest.headers import score
from core.ingest.profile import SourceProfile
from core.normalise import unescape_formula

DELIMITERS: Final = (",", ";", "\t")
_PIECE: Final = 1024 * 1024
_SEPARATOR_LINE: Final = re.compile(r'"?sep=([,;\t])"?[,;\t]*\r?\n?', re.IGNORECASE)  # Excel's own first line

# A cell may be as long as a file: it is the row that is faulty then, not the file. The limit is the process's.
csv.field_size_limit(2**31 - 1)


class DelimitedText:
    """A CSV file; its delimiter is the one under which its headers make sense."""

    def __init__(self, content: bytes, profile: SourceProfile) -> None:
        self.notes: list[str] = []
        self._content = content
        self._encoding = _encoding(content)
        _refuse_undecodable(content, self._encoding)
        self._delimiter, self._skips_line = self._sniff(profile)

    def rows(self) -> Iterator[tuple[list[str], tuple[int, ...]]]:
        for cells in self._records(self._delimiter):
            yield cells, ()

    def _sniff(self, profile: SourceProfile) -> tuple[str, bool]:
        self._skips_line = False
        declared = _SEPARATOR_LINE.fullmatch(self._stream().readline())
        if declared:
            return declared[1], True
        first = next((line for line in self._stream() if line.strip()), "")

        def likelihood(delimiter: str) -> tuple[tuple[int, int], int]:
            return score(self._header(delimiter), profile), first.count(delimiter)

        return max(DELIMITERS, key=likelihood), False

    def _header(self, delimiter: str) -> list[str]:
        try:
            header = next((cells for cells in self._records(delimiter) if any(map(str.strip, cells))), [])
        except FileRefused:
            return []
        return [unescape_formula(text) for text in header]

    def _stream(self) -> io.TextIOWrapper:
        return io.TextIOWrapper(io.BytesIO(self._content), encoding=self._encoding, newline="")

    def _records(self, delimiter: str) -> Iterator[list[str]]:
        stream = self._stream()
        skipped = 0
        if self._skips_line:
            stream.readline()
            skipped = 1
        reader = csv.reader(stream, delimiter=delimiter, strict=True)
        while True:
            start = reader.line_num + 1 + skipped
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                raise FileRefused(_complaint(error, start, reader.line_num + skipped)) from None
            yield cells


def _encoding(content: bytes) -> str:
    if content.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        raise FileRefused("The file is written in UTF-32; save it as “CSV UTF-8”.")
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    return "utf-8-sig"


def _refuse_undecodable(content: bytes, encoding: str) -> None:
    """Reads all of it once, in pieces: a file is refused before its first row is used."""
    decoder = codecs.getincrementaldecoder("utf-8" if encoding == "utf-8-sig" else encoding)()
    for offset in range(0, len(content), _PIECE):
        pending = len(decoder.getstate()[0])
        piece = content[offset : offset + _PIECE]
        try:
            text = decoder.decode(piece, final=offset + _PIECE >= len(content))
        except UnicodeDecodeError as error:
            raise FileRefused(_not_decodable(content, offset - pending + error.start, encoding)) from None
        if "\0" in text:
            raise FileRefused(_has_nul(content, encoding))


def _not_decodable(content: bytes, position: int, encoding: str) -> str:
    name = "UTF-16" if encoding == "utf-16" else "UTF-8"
    return (
        f"The file is not written in {name}: byte {position + 1:,} (line {_line(content, position)}) is"
        f" 0x{content[position]:02X}. Save it as “CSV UTF-8”."
    )


def _has_nul(content: bytes, encoding: str) -> str:
    if encoding == "utf-16":
        return "The file holds a NUL character, which no text has; export it again."
    position = content.find(b"\0")
    return (
        f"The file holds a NUL character at byte {position + 1:,} (line {_line(content, position)}), which no text has;"
        " export it again, as “CSV UTF-8”."
    )


def _line(content: bytes, position: int) -> str:
    before = content[:position]
    return f"{max(before.count(10), before.count(13)) + 1:,}"


def _complaint(error: csv.Error, start: int, line: int) -> str:
    if "unexpected end of data" in str(error):
        return f"A quotation mark opened in line {start:,} is never closed; the file may be cut off. Export it again."
    if "expected after" in str(error):
        where = f"line {line:,}" if start == line else f"lines {start:,} to {line:,}"
        return f"In {where} a closing quotation mark is followed by text; double the quotation marks inside a value."
    return f"Line {line:,} cannot be read as CSV ({error})."
