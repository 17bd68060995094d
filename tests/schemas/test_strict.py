"""Hand-made datums: the checker is the oracle of the rest, so nothing here relies on it."""

import datetime as dt
import io
import json
import random
import struct
from decimal import Decimal

import fastavro
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas import strict
from schemas.errors import DatumError, IncompatibleSchemaError
from schemas.model import AvroSchema
from tests.schemas.encoding import bare_varint, encode, sized, varint
from tests.schemas.generated import random_value, schemas

ENUM = {"type": "enum", "name": "E", "symbols": ["A", "B", "C"]}
FIXED = {"type": "fixed", "name": "F", "size": 3}
DECIMAL = {"type": "bytes", "logicalType": "decimal", "precision": 4, "scale": 2}
MILLIS = {"type": "int", "logicalType": "time-millis"}
MICROS = {"type": "long", "logicalType": "time-micros"}
INTS = {"type": "array", "items": "int"}
NULLS = {"type": "array", "items": "null"}
MAP = {"type": "map", "values": "int"}
INNER = {"type": "record", "name": "I", "fields": [{"name": "g", "type": "string"}]}


def one_field(kind):
    return AvroSchema.parse(
        {"type": "record", "name": "R", "fields": [{"name": "f", "type": kind}]}
    )


def error_of(schema, datum):
    with pytest.raises(DatumError) as caught:
        strict.check(schema, datum)
    return caught.value.code, caught.value.field


REFUSED = [
    ("boolean", b"\x02", "boolean", "f"),
    ("boolean", b"", "truncated", "f"),
    ("int", varint(1 << 31), "int_range", "f"),
    ("int", varint(-(1 << 31) - 1), "int_range", "f"),
    ("int", b"\x80", "truncated", "f"),
    ("long", b"\x80" * 9 + b"\x02", "varint_overflow", "f"),
    ("long", b"\x80" * 10 + b"\x00", "varint_overflow", "f"),
    ("long", b"\xff" * 9, "truncated", "f"),
    ("float", b"\x00" * 3, "truncated", "f"),
    ("double", b"\x00" * 7, "truncated", "f"),
    ("string", varint(-1), "negative_length", "f"),
    ("string", varint(3) + b"ab", "truncated", "f"),
    ("string", varint(1 << 62) + b"ab", "truncated", "f"),
    ("string", sized(b"\xc3"), "utf8", "f"),
    ("string", sized(b"\xed\xa0\x80"), "utf8", "f"),
    ("string", sized(b"\xc0\x80"), "utf8", "f"),
    ("bytes", varint(-5), "negative_length", "f"),
    (FIXED, b"ab", "truncated", "f"),
    (ENUM, varint(3), "enum_index", "f"),
    (ENUM, varint(-1), "enum_index", "f"),
    (DECIMAL, sized((10_000).to_bytes(2, "big")), "decimal_precision", "f"),
    (DECIMAL, sized((-10_000).to_bytes(2, "big", signed=True)), "decimal_precision", "f"),
    (MILLIS, varint(-1), "time_of_day", "f"),
    (MILLIS, varint(86_400_000), "time_of_day", "f"),
    (MICROS, varint(86_400_000_000), "time_of_day", "f"),
    (["null", "int"], varint(2), "union_index", "f"),
    (["null", "int"], varint(-1), "union_index", "f"),
    (["null", "int"], varint(1), "truncated", "f"),
    (INTS, varint(2) + varint(1), "truncated", "f.item"),
    (INTS, varint(1) + varint(1), "truncated", "f"),
    (INTS, varint(1) + varint(1 << 40) + varint(0), "int_range", "f.item"),
    (INTS, varint(-1) + varint(2) + varint(1) + varint(0), "block_size", "f"),
    (INTS, varint(-1) + varint(-1) + varint(1) + varint(0), "block_size", "f"),
    (INTS, varint(-(1 << 63)) + varint(1), "truncated", "f.item"),
    (INTS, varint((1 << 63) - 1), "truncated", "f.item"),
    (NULLS, varint(1025) + varint(0), "too_many_items", "f"),
    (NULLS, varint(1024) + varint(1) + varint(0), "too_many_items", "f"),
    (NULLS, varint(1 << 62) + varint(0), "too_many_items", "f"),
    (MAP, varint(1) + sized(b"\xff") + varint(1) + varint(0), "utf8", "f.key"),
    (MAP, varint(1) + sized(b"k") + varint(1 << 40) + varint(0), "int_range", "f.value"),
    (INNER, sized(b"\xff"), "utf8", "f.g"),
    (["null", INNER], varint(1) + varint(-1), "negative_length", "f.g"),
    ({"type": "array", "items": INNER}, varint(1) + sized(b"\xff"), "utf8", "f.item.g"),
    ("int", varint(1) + b"\x00", "trailing_bytes", ""),
    ("null", b"\x00", "trailing_bytes", ""),
]

