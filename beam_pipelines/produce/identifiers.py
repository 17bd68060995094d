"""Identifiers of the trade with their check digits, vectorized over rows.

Sources: NPI, the Luhn formula over "80840" + NPI (CMS, NPI check digit standard); DEA numbers,
(d1+d3+d5) + 2*(d2+d4+d6) mod 10 (DEA Diversion Control); NDC, 10 digits as 4-4-2, 5-3-2 or 5-4-1
and 11 digits in billing, zero-padded in the short segment (NCPDP); GTIN, weights 3 and 1 from the
right (GS1 General Specifications, section 7.9).
"""

import numpy as np

from beam_pipelines.produce.columns import Bytes, Ints, digits, joined, letters

# DEA's letters for practitioners; the second letter is the holder's initial.
_DEA_TYPES = b"ABFGM"
_ZERO = ord("0")

NDC_FORMATS = ("F442", "F532", "F541")
# The billing digit that pads the short segment, per format above.
_NDC_PADDING = np.array([0, 5, 9])


def npi(bases: Ints) -> Bytes:
    """NPIs (rows, 10) from numbers of up to 8 digits; all start with 1 as for most providers."""
    body = joined(len(bases), b"1", digits(bases, 8))
    values = (body - _ZERO).astype(np.int64)
    # From the right the check digit comes first, so the body's last digit is doubled.
    doubled = values[:, ::-2] * 2
    total = (doubled - 9 * (doubled > 9)).sum(1) + values[:, -2::-2].sum(1)
    total += 24  # what the constant prefix 80840 adds
    return joined(len(bases), body, digits(-total % 10, 1))


def dea(bases: Ints, initials: Bytes) -> Bytes:
    """DEA numbers (rows, 9).

    Args:
        bases: Numbers of up to 6 digits.
        initials: The holder's initial, a matrix (rows, 1) of ASCII capitals.
    """
    body = digits(bases, 6)
    values = (body - _ZERO).astype(np.int64)
    check = (values[:, ::2].sum(1) + 2 * values[:, 1::2].sum(1)) % 10
    kinds = letters(np.asarray(bases) % len(_DEA_TYPES), _DEA_TYPES)
    return joined(len(bases), kinds, initials, body, digits(check, 1))


def ndc11(labelers: Ints, products: Ints, packages: Ints, formats: Ints) -> Bytes:
    """Billing NDCs (rows, 11), with the padding zero where the format has its short segment.

    Args:
        labelers: Numbers of up to 5 digits.
        products: Numbers of up to 4 digits.
        packages: Numbers of up to 2 digits.
        formats: Indexes into `NDC_FORMATS`.
    """
    matrix = joined(len(labelers), digits(labelers, 5), digits(products, 4), digits(packages, 2))
    matrix[np.arange(len(matrix)), _NDC_PADDING[formats]] = _ZERO
    return matrix


def ndc10(billing: Bytes, formats: Ints) -> Bytes:
    """The 10 digits that a package bears, from its billing NDC and its format."""
    keep = np.arange(11) != _NDC_PADDING[formats][:, None]
    kept: Bytes = billing[keep].reshape(len(billing), 10)
    return kept


def gtin14(ndc: Bytes) -> Bytes:
    """GTIN-14 (rows, 14) of a package: indicator 0, GS1 prefix 03, the 10-digit NDC, check."""
    body = joined(len(ndc), b"003", ndc)
    values = (body - _ZERO).astype(np.int64)
    total = 3 * values[:, ::-2].sum(1) + values[:, -2::-2].sum(1)
    return joined(len(ndc), body, digits(-total % 10, 1))
