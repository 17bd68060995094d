"""Columns of values that are made of others."""

import numpy as np
import pyarrow as pa

from schemas.columnar import arrays
from schemas.columnar.arrays import Ints
from schemas.columnar.cursor import Cursor, Data
from schemas.columnar.leaves import Column
from schemas.columnar.slots import Slots

# A round costs about as much as 130 items on the strict path (25-60 us). Once fewer rows than that
# go on for long, they are left to it; and so is every row with more items than MAX_ITEMS.
_MIN_ROWS = 128
_MIN_ROUNDS = 32
MAX_ITEMS = 4096


class Optional(Column):
    """``[null, T]`` or ``[T, null]``."""

    def __init__(self, inner: Column, null_index: int) -> None:
        super().__init__(inner.kind)
        self._inner = inner
        # The tag of T as it is nearly always written: one zigzag byte.
        self._tag = 0 if null_index == 1 else 2

    def read(self, cursor: Cursor, slots: Slots) -> pa.Array:
        """See ``Column.read``."""
        tags = cursor.data.bytes[cursor.at]
        if (tags & 0xFD).any():
            present = cursor.indexes(2) == self._tag >> 1
        else:
            cursor.at += 1
            present = tags == self._tag
        count = np.count_nonzero(present)
        if count == len(present):
            return self._inner.read(cursor, slots)
        rows = np.flatnonzero(present)
        fork = cursor.fork(rows)
        values = self._inner.read(fork, slots.narrow(rows))
        if count:
            cursor.join(rows, fork)
        return values


class Struct(Column):
    """A record: its fields, one after the other."""

    def __init__(self, kind: pa.DataType, fields: list[Column]) -> None:
        super().__init__(kind)
        self._fields = fields

    def read(self, cursor: Cursor, slots: Slots) -> pa.Array:
        """See ``Column.read``."""
        parts = self.read_fields(cursor, slots.required())
        return arrays.structs(self.kind, parts, slots.valid, slots.size)

    def read_fields(self, cursor: Cursor, slots: Slots) -> list[pa.Array]:
        """Reads the columns of the fields."""
        return [field.read(cursor, slots) for field in self._fields]


class Branches(Column):
    """A union that is more than an optional type: a struct with one field per branch."""

    def __init__(self, kind: pa.DataType, branches: list[Column | None]) -> None:
        """Makes the column.

        Args:
            kind: The struct.
            branches: The columns of the branches; None for the null branch.
        """
        super().__init__(kind)
        self._branches = branches

    def read(self, cursor: Cursor, slots: Slots) -> pa.Array:
        """See ``Column.read``."""
        tags = cursor.indexes(len(self._branches))
        parts = []
        for index, branch in enumerate(self._branches):
            if branch is not None:
                rows = np.flatnonzero(tags == index)
                fork = cursor.fork(rows)
                parts.append(branch.read(fork, slots.narrow(rows)))
                cursor.join(rows, fork)
        filled = slots
        if None in self._branches:
            filled = slots.narrow(np.flatnonzero(tags != self._branches.index(None)))
        return arrays.structs(self.kind, parts, filled.valid, slots.size)


