"""Columns of values without parts."""

from abc import ABC, abstractmethod
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from schemas.columnar import arrays
from schemas.columnar.arrays import Ints, Mask
from schemas.columnar.cursor import Bytes, Cursor
from schemas.columnar.slots import Slots


class Column(ABC):
    """How one type is read in lock-step.

    Attributes:
        kind: The Arrow type of the column.
    """

    def __init__(self, kind: pa.DataType) -> None:
        self.kind = kind

    @abstractmethod
    def read(self, cursor: Cursor, slots: Slots) -> pa.Array:
        """Reads one value per row of the cursor.

        Args:
            cursor: The rows; moved on, and marked where a value is illegal.
            slots: Where each row's value belongs in the result.

        Returns:
            An array of ``slots.size`` values; those of marked rows mean nothing.
        """


class Null(Column):
    """Nothing at all."""

    def read(self, cursor: Cursor, slots: Slots) -> pa.Array:
        """See ``Column.read``."""
        return pa.nulls(slots.size, self.kind)


class FixedWidth(Column):
    """Numbers and times: values that numpy and Arrow lay out alike."""

    def read(self, cursor: Cursor, slots: Slots) -> pa.Array:
        """See ``Column.read``."""
        values = slots.scatter(self.values(cursor))
        return arrays.fixed_width(self.kind, values, slots.valid, slots.size)

    @abstractmethod
    def values(self, cursor: Cursor) -> npt.NDArray[Any]:
        """Reads the values of the cursor's rows."""


class Int(FixedWidth):
    """int, date, time-millis."""

    def values(self, cursor: Cursor) -> npt.NDArray[np.int32]:
        """See ``FixedWidth.values``."""
        return cursor.ints()


class Long(FixedWidth):
    """long, timestamps, time-micros."""

    def values(self, cursor: Cursor) -> Ints:
        """See ``FixedWidth.values``."""
        return cursor.longs()


class TimeOfDay(FixedWidth):
    """A number that must lie within a day."""

    def __init__(self, inner: FixedWidth, day: int) -> None:
        super().__init__(inner.kind)
        self._inner = inner
        self._day = day

    def values(self, cursor: Cursor) -> npt.NDArray[Any]:
        """See ``FixedWidth.values``."""
        values = self._inner.values(cursor)
        wrong = (values < 0) | (values >= self._day)
        if wrong.any():
            cursor.mark(wrong)
        return values


class Float(FixedWidth):
    """float."""

    def values(self, cursor: Cursor) -> npt.NDArray[np.float32]:
        """See ``FixedWidth.values``."""
        return cursor.word(4).astype(np.uint32).view(np.float32)


class Double(FixedWidth):
    """double."""

    def values(self, cursor: Cursor) -> npt.NDArray[np.float64]:
        """See ``FixedWidth.values``."""
        return cursor.word(8).view(np.float64)


class Boolean(Column):
    """A byte that is 0 or 1."""

    def read(self, cursor: Cursor, slots: Slots) -> pa.Array:
        """See ``Column.read``."""
        values = cursor.byte()
        wrong = values > 1
        if wrong.any():
            cursor.mark(wrong)
        bits = np.packbits(slots.scatter(values), bitorder="little")
        return arrays.fixed_width(self.kind, bits, slots.valid, slots.size)


class Symbol(Column):
    """An enum: indexes into all its symbols."""

    def __init__(self, kind: pa.DataType, symbols: tuple[str, ...]) -> None:
        super().__init__(kind)
        self._symbols = pa.array(symbols, pa.string())

    def read(self, cursor: Cursor, slots: Slots) -> pa.Array:
        """See ``Column.read``."""
        values = slots.scatter(cursor.indexes(len(self._symbols)))
        indexes = arrays.fixed_width(pa.int32(), values, slots.valid, slots.size)
        return pa.DictionaryArray.from_arrays(indexes, self._symbols, safe=False)


