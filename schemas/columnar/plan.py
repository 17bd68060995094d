"""The lock-step plan of a writer schema: one column per field, compiled once."""

from functools import lru_cache

import pyarrow as pa

from schemas.arrow_types import arrow_schema, arrow_type
from schemas.columnar.arrays import Ints, Mask
from schemas.columnar.binary import Binary, Text
from schemas.columnar.cursor import Bytes, Cursor, Data
from schemas.columnar.leaves import (
    Boolean,
    Column,
    Decimal,
    Double,
    FixedBytes,
    FixedWidth,
    Float,
    Int,
    Long,
    Null,
    Symbol,
    TimeOfDay,
)
from schemas.columnar.nested import Blocks, Branches, Optional, Struct
from schemas.columnar.slots import Slots
from schemas.errors import SchemaParseError
from schemas.model import AvroSchema
from schemas.nodes import Array, Enum, Fixed, Map, Node, Record, Union

_SIMPLE: dict[str, type[Column]] = {
    "null": Null,
    "boolean": Boolean,
    "int": Int,
    "long": Long,
    "float": Float,
    "double": Double,
    "bytes": Binary,
    "string": Text,
}


class LockStep:
    """Reads batches of datums of one writer schema."""

    def __init__(self, root: Record) -> None:
        self._root = Struct(arrow_type(root), [_column(f.node) for f in root.fields])
        self._reach = reach(root)

    def read(self, data: Bytes, starts: Ints, ends: Ints) -> tuple[list[pa.Array], Mask]:
        """Reads one batch.

        Args:
            data: The bytes of the datums.
            starts: Where each datum begins. Datums must not overlap, and must ascend.
            ends: Where each datum ends.

        Returns:
            One array per field of the writer, and which rows are good. What the arrays hold for
            the other rows means nothing.
        """
        cursor = Cursor.begin(Data(data, self._reach), starts, ends)
        columns = self._root.read_fields(cursor, Slots(len(starts)))
        return columns, ~cursor.bad & (cursor.at == ends)


@lru_cache(512)
def lock_step(writer: AvroSchema) -> LockStep | None:
    """The lock-step plan of a schema.

    Args:
        writer: The schema of the datums.

    Returns:
        The plan, or None for a schema that Arrow cannot hold, such as a recursive one.
    """
    try:
        arrow_schema(writer)
    except SchemaParseError:
        return None
    return LockStep(writer.root) if isinstance(writer.root, Record) else None


def reach(node: Node) -> int:
    """How far a value can lead into the padding, whether it begins in front of it or inside.

    The padding is zeros, so numbers, lengths and counts take one byte there. But the tag of a union
    may still lie in front of it, and say any branch; and so may the count of an array, whose rows
    are looked at again after each item.
    """
    if isinstance(node, Record):
        return sum(reach(f.node) for f in node.fields)
    if isinstance(node, Union):
        return 1 + max(reach(branch) for branch in node.branches)
    if isinstance(node, Array | Map):
        return 2 + reach(node.items if isinstance(node, Array) else node.values)
    if isinstance(node, Fixed):
        return node.size
    return {"null": 0, "float": 4, "double": 8}.get(node.kind, 1)


def _column(node: Node) -> Column:
    kind = arrow_type(node)
    if isinstance(node, Record):
        return Struct(kind, [_column(f.node) for f in node.fields])
    if isinstance(node, Union):
        return _union(node, kind)
    if isinstance(node, Array):
        return Blocks(kind, [_column(node.items)])
    if isinstance(node, Map):
        return Blocks(kind, [Text(pa.string()), _column(node.values)])
    if isinstance(node, Enum):
        return Symbol(kind, node.symbols)
    if node.logical and node.logical.name == "decimal":
        return Decimal(kind, node.size if isinstance(node, Fixed) else None)
    if isinstance(node, Fixed):
        return FixedBytes(kind, node.size)
    column = _SIMPLE[node.kind](kind)
    if isinstance(column, FixedWidth) and node.logical and node.logical.day:
        return TimeOfDay(column, node.logical.day)
    return column


def _union(node: Union, kind: pa.DataType) -> Column:
    null = node.null_index
    if node.optional is not None and null is not None:
        return Optional(_column(node.optional), null)
    branches = [None if b.kind == "null" else _column(b) for b in node.branches]
    return Branches(kind, branches) if any(branches) else _OnlyNull(kind)


class _OnlyNull(Column):
    """The union of null alone: its tag is all there is."""

    def read(self, cursor: Cursor, slots: Slots) -> pa.Array:
        """See ``Column.read``."""
        cursor.indexes(1)
        return pa.nulls(slots.size, self.kind)
