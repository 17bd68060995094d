"""Registration numbers of the Drug Enforcement Administration."""

import re
from typing import Final

import numpy as np
import pyarrow as pa

from transforms.sql.functions.texts import (
    Bytes,
    Mask,
    Texts,
    are_digits,
    digit_sum,
    digit_values,
    over_texts,
    packed,
)

_REGISTRANT_TYPES: Final = np.isin(np.arange(256), [ord(c) for c in "ABCDEFGHJKLMPRSTUX"])
_SECOND: Final = np.isin(np.arange(256), [ord(c) for c in "ABCDEFGHIJKLMNOPQRSTUVWXYZ9"])
#: A hospital's own code for a practitioner: numbers, letters or both, after a hyphen.
_SUFFIX: Final = re.compile(r"-[A-Za-z0-9]+", re.ASCII)


@over_texts
def is_dea(numbers: Texts) -> Mask:
    """Whether each text is a DEA registration number, with or without a hospital's suffix.

    A letter for the registrant's type, a letter of the name or a 9 for a business, seven digits of
    which the last is the last digit of (d1 + d3 + d5) + 2 (d2 + d4 + d6).

    Source: DEA Diversion Control Division, "DEA registration number"; 21 CFR 1301.22(c)(5) for the
    suffix, as in ``AP1234563-A12``.
    """
    return _are_numbers(numbers)


@over_texts
def dea_second_letter(numbers: Texts) -> pa.Array:
    """The second character of each DEA number: the initial of the registrant's last name, or 9.

    Null for what is no DEA number. Source: as for ``is_dea``.
    """
    valid = _are_numbers(numbers)
    second = np.zeros((1, len(numbers)), np.uint8)
    rows = np.flatnonzero(valid)
    second[:, rows] = numbers.places(rows, 2)[1:]
    return packed(second, valid)


def _are_numbers(numbers: Texts) -> Mask:
    found = np.zeros(len(numbers), np.bool_)
    plain = numbers.rows(9)
    found[plain] = _checked(numbers.places(plain, 9))
    longer = np.flatnonzero(numbers.sizes > 10)
    right = longer[_checked(numbers.places(longer, 9))]
    # Few have a suffix: here one value after the other will do.
    found[right] = [bool(_SUFFIX.fullmatch(numbers.text(row), 9)) for row in right.tolist()]
    return found


def _checked(places: Bytes) -> Mask:
    digits = digit_values(places[2:])
    total = digit_sum(digits[0:6:2]) + np.uint8(2) * digit_sum(digits[1:6:2])
    letters = _REGISTRANT_TYPES[places[0]] & _SECOND[places[1]]
    found: Mask = letters & are_digits(places[2:]) & (total % np.uint8(10) == digits[6])
    return found
