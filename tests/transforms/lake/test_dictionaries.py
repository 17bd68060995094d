"""Dictionaries hold the values of their own rows."""

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from transforms.lake.dictionaries import compact

TEXTS = st.lists(st.one_of(st.none(), st.sampled_from("abcdefg")), max_size=30)


def encoded(texts):
    return pa.table({"n": list(range(len(texts))), "t": pa.array(texts, pa.string())}).set_column(
        1, "t", pa.array(texts, pa.string()).dictionary_encode()
    )


@settings(max_examples=100, deadline=None)
@given(texts=TEXTS, data=st.data())
def test_rows_keep_their_values_and_their_dictionary_is_that_of_their_own(texts, data):
    whole = encoded(texts)
    rows = data.draw(st.lists(st.integers(0, len(texts) - 1), unique=True)) if texts else []
    taken = whole.take(pa.array(rows, pa.int64())).combine_chunks()

    made = compact(taken)

    assert made.column("t").to_pylist() == [texts[row] for row in rows]
    assert made.schema == whole.schema
    if rows:
        alone = encoded([texts[row] for row in rows]).combine_chunks()
        own = alone.column("t").chunk(0).dictionary.to_pylist()
        assert made.column("t").chunk(0).dictionary.to_pylist() == own


def test_a_dictionary_that_fits_is_not_copied():
    whole = encoded(["a", "b", "a"]).combine_chunks()
    before, after = (table.column("t").chunk(0) for table in (whole, compact(whole)))
    assert after.dictionary.buffers()[2].address == before.dictionary.buffers()[2].address


def test_the_type_of_the_indices_stays():
    column = pa.DictionaryArray.from_arrays(pa.array([2, None], pa.int8()), ["x", "y", "z"])
    made = compact(pa.table({"t": column}))
    assert made.schema.field("t").type == column.type
    assert made.column("t").to_pylist() == ["z", None]
