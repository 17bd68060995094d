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
    digit_values,
    over_texts,
    packed,
)

_LENGTHS: Final = (8, 12, 13, 14)
#: Weights of the 14 places, the check digit's last: 3 and 1 in turns, counted from the right.
_WEIGHTS: Final = np.array([3, 1] * 7, np.uint16)
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
            found[rows] = _checked(gtins.heads(rows, length))
    return found


@over_texts
def gtin_ndc10(gtins: Texts) -> pa.Array:
    """The 10 digits of the NDC in each GTIN-14, null where there is none.

    Such a GTIN is an indicator digit, the GS1 prefix 03, the NDC without hyphens and a check digit.
    Where labeler, product and package part in it can't be told.

    Source: GS1 Healthcare US, "Guideline for NDC/NHRIC"; GS1 General Specifications, section 1.4.2
    (prefixes 030-039: drugs).
    """
    matrix, valid = _drug_gtins(gtins)
    return packed(matrix[:, 3:13], valid)


@over_texts
def gtin_fits_ndc(gtins: Texts, ndcs: Texts) -> pa.Array:
    """Whether the NDC in each GTIN-14 may be the NDC beside it; null where either can't be read.

    The 11 digits fit when they are the GTIN's ten with a zero before the labeler, the product or
    the package: any of the three forms of ten digits.

    Source: as for ``gtin_ndc10`` and ``ndc11``.
    """
    matrix, readable = _drug_gtins(gtins)
    billing, known = billing_digits(ndcs)
    fits = np.zeros(len(gtins), np.bool_)
    for place in _PADDINGS:
        short = np.delete(billing, place, axis=1)
        fits |= (billing[:, place] == ZERO) & (short == matrix[:, 3:13]).all(axis=1)
    return pa.array(fits, mask=~(readable & known))


def with_check_digits(bodies: Bytes) -> Bytes:
    """GTIN-14s (rows, 14) from their first 13 digits (rows, 13)."""
    total = digit_values(bodies).astype(np.uint16) @ _WEIGHTS[:13]
    check = ((10 - total % 10) % 10 + ZERO).astype(np.uint8)
    return np.concatenate([bodies, check[:, None]], axis=1)


def _drug_gtins(gtins: Texts) -> tuple[Bytes, Mask]:
    matrix = np.zeros((len(gtins), 14), np.uint8)
    valid = np.zeros(len(gtins), np.bool_)
    rows = gtins.rows(14)
    found = gtins.heads(rows, 14)
    matrix[rows] = found
    prefix = (found[:, 1] == ZERO) & (found[:, 2] == ord("3"))
    valid[rows] = prefix & _checked(found)
    return matrix, valid


def _checked(matrix: Bytes) -> Mask:
    total = digit_values(matrix).astype(np.uint16) @ _WEIGHTS[-matrix.shape[1] :]
    found: Mask = are_digits(matrix) & (total % 10 == 0)
    return found
