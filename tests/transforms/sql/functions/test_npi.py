"""National Provider Identifiers."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.transforms.sql.functions.texts import ANY_TEXT, agrees, columns, damaged, one
from transforms.sql.functions.npi import is_npi


def luhn(text):
    """The formula as it is told: from the right, every second digit doubled."""
    total = 0
    for place, digit in enumerate(reversed(text)):
        value = int(digit) * (1 + place % 2)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def oracle(text):
    return (
        len(text) == 10
        and all(c in "0123456789" for c in text)
        and text[0] in "12"
        and luhn("80840" + text)
    )


def completed(body):
    return next(body + d for d in "0123456789" if luhn("80840" + body + d))


NPIS = st.from_regex("[12][0-9]{8}", fullmatch=True).map(completed)


# 1234567893 is the example of CMS.
@pytest.mark.parametrize("npi", ["1234567893", "2000000002"])
def test_right_ones_are_right(npi):
    assert oracle(npi)
    assert one(is_npi, npi) is True


@pytest.mark.parametrize(
    "text",
    ["", "1234567890", "3234567895", "123456789", "12345678931", " 1234567893", "123456789é"],
)
def test_wrong_ones_are_wrong(text):
    assert one(is_npi, text) is False


@settings(max_examples=60)
@given(columns(damaged(NPIS) | ANY_TEXT))
def test_a_column_is_judged_as_each_text_alone(values):
    assert agrees(is_npi, oracle, values)


@settings(max_examples=30)
@given(NPIS, st.integers(0, 9), st.integers(1, 9))
def test_any_single_wrong_digit_is_found(npi, place, shift):
    wrong = str((int(npi[place]) + shift) % 10)
    assert one(is_npi, npi[:place] + wrong + npi[place + 1 :]) is False
