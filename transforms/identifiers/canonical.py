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

import numpy as np
import pyarrow as pa
import pyarrow.types as pt

from transforms.identifiers.spelling import normalized

#: Microseconds of a tick. Nanoseconds have none: two of them would become one text.
_MICROS = {"s": 1_000_000, "ms": 1_000, "us": 1}


def has_canonical(kind: pa.DataType) -> bool:
    """Tells whether values of a type, dictionary-encoded or not, have a canonical text."""
    held = kind.value_type if pt.is_dictionary(kind) else kind
    if pt.is_timestamp(held):
        return held.unit in _MICROS
    text = pt.is_string(held) or pt.is_large_string(held)
    return bool(text or pt.is_integer(held) or pt.is_date32(held))


def canonical(values: pa.Array) -> list[str]:
    """Returns the canonical text of each value; empty for null and blank.

    Args:
        values: Of a type that has one; no dictionary.
    """
    return [f"{len(text)}:{text}" if text else "" for text in _texts(values)]


def _texts(values: pa.Array) -> list[str]:
    kind = values.type
    if pt.is_timestamp(kind):
        factor = _MICROS[kind.unit]
        # In Python's integers: a producer's milliseconds may have no 64 bits of microseconds.
        ticks = values.cast(pa.int64()).to_pylist()
        return ["" if tick is None else str(tick * factor) for tick in ticks]
    if pt.is_date32(kind):
        days = np.asarray(values.cast(pa.int32()).fill_null(0)).astype("datetime64[D]")
        # Not by Arrow, which writes other words for days of five-digit years.
        dates = np.datetime_as_string(days).tolist()
        return [date if known else "" for date, known in zip(dates, values.is_valid(), strict=True)]
    if pt.is_integer(kind):
        return ["" if number is None else str(number) for number in values.to_pylist()]
    return [normalized(text) if text else "" for text in values.to_pylist()]
