"""Many rows in lock-step: one cursor per row, moved over the same field of all rows at once.

A row in which anything illegal is read is *marked* and parked in the padding behind the data, where
every byte is zero: there each further field reads as a legal zero, so that no later step has to
leave it out. A row that runs beyond its own end without noticing is caught by the next length, the
next item or the final comparison with its end; until then it can move nobody but itself.
"""

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from schemas.columnar.arrays import Ints, Mask

Bytes = npt.NDArray[np.uint8]

_U64 = np.uint64
_CONTINUES = _U64(0x8080_8080_8080_8080)
_ONE = _U64(1)
# Parked rows have no end to run beyond.
_FAR = 1 << 62
# Beyond the last byte that a field may start at: words are read whole, varints have ten bytes.
_SLACK = 32


class Data:
    """The datums of a batch, one after the other, and zeros behind them.

    Attributes:
        bytes: The data and the padding.
        words: The eight bytes from each position on, little endian.
        buffer: The same bytes for Arrow.
        park: Position of the padding.
    """

    __slots__ = ("buffer", "bytes", "park", "words")

    def __init__(self, data: Bytes, reach: int) -> None:
        """Copies the data behind which the padding goes.

        Args:
            data: The datums.
            reach: How far a row can be led beyond the data before it is noticed.
        """
        padded = np.zeros(len(data) + reach + _SLACK, np.uint8)
        padded[: len(data)] = data
        self.bytes = padded
        self.words = _every(padded, 8)
        self.buffer = pa.py_buffer(padded)
        self.park = len(data)


def _every(data: Bytes, width: int) -> npt.NDArray[Any]:
    """Little-endian words of ``width`` bytes at every position, without a copy."""
    return np.ndarray((len(data) - width + 1,), f"<u{width}", buffer=data, strides=(1,))


