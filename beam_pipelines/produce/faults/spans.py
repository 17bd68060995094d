"""Where the fields of an Avro datum stand in its bytes.

A walk over a sound datum of a flat record: primitives, logical types, enums, arrays of strings
and `["null", one of these]`, which is all that the stream's schemas have.
"""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Span:
    """A field's place.

    Attributes:
        name: The field.
        kind: `string`, `enum`, `decimal`, `int`, `long`, `array`, `boolean` or `null`.
        union: Where the union's branch stands, or None if the field is no union.
        start: Where the value begins (for text and bytes: its length).
        end: One past its last byte.
        symbols: How many symbols the enum has, else 0.
    """

    name: str
    kind: str
    union: int | None
    start: int
    end: int
    symbols: int = 0


def spans(schema: dict[str, Any], datum: bytes) -> list[Span]:
    """The spans of all fields, in their order; `datum` must be sound."""
    found = []
    position = 0
    for field in schema["fields"]:
        kind, union = field["type"], None
        if isinstance(kind, list):
            union = position
            branch, position = read_long(datum, position)
            kind = kind[branch]
        name = _kind(kind)
        end = _skip(name, datum, position)
        symbols = len(kind["symbols"]) if name == "enum" else 0
        found.append(Span(field["name"], name, union, position, end, symbols))
        position = end
    return found


def _kind(kind: Any) -> str:
    if isinstance(kind, str):
        return kind
    return "decimal" if kind.get("logicalType") == "decimal" else str(kind["type"])


def _skip(kind: str, datum: bytes, position: int) -> int:
    if kind == "null":
        return position
    if kind == "boolean":
        return position + 1
    if kind == "array":
        return _skip_strings(datum, position)
    value, position = read_long(datum, position)
    return position + value if kind in ("string", "bytes", "decimal") else position


def _skip_strings(datum: bytes, position: int) -> int:
    count, position = read_long(datum, position)
    while count:
        for _ in range(count):
            position = _skip("string", datum, position)
        count, position = read_long(datum, position)
    return position


def read_long(data: bytes, position: int) -> tuple[int, int]:
    """An Avro int or long at `position`, and the position after it."""
    shift = raw = 0
    while True:
        byte = data[position]
        raw |= (byte & 0x7F) << shift
        position, shift = position + 1, shift + 7
        if byte < 0x80:
            return (raw >> 1) ^ -(raw & 1), position


def write_long(value: int) -> bytes:
    """An int or long as Avro writes it: zigzag, then seven bits a byte, the low ones first."""
    raw = value << 1 if value >= 0 else (-value << 1) - 1
    out = bytearray()
    while raw > 0x7F:
        out.append(raw & 0x7F | 0x80)
        raw >>= 7
    return bytes([*out, raw])
