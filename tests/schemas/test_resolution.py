import io
import json
import random
from pathlib import Path

import fastavro
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import schemas as package
from schemas import compatibility, strict
from schemas.columnar import Decoder, decoder
from schemas.errors import DatumError, IncompatibleSchemaError
from schemas.model import AvroSchema
from schemas.resolution import resolve
from tests.schemas.batches import MANY, assert_as_expected, pack
from tests.schemas.encoding import encode
from tests.schemas.evolution import evolve
from tests.schemas.generated import random_value, schemas

AVSC = Path(package.__file__).parent / "avsc"
DECIMAL = {"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 2}
MILLIS = {"type": "long", "logicalType": "timestamp-millis"}
MICROS = {"type": "long", "logicalType": "timestamp-micros"}
DATE = {"type": "int", "logicalType": "date"}
TIME_MICROS = {"type": "long", "logicalType": "time-micros"}
TIME = {"type": "int", "logicalType": "time-millis"}


def enum(*symbols, name="E", **rest):
    return {"type": "enum", "name": name, "symbols": list(symbols), **rest}


def fixed(size, name="F", **rest):
    return {"type": "fixed", "name": name, "size": size, **rest}


def inner(*fields, **rest):
    return {"type": "record", "name": "I", "fields": list(fields), **rest}


def record(kind, name="f", **rest):
    fields = [{"name": name, "type": kind, **rest}]
    return AvroSchema.parse({"type": "record", "name": "R", "fields": fields})


def array(items):
    return {"type": "array", "items": items}


def both_paths(writer, reader, raws):
    """Decodes in lock-step and row by row, asserts equality, and returns the batch."""
    datums = [encode(writer.root, (raw,)) for raw in raws]
    datums = datums * (MANY // len(datums) + 1)
    batch = Decoder(writer, reader).decode(*pack(datums))
    assert_as_expected(batch, writer, datums, reader)
    return batch


def column(batch, count):
    return batch.table.column(0).to_pylist()[:count]


HELD = [
    ("int", "long", [-1, 5], [-1, 5]),
    ("int", "double", [-1, 5], [-1.0, 5.0]),
    ("long", "float", [(1 << 53) + 1], [float(1 << 53)]),
    ("float", "double", [1.5], [1.5]),
    ("string", "bytes", ["é", ""], ["é".encode(), b""]),
    ("bytes", "string", [b"ok", b""], ["ok", ""]),
    ("int", ["null", "int"], [3], [3]),
    ("int", ["null", "long"], [3], [3]),
    ("null", ["null", "int"], [None], [None]),
    (["null", "int"], ["long", "null"], [None, 3], [None, 3]),
    (["null", "int"], ["null", "string", "long"], [None, 3], [None, {"string": None, "long": 3}]),
    ("int", ["string", "double"], [3], [{"string": None, "double": 3.0}]),
    (["int", "string"], ["null", "string", "int"], [(0, 3), (1, "x")], None),
    (["null", "int", "string"], ["string", "int", "null"], [(0, None), (1, 3), (2, "x")], None),
    (["int", "long"], "double", [(0, 1), (1, 2)], [1.0, 2.0]),
    (enum("A", "B"), enum("C", "B", "A"), [0, 1], ["A", "B"]),
    (enum("A", "B", "X"), enum("B", "A", default="B"), [0, 2], ["A", "B"]),
    (enum("A", name="Old"), enum("A", name="New", aliases=["Old"]), [0], ["A"]),
    (["null", enum("A", "B")], ["null", enum("B", "A")], [None, 1], [None, "B"]),
    (fixed(2, name="a.F"), fixed(2, name="b.F"), [b"xy"], [b"xy"]),
    ("long", MICROS, [0], None),
    (MICROS, "long", [1 << 62], [1 << 62]),
    (DATE, "long", [19_000], [19_000]),
    ("int", MILLIS, [5], None),
    (TIME, "long", [5], [5]),
    ("string", {"type": "string", "logicalType": "uuid"}, ["x"], ["x"]),
    (array("int"), array("double"), [[1, 2], []], [[1.0, 2.0], []]),
    (array(enum("A", "B")), array(enum("B", "A")), [[0, 1]], [["A", "B"]]),
    (
        {"type": "map", "values": "int"},
        {"type": "map", "values": ["null", "long"]},
        [[("k", 1)], []],
        [[("k", 1)], []],
    ),
    (
        inner({"name": "a", "type": "int"}, {"name": "b", "type": "string"}),
        inner({"name": "b", "type": "string"}, {"name": "c", "type": "int", "default": 9}),
        [(1, "x")],
        [{"b": "x", "c": 9}],
    ),
    (
        ["null", inner({"name": "a", "type": ["null", "int"]})],
        ["null", inner({"name": "b", "type": "long", "aliases": ["a"]})],
        [None, (4,)],
        [None, {"b": 4}],
    ),
]

# (writer, reader, values, which of them the reader cannot hold, at which field)
NOT_HELD = [
    (["null", "int"], "int", [1, None, 2], [1], "f"),
    (["null", "int"], ["null", "string"], [None, 1], [1], "f"),
    (["int", "string"], "int", [(0, 1), (1, "x")], [1], "f"),
    (["int", "null", "string"], ["null", "string"], [(0, 1), (1, None), (2, "x")], [0], "f"),
    (enum("A", "B", "C"), enum("A", "C"), [0, 1, 2], [1], "f"),
    (["null", enum("A", "B")], ["null", enum("B")], [None, 0, 1], [1], "f"),
    ("bytes", "string", [b"ok", b"\xff"], [1], "f"),
    ("int", TIME, [0, 86_399_999, 86_400_000, -1], [2, 3], "f"),
    (["null", "int"], ["null", TIME_MICROS], [None, 5, -1], [2], "f"),
    (array(["null", "int"]), array("int"), [[1], [], [1, None]], [2], "f.item"),
    (
        {"type": "map", "values": enum("A", "B")},
        {"type": "map", "values": enum("B")},
        [[("k", 1)], [("k", 1), ("l", 0)]],
        [1],
        "f.value",
    ),
    (
        ["null", inner({"name": "a", "type": ["null", "int"]})],
        ["null", inner({"name": "a", "type": "int"})],
        [None, (1,), (None,)],
        [2],
        "f.a",
    ),
    (
        ["null", inner({"name": "a", "type": enum("X", "Y")})],
        ["null", inner({"name": "a", "type": enum("Y")})],
        [None, (1,), (0,)],
        [2],
        "f.a",
    ),
]

IMPOSSIBLE = [
    ("long", "int", "a long cannot be read as int"),
    ("double", "long", "a double cannot be read as long"),
    ("string", array("string"), "a string cannot be read as array"),
    (["null", "string"], "int", "no branch of the writer's union"),
    ("string", ["null", "int"], "no branch of the reader's union"),
    (fixed(2), fixed(3), r"fixed\(2\) is not fixed\(3\)"),
    (fixed(2), fixed(2, name="G"), "the fixed F is not G"),
    (enum("A"), enum("A", name="G"), "the enum E is not G"),
    (DECIMAL, DECIMAL | {"scale": 3}, "logical types differ"),
    (DECIMAL, DECIMAL | {"precision": 10}, "logical types differ"),
    (DECIMAL, "bytes", "logical types differ"),
    ("bytes", DECIMAL, "logical types differ"),
    (TIME, DATE, "logical types differ"),
    (MILLIS, MICROS, "logical types differ"),
    (DATE, MICROS, "logical types differ"),
]


class TestRules:
    @pytest.mark.parametrize(("writer", "reader", "raws", "wanted"), HELD)
    def test_a_value_that_the_reader_can_hold_is_converted(self, writer, reader, raws, wanted):
        batch = both_paths(record(writer), record(reader), raws)

        assert batch.bad == ()
        if wanted is not None:
            assert column(batch, len(raws)) == wanted

    @pytest.mark.parametrize(("writer", "reader", "raws", "lost", "field"), NOT_HELD)
    def test_a_value_that_the_reader_cannot_hold_marks_its_row(
        self, writer, reader, raws, lost, field
    ):
        batch = both_paths(record(writer), record(reader), raws)

        assert [b.index for b in batch.bad if b.index < len(raws)] == lost
        assert {(b.code, b.field) for b in batch.bad} == {("unresolvable", field)}

    @pytest.mark.parametrize(("writer", "reader", "rule"), IMPOSSIBLE)
    def test_an_impossible_pair_is_refused_with_field_and_rule(self, writer, reader, rule):
        with pytest.raises(IncompatibleSchemaError, match=f"field f: .*{rule}"):
            Decoder(record(writer), record(reader))

    def test_the_path_of_an_impossible_field_leads_into_the_nesting(self):
        writer = record(array(inner({"name": "a", "type": "string"})))
        reader = record(array(inner({"name": "a", "type": "int"})))

        with pytest.raises(IncompatibleSchemaError) as caught:
            resolve(writer, reader)

        assert caught.value.field == "f.item.a"

    def test_a_missing_field_without_a_default_is_refused(self):
        with pytest.raises(IncompatibleSchemaError, match=r"field g: .*no default"):
            resolve(record("int"), record("int", name="g"))

    def test_another_name_of_the_root_is_refused_unless_it_is_an_alias(self):
        writer = record("int")
        renamed = writer.json | {"name": "S"}

        with pytest.raises(IncompatibleSchemaError, match="the whole schema: the record R"):
            resolve(writer, AvroSchema.parse(renamed))
        resolve(writer, AvroSchema.parse(renamed | {"aliases": ["R"]}))

    def test_a_recursive_pair_is_resolved_value_by_value(self):
        def cell(kind):
            fields = [{"name": "v", "type": kind}, {"name": "next", "type": ["null", "Cell"]}]
            return AvroSchema.parse({"type": "record", "name": "Cell", "fields": fields})

        writer, reader = cell("int"), cell("double")
        datum = encode(writer.root, (1, (2, None)))

        assert strict.decode(writer, reader, datum) == {"v": 1.0, "next": {"v": 2.0, "next": None}}

    @pytest.mark.parametrize(
        ("kind", "default", "wanted"),
        [
            (["null", "int"], None, None),
            ("string", "x", "x"),
            (enum("A", "B"), "B", "B"),
            (array("int"), [], []),
            (array("int"), [1, 2], [1, 2]),
            (inner({"name": "a", "type": "int", "default": 3}), {}, {"a": 3}),
            (["null", "int", "string"], 4, {"int": 4, "string": None}),
            ({"type": "boolean"}, True, True),
        ],
    )
    def test_a_default_fills_a_field_that_the_writer_lacks(self, kind, default, wanted):
        batch = both_paths(record("int"), record(kind, name="g", default=default), [1])

        assert column(batch, 1) == [wanted]


class TestEquality:
    @settings(deadline=None, max_examples=80)
    @given(writer=schemas(), seed=st.integers(0, 1 << 32))
    def test_both_paths_agree_on_evolved_schemas(self, writer, seed):
        rng = random.Random(seed)
        reader = AvroSchema.parse(evolve(writer.json, rng))
        datums = [encode(writer.root, random_value(writer.root, rng)) for _ in range(MANY)]
        try:
            made = Decoder(writer, reader)
        except IncompatibleSchemaError:
            return

        assert_as_expected(made.decode(*pack(datums)), writer, datums, reader)
        assert not made._warned

    @settings(deadline=None, max_examples=60)
    @given(writer=schemas(), seed=st.integers(0, 1 << 32))
    def test_what_the_contract_check_passes_can_be_read(self, writer, seed):
        rng = random.Random(seed)
        reader = AvroSchema.parse(evolve(writer.json, rng))
        if compatibility.check(reader, [writer], compatibility.Level.BACKWARD):
            return
        datums = [encode(writer.root, random_value(writer.root, rng)) for _ in range(20)]

        batch = Decoder(writer, reader).decode(*pack(datums))

        # Bytes that are read as text are the one thing that only the value can tell.
        assert batch.bad == () or '"bytes"' in json.dumps(writer.json)

    @settings(deadline=None, max_examples=80)
    # fastavro fails where one side names a type that the other defines in the same place.
    @given(writer=schemas(reuse=False), seed=st.integers(0, 1 << 32))
    def test_values_equal_those_of_fastavro(self, writer, seed):
        rng = random.Random(seed)
        reader = AvroSchema.parse(evolve(writer.json, rng))
        pair = [fastavro.parse_schema(_without_uuid(s.json)) for s in (writer, reader)]
        for _ in range(25):
            datum = encode(writer.root, random_value(writer.root, rng))
            try:
                got = strict.decode(writer, reader, datum)
            except (DatumError, IncompatibleSchemaError):
                continue

            assert got == fastavro.schemaless_reader(io.BytesIO(datum), *pair)

    @pytest.mark.parametrize("dataset", ["dispense_event", "patient_update"])
    def test_rows_of_each_packaged_version_equal_fastavro(self, dataset, monkeypatch):
        def refuse(decode_one, datum):
            raise AssertionError("the strict path was taken")

        monkeypatch.setattr(decoder, "verdict", refuse)
        texts = [p.read_text() for p in sorted((AVSC / dataset).glob("v*.avsc"))]
        reader = AvroSchema.parse(texts[-1])
        reads = fastavro.parse_schema(_without_uuid(reader.json))
        for text in texts:
            writer, rng = AvroSchema.parse(text), random.Random(5)
            writes = fastavro.parse_schema(_without_uuid(writer.json))
            datums = [encode(writer.root, random_value(writer.root, rng)) for _ in range(700)]
            wanted = [fastavro.schemaless_reader(io.BytesIO(d), writes, reads) for d in datums]

            batch = Decoder(writer, reader).decode(*pack(datums))

            assert batch.bad == ()
            assert batch.table.to_pylist() == wanted


def _without_uuid(document):
    """fastavro makes objects of UUIDs, and refuses text that is none."""
    return json.loads(json.dumps(document).replace('"uuid"', '"text"'))


def test_a_projected_table_has_the_schema_of_the_reader():
    writer, reader = record("int"), record(["null", "double"])

    table = both_paths(writer, reader, [1]).table

    assert table.schema == pa.schema([pa.field("f", pa.float64(), nullable=True)])
