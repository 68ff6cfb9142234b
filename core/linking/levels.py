"""What is compared of two people, and the levels on which each thing may agree. Level 0 is "missing": no bits."""

from dataclasses import dataclass
from typing import Final

MISSING: Final = 0

NAME_LEVELS: Final = ("same", "variant", "typo", "alike", "part", "initial", "kin", "different")
SAME, VARIANT, TYPO, ALIKE, PART, INITIAL, KIN, DIFFERENT = range(1, 9)

DOB_LEVELS: Final = ("same", "swapped", "slip", "near", "different")
DOB_SAME, DOB_SWAPPED, DOB_SLIP, DOB_NEAR, DOB_DIFFERENT = range(1, 6)


@dataclass(frozen=True, slots=True)
class Field:
    """One comparison: its levels in words, and what is assumed of them before anything was measured.

    `m`: share of each level in pairs of one person; `u`: in pairs of two people. Where frequencies of values are
    `counted`, "same" is weighed by the value itself.
    """

    name: str
    label: str
    levels: tuple[str, ...]
    m: tuple[float, ...]
    u: tuple[float, ...]
    counted: bool = True


# Shares of m are round figures of agencies' files, not of one data set; EM moves them where there is enough to learn
# from. Those of u are replaced by one's own sample; until then equal values count as commoner than most are.
FIELDS: Final = (
    Field(
        "first_name",
        "First name",
        NAME_LEVELS,
        m=(0.84, 0.04, 0.04, 0.02, 0.02, 0.01, 0.005, 0.025),
        u=(0.016, 0.003, 0.002, 0.008, 0.004, 0.004, 0.008, 0.955),
    ),
    Field(
        "last_name",
        "Last name",
        NAME_LEVELS,
        m=(0.85, 0.01, 0.045, 0.025, 0.015, 0.003, 0.012, 0.04),
        u=(0.010, 0.001, 0.002, 0.006, 0.003, 0.003, 0.006, 0.969),
    ),
    Field("order", "Order of the names", ("swapped",), m=(0.02,), u=(0.6,), counted=False),
    Field(
        "dob",
        "Date of birth",
        DOB_LEVELS,
        m=(0.90, 0.02, 0.04, 0.02, 0.02),
        u=(0.00006, 0.0002, 0.002, 0.01, 0.98774),
    ),
    Field("phone", "Phone", ("same", "slip", "different"), (0.55, 0.03, 0.42), (0.0005, 0.0005, 0.999)),
    Field("email", "E-mail", ("same", "alike", "different"), (0.60, 0.05, 0.35), (0.0002, 0.0008, 0.999)),
    Field(
        "postal_code",
        "Postal code",
        ("same", "slip", "area", "different"),
        m=(0.56, 0.05, 0.06, 0.33),
        u=(0.004, 0.003, 0.04, 0.953),
    ),
    Field("street", "Street", ("same", "alike", "different"), (0.50, 0.10, 0.40), (0.001, 0.009, 0.99)),
    Field("city", "City", ("same", "alike", "different"), (0.84, 0.04, 0.12), (0.3, 0.01, 0.69)),
    Field("gender", "Gender", ("same", "different"), (0.96, 0.04), (0.45, 0.55), counted=False),
    # Two people never share an identifier; of one source's people one in fifty is guessed to be in it twice.
    Field("source", "Known to the source by", ("another identifier",), (0.02,), (1.0,), counted=False),
)
BY_NAME: Final = {field.name: field for field in FIELDS}
CONTACT: Final = ("phone", "email", "postal_code", "street", "city")
# What a household shares is one fact told several times: together these say no more than this.
CONTACT_CAP: Final = 20.0
