"""Raw values -> Arrow arrays: how the strict path joins the columnar one."""

from collections.abc import Sequence
from decimal import Context, Decimal
from typing import Any

import numpy as np
import pyarrow as pa

from schemas.arrow_types import arrow_type
from schemas.columnar import arrays
from schemas.nodes import Array, Enum, Map, Node, Record, Union
from schemas.raw_values import zero_value

_EXACT = Context(prec=100)
_STORAGE = {"int": pa.int32(), "long": pa.int64()}


def build_array(node: Node, values: Sequence[Any]) -> pa.Array:
    """Makes the array that the columnar decoder would make.

    Args:
        node: The type of the values; not recursive.
        values: Raw values (see ``schemas.raw_values``); None is null, whatever the type.

    Returns:
        An array of ``arrow_type(node)``.
    """
    kind = arrow_type(node)
    valid = _valid(values)
    if isinstance(node, Record):
        return _build_record(node, kind, values, valid)
    if isinstance(node, Array):
        items = [item for value in values if value is not None for item in value]
        return arrays.lists(kind, _counts(values), build_array(node.items, items), valid)
    if isinstance(node, Map):
        return _build_map(node, kind, values, valid)
    if isinstance(node, Union):
        return _build_union(node, kind, values)
    if isinstance(node, Enum):
        indexes = pa.array(values, pa.int32())
        return pa.DictionaryArray.from_arrays(indexes, pa.array(node.symbols, pa.string()))
    return _build_scalar(node, kind, values)


def _valid(values: Sequence[Any]) -> arrays.Mask | None:
    valid = np.fromiter((v is not None for v in values), np.bool_, len(values))
    return None if valid.all() else valid


def _counts(values: Sequence[Any]) -> arrays.Ints:
    return np.fromiter((0 if v is None else len(v) for v in values), np.int64, len(values))


def _build_record(
    node: Record, kind: pa.DataType, values: Sequence[Any], valid: arrays.Mask | None
) -> pa.Array:
    zeros: Any = None if valid is None else zero_value(node)
    filled = [zeros if v is None else v for v in values]
    parts = [build_array(f.node, [v[i] for v in filled]) for i, f in enumerate(node.fields)]
    return arrays.structs(kind, parts, valid, len(values))


def _build_map(
    node: Map, kind: pa.DataType, values: Sequence[Any], valid: arrays.Mask | None
) -> pa.Array:
    entries = [entry for value in values if value is not None for entry in value]
    keys = pa.array([k for k, _ in entries], pa.string())
    held = build_array(node.values, [v for _, v in entries])
    return arrays.maps(kind, _counts(values), keys, held, valid)


def _build_union(node: Union, kind: pa.DataType, values: Sequence[Any]) -> pa.Array:
    if node.optional is not None:
        return build_array(node.optional, values)
    if pa.types.is_null(kind):
        return pa.nulls(len(values))
    branches = [-1 if v is None or v[0] == node.null_index else v[0] for v in values]
    parts = [
        build_array(b, [v[1] if at == i else None for at, v in zip(branches, values, strict=True)])
        for i, b in enumerate(node.branches)
        if b.kind != "null"
    ]
    valid = np.array(branches, np.int64) >= 0
    return arrays.structs(kind, parts, None if valid.all() else valid, len(values))


def _build_scalar(node: Node, kind: pa.DataType, values: Sequence[Any]) -> pa.Array:
    if node.logical and node.logical.name == "decimal":
        scale = -node.logical.scale
        scaled = (None if v is None else Decimal(v).scaleb(scale, _EXACT) for v in values)
        return pa.array(scaled, kind, size=len(values))
    if node.kind in _STORAGE and node.logical:
        return pa.array(values, _STORAGE[node.kind]).view(kind)
    return pa.array(values, kind)
