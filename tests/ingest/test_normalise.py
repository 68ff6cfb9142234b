import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.normalise import (
    canadian_postal_code,
    digits,
    escape_formula,
    fold,
    header_key,
    is_canadian_postal_code,
    tidy,
    unescape_formula,
)

formula_like = st.text(alphabet="'=+-@\t\r\n＝＋－＠aN ", max_size=8)
# Without three capitals that PostgreSQL's dictionary leaves alone although it replaces their small letters.
letters = st.characters(max_codepoint=0x52F, blacklist_categories=["Cs", "Mn"], blacklist_characters="ƦǶȠ")
names = st.text(alphabet=letters, max_size=30)


@given(formula_like | st.text())
def test_an_escaped_text_comes_back_unchanged(text):
    assert unescape_formula(escape_formula(text)) == text


@given(formula_like | st.text())
def test_no_escaped_text_begins_like_a_formula(text):
    assert not escape_formula(text).startswith(tuple("=+-@\t\r\n＝＋－＠"))


@pytest.mark.parametrize(
    "text", ["=1+1", "+1 416", "-Marchbank", "@x", "\tx", "\rx", "\nx", "＝1", "＋1", "－1", "＠x"]
)
def test_a_formula_gets_one_apostrophe(text):
    assert escape_formula(text) == f"'{text}"


def test_an_apostrophe_of_ones_own_survives_the_round_trip():
    assert escape_formula("'=x") == "''=x"
    assert unescape_formula("''=x") == "'=x"


@pytest.mark.parametrize("name", ["'Ndiaye", "O'Neil", "'", "''", "", "Ng"])
def test_names_with_apostrophes_are_left_alone(name):
    assert unescape_formula(name) == name
    assert escape_formula(name) == name


@pytest.mark.parametrize(
    ("text", "tidied"),
    [
        ("  Van  Der Kolk ", "Van Der Kolk"),
        ("Ann\u00a0Marie", "Ann Marie"),
        ("Ng\u200b", "Ng"),
        ("\ufeffNg", "Ng"),
        ("Jose\u0301", "José"),
        ("18 Kestrel St\nrear", "18 Kestrel St rear"),
        ("a\x00b\x07", "ab"),
        ("علی\u200cرضا", "علی\u200cرضا"),
        ("\u200cNg\u200d", "Ng"),
        ("\u3000\t", ""),
    ],
)
def test_it_tidies(text, tidied):
    assert tidy(text) == tidied


@given(st.text())
def test_tidying_twice_changes_nothing_more(text):
    assert tidy(tidy(text)) == tidy(text)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("José", "JOSE"),
        ("O'Neil-Smith", "oneil smith"),
        ("Łukasz", "lukasz"),
        ("Strauß", "STRAUSS"),
        ("Bjørn Æsir", "bjorn aesir"),
        ("ﬁnch", "Finch"),
        ("Ｎｇ", "ng"),
        ("Nguyễn", "nguyen"),
        ("D’Angelo", "D'Angelo"),
        ("İpek", "ipek"),
        ("Ελένη", "ελενη"),
        ("Фёдор", "федор"),
        ("St. John (Jr.)", "st john jr"),
    ],
)
def test_spellings_of_one_name_fold_to_the_same(one, other):
    assert fold(one) == fold(other)


@pytest.mark.parametrize("name", ["王小明", "علي", "Андрей", "김", "தமிழ்", "נועה"])
def test_names_of_every_script_keep_their_letters(name):
    assert fold(name) == name.lower()


def test_letters_that_differ_by_more_than_a_mark_stay_different():
    assert fold("Андрей") != fold("Андреи")


@given(names)
def test_folding_twice_changes_nothing_more(text):
    assert fold(fold(text)) == fold(text)


@pytest.mark.parametrize(
    "text", ["First Name", "first_name", "FIRST NAME", " first\u00a0name ", "First\nName", "\ufefffirstname"]
)
def test_headers_match_ignoring_case_spaces_and_underscores(text):
    assert header_key(text) == "firstname"


def test_a_header_keeps_its_other_punctuation():
    assert header_key("E-mail") != header_key("Email")


@pytest.mark.parametrize("text", ["m5v2t6", "M5V 2T6", "m5v-2t6", " M5V 2T6 "])
def test_canadian_postal_codes_are_written_one_way(text):
    assert canadian_postal_code(text) == "M5V 2T6"
    assert is_canadian_postal_code(text)


@pytest.mark.parametrize("text", ["14604", "SW1A 1AA", "M5V 2TO", "D1A 1A1", "M5V", "", "Ｍ5V 2T6"])
def test_other_postal_codes_are_not_canadian(text):
    assert canadian_postal_code(text) is None


def test_digits_of_a_phone_number():
    assert digits("+1 (416) 555-0123") == "14165550123"


def test_what_is_invisible_is_not_printable():
    """tidy() looks for it only in texts that are not."""
    hidden = [chr(code) for code in range(0x110000) if chr(code).isprintable() and tidy(f"a{chr(code)}b") == "ab"]
    assert hidden == []
