"""Daily files as they should not be, each with what must become of it.

A case is a file and its golden outcome: a phrase of the refusal, or one line per row of the file, written
"code uid|last|first|dob" where code is ok or the row's fault codes joined by +. `notes` are phrases that must be
said, each of them; where there are none, nothing may be said.
"""

import io
import struct
import zipfile
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from typing import Any, NamedTuple

from openpyxl import Workbook
from openpyxl.utils.datetime import CALENDAR_MAC_1904

from tests.ingest.files import SHEET, SHEET_BEGIN, SHEET_END, rezipped, sheet_xml, xlsx_bytes

HEADERS = ("SMIS Client No", "Surname", "Given Name", "DOB")
HEAD = ",".join(HEADERS) + "\n"
ADA = "ok 1|Ng|Ada|1990-01-01"
ADA_LINE = "1,Ng,Ada,1990-01-01\n"


class Case(NamedTuple):
    """One file."""

    name: str
    content: bytes
    expected: str | list[str]
    notes: tuple[str, ...] = ()
    file_name: str = "smis.csv"
    source: str = "SMIS"
    is_bomb: bool = False


def _csv(name: str, body: str, expected: str | list[str], *notes: str, head: str = HEAD, **how: Any) -> Case:
    encoding = how.pop("encoding", "utf-8")
    return Case(name, (head + body).encode(encoding), expected, notes, **how)


def _xlsx(name: str, rows: list[list[Any]], expected: str | list[str], *notes: str, **how: Any) -> Case:
    return Case(name, xlsx_bytes(HEADERS, *rows), expected, notes, file_name="smis.xlsx", **how)


def _book(fill: Callable[[Workbook], None]) -> bytes:
    book = Workbook()
    book.active.append(HEADERS)
    fill(book)
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def _mac(book: Workbook) -> None:
    book.epoch = CALENDAR_MAC_1904
    book.active.append(["1", "Ng", "Ada", date(1990, 1, 1)])


def _formulas(book: Workbook) -> None:
    book.active.append(["1", "Ng", "Ada", "=DATE(1990,1,1)"])


def _errors(book: Workbook) -> None:
    book.active.append(["1", "Ng", "Ada", "#N/A"])
    book.active["D2"].data_type = "e"


def _merged(book: Workbook) -> None:
    book.active.append(["1", "Ng", "Ada", date(1990, 1, 1)])
    book.active.append(["2", "", "Bo", None])
    book.active.merge_cells("B2:B3")


def _day_numbers(book: Workbook) -> None:
    for uid, number in (("1", 32874), ("2", 60), ("3", 0), ("4", -5), ("5", 99_999_999)):
        book.active.append([uid, "Ng", "Ada", number])
        book.active.cell(book.active.max_row, 4).number_format = "yyyy-mm-dd"


def _hidden(book: Workbook) -> None:
    book.active.sheet_state = "hidden"
    shown = book.create_sheet("Data")
    shown.append(HEADERS)
    shown.append(["1", "Ng", "Ada", "1990-01-01"])


def _hidden_rows(book: Workbook) -> None:
    book.active.append(["1", "Ng", "Ada", "1990-01-01"])
    book.active.append(["2", "Li", "Bo", None])
    book.active.row_dimensions[3].hidden = True


def _part(*cells: tuple[str, bytes]) -> bytes:
    """A workbook of one data row from raw cell tags (address, the rest of the tag)."""
    inline = b'<c r="%s" t="inlineStr"><is><t>%s</t></is></c>'
    head = b"".join(inline % (f"{c}1".encode(), h.encode()) for c, h in zip("ABCD", HEADERS, strict=True))
    row = b"".join(b'<c r="' + address.encode() + b'"' + rest for address, rest in cells)
    return rezipped({SHEET: SHEET_BEGIN + b'<row r="1">' + head + b'</row><row r="2">' + row + b"</row>" + SHEET_END})


def _text(value: bytes) -> bytes:
    return b' t="inlineStr"><is><t>' + value + b"</t></is></c>"


NG, ADA_CELL = ("B2", _text(b"Ng")), ("C2", _text(b"Ada"))


