from datetime import date
from uuid import UUID

import pytest

from core.ingest import sources
from core.ingest.check import Checker
from core.ingest.programs import ProgramEntry, ProgramFault, ProgramIndex, said_with
from core.ingest.reader import open_table
from core.ingest.resource import COLUMNS
from core.normalise import fold
from tests.ingest.files import csv_bytes, xlsx_bytes

TODAY = date(2026, 11, 20)
HOSTEL, CASE_ONE, CASE_TWO, WOMEN = (UUID(int=number) for number in range(1, 5))
ENTRIES = [
    ProgramEntry(HOSTEL, "Carlaw Hostel", "Shelter & Respite"),
    ProgramEntry(CASE_ONE, "Case Management", "Housing"),
    ProgramEntry(CASE_TWO, "Case Management", "Settlement"),
    ProgramEntry(WOMEN, "Women's Résidence", "Shelter & Respite"),
]
PROGRAMS = ProgramIndex(ENTRIES)


def check(source="SMIS", today=TODAY, **cells):
    """One row checked, its other cells blank but for a name."""
    cells = {"first_name": "Ada", "last_name": "Ng"} | cells
    profile = sources.profile(source)
    content = csv_bytes(COLUMNS, [cells.get(column, "") for column in COLUMNS])
    table = open_table(content, "a.csv", profile)
    return Checker(profile, table.headers, PROGRAMS, today).check(next(table.rows()))


def codes(row):
    return [each.code for each in row.faults]


def said(row):
    return " ".join(row.notes)


def test_an_ordinary_row_has_values_and_nothing_to_say():
    row = check(
        uid_external="007",
        dob="1990-05-01",
        gender="F",
        languages_spoken="EN; Cree",
        immigration_status="P.R.",
        phone_number="416-555-0123",
        email="ada@example.org",
        postal_code="m5v2t6",
        province="Ontario",
        department="Shelter & Respite",
        program="carlaw hostel",
        intake_date="2026-01-02",
        discharge_reason="",
    )
    assert not row.faults
    assert not row.notes
    assert row.values == {
        "uid_external": "007",
        "first_name": "Ada",
        "last_name": "Ng",
        "dob": date(1990, 5, 1),
        "gender": "Woman",
        "languages_spoken": ["English", "Cree"],
        "immigration_status": "Permanent resident",
        "phone_number": "416-555-0123",
        "email": "ada@example.org",
        "province": "ON",
        "postal_code": "M5V 2T6",
        "department": "Shelter & Respite",
        "program": "carlaw hostel",
        "program_id": HOSTEL,
        "intake_date": date(2026, 1, 2),
    }


def test_all_faults_of_a_row_are_told_not_only_the_first():
    row = check(first_name="", last_name=" ", dob="2027-01-01", start_date="2024-02-30", program="Nowhere")
    assert codes(row) == ["dob_in_future", "bad_date", "missing_name", "unknown_program"]
    assert row.reason_code == "dob_in_future"
    assert row.reason == " ".join(each.sentence for each in row.faults)


def test_a_sentence_names_the_files_own_header_the_value_and_what_to_do():
    profile = sources.profile("EMHWare")
    content = csv_bytes(["Last Name", "First Name", "Birth Date"], ["Ng", "Ada", "30/02/1987"], delimiter=";")
    table = open_table(content, "a.csv", profile)
    row = Checker(profile, table.headers, PROGRAMS, TODAY).check(next(table.rows()))
    assert row.reason == (
        "Birth Date: “30/02/1987” is not a day of the calendar; correct it, written as YYYY-MM-DD or DD/MM/YYYY."
    )
    assert row.faults[0].column == "Birth Date"
    assert row.faults[0].value == "30/02/1987"


def test_a_row_of_the_wrong_width_is_not_read_further():
    profile = sources.profile("SMIS")
    table = open_table(csv_bytes(["Surname", "Given Name", "DOB"], ["Ng", "Ada", "rear", "x"]), "a.csv", profile)
    row = Checker(profile, table.headers, PROGRAMS, TODAY).check(next(table.rows()))
    assert codes(row) == ["too_many_cells"]
    assert row.values == {}
    assert row.cells == ("Ng", "Ada", "rear", "x")


def test_a_number_too_long_to_be_true_is_rejected_once():
    profile = sources.profile("SMIS")
    table = open_table(xlsx_bytes(["Surname", "Given Name", "DOB"], ["Ng", "Ada", 1e17]), "a.xlsx", profile)
    row = Checker(profile, table.headers, PROGRAMS, TODAY).check(next(table.rows()))
    assert codes(row) == ["unsafe_number"]


