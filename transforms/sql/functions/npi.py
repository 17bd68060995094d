"""National Provider Identifiers."""

from typing import Final

import numpy as np

from transforms.sql.functions.texts import (
    Bytes,
    Mask,
    Texts,
    are_digits,
    digit_sum,
    digit_values,
    over_texts,
)

#: What the prefix 80840 adds to the sum: 8, 0, 8 doubled to 16, 4 and 0 doubled.
_PREFIX_SUM: Final = 24


@over_texts
def is_npi(npis: Texts) -> Mask:
    """Whether each text is a National Provider Identifier.

    Ten digits, the first one 1 or 2, whose last digit makes "80840" and the ten digits satisfy the
    Luhn formula.

    Source: 45 CFR 162.406(a); CMS, "Requirements for National Provider Identifier (NPI) and NPI
    Check Digit"; ISO/IEC 7812-1, annex B (Luhn; 80840 is the issuer: health, United States).
    """
    found = np.zeros(len(npis), np.bool_)
    rows = npis.rows(10)
    places = npis.places(rows, 10)
    first = (places[0] == ord("1")) | (places[0] == ord("2"))
    found[rows] = first & are_digits(places) & (_luhn_sum(places) % np.uint8(10) == 0)
    return found


def _luhn_sum(places: Bytes) -> Bytes:
    digits = digit_values(places)
    doubled = digits[::2] * np.uint8(2)
    doubled -= np.uint8(9) * (doubled > 9)
    # At most 90 + 24: a byte holds it.
    return digit_sum(doubled) + digit_sum(digits[1::2]) + np.uint8(_PREFIX_SUM)
