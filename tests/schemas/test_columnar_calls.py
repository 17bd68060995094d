import logging
import pickle

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from schemas import columnar
from schemas.columnar import BadDatum, Decoder, decoder, plan
from schemas.errors import IncompatibleSchemaError, SchemaParseError
from schemas.model import AvroSchema
from tests.schemas.batches import MANY, assert_as_expected, decode, pack, record, values
from tests.schemas.encoding import encode, sized, varint

INTS = {"type": "array", "items": "int"}


def no_strict_path(monkeypatch):
    def refuse(decode_one, datum):
        raise AssertionError("the strict path was taken")

    monkeypatch.setattr(decoder, "verdict", refuse)


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

    @pytest.mark.parametrize("gap", [0, 5, 100, 5000])
    def test_what_lies_between_the_datums_is_not_read(self, gap):
        schema = record(i="int", s="string")
        datums = [encode(schema.root, (i, str(i))) for i in range(MANY)]

        batch = Decoder(schema, schema).decode(*pack(datums, gap))

        assert_as_expected(batch, schema, datums)

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
