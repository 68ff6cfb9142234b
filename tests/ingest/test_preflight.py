import io
import struct
import time
import zipfile

import pytest

from core.errors import FileRefused
from core.ingest import preflight
from tests.ingest.files import SHEET, SHEET_BEGIN, SHEET_END, rezipped, sheet_xml, xlsx_bytes


def refusal(content):
    with pytest.raises(FileRefused) as caught:
        preflight.inspect(content)
    return str(caught.value)


def test_an_ordinary_workbook_passes():
    preflight.inspect(xlsx_bytes(["first_name", "last_name"], *[[f"A{n}", n] for n in range(500)]))


@pytest.mark.parametrize(
    "cell",
    [
        b' r="XFD1048576"',
        b" r='XFD1048576'",
        b'  r = "XFD1048576"',
        b' s="1" r="XFD1048576"',
        b' t="r=\'A1\'" r="XFD1048576"',
    ],
)
def test_one_cell_in_the_last_corner_is_refused_at_once(cell):
    started = time.process_time()  # its own work, whatever else the machine does
    assert "row 1,048,576 and column 16,384" in refusal(rezipped({SHEET: sheet_xml(b' r="A1"', cell)}))
    assert time.process_time() - started < 0.5


def test_a_sheet_in_another_namespace_prefix_is_measured():
    xml = sheet_xml(b' r="A1"', b' r="XFD1048576"').replace(b"<c", "<é:c".encode()).replace(b"</c", "</é:c".encode())
    assert "column 16,384" in refusal(rezipped({SHEET: xml}))


def test_a_sheet_kept_elsewhere_is_measured():
    moved = {SHEET: None, "xl/other/data.bin": sheet_xml(b' r="XFD1048576"')}
    assert "column 16,384" in refusal(rezipped(moved))


def test_a_few_cells_in_a_very_tall_sheet_are_refused():
    assert "but holds 2 cells" in refusal(rezipped({SHEET: sheet_xml(b' r="A1"', b' r="B1048576"')}))


def test_a_reference_across_two_pieces_is_seen():
    for shift in range(-20, 4):
        padding = b" " * (1024 * 1024 - len(SHEET_BEGIN) + shift)
        xml = SHEET_BEGIN + padding + b'<row><c r="XFD1048576"><v>1</v></c></row>' + SHEET_END
        assert "column 16,384" in refusal(_stored({SHEET: xml}))


def test_cells_without_an_address_are_refused():
    assert "without an address" in refusal(rezipped({SHEET: sheet_xml(b"")}))


def rows_xml(*cells: str) -> bytes:
    """A sheet with a row for each cell; " " is so much room that the next row comes in another piece."""
    room = b" " * 1024 * 1024
    row = b'<row><c r="%s" t="inlineStr"><is><t>x</t></is></c></row>'
    return SHEET_BEGIN + b"".join(room if cell == " " else row % cell.encode() for cell in cells) + SHEET_END


@pytest.mark.parametrize(
    "cells",
    [
        ("A1", "B1", "B1", "A2"),
        ("A1", "B2", " ", "B2"),
        ("A1", "B2", " ", "A2", " ", "B2"),
        ("A1", "B2", " ", "B3", " ", "B1", " ", "B2"),
        ("A9", " ", "B2", " ", "B3", " ", "B2", "b2"),
        ("A1", "B2", "B02"),
        ("A1", "B02", " ", "B2"),
    ],
)
def test_two_cells_of_one_address_are_refused_since_only_one_would_be_read(cells):
    assert "two cells at B" in refusal(_stored({SHEET: rows_xml(*cells)}))


def test_rows_out_of_order_pass_where_no_address_comes_twice():
    preflight.inspect(_stored({SHEET: rows_xml("A0", "A9", " ", "B2", " ", "B3", " ", "B1", " ", "A2", "C9")}))


def test_more_than_200_columns_are_refused():
    assert "at most 200 columns" in refusal(rezipped({SHEET: sheet_xml(b' r="A1"', b' r="GS1"')}))
    preflight.inspect(rezipped({SHEET: sheet_xml(b' r="A1"', b' r="GR1"')}))


@pytest.mark.parametrize("declaration", [b'<!DOCTYPE x [<!ENTITY a "b">]>', b'<!ENTITY a "b">'])
def test_document_types_and_entities_are_refused(declaration):
    assert "entities" in refusal(rezipped({"xl/sharedStrings.xml": declaration + b"<sst/>"}))


def test_a_declaration_across_two_pieces_is_seen():
    for shift in range(-9, 1):
        text = b" " * (1024 * 1024 + shift) + b"<!DOCTYPE x>"
        assert "entities" in refusal(_stored({"xl/sharedStrings.xml": text}))


def test_a_part_packed_too_well_is_refused():
    assert "200 to 1" in refusal(rezipped({SHEET: SHEET_BEGIN + b" " * 20_000_000 + SHEET_END}))


def test_a_workbook_too_large_unpacked_is_refused(monkeypatch):
    monkeypatch.setattr(preflight, "UNZIPPED", 1000)
    assert "Unpacked, the file is larger" in refusal(xlsx_bytes(["a", "b"]))


def test_sizes_the_archive_claims_are_not_believed():
    content = rezipped({SHEET: SHEET_BEGIN + b" " * 20_000_000 + SHEET_END})
    assert "not the size it claims" in refusal(_claiming(content, SHEET, 100))
    small = rezipped({SHEET: sheet_xml(b' r="A1"')})
    assert "not the size it claims" in refusal(_claiming(small, SHEET, 100))


def test_too_many_parts_are_refused():
    assert "parts, at most 200" in refusal(rezipped({f"x{n}.xml": b"" for n in range(300)}))


def test_a_file_with_macros_is_refused():
    assert "macros" in refusal(rezipped({"xl/vbaProject.bin": b"x"}))
    with zipfile.ZipFile(io.BytesIO(xlsx_bytes(["a"]))) as archive:
        types = archive.read("[Content_Types].xml")
    macro = types.replace(b"spreadsheetml.sheet.main", b"x").replace(b"<Types", b"<Types x='macroEnabled'")
    assert "macros" in refusal(rezipped({"[Content_Types].xml": macro}))


@pytest.mark.parametrize("part", ["xl/workbook.xml", "[Content_Types].xml"])
def test_an_archive_that_is_no_workbook_is_refused(part):
    assert "no Excel workbook" in refusal(rezipped({part: None}))


def test_a_binary_workbook_is_refused():
    assert "XLSB" in refusal(rezipped({"xl/workbook.bin": b"x"}))


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_two_parts_of_one_name_are_refused():
    buffer = io.BytesIO(xlsx_bytes(["a"]))
    with zipfile.ZipFile(buffer, "a") as archive:
        archive.writestr(SHEET, sheet_xml(b' r="XFD1048576"'))
    assert "same name" in refusal(buffer.getvalue())


@pytest.mark.parametrize("content", [b"PK\x03\x04" + b"x" * 100, xlsx_bytes(["a"])[:-30], b"PK\x03\x04"])
def test_a_damaged_archive_is_refused(content):
    assert "damaged" in refusal(content)


def _stored(parts):
    """The parts packed without compression, so that pieces begin where they are meant to."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in ("[Content_Types].xml", "xl/workbook.xml"):
            archive.writestr(name, b"<x/>")
        for name, data in parts.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def _claiming(content, part, size):
    """The archive with another unpacked size of one part in its directory."""
    position = content.rindex(part.encode()) - 46
    assert content[position : position + 4] == b"PK\x01\x02"
    return content[: position + 24] + struct.pack("<I", size) + content[position + 28 :]
