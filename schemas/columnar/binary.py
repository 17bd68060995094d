"""Columns of text and bytes: one vectorised copy per batch."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from schemas.columnar import arrays
from schemas.columnar.arrays import Ints
from schemas.columnar.cursor import Bytes, Cursor
from schemas.columnar.leaves import Column
from schemas.columnar.slots import Slots

# Every second value, as bits; grows with the longest batch seen.
_EVERY_SECOND = {"mask": pa.array([False, True] * 8192)}


class Binary(Column):
    """bytes."""

    def read(self, cursor: Cursor, slots: Slots) -> pa.Array:
        """See ``Column.read``."""
        starts, sizes = cursor.slices()
        copied = _gather(cursor, starts, sizes)
        offsets = copied.buffers()[1]
        self.check(cursor, copied)
        if slots.rows is not None:
            offsets = pa.py_buffer(_offsets(slots.scatter(sizes)))
        buffers = [arrays.bitmap(slots.valid), offsets, copied.buffers()[2]]
        return pa.Array.from_buffers(self.kind, slots.size, buffers)

    def check(self, cursor: Cursor, values: pa.Array) -> None:
        """Marks the rows whose bytes are illegal; none here."""


class Text(Binary):
    """string."""

    def check(self, cursor: Cursor, values: pa.Array) -> None:
        """Marks the rows that are not UTF-8."""
        data = data_of(values)
        if data.max(initial=0) < 0x80:
            return
        wrong = invalid_utf8(values)
        if wrong is not None:
            cursor.mark(wrong)


def data_of(values: pa.Array) -> Bytes:
    """All bytes of an array of binary or text that has no offset."""
    buffer = values.buffers()[2]
    size = values.total_values_length if len(values) else 0
    return np.frombuffer(buffer, np.uint8, size) if size else np.empty(0, np.uint8)


def invalid_utf8(values: pa.Array) -> arrays.Mask | None:
    """Which values of an array of binary without an offset are not UTF-8; None: all are."""
    buffers = values.buffers()
    text = pa.Array.from_buffers(pa.string(), len(values), [None, *buffers[1:]])
    try:
        text.validate(full=True)
    except pa.ArrowInvalid:
        return _search_invalid(values)
    return None


def _search_invalid(values: pa.Array) -> arrays.Mask:
    """Tries the values that are not plain ASCII, one by one."""
    offsets = np.frombuffer(values.buffers()[1], np.int32, len(values) + 1)
    high = np.zeros(offsets[-1] + 1, np.int64)
    np.cumsum(data_of(values) >= 0x80, out=high[1:])
    wrong = np.zeros(len(values), np.bool_)
    for row in np.flatnonzero(high[offsets[1:]] != high[offsets[:-1]]):
        wrong[row] = not _is_utf8(values[int(row)].as_buffer().to_pybytes())
    return wrong


def _is_utf8(value: bytes) -> bool:
    try:
        value.decode()
    except UnicodeDecodeError:
        return False
    return True


def copy_slices(buffer: pa.Buffer, edges: npt.NDArray[np.int32]) -> pa.Array:
    """Copies slices of a buffer.

    The buffer is seen as an array of binary whose values are, in turn, what lies between the slices
    and the slices. Arrow's filter then copies the slices alone: three times as fast as an index
    per byte.

    Args:
        buffer: What to copy from.
        edges: 0, then start and end of each slice; never descending.

    Returns:
        An array of binary with one value per slice.
    """
    count = len(edges) // 2
    slices = [None, pa.py_buffer(edges), buffer]
    view = pa.Array.from_buffers(pa.binary(), 2 * count, slices, null_count=0)
    return view.filter(_every_second(count))


def edges_of(starts: Ints, ends: npt.NDArray[Any]) -> npt.NDArray[np.int32]:
    """The edges of slices, for ``copy_slices``."""
    edges = np.empty(2 * len(starts) + 1, np.int32)
    edges[0], edges[1::2], edges[2::2] = 0, starts, ends
    return edges


def _gather(cursor: Cursor, starts: Ints, sizes: npt.NDArray[Any]) -> pa.Array:
    """Copies one slice per row."""
    edges = edges_of(starts, starts + sizes)
    if cursor.dirty:
        # Marked rows stand in the padding, behind rows that follow them.
        edges[1::2][cursor.bad] = 0
        edges[2::2][cursor.bad] = 0
        np.maximum.accumulate(edges, out=edges)
    return copy_slices(cursor.data.buffer, edges)


def _every_second(count: int) -> pa.Array:
    mask = _EVERY_SECOND["mask"]
    if len(mask) < 2 * count:
        mask = _EVERY_SECOND["mask"] = pa.array(np.tile([False, True], count))
    return mask.slice(0, 2 * count)


def _offsets(sizes: npt.NDArray[Any]) -> npt.NDArray[np.int32]:
    offsets = np.zeros(len(sizes) + 1, np.int32)
    np.cumsum(sizes, out=offsets[1:])
    return offsets
