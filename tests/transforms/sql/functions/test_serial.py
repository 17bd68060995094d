"""Serial and lot numbers of GS1."""

import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.transforms.sql.functions.texts import ANY_TEXT, agrees, columns, one
from transforms.sql.functions.serial import is_gs1_serial

ALLOWED = set(string.ascii_letters + string.digits + "!\"%&'()*+,-./:;<=>?_")


def test_the_set_has_82_characters():
    assert len(ALLOWED) == 82


@pytest.mark.parametrize("character", [chr(code) for code in range(128)])
def test_each_character_of_ascii_is_judged(character):
    assert one(is_gs1_serial, f"A{character}9") is (character in ALLOWED)


@pytest.mark.parametrize(("length", "right"), [(0, False), (1, True), (20, True), (21, False)])
def test_one_to_twenty_characters_are_right(length, right):
    assert one(is_gs1_serial, "7" * length) is right


@settings(max_examples=60)
@given(columns(st.text("".join(sorted(ALLOWED)), max_size=22) | ANY_TEXT))
def test_a_column_is_judged_as_each_text_alone(values):
    assert agrees(is_gs1_serial, lambda t: 1 <= len(t) <= 20 and set(t) <= ALLOWED, values)
