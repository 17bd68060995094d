"""Global Trade Item Numbers, and the NDC in them."""

from typing import Final

import numpy as np
import pyarrow as pa

from transforms.sql.functions.ndc import billing_digits
from transforms.sql.functions.texts import (
    ZERO,
    Bytes,
    Mask,
    Texts,
    are_digits,
    digit_sum,
    digit_values,
    over_texts,
    packed,
)

_LENGTHS: Final = (8, 12, 13, 14)
#: Where the 11 digits of billing may have their padding zero.
_PADDINGS: Final = (0, 5, 9)


@over_texts
def is_gtin(gtins: Texts) -> Mask:
    """Whether each text is a GTIN of 8, 12, 13 or 14 digits with a right check digit.

    Source: GS1 General Specifications, section 7.9 (check digit: weights 3 and 1 from the right).
    """
    found = np.zeros(len(gtins), np.bool_)
    for length in _LENGTHS:
        rows = gtins.rows(length)
        if len(rows):
            found[rows] = _checked(gtins.places(rows, length))
    return found


@over_texts
def gtin_ndc10(gtins: Texts) -> pa.Array:
    """The 10 digits of the NDC in each GTIN-14, null where there is none.

    Such a GTIN is an indicator digit, the GS1 prefix 03, the NDC without hyphens and a check digit.
    Where labeler, product and package part in it can't be told.

    Source: GS1 Healthcare US, "Guideline for NDC/NHRIC"; GS1 General Specifications, section 1.4.2
    (prefixes 030-039: drugs).
    """
    places, valid = _drug_gtins(gtins)
    return packed(places[3:13], valid)


@over_texts
def gtin_fits_ndc(gtins: Texts, ndcs: Texts) -> pa.Array:
    """Whether the NDC in each GTIN-14 may be the NDC beside it; null where either can't be read.

    The 11 digits fit when they are the GTIN's ten with a zero before the labeler, the product or
    the package: any of the three forms of ten digits.

    Source: as for ``gtin_ndc10`` and ``ndc11``.
    """
    places, readable = _drug_gtins(gtins)
    billing, known = billing_digits(ndcs)
    fits = np.zeros(len(gtins), np.bool_)
    for padding in _PADDINGS:
        short = np.delete(billing, padding, axis=0)
        fits |= (billing[padding] == ZERO) & np.all(short == places[3:13], axis=0)
    return pa.array(fits, mask=~(readable & known))


def with_check_digits(bodies: Bytes) -> Bytes:
    """GTIN-14s (14, rows) from their first 13 digits (13, rows)."""
    check = (np.uint8(10) - _weighted_sum(bodies) % np.uint8(10)) % np.uint8(10)
    return np.concatenate([bodies, check[None] + np.uint8(ZERO)])


def _drug_gtins(gtins: Texts) -> tuple[Bytes, Mask]:
    places = np.zeros((14, len(gtins)), np.uint8)
    valid = np.zeros(len(gtins), np.bool_)
    rows = gtins.rows(14)
    found = gtins.places(rows, 14)
    places[:, rows] = found
    valid[rows] = (found[1] == ZERO) & (found[2] == ord("3")) & _checked(found)
    return places, valid


def _checked(places: Bytes) -> Mask:
    total = _weighted_sum(places[:-1]) + digit_values(places[-1])
    found: Mask = are_digits(places) & (total % np.uint8(10) == 0)
    return found


def _weighted_sum(bodies: Bytes) -> Bytes:
    """The digits before the check digit, times 3 and 1 in turns from the right."""
    digits = digit_values(bodies)
    # At most 7 x 27 + 6 x 9: a byte holds it, and the check digit.
    return np.uint8(3) * digit_sum(digits[::-2]) + digit_sum(digits[-2::-2])