def _raw(name: str, cells: list[tuple[str, bytes]], expected: str | list[str], *notes: str) -> Case:
    return Case(name, _part(*cells), expected, notes, file_name="smis.xlsx")


def _bomb(name: str, content: bytes, said: str) -> Case:
    return Case(name, content, said, file_name="smis.xlsx", is_bomb=True)


def _claiming(content: bytes, part: str, size: int) -> bytes:
    position = content.rindex(part.encode()) - 46
    return content[: position + 24] + struct.pack("<I", size) + content[position + 28 :]


def _truncated_zip() -> bytes:
    return xlsx_bytes(HEADERS)[:-30]


def _many_parts() -> bytes:
    return rezipped({f"xl/x{number}.xml": b"<x/>" for number in range(300)})


def _nested_zip() -> bytes:
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.csv", HEAD + ADA_LINE)
    return inner.getvalue()


ENCODINGS = [
    _csv("utf-8", ADA_LINE, [ADA]),
    _csv("utf-8 with BOM", ADA_LINE, [ADA], encoding="utf-8-sig"),
    _csv("utf-16 with BOM", ADA_LINE, [ADA], encoding="utf-16"),
    Case("utf-16 big endian with BOM", b"\xfe\xff" + (HEAD + ADA_LINE).encode("utf-16-be"), [ADA]),
    Case("utf-16 without BOM", (HEAD + ADA_LINE).encode("utf-16-le"), "NUL character at byte 2 (line 1)"),
    Case("utf-16 cut in half a character", (HEAD + ADA_LINE).encode("utf-16")[:-1], "not written in UTF-16"),
    Case(
        "utf-16 with a lone surrogate",
        b"\xff\xfe" + HEAD.encode("utf-16-le") + b"\x00\xd8x\x00",
        "not written in UTF-16",
    ),
    _csv("utf-32", ADA_LINE, "written in UTF-32", encoding="utf-32"),
    _csv("windows-1252", "1,Côté,Ada,\n", "byte 42 (line 2) is 0xF4", encoding="cp1252"),
    _csv("latin-1 in the last cell", ADA_LINE + "2,Li,Zoë,\n", "(line 3) is 0xEB", encoding="latin-1"),
    Case("utf-8 cut in half a letter", (HEAD + "1,Ng,Zo\u00eb").encode()[:-1], "(line 2) is 0xC3"),
    Case("utf-8 of a surrogate", HEAD.encode() + b"1,N\xed\xa0\x80g,Ada,\n", "(line 2) is 0xED"),
    Case("overlong utf-8", HEAD.encode() + b"1,N\xc0\xafg,Ada,\n", "(line 2) is 0xC0"),
    _csv("NUL in a cell", "1,N\0g,Ada,\n", "NUL character at byte 42 (line 2)"),
    Case("a file of NULs", b"\0" * 4096, "NUL character at byte 1"),
    Case("a BOM and nothing else", b"\xef\xbb\xbf", "nothing but blank lines"),
    Case("nothing at all", b"", "The file is empty"),
    Case("blank lines alone", b"\n\n , \n", "nothing but blank lines"),
    _csv("a letter lost upstream", "1,Ng,Jos\ufffd,\n", ["ok 1|Ng|Jos\ufffd|"], "has lost a letter"),
    _csv(
        "two files put together, a BOM between",
        ADA_LINE + "\ufeff" + HEAD + "2,Li,Bo,\n",
        [ADA, "repeated_headers |||", "ok 2|Li|Bo|"],
    ),
    _csv("an old end-of-file mark", ADA_LINE + "\x1a", [ADA, "missing_name |||"], "ends after 1 of 4 cells"),
]

