"""CSV, XLSX, JSON and text: exact, and asleep in a spreadsheet."""

import csv
import io
import json
from datetime import date
from decimal import Decimal

import openpyxl
import pytest

import reporting
from reporting import render

DAY = date(2025, 6, 30)
ROWS = [("=Dept", '+Prog, "x"', None, 10, 13, -3, DAY), ("B\nC", "@p", "-loc", None, 4, None, DAY)]


def test_the_headers_are_those_of_the_contract():
    assert render.csv_text(reporting.get("org_summary"), []) == "section,group,value,clients,percent\n"
    expected = "department,program,location,capacity,occupied,vacant,as_of\n"
    assert render.csv_text(reporting.get("vacancy"), []) == expected


def test_text_is_escaped_and_numbers_stay_numbers_in_csv():
    text = render.csv_text(reporting.get("vacancy"), ROWS)
    assert list(csv.reader(io.StringIO(text)))[1:] == [
        ["'=Dept", '\'+Prog, "x"', "", "10", "13", "-3", "2025-06-30"],
        ["B\nC", "'@p", "'-loc", "", "4", "", "2025-06-30"],
    ]


def test_percent_keeps_its_decimal_in_csv():
    row = ("total", "", "clients served", 4, Decimal("100.0"))
    assert render.csv_text(reporting.get("org_summary"), [row]).splitlines()[1] == "total,,clients served,4,100.0"


def test_xlsx_cells_are_typed():
    report = reporting.get("vacancy")
    with render.xlsx_file(report.title, report.columns, ROWS) as file:
        book = openpyxl.load_workbook(file)
    sheet = book.active
    assert sheet.title == "Vacancy Tracker"
    assert [cell.data_type for cell in sheet[2]] == ["s", "s", "n", "n", "n", "n", "d"]
    assert [cell.value for cell in sheet[2]][:6] == ["'=Dept", '\'+Prog, "x"', None, 10, 13, -3]
    assert sheet["G2"].value.date() == DAY
    assert sheet.freeze_panes == "A2"


def test_json_says_what_was_asked():
    report = reporting.get("vacancy")
    answer = json.loads(render.json_text(report, ROWS, {"as_of": DAY, "department": None}))
    assert answer["report"] == "vacancy"
    assert answer["parameters"] == {"as_of": "2025-06-30", "department": None}
    assert answer["columns"] == list(report.columns)
    assert answer["rows"][0] == ["=Dept", '+Prog, "x"', None, 10, 13, -3, "2025-06-30"]


def test_the_text_table_lines_up():
    lines = render.table_text(reporting.get("vacancy"), ROWS[:1]).splitlines()
    assert len(lines) == 3
    assert lines[0].index("capacity") + len("capacity") == lines[2].index("10") + 2


@pytest.mark.parametrize(
    ("params", "name"),
    [
        ({"date_from": date(2025, 4, 1), "date_to": DAY, "program": None}, "org_summary_2025-04-01_2025-06-30.csv"),
        (
            {"date_from": DAY, "department": "Women Only", "program": "Hostel A"},
            "org_summary_2025-06-30_Women-Only_Hostel-A.csv",
        ),
        ({"date_from": DAY, "gender": "Two-Spirit"}, "org_summary_2025-06-30_gender-Two-Spirit.csv"),
        ({"date_from": DAY, "department": 'Ü"/../x\r\n'}, "org_summary_2025-06-30_U-x-573622bf.csv"),
    ],
)
def test_file_names_are_plain(params: dict, name: str):
    assert render.file_name(reporting.get("org_summary"), params, "csv") == name


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"gender": "Prefer not to say"}, {"race": "Prefer not to say"}),
        ({"department": "Shelter"}, {"program": "Shelter"}),
        ({"department": None}, {"department": "日本"}),
        ({"department": "日本"}, {"department": "中国"}),
        ({"department": "Élan"}, {"department": "Elan"}),
        ({"department": "A / B"}, {"department": "A B"}),
        ({"department": "A" * 200}, {"department": "A" * 200 + "B"}),
        ({"department": "日" * 200}, {"department": "日" * 201}),
    ],
)
def test_another_choice_has_another_file_name(one: dict, other: dict):
    names = [
        render.file_name(reporting.get("org_summary"), {"date_from": DAY, **params}, "csv") for params in (one, other)
    ]
    assert names[0] != names[1]
    assert all(name.isascii() and len(name) < 150 for name in names)