def test_notes_and_faults_of_one_row_do_not_leak_into_the_next():
    profile = sources.profile("SMIS")
    rows = [["Ng", "A", "x"], ["Ng", "Ada", ""], ["Ng", "A", "x"]]
    table = open_table(csv_bytes(["Surname", "Given Name", "DOB"], *rows), "a.csv", profile)
    one, two, three = map(Checker(profile, table.headers, PROGRAMS, TODAY).check, table.rows())
    assert (two.faults, two.notes) == ([], [])
    assert (one.faults, one.notes, one.values) == (three.faults, three.notes, three.values)


# Names


@pytest.mark.parametrize("blank", ["", " ", "-", ".", "\u200b"])
def test_a_row_without_any_name_is_rejected(blank):
    row = check(uid_external="7", first_name=blank, last_name=blank)
    assert codes(row) == ["missing_name"]
    assert "first_name and last_name" in row.reason


@pytest.mark.parametrize("column", ["first_name", "last_name"])
def test_a_single_name_is_kept_and_noted(column):
    row = check(**{column: ""})
    assert not row.faults
    assert "single name" in said(row)


@pytest.mark.parametrize("name", ["Null", "None", "Na", "Unknown", "N/A", "Test"])
def test_no_word_is_taken_for_a_missing_name(name):
    assert check(last_name=name).values["last_name"] == name


@pytest.mark.parametrize("name", ["=Nadia", "-Marchbank", "'Ndiaye", "X Æ A-12", "王", "O'Neil"])
def test_odd_names_are_kept_as_they_are(name):
    row = check(first_name=name)
    assert row.values["first_name"] == name
    assert not row.faults


def test_a_one_letter_name_is_kept_and_noted():
    row = check(first_name="J")
    assert row.values["first_name"] == "J"
    assert "one letter" in said(row)


def test_a_name_too_long_is_rejected_and_quoted_short():
    row = check(first_name="x" * 151)
    assert codes(row) == ["too_long"]
    assert len(row.reason) < 200
    assert not check(first_name="x" * 150).faults


def test_a_cell_of_ten_thousand_characters_is_rejected_in_any_column():
    assert codes(check(languages_spoken="English;" * 2000, dob="1" * 11_000)) == ["too_long", "too_long"]


# Dates


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("SMIS", "2024-02-29"),
        ("SMIS", "2024-02-29 00:00:00"),
        ("SMIS", "2024-02-29T00:00"),
        ("EMHWare", "29/02/2024"),
        ("EMHWare", "29/2/2024"),
        ("EMHWare", "2024-02-29"),
        ("FFAI", "02/29/2024"),
        ("FFAI", " 2/29/2024 "),
        ("FFAI", "2/29/2024 12:00:00 AM"),
    ],
)
def test_a_date_is_iso_or_as_its_source_declares(source, text):
    row = check(source, dob=text)
    assert row.values["dob"] == date(2024, 2, 29)
    assert not row.notes


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("SMIS", "2024-02-30"),
        ("SMIS", "2024-13-01"),
        ("SMIS", "0000-00-00"),
        ("SMIS", "01/02/2024"),
        ("SMIS", "20240102"),
        ("SMIS", "2024-W01-1"),
        ("SMIS", "unknown"),
        ("SMIS", "45292"),
        ("SMIS", "Jan 5, 2024"),
        ("SMIS", "2024"),
        ("SMIS", "2024-01-02T03:30:00Z"),
        ("SMIS", "２０２４-01-02"),
        ("EMHWare", "13/45/2020"),
        ("EMHWare", "02/13/2024"),
        ("EMHWare", "13/02/24"),
        ("EMHWare", "13-02-2024"),
        ("FFAI", "13/02/2024"),
        ("FFAI", "02/30/2024"),
    ],
)
@pytest.mark.parametrize("column", ["dob", "start_date"])
def test_any_other_date_is_rejected_and_the_right_form_told(source, text, column):
    row = check(source, program="Carlaw Hostel", **{column: text})
    assert codes(row) == ["bad_date"]
    assert f"“{text}”" in row.reason
    assert "YYYY-MM-DD" in row.reason


def test_a_spreadsheets_day_number_is_called_that():
    assert "spreadsheet's number for a day" in check(dob="45292").reason