DELIMITERS = [
    _csv("semicolons", "1;Ng;Ada;1990-01-01\n", [ADA], head=HEAD.replace(",", ";")),
    _csv("tabs", "1\tNg\tAda\t1990-01-01\n", [ADA], head=HEAD.replace(",", "\t")),
    _csv("pipes", "1|Ng|Ada|1990-01-01\n", "no column first_name", head=HEAD.replace(",", "|")),
    _csv("spaces", "1 Ng Ada\n", "no column first_name", head="SMIS_Client_No Surname Given_Name\n"),
    _csv("Excel's own first line", "1;Ng;Ada;1990-01-01\n", [ADA], head="sep=;\n" + HEAD.replace(",", ";")),
    _csv("Excel's first line says otherwise", ADA_LINE, "no column first_name", head="sep=;\n" + HEAD),
    _csv(
        "commas in semicolon cells",
        "1;Ng, Jr;Ada;1990-01-01\n",
        ["ok 1|Ng, Jr|Ada|1990-01-01"],
        head=HEAD.replace(",", ";"),
    ),
    _csv(
        "headers in commas, rows in semicolons",
        "1;Ng;Ada;1990-01-01\n",
        ["missing_name 1;Ng;Ada;1990-01-01|||"],
        "ends after 1 of 4 cells",
    ),
    _csv("a tab within a cell", "1,Ng\tJr,Ada,\n", ["ok 1|Ng Jr|Ada|"]),
    _csv("line ends of old Macs", "1,Ng,Ada,1990-01-01\r", [ADA], head=HEAD.replace("\n", "\r")),
    _csv("line ends of every kind", "1,Ng,Ada,1990-01-01\r\n2,Li,Bo,\r3,Wu,Cy,\n", [ADA, "ok 2|Li|Bo|", "ok 3|Wu|Cy|"]),
    _csv("line ends doubled", "1,Ng,Ada,1990-01-01\r\r\n2,Li,Bo,\r\r\n", [ADA, "ok 2|Li|Bo|"]),
    _csv("no line end at the end", ADA_LINE.rstrip(), [ADA]),
    _csv("Unicode's line separators are no line ends", "1,N\u2028g,A\x85da,\n", ["ok 1|N g|A da|"]),
    _csv("form feeds and vertical tabs are no line ends", "1,N\x0cg,A\x0bda,\n", ["ok 1|N g|A da|"]),
]

QUOTING = [
    _csv("all cells quoted", '"1","Ng","Ada","1990-01-01"\n', [ADA]),
    _csv("delimiters, quotes and line ends in quotes", '1,"N, ""g""\r\nrear",Ada,\n', ['ok 1|N, "g" rear|Ada|']),
    _csv("an open quote in the last row", ADA_LINE + '2,"Li,Bo,\n', "opened in line 3 is never closed"),
    _csv("an open quote swallowing rows", '1,"Ng,Ada,\n2,Li,Bo,\n3,Wu,Cy,\n', "opened in line 2 is never closed"),
    _csv("a quote closed too early", '1,"Ng"x,Ada,\n', "In line 2 a closing quotation mark"),
    _csv("a quote in an unquoted cell", '1,N"g,Ada,\n', ['ok 1|N"g|Ada|']),
    _csv("quotes escaped by backslashes", '1,"N\\"g",Ada,\n', "In line 2 a closing quotation mark"),
    _csv("a space before the quote", '1, "Ng",Ada,\n', ['ok 1|"Ng"|Ada|']),
    _csv("apostrophes for quotes", "1,'Ng',Ada,\n", ["ok 1|'Ng'|Ada|"]),
    _csv("a quoted blank row", '"","","",""\n' + ADA_LINE, [ADA], "1 blank row was passed over"),
    _csv(
        "an open quote in the headers",
        ADA_LINE,
        "opened in line 1 is never closed",
        head='SMIS Client No,"Surname,Given Name,DOB\n',
    ),
    _csv("headers over two lines", ADA_LINE, [ADA], head='"SMIS\nClient No",Surname,"Given\nName",DOB\n'),
]

