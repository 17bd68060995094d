import io
import logging
import pickle
import random

import fastavro
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas import columnar, strict
from schemas.columnar import BadDatum, Decoder, decoder, plan
from schemas.columnar.rows import build_array
from schemas.errors import DatumError, IncompatibleSchemaError, SchemaParseError
from schemas.model import AvroSchema
from schemas.nodes import Array, Map, Node, Record, Union
from tests.schemas import corruption
from tests.schemas.arrow_equality import same
from tests.schemas.encoding import encode, sized, varint
from tests.schemas.generated import random_value, schemas

MANY = 150  # enough rows for lock-step
INTS = {"type": "array", "items": "int"}


def record(**kinds):
    fields = [{"name": name, "type": kind} for name, kind in kinds.items()]
    return AvroSchema.parse({"type": "record", "name": "R", "fields": fields})


def pack(datums, gap=0):
    """The datums in one buffer, with a few bytes of another kind before each."""
    sizes = np.array([len(d) for d in datums], np.int64)
    ends = np.cumsum(sizes + gap) if len(sizes) else sizes
    return b"".join(b"\xff" * gap + d for d in datums), ends - sizes, ends


def decode(schema, datums, reader=None):
    return Decoder(schema, reader or schema).decode(*pack(datums))


def expected(schema, datums, reader=None):
    """What the strict path makes of each datum alone: the columns and the bad ones."""
    reader = reader or schema
    raw = strict.raw_decoder(schema, reader)
    rows, bad = [], []
    for index, datum in enumerate(datums):
        try:
            rows.append(raw(datum))
        except DatumError as error:
            bad.append(BadDatum(index, error.code, error.field))
    columns = [build_array(f.node, [row[i] for row in rows]) for i, f in enumerate(reader.fields)]
    return columns, tuple(bad)


def assert_as_expected(batch, schema, datums, reader=None):
    columns, bad = expected(schema, datums, reader)
    batch.table.validate(full=True)
    for column, wanted in zip(batch.table.columns, columns, strict=True):
        assert same(_one(column), wanted)
    assert batch.bad == bad
    assert batch.good.dtype == np.int64
    assert sorted([*batch.good.tolist(), *(b.index for b in bad)]) == list(range(len(datums)))


def _one(column):
    """A column as one array without an offset."""
    return pa.concat_arrays([c.take(pa.array(np.arange(len(c)))) for c in column.chunks])


def values(schema, seed, count):
    rng = random.Random(seed)
    return [random_value(schema.root, rng) for _ in range(count)]


def no_strict_path(monkeypatch):
    def refuse(decode_one, datum):
        raise AssertionError("the strict path was taken")

    monkeypatch.setattr(decoder, "verdict", refuse)


class TestEquality:
    @settings(deadline=None, max_examples=60)
    @given(schema=schemas(), seed=st.integers(0, 1 << 32), blocks=st.sampled_from([0, 0, 2]))
    def test_lock_step_makes_the_same_table_as_the_strict_path(self, schema, seed, blocks):
        datums = [encode(schema.root, v, blocks) for v in values(schema, seed, MANY)]

        assert_as_expected(decode(schema, datums), schema, datums)

    @settings(deadline=None, max_examples=40)
    @given(schema=schemas(), seed=st.integers(0, 1 << 32))
    def test_good_rows_stay_in_lock_step(self, schema, seed):
        datums = [encode(schema.root, v) for v in values(schema, seed, MANY)]

        data, starts, ends = pack(datums)
        _, good = plan.lock_step(schema).read(np.frombuffer(data, np.uint8), starts, ends)

        # Decimals of more than 16 bytes are the one thing left to the strict path here.
        assert good.all() or "50" in str(schema.json) or "20" in str(schema.json)

    @settings(deadline=None, max_examples=40)
    @given(schema=schemas(unions=False), seed=st.integers(0, 1 << 32))
    def test_values_equal_those_of_fastavro(self, schema, seed):
        parsed = fastavro.parse_schema(schema.json)
        datums = [encode(schema.root, v) for v in values(schema, seed, MANY)]
        try:
            wanted = [fastavro.schemaless_reader(io.BytesIO(d), parsed, None) for d in datums]
        except ValueError:
            return  # text in a uuid field that fastavro cannot parse

        rows = decode(schema, datums).table.to_pylist()

        assert [_plain(schema.root, row) for row in rows] == wanted

    @pytest.mark.parametrize("precision", [4, 18, 19, 38, 39, 76])
    def test_decimals_of_every_length_and_sign_are_read(self, precision):
        kind = {"type": "bytes", "logicalType": "decimal", "precision": precision}
        schema = record(f=kind, g="bytes")
        lengths = [
            sized(fill * size + last)
            for fill in (b"\x00", b"\xff", b"\x01", b"\x80")
            for size in range(34)
            for last in (b"\x7f", b"\x80", b"")
        ]
        near = [10**precision - 1, 10**precision, 1 << 63, (1 << 63) - 1, 1 << 64, 1 << 127]
        numbers = [sized((s * n).to_bytes(34, "big", signed=True)) for n in near for s in (1, -1)]
        short = [encode(schema.fields[0].node, s * n) for n in near for s in (1, -1)]
        # The byte after an empty value has its highest bit set.
        datums = [d + sized(b"\xff" * 70) for d in lengths + numbers + short]

        assert_as_expected(decode(schema, datums), schema, datums)

    def test_nan_is_kept(self):
        schema = record(f="double")
        datum = encode(schema.root, (float("nan"),))

        table = decode(schema, [datum] * MANY).table

        assert np.isnan(table["f"].to_numpy()).all()

    def test_dictionaries_hold_all_symbols_by_either_path(self):
        schema = record(f=["null", {"type": "enum", "name": "E", "symbols": ["A", "B", "C"]}])

        for count in (1, MANY):
            column = decode(schema, [varint(1) + varint(1)] * count).table["f"]
            assert column.chunk(0).dictionary.to_pylist() == ["A", "B", "C"]


