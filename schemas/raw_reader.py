"""The strict reader: one datum's bytes -> a raw value, refusing whatever the specification forbids.

Compiled once per schema into closures ``read(data, position) -> (raw value, next position)``. It is
written for exactness first: it is the oracle of the columnar decoder, and its verdict on a bad row
is the one that counts. (``fastavro`` accepts negative enum and union indexes, integers out of
range, overlong varints and trailing bytes.)

Encoding: Avro 1.12, "Binary Encoding". Overlong but in-range varints are legal there and accepted.
"""

import struct
import threading
from collections.abc import Callable
from typing import Any

from schemas.errors import DatumError
from schemas.nodes import Array, Enum, Fixed, Map, Node, Record, Union

Read = Callable[[bytes, int], tuple[Any, int]]

# Items without bytes (nulls) are bounded by nothing else: three bytes could ask for 2**62 of them.
MAX_EMPTY_ITEMS = 1024
# A recursive record nests at most this deep, whatever the stack of the caller has left.
MAX_DEPTH = 64


def compile_reader(node: Node) -> Read:
    """Compiles the strict reader of a type.

    Args:
        node: The writer's type.

    Returns:
        A function that reads one value. It raises ``DatumError``, or ``IndexError`` where the data
        end early; ``read_datum`` turns the latter into the former.
    """
    return _Compiler().compile(node)


def read_datum(read: Read, data: bytes) -> Any:
    """Reads one whole datum.

    Args:
        read: From ``compile_reader``.
        data: The datum, without any header.

    Returns:
        The raw value.

    Raises:
        DatumError: The first error in field order, else bytes that are left over.
    """
    try:
        value, end = read(data, 0)
    except IndexError:
        raise DatumError("truncated", "") from None
    if end != len(data):
        raise DatumError("trailing_bytes", "")
    return value


def read_long(data: bytes, at: int) -> tuple[int, int]:
    """Reads a zigzag varint of at most 64 bits."""
    byte = data[at]
    at += 1
    if byte < 0x80:
        return (byte >> 1) ^ -(byte & 1), at
    bits, shift = byte & 0x7F, 7
    while True:
        byte = data[at]
        at += 1
        bits |= (byte & 0x7F) << shift
        if byte < 0x80:
            break
        shift += 7
        if shift > 63:
            raise DatumError("varint_overflow", "")
    if bits >> 64:
        raise DatumError("varint_overflow", "")
    return (bits >> 1) ^ -(bits & 1), at


def below(step: str, error: DatumError) -> DatumError:
    """The same error, seen from the type that holds the field ``step``."""
    return DatumError(error.code, f"{step}.{error.field}" if error.field else step)


def minimum_size(node: Node, above: tuple[Node, ...] = ()) -> int:
    """The fewest bytes that a value can take."""
    if isinstance(node, Record):
        if node in above:
            return 0
        return sum(minimum_size(f.node, (*above, node)) for f in node.fields)
    if isinstance(node, Fixed):
        return node.size
    return {"null": 0, "float": 4, "double": 8}.get(node.kind, 1)


class _Depth(threading.local):
    levels = 0


class _Compiler:
    def __init__(self) -> None:
        self._records: dict[Node, Read] = {}

    def compile(self, node: Node) -> Read:
        if isinstance(node, Record):
            return self._record(node)
        if isinstance(node, Union):
            return self._union(node)
        if isinstance(node, Array):
            return _blocks(_in_step("item", self.compile(node.items)), minimum_size(node.items))
        if isinstance(node, Map):
            return _blocks(_entry(self.compile(node.values)), 1)
        return _leaf(node)

    def _record(self, node: Record) -> Read:
        if node in self._records:
            return self._records[node]
        # A record that holds itself finds this detour, which counts the levels.
        depth = _Depth()

        def nested(data: bytes, at: int) -> tuple[Any, int]:
            if depth.levels >= MAX_DEPTH:
                raise DatumError("too_deep", "")
            depth.levels += 1
            try:
                return read(data, at)
            finally:
                depth.levels -= 1

        self._records[node] = nested
        read = _record([f.name for f in node.fields], [self.compile(f.node) for f in node.fields])
        self._records[node] = read
        return read

    def _union(self, node: Union) -> Read:
        readers = [self.compile(b) for b in node.branches]
        count, plain = len(readers), node.optional is not None

        def read(data: bytes, at: int) -> tuple[Any, int]:
            index, at = read_long(data, at)
            if not 0 <= index < count:
                raise DatumError("union_index", "")
            value, at = readers[index](data, at)
            return (value if plain else (index, value)), at

        return read