def test_a_real_excel_date_is_a_date():
    profile = sources.profile("FFAI")
    content = xlsx_bytes(["Name (First)", "Name (Last)", "Date of Birth"], ["Ada", "Ng", date(1985, 9, 24)])
    table = open_table(content, "a.xlsx", profile)
    row = Checker(profile, table.headers, PROGRAMS, TODAY).check(next(table.rows()))
    assert row.values["dob"] == date(1985, 9, 24)


def test_a_time_of_day_is_left_out_and_noted():
    row = check(program="Carlaw Hostel", intake_date="2024-01-02 10:30")
    assert row.values["intake_date"] == date(2024, 1, 2)
    assert "time of day" in said(row)


@pytest.mark.parametrize(
    ("dob", "code"),
    [("2026-11-20", None), ("2026-11-21", "dob_in_future"), ("1906-11-20", None), ("1906-11-19", "dob_too_old")],
)
def test_a_birth_is_today_or_earlier_and_at_most_120_years_ago(dob, code):
    assert codes(check(dob=dob)) == ([code] if code else [])


def test_120_years_are_counted_on_a_leap_day_too():
    assert not check(dob="1904-02-29", today=date(2024, 2, 29)).faults
    assert codes(check(dob="1904-02-28", today=date(2024, 2, 29))) == ["dob_too_old"]


def test_a_birth_before_1920_is_kept_and_noted():
    row = check(dob="1919-12-31")
    assert row.values["dob"] == date(1919, 12, 31)
    assert "before 1920" in said(row)
    assert not check(dob="1920-01-01").notes


@pytest.mark.parametrize(
    ("source", "text"), [("SMIS", "1900-01-01"), ("EMHWare", "01/01/1900"), ("FFAI", "1899-12-31")]
)
@pytest.mark.parametrize("column", ["dob", "end_date"])
def test_a_placeholder_date_is_read_as_missing_and_noted(source, text, column):
    row = check(source, **{column: text})
    assert column not in row.values
    assert not row.faults
    assert "unknown date" in said(row)


@pytest.mark.parametrize("text", ["-", "N/A", "null", "  "])
def test_a_date_cell_that_says_nothing_is_blank(text):
    row = check(dob=text)
    assert "dob" not in row.values
    assert not row.faults


def test_an_enrollment_before_1900_is_rejected():
    assert codes(check(program="Carlaw Hostel", start_date="1899-12-31")) == ["bad_date"]


@pytest.mark.parametrize("start", ["start_date", "intake_date"])
@pytest.mark.parametrize(
    ("end", "code"), [("end_date", "end_before_start"), ("discharge_date", "discharge_before_start")]
)
def test_an_end_before_its_start_is_rejected_and_the_same_day_is_not(start, end, code):
    row = check(program="Carlaw Hostel", **{start: "2024-05-02", end: "2024-05-01"})
    assert codes(row) == [code]
    assert f"{end}: “2024-05-01” is before {start} 2024-05-02" in row.reason
    assert not check(program="Carlaw Hostel", **{start: "2024-05-02", end: "2024-05-02"}).faults


def test_an_end_is_compared_with_the_start_where_there_is_an_intake_too():
    assert not check(
        program="Carlaw Hostel", intake_date="2024-05-09", start_date="2024-05-01", end_date="2024-05-02"
    ).faults


def test_an_end_alone_is_allowed():
    assert not check(program="Carlaw Hostel", end_date="2024-05-02").faults


@pytest.mark.parametrize(
    ("column", "day", "noted"),
    [
        ("intake_date", "2026-11-21", True),
        ("discharge_date", "2026-11-21", True),
        ("start_date", "2026-12-20", False),
        ("start_date", "2028-01-01", True),
        ("end_date", "9999-12-31", True),
        ("intake_date", "2026-11-20", False),
    ],
)
def test_the_future_is_kept_and_noted(column, day, noted):
    row = check(program="Carlaw Hostel", **{column: day})
    assert column in row.values
    assert not row.faults
    assert ("in the future" in said(row)) == noted


def test_a_start_before_birth_or_intake_is_kept_and_noted():
    row = check(program="Carlaw Hostel", dob="2020-01-01", intake_date="2024-05-02", start_date="2019-05-01")
    assert not row.faults
    assert "is before dob 2020-01-01" in said(row)
    assert "is before intake_date 2024-05-02" in said(row)