WIDTHS = [
    _csv("a short row", "1,Ng\n", ["ok 1|Ng||"], "ends after 2 of 4 cells", "a single name"),
    _csv("one cell too many", "1,Ng,Ada,1990-01-01,x\n", ["too_many_cells |||"]),
    _csv("one blank cell too many", "1,Ng,Ada,1990-01-01,\n", ["too_many_cells |||"]),
    _csv("a delimiter at each end", "1,Ng,Ada,1990-01-01,\n", [ADA], head=HEAD.replace("\n", ",\n")),
    _csv("an unquoted comma shifts the row", "1,Ng,Jr,Ada,1990-01-01\n", ["too_many_cells |||"]),
    _csv(
        "a hundred thousand cells", "1,Ng,Ada," + "x," * 100_000 + "\n2,Li,Bo,\n", ["too_many_cells |||", "ok 2|Li|Bo|"]
    ),
    _csv(
        "ten thousand headers",
        "1,Ng,Ada,1990-01-01" + "," * 10_000 + "\n",
        [ADA],
        "and 9,970 more",
        head=HEAD.strip() + "".join(f",x{n}" for n in range(10_000)) + "\n",
    ),
    _csv("a cell of a million letters", "1," + "N" * 1_000_000 + ",Ada,\n", ["too_long 1||Ada|"]),
    _csv(
        "a cell of a million letters nobody reads",
        "1,Ng,Ada,1990-01-01," + "N" * 1_000_000 + "\n",
        [ADA],
        "“Remarks”",
        head=HEAD.strip() + ",Remarks\n",
    ),
    _csv("blank rows between", "\n,,,\n" + ADA_LINE + "\n \n,,,\n", [ADA], "2 blank rows were passed over"),
    _csv(
        "a total below the rows", ADA_LINE + "Total: 1\n", [ADA, "missing_name Total: 1|||"], "ends after 1 of 4 cells"
    ),
    _csv(
        "a total that looks like a name",
        "Total,25\n",
        ["ok Total|25||"],
        "ends after 2",
        "no letter and was kept",
        "single name",
    ),
]

HEADER_ROWS = [
    _csv("no rows", "", []),
    _csv("headers in capitals, spaced oddly", ADA_LINE, [ADA], head="SMIS_CLIENT_NO, surname ,GIVEN  NAME,d o b\n"),
    _csv("canonical headers", ADA_LINE, [ADA], head="uid_external,last_name,first_name,dob\n"),
    _csv(
        "headers with invisible marks", ADA_LINE, [ADA], head="\u200bSMIS Client No,Sur\u00adname,Given\u00a0Name,DOB\n"
    ),
    _csv("full-width headers", ADA_LINE, [ADA], head="SMIS Client No,Ｓｕｒｎａｍｅ,Given Name,DOB\n"),
    _csv(
        "the same header twice",
        "1,Ng,Ng,Ada\n",
        "are the same header",
        head="SMIS Client No,Note,Note,Surname,Given Name\n",
    ),
    _csv(
        "two headers of one meaning",
        "1,Ng,Ng,Ada\n",
        "both mean last_name",
        head="SMIS Client No,Surname,last_name,Given Name\n",
    ),
    _csv(
        "no first name", "1,Ng\n", "no column first_name (SMIS calls it “Given Name”)", head="SMIS Client No,Surname\n"
    ),
    _csv("a title above the headers", HEAD + ADA_LINE, "no column first_name", head="SMIS export of 2026-11-20\n"),
    _csv("no headers at all", "2,Li,Bo,\n", "no column first_name", head=ADA_LINE),
    _csv(
        "the headers again between the rows",
        ADA_LINE + HEAD + "2,Li,Bo,\n",
        [ADA, "repeated_headers |||", "ok 2|Li|Bo|"],
    ),
    _csv(
        "an unknown column",
        "1,Ng,Ada,1990-01-01,x\n",
        [ADA],
        "ignored: “Shoe size”",
        head=HEAD.strip() + ",Shoe size\n",
    ),
    _csv("a column without a header", "x,1,Ng,Ada,1990-01-01\n", [ADA], "column 1 (no header)", head="," + HEAD),
    _csv(
        "the headers of another source",
        "1,Ng,Ada\n",
        "Is it a file from SMIS?",
        head="FFAI ID,Name (Last),Name (First)\n",
    ),
]

