"""Working on the distinct texts of a column instead of on its rows."""

from collections.abc import Callable

import pyarrow as pa
import pyarrow.types as pt


def by_distinct(column: pa.Array, function: Callable[[pa.Array], pa.Array]) -> pa.Array:
    """Applies a function to the distinct values of a column.

    Args:
        column: Text (dictionary-encoded or not) or integers; these become text.
        function: Distinct texts -> texts, in the same order; null stays null.

    Returns:
        Dictionary of text over the column's rows.
    """
    if not pt.is_dictionary(column.type):
        column = column.dictionary_encode()
    # Different texts may become one, and a dictionary must not hold a text twice.
    changed = function(column.dictionary.cast(pa.string())).dictionary_encode()
    return pa.DictionaryArray.from_arrays(changed.indices.take(column.indices), changed.dictionary)
