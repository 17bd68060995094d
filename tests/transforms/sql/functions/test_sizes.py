"""How much room a text takes."""

from hypothesis import given, settings

from tests.transforms.sql.functions.texts import ANY_TEXT, agrees, columns, one
from transforms.sql.functions.sizes import utf8_bytes


def test_bytes_are_counted_and_not_letters():
    assert one(utf8_bytes, "Zoë") == 4
    assert one(utf8_bytes, "") == 0


@settings(max_examples=40)
@given(columns(ANY_TEXT))
def test_a_column_is_counted_as_each_text_alone(values):
    assert agrees(utf8_bytes, lambda text: len(text.encode()), values)