def test_a_discharge_reason_without_a_discharge_date_is_noted():
    row = check(program="Carlaw Hostel", intake_date="2024-01-01", discharge_reason="Housed")
    assert said(row) == "discharge_reason: “Housed” is not recorded, since the row has no discharge date."
    assert not check(program="Carlaw Hostel", discharge_date="2024-01-01", discharge_reason="Housed").notes


def test_a_discharge_reason_beside_an_end_alone_is_noted():
    row = check(program="Carlaw Hostel", start_date="2024-01-01", end_date="2024-02-01", discharge_reason="Housed")
    assert not row.faults
    assert said(row) == (
        "discharge_reason: “Housed” is not recorded, since the row has no discharge date; "
        "end_date 2024-02-01 ends the enrollment without one."
    )


# Programs


@pytest.mark.parametrize("column", ["intake_date", "start_date", "end_date", "discharge_date"])
def test_a_date_without_a_program_is_rejected(column):
    row = check(**{column: "2024-05-01"})
    assert codes(row) == ["missing_program"]
    assert f"{column} 2024-05-01" in row.reason


def test_a_date_in_a_file_without_a_program_column_is_rejected_in_the_sources_words():
    profile = sources.profile("SMIS")
    table = open_table(
        csv_bytes(["Surname", "Given Name", "Intake Date"], ["Ng", "Ada", "2024-01-01"]), "a.csv", profile
    )
    row = Checker(profile, table.headers, PROGRAMS, TODAY).check(next(table.rows()))
    assert row.reason.startswith("Shelter: is empty, but the row has Intake Date 2024-01-01")


@pytest.mark.parametrize("name", ["CARLAW HOSTEL", " carlaw  hostel ", "Carlaw-Hostel"])
def test_a_program_is_found_however_its_name_is_written(name):
    assert check(program=name).values["program_id"] == HOSTEL


def test_an_unknown_program_is_rejected_with_the_nearest_names():
    row = check(program="Carlow Hostel")
    assert codes(row) == ["unknown_program"]
    assert "program: “Carlow Hostel” is not a program of the agency. Did you mean “Carlaw Hostel”?" in row.reason
    assert "Did you mean" not in check(program="zzzzzz").reason
    assert codes(check(program="!!!")) == []


def test_a_name_of_several_programs_needs_its_department():
    row = check(program="Case Management")
    assert codes(row) == ["ambiguous_program"]
    assert "“Housing” and “Settlement”" in row.reason
    assert check(program="Case Management", department="settlement").values["program_id"] == CASE_TWO


def test_a_program_of_another_department_is_rejected_and_its_own_told():
    row = check(program="Carlaw Hostel", department="Housing")
    assert codes(row) == ["program_not_in_department"]
    assert "belongs to “Shelter & Respite”" in row.reason


@pytest.mark.parametrize(
    ("name", "department", "found"),
    [
        ("Case Management", None, CASE_ONE),  # what the source means by it
        ("Case Management", "Housing", CASE_ONE),
        ("Case Management", "Settlement", CASE_TWO),  # the department of the row decides
        ("CM", None, CASE_TWO),
        ("CM", "No department of ours", CASE_TWO),  # the name is none of ours: nothing else says which it is
        ("Carlaw Hostel", None, HOSTEL),
        ("Carlaw Hostel", "Hostels", CASE_ONE),  # said of that department alone
    ],
)
def test_what_a_source_calls_a_program_stands_where_no_department_says_otherwise(name, department, found):
    own = {
        fold("Case Management"): CASE_ONE,
        fold("CM"): CASE_TWO,
        fold(said_with("Carlaw Hostel", "Hostels")): CASE_ONE,
    }
    assert ProgramIndex(ENTRIES, own).find(name, department) == found


def test_what_a_source_calls_a_program_does_not_excuse_a_wrong_department():
    with pytest.raises(ProgramFault, match="is not a program of “Nonsense”"):
        ProgramIndex(ENTRIES, {fold("Case Management"): CASE_ONE}).find("Case Management", "Nonsense")


def test_a_program_that_is_gone_is_what_no_source_means_any_more():
    with pytest.raises(ProgramFault, match="is not a program of the agency"):
        ProgramIndex(ENTRIES, {fold("CM"): UUID(int=99)}).find("CM", None)


def test_a_program_of_no_date_is_noted():
    assert "without any date" in said(check(program="Carlaw Hostel"))


@pytest.mark.parametrize("name", ["", "—", "zz"])
def test_the_index_finds_no_program_for_no_name(name):
    with pytest.raises(ProgramFault) as fault:
        PROGRAMS.find(name, None)
    assert fault.value.code == "unknown_program"


