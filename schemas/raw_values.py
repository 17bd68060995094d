"""Raw values: what a datum holds, before Arrow or Python types are made of it.

The strict reader, the resolution of values, defaults and the row builder all speak this form:

=====================  =======================================================================
null                   ``None``
boolean, float, double ``bool``, ``float``
int, long              ``int``; dates and times stay the number that was written
bytes, fixed           ``bytes``; a decimal is its unscaled ``int``
string                 ``str``
enum                   ``int``, the index of the symbol
array                  ``list`` of raw values
map                    ``list`` of ``(key, raw value)`` in the order written
record                 ``tuple`` of raw values in the order of its fields
``[null, T]``          ``None`` or a raw ``T``
any other union        ``(index of the branch, raw value)``
=====================  =======================================================================

Raw values keep what Python values lose: the branch of a union, doubled map keys, and times outside
of Python's years.
"""

import datetime as dt
from collections.abc import Callable
from decimal import Context, Decimal
from typing import Any

from schemas.nodes import Array, Enum, Fixed, Map, Node, Record, Union

_RANGES = {"int": 31, "long": 63}
_EPOCH_DAY = dt.date(1970, 1, 1).toordinal()
_EPOCH = dt.datetime(1970, 1, 1)
_MICROSECONDS = {"millis": 1000, "micros": 1}
# Wide enough for decimal256: scaleb() rounds to the context's precision otherwise.
_EXACT = Context(prec=100)

_Python = Callable[[Any], Any]


def raw_default(node: Node, value: Any) -> Any:
    """Turns a default of a schema's JSON into a raw value.

    Args:
        node: The type of the field.
        value: The JSON value.

    Returns:
        The raw value; for a union, of the first branch that the value fits (Avro 1.12, "Complex
        Types: Records").

    Raises:
        ValueError: The value does not fit the type.
    """
    if isinstance(node, Union):
        return _union_default(node, value)
    if isinstance(node, Record):
        return _record_default(node, value)
    if isinstance(node, Array) and isinstance(value, list):
        return [raw_default(node.items, item) for item in value]
    if isinstance(node, Map) and isinstance(value, dict):
        return [(key, raw_default(node.values, item)) for key, item in value.items()]
    if isinstance(node, Enum) and value in node.symbols:
        return node.symbols.index(value)
    return _scalar_default(node, value)


def _scalar_default(node: Node, value: Any) -> Any:
    kind = node.kind
    if kind in ("bytes", "fixed") and isinstance(value, str):
        return _bytes_default(node, value)
    if kind in ("float", "double") and isinstance(value, int | float):
        if not isinstance(value, bool):
            return float(value)
    elif kind in _RANGES and isinstance(value, int) and not isinstance(value, bool):
        if -(1 << _RANGES[kind]) <= value < 1 << _RANGES[kind]:
            return value
    elif (
        (kind == "null" and value is None)
        or (kind == "boolean" and isinstance(value, bool))
        or (kind == "string" and isinstance(value, str))
    ):
        return value
    raise ValueError(f"is not a value of type {kind}")


def _bytes_default(node: Node, value: str) -> Any:
    try:
        data = value.encode("latin-1")  # code points 0-255 are the bytes 0-255
    except UnicodeEncodeError:
        raise ValueError("holds a character beyond U+00FF, which is no byte") from None
    if isinstance(node, Fixed) and len(data) != node.size:
        raise ValueError(f"is not {node.size} bytes long")
    if node.logical is None:
        return data
    unscaled = int.from_bytes(data, "big", signed=True)
    if abs(unscaled) >= 10**node.logical.precision:
        raise ValueError(f"has more than {node.logical.precision} digits")
    return unscaled


def _union_default(node: Union, value: Any) -> Any:
    for index, branch in enumerate(node.branches):
        try:
            raw = raw_default(branch, value)
        except ValueError:
            continue
        return raw if node.optional is not None else (index, raw)
    raise ValueError("fits no branch of the union")


