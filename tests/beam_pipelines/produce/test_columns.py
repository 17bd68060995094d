import uuid
from decimal import Decimal

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from beam_pipelines.produce.columns import (
    byte_strings,
    concatenated,
    decimals,
    digits,
    enums,
    integers,
    joined,
    nullable,
    picked,
    text,
    uuids,
)

NUMBERS = st.lists(st.integers(0, 10**18 - 1), min_size=1, max_size=20)


@given(NUMBERS)
def test_digits_are_the_numbers_zero_padded(numbers):
    assert text(digits(np.array(numbers), 18)).to_pylist() == [f"{n:018}" for n in numbers]


@given(st.lists(st.integers(-(10**12), 10**12), min_size=1, max_size=20))
def test_decimals_are_exact_also_below_zero(unscaled):
    column = decimals(np.array(unscaled), 13, 3)
    assert column.to_pylist() == [Decimal(n).scaleb(-3) for n in unscaled]


def test_a_value_is_null_exactly_where_it_is_not_valid():
    valid = np.array([True, False, True])
    numbers = np.array([1, 2, 3])
    assert decimals(numbers, 5, 2, valid).is_null().to_pylist() == [False, True, False]
    assert integers(numbers, pa.int32(), valid).to_pylist() == [1, None, 3]
    assert enums(numbers - 1, "ABC", valid).to_pylist() == ["A", None, "C"]
    assert nullable(pa.array(["a", "b", "c"]), valid).to_pylist() == ["a", None, "c"]
    assert picked(pa.array(["x", "y", "z", "w"]), numbers, valid).to_pylist() == ["y", None, "w"]


def test_uuids_are_of_version_4_and_differ():
    texts = uuids(np.random.default_rng(1), 500).to_pylist()
    assert len(set(texts)) == 500
    for each in texts:
        parsed = uuid.UUID(each)
        assert (str(parsed), parsed.version, parsed.variant) == (each, 4, uuid.RFC_4122)


def test_parts_are_joined_side_by_side():
    matrix = joined(2, b"P", digits(np.array([7, 42]), 3), b"-x")
    assert byte_strings(matrix) == [b"P007-x", b"P042-x"]


def test_joined_text_is_null_where_a_part_is():
    assert concatenated("a", pa.array(["b", None])).to_pylist() == ["ab", None]
