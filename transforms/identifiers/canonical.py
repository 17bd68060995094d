"""The canonical text of a value: equal for equal identifiers, however they are spelled or stored.

Each text has its length in front, as in ``3:P-1``, so that texts put one after another can be told
apart again: ``("AB", "C")`` and ``("A", "BC")`` never become one.

===========  =================================================================
type         text
===========  =================================================================
text         normalized as pseudonyms are: NFKC, stripped, upper case
integer      decimal digits
date         ISO 8601, such as ``2026-03-14``
timestamp    microseconds since 1970 UTC, decimal
===========  =================================================================
"""

from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pt

from transforms.identifiers.spelling import normalized

#: Microseconds of a tick. Nanoseconds have none: two of them would become one text.
_MICROS = {"s": 1_000_000, "ms": 1_000, "us": 1}
#: What ``str.strip`` takes from a text of ASCII.
_WHITESPACE: Final = "\t\n\v\f\r\x1c\x1d\x1e\x1f "


def has_canonical(kind: pa.DataType) -> bool:
    """Tells whether values of a type, dictionary-encoded or not, have a canonical text."""
    held = kind.value_type if pt.is_dictionary(kind) else kind
    if pt.is_timestamp(held):
        return held.unit in _MICROS
    text = pt.is_string(held) or pt.is_large_string(held)
    return bool(text or pt.is_integer(held) or pt.is_date32(held))


def canonical(values: pa.Array) -> pa.Array:
    """Returns the canonical text of each value; null for null and blank.

    Args:
        values: Of a type that has one; no dictionary.
    """
    texts = _texts(values)
    sizes = pc.utf8_length(texts)
    sized = pc.binary_join_element_wise(sizes.cast(pa.string()), texts, ":")
    return pc.if_else(pc.equal(sizes, 0), pa.scalar(None, pa.string()), sized)


def _texts(values: pa.Array) -> pa.Array:
    kind = values.type
    if pt.is_timestamp(kind):
        factor = _MICROS[kind.unit]
        # In Python's integers: a producer's milliseconds may have no 64 bits of microseconds.
        ticks = values.cast(pa.int64()).to_pylist()
        return pa.array([None if t is None else str(t * factor) for t in ticks], pa.string())
    if pt.is_date32(kind):
        days = np.asarray(values.cast(pa.int32()).fill_null(0)).astype("datetime64[D]")
        # Not by Arrow, which writes other words for days of five-digit years.
        dates = np.datetime_as_string(days).tolist()
        return pa.array(dates, pa.string(), mask=np.asarray(values.is_null()))
    texts = values.cast(pa.string())
    if pt.is_integer(kind):
        return texts
    if pc.all(pc.string_is_ascii(texts), min_count=0).as_py():
        # The same as below, all at once: NFKC leaves ASCII as it is, and nearly all ids are ASCII.
        return pc.ascii_upper(pc.ascii_trim(texts, characters=_WHITESPACE))
    spelled = [None if text is None else normalized(text) for text in texts.to_pylist()]
    return pa.array(spelled, pa.string())