VALUES = [
    _csv("decomposed accents", "1,Ng,Zoe\u0308,\n", ["ok 1|Ng|Zo\u00eb|"]),
    _csv("non-breaking and zero-width spaces", "1,\u00a0Ng\u200b,\u2003Ada\ufeff,\n", ["ok 1|Ng|Ada|"]),
    _csv("direction marks", "1,\u202eNg\u202c,Ada,\n", ["ok 1|Ng|Ada|"]),
    _csv("leading zeros", "000123,Ng,Ada,\n", ["ok 000123|Ng|Ada|"]),
    _csv("an identifier of zeros", "0000,Ng,Ada,\n", ["ok |Ng|Ada|"], "is no identifier"),
    _csv("an identifier that Excel rounded", "1.23457E+11,Ng,Ada,\n", ["unsafe_number |Ng|Ada|"]),
    _csv("an identifier that Excel rounded, with a comma", '"1,23457E+11",Ng,Ada,\n', ["unsafe_number |Ng|Ada|"]),
    _csv("an identifier that only looks like one", "12E5,Ng,Ada,\n", ["ok 12E5|Ng|Ada|"]),
    _csv("a spreadsheet error for an identifier", "#N/A,Ng,Ada,\n", ["ok |Ng|Ada|"], "is no identifier"),
    _csv("a spreadsheet error for a name", "1,#REF!,Ada,\n", ["ok 1||Ada|"], "error, not a name", "single name"),
    _csv("spreadsheet errors for both names", "1,#REF!,#NAME?,\n", ["missing_name 1|||"], "error, not a name"),
    _csv("a formula", "1,=1+1,Ada,\n", ["ok 1|=1+1|Ada|"], "no letter and was kept"),
    _csv("a formula with our apostrophe", "1,'=Ng,Ada,\n", ["ok 1|=Ng|Ada|"]),
    _csv("a command for a spreadsheet", "1,\"=cmd|' /C calc'!A0\",Ada,\n", ["ok 1|=cmd|' /C calc'!A0|Ada|"]),
    _csv("HTML", "1,<script>alert(1)</script>,Ada,\n", ["ok 1|<script>alert(1)</script>|Ada|"]),
    _csv("SQL", '1,"\'; DROP TABLE clients; --",Ada,\n', ["ok 1|'; DROP TABLE clients; --|Ada|"]),
    _csv("a name of digits", "1,12345,Ada,\n", ["ok 1|12345|Ada|"], "no letter and was kept"),
    _csv(
        "a name of signs alone", "1,😀,Ada,\n", ["ok 1||Ada|"], "has no letter and was read as missing", "single name"
    ),
    _csv("no name", "1,,,1990-01-01\n", ["missing_name 1|||1990-01-01"]),
    _csv("a single name", "1,,Ada,\n", ["ok 1||Ada|"], "single name"),
    _csv("one letter", "1,N,Ada,\n", ["ok 1|N|Ada|"], "has one letter"),
    _csv("a Chinese single letter", "1,王,Ada,\n", ["ok 1|王|Ada|"]),
    _csv("people called Null and Unknown", "1,Null,Unknown,\n", ["ok 1|Null|Unknown|"]),
    _csv("a day that is none", "1,Ng,Ada,1990-02-30\n", ["bad_date 1|Ng|Ada|"]),
    _csv("a date of another source", "1,Ng,Ada,30/01/1990\n", ["bad_date 1|Ng|Ada|"]),
    _csv("a date in words", '1,Ng,Ada,"Jan 1, 1990"\n', ["bad_date 1|Ng|Ada|"]),
    _csv("a year of two digits", "1,Ng,Ada,90-01-01\n", ["bad_date 1|Ng|Ada|"]),
    _csv("full-width digits", "1,Ng,Ada,１９９０-01-01\n", ["bad_date 1|Ng|Ada|"]),
    _csv("a spreadsheet's day number", "1,Ng,Ada,32874\n", ["bad_date 1|Ng|Ada|"]),
    _csv("a birth tomorrow", "1,Ng,Ada,2026-11-21\n", ["dob_in_future 1|Ng|Ada|"]),
    _csv("a birth 121 years ago", "1,Ng,Ada,1905-11-19\n", ["dob_too_old 1|Ng|Ada|"]),
    _csv("a birth before 1920", "1,Ng,Ada,1919-01-01\n", ["ok 1|Ng|Ada|1919-01-01"], "before 1920"),
    _csv("a placeholder", "1,Ng,Ada,1900-01-01\n", ["ok 1|Ng|Ada|"], "unknown date"),
    _csv("a time of day", "1,Ng,Ada,1990-01-01 10:30\n", [ADA], "time of day"),
    _csv("several faults at once", "1.5E+9,,,1990-13-01\n", ["unsafe_number+bad_date+missing_name |||"]),
]

