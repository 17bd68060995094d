import pyarrow as pa
import pytest

from schemas.arrow_types import arrow_schema
from schemas.errors import SchemaParseError
from schemas.model import AvroSchema

SYMBOLS = pa.dictionary(pa.int32(), pa.string())


def schema_of(kind):
    fields = [{"name": "f", "type": kind}]
    return AvroSchema.parse({"type": "record", "name": "R", "fields": fields})


def logical(kind, name, **rest):
    return {"type": kind, "logicalType": name, **rest}


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("boolean", pa.bool_()),
        ("int", pa.int32()),
        ("long", pa.int64()),
        ("float", pa.float32()),
        ("double", pa.float64()),
        ("bytes", pa.binary()),
        ("string", pa.string()),
        (logical("string", "uuid"), pa.string()),
        (logical("int", "date"), pa.date32()),
        (logical("int", "time-millis"), pa.time32("ms")),
        (logical("long", "time-micros"), pa.time64("us")),
        (logical("long", "timestamp-millis"), pa.timestamp("ms", "UTC")),
        (logical("long", "timestamp-micros"), pa.timestamp("us", "UTC")),
        (logical("long", "timestamp-nanos"), pa.timestamp("ns", "UTC")),
        (logical("long", "local-timestamp-micros"), pa.timestamp("us")),
        (logical("bytes", "decimal", precision=13, scale=3), pa.decimal128(13, 3)),
        (logical("bytes", "decimal", precision=39), pa.decimal256(39, 0)),
        ({"type": "fixed", "name": "F", "size": 5}, pa.binary(5)),
        ({"type": "enum", "name": "E", "symbols": ["A"]}, SYMBOLS),
        ({"type": "array", "items": "int"}, pa.list_(pa.field("item", pa.int32(), False))),
        (
            {"type": "map", "values": ["null", "int"]},
            pa.map_(pa.string(), pa.field("value", pa.int32(), True)),
        ),
        (
            {"type": "record", "name": "I", "fields": [{"name": "g", "type": "int"}]},
            pa.struct([pa.field("g", pa.int32(), False)]),
        ),
        (["int", "string"], pa.struct([("int", pa.int32()), ("string", pa.string())])),
    ],
)
def test_a_type_has_its_arrow_type_and_is_not_nullable(kind, expected):
    assert arrow_schema(schema_of(kind)) == pa.schema([pa.field("f", expected, nullable=False)])


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("null", pa.null()),
        (["null", "int"], pa.int32()),
        (["int", "null"], pa.int32()),
        (["null"], pa.null()),
        (["null", "int", "string"], pa.struct([("int", pa.int32()), ("string", pa.string())])),
    ],
)
def test_a_type_that_admits_null_is_nullable(kind, expected):
    assert arrow_schema(schema_of(kind)) == pa.schema([pa.field("f", expected, nullable=True)])


@pytest.mark.parametrize(
    ("document", "rule"),
    [
        (schema_of({"type": "array", "items": "R"}), "contains itself"),
        (AvroSchema.parse('"int"'), "is not a record"),
        (AvroSchema.parse({"type": "record", "name": "R", "fields": []}), "has no fields"),
        (schema_of({"type": "record", "name": "I", "fields": []}), "has no fields"),
        (schema_of(logical("bytes", "decimal", precision=77)), "77 digits"),
    ],
)
def test_what_no_table_can_hold_is_refused_with_the_reason(document, rule):
    with pytest.raises(SchemaParseError, match=rule):
        arrow_schema(document)
