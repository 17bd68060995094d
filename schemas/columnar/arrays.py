"""Arrow arrays from numpy parts, without a look at the single value."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Mask = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]


def bitmap(valid: Mask | None) -> pa.Buffer | None:
    """Arrow's validity bitmap; None where all values are valid."""
    if valid is None:
        return None
    return pa.py_buffer(np.packbits(valid, bitorder="little"))


def fixed_width(
    kind: pa.DataType, values: npt.NDArray[Any], valid: Mask | None, size: int
) -> pa.Array:
    """An array of any type of fixed width, from values that are laid out as Arrow lays them out."""
    return pa.Array.from_buffers(kind, size, [bitmap(valid), pa.py_buffer(values)])


def validity(array: pa.Array) -> Mask | None:
    """Which values of an array are valid; None where all are."""
    if array.null_count == 0:
        return None
    return np.asarray(array.is_valid().to_numpy(zero_copy_only=False), dtype=np.bool_)


def without_nulls(array: pa.Array) -> pa.Array:
    """The same array with whatever lies beneath its nulls; it must have no offset."""
    if array.null_count == 0:
        return array
    if pa.types.is_dictionary(array.type):
        indexes = without_nulls(array.indices)
        return pa.DictionaryArray.from_arrays(indexes, array.dictionary, safe=False)
    kind = array.type
    if pa.types.is_struct(kind):
        return structs(kind, [array.field(i) for i in range(kind.num_fields)], None, len(array))
    if pa.types.is_map(kind):
        return maps(kind, np.diff(array.offsets), array.keys, array.items, None)
    if pa.types.is_list(kind):
        return lists(kind, np.diff(array.offsets), array.values, None)
    return pa.Array.from_buffers(kind, len(array), [None, *array.buffers()[1:]])


def structs(kind: pa.DataType, parts: list[pa.Array], valid: Mask | None, size: int) -> pa.Array:
    """A struct array; ``StructArray.from_arrays`` would need the fields to be looked up again."""
    return pa.Array.from_buffers(kind, size, [bitmap(valid)], children=parts)


def lists(kind: pa.DataType, counts: Ints, items: pa.Array, valid: Mask | None) -> pa.Array:
    """A list array from the number of items of each list and all items in order."""
    offsets = np.zeros(len(counts) + 1, np.int32)
    np.cumsum(counts, out=offsets[1:])
    buffers = [bitmap(valid), pa.py_buffer(offsets)]
    return pa.Array.from_buffers(kind, len(counts), buffers, children=[items])


def maps(
    kind: pa.DataType, counts: Ints, keys: pa.Array, values: pa.Array, valid: Mask | None
) -> pa.Array:
    """A map array from the number of entries of each map, and all keys and values in order."""
    entry = pa.struct([kind.key_field, kind.item_field])
    return lists(kind, counts, structs(entry, [keys, values], None, len(keys)), valid)
