"""Equality of Arrow arrays in which a NaN equals itself, bit by bit."""

import numpy as np
import pyarrow as pa


def same(first: pa.Array, second: pa.Array) -> bool:
    """Whether two arrays have one type and the same values."""
    if first.type != second.type or not first.is_valid().equals(second.is_valid()):
        return False
    kind = first.type
    if pa.types.is_floating(kind):
        bits = pa.int32() if kind.bit_width == 32 else pa.int64()
        return first.view(bits).equals(second.view(bits))
    if pa.types.is_struct(kind):
        # flatten() carries the nulls of the struct down, so that filler beneath them is left out.
        return all(map(same, first.flatten(), second.flatten()))
    if pa.types.is_map(kind):
        first, second = first.drop_null(), second.drop_null()
        return (
            _lengths_agree(first, second)
            and same(first.keys, second.keys)
            and same(first.items, second.items)
        )
    if pa.types.is_list(kind):
        return _lengths_agree(first, second) and same(first.flatten(), second.flatten())
    return first.equals(second)


def _lengths_agree(first: pa.Array, second: pa.Array) -> bool:
    return np.array_equal(np.diff(first.offsets), np.diff(second.offsets))