def test_two_programs_of_one_name_in_one_department_are_ambiguous():
    index = ProgramIndex([ProgramEntry(HOSTEL, "A", "D"), ProgramEntry(WOMEN, "a", "D")])
    with pytest.raises(ProgramFault, match="2 programs of “D”"):
        index.find("A", "D")


def test_accents_and_apostrophes_of_a_program_do_not_matter():
    assert PROGRAMS.find("womens residence", None) == WOMEN


# Values that look odd but may be true


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("phone_number", "+44 20 7946 0321"),
        ("phone_number", "555-0123"),
        ("phone_number", "+41 44 668 18 00"),
        ("postal_code", "14604"),
        ("postal_code", "M5V 2TO"),
        ("email", "ada at example"),
        ("gender", "Xanith"),
        ("race", "Roma / Sinti"),
        ("province", "NY"),
        ("discharge_reason", "Gone fishing"),
    ],
)
def test_an_odd_value_is_kept_and_noted(column, value):
    row = check(**{column: value})
    assert row.values[column] == value
    assert not row.faults
    assert f"{column}: “{value}”" in said(row)


@pytest.mark.parametrize(
    "number", ["416-555-0123", "(416) 555 0123", "+1 416 555 0123", "1-416-555-0123 ext. 12", "4165550123"]
)
def test_canadian_phone_numbers_are_kept_without_a_note(number):
    row = check(phone_number=number)
    assert row.values["phone_number"] == number
    assert not row.notes


@pytest.mark.parametrize("number", ["000-000-0000", "9999999999"])
def test_a_phone_number_of_one_digit_is_missing(number):
    row = check(phone_number=number)
    assert "phone_number" not in row.values
    assert "read as missing" in said(row)


@pytest.mark.parametrize("uid", ["0", "000", "N/A", "unknown", "none", "-", "null"])
def test_a_placeholder_identifier_is_missing_and_noted(uid):
    row = check(uid_external=uid)
    assert "uid_external" not in row.values
    assert "uid_external" in said(row)


@pytest.mark.parametrize("uid", ["00123", "S-0", "1e5", "12 34", "=7"])
def test_an_identifier_stays_a_text(uid):
    assert check(uid_external=uid).values["uid_external"] == uid


@pytest.mark.parametrize("word", ["N/A", "null", "-", "Unknown", "not recorded", "?", "#N/A"])
@pytest.mark.parametrize("column", ["gender", "race", "languages_spoken", "city", "phone_number", "program"])
def test_words_that_say_nothing_are_blank(column, word):
    row = check(**{column: word})
    assert column not in row.values
    assert not row.faults
    assert not row.notes


@pytest.mark.parametrize("column", ["preferred_name", "alias"])
def test_a_nickname_may_be_null_but_not_na(column):
    assert check(**{column: "Null"}).values[column] == "Null"
    assert column not in check(**{column: "N/A"}).values


@pytest.mark.parametrize(
    ("text", "languages"),
    [
        ("EN; fr ;EN", ["English", "French"]),
        ("Farsi, Persian", ["Farsi"]),
        ("Cree/Ojibway | Twi\nASL", ["Cree", "Ojibwe", "Twi", "Sign language"]),
        ("Chinese (Mandarin)", ["Mandarin"]),
        ("English; N/A; ;-", ["English"]),
        ("Oromo; oromo", ["Oromo"]),
    ],
)
def test_languages_are_a_list_without_repetitions_in_their_order(text, languages):
    assert check(languages_spoken=text).values["languages_spoken"] == languages


def test_a_language_not_in_the_list_is_kept_and_noted():
    assert "not in the list, Oromo" in said(check(languages_spoken="Oromo; English"))


def test_names_are_matched_whatever_their_case_accents_and_punctuation():
    assert check(gender="TWO SPIRIT").values["gender"] == "Two-Spirit"
    assert check(race="Metis").values["race"] == "Indigenous"
    assert check(immigration_status="landed  immigrant").values["immigration_status"] == "Permanent resident"


def test_a_word_that_could_mean_several_values_is_kept():
    assert check(race="Asian").values["race"] == "Asian"
    assert check("SMIS", immigration_status="Refugee").values["immigration_status"] == "Refugee"
    assert check("EMHWare", immigration_status="Refugee").values["immigration_status"] == "Convention refugee"
