"""Bits of pairs: what is linked by itself, what a person decides, and what is nobody we know."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from django.db import connection

from core.linking.comparing import compare, dob_levels
from core.linking.levels import DOB_LEVELS, NAME_LEVELS
from core.linking.names import name_levels, skeleton, variants
from core.linking.parameters import Parameters
from core.linking.people import TEXTS, People, Texts
from core.linking.scoring import Scored, learn, score
from core.linking.weights import Weights, measure_u

AMINA = {
    "first": "amina", "last": "yusuf", "dob": 19900402, "phone": "4165550100", "email": "amina@example.org",
    "postal": "M5V2T6", "street": "12kingst", "city": "toronto", "gender": "Woman",
}  # fmt: skip
NAMED = {name: AMINA[name] for name in ("first", "last", "dob")}


def judged(a: dict[str, Any], b: dict[str, Any], weights: Weights | None = None) -> tuple[str, float, str]:
    """('same' | 'maybe' | 'new', bits, bar) with the thresholds that hold by default; fewer bits bear out an equal name
    and date.
    """
    weights = weights or Weights(clients=100_000)
    by = Parameters().among(weights.clients)
    scored = scores(a, b, weights)
    total, bar = float(scored.total[0]), scored.bar_of(0)
    equal = all(a.get(name) and a.get(name) == b.get(name) for name in NAMED)
    least = by.exact_bits if equal else by.auto_bits
    word = "new" if scored.hopeless[0] or total < by.hold_bits else "maybe" if bar or total < least else "same"
    return word, total, bar


def scores(a: dict[str, Any], b: dict[str, Any], weights: Weights) -> Scored:
    texts = Texts()
    mine, theirs = (People.of([[*(p.get(name) for name in TEXTS), p.get("dob"), False]], texts) for p in (a, b))
    none = np.array([0])
    return score(compare(mine, none, theirs, none, weights.is_known), weights, texts)


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({}, "same"),
        ({"first": "amnia"}, "same"),
        ({"first": "aminah"}, "same"),
        ({"last": "youssef"}, "same"),
        ({"first": "yusuf", "last": "amina"}, "same"),
        ({"dob": 19900204}, "same"),
        ({"dob": 19900412}, "same"),
        ({"last": "hassan"}, "same"),
        ({"dob": None}, "same"),
        ({"first": "fatuma"}, "new"),
        ({"first": "amin", "gender": "Man"}, "maybe"),
        ({"first": "amira"}, "maybe"),
        ({"dob": 19920913}, "maybe"),
        ({"dob": 19610402}, "maybe"),
        ({"dob": 19620913}, "new"),
        ({"first": "fatuma", "dob": 20110501}, "new"),
        ({"first": "boris", "last": "petrov"}, "new"),
    ],
    ids=[
        "nothing", "typo", "spelling", "spelling of the last name", "swapped names", "day and month", "one digit",
        "married", "no date", "twin sister", "twin brother of a like name", "sister of a like name", "another date",
        "a generation apart", "daughter of the same name", "daughter", "someone of the household born that day",
    ],
)  # fmt: skip
def test_with_phone_mail_and_address(change: dict, word: str) -> None:
    email = {"email": None} if word in ("new", "maybe") else {}
    assert judged(AMINA, {**AMINA, **email, **change})[0] == word


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"first": "amnia", "last": "yusuff"}, "same"),
        ({"last": "hassan"}, "maybe"),
        ({"dob": None}, "maybe"),
        ({"dob": 19910503}, "new"),
        ({"first": "fatuma"}, "new"),
        ({"first": "yusuf", "last": "amina", "dob": 19900204}, "maybe"),
    ],
    ids=["two typos", "married", "no date", "another date", "twin", "all swapped"],
)
def test_with_name_and_date_alone(change: dict, word: str) -> None:
    common = {"first_name": {"amina": 300, "fatuma": 400}, "last_name": {"yusuf": 200}, "dob": {"19900402": 4}}
    assert judged(NAMED, {**NAMED, **change}, Weights(clients=100_000, counts=common))[0] == word


@pytest.mark.parametrize("first", ["fatuma", "amira", "amino", "hassan", "amin", ""])
def test_twins_are_never_linked_by_themselves_whatever_they_share(first: str) -> None:
    for clients in (0, 1000, 1_000_000):
        counts = {"first_name": {"amino": clients // 1000}}
        mine = {**AMINA, "email": None, "phone": None if first == "" else AMINA["phone"]}
        assert judged(mine, {**mine, "first": first}, Weights(clients=clients, counts=counts))[0] != "same"


@pytest.mark.parametrize(
    ("mine", "theirs"), [("abdirahman", "abdirashid"), ("marisol", "maribel"), ("mirela", "mihaela")]
)
def test_twins_whose_names_stand_in_no_table_are_not_linked_by_themselves(mine: str, theirs: str) -> None:
    for clients in (1000, 1_000_000):
        one = {**AMINA, "email": None, "first": mine}
        word, _, bar = judged(one, {**one, "first": theirs}, Weights(clients=clients))
        assert (word, bar) == ("maybe", "first_name")


@pytest.mark.parametrize("theirs", ["abdirahmn", "abdirhaman", "abdirahmane", "abdirahmanka"])
def test_one_slip_or_a_longer_form_of_a_first_name_is_no_twin(theirs: str) -> None:
    one = {**AMINA, "email": None, "first": "abdirahman"}
    assert judged(one, {**one, "first": theirs}, Weights(clients=1_000_000))[0] == "same"


def test_what_a_big_agency_has_never_met_is_a_slip_and_may_be_a_sister_in_a_small_one() -> None:
    mine = {**AMINA, "email": None}
    assert judged(mine, {**mine, "first": "amine"}, Weights(clients=1000))[2] == "first_name"
    assert judged(mine, {**mine, "first": "amine"}, Weights(clients=1_000_000))[0] == "same"


def test_nobody_else_of_ones_name_and_address_is_born_a_few_days_later() -> None:
    mine = {**AMINA, "email": None, "phone": None, "dob": 19900326}
    assert judged(mine, {**mine, "dob": 19900405})[0] == "same"
    assert judged(mine, {**mine, "dob": 19910405})[2] == "dob"
    assert judged(mine, {**mine, "dob": 19900405, "street": None, "postal": None})[2] == "dob"


def test_without_a_date_only_the_email_tells_a_parent_from_a_child_of_the_same_name() -> None:
    assert judged(AMINA, {**AMINA, "dob": None})[0] == "same"
    assert judged({**AMINA, "email": None}, {**AMINA, "email": None, "dob": None})[2] == "evidence"


def test_at_one_address_with_another_phone_a_date_that_is_nearly_the_same_may_be_a_childs() -> None:
    mine = {**AMINA, "email": None, "dob": 19540212}
    theirs = {**mine, "dob": 19590219}
    assert judged(mine, theirs)[2] == ""
    assert judged(mine, {**theirs, "phone": "4165550999"})[2] == "dob"


def test_the_postal_code_of_a_shelter_tells_nothing_beside_its_street() -> None:
    counts = {"street": {"12kingst": 500}, "postal_code": {"M5V2T6": 500}}
    mine = {**AMINA, "email": None, "phone": None, "city": None}
    bits = scores(mine, mine, Weights(clients=1_000_000, counts=counts)).bits
    assert bits["household"][0] == pytest.approx(-min(bits["street"][0], bits["postal_code"][0]))


def test_slips_in_both_names_bar_a_link_only_where_the_date_is_another_one_too() -> None:
    slips = {"first": "amnia", "last": "yusuff"}
    assert judged(NAMED, {**NAMED, **slips})[2] == ""
    assert judged(NAMED, {**NAMED, "last": slips["last"], "dob": 19900403})[2] == "slips"


def test_a_small_agency_asks_earlier() -> None:
    assert [Parameters().among(clients).hold_bits for clients in (10, 100_000, 200_000, 3_000_000)] == [-6, -1, 0, 0]


def test_a_big_agency_links_earlier_but_not_for_an_equal_name_and_date_alone() -> None:
    sizes = [Parameters().among(clients) for clients in (0, 10, 12_500, 25_000, 100_000, 3_000_000)]
    assert [size.auto_bits for size in sizes] == [8, 8, 8, 7, 5, 5]
    assert {size.exact_bits for size in sizes} == {4}


def test_no_agency_links_from_fewer_bits_than_it_was_told_to_hold_from() -> None:
    careful = Parameters(auto_bits=9.0, hold_bits=8.0).among(1_000_000)
    assert (careful.auto_bits, careful.hold_bits, careful.exact_bits) == (8, 8, 5)


def test_an_initial_needs_a_phone_or_an_email_since_twins_share_the_address() -> None:
    mine = {**AMINA, "email": None}
    assert judged(mine, {**mine, "first": "a"})[0] == "same"
    assert judged({**mine, "phone": None}, {**mine, "phone": None, "first": "a"})[2] == "evidence"


@pytest.mark.parametrize("dob", [19620913, 19610402, 19600402, 20120402, 19721204])
def test_parent_and_child_of_one_name_are_never_linked_by_themselves(dob: int) -> None:
    for clients in (0, 1000, 1_000_000):
        assert judged(AMINA, {**AMINA, "dob": dob}, Weights(clients=clients))[0] != "same"


def test_in_an_empty_database_a_slip_is_held_and_the_same_is_linked() -> None:
    assert judged(NAMED, NAMED, Weights(clients=1))[0] == "same"
    assert judged(NAMED, {**NAMED, "first": "amnia"}, Weights(clients=1))[0] == "maybe"


def test_missing_says_nothing() -> None:
    weights = Weights(clients=10)
    bits = scores(NAMED, AMINA, weights).bits
    assert all(bits[name][0] == 0 for name in ("phone", "email", "postal_code", "street", "city", "gender"))
    assert not scores({**NAMED, "first": ""}, {**NAMED, "first": ""}, weights).bits["first_name"].any()


def test_a_common_name_says_less_than_a_rare_one() -> None:
    born = {"19900402": 40}
    counts = {"first_name": {"amina": 40_000}, "last_name": {"yusuf": 30_000}, "dob": born}
    common = Weights(clients=1_000_000, counts=counts)
    counts = {"first_name": {"amina": 200}, "last_name": {"yusuf": 150}, "dob": born}
    rare = Weights(clients=1_000_000, counts=counts)
    assert judged(NAMED, NAMED, common)[0] == "maybe"
    assert judged(NAMED, NAMED, rare)[0] == "same"


def test_a_slip_never_says_more_than_the_name_itself() -> None:
    weights = Weights(clients=1_000_000, counts={"first_name": {"amina": 20_000}})
    slip = scores(NAMED, {**NAMED, "first": "amnia"}, weights).bits["first_name"][0]
    assert slip < scores(NAMED, NAMED, weights).bits["first_name"][0]


def test_the_bits_of_a_pair_add_up_to_its_total() -> None:
    scored = scores(AMINA, {**AMINA, "first": "amnia", "dob": 19900204}, Weights(clients=5))
    assert scored.total[0] == pytest.approx(sum(bits[0] for bits in scored.bits.values()))


@pytest.mark.parametrize(
    ("a", "b", "level"),
    [
        (19900402, 19900402, "same"),
        (19900402, 19900204, "swapped"),
        (19900402, 19900403, "slip"),
        (19900402, 19900420, "slip"),
        (19900402, 19090402, "slip"),
        (19900402, 19900417, "near"),
        (19900402, 19910503, "different"),
    ],
)
def test_dates_are_compared_by_their_parts(a: int, b: int, level: str) -> None:
    assert DOB_LEVELS[dob_levels(np.array([a]), np.array([b]))[0] - 1] == level
    assert dob_levels(np.array([a]), np.array([0]))[0] == 0


@pytest.mark.parametrize(
    ("a", "b", "level"),
    [
        ("mohammed", "muhammad", "variant"),
        ("robert", "bob", "variant"),
        ("abdirahman", "abdurrahman", "variant"),
        ("jonathan", "jonatahn", "typo"),
        ("daniel", "daniela", "kin"),
        ("mario", "maria", "kin"),
        ("hassan", "hussein", "kin"),
        ("maria", "mariaelena", "part"),
        ("j", "john", "initial"),
        ("amina", "boris", "different"),
        ("li", "lu", "different"),
    ],
)
def test_first_names(a: str, b: str, level: str) -> None:
    texts = Texts()
    codes = [np.array([texts.code(name)]) for name in (a, b)]
    known: Callable = Weights().is_known
    for x, y in (codes, codes[::-1]):
        assert NAME_LEVELS[name_levels(texts, x, y, known)[0] - 1] == level


def test_the_kept_table_holds_names_once_a_line_and_nothing_folded_away() -> None:
    assert len(variants()) > 800
    assert all(name.isascii() and name.isalpha() for name in variants())


def test_sound_is_the_same_in_python_and_in_sql(db: None) -> None:
    names = ["mohammed", "youssef", "shaughnessy", "pfister", "łukasz", "ai"]
    with connection.cursor() as cursor:
        cursor.execute("SELECT coalesce(ccd_skeleton(name), '') FROM unnest(%s::text[]) AS name", [names])
        assert [sound for (sound,) in cursor.fetchall()] == [skeleton(name) for name in names]


def test_learning_moves_m_towards_the_pairs_and_never_to_nothing() -> None:
    dice = np.random.default_rng(3)
    texts = Texts()
    names = ["".join(dice.choice(list("abcdefghiklmnoprstu"), 7)) for _ in range(400)]
    rows = [
        [name, names[-n], *[None] * 8, 19500101 + 10_000 * (n % 50) + 100 * (n % 12) + n % 28]
        for n, name in enumerate(names)
    ]
    other = [[*row[:10], row[10] if n % 2 else None] for n, row in enumerate(rows)]
    mine, theirs = People.of(rows, texts), People.of(other, texts)
    weights = Weights(clients=400)
    i = np.arange(400)
    measure_u(weights, compare(mine, i[:-1], mine, i[1:], weights.is_known))
    learn(compare(mine, i, theirs, i, weights.is_known), weights, texts, owners=400)
    assert weights.m["first_name"][0] > 0.9
    assert all((weights.m[name] > 0).all() for name in weights.m)
    assert 390 <= weights.trained_on <= 400