def _plain(node: Node, value):
    """An Arrow value as fastavro writes it."""
    if value is None:
        return None
    if isinstance(node, Record):
        return {f.name: _plain(f.node, value[f.name]) for f in node.fields}
    if isinstance(node, Array):
        return [_plain(node.items, v) for v in value]
    if isinstance(node, Map):
        return {k: _plain(node.values, v) for k, v in value}
    if isinstance(node, Union) and node.optional is not None:
        return _plain(node.optional, value)
    return value


class TestIsolation:
    @settings(deadline=None, max_examples=60)
    @given(
        schema=schemas(),
        seed=st.integers(0, 1 << 32),
        share=st.sampled_from([0.02, 0.3, 1.0]),
    )
    def test_any_set_of_spoiled_datums_is_isolated(self, schema, seed, share):
        rng = random.Random(seed)
        datums = [encode(schema.root, v) for v in values(schema, seed, MANY)]
        spoiled = [corruption.spoil(d, rng) if rng.random() < share else d for d in datums]

        assert_as_expected(decode(schema, spoiled), schema, spoiled)

    @pytest.mark.parametrize("way", corruption.ALL, ids=lambda w: w.__name__)
    def test_each_way_of_spoiling_leaves_the_neighbors_untouched(self, way):
        schema = record(a="string", b=["null", "long"], c=INTS)
        rng = random.Random(7)
        datums = [encode(schema.root, v) for v in values(schema, 7, MANY)]
        hit = set(range(3, MANY, 10))
        spoiled = [way(d, rng) if i in hit else d for i, d in enumerate(datums)]

        batch = decode(schema, spoiled)

        assert {b.index for b in batch.bad} <= hit
        clean = decode(schema, datums).table.take([i for i in range(MANY) if i not in hit])
        kept = batch.table.filter(pa.array([i not in hit for i in batch.good]))
        assert kept.equals(clean)
        assert_as_expected(batch, schema, spoiled)

    def test_a_truncated_datum_does_not_borrow_from_its_neighbor(self):
        schema = record(a="int", b="int")
        datums = [varint(1) + varint(2)] * MANY
        datums[5] = varint(1)

        batch = decode(schema, datums)

        assert batch.bad == (BadDatum(5, "truncated", "b"),)
        assert batch.table.num_rows == MANY - 1

    def test_an_overlong_datum_at_the_end_of_the_buffer_is_isolated(self):
        schema = record(a={"type": "fixed", "name": "F", "size": 500}, b="string", c=INTS)
        good = b"x" * 500 + sized(b"") + varint(0)
        datums = [*[good] * MANY, b"", good[:400], b"x" * 500 + varint(1 << 40)]

        batch = decode(schema, datums)

        assert [(b.index, b.code, b.field) for b in batch.bad] == [
            (MANY, "truncated", "a"),
            (MANY + 1, "truncated", "a"),
            (MANY + 2, "truncated", "b"),
        ]

    @pytest.mark.parametrize("count", [1, 99, 100, 8192, 8193])
    def test_code_and_field_do_not_depend_on_the_size_of_the_batch(self, count):
        schema = record(a="string", b="boolean")
        datums = [sized(b"ok") + b"\x01"] * (count - 1) + [sized(b"\xff") + b"\x02"]

        assert decode(schema, datums).bad == (BadDatum(count - 1, "utf8", "a"),)

    def test_text_that_is_only_valid_together_with_its_neighbor_is_refused(self):
        schema = record(a="string")
        datums = [sized("é".encode())] * MANY
        datums[3:5] = [sized(b"\xc3"), sized(b"\xa9")]

        assert [b.index for b in decode(schema, datums).bad] == [3, 4]