ACCEPTED = [
    ("null", b"", None),
    ("boolean", b"\x01", True),
    ("int", varint(-(1 << 31)), -(1 << 31)),
    ("int", b"\x80\x00", 0),
    ("int", b"\x82\x80\x80\x80\x80\x80\x80\x80\x80\x00", 1),
    ("long", b"\xff" * 9 + b"\x01", -(1 << 63)),
    ("long", b"\xfe" + b"\xff" * 8 + b"\x01", (1 << 63) - 1),
    ("float", struct.pack("<f", 1.5), 1.5),
    ("double", struct.pack("<d", -0.1), -0.1),
    ("string", sized("薬局".encode()), "薬局"),
    ("string", b"\x84\x00ab", "ab"),
    ("bytes", sized(b"\xff\x00"), b"\xff\x00"),
    (FIXED, b"abc", b"abc"),
    (ENUM, varint(2), "C"),
    (DECIMAL, sized((-9_999).to_bytes(2, "big", signed=True)), Decimal("-99.99")),
    (DECIMAL, sized(b"\xff" * 20), Decimal("-0.01")),
    (DECIMAL, sized(b""), Decimal("0.00")),
    (MILLIS, varint(86_399_999), dt.time(23, 59, 59, 999_000)),
    (MICROS, varint(1), dt.time(0, 0, 0, 1)),
    ({"type": "int", "logicalType": "date"}, varint(-1), dt.date(1969, 12, 31)),
    ({"type": "int", "logicalType": "date"}, varint(3_000_000), 3_000_000),
    ({"type": "long", "logicalType": "timestamp-micros"}, varint(1 << 62), 1 << 62),
    (
        {"type": "long", "logicalType": "timestamp-micros"},
        varint(-1),
        dt.datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=dt.UTC),
    ),
    (
        {"type": "long", "logicalType": "local-timestamp-millis"},
        varint(1),
        dt.datetime(1970, 1, 1, 0, 0, 0, 1000),
    ),
    ({"type": "long", "logicalType": "timestamp-nanos"}, varint(5), 5),
    ({"type": "string", "logicalType": "uuid"}, sized(b"not checked"), "not checked"),
    (["null", "int"], varint(0), None),
    (["int", "null"], varint(0) + varint(7), 7),
    (["null", "int", "string"], varint(2) + sized(b"x"), "x"),
    (INTS, varint(-2) + varint(2) + varint(1) + varint(2) + varint(0), [1, 2]),
    (INTS, varint(1) + varint(5) + varint(1) + varint(6) + varint(0), [5, 6]),
    (NULLS, varint(1024) + varint(0), [None] * 1024),
    (MAP, varint(1) + sized(b"k") + varint(4) + varint(0), {"k": 4}),
    (INNER, sized(b"x"), {"g": "x"}),
]