def _record_default(node: Record, value: Any) -> tuple[Any, ...]:
    if not isinstance(value, dict):
        raise ValueError("is not an object with the record's fields")
    missing = [f.name for f in node.fields if f.name not in value and not f.has_default]
    if missing:
        raise ValueError(f"lacks the field {missing[0]}")
    return tuple(
        raw_default(f.node, value[f.name]) if f.name in value else f.default for f in node.fields
    )


def zero_value(node: Node) -> Any:
    """What a datum of nothing but zeros means, with null preferred: filler beneath null structs.

    Args:
        node: A type that is not recursive.

    Returns:
        The raw value.
    """
    if isinstance(node, Record):
        return tuple(zero_value(f.node) for f in node.fields)
    if isinstance(node, Union):
        null = node.null_index
        if node.optional is not None:
            return None
        return (0, zero_value(node.branches[0])) if null is None else (null, None)
    if isinstance(node, Array | Map):
        return []
    if node.logical is None and node.kind in ("bytes", "fixed"):
        return bytes(node.size if isinstance(node, Fixed) else 0)
    return {"null": None, "string": "", "boolean": False, "float": 0.0, "double": 0.0}.get(
        node.kind, 0
    )


def python_maker(node: Node) -> _Python:
    """Compiles the conversion from raw to Python values.

    Args:
        node: The type of the values.

    Returns:
        A function from a raw value to what ``fastavro`` would give, with three differences: a UUID
        stays text, and a date or timestamp beyond Python's years 1 to 9999, and any timestamp in
        nanoseconds, stays the integer that was written.
    """
    return _maker(node, {})


def _maker(node: Node, memo: dict[Node, _Python]) -> _Python:
    if node in memo:
        return memo[node]
    # A recursive record finds this detour, which looks itself up once all is compiled.
    memo[node] = lambda raw: made(raw)
    made = memo[node] = _make(node, memo)
    return made


def _make(node: Node, memo: dict[Node, _Python]) -> _Python:
    if isinstance(node, Record):
        makers = [(f.name, _maker(f.node, memo)) for f in node.fields]
        return lambda raw: {n: make(v) for (n, make), v in zip(makers, raw, strict=True)}
    if isinstance(node, Array):
        item = _maker(node.items, memo)
        return lambda raw: [item(v) for v in raw]
    if isinstance(node, Map):
        value = _maker(node.values, memo)
        return lambda raw: {k: value(v) for k, v in raw}
    if isinstance(node, Union):
        return _union_maker(node, memo)
    if isinstance(node, Enum):
        return node.symbols.__getitem__
    return _logical_maker(node)


def _union_maker(node: Union, memo: dict[Node, _Python]) -> _Python:
    if node.optional is not None:
        inner = _maker(node.optional, memo)
        return lambda raw: None if raw is None else inner(raw)
    branches = [_maker(b, memo) for b in node.branches]
    return lambda raw: branches[raw[0]](raw[1])


def _logical_maker(node: Node) -> _Python:
    name = node.logical.name if node.logical else ""
    if node.logical and name == "decimal":
        scale = -node.logical.scale
        return lambda raw: Decimal(raw).scaleb(scale, _EXACT)
    if name == "date":
        return lambda raw: _in_years(dt.date.fromordinal, raw + _EPOCH_DAY, raw)
    if name.endswith(("-millis", "-micros")):
        return _time_maker(name)
    return lambda raw: raw


def _time_maker(name: str) -> _Python:
    unit = _MICROSECONDS[name.rpartition("-")[2]]
    if name.startswith("time-"):
        return lambda raw: (_EPOCH + dt.timedelta(microseconds=raw * unit)).time()
    epoch = _EPOCH if name.startswith("local-") else _EPOCH.replace(tzinfo=dt.UTC)
    return lambda raw: _in_years(
        lambda micros: epoch + dt.timedelta(microseconds=micros), raw * unit, raw
    )


def _in_years(make: _Python, argument: int, raw: int) -> Any:
    try:
        return make(argument)
    except (OverflowError, ValueError):
        return raw
