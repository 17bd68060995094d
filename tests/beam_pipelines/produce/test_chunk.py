import zlib

from hypothesis import given
from hypothesis import strategies as st

from beam_pipelines.produce.chunk import Chunk, Fate, partitions_of


def chunk(rows: int) -> Chunk:
    return Chunk(
        topic="t",
        partitions=list(range(rows)),
        keys=[b"k%d" % n for n in range(rows)],
        values=[b"v%d" % n for n in range(rows)],
        timestamps_ms=list(range(rows)),
        headers={2: [("h", b"x")]} if rows > 2 else {},
        planted={rows - 1: "last"},
    )


@given(st.integers(1, 40), st.integers(1, 15))
def test_slices_put_together_are_the_chunk(rows, size):
    whole = chunk(rows)
    pieces = list(whole.slices(size))
    assert [v for piece in pieces for v in piece.values] == whole.values
    assert [p for piece in pieces for p in piece.partitions] == whole.partitions
    assert all(len(piece) <= size for piece in pieces)
    assert pieces[-1].planted == {len(pieces[-1]) - 1: "last"}


def test_headers_move_with_their_row():
    assert chunk(5).sliced(1, 4).headers == {1: [("h", b"x")]}
    assert chunk(5).sliced(3, 5, Fate.ABORTED).headers == {}


@given(st.lists(st.binary(min_size=1), min_size=1), st.integers(1, 9))
def test_a_key_has_one_partition(keys, partitions):
    assert partitions_of(keys, partitions) == [zlib.crc32(k) % partitions for k in keys]
