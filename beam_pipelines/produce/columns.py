"""Arrow columns made from numpy arrays, without a Python loop over rows.

Text of a fixed width is a matrix of bytes (rows x width): identifiers are digits, so most of a
stream's text can be computed as arithmetic and handed to Arrow as it is.
"""

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Ints: TypeAlias = npt.NDArray[np.integer]
Bools: TypeAlias = npt.NDArray[np.bool_]
Bytes: TypeAlias = npt.NDArray[np.uint8]

_HEX = np.frombuffer(b"0123456789abcdef", np.uint8)
# Where the 32 hex digits of a UUID stand in its 36 characters (RFC 9562, section 4).
_UUID_SLOTS = np.array([i for i in range(36) if i not in (8, 13, 18, 23)])


def record(**names: str) -> np.dtype[np.void]:
    """A structured type from numpy kinds to field names, e.g. `record(i4="a b", i8="c")`."""
    return np.dtype([(name, kind) for kind, listed in names.items() for name in listed.split()])


def digits(numbers: Ints, width: int) -> Bytes:
    """Decimal digits of non-negative numbers, zero-padded: a matrix (rows, `width`) of ASCII.

    Args:
        numbers: Non-negative integers; digits beyond `width` are cut off on the left.
        width: Digits per number, at most 18.
    """
    powers = 10 ** np.arange(width - 1, -1, -1, dtype=np.int64)
    return (np.asarray(numbers, np.int64)[:, None] // powers % 10 + ord("0")).astype(np.uint8)


def letters(indexes: Ints, alphabet: bytes) -> Bytes:
    """One character per row, picked from `alphabet`: a matrix (rows, 1)."""
    return np.frombuffer(alphabet, np.uint8)[indexes][:, None]


def joined(rows: int, *parts: Bytes | bytes) -> Bytes:
    """Byte matrices and literals side by side: a matrix (`rows`, sum of the widths)."""
    blocks = [
        np.broadcast_to(np.frombuffer(p, np.uint8), (rows, len(p))) if isinstance(p, bytes) else p
        for p in parts
    ]
    return np.ascontiguousarray(np.hstack(blocks))


def text(matrix: Bytes) -> pa.Array:
    """A byte matrix (rows, width) of ASCII as an Arrow string column."""
    rows, width = matrix.shape
    offsets = np.arange(rows + 1, dtype=np.int32) * width
    data = pa.py_buffer(np.ascontiguousarray(matrix))
    return pa.Array.from_buffers(pa.string(), rows, [None, pa.py_buffer(offsets), data])


def byte_strings(matrix: Bytes) -> list[bytes]:
    """The rows of a byte matrix, which must not end in NUL, as Python bytes."""
    width = matrix.shape[1]
    return np.ascontiguousarray(matrix).view(f"S{width}").ravel().tolist()


def uuids(rng: np.random.Generator, rows: int) -> pa.Array:
    """Random UUIDs of version 4 as text (RFC 9562, section 5.4)."""
    raw = np.frombuffer(rng.bytes(16 * rows), np.uint8).reshape(rows, 16).copy()
    raw[:, 6] = raw[:, 6] & 0x0F | 0x40
    raw[:, 8] = raw[:, 8] & 0x3F | 0x80
    matrix = np.full((rows, 36), ord("-"), np.uint8)
    nibbles = np.stack([raw >> 4, raw & 0x0F], axis=2).reshape(rows, 32)
    matrix[:, _UUID_SLOTS] = _HEX[nibbles]
    return text(matrix)


def decimals(unscaled: Ints, precision: int, scale: int, valid: Bools | None = None) -> pa.Array:
    """Unscaled integers (12345 with scale 2 is 123.45) as a decimal column.

    Args:
        unscaled: Values within 64 bits.
        precision: Digits in all, at most 38.
        scale: Digits after the point.
        valid: False where the value is null; None if none is.
    """
    low = np.asarray(unscaled, np.int64)
    words = np.empty((len(low), 2), np.int64)
    words[:, 0] = low
    words[:, 1] = low >> 63  # the sign, carried into the upper 64 bits
    kind = pa.decimal128(precision, scale)
    column = pa.Array.from_buffers(kind, len(low), [None, pa.py_buffer(words)])
    return column if valid is None else nullable(column, valid)


def integers(values: Ints, kind: pa.DataType, valid: Bools | None = None) -> pa.Array:
    """Integers as a column of `kind`: int32, int64, date32 (days) or timestamp (micros)."""
    width = np.int64 if kind.bit_width == 64 else np.int32
    column = pa.array(np.asarray(values).astype(width, copy=False)).view(kind)
    return column if valid is None else nullable(column, valid)


def nullable(column: pa.Array, valid: Bools) -> pa.Array:
    """The column with nulls where `valid` is False."""
    return pc.if_else(pa.array(valid), column, pa.scalar(None, column.type))


def picked(pool: pa.Array, indexes: Ints, valid: Bools | None = None) -> pa.Array:
    """The pool's values at `indexes`, null where `valid` is False."""
    mask = None if valid is None else ~valid
    return pool.take(pa.array(np.asarray(indexes, np.int64), mask=mask))


def enums(indexes: Ints, symbols: Sequence[str], valid: Bools | None = None) -> pa.Array:
    """An enum column: indexes into `symbols`, null where `valid` is False."""
    mask = None if valid is None else ~valid
    codes = pa.array(np.asarray(indexes, np.int32), mask=mask)
    return pa.DictionaryArray.from_arrays(codes, pa.array(symbols, pa.string()))


def constant(value: str, rows: int) -> pa.Array:
    """A string column with the same value in all rows."""
    return pa.repeat(pa.scalar(value, pa.string()), rows)


def concatenated(*columns: pa.Array | str) -> pa.Array:
    """String columns and literals joined row by row."""
    return pc.binary_join_element_wise(*columns, "")
