"""The typed tree of a parsed Avro schema.

Nodes are compared by identity, since a recursive record holds itself. They are made by
``schemas.parsing`` only and never change afterwards.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

PRIMITIVES = ("null", "boolean", "int", "long", "float", "double", "bytes", "string")

_DAYS = {"time-millis": 86_400_000, "time-micros": 86_400_000_000}


@dataclass(frozen=True)
class Logical:
    """A logical type that this package knows; others are ignored, as the specification asks.

    Attributes:
        name: Such as ``timestamp-micros`` or ``decimal``.
        precision: Decimal digits; 0 for all but ``decimal``.
        scale: Digits after the point; 0 for all but ``decimal``.
    """

    name: str
    precision: int = 0
    scale: int = 0

    @property
    def day(self) -> int | None:
        """For a time of day, how many of its units a day has; values reach from 0 to below."""
        return _DAYS.get(self.name)


@dataclass(frozen=True, eq=False)
class Primitive:
    """A type without structure; ``kind`` is one of ``PRIMITIVES``."""

    kind: str
    logical: Logical | None = None


@dataclass(frozen=True, eq=False)
class Fixed:
    """``size`` bytes under a name."""

    name: str
    size: int
    aliases: tuple[str, ...] = ()
    logical: Logical | None = None
    kind: str = "fixed"


@dataclass(frozen=True, eq=False)
class Enum:
    """A closed list of symbols; ``default`` stands for symbols that the reader does not know."""

    name: str
    symbols: tuple[str, ...]
    default: str | None = None
    aliases: tuple[str, ...] = ()
    logical: None = None
    kind: str = "enum"


@dataclass(frozen=True, eq=False)
class Array:
    """A list of ``items``."""

    items: "Node"
    logical: None = None
    kind: str = "array"


@dataclass(frozen=True, eq=False)
class Map:
    """Entries from strings to ``values``."""

    values: "Node"
    logical: None = None
    kind: str = "map"


@dataclass(frozen=True, eq=False)
class Union:
    """One of several types, chosen per value by its index."""

    branches: tuple["Node", ...]
    logical: None = None
    kind: str = "union"

    @property
    def null_index(self) -> int | None:
        """Position of the null branch, if there is one."""
        return next((i for i, b in enumerate(self.branches) if b.kind == "null"), None)

    @property
    def optional(self) -> "Node | None":
        """``T`` where the union is ``[null, T]`` or ``[T, null]``; else None."""
        if len(self.branches) != 2 or self.null_index is None:
            return None
        return self.branches[1 - self.null_index]


@dataclass(frozen=True, eq=False)
class Field:
    """One field of a record.

    Attributes:
        name: Its name.
        node: Its type.
        aliases: Former names, by which a writer may know it.
        has_default: Whether a reader may fill it in.
        default: The raw value (see ``schemas.raw_values``) that it is filled in with.
    """

    name: str
    node: "Node"
    aliases: tuple[str, ...] = ()
    has_default: bool = False
    default: Any = None


@dataclass(eq=False)
class Record:
    """Named fields in order. ``fields`` is set once, after the name can be referred to."""

    name: str
    aliases: tuple[str, ...] = ()
    fields: tuple[Field, ...] = field(default=(), repr=False)
    logical: None = None
    kind: str = "record"


Named = Fixed | Enum | Record
Node = Primitive | Fixed | Enum | Array | Map | Union | Record


def short_name(fullname: str) -> str:
    """The name without its namespace."""
    return fullname.rpartition(".")[2]


def branch_names(union: Union) -> tuple[str, ...]:
    """A distinct name for each branch: its type, or its short name if no two share that."""
    named = [b.name for b in union.branches if isinstance(b, Named)]
    short = [short_name(n) for n in named]
    taken = set(PRIMITIVES) | {"array", "map"}

    def name(branch: Node) -> str:
        if not isinstance(branch, Named):
            return branch.kind
        candidate = short_name(branch.name)
        return candidate if short.count(candidate) == 1 and candidate not in taken else branch.name

    return tuple(name(b) for b in union.branches)


def children(node: Node) -> Iterator[Node]:
    """The types that a type is made of, in order."""
    if isinstance(node, Array):
        yield node.items
    elif isinstance(node, Map):
        yield node.values
    elif isinstance(node, Union):
        yield from node.branches
    elif isinstance(node, Record):
        yield from (f.node for f in node.fields)


def recursive_record(node: Node, above: tuple[Node, ...] = ()) -> Record | None:
    """The first record, depth first, that contains itself; None where there is none."""
    if isinstance(node, Record) and node in above:
        return node
    below = (*above, node)
    return next((r for c in children(node) if (r := recursive_record(c, below))), None)