class FixedBytes(FixedWidth):
    """``size`` bytes per value."""

    def __init__(self, kind: pa.DataType, size: int) -> None:
        super().__init__(kind)
        self._steps = np.arange(size, dtype=np.int64)

    def values(self, cursor: Cursor) -> Bytes:
        """See ``FixedWidth.values``."""
        data: Bytes = cursor.data.bytes[cursor.at[:, None] + self._steps]
        cursor.at += len(self._steps)
        return data


class Decimal(FixedWidth):
    """Big-endian two's complement, in a length of its own or a fixed one.

    Values of up to 16 bytes are read here. Longer ones are legal, but nobody writes them unless the
    schema has more than 38 digits: their rows are marked, and the strict path takes them.
    """

    def __init__(self, kind: pa.DataType, fixed_size: int | None) -> None:
        super().__init__(kind)
        self._fixed_size = fixed_size
        self._width = kind.byte_width // 8
        limit = 10**kind.precision
        # 16 bytes hold less than 39 digits, so a wider limit needs no test.
        self._limit = limit if limit < 1 << 127 else None

    def values(self, cursor: Cursor) -> npt.NDArray[np.int64]:
        """See ``FixedWidth.values``."""
        starts, sizes = self._slices(cursor)
        too_long = sizes > 16
        if too_long.any():
            cursor.mark(too_long)
            sizes = np.where(too_long, 0, sizes)
        longest = int(sizes.max(initial=0))
        low = _signed(cursor.data.words[starts], sizes if longest <= 8 else np.minimum(sizes, 8))
        high = low >> 63
        if longest > 8:
            rows = np.flatnonzero(sizes > 8)
            low[rows], high[rows] = _wide(cursor, starts[rows], sizes[rows], low[rows])
        self._check(cursor, low, high)
        words = np.empty((len(low), self._width), np.int64)
        words[:, 0], words[:, 1:] = low, high[:, None]
        if self._width > 2:
            words[:, 2:] = (high >> 63)[:, None]
        return words

    def _slices(self, cursor: Cursor) -> tuple[Ints, npt.NDArray[Any]]:
        if self._fixed_size is None:
            return cursor.slices()
        starts = cursor.at.copy()
        cursor.at += self._fixed_size
        return starts, np.full(len(starts), self._fixed_size, np.int64)

    def _check(self, cursor: Cursor, low: Ints, high: Ints) -> None:
        if self._limit is None:
            return
        if self._limit < 1 << 63:
            wrong = (low >= self._limit) | (low <= -self._limit) | (high != low >> 63)
        else:
            wrong = ~(_below(high, low, self._limit) & _below(~high, ~low, self._limit - 1))
        if wrong.any():
            cursor.mark(wrong)


def _signed(words: npt.NDArray[np.uint64], sizes: npt.NDArray[Any]) -> Ints:
    """The first ``sizes`` (0 to 8) bytes of each word as big-endian two's complement."""
    values: Ints = words.byteswap().view(np.int64) >> (64 - 8 * sizes.astype(np.int64))
    # An empty value is zero; shifting by 64 would leave the sign of whatever byte comes next.
    empty = sizes == 0
    if empty.any():
        values[empty] = 0
    return values


def _wide(cursor: Cursor, starts: Ints, sizes: npt.NDArray[Any], first: Ints) -> tuple[Ints, Ints]:
    """Low and high words of values of 9 to 16 bytes, of which ``first`` holds the first eight."""
    second = cursor.data.words[starts + sizes - 8].byteswap().view(np.int64)
    return second, first >> (8 * (16 - sizes.astype(np.int64)))


def _below(high: Ints, low: Ints, limit: int) -> Mask:
    """Whether 128-bit numbers are less than a positive limit."""
    top, bottom = limit >> 64, np.uint64(limit & (1 << 64) - 1)
    below: Mask = (high < top) | ((high == top) & (low.view(np.uint64) < bottom))
    return below