class TestLongItems:
    def test_rows_with_long_arrays_are_good_and_in_place(self):
        schema = record(i="int", a=INTS)
        datums = [encode(schema.root, (i, [i] * (i % 3))) for i in range(MANY)]
        for at in (0, 70, MANY - 1):
            datums[at] = encode(schema.root, (at, list(range(5000 + at))))

        batch = decode(schema, datums)

        assert batch.bad == ()
        assert_as_expected(batch, schema, datums)

    def test_many_rows_with_long_maps_are_good(self):
        schema = record(m={"type": "map", "values": ["null", "string"]})
        entries = [(f"k{i}", None if i % 2 else "v") for i in range(90)]
        datums = [encode(schema.root, (entries[: i % 91],)) for i in range(MANY)]

        assert_as_expected(decode(schema, datums), schema, datums)

    def test_a_bomb_of_nulls_is_refused_quickly_for_every_row(self):
        schema = record(a={"type": "array", "items": "null"})
        datums = [varint(1 << 62) + varint(0)] * MANY

        batch = decode(schema, datums)

        assert {(b.code, b.field) for b in batch.bad} == {("too_many_items", "a")}

    def test_keys_of_a_map_may_repeat_and_both_entries_stay(self):
        schema = record(m={"type": "map", "values": "int"})
        datum = encode(schema.root, ([("k", 1), ("k", 2)],))

        for count in (1, MANY):
            table = decode(schema, [datum] * count).table
            assert table["m"][0].as_py() == [("k", 1), ("k", 2)]


class TestCalls:
    def test_a_call_of_many_chunks_is_one_table_in_order(self):
        schema = record(i="int", s=["null", "string"])
        datums = [encode(schema.root, (i, None if i % 3 else str(i))) for i in range(20_000)]
        datums[9_000] = b"\xff"

        batch = decode(schema, datums)

        assert batch.bad == (BadDatum(9_000, "truncated", "i"),)
        assert batch.table["i"].to_pylist() == batch.good.tolist()
        assert batch.table.num_rows == 19_999

    def test_chunks_are_split_by_bytes_too(self, monkeypatch):
        monkeypatch.setattr(decoder, "MAX_BYTES", 4096)
        schema = record(s="string")
        datums = [encode(schema.root, ("x" * (i % 200),)) for i in range(1000)]
        datums[500] = encode(schema.root, ("y" * 9000,))

        batch = decode(schema, datums)

        assert batch.table["s"].num_chunks > 20
        assert_as_expected(batch, schema, datums)

    def test_an_empty_call_gives_an_empty_table(self):
        schema = record(i="int")

        batch = decode(schema, [])

        assert (batch.table.num_rows, len(batch.good), batch.bad) == (0, 0, ())
        assert batch.table.schema == pa.schema([pa.field("i", pa.int32(), nullable=False)])

    def test_a_batch_of_bad_datums_alone_gives_an_empty_table(self):
        schema = record(i="int", m={"type": "map", "values": INTS})

        batch = decode(schema, [b""] * MANY)

        assert batch.table.num_rows == 0
        assert len(batch.bad) == MANY

    @pytest.mark.parametrize("make", [bytes, bytearray, memoryview, pa.py_buffer])
    def test_any_kind_of_buffer_is_read(self, make):
        data, starts, ends = pack([varint(3)] * MANY, gap=5)
        schema = record(i="int")

        batch = Decoder(schema, schema).decode(make(data), starts, ends)

        assert batch.table["i"].to_pylist() == [3] * MANY

    @pytest.mark.parametrize("spread", [1, 10_000])
    def test_datums_may_lie_in_any_order_far_apart_and_overlap(self, spread):
        schema = record(i="int")
        data = b"".join(varint(i) + b"\xee" * spread for i in range(MANY))
        starts = np.array([data.index(varint(i) + b"\xee") for i in range(MANY)], np.int64)
        ends = starts + [len(varint(i)) for i in range(MANY)]
        order = np.array([*reversed(range(MANY)), 0, 0, 1])

        batch = Decoder(schema, schema).decode(data, starts[order], ends[order])

        assert batch.table["i"].to_pylist() == order.tolist()

    @pytest.mark.parametrize(("start", "end"), [(-1, 0), (2, 1), (0, 4)])
    def test_a_range_outside_of_the_buffer_is_the_callers_error(self, start, end):
        schema = record(i="int")

        with pytest.raises(ValueError, match="range of a datum"):
            Decoder(schema, schema).decode(b"abc", np.array([start]), np.array([end]))

    def test_ranges_of_unequal_number_are_the_callers_error(self):
        schema = record(i="int")

        with pytest.raises(ValueError, match="one length"):
            Decoder(schema, schema).decode(b"abc", np.array([0, 1]), np.array([1]))

    def test_the_table_can_be_written_as_parquet(self, tmp_path):
        inner = {"type": "record", "name": "I", "fields": [{"name": "g", "type": "int"}]}
        schema = record(
            r=["null", inner],
            u=["null", "int", "string"],
            m={"type": "map", "values": ["null", "I"]},
            e=["null", {"type": "enum", "name": "E", "symbols": ["A"]}],
        )
        datums = [encode(schema.root, v) for v in values(schema, 3, MANY)]
        table = decode(schema, datums).table

        pq.write_table(table, tmp_path / "t.parquet")

        assert pq.read_table(tmp_path / "t.parquet").to_pylist() == table.to_pylist()

    def test_the_batch_holds_no_reference_to_the_callers_buffer(self):
        schema = record(s="string", f={"type": "fixed", "name": "F", "size": 2})
        data, starts, ends = pack([sized(b"abc") + b"xy"] * MANY)
        data = bytearray(data)

        batch = Decoder(schema, schema).decode(data, starts, ends)
        data[:] = b"\x00" * len(data)

        assert batch.table.to_pylist() == [{"s": "abc", "f": b"xy"}] * MANY