class Blocks(Column):
    """What arrays and maps share: blocks of items, read one item of all rows at a time."""

    def __init__(self, kind: pa.DataType, parts: list[Column]) -> None:
        """Makes the column.

        Args:
            kind: The list or map.
            parts: What one item is made of: a value, or a key and a value.
        """
        super().__init__(kind)
        self._parts = parts

    def read(self, cursor: Cursor, slots: Slots) -> pa.Array:
        """See ``Column.read``."""
        rounds: list[list[pa.Array]] = []
        owners: list[Ints] = []
        left = _Remaining(cursor)
        rows = left.open_blocks(np.arange(len(cursor), dtype=np.int64))
        while len(rows):
            if len(owners) >= _MIN_ROUNDS and len(rows) < _MIN_ROWS:
                left.give_up(rows)
                break
            fork = cursor.fork(rows)
            rounds.append([part.read(fork, Slots(len(rows))) for part in self._parts])
            fork.mark_overrun()
            cursor.join(rows, fork)
            owners.append(rows)
            rows = left.advance(rows)
        items = self._in_order(rounds, owners)
        counts = np.bincount(np.concatenate(owners), minlength=len(cursor)) if owners else None
        placed = slots.scatter(np.zeros(len(cursor), np.int64) if counts is None else counts)
        return self._build(placed, items, slots)

    def _in_order(self, rounds: list[list[pa.Array]], owners: list[Ints]) -> list[pa.Array]:
        if not rounds:
            return [p.read(_nobody(), Slots(0)) for p in self._parts]
        if len(rounds) == 1:
            return rounds[0]
        order = pa.array(np.argsort(np.concatenate(owners), kind="stable"))
        parts = zip(*rounds, strict=True)
        return [pa.concat_arrays(part).take(order) for part in parts]

    def _build(self, counts: Ints, items: list[pa.Array], slots: Slots) -> pa.Array:
        if len(items) == 2:
            return arrays.maps(self.kind, counts, items[0], items[1], slots.valid)
        return arrays.lists(self.kind, counts, items[0], slots.valid)


def _nobody() -> Cursor:
    """A cursor over no rows, by which a column makes an empty array of its type."""
    none = np.empty(0, np.int64)
    return Cursor.begin(Data(np.empty(0, np.uint8), 0), none, none)


class _Remaining:
    """How many items each row has left in its current block."""

    def __init__(self, cursor: Cursor) -> None:
        self._cursor = cursor
        self._left = np.zeros(len(cursor), np.int64)
        # Where the current block must end, if it says so.
        self._block_ends: Ints | None = None

    def open_blocks(self, rows: Ints) -> Ints:
        """Reads the next block's header, and returns the rows that have an item to read."""
        fork = self._cursor.fork(rows)
        counts = fork.longs()
        if (counts < 0).any():
            counts = self._sized(fork, rows, counts)
        many = (counts > MAX_ITEMS) | (counts < 0)
        if many.any():
            fork.mark(many)
            counts[many] = 0
        self._cursor.join(rows, fork)
        self._left[rows] = counts
        return rows[counts > 0]

    def advance(self, rows: Ints) -> Ints:
        """Counts one item of each row, and returns the rows that have another."""
        self._left[rows] -= 1
        if self._cursor.dirty:
            rows = rows[~self._cursor.bad[rows]]
        done = rows[self._left[rows] == 0]
        if self._block_ends is not None:
            done = self._check_ends(done)
        if len(done):
            self.open_blocks(done)
            if self._cursor.dirty:
                rows = rows[~self._cursor.bad[rows]]
        return rows[self._left[rows] > 0]

    def give_up(self, rows: Ints) -> None:
        """Leaves rows to the strict path."""
        wrong = np.zeros(len(self._cursor), np.bool_)
        wrong[rows] = True
        self._cursor.mark(wrong)

    def _sized(self, fork: Cursor, rows: Ints, counts: Ints) -> Ints:
        """Blocks whose count is negative are followed by their size in bytes."""
        negative = np.flatnonzero(counts < 0)
        sub = fork.fork(negative)
        sizes = sub.longs()
        fork.join(negative, sub)
        if self._block_ends is None:
            self._block_ends = np.full(len(self._cursor), -1, np.int64)
        # A size that is out of bounds may wrap around: it equals no position then.
        self._block_ends[rows[negative]] = np.where(sizes >= 0, sub.at + sizes, -2)
        return np.abs(counts)

    def _check_ends(self, done: Ints) -> Ints:
        assert self._block_ends is not None
        ends = self._block_ends[done]
        broken = done[(ends != -1) & (ends != self._cursor.at[done])]
        if len(broken):
            self.give_up(broken)
            done = done[~self._cursor.bad[done]]
        self._block_ends[done] = -1
        return done