class Cursor:
    """Positions of some rows of a batch.

    Attributes:
        data: What is read.
        at: Next position per row.
        ends: End of each row.
        bad: The rows that are marked.
        dirty: Whether any row is marked.
    """

    __slots__ = ("at", "bad", "data", "dirty", "ends")

    def __init__(self, data: Data, at: Ints, ends: Ints, bad: Mask, dirty: bool) -> None:
        self.data = data
        self.at = at
        self.ends = ends
        self.bad = bad
        self.dirty = dirty

    @classmethod
    def begin(cls, data: Data, starts: Ints, ends: Ints) -> "Cursor":
        """Sets every row to its start."""
        return cls(data, starts.copy(), ends.copy(), np.zeros(len(starts), np.bool_), False)

    def __len__(self) -> int:
        return len(self.at)

    def fork(self, rows: Ints) -> "Cursor":
        """A cursor over some of the rows, in ascending order; ``join`` brings it back."""
        bad = self.bad[rows] if self.dirty else np.zeros(len(rows), np.bool_)
        return Cursor(self.data, self.at[rows], self.ends[rows], bad, self.dirty)

    def join(self, rows: Ints, fork: "Cursor") -> None:
        """Takes over positions and marks of a fork."""
        self.at[rows] = fork.at
        if fork.dirty:
            self.ends[rows] = fork.ends
            self.bad[rows] = fork.bad
            self.dirty = True

    def mark(self, wrong: Mask) -> None:
        """Marks and parks rows."""
        self.bad |= wrong
        self.at[wrong] = self.data.park
        self.ends[wrong] = _FAR
        self.dirty = True

    def mark_overrun(self) -> None:
        """Marks the rows that stand beyond their end."""
        over = self.at > self.ends
        if over.any():
            self.mark(over)

    def byte(self) -> Bytes:
        """Reads one byte."""
        value = self.data.bytes[self.at]
        self.at += 1
        return value

    def word(self, width: int) -> npt.NDArray[np.uint64]:
        """Reads ``width`` bytes (4 or 8) as the low end of a little-endian word."""
        value: npt.NDArray[np.uint64] = self.data.words[self.at]
        self.at += width
        return value

    def longs(self) -> Ints:
        """Reads zigzag varints of 64 bits; 0 where a row is marked for one that is too long."""
        first = self.data.bytes[self.at]
        if first.max(initial=0) < 0x80:
            self.at += 1
            return _zigzag_bytes(first).astype(np.int64)
        many = np.flatnonzero(first >= 0x80)
        if 4 * len(many) > len(first):
            values, sizes, wrong = self._varints(self.at)
            self.at += sizes
        else:
            values = _zigzag_bytes(first & 0x7F).astype(np.int64)
            values[many], sizes, wrong_many = self._varints(self.at[many])
            self.at += 1
            self.at[many] += sizes - 1
            wrong = np.zeros(len(first), np.bool_)
            wrong[many] = wrong_many
        if wrong.any():
            self.mark(wrong)
        return values

    def ints(self) -> npt.NDArray[np.int32]:
        """Reads zigzag varints and marks the rows where they exceed 32 bits."""
        first = self.data.bytes[self.at]
        if first.max(initial=0) < 0x80:
            self.at += 1
            return _zigzag_bytes(first).astype(np.int32)
        values = self.longs()
        narrow = values.astype(np.int32)
        wrong = narrow != values
        if wrong.any():
            self.mark(wrong)
        return narrow

    def indexes(self, count: int) -> npt.NDArray[np.int32]:
        """Reads indexes below ``count``; 0, and a mark, where they are out of range."""
        values = self.ints()
        wrong = (values < 0) | (values >= count)
        if wrong.any():
            self.mark(wrong)
            values[wrong] = 0
        return values

    def slices(self) -> tuple[Ints, npt.NDArray[Any]]:
        """Reads lengths, and steps over as many bytes.

        Returns:
            Where the bytes start, and how many they are: none for a row that is marked because its
            length is negative or leads beyond its end.
        """
        first = self.data.bytes[self.at]
        # A zigzag number is even if it isn't negative.
        if not (first & 0x81).any():
            sizes: npt.NDArray[Any] = first >> 1
            self.at += 1
        else:
            sizes = self.longs()
        wrong = (sizes < 0) | (sizes > self.ends - self.at)
        if wrong.any():
            self.mark(wrong)
            sizes[wrong] = 0
        starts = self.at.copy()
        self.at += sizes
        return starts, sizes

    def _varints(self, at: Ints) -> tuple[Ints, npt.NDArray[Any], Mask]:
        words = self.data.words[at]
        stops = ~words & _CONTINUES
        # All bits up to and including the lowest byte without a continuation bit.
        mask = stops ^ (stops - _ONE)
        bits = _pack(words & mask)
        sizes = np.bitwise_count(mask) >> 3
        endless = np.flatnonzero(stops == 0)
        wrong = np.zeros(len(at), np.bool_)
        if len(endless):
            bits[endless], sizes[endless], wrong[endless] = self._long_varints(
                at[endless], bits[endless]
            )
        values = (bits >> _ONE).view(np.int64) ^ -(bits & _ONE).view(np.int64)
        return values, sizes.astype(np.int64), wrong

    def _long_varints(self, at: Ints, low: Any) -> tuple[Any, Any, Mask]:
        """Varints of nine and ten bytes, of which ``low`` holds the first eight."""
        ninth, tenth = (self.data.bytes[at + i].astype(_U64) for i in (8, 9))
        ten = ninth >= 0x80
        bits = low | ((ninth & _U64(0x7F)) << _U64(56)) | np.where(ten, tenth << _U64(63), 0)
        wrong = ten & (tenth > 1)
        bits[wrong] = 0
        return bits, np.where(ten, 10, 9), wrong


def _zigzag_bytes(first: npt.NDArray[Any]) -> npt.NDArray[np.int8]:
    return ((first >> 1) ^ -(first & 1)).view(np.int8)


def _pack(words: npt.NDArray[Any]) -> npt.NDArray[np.uint64]:
    """Joins the low seven bits of each byte: pairs, then fours, then eights."""
    words = words & _U64(0x7F7F_7F7F_7F7F_7F7F)
    words = (words & _U64(0x007F_007F_007F_007F)) | ((words & _U64(0x7F00_7F00_7F00_7F00)) >> _ONE)
    words = (words & _U64(0x0000_3FFF_0000_3FFF)) | (
        (words & _U64(0x3FFF_0000_3FFF_0000)) >> _U64(2)
    )
    return (words & _U64(0x0000_0000_0FFF_FFFF)) | (
        (words & _U64(0x0FFF_FFFF_0000_0000)) >> _U64(4)
    )
