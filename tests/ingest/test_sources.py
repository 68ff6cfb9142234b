from datetime import date

import pytest

from core.errors import FileRefused, UnknownSource
from core.ingest import sources
from core.ingest.headers import OUTCOME_COLUMNS, count_outcome_columns, ignored, recognise
from core.ingest.resource import COLUMNS, DailyFileResource
from core.normalise import header_key

CONTRACT_COLUMNS = (
    "uid_external first_name last_name preferred_name alias dob gender sexual_orientation languages_spoken race"
    " immigration_status phone_number email street unit city province postal_code department program intake_date"
    " start_date end_date discharge_date discharge_reason"
)


def written(tmp_path, text):
    path = tmp_path / "new.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_there_are_three_sources():
    assert sources.names() == ("EMHWare", "FFAI", "SMIS")


@pytest.mark.parametrize("name", ["SMIS", "smis", " Smis "])
def test_a_source_is_found_ignoring_case(name):
    assert sources.profile(name).name == "SMIS"


@pytest.mark.parametrize("name", ["HIFIS", "", "../smis", "_common"])
def test_an_unknown_source_is_refused_and_the_known_ones_named(name):
    with pytest.raises(UnknownSource, match="EMHWare, FFAI, SMIS"):
        sources.profile(name)


def test_the_columns_are_those_of_the_contract_in_its_order():
    assert tuple(CONTRACT_COLUMNS.split()) == COLUMNS


def test_the_resource_exports_every_column_once():
    assert tuple(DailyFileResource().get_export_order()) == COLUMNS
    assert [field.column_name for field in DailyFileResource.fields.values()] == list(COLUMNS)


def test_the_resource_writes_dates_as_iso_and_languages_separated():
    values = {"first_name": "Ada", "dob": date(1990, 5, 1), "languages_spoken": ["Cree", "French"]}
    exported = DailyFileResource().export(queryset=[values]).dict[0]
    assert exported["dob"] == "1990-05-01"
    assert exported["languages_spoken"] == "Cree; French"
    assert exported["alias"] == ""


@pytest.mark.parametrize("name", sources.names())
def test_every_source_names_every_column_and_takes_the_canonical_headers(name):
    profile = sources.profile(name)
    assert set(profile.aliases) == set(COLUMNS)
    assert recognise(COLUMNS, profile) == COLUMNS
    assert recognise([header.upper().replace("_", " ") for header in COLUMNS], profile) == COLUMNS
    assert recognise([profile.called(column) for column in COLUMNS], profile) == COLUMNS


@pytest.mark.parametrize("name", sources.names())
def test_no_source_calls_a_column_like_ours_of_the_rejects_file(name):
    assert not {header_key(column) for column in OUTCOME_COLUMNS} & sources.profile(name).headers.keys()


@pytest.mark.parametrize("name", sources.names())
@pytest.mark.parametrize(
    ("column", "raw", "ours"),
    [
        ("gender", "f", "Woman"),
        ("gender", "male", "Man"),
        ("gender", "nb", "Non-binary"),
        ("gender", "twospirit", "Two-Spirit"),
        ("immigration_status", "pr", "Permanent resident"),
        ("immigration_status", "landedimmigrant", "Permanent resident"),
        ("race", "metis", "Indigenous"),
        ("languages_spoken", "asl", "Sign language"),
        ("province", "ontario", "ON"),
        ("discharge_reason", "hospitalized", "Hospital"),
    ],
)
def test_every_source_knows_the_common_words(name, column, raw, ours):
    assert sources.profile(name).values[column][raw] == ours


def test_a_word_of_the_source_goes_before_the_common_one():
    assert sources.profile("SMIS").values["gender"]["x"] == "Another gender"
    assert sources.profile("EMHWare").values["gender"]["x"] == "Non-binary"


def test_1900_01_01_is_a_placeholder_everywhere():
    assert all(date(1900, 1, 1) in sources.profile(name).placeholder_dates for name in sources.names())


@pytest.mark.parametrize(
    ("name", "words"),
    [("SMIS", "YYYY-MM-DD"), ("EMHWare", "YYYY-MM-DD or DD/MM/YYYY"), ("FFAI", "YYYY-MM-DD or MM/DD/YYYY")],
)
def test_a_source_says_in_words_how_it_writes_dates(name, words):
    assert sources.profile(name).dates_in_words == words


def test_adding_a_source_is_adding_a_file(tmp_path):
    path = written(tmp_path, 'name = "NEW"\n[headers]\nlast_name = ["Nom"]\n[values.gender]\n"Man" = ["Bloke"]\n')
    profile = sources.load(path)
    assert profile.headers["nom"] == "last_name"
    assert profile.values["gender"]["bloke"] == "Man"
    assert profile.label == "NEW"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('name = "N"\n[headers]\ndob = ["Day"]\nend_date = ["DAY"]', "would mean both dob and end_date"),
        ('name = "N"\n[headers]\ndob = ["Last Name"]', "would mean both last_name and dob"),
        ('name = "N"\n[headers]\nnickname = ["Nick"]', "no column “nickname”"),
        ('name = "N"\n[values.gender]\n"Bloke" = ["B"]', "not in the vocabulary of gender"),
        ('name = "N"\n[values.gender]\n"Man" = ["B"]\n"Woman" = ["b."]', "would mean both Man and Woman"),
        ('name = "N"\n[values.gender]\n"Man" = ["--"]', "no letter or digit"),
        ('label = "N"', "needs a name"),
        ('name = "N"\nheader = 1', "unknown keys header"),
        ("name = ", "new.toml"),
    ],
)
def test_a_source_that_contradicts_itself_is_told_so(tmp_path, text, said):
    with pytest.raises(ValueError, match=said):
        sources.load(written(tmp_path, text))


def test_missing_required_columns_are_named_with_the_sources_own_words():
    with pytest.raises(FileRefused) as refusal:
        recognise(["Surname", "Prénom"], sources.profile("SMIS"))
    assert "no column first_name (SMIS calls it “Given Name”)" in str(refusal.value)
    assert "“Surname”, “Prénom”" in str(refusal.value)
    assert "last_name (" not in str(refusal.value)


@pytest.mark.parametrize(
    ("headers", "said"),
    [
        (["Given Name", "first_name", "Surname"], "“Given Name” and “first_name” both mean first_name"),
        (["Given Name", "Surname", "SURNAME"], "“Surname” and “SURNAME” both mean last_name"),
        (["Given Name", "Surname", "Notes", "notes"], "“Notes” and “notes” are the same header"),
    ],
)
def test_two_headers_for_one_column_are_refused_and_both_named(headers, said):
    with pytest.raises(FileRefused, match=said):
        recognise(headers, sources.profile("SMIS"))


def test_unknown_columns_are_noted_and_those_of_our_rejects_file_are_not():
    headers = ["Given Name", "Surname", "Shoe Size", "", "Reason Code", "score"]
    columns = recognise(headers, sources.profile("SMIS"))
    notes = ignored(headers, columns)
    assert len(notes) == 1
    assert "“Shoe Size”, column 4 (no header)." in notes[0]


def test_only_leading_outcome_columns_are_ours():
    assert count_outcome_columns([*OUTCOME_COLUMNS, "a"]) == 7
    assert count_outcome_columns([*OUTCOME_COLUMNS, *OUTCOME_COLUMNS, "a"]) == 14
    assert count_outcome_columns(["a", *OUTCOME_COLUMNS]) == 0
