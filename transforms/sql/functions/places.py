"""ZIP codes and states."""

from typing import Final

import numpy as np

from transforms.sql.functions.texts import (
    Bytes,
    Ints,
    Mask,
    Texts,
    are_digits,
    digit_values,
    over_texts,
)
from transforms.sql.functions.zip3 import ZIP3_BY_STATE

_LETTERS: Final = 26


def _table() -> Mask:
    table = np.zeros((_LETTERS * _LETTERS, 1_000), np.bool_)
    for state, ranges in ZIP3_BY_STATE.items():
        row = (ord(state[0]) - 65) * _LETTERS + ord(state[1]) - 65
        for low, high in ranges:
            table[row, low : high + 1] = True
    return table


_IN_STATE: Final = _table()


@over_texts
def zip_in_state(zips: Texts, states: Texts) -> Mask:
    """Whether each ZIP code can be in the state beside it, by its first three digits.

    Takes 5 digits, 9 digits, and 5-4 with a hyphen; states are the two capitals of the USPS, the
    territories and the armed forces' among them. What is neither is false. Three digits that serve
    two states are in both.

    Source: USPS Publication 28, appendix B (states); Domestic Mail Manual, labeling list L002
    (3-digit ZIP code prefixes).
    """
    prefix, right = _prefixes(zips)
    row, known = _state_rows(states)
    return right & known & _IN_STATE[row, prefix]


def _prefixes(zips: Texts) -> tuple[Ints, Mask]:
    prefix = np.zeros(len(zips), np.int64)
    right = np.zeros(len(zips), np.bool_)
    for length in (5, 9, 10):
        rows = zips.rows(length)
        places = zips.places(rows, length)
        found = _are_zips(places)
        right[rows] = found
        digits = digit_values(places[:3, found]).astype(np.int64)
        prefix[rows[found]] = digits[0] * 100 + digits[1] * 10 + digits[2]
    return prefix, right


def _are_zips(places: Bytes) -> Mask:
    if len(places) < 10:
        return are_digits(places)
    found: Mask = are_digits(np.delete(places, 5, axis=0)) & (places[5] == ord("-"))
    return found


def _state_rows(states: Texts) -> tuple[Ints, Mask]:
    row = np.zeros(len(states), np.int64)
    known = np.zeros(len(states), np.bool_)
    rows = states.rows(2)
    letters = states.places(rows, 2) - np.uint8(65)
    capitals = np.all(letters < _LETTERS, axis=0)
    known[rows] = capitals
    both = letters[:, capitals].astype(np.int64)
    row[rows[capitals]] = both[0] * _LETTERS + both[1]
    return row, known
