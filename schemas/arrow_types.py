"""Which Arrow type holds which Avro type.

=========================  ===================================================================
Avro                       Arrow
=========================  ===================================================================
null, boolean              null, bool
int, long, float, double   int32, int64, float32, float64
string, uuid               string
bytes, fixed(n)            binary, fixed_size_binary(n) (so ``duration`` keeps its 12 bytes)
decimal(p, s)              decimal128(p, s); decimal256 above 38 digits
date                       date32
time-millis, time-micros   time32(ms), time64(us)
timestamp-*                timestamp(ms|us|ns, UTC)
local-timestamp-*          timestamp(ms|us|ns) without a zone
enum                       dictionary<int32, string>; the dictionary is all symbols, in order
array, map                 list<item>, map<string, value>
record                     struct
``[null, T]``              T, nullable
any other union            struct with one nullable field per branch but null, named after its
                           type; one of them is set. Null as a whole if the null branch is
=========================  ===================================================================

The last row is a decision of ours: Parquet has no unions. Refused: recursive schemas, records
without fields, decimals over 76 digits, since neither Arrow nor Parquet can hold them.
"""

from functools import lru_cache

import pyarrow as pa

from schemas.errors import SchemaParseError
from schemas.model import AvroSchema
from schemas.nodes import (
    Array,
    Enum,
    Fixed,
    Map,
    Node,
    Record,
    Union,
    branch_names,
    recursive_record,
)

_PLAIN = {
    "null": pa.null(),
    "boolean": pa.bool_(),
    "int": pa.int32(),
    "long": pa.int64(),
    "float": pa.float32(),
    "double": pa.float64(),
    "bytes": pa.binary(),
    "string": pa.string(),
}
_UNITS = {"millis": "ms", "micros": "us", "nanos": "ns"}
_TIMES = {"date": pa.date32(), "time-millis": pa.time32("ms"), "time-micros": pa.time64("us")}


@lru_cache(512)
def arrow_schema(reader: AvroSchema) -> pa.Schema:
    """The Arrow schema of tables that are decoded for a reader.

    Args:
        reader: A record schema.

    Returns:
        One field per field of the record, nullable where the Avro type admits null.

    Raises:
        SchemaParseError: The schema is not a record, or has a part that no table can hold.
    """
    record = recursive_record(reader.root)
    if record is not None:
        raise SchemaParseError(
            reader.fullname,
            f"the record {record.name} contains itself, which no table can hold",
            "drop that field from the reader schema; the writer may keep it",
        )
    if not isinstance(reader.root, Record):
        raise SchemaParseError(reader.fullname, "is not a record, so it has no columns")
    return pa.schema(list(arrow_type(reader.root)))


def arrow_type(node: Node) -> pa.DataType:
    """The Arrow type of a type that isn't recursive.

    Args:
        node: The Avro type.

    Returns:
        Its Arrow type; see the table above.

    Raises:
        SchemaParseError: No table can hold it.
    """
    if isinstance(node, Record):
        if not node.fields:
            raise SchemaParseError(
                node.name, "has no fields, and Parquet cannot hold that", "give it a field"
            )
        return pa.struct([arrow_field(f.name, f.node) for f in node.fields])
    if isinstance(node, Array):
        return pa.list_(arrow_field("item", node.items))
    if isinstance(node, Map):
        return pa.map_(pa.string(), arrow_field("value", node.values))
    if isinstance(node, Union):
        return _union(node)
    if isinstance(node, Enum):
        return pa.dictionary(pa.int32(), pa.string())
    return _scalar(node)


def arrow_field(name: str, node: Node) -> pa.Field:
    """The Arrow field of a name and a type, nullable if the type admits null."""
    nullable = node.kind == "null" or (isinstance(node, Union) and node.null_index is not None)
    return pa.field(name, arrow_type(node), nullable=nullable)


def _union(node: Union) -> pa.DataType:
    if node.optional is not None:
        return arrow_type(node.optional)
    named = [(n, b) for n, b in zip(branch_names(node), node.branches, strict=True)]
    fields = [pa.field(n, arrow_type(b)) for n, b in named if b.kind != "null"]
    return pa.struct(fields) if fields else pa.null()


def _scalar(node: Node) -> pa.DataType:
    name = node.logical.name if node.logical else ""
    if node.logical and name == "decimal":
        return _decimal(node.logical.precision, node.logical.scale)
    if name in _TIMES:
        return _TIMES[name]
    if "timestamp-" in name:
        unit = _UNITS[name.rpartition("-")[2]]
        return pa.timestamp(unit, None if name.startswith("local-") else "UTC")
    return pa.binary(node.size) if isinstance(node, Fixed) else _PLAIN[node.kind]


def _decimal(precision: int, scale: int) -> pa.DataType:
    if precision > 76:
        raise SchemaParseError(
            "decimal", f"has {precision} digits, and Arrow holds 76 at most", "lower the precision"
        )
    make = pa.decimal128 if precision <= 38 else pa.decimal256
    return make(precision, scale)
