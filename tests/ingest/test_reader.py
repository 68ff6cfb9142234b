import os
from datetime import date, datetime, time, timedelta

import pytest

from core.errors import FileRefused
from core.ingest import reader, sources
from core.ingest.headers import OUTCOME_COLUMNS
from core.ingest.reader import open_table, read_source
from core.normalise import escape_formula
from tests.ingest.files import csv_bytes, rezipped, xlsx_bytes

HEADER = ["SMIS Client No", "Surname", "Given Name"]
SMIS = sources.profile("SMIS")


def opened(content, name="smis.csv", profile=SMIS):
    return open_table(content, name, profile)


def read(content, name="smis.csv"):
    return [row.cells for row in opened(content, name).rows()]


def refusal(content, name="smis.csv"):
    with pytest.raises(FileRefused) as caught:
        list(opened(content, name).rows())
    return str(caught.value)


# Encodings and delimiters


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_it_reads_every_delimiter_in_every_encoding(delimiter, encoding):
    content = csv_bytes(HEADER, ["007", "Cárdenas", "Zoë, A;B"], delimiter=delimiter, encoding=encoding)
    table = opened(content)
    assert table.headers == tuple(HEADER)
    assert table.columns == ("uid_external", "last_name", "first_name")
    assert [row.cells for row in table.rows()] == [("007", "Cárdenas", "Zoë, A;B")]


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_it_reads_every_kind_of_line_end(line_end):
    assert read(line_end.join(["Surname,Given Name", "Ng,Ada", "Li,Bo"]).encode()) == [("Ng", "Ada"), ("Li", "Bo")]


def test_the_delimiter_is_the_one_under_which_the_headers_make_sense():
    assert read(b"Surname;Given Name;a,b,c,d\nNg;Ada;1,2,3,4\n") == [("Ng", "Ada", "1,2,3,4")]


def test_it_obeys_excels_separator_line():
    assert read(b"sep=;\r\nSurname;Given Name\r\nNg;Ada\r\n") == [("Ng", "Ada")]


def test_a_file_of_another_encoding_is_refused_with_byte_and_line():
    said = refusal("Surname,Given Name\nNg,Ada\nCárdenas,Bo\n".encode("cp1252"))
    assert "byte 28 (line 3) is 0xE1" in said
    assert "UTF-8" in said


def test_a_letter_across_two_pieces_is_not_an_error():
    padding = "x" * (1024 * 1024 - len("Surname,Given Name\n") - 1)
    assert read(f"Surname,Given Name\n{padding}é,Ada\n".encode())[0][1] == "Ada"


def test_a_fault_beyond_the_first_piece_is_placed_right():
    start = b"Surname,Given Name\n" + b"Ng,Ada\n" * 200_000
    assert f"byte {len(start) + 1:,} (line 200,002) is 0xFF" in refusal(start + b"\xff\n")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_a_nul_is_refused(encoding):
    assert "NUL" in refusal("Surname,Given Name\nN\0g,Ada\n".encode(encoding))


def test_utf_16_without_its_mark_and_utf_32_are_refused():
    assert "NUL" in refusal("Surname,Given Name\nNg,Ada\n".encode("utf-16-le"))
    assert "UTF-32" in refusal("Surname,Given Name\n".encode("utf-32"))


def test_a_torn_utf_16_file_is_refused():
    assert "UTF-16" in refusal("Surname,Given Name\nNg,Ada\n".encode("utf-16")[:-1])


# Quotation marks


def test_quoted_cells_hold_delimiters_quotes_and_line_breaks():
    content = b'Surname,Given Name\n"N, ""g""\r\nrear",Ada\n'
    assert read(content) == [('N, "g"\r\nrear', "Ada")]


def test_a_quotation_mark_never_closed_refuses_the_file_with_its_line():
    said = refusal(b'Surname,Given Name\nNg,Ada\nLi,"Bo\nWu,Cy\n')
    assert "line 3" in said
    assert "never closed" in said


def test_text_behind_a_closing_quotation_mark_refuses_the_file_with_its_line():
    assert "line 2" in refusal(b'Surname,Given Name\n"Ng"x,Ada\n')


def test_an_open_quotation_mark_in_the_headers_is_refused():
    assert "line 1" in refusal(b'Surname,"Given Name\nNg,Ada\n')


def test_a_very_long_cell_is_no_fault_of_the_file():
    assert len(read(b"Surname,Given Name\n" + b"x" * 300_000 + b",Ada\n")[0][0]) == 300_000


# Rows


def test_blank_lines_are_no_rows_and_do_not_count():
    rows = list(opened(b"\n,\nSurname,Given Name\n\nNg,Ada\n,\n  ,\xc2\xa0\nLi,Bo\n").rows())
    assert [(row.number, row.cells) for row in rows] == [(1, ("Ng", "Ada")), (2, ("Li", "Bo"))]


