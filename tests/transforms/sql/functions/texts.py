"""Texts near what a check takes: right ones, and ones with a character changed, added or lost."""

import pyarrow as pa
from hypothesis import strategies as st

#: What no check may raise on.
ANY_TEXT = st.text(max_size=30) | st.text("0123456789-", max_size=16)


def strings(*values):
    return pa.array(values, pa.string())


def one(call, *values):
    """The function's answer for one row."""
    return call(*(strings(value) for value in values)).to_pylist()[0]


@st.composite
def damaged(draw, right):
    """A right text, or one a single edit away from it."""
    text = draw(right)
    at = draw(st.integers(0, len(text)))
    new = draw(st.sampled_from(["", *"0129AZa-. é\uff10"]))
    gone = draw(st.integers(0, 1))
    return draw(st.sampled_from([text, text[:at] + new + text[at + gone :]]))


def columns(texts):
    """Columns of any length, nulls among them."""
    return st.lists(st.none() | texts, max_size=40)


def agrees(call, oracle, *values):
    """Whether the function says of each row what the oracle says of it alone; null for null."""
    expected = [None if None in row else oracle(*row) for row in zip(*values, strict=True)]
    made = call(*(strings(*column) for column in values))
    return made.to_pylist() == expected
