"""National Drug Codes: three written forms of 10 digits, one of 11 for billing, one of 12 to come.

Source: 21 CFR 207.33 (labeler, product and package code; 10 digits as 4-4-2, 5-3-2 or 5-4-1);
NCPDP, Product/Service ID qualifier 03 (11 digits as 5-4-2, a zero padding the short segment);
91 FR 10749 (2026-03-05: 12 digits as 6-4-2, effective 2033-03-07).
"""

from typing import Final

import numpy as np
import pyarrow as pa

from transforms.sql.functions.texts import (
    ZERO,
    Bytes,
    Mask,
    Texts,
    are_digits,
    over_texts,
    packed,
)

_HYPHEN: Final = ord("-")
#: Written form: its length, where its hyphens are, and where its padding zero goes in 11 digits.
_FORMS: Final = (
    (11, (), None),
    (13, (5, 10), None),
    (12, (4, 9), 0),
    (12, (5, 9), 5),
    (12, (5, 10), 9),
)


@over_texts
def ndc11(ndcs: Texts) -> pa.Array:
    """Each NDC in the 11 digits of billing, null where it has no such form.

    Takes 11 digits, and 4-4-2, 5-3-2, 5-4-1 and 5-4-2 with hyphens. Ten digits without hyphens are
    null: three codes could be meant, and a guess would name another drug. Null too are 6-4-2 and 12
    digits: a labeler of six digits has no 11-digit form.

    Source: see the module.
    """
    return packed(*billing_digits(ndcs))


@over_texts
def ndc12(ndcs: Texts) -> pa.Array:
    """Each NDC in the 12 digits (6-4-2) of the format to come, null where it has no such form.

    Takes what ``ndc11`` takes, and 12 digits and 6-4-2 as they are.

    Source: see the module.
    """
    billing, known = billing_digits(ndcs)
    digits = np.full((12, len(ndcs)), ZERO, np.uint8)
    digits[1:] = billing
    for length, hyphens in ((12, ()), (14, (6, 11))):
        rows = ndcs.rows(length)
        plain, right = _without_hyphens(ndcs.places(rows, length), hyphens)
        digits[:, rows[right]] = plain[:, right]
        known[rows[right]] = True
    return packed(digits, known)


def billing_digits(ndcs: Texts) -> tuple[Bytes, Mask]:
    """The 11 digits of each NDC as a matrix (11, rows), and which rows have them."""
    digits = np.full((11, len(ndcs)), ZERO, np.uint8)
    known = np.zeros(len(ndcs), np.bool_)
    for length, hyphens, padding in _FORMS:
        rows = ndcs.rows(length)
        if not len(rows):
            continue
        plain, right = _without_hyphens(ndcs.places(rows, length), hyphens)
        if len(rows) == len(ndcs) and length == 11:
            # Mostly all are in the form of billing already.
            return plain, right
        places = np.arange(11) if padding is None else np.delete(np.arange(11), padding)
        digits[places[:, None], rows[right]] = plain[:, right]
        known[rows[right]] = True
    return digits, known


def _without_hyphens(places: Bytes, hyphens: tuple[int, ...]) -> tuple[Bytes, Mask]:
    plain = np.delete(places, hyphens, axis=0) if hyphens else places
    return plain, are_digits(plain) & np.all(places[list(hyphens)] == _HYPHEN, axis=0)
