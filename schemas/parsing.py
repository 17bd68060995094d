"""JSON -> typed tree, by the rules of the Avro specification (1.12, "Schema Declaration").

Unknown attributes are left alone and unknown logical types are ignored, as the specification asks.
A ``decimal`` that is wrongly declared is refused instead of ignored: read as plain bytes, its
amounts would silently turn into garbage.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NoReturn, TypeVar

from schemas.errors import SchemaParseError
from schemas.nodes import (
    PRIMITIVES,
    Array,
    Enum,
    Field,
    Fixed,
    Logical,
    Map,
    Named,
    Node,
    Primitive,
    Record,
    Union,
)
from schemas.raw_values import raw_default

_NamedT = TypeVar("_NamedT", Enum, Fixed, Record)
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_LOGICAL_KINDS = {
    "uuid": "string",
    "date": "int",
    "time-millis": "int",
    "time-micros": "long",
    "timestamp-millis": "long",
    "timestamp-micros": "long",
    "timestamp-nanos": "long",
    "local-timestamp-millis": "long",
    "local-timestamp-micros": "long",
    "local-timestamp-nanos": "long",
}
# Deeper nesting than any contract has; keeps a hostile schema from exhausting the stack.
_MAX_DEPTH = 64


def parse_node(document: Any) -> Node:
    """Parses a schema.

    Args:
        document: The decoded JSON of the schema: an object, an array or a type's name.

    Returns:
        The root of the typed tree.

    Raises:
        SchemaParseError: A rule is broken.
    """
    parser = _Parser()
    root = parser.node(document, _Place("", "", 0))
    parser.set_defaults()
    return root


@dataclass(frozen=True)
class _Place:
    """Where the parser stands: the path for messages, and the namespace for names."""

    path: str
    namespace: str
    depth: int

    def down(self, step: str, namespace: str | None = None) -> "_Place":
        path = f"{self.path}.{step}" if self.path and step else self.path or step
        return _Place(path, self.namespace if namespace is None else namespace, self.depth + 1)

    def refuse(self, rule: str, remedy: str = "") -> NoReturn:
        raise SchemaParseError(self.path or "(root)", rule, remedy)


@dataclass
class _Parser:
    names: dict[str, Named] = field(default_factory=dict)
    # Defaults are checked last: a field's type may be a record that is not complete yet.
    defaults: list[tuple[_Place, Field, Any]] = field(default_factory=list)

    def node(self, document: Any, place: _Place) -> Node:
        if place.depth > _MAX_DEPTH:
            place.refuse(f"is nested deeper than {_MAX_DEPTH} levels")
        if isinstance(document, str):
            return self._by_name(document, place)
        if isinstance(document, list):
            return self._union(document, place)
        if not isinstance(document, dict):
            place.refuse("is neither a name, an object nor an array")
        kind = document.get("type")
        if isinstance(kind, dict | list):
            return self.node(kind, place.down(""))
        builders: dict[Any, Callable[[dict[str, Any], _Place], Node]] = {
            "record": self._record,
            "enum": self._enum,
            "fixed": self._fixed,
            "array": self._array,
            "map": self._map,
        }
        if kind in builders:
            return builders[kind](document, place)
        if kind in PRIMITIVES:
            return Primitive(kind, _logical(document, kind, place))
        if not isinstance(kind, str):
            place.refuse("has no type", 'write {"type": ...}')
        return self._by_name(kind, place)

    def set_defaults(self) -> None:
        # In order of completion, since a record's default may lean on those of its own fields.
        for place, made, value in self.defaults:
            try:
                object.__setattr__(made, "default", raw_default(made.node, value))
            except ValueError as error:
                place.refuse(f"the default {error}")

    def _by_name(self, name: str, place: _Place) -> Node:
        if name in PRIMITIVES:
            return Primitive(name)
        local = f"{place.namespace}.{name}" if place.namespace and "." not in name else name
        found = self.names.get(local) or self.names.get(name)
        if found is None:
            place.refuse(f"names the unknown type {name!r}", "define a type before its use")
        return found

    def _union(self, document: list[Any], place: _Place) -> Union:
        branches = tuple(self.node(d, place.down("")) for d in document)
        if not branches:
            place.refuse("is a union without branches")
        if any(isinstance(b, Union) for b in branches):
            place.refuse("holds a union directly inside a union")
        keys = [b.name if isinstance(b, Named) else b.kind for b in branches]
        if len(set(keys)) < len(keys):
            place.refuse("holds two branches of one type", "only named types may repeat a kind")
        return Union(branches)

    def _array(self, document: dict[str, Any], place: _Place) -> Array:
        if "items" not in document:
            place.refuse("is an array without items")
        return Array(self.node(document["items"], place.down("item")))

    def _map(self, document: dict[str, Any], place: _Place) -> Map:
        if "values" not in document:
            place.refuse("is a map without values")
        return Map(self.node(document["values"], place.down("value")))

    def _enum(self, document: dict[str, Any], place: _Place) -> Enum:
        name, aliases, here = self._header(document, place)
        symbols = document.get("symbols")
        if not isinstance(symbols, list) or not symbols:
            here.refuse("is an enum without symbols")
        if not all(isinstance(s, str) and _NAME.match(s) for s in symbols):
            here.refuse("has a symbol that is not a name")
        if len(set(symbols)) < len(symbols):
            here.refuse("has a symbol twice")
        default = document.get("default")
        if default is not None and default not in symbols:
            here.refuse("has a default that is none of its symbols")
        return self._declare(Enum(name, tuple(symbols), default, aliases), here)

    def _fixed(self, document: dict[str, Any], place: _Place) -> Fixed:
        name, aliases, here = self._header(document, place)
        size = document.get("size")
        if not isinstance(size, int) or isinstance(size, bool) or size < 0:
            here.refuse("has no size that is a whole number of bytes")
        logical = _logical(document, "fixed", here, size)
        return self._declare(Fixed(name, size, aliases, logical), here)

    def _record(self, document: dict[str, Any], place: _Place) -> Record:
        name, aliases, here = self._header(document, place)
        record = self._declare(Record(name, aliases), here)
        fields = document.get("fields")
        if not isinstance(fields, list):
            here.refuse("is a record without fields")
        made = tuple(self._field(f, here) for f in fields)
        if len({f.name for f in made}) < len(made):
            here.refuse("has two fields of one name")
        record.fields = made
        return record

    def _field(self, document: Any, place: _Place) -> Field:
        if not isinstance(document, dict) or not _is_name(document.get("name")):
            place.refuse("has a field whose name is not letters, digits and underscores")
        here = place.down(document["name"])
        if "type" not in document:
            here.refuse("has no type", 'write "type": ...')
        node = self.node(document["type"], here)
        made = Field(document["name"], node, _aliases(document, here), "default" in document)
        if made.has_default:
            self.defaults.append((here, made, document["default"]))
        return made

    def _header(
        self, document: dict[str, Any], place: _Place
    ) -> tuple[str, tuple[str, ...], _Place]:
        name = document.get("name")
        if not isinstance(name, str) or not all(_is_name(n) for n in name.split(".")):
            place.refuse("has a type whose name is not letters, digits and underscores")
        namespace = document.get("namespace", place.namespace) or ""
        if not isinstance(namespace, str):
            place.refuse("has a namespace that is not text")
        if "." in name:
            namespace, _, name = name.rpartition(".")
        if name in PRIMITIVES:
            place.refuse(f"gives the name of the primitive type {name} to another type")
        # Only the root adds its name to the path: fields say the rest.
        here = place.down("" if place.path else name, namespace)
        fullname = _full(name, namespace)
        return fullname, tuple(_full(a, namespace) for a in _aliases(document, here)), here

    def _declare(self, node: _NamedT, place: _Place) -> _NamedT:
        if node.name in self.names:
            place.refuse(f"defines the type {node.name} a second time")
        self.names[node.name] = node
        return node


def _is_name(name: Any) -> bool:
    return isinstance(name, str) and _NAME.match(name) is not None


def _full(name: str, namespace: str) -> str:
    return f"{namespace}.{name}" if namespace and "." not in name else name


def _aliases(document: dict[str, Any], place: _Place) -> tuple[str, ...]:
    aliases = document.get("aliases", [])
    if not isinstance(aliases, list) or not all(isinstance(a, str) for a in aliases):
        place.refuse("has aliases that are not an array of names")
    return tuple(aliases)


def _logical(
    document: dict[str, Any], kind: str, place: _Place, size: int | None = None
) -> Logical | None:
    name = document.get("logicalType")
    if name == "decimal" and kind in ("bytes", "fixed"):
        return _decimal(document, place, size)
    if isinstance(name, str) and _LOGICAL_KINDS.get(name) == kind:
        return Logical(name)
    return None


def _decimal(document: dict[str, Any], place: _Place, size: int | None) -> Logical:
    precision, scale = document.get("precision"), document.get("scale", 0)
    if not _is_whole(precision) or precision < 1:  # type: ignore[operator]
        place.refuse("is a decimal without a precision of at least 1")
    if not _is_whole(scale) or not 0 <= scale <= precision:
        place.refuse("is a decimal whose scale is not between 0 and its precision")
    if size is not None and 10**precision > 1 << max(8 * size - 1, 0):  # type: ignore[operator]
        place.refuse(f"is a decimal whose precision does not fit into {size} bytes")
    return Logical("decimal", precision, scale)  # type: ignore[arg-type]


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
