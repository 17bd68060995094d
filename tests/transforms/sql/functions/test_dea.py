"""Registration numbers of the DEA."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.transforms.sql.functions.texts import ANY_TEXT, agrees, columns, damaged, one
from transforms.sql.functions.dea import dea_second_letter, is_dea


def oracle(text):
    number, hyphen, suffix = text.partition("-")
    if hyphen and not (suffix and suffix.isascii() and suffix.isalnum()):
        return False
    if len(number) != 9 or number[0] not in "ABCDEFGHJKLMPRSTUX":
        return False
    if number[1] not in "ABCDEFGHIJKLMNOPQRSTUVWXYZ9":
        return False
    if not all(c in "0123456789" for c in number[2:]):
        return False
    d = [int(c) for c in number[2:]]
    return (d[0] + d[2] + d[4] + 2 * (d[1] + d[3] + d[5])) % 10 == d[6]


def completed(body):
    return next(body + d for d in "0123456789" if oracle(body + d))


NUMBERS = st.from_regex("[ABCDEFGHJKLMPRSTUX][A-Z9][0-9]{6}", fullmatch=True).map(completed)
SUFFIXED = st.builds("{}-{}".format, NUMBERS, st.from_regex("[A-Za-z0-9]{1,4}", fullmatch=True))


@pytest.mark.parametrize("number", ["AB1234563", "BB1388568", "F91234563", "AB1234563-A12"])
def test_right_ones_are_right(number):
    assert oracle(number)
    assert one(is_dea, number) is True


@pytest.mark.parametrize(
    "text",
    [
        *("", "AB1234564", "ab1234563", "IB1234563", "A81234563", "AB123456", "AB12345630"),
        *("AB1234563-", "AB1234563-é", "AB1234563-1 ", "AB1234563-1-2", "AB1234563_12"),
    ],
)
def test_wrong_ones_are_wrong(text):
    assert one(is_dea, text) is False
    assert one(dea_second_letter, text) is None


@settings(max_examples=60)
@given(columns(damaged(NUMBERS | SUFFIXED) | ANY_TEXT))
def test_a_column_is_judged_as_each_text_alone(values):
    assert agrees(is_dea, oracle, values)
    assert agrees(dea_second_letter, lambda text: text[1] if oracle(text) else None, values)
