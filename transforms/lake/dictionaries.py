"""Dictionaries of the values that a table's rows have, and no others.

Arrow keeps a dictionary whole when rows are taken from a table. A file of five rows would hold the
ids of all the people in the segment that it was cut from, and its bytes would depend on the cut.
"""

from typing import Any

import numpy as np
import pyarrow as pa


def compact(table: pa.Table) -> pa.Table:
    """Returns the table with each dictionary in the order of its values' first rows.

    Equal rows give equal dictionaries, whatever table they were taken from. Columns in one chunk.
    """
    for number, field in enumerate(table.schema):
        if pa.types.is_dictionary(field.type) and table.num_rows:
            column = table.column(number).chunk(0)
            table = table.set_column(number, field, _compacted(column))
    return table


def _compacted(column: pa.DictionaryArray) -> pa.DictionaryArray:
    present = np.asarray(column.indices.is_valid())
    indices = np.asarray(column.indices.fill_null(0), dtype=np.int64)
    first = _first_rows(indices[present], len(column.dictionary))
    used = np.flatnonzero(first >= 0)
    order = used[np.argsort(first[used], kind="stable")]
    if len(order) == len(first) and np.all(order == np.arange(len(order))):
        return column
    places = np.full(max(len(first), 1), -1, dtype=np.int32)
    places[order] = np.arange(len(order), dtype=np.int32)
    moved = pa.array(places[indices], pa.int32(), mask=~present)
    return pa.DictionaryArray.from_arrays(
        moved.cast(column.type.index_type), column.dictionary.take(pa.array(order))
    )


def _first_rows(indices: np.ndarray[Any, Any], values: int) -> np.ndarray[Any, Any]:
    """Returns for each value the number of the first row that has it; -1 if none has."""
    first = np.full(values, -1, dtype=np.int64)
    # Of several assignments to one place the last one stays: backwards, that is the first row.
    first[indices[::-1]] = np.arange(len(indices))[::-1]
    return first
