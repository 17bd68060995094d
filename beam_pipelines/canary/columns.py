"""Tables as searchable bytes: column by column, values in plain text, one a line.

What Parquet and Arrow files hold is compressed and encoded; a text that was leaked into a column
shows only when it is decoded.
"""

from collections.abc import Iterator

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pt


def column_texts(table: pa.Table) -> Iterator[tuple[str, bytes]]:
    """Yields name and values of each column; nested ones as ``parent.child``.

    Points in time, days, truth values and fractions are left out: no canary is one.
    """
    for name, column in zip(table.column_names, table.columns, strict=True):
        for chunk in column.chunks:
            yield from _texts(name, chunk)


def _texts(name: str, array: pa.Array) -> Iterator[tuple[str, bytes]]:
    kind = array.type
    if pt.is_dictionary(kind):
        yield from _texts(name, array.dictionary)
    elif pt.is_map(kind):
        yield from _texts(f"{name}.key", array.keys)
        yield from _texts(name, array.items)
    elif pt.is_list(kind) or pt.is_large_list(kind):
        yield from _texts(name, array.flatten())
    elif pt.is_struct(kind):
        for place, field in enumerate(kind):
            yield from _texts(f"{name}.{field.name}", array.field(place))
    else:
        text = _as_text(array)
        if text is not None and len(text):
            yield name, _lines(text)


def _as_text(array: pa.Array) -> pa.Array | None:
    kind = array.type
    if pt.is_string(kind) or pt.is_binary(kind):
        return array.drop_null()
    if pt.is_large_string(kind) or pt.is_large_binary(kind):
        return array.drop_null()
    if pt.is_fixed_size_binary(kind):
        return array.drop_null().cast(pa.binary())
    if pt.is_integer(kind) or pt.is_decimal(kind):
        # An id may have become a number on its way.
        return array.drop_null().cast(pa.string())
    return None


def _lines(text: pa.Array) -> bytes:
    """The values, each in a line of its own: neighbors must not look like one longer number."""
    large = pt.is_large_string(text.type) or pt.is_large_binary(text.type)
    kind = pa.LargeListArray if large else pa.ListArray
    separator = pa.array(["\n"]).cast(text.type)[0]
    joined = pc.binary_join(kind.from_arrays([0, len(text)], text), separator)
    return bytes(joined[0].as_buffer())
