import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.columnar.cursor import Cursor, Data
from schemas.errors import DatumError
from schemas.raw_reader import read_long
from tests.schemas.batches import pack
from tests.schemas.encoding import bare_varint, varint

LONGS = st.one_of(st.integers(-(1 << 63), (1 << 63) - 1), st.integers(-70, 70))
VARINTS = st.one_of(
    LONGS.map(varint),
    st.integers(0, (1 << 72) - 1).map(bare_varint),
    # Overlong forms of small numbers.
    st.tuples(st.integers(0, 127), st.integers(1, 10)).map(
        lambda p: bytes([p[0] | 0x80] + [0x80] * (p[1] - 1) + [0])
    ),
)


def cursor_over(datums):
    data, starts, ends = pack(datums)
    return Cursor.begin(Data(np.frombuffer(data, np.uint8), 8), starts, ends), ends


def one(datum):
    try:
        return read_long(datum, 0)[0]
    except DatumError:
        return None


class TestVarints:
    @settings(deadline=None, max_examples=200)
    @given(datums=st.lists(VARINTS, min_size=1, max_size=40))
    def test_each_row_reads_what_it_reads_alone(self, datums):
        cursor, ends = cursor_over(datums)

        values = cursor.longs()

        wanted = [one(d) for d in datums]
        assert cursor.bad.tolist() == [w is None for w in wanted]
        good = ~cursor.bad
        assert values[good].tolist() == [w for w in wanted if w is not None]
        assert (cursor.at[good] == ends[good]).all()

    @settings(deadline=None, max_examples=100)
    @given(numbers=st.lists(LONGS, min_size=1, max_size=40))
    def test_ints_beyond_32_bits_mark_their_rows(self, numbers):
        cursor, _ = cursor_over([varint(n) for n in numbers])

        values = cursor.ints()

        fits = [-(1 << 31) <= n < 1 << 31 for n in numbers]
        assert (~cursor.bad).tolist() == fits
        kept = [n for n, ok in zip(numbers, fits, strict=True) if ok]
        assert values[~cursor.bad].tolist() == kept


class TestMarks:
    @pytest.mark.parametrize("size", [-1, -(1 << 63), 4, 1 << 62, (1 << 63) - 1])
    def test_a_length_that_is_negative_or_too_long_parks_its_row(self, size):
        cursor, _ = cursor_over([varint(2) + b"ab", varint(size) + b"abc", varint(0)])

        _, sizes = cursor.slices()

        assert cursor.bad.tolist() == [False, True, False]
        assert sizes.tolist() == [2, 0, 0]
        assert cursor.at[1] == cursor.data.park

    def test_a_parked_row_reads_zeros_for_ever(self):
        cursor, _ = cursor_over([b"\x01" * 4])
        cursor.mark(np.array([True]))

        assert cursor.longs().tolist() == [0]
        assert cursor.byte().tolist() == [0]
        assert cursor.slices()[1].tolist() == [0]
        assert cursor.word(8).tolist() == [0]

    def test_a_fork_brings_its_marks_and_positions_home(self):
        cursor, _ = cursor_over([varint(1), varint(1 << 40), varint(3)])
        rows = np.array([1, 2])
        fork = cursor.fork(rows)

        fork.ints()
        cursor.join(rows, fork)

        assert cursor.bad.tolist() == [False, True, False]
        assert cursor.at.tolist()[0] == 0

    def test_an_index_out_of_range_is_marked_and_made_legal(self):
        cursor, _ = cursor_over([varint(n) for n in (0, 2, 3, -1)])

        assert cursor.indexes(3).tolist() == [0, 2, 0, 0]
        assert cursor.bad.tolist() == [False, False, True, True]