WORKBOOKS = [
    _xlsx("an ordinary workbook", [["1", "Ng", "Ada", date(1990, 1, 1)]], [ADA]),
    _xlsx("numbers for identifiers", [[1, "Ng", "Ada", "1990-01-01"]], [ADA]),
    _xlsx("leading zeros in a text cell", [["007", "Ng", "Ada", None]], ["ok 007|Ng|Ada|"]),
    _xlsx("a number of 16 digits", [[1234567890123456, "Ng", "Ada", None]], ["unsafe_number 1234567890123456|Ng|Ada|"]),
    _xlsx("a time for a date", [["1", "Ng", "Ada", time(10, 3)]], ["bad_date 1|Ng|Ada|"]),
    _xlsx("a duration for a date", [["1", "Ng", "Ada", timedelta(hours=30)]], ["bad_date 1|Ng|Ada|"]),
    _xlsx("a date with a time of day", [["1", "Ng", "Ada", datetime(1990, 1, 1, 10, 30)]], [ADA], "time of day"),
    _xlsx("truth for an identifier", [[True, "Ng", "Ada", None]], ["ok TRUE|Ng|Ada|"]),
    _xlsx("a text beginning with =", [["1", "=Ng", "Ada", None]], ["ok 1|=Ng|Ada|"]),
    _xlsx("a value beyond the headers", [["1", "Ng", "Ada", None, "x"]], ["too_many_cells |||"]),
    Case(
        "data lower and further right",
        xlsx_bytes(HEADERS, ["1", "Ng", "Ada", "1990-01-01"], at=(5, 3)),
        [ADA],
        file_name="a.xlsx",
    ),
    Case("days counted from 1904", _book(_mac), [ADA], file_name="a.xlsx"),
    Case(
        "day numbers in date cells",
        _book(_day_numbers),
        [ADA, "dob_too_old 2|Ng|Ada|", *(f"bad_date {n}|Ng|Ada|" for n in (3, 4, 5))],
        file_name="a.xlsx",
    ),
    Case("formulas never computed", _book(_formulas), ["ok 1|Ng|Ada|"], ("read as blank: D2",), file_name="a.xlsx"),
    Case("an error in a cell", _book(_errors), ["ok 1|Ng|Ada|"], ("read as blank: D2",), file_name="a.xlsx"),
    Case("merged cells", _book(_merged), [ADA, "ok 2||Bo|"], ("single name",), file_name="a.xlsx"),
    Case("hidden rows are rows", _book(_hidden_rows), [ADA, "ok 2|Li|Bo|"], file_name="a.xlsx"),
    Case("a hidden first sheet", _book(_hidden), [ADA], file_name="a.xlsx"),
    Case(
        "a second sheet",
        xlsx_bytes(HEADERS, ["1", "Ng", "Ada", "1990-01-01"], more_sheets=["Old"]),
        [ADA],
        ("Only the first sheet",),
        file_name="a.xlsx",
    ),
    Case("a sheet without a cell", xlsx_bytes([]), "blank lines", file_name="a.xlsx"),
    _raw(
        "a formula with its text",
        [("A2", _text(b"1")), NG, ("C2", b' t="str"><f>X1</f><v>Ada</v></c>')],
        ["ok 1|Ng|Ada|"],
    ),
    _raw(
        "a formula that is an error",
        [("A2", _text(b"1")), NG, ("C2", b' t="e"><f>X1</f><v>#REF!</v></c>')],
        ["ok 1|Ng||"],
        "read as blank: C2",
        "single name",
    ),
    _raw("NUL written as an escape", [("A2", _text(b"a_x0000_b")), NG, ADA_CELL], ["nul_character |||"]),
    _raw("NUL written as a reference", [("A2", _text(b"&#0;")), NG, ADA_CELL], "cannot be read"),
    _raw("half a surrogate pair", [("A2", _text(b"&#xD800;")), NG, ADA_CELL], "cannot be read"),
    _raw("a line end within a cell", [("A2", _text(b"1")), ("B2", _text(b"N&#10;g")), ADA_CELL], ["ok 1|N g|Ada|"]),
    _raw("a text that the workbook does not hold", [("A2", b' t="s"><v>999</v></c>'), NG, ADA_CELL], "cannot be read"),
]

