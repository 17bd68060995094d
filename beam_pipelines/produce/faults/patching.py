"""Sound messages with other values in some of their fields, and the values that they have."""

from collections.abc import Mapping
from typing import Any, TypeAlias

from beam_pipelines.produce.faults.malformed import Sound
from beam_pipelines.produce.faults.spans import Span, read_long, write_long

Value: TypeAlias = bool | int | str | list[str] | None
"""A field's value as Avro stores it: decimals unscaled, dates in days, times in microseconds."""


def patched(sound: Sound, changes: Mapping[str, Value]) -> bytes:
    """The message with the given values in the fields of these names, all others as they are.

    Raises:
        KeyError: The message's schema has no such field.
    """
    types = {field["name"]: field["type"] for field in sound.contract.schema["fields"]}
    written = {name: _field(types[name], value) for name, value in changes.items()}
    parts = [sound.header]
    for span in sound.spans:
        begin = span.start if span.union is None else span.union
        parts.append(written.get(span.name, sound.datum[begin : span.end]))
    return b"".join(parts)


def values_of(sound: Sound) -> dict[str, Value]:
    """The values of all fields, by name; enums as their symbol."""
    types = {field["name"]: field["type"] for field in sound.contract.schema["fields"]}
    return {span.name: _read(sound, span, types[span.name]) for span in sound.spans}


def _read(sound: Sound, span: Span, kind: Any) -> Value:
    data = sound.datum[span.start : span.end]
    match span.kind:
        case "null":
            return None
        case "string":
            return data[read_long(data, 0)[1] :].decode()
        case "decimal":
            return int.from_bytes(data[read_long(data, 0)[1] :], "big", signed=True)
        case "enum":
            symbols: list[str] = (kind[1] if isinstance(kind, list) else kind)["symbols"]
            return symbols[read_long(data, 0)[0]]
        case "boolean":
            return data == b"\x01"
        case "array":
            return _strings(data)
    return read_long(data, 0)[0]


def _strings(data: bytes) -> list[str]:
    found: list[str] = []
    count, position = read_long(data, 0)
    while count:
        for _ in range(count):
            length, position = read_long(data, position)
            found.append(data[position : position + length].decode())
            position += length
        count, position = read_long(data, position)
    return found


def _field(kind: Any, value: Value) -> bytes:
    if not isinstance(kind, list):
        return _plain(kind, value)
    return b"\x00" if value is None else write_long(1) + _plain(kind[1], value)


def _plain(kind: Any, value: Value) -> bytes:
    if isinstance(value, bool):
        return bytes([value])
    if isinstance(value, int):
        return _number(kind, value)
    if isinstance(value, str):
        symbols = kind.get("symbols") if isinstance(kind, dict) else None
        return write_long(symbols.index(value)) if symbols else _text(value)
    assert value is not None
    return (write_long(len(value)) + b"".join(map(_text, value)) if value else b"") + b"\x00"


def _number(kind: Any, value: int) -> bytes:
    if isinstance(kind, dict) and kind.get("logicalType") == "decimal":
        # One bit more than the number has, for its sign.
        data = value.to_bytes(value.bit_length() // 8 + 1, "big", signed=True)
        return write_long(len(data)) + data
    return write_long(value)


def _text(value: str) -> bytes:
    data = value.encode()
    return write_long(len(data)) + data