def _record(names: list[str], readers: list[Read]) -> Read:
    def read(data: bytes, at: int) -> tuple[Any, int]:
        values: list[Any] = []
        append = values.append
        try:
            for field in readers:
                value, at = field(data, at)
                append(value)
        except IndexError:
            raise DatumError("truncated", names[len(values)]) from None
        except DatumError as error:
            raise below(names[len(values)], error) from None
        return tuple(values), at

    return read


def _in_step(step: str, inner: Read) -> Read:
    def read(data: bytes, at: int) -> tuple[Any, int]:
        try:
            return inner(data, at)
        except IndexError:
            raise DatumError("truncated", step) from None
        except DatumError as error:
            raise below(step, error) from None

    return read


def _entry(value: Read) -> Read:
    read_key, read_value = _in_step("key", _string), _in_step("value", value)

    def read(data: bytes, at: int) -> tuple[Any, int]:
        key, at = read_key(data, at)
        held, at = read_value(data, at)
        return (key, held), at

    return read


def _blocks(item: Read, item_size: int) -> Read:
    def read(data: bytes, at: int) -> tuple[Any, int]:
        items: list[Any] = []
        while True:
            count, at = read_long(data, at)
            if count == 0:
                return items, at
            end = None
            if count < 0:
                # A negative count is followed by the size of the block in bytes.
                size, at = read_long(data, at)
                count, end = -count, at + size
            if not item_size and len(items) + count > MAX_EMPTY_ITEMS:
                raise DatumError("too_many_items", "")
            for _ in range(count):
                value, at = item(data, at)
                items.append(value)
            if end is not None and at != end:
                raise DatumError("block_size", "")

    return read


def _leaf(node: Node) -> Read:
    if isinstance(node, Enum):
        return _enum(len(node.symbols))
    if isinstance(node, Fixed):
        return _decimal(node, _fixed(node.size))
    if node.kind == "bytes":
        return _decimal(node, _bytes)
    if node.logical and node.logical.day:
        return _time(_LEAVES[node.kind], node.logical.day)
    return _LEAVES[node.kind]


def _null(data: bytes, at: int) -> tuple[None, int]:
    return None, at


def _boolean(data: bytes, at: int) -> tuple[bool, int]:
    byte = data[at]
    if byte > 1:
        raise DatumError("boolean", "")
    return byte == 1, at + 1


def _int(data: bytes, at: int) -> tuple[int, int]:
    value, at = read_long(data, at)
    if not -0x8000_0000 <= value <= 0x7FFF_FFFF:
        raise DatumError("int_range", "")
    return value, at


def _bytes(data: bytes, at: int) -> tuple[bytes, int]:
    size, at = read_long(data, at)
    if size < 0:
        raise DatumError("negative_length", "")
    end = at + size
    if end > len(data):
        raise DatumError("truncated", "")
    return data[at:end], end


def _string(data: bytes, at: int) -> tuple[str, int]:
    value, at = _bytes(data, at)
    try:
        return value.decode(), at
    except UnicodeDecodeError:
        raise DatumError("utf8", "") from None


def _enum(count: int) -> Read:
    def read(data: bytes, at: int) -> tuple[int, int]:
        index, at = read_long(data, at)
        if not 0 <= index < count:
            raise DatumError("enum_index", "")
        return index, at

    return read


def _fixed(size: int) -> Read:
    def read(data: bytes, at: int) -> tuple[bytes, int]:
        end = at + size
        if end > len(data):
            raise DatumError("truncated", "")
        return data[at:end], end

    return read


def _floating(layout: str) -> Read:
    unpack, read_bytes = struct.Struct(layout).unpack, _fixed(struct.calcsize(layout))

    def read(data: bytes, at: int) -> tuple[float, int]:
        value, at = read_bytes(data, at)
        return unpack(value)[0], at

    return read


def _decimal(node: Node, inner: Read) -> Read:
    if node.logical is None:
        return inner
    limit = 10**node.logical.precision

    def read(data: bytes, at: int) -> tuple[int, int]:
        value, at = inner(data, at)
        unscaled = int.from_bytes(value, "big", signed=True)
        if not -limit < unscaled < limit:
            raise DatumError("decimal_precision", "")
        return unscaled, at

    return read


def _time(inner: Read, day: int) -> Read:
    def read(data: bytes, at: int) -> tuple[int, int]:
        value, at = inner(data, at)
        if not 0 <= value < day:
            raise DatumError("time_of_day", "")
        return value, at

    return read


_LEAVES: dict[str, Read] = {
    "null": _null,
    "boolean": _boolean,
    "int": _int,
    "long": read_long,
    "float": _floating("<f"),
    "double": _floating("<d"),
    "string": _string,
}