NOT_DATA = [
    Case("a PDF", b"%PDF-1.7\n", "PDF document"),
    Case("a gzip archive", b"\x1f\x8b\x08\0", "gzip archive"),
    Case("a 7-Zip archive", b"7z\xbc\xaf\x27\x1c", "7-Zip archive"),
    Case("a zip of a CSV", _nested_zip(), "no Excel workbook", file_name="smis.xlsx"),
    Case("a zip named .csv", _nested_zip(), "named .csv but is a workbook or an archive"),
    Case("an old workbook", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, "old kind (.xls)", file_name="smis.xls"),
    Case(
        "an old workbook named .xlsx", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, "old kind", file_name="a.xlsx"
    ),
    Case(
        "a workbook with a password",
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "EncryptedPackage".encode("utf-16-le"),
        "password",
        file_name="a.xlsx",
    ),
    Case("a web page named .csv", b"<html><table><tr><td>Surname</td></tr></table>", "no column first_name"),
    Case("JSON", b'[{"Surname": "Ng"}]', "no column first_name"),
    Case("a CSV named .xlsx", (HEAD + ADA_LINE).encode(), "named .xlsx but is no workbook", file_name="a.xlsx"),
    Case("a workbook named .xlsm", xlsx_bytes(HEADERS), "macros (.xlsm)", file_name="a.xlsm"),
    Case("an OpenDocument sheet", xlsx_bytes(HEADERS), "OpenDocument", file_name="a.ods"),
]

BOMBS = [
    _bomb("one cell in the last corner", rezipped({SHEET: sheet_xml(b' r="A1"', b' r="XFD1048576"')}), "column 16,384"),
    _bomb(
        "a few cells in a tall sheet", rezipped({SHEET: sheet_xml(b' r="A1"', b' r="B1048576"')}), "but holds 2 cells"
    ),
    _bomb("201 columns", rezipped({SHEET: sheet_xml(b' r="A1"', b' r="GS1"')}), "at most 200 columns"),
    _bomb("spaces packed 1000 to 1", rezipped({SHEET: SHEET_BEGIN + b" " * 50_000_000 + SHEET_END}), "200 to 1"),
    _bomb(
        "rows that claim to be few",
        _claiming(rezipped({SHEET: SHEET_BEGIN + b"<row/>" * 8_000_000 + SHEET_END}), SHEET, 100),
        "not the size it claims",
    ),
    _bomb(
        "empty rows packed 1000 to 1", rezipped({SHEET: SHEET_BEGIN + b"<row/>" * 8_000_000 + SHEET_END}), "200 to 1"
    ),
    _bomb(
        "a billion laughs",
        rezipped({"xl/sharedStrings.xml": b'<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]><sst/>'}),
        "entities",
    ),
    _bomb(
        "an entity from elsewhere",
        rezipped({"xl/workbook.xml": b'<!DOCTYPE x SYSTEM "file:///etc/passwd"><x/>'}),
        "entities",
    ),
    _bomb("300 parts", _many_parts(), "parts, at most 200"),
    _bomb("macros", rezipped({"xl/vbaProject.bin": b"x"}), "macros"),
    _bomb("a binary workbook", rezipped({"xl/workbook.bin": b"x"}), "XLSB"),
    _bomb("cells without an address", rezipped({SHEET: sheet_xml(b"")}), "without an address"),
    _bomb("an archive cut off", _truncated_zip(), "damaged"),
    _bomb("an archive of nothing", b"PK\x03\x04" + b"x" * 100, "damaged"),
]

CASES = [*ENCODINGS, *DELIMITERS, *QUOTING, *WIDTHS, *HEADER_ROWS, *VALUES, *WORKBOOKS, *NOT_DATA, *BOMBS]
