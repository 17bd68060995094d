import uuid

import hypothesis.strategies as st
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings

from schemas import wire
from schemas.wire import BadHeader, WireBatch, WireFormat, frame, split

GLUE_ID = "0f8fad5b-d9cb-469f-a165-70867728950e"
IDS = {
    WireFormat.CONFLUENT: st.integers(0, 2**32 - 1).map(str),
    WireFormat.GLUE: st.uuids().map(str),
    WireFormat.SINGLE_OBJECT: st.integers(0, 2**64 - 1).map("{:016x}".format),
}
FORMATS = pytest.mark.parametrize("fmt", list(WireFormat))


def binary(*values: bytes | None) -> pa.Array:
    return pa.array(values, pa.binary())


def datums(batch: WireBatch) -> dict[int, tuple[str, bytes]]:
    """Row -> (schema id, datum), read the slow way."""
    return {
        int(row): (group.schema_id, group.buffer[start:end].tobytes())
        for group in batch.groups
        for row, start, end in zip(group.rows, group.starts, group.ends, strict=True)
    }


class TestHeaders:
    def test_confluent_is_a_zero_and_a_big_endian_id(self):
        assert frame("258", b"x", WireFormat.CONFLUENT) == b"\x00\x00\x00\x01\x02x"

    def test_glue_is_version_three_a_compression_byte_and_a_uuid(self):
        expected = b"\x03\x00" + uuid.UUID(GLUE_ID).bytes + b"x"
        assert frame(GLUE_ID, b"x", WireFormat.GLUE) == expected

    def test_single_object_is_a_marker_and_a_little_endian_fingerprint(self):
        framed = frame("0102030405060708", b"x", WireFormat.SINGLE_OBJECT)
        assert framed == b"\xc3\x01\x08\x07\x06\x05\x04\x03\x02\x01x"

    @FORMATS
    @pytest.mark.parametrize("schema_id", ["", "-1", "orders", str(2**80)])
    def test_an_id_of_another_format_is_refused(self, fmt, schema_id):
        with pytest.raises(ValueError, match="schema_id must be"):
            frame(schema_id, b"", fmt)

    def test_only_glue_can_mark_a_compressed_datum(self):
        with pytest.raises(ValueError, match="compress must be False for confluent"):
            frame("1", b"", WireFormat.CONFLUENT, compress=True)


class TestSplit:
    @FORMATS
    @settings(max_examples=60, deadline=None)
    @given(data=st.data())
    def test_frame_and_split_are_inverse_and_every_row_comes_back_once(self, fmt, data):
        known = data.draw(st.lists(IDS[fmt], min_size=1, max_size=4, unique=True))
        row = st.one_of(
            st.none(),
            st.tuples(st.sampled_from(known), st.binary(max_size=20), st.booleans()),
        )
        rows = data.draw(st.lists(row, max_size=30))
        values = [
            r and frame(r[0], r[1], fmt, compress=r[2] and fmt is WireFormat.GLUE) for r in rows
        ]
        batch = split(pa.array(values, pa.binary()), fmt)
        assert batch.bad == ()
        assert datums(batch) == {i: (r[0], r[1]) for i, r in enumerate(rows) if r}
        assert len({g.schema_id for g in batch.groups}) == len(batch.groups)
        assert all((np.diff(g.rows) > 0).all() for g in batch.groups)

    @FORMATS
    @settings(max_examples=60, deadline=None)
    @given(values=st.lists(st.none() | st.binary(max_size=30), max_size=20))
    def test_any_bytes_end_as_a_datum_or_as_bad_but_never_as_both(self, fmt, values):
        batch = split(pa.array(values, pa.binary()), fmt)
        good, bad = datums(batch), {b.row for b in batch.bad}
        assert good.keys().isdisjoint(bad)
        assert good.keys() | bad == {i for i, v in enumerate(values) if v is not None}

    @settings(max_examples=60, deadline=None)
    @given(
        values=st.lists(st.none() | st.binary(max_size=12), max_size=20),
        cut=st.tuples(st.integers(0, 20), st.integers(0, 20)),
    )
    def test_a_slice_splits_like_a_copy_of_it(self, values, cut):
        values = [v and b"\0\0\0\0" + v for v in values]
        part = split(pa.array(values, pa.binary())[cut[0] : cut[1]], WireFormat.CONFLUENT)
        copy = split(pa.array(values[cut[0] : cut[1]], pa.binary()), WireFormat.CONFLUENT)
        assert datums(part) == datums(copy)
        assert part.bad == copy.bad

    def test_large_binary_splits_like_binary(self):
        values = [frame("7", b"abc", WireFormat.CONFLUENT), None, b""]
        large = split(pa.array(values, pa.large_binary())[0:], WireFormat.CONFLUENT)
        assert datums(large) == {0: ("7", b"abc")}
        assert large.bad == (BadHeader(2, "empty_value"),)

    @pytest.mark.parametrize("size", [0, 3])
    def test_tombstones_alone_make_an_empty_batch(self, size):
        batch = split(pa.nulls(size, pa.binary()), WireFormat.CONFLUENT)
        assert (batch.groups, batch.bad) == ((), ())

    def test_an_array_of_text_is_refused(self):
        with pytest.raises(TypeError, match="array of binary"):
            split(pa.array(["x"]), WireFormat.CONFLUENT)

    def test_a_header_with_nothing_behind_it_is_an_empty_datum(self):
        batch = split(binary(frame("1", b"", WireFormat.CONFLUENT)), WireFormat.CONFLUENT)
        assert datums(batch) == {0: ("1", b"")}

    def test_a_batch_of_one_schema_is_not_copied(self):
        values = binary(*[frame("1", bytes([i]), WireFormat.CONFLUENT) for i in range(5)])
        (group,) = split(values, WireFormat.CONFLUENT).groups
        assert group.buffer.ctypes.data == values.buffers()[2].address