def test_rows_may_be_read_twice():
    table = opened(csv_bytes(HEADER, ["1", "Ng", "Ada"]))
    assert list(table.rows()) == list(table.rows())


def test_rows_are_lazy():
    rows = opened(b'Surname,Given Name\nNg,Ada\nLi,"Bo\n').rows()
    assert next(rows).cells == ("Ng", "Ada")


def test_a_short_row_is_filled_up_and_noted():
    row = next(opened(csv_bytes(HEADER, ["1", "Ng"])).rows())
    assert row.cells == ("1", "Ng", "")
    assert not row.faults
    assert "ends after 2 of 3 cells" in row.notes[0]


@pytest.mark.parametrize("cells", [["1", "Ng", "Ada", "x"], ["1", "Ng", "Ada", ""]])
def test_a_row_with_more_cells_than_headers_is_faulty_and_keeps_its_cells(cells):
    row = next(opened(csv_bytes(HEADER, cells)).rows())
    assert row.cells == tuple(cells)
    assert [each.code for each in row.faults] == ["too_many_cells"]
    assert "4 cells but the file has 3 headers" in row.faults[0].sentence


def test_blank_cells_under_blank_headers_are_nothing():
    table = opened(csv_bytes([*HEADER, "", ""], ["1", "Ng", "Ada", "", " "]))
    assert table.headers == tuple(HEADER)
    assert [row.cells for row in table.rows()] == [("1", "Ng", "Ada")]
    assert not table.notes


def test_a_value_under_no_header_at_the_end_is_faulty():
    row = next(opened(csv_bytes([*HEADER, ""], ["1", "Ng", "Ada", "x"])).rows())
    assert row.faults[0].code == "too_many_cells"


def test_a_column_without_a_header_before_the_others_is_noted_and_ignored():
    table = opened(csv_bytes(["", *HEADER], ["0", "1", "Ng", "Ada"]))
    assert table.columns[0] is None
    assert "column 1 (no header)" in table.notes[0]


def test_headers_alone_are_a_file_without_rows():
    assert read(csv_bytes(HEADER)) == []


# Our own rejects file


def test_our_own_outcome_columns_are_taken_away_again():
    row = ["7", "held", "several_candidates", "Two.", "", "a;b", "3.2", "1", "Ng", "Ada"]
    table = opened(csv_bytes([*OUTCOME_COLUMNS, *HEADER], row, row[:7]))
    assert table.headers == tuple(HEADER)
    assert [each.cells for each in table.rows()] == [("1", "Ng", "Ada")]
    assert not table.notes


def test_outcome_columns_do_not_clash_with_the_files_own():
    table = opened(csv_bytes([*OUTCOME_COLUMNS, *HEADER, "Reason"], [*[""] * 7, "1", "Ng", "Ada", "cold"]))
    assert table.headers == (*HEADER, "Reason")


def test_the_width_of_a_rejects_file_counts_its_own_columns_only():
    row = next(opened(csv_bytes([*OUTCOME_COLUMNS, *HEADER], [*"1234567", "1", "Ng", "Ada", "x"])).rows())
    assert row.cells == ("1", "Ng", "Ada", "x")
    assert "4 cells but the file has 3 headers" in row.faults[0].sentence


@pytest.mark.parametrize("name", ["=HYPERLINK()", "'=x", "-Marchbank", "'Ndiaye", "+x", "@x", "＝x"])
def test_it_takes_its_own_apostrophe_away_again(name):
    assert read(csv_bytes(HEADER, ["1", escape_formula(name), "Ada"]))[0][1] == name
    assert read(xlsx_bytes(HEADER, ["1", escape_formula(name), "Ada"]), "a.xlsx")[0][1] == name


# Workbooks


def test_it_reads_the_values_of_a_workbook_as_text():
    cells = {
        "00123": "00123",
        12345: "12345",
        4165550123: "4165550123",
        -3.5: "-3.5",
        date(2024, 1, 2): "2024-01-02",
        datetime(2024, 1, 2, 10, 30): "2024-01-02 10:30:00",
        datetime(2024, 1, 3): "2024-01-03",
        time(10, 3): "10:03:00",
        timedelta(hours=30): "1 day, 6:00:00",
        True: "TRUE",
        "line\ntwo": "line\ntwo",
        "#N/A": "#N/A",
        None: "",
    }
    content = xlsx_bytes(["Surname", "Given Name"], *[["Ng", value] for value in cells])
    assert [row[1] for row in read(content, "a.xlsx")] == list(cells.values())


def test_a_number_of_more_than_15_digits_is_a_fault_of_its_row():
    rows = list(
        opened(xlsx_bytes(HEADER, [1234567890123456, "Ng", "Ada"], [123456789012345, "Li", "Bo"]), "a.xlsx").rows()
    )
    assert [[each.code for each in row.faults] for row in rows] == [["unsafe_number"], []]
    assert rows[0].faults[0].column == "SMIS Client No"
    assert "“1234567890123456”" in rows[0].faults[0].sentence
    assert rows[1].cells[0] == "123456789012345"