class TestFallback:
    def test_a_defect_costs_speed_but_no_data_and_is_logged_once(self, monkeypatch, caplog):
        def fail(self, data, starts, ends):
            raise IndexError("secret payload")

        monkeypatch.setattr(plan.LockStep, "read", fail)
        schema = record(s="string")
        datums = [encode(schema.root, (str(i),)) for i in range(MANY)]
        datums[4] = b"\x03"
        broken = Decoder(schema, schema)

        with caplog.at_level(logging.WARNING):
            batches = [broken.decode(*pack(datums)) for _ in range(3)]

        for batch in batches:
            assert_as_expected(batch, schema, datums)
        assert [r.name for r in caplog.records] == ["schemas.columnar.decoder"]
        assert "IndexError" in caplog.text
        assert "secret" not in caplog.text

    def test_a_row_that_strict_accepts_is_good_though_lock_step_marked_it(self, monkeypatch):
        read = plan.LockStep.read

        def suspicious(self, data, starts, ends):
            columns, good = read(self, data, starts, ends)
            good[::7] = False
            return columns, good

        monkeypatch.setattr(plan.LockStep, "read", suspicious)
        schema = record(i="int", a=INTS, s=["null", "string"])
        datums = [encode(schema.root, v) for v in values(schema, 1, MANY)]

        assert_as_expected(decode(schema, datums), schema, datums)

    def test_clean_batches_never_take_the_strict_path(self, monkeypatch):
        no_strict_path(monkeypatch)
        schema = record(i="int", s="string")

        assert decode(schema, [varint(1) + sized(b"a")] * MANY).table.num_rows == MANY

    def test_a_recursive_writer_is_read_by_a_reader_that_is_not(self):
        fields = [{"name": "i", "type": "int"}, {"name": "next", "type": ["null", "R"]}]
        writer = AvroSchema.parse({"type": "record", "name": "R", "fields": fields})
        datum = varint(1) + varint(1) + varint(2) + varint(0)

        batch = decode(writer, [datum] * MANY + [b""], record(i="int"))

        assert batch.table["i"].to_pylist() == [1] * MANY
        assert batch.bad == (BadDatum(MANY, "truncated", "i"),)

    def test_a_recursive_reader_is_refused(self):
        fields = [{"name": "next", "type": ["null", "R"]}]
        schema = AvroSchema.parse({"type": "record", "name": "R", "fields": fields})

        with pytest.raises(SchemaParseError, match="contains itself"):
            Decoder(schema, schema)

    def test_an_impossible_pair_is_refused_at_construction(self):
        with pytest.raises(IncompatibleSchemaError, match="field i"):
            Decoder(record(i="string"), record(i="int"))


class TestPackage:
    def test_a_decoder_survives_pickling(self):
        schema = record(i="int")

        copy = pickle.loads(pickle.dumps(Decoder(schema, schema)))

        assert copy.decode(*pack([varint(4)])).table.to_pylist() == [{"i": 4}]

    def test_the_public_names_are_these(self):
        assert columnar.__all__ == ["BadDatum", "DecodedBatch", "Decoder"]
