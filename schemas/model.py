"""``AvroSchema``: one parsed schema, immutable and hashable.

Two schemas are equal if their JSON is: attributes such as ``phi`` and ``aliases`` count, the order
of keys and white space do not. The fingerprint says less: it is that of the Parsing Canonical Form,
which drops whatever has no effect on the bytes of a datum.
"""

import json
from functools import cached_property
from typing import Any

from schemas.errors import SchemaParseError
from schemas.nodes import Array, Enum, Field, Fixed, Map, Named, Node, Record, Union
from schemas.parsing import parse_node

_CRC_EMPTY = 0xC15D213AA4D7A795


def _crc_table() -> tuple[int, ...]:
    def entry(value: int) -> int:
        for _ in range(8):
            value = (value >> 1) ^ (_CRC_EMPTY & -(value & 1))
        return value

    return tuple(map(entry, range(256)))


_CRC_TABLE = _crc_table()


class AvroSchema:
    """A parsed Avro schema. Made by ``AvroSchema.parse``; pickles as its text.

    Attributes:
        root: The typed tree, for this package's own use.
    """

    def __init__(self, text: str, root: Node) -> None:
        self._text = text
        self.root = root

    @classmethod
    def parse(cls, document: str | bytes | dict[str, Any] | list[Any]) -> "AvroSchema":
        """Parses a schema.

        Args:
            document: JSON text, or its decoded form.

        Returns:
            The schema.

        Raises:
            SchemaParseError: It is not JSON, or breaks a rule of the Avro specification.
        """
        if isinstance(document, str | bytes):
            try:
                document = json.loads(document)
            except ValueError as error:
                place = f"line {getattr(error, 'lineno', 1)}"
                raise SchemaParseError(place, "is not JSON") from None
        text = json.dumps(document, sort_keys=True, separators=(",", ":"))
        return cls(text, parse_node(document))

    @property
    def fullname(self) -> str:
        """Namespace and name; for a schema without a name, its type."""
        return self.root.name if isinstance(self.root, Named) else self.root.kind

    @property
    def name(self) -> str:
        """The name without the namespace."""
        return self.fullname.rpartition(".")[2]

    @property
    def fields(self) -> tuple[Field, ...]:
        """The fields of a record in order; empty for any other type."""
        return self.root.fields if isinstance(self.root, Record) else ()

    @property
    def json(self) -> Any:
        """The decoded JSON with all attributes; a fresh copy at each call."""
        return json.loads(self._text)

    @cached_property
    def canonical(self) -> str:
        """The Parsing Canonical Form (Avro 1.12, "Transforming into Parsing Canonical Form")."""
        return _canonical(self.root, set())

    @cached_property
    def fingerprint(self) -> int:
        """CRC-64-AVRO of the canonical form, unsigned (Avro 1.12, "Schema Fingerprints")."""
        crc = _CRC_EMPTY
        for byte in self.canonical.encode():
            crc = (crc >> 8) ^ _CRC_TABLE[(crc ^ byte) & 0xFF]
        return crc

    def __eq__(self, other: object) -> bool:
        return isinstance(other, AvroSchema) and self._text == other._text

    def __hash__(self) -> int:
        return hash(self._text)

    def __repr__(self) -> str:
        return f"AvroSchema({self.fullname}, fingerprint={self.fingerprint:016x})"

    def __reduce__(self) -> tuple[Any, ...]:
        return AvroSchema.parse, (self._text,)


def _canonical(node: Node, seen: set[str]) -> str:
    if isinstance(node, Named):
        if node.name in seen:
            return f'"{node.name}"'
        seen.add(node.name)
        return _canonical_named(node, seen)
    if isinstance(node, Array):
        return f'{{"type":"array","items":{_canonical(node.items, seen)}}}'
    if isinstance(node, Map):
        return f'{{"type":"map","values":{_canonical(node.values, seen)}}}'
    if isinstance(node, Union):
        return "[" + ",".join(_canonical(b, seen) for b in node.branches) + "]"
    return f'"{node.kind}"'


def _canonical_named(node: Named, seen: set[str]) -> str:
    head = f'{{"name":"{node.name}","type":"{node.kind}"'
    if isinstance(node, Fixed):
        return f'{head},"size":{node.size}}}'
    if isinstance(node, Enum):
        symbols = ",".join(f'"{s}"' for s in node.symbols)
        return f'{head},"symbols":[{symbols}]}}'
    fields = ",".join(
        f'{{"name":"{f.name}","type":{_canonical(f.node, seen)}}}' for f in node.fields
    )
    return f'{head},"fields":[{fields}]}}'
