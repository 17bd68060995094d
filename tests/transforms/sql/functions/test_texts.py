"""Texts as bytes side by side."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.transforms.sql.functions.texts import ANY_TEXT, columns
from transforms.sql.functions.texts import (
    Texts,
    are_digits,
    digit_sum,
    digit_values,
    over_texts,
    packed,
    whole,
)


@over_texts
def sizes(texts):
    return texts.sizes


@over_texts
def same_size(one, other):
    return one.sizes == other.sizes


class TestColumns:
    def test_chunks_slices_and_dictionaries_are_one_string_array(self):
        chunks = pa.chunked_array([["a", "b"], ["c"]])
        assert whole(chunks).to_pylist() == ["a", "b", "c"]
        assert whole(chunks.slice(1)).to_pylist() == ["b", "c"]
        assert whole(pa.array(["x", "x"]).dictionary_encode()).to_pylist() == ["x", "x"]

    def test_a_slice_is_read_from_where_it_begins(self):
        assert sizes(pa.array(["a", "bb", "ccc", "dddd"]).slice(1, 2)).to_pylist() == [2, 3]

    @pytest.mark.parametrize("empty", [pa.array([], "string"), pa.chunked_array([], "string")])
    def test_no_rows_give_none(self, empty):
        assert sizes(empty).to_pylist() == []

    def test_a_column_of_nulls_gives_nulls(self):
        assert sizes(pa.nulls(3, pa.string())).to_pylist() == [None] * 3
        assert sizes(pa.nulls(3)).to_pylist() == [None] * 3

    def test_null_in_any_argument_gives_null(self):
        made = same_size(pa.array(["a", None, "b"]), pa.array(["c", "d", None]))
        assert made.to_pylist() == [True, None, None]


class TestPlaces:
    def test_texts_of_one_length_lie_side_by_side(self):
        texts = Texts.of(pa.array(["abc", "def"]))
        assert texts.places(texts.rows(3), 3).T.tobytes() == b"abcdef"

    def test_longer_texts_between_are_left_out(self):
        texts = Texts.of(pa.array(["abc", "zzzz", "def", "", "ghi"]))
        assert texts.places(texts.rows(3), 3).T.tobytes() == b"abcdefghi"

    def test_heads_of_longer_texts_are_taken(self):
        texts = Texts.of(pa.array(["abcd", "efghij"]))
        assert texts.places(np.array([0, 1]), 2).T.tobytes() == b"abef"

    def test_a_text_can_be_had(self):
        assert Texts.of(pa.array(["x", "ré"])).text(1) == "ré"


class TestDigits:
    def test_digits_are_those_of_ascii(self):
        places = np.frombuffer(b"09/:aZ\x00\xff", np.uint8)[None]
        assert are_digits(places).tolist() == [True, True] + [False] * 6

    def test_28_nines_are_summed_without_a_loss(self):
        nines = np.full((28, 1), ord("9"), np.uint8)
        assert digit_sum(digit_values(nines)).tolist() == [252]


@settings(max_examples=30)
@given(st.lists(st.tuples(st.text("ab", min_size=3, max_size=3), st.booleans()), max_size=20))
def test_packed_rows_are_texts_or_null(rows):
    places = np.frombuffer("".join(t for t, _ in rows).encode(), np.uint8).reshape(-1, 3).T
    valid = np.array([v for _, v in rows], np.bool_)
    made = packed(places, valid)
    made.validate(full=True)
    assert made.to_pylist() == [text if kept else None for text, kept in rows]


@settings(max_examples=50)
@given(columns(ANY_TEXT))
def test_sizes_are_bytes_of_utf8(values):
    made = sizes(pa.array(values, pa.string()))
    assert made.to_pylist() == [None if v is None else len(v.encode()) for v in values]
