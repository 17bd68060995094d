"""National Drug Codes."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.transforms.sql.functions.texts import ANY_TEXT, agrees, columns, damaged, one
from transforms.sql.functions.ndc import ndc11, ndc12

FORMS = [(4, 4, 2), (5, 3, 2), (5, 4, 1), (5, 4, 2)]


def parts(text):
    return text.split("-") if re.fullmatch("[0-9]+(-[0-9]+)*", text, re.ASCII) else []


def oracle11(text):
    split = parts(text)
    if tuple(map(len, split)) in FORMS:
        return split[0].zfill(5) + split[1].zfill(4) + split[2].zfill(2)
    return text if [len(part) for part in split] == [11] else None


def oracle12(text):
    split = parts(text)
    if [len(part) for part in split] in ([12], [6, 4, 2]):
        return "".join(split)
    eleven = oracle11(text)
    return None if eleven is None else "0" + eleven


def written(lengths):
    return st.from_regex("-".join(f"[0-9]{{{n}}}" for n in lengths), fullmatch=True)


NDCS = st.one_of([written(lengths) for lengths in [*FORMS, (11,), (10,), (12,), (6, 4, 2)]])


@pytest.mark.parametrize(
    ("text", "eleven"),
    [
        ("0002-8215-01", "00002821501"),
        ("12345-123-12", "12345012312"),
        ("12345-1234-1", "12345123401"),
        ("12345-1234-12", "12345123412"),
        ("00002821501", "00002821501"),
    ],
)
def test_each_form_is_padded_in_its_short_segment(text, eleven):
    assert one(ndc11, text) == eleven
    assert one(ndc12, text) == "0" + eleven


@pytest.mark.parametrize(
    "text",
    [
        *("", "0002821501", "0002-82150-1", "0002-8215-0a", "000028215010", "-0002821501"),
        "\uff10" * 11,  # digits, but not of ASCII
    ],
)
def test_what_has_no_form_of_11_digits_is_null(text):
    assert one(ndc11, text) is None


def test_ten_bare_digits_are_never_guessed():
    assert one(ndc11, "1234567890") is None
    assert one(ndc12, "1234567890") is None


def test_six_digits_of_labeler_have_a_form_of_12_digits_only():
    assert one(ndc12, "123456-1234-12") == one(ndc12, "123456123412") == "123456123412"
    assert one(ndc11, "123456-1234-12") is None
    assert one(ndc11, "123456123412") is None


@settings(max_examples=80)
@given(columns(damaged(NDCS) | ANY_TEXT))
def test_a_column_is_judged_as_each_text_alone(values):
    assert agrees(ndc11, oracle11, values)
    assert agrees(ndc12, oracle12, values)


@settings(max_examples=30)
@given(st.lists(written((11,)), min_size=1))
def test_what_is_in_the_form_stays_as_it_is(values):
    assert agrees(ndc11, str, values)
