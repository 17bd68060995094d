"""Text columns as bytes side by side, on which numpy checks a whole column at once.

A check never sees one value in Python, never raises on any text, and costs well under a
microsecond a row. What isn't ASCII is bytes over 127: no digit and no letter to any check.
"""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from transforms.segment import one_array

Bytes: TypeAlias = npt.NDArray[np.uint8]
Ints: TypeAlias = npt.NDArray[np.int64]
Mask: TypeAlias = npt.NDArray[np.bool_]
#: A column as DuckDB passes it: chunks of about 2,048 rows together, rows with a null left out.
Column: TypeAlias = pa.Array | pa.ChunkedArray

ZERO: Final = ord("0")


@dataclass(frozen=True)
class Texts:
    """Texts as slices of one run of bytes.

    Attributes:
        data: The bytes of all texts.
        starts: Where each text begins in ``data``.
        sizes: Bytes of each text.
    """

    data: Bytes
    starts: Ints
    sizes: Ints

    @classmethod
    def of(cls, array: pa.Array) -> "Texts":
        """The texts of a string array; a null's are of any content."""
        if not len(array):
            return cls(np.empty(0, np.uint8), np.empty(0, np.int64), np.empty(0, np.int64))
        _, edges, data = array.buffers()
        offsets = np.frombuffer(edges, np.int32)[array.offset : array.offset + len(array) + 1]
        held = np.frombuffer(data, np.uint8) if data is not None else np.empty(0, np.uint8)
        wide = offsets.astype(np.int64)
        return cls(held, wide[:-1], np.diff(wide))

    def __len__(self) -> int:
        return len(self.sizes)

    def rows(self, size: int) -> Ints:
        """Numbers of the texts of ``size`` bytes."""
        return np.flatnonzero(self.sizes == size)

    def places(self, rows: Ints, width: int) -> Bytes:
        """The first bytes of some texts, none of them shorter: a matrix (width, rows).

        A row of it is one place of all texts: numpy is ten times faster along long rows.
        """
        starts = self.starts[rows]
        if len(rows) and bool(np.all(np.diff(starts) == width)):
            # Mostly all have one length, and lie there as the matrix already.
            together = self.data[starts[0] : starts[0] + len(rows) * width]
            return np.ascontiguousarray(together.reshape(-1, width).T)
        found: Bytes = self.data[starts + np.arange(width)[:, None]]
        return found

    def text(self, row: int) -> str:
        """One text, for the rare case that no whole column pays for."""
        start = self.starts[row]
        return self.data[start : start + self.sizes[row]].tobytes().decode("utf-8", "replace")


def over_texts(kernel: Callable[..., Any]) -> Callable[..., pa.Array]:
    """Makes a function of columns from one of ``Texts``: null in, null out.

    Args:
        kernel: Takes ``Texts`` of equal length and returns an Arrow or numpy array of that length.
    """

    @functools.wraps(kernel)
    def call(*columns: Column) -> pa.Array:
        arrays = [whole(column) for column in columns]
        made = pa.array(kernel(*(Texts.of(array) for array in arrays)))
        for array in arrays:
            if array.null_count:
                made = pc.if_else(array.is_valid(), made, None)
        return made

    return call


def whole(column: Column) -> pa.Array:
    """A column as one string array."""
    if isinstance(column, pa.ChunkedArray):
        column = one_array(column)
    return column if column.type == pa.string() else column.cast(pa.string())


def are_digits(places: Bytes) -> Mask:
    """Which texts hold ASCII digits only."""
    # Bytes below "0" wrap around to large numbers.
    found: Mask = np.all(digit_values(places) <= 9, axis=0)
    return found


def digit_values(places: Bytes) -> Bytes:
    """Digits as numbers; other bytes give numbers of no meaning."""
    return places - np.uint8(ZERO)


def digit_sum(values: Bytes) -> Bytes:
    """The sum of each text's digits, modulo 256: at most 28 of them are summed without a loss."""
    total: Bytes = values.sum(axis=0, dtype=np.uint8)
    return total


def packed(places: Bytes, valid: Mask) -> pa.Array:
    """A string array from a matrix (width, rows) of ASCII, null where a row isn't valid."""
    if valid.all():
        texts, bits = places.T, None
    else:
        texts = places.T[valid]
        bits = pa.py_buffer(np.packbits(valid, bitorder="little").tobytes())
    edges = np.zeros(len(valid) + 1, np.int32)
    np.cumsum(valid, out=edges[1:])
    edges *= len(places)
    return pa.StringArray.from_buffers(
        len(valid), pa.py_buffer(edges), pa.py_buffer(texts.tobytes()), bits
    )