def test_a_long_number_in_a_column_nobody_reads_is_no_fault():
    row = next(opened(xlsx_bytes([*HEADER, "Barcode"], ["1", "Ng", "Ada", 1e18]), "a.xlsx").rows())
    assert not row.faults


def test_data_may_begin_lower_and_further_right():
    content = xlsx_bytes(HEADER, ["1", "Ng", "Ada"], ["", "", ""], ["2", "Li", "Bo"], at=(4, 3))
    rows = list(opened(content, "a.xlsx").rows())
    assert [(row.number, row.cells[1]) for row in rows] == [(1, "Ng"), (2, "Li")]


def test_only_the_first_sheet_is_read_and_that_is_noted():
    table = opened(xlsx_bytes(HEADER, ["1", "Ng", "Ada"], more_sheets=["Old"]), "a.xlsx")
    assert "first sheet, “Sheet”" in table.notes[0]
    assert len(list(table.rows())) == 1


def test_a_value_beyond_the_headers_of_a_workbook_is_faulty():
    row = next(opened(xlsx_bytes(HEADER, ["1", "Ng", "Ada", "x"]), "a.xlsx").rows())
    assert row.faults[0].code == "too_many_cells"


def test_content_decides_where_the_name_says_nothing():
    assert read(xlsx_bytes(HEADER, ["1", "Ng", "Ada"]), "upload") == [("1", "Ng", "Ada")]
    assert read(csv_bytes(HEADER, ["1", "Ng", "Ada"]), "upload.txt") == [("1", "Ng", "Ada")]


@pytest.mark.parametrize(
    ("content", "name", "said"),
    [
        (csv_bytes(HEADER), "a.xlsx", "named .xlsx but is no workbook"),
        (xlsx_bytes(HEADER), "a.csv", "named .csv but is a workbook"),
        (xlsx_bytes(HEADER), "a.xlsm", "macros"),
        (xlsx_bytes(HEADER), "A.XLSM", "macros"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, "a.xls", ".xls"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, "a.xlsx", "old kind"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "EncryptedPackage".encode("utf-16-le"), "a.xlsx", "password"),
        (b"\x1f\x8b\x08", "a.csv", "gzip"),
        (b"%PDF-1.7", "a.csv", "PDF"),
        (xlsx_bytes(HEADER), "a.ods", "OpenDocument"),
        (rezipped({"xl/workbook.xml": b"<workbook/>"}), "a.xlsx", "no sheet"),
        (rezipped({"xl/workbook.xml": b"<workbook"}), "a.xlsx", "cannot be read"),
        (xlsx_bytes([]), "a.xlsx", "blank"),
        (b"", "a.csv", "empty"),
        (b"\xef\xbb\xbf\n \n", "a.csv", "blank lines"),
        (b"Surname\nNg\n", "a.csv", "no column first_name"),
        (b"hello", "a.csv", "Its headers are: “hello”"),
    ],
)
def test_it_refuses_with_a_sentence(content, name, said):
    assert said in refusal(content, name)


def test_a_file_larger_than_the_limit_is_refused(monkeypatch):
    monkeypatch.setattr(reader, "LARGEST", 10)
    assert "at most" in refusal(csv_bytes(HEADER))


# Paths


def test_it_reads_a_file(tmp_path):
    (tmp_path / "a.csv").write_bytes(b"x")
    assert read_source(tmp_path / "a.csv") == b"x"


def test_it_refuses_a_path_that_is_no_readable_file(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "empty.csv").touch()
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    expected = {
        "missing.csv": "There is no file",
        "": "is a folder",
        "pipe": "not a plain file",
        "empty.csv": "is empty",
        "loop": "cannot be read",
        "a\0b": "cannot be read",
        "empty.csv/x": "cannot be read",
    }
    for name, said in expected.items():
        with pytest.raises(FileRefused, match=said):
            read_source(tmp_path / name)


def test_it_refuses_an_oversize_file_before_reading_it(tmp_path):
    with (tmp_path / "big.csv").open("wb") as file:
        file.truncate(reader.LARGEST + 1)
    with pytest.raises(FileRefused, match="at most 128 MB"):
        read_source(tmp_path / "big.csv")


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_it_refuses_a_file_it_may_not_read(tmp_path):
    (tmp_path / "a.csv").write_bytes(b"x")
    (tmp_path / "a.csv").chmod(0)
    with pytest.raises(FileRefused, match="cannot be read"):
        read_source(tmp_path / "a.csv")


def test_it_refuses_a_file_that_is_still_being_written(tmp_path, monkeypatch):
    path = tmp_path / "a.csv"
    path.write_bytes(b"x")

    def read_while_growing(self):
        path.write_bytes(b"xy")
        return b"x"

    monkeypatch.setattr(type(path), "read_bytes", read_while_growing)
    with pytest.raises(FileRefused, match="still being written"):
        read_source(path)