class TestBadHeaders:
    def test_each_kind_has_its_code(self):
        values = binary(b"", b"\0\0\0\1", b"\1\0\0\0\1x", b'{"a": 1}', b"\0\0\0\0\1x")
        batch = split(values, WireFormat.CONFLUENT)
        assert batch.bad == (
            BadHeader(0, "empty_value"),
            BadHeader(1, "short_header"),
            BadHeader(2, "bad_magic"),
            BadHeader(3, "bad_magic"),
        )
        assert datums(batch) == {4: ("1", b"x")}

    def test_an_unknown_compression_is_named(self):
        framed = bytearray(frame(GLUE_ID, b"x", WireFormat.GLUE))
        framed[1] = 4
        assert split(binary(bytes(framed)), WireFormat.GLUE).bad == (
            BadHeader(0, "bad_compression"),
        )

    def test_a_marker_wins_over_a_compression_byte(self):
        assert split(binary(b"\x02\x04" + bytes(16)), WireFormat.GLUE).bad == (
            BadHeader(0, "bad_magic"),
        )

    @pytest.mark.parametrize("damage", ["cut", "trailing", "garbage", "empty"])
    def test_a_damaged_stream_is_isolated(self, damage):
        packed = frame(GLUE_ID, b"abc" * 50, WireFormat.GLUE, compress=True)
        mutants = {
            "cut": packed[:-1],
            "trailing": packed + b"!",
            "garbage": packed[:18] + b"garbage",
            "empty": packed[:18],
        }
        plain = frame(GLUE_ID, b"plain", WireFormat.GLUE)
        batch = split(binary(packed, mutants[damage], None, plain), WireFormat.GLUE)
        assert batch.bad == (BadHeader(1, "bad_zlib"),)
        assert datums(batch) == {0: (GLUE_ID, b"abc" * 50), 3: (GLUE_ID, b"plain")}

    def test_a_bomb_is_not_inflated(self):
        bomb = frame(GLUE_ID, bytes(64 << 20), WireFormat.GLUE, compress=True)
        assert split(binary(bomb), WireFormat.GLUE).bad == (BadHeader(0, "bad_zlib"),)

    def test_what_inflates_just_to_the_limit_is_taken(self, monkeypatch):
        monkeypatch.setattr(wire, "_INFLATED_FLOOR", 100)
        monkeypatch.setattr(wire, "_INFLATED_RATIO", 0)
        packed = [frame(GLUE_ID, bytes(n), WireFormat.GLUE, compress=True) for n in (100, 101)]
        batch = split(binary(*packed), WireFormat.GLUE)
        assert datums(batch) == {0: (GLUE_ID, bytes(100))}
        assert batch.bad == (BadHeader(1, "bad_zlib"),)
