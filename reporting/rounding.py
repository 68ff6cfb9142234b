"""Numbers on their way out, rounded at random, so that files of overlapping periods cannot be subtracted.

Random rounding to a base, as statistical offices publish counts (I. P. Fellegi, Controlled Random Rounding, Survey
Methodology 1, 1975), made to repeat itself as in J. Wooton and B. Fraser, A Review of Confidentiality Protections for
Statistical Tables with Special Reference to the Differencing Problem, ABS 1352.0.55.072, 2005. Up or down hangs on a
secret, the cell and its number, and not on the period: for a day more on which nobody came the answer is the same, and
asking often averages nothing out. On average nothing is added or taken away. Of no number more is told than which two
multiples of the base it lies between, however many files there are.
"""

from collections.abc import Hashable

from django.utils.crypto import salted_hmac

_SALT = "reporting.rounding"


def rounded(number: int, cell: Hashable, base: int) -> int:
    """`number` people of `cell` as a multiple of `base`; itself where it is one, or where `base` is 1 or less."""
    if base <= 1:
        return number
    rest = number % base
    chance = int.from_bytes(salted_hmac(_SALT, repr((cell, number)), algorithm="sha256").digest()[:8]) % base
    return number - rest + (base if chance < rest else 0)