class TestCheck:
    @pytest.mark.parametrize(("kind", "datum", "code", "field"), REFUSED)
    def test_a_malformed_datum_is_refused_with_code_and_field(self, kind, datum, code, field):
        assert error_of(one_field(kind), datum) == (code, field)

    @pytest.mark.parametrize(("kind", "datum", "value"), ACCEPTED)
    def test_a_legal_datum_has_its_value(self, kind, datum, value):
        schema = one_field(kind)

        strict.check(schema, datum)

        assert strict.decode(schema, schema, datum) == {"f": value}

    def test_every_code_of_the_checker_is_met_here(self):
        elsewhere = {"too_deep", "unresolvable"}

        assert {code for _, _, code, _ in REFUSED} | elsewhere == set(strict.CODES)

    def test_the_first_error_in_field_order_counts(self):
        schema = AvroSchema.parse(
            {
                "type": "record",
                "name": "R",
                "fields": [{"name": n, "type": "boolean"} for n in "abc"],
            }
        )

        assert error_of(schema, b"\x01\x05\x07") == ("boolean", "b")
        assert error_of(schema, b"\x01\x01") == ("truncated", "c")

    def test_a_datum_that_is_no_record_is_checked_too(self):
        schema = AvroSchema.parse('"string"')

        strict.check(schema, sized(b"key"))

        assert error_of(schema, b"") == ("truncated", "")


class TestRecursion:
    CELL = AvroSchema.parse(
        {
            "type": "record",
            "name": "Cell",
            "fields": [
                {"name": "value", "type": "int"},
                {"name": "next", "type": ["null", "Cell"]},
            ],
        }
    )

    def test_a_recursive_datum_is_decoded(self):
        datum = varint(1) + varint(1) + varint(2) + varint(0)

        assert strict.decode(self.CELL, self.CELL, datum) == {
            "value": 1,
            "next": {"value": 2, "next": None},
        }

    def test_an_error_deep_inside_has_its_whole_path(self):
        datum = (varint(1) + varint(1)) * 3 + varint(1 << 40)

        assert error_of(self.CELL, datum) == ("int_range", "next.next.next.value")

    def test_hostile_depth_is_refused_and_the_next_datum_is_not_affected(self):
        deep = (varint(1) + varint(1)) * 100_000

        code, _ = error_of(self.CELL, deep)

        assert code == "too_deep"
        strict.check(self.CELL, (varint(1) + varint(1)) * 64 + varint(1) + varint(0))


class TestDecode:
    def test_malformed_beats_unresolvable(self):
        writer, reader = one_field(["null", "int"]), one_field("int")

        with pytest.raises(DatumError) as caught:
            strict.decode(writer, reader, varint(0) + b"\x00")

        assert caught.value.code == "trailing_bytes"

    def test_a_null_that_the_reader_cannot_hold_is_unresolvable(self):
        writer, reader = one_field(["null", "int"]), one_field("int")

        with pytest.raises(DatumError) as caught:
            strict.decode(writer, reader, varint(0))

        assert (caught.value.code, caught.value.field) == ("unresolvable", "f")
        assert strict.decode(writer, reader, varint(1) + varint(3)) == {"f": 3}

    def test_schemas_that_never_fit_are_refused_before_any_datum(self):
        with pytest.raises(IncompatibleSchemaError):
            strict.decode(one_field("string"), one_field("int"), b"")

    def test_no_message_holds_a_value(self):
        with pytest.raises(DatumError) as caught:
            strict.check(one_field("string"), sized(b"secret\xff"))

        assert "secret" not in str(caught.value) + repr(caught.value)

    @settings(deadline=None, max_examples=60)
    @given(schema=schemas(), seed=st.integers(0, 1 << 32), blocks=st.sampled_from([0, 0, 2]))
    def test_values_equal_those_of_fastavro(self, schema, seed, blocks):
        rng = random.Random(seed)
        parsed = fastavro.parse_schema(json.loads(json.dumps(schema.json).replace("uuid", "-")))
        for _ in range(20):
            datum = encode(schema.root, random_value(schema.root, rng), blocks)

            expected = fastavro.schemaless_reader(io.BytesIO(datum), parsed, None)

            assert strict.decode(schema, schema, datum) == expected

    @settings(deadline=None, max_examples=100)
    @given(bits=st.integers(0, (1 << 70) - 1))
    def test_a_varint_is_legal_exactly_up_to_64_bits(self, bits):
        schema = one_field("long")
        datum = bare_varint(bits)

        if bits < 1 << 64:
            expected = (bits >> 1) ^ -(bits & 1)
            assert strict.decode(schema, schema, datum) == {"f": expected}
        else:
            assert error_of(schema, datum) == ("varint_overflow", "f")
