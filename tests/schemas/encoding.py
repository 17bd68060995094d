"""An Avro encoder of raw values for tests: small, and not the code under test."""

import struct
from typing import Any

from schemas.nodes import Array, Enum, Fixed, Map, Node, Record, Union


def varint(value: int) -> bytes:
    """A zigzag varint of a number of up to 64 bits."""
    bits = ((value << 1) ^ (value >> 63)) & (1 << 64) - 1
    return bare_varint(bits)


def bare_varint(bits: int) -> bytes:
    """A varint of the bits as they are, of any size."""
    out = bytearray()
    while bits > 0x7F:
        out.append(bits & 0x7F | 0x80)
        bits >>= 7
    return bytes([*out, bits])


def sized(data: bytes) -> bytes:
    """Bytes behind their length."""
    return varint(len(data)) + data


def encode(node: Node, raw: Any, blocks: int = 0) -> bytes:
    """Encodes a raw value.

    Args:
        node: Its type.
        raw: The value, as ``schemas.raw_values`` describes it.
        blocks: 0: arrays and maps in one block; n: in blocks of n items that tell their size.
    """
    if isinstance(node, Record):
        pairs = zip(node.fields, raw, strict=True)
        return b"".join(encode(f.node, value, blocks) for f, value in pairs)
    if isinstance(node, Array):
        return _blocks([encode(node.items, item, blocks) for item in raw], blocks)
    if isinstance(node, Map):
        items = [sized(k.encode()) + encode(node.values, v, blocks) for k, v in raw]
        return _blocks(items, blocks)
    if isinstance(node, Union):
        return _union(node, raw, blocks)
    return _scalar(node, raw)


def _blocks(items: list[bytes], size: int) -> bytes:
    if not size:
        head = varint(len(items)) if items else b""
        return head + b"".join(items) + varint(0)
    out = b""
    for at in range(0, len(items), size):
        block = items[at : at + size]
        out += varint(-len(block)) + sized(b"".join(block))
    return out + varint(0)


def _union(node: Union, raw: Any, blocks: int) -> bytes:
    if node.optional is None:
        index, value = raw
    else:
        null, value = node.null_index or 0, raw
        index = null if raw is None else 1 - null
    return varint(index) + encode(node.branches[index], value, blocks)


def _scalar(node: Node, raw: Any) -> bytes:
    if node.logical and node.logical.name == "decimal":
        size = node.size if isinstance(node, Fixed) else (raw.bit_length() + 8) // 8
        data = raw.to_bytes(size, "big", signed=True)
        return data if isinstance(node, Fixed) else sized(data)
    if isinstance(node, Enum) or node.kind in ("int", "long"):
        return varint(raw)
    encoders = {
        "null": lambda: b"",
        "boolean": lambda: bytes([raw]),
        "float": lambda: struct.pack("<f", raw),
        "double": lambda: struct.pack("<d", raw),
        "fixed": lambda: raw,
        "bytes": lambda: sized(raw),
        "string": lambda: sized(raw.encode()),
    }
    return encoders[node.kind]()
