"""Compatibility of schema versions: can data written with one be read with the other?

The rules are those of the Avro 1.12 specification, "Schema Resolution", applied to schemas alone: a
finding is reported if *some* legal value of the writer couldn't be read. One rule is ours: a change
of logical type that keeps the bytes but alters their meaning (milliseconds to microseconds, another
scale) is a finding too. The levels are those of Confluent's Schema Registry.
"""

import enum
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from schemas.model import AvroSchema
from schemas.nodes import (
    Array,
    Enum,
    Field,
    Fixed,
    Logical,
    Map,
    Named,
    Node,
    Record,
    Union,
    short_name,
)

__all__ = ["Incompatibility", "Level", "Rule", "check"]

Rule = Literal[
    "type", "name", "missing_default", "enum_symbols", "fixed_size", "union_branch", "logical_type"
]


class Level(enum.Enum):
    """Which versions must be able to read which.

    ``BACKWARD``: the new one reads the latest old one. ``FORWARD``: the latest old one reads the
    new one. ``FULL``: both. ``..._TRANSITIVE``: all old ones, not only the latest. ``NONE``:
    nothing is checked.
    """

    NONE = "NONE"
    BACKWARD = "BACKWARD"
    BACKWARD_TRANSITIVE = "BACKWARD_TRANSITIVE"
    FORWARD = "FORWARD"
    FORWARD_TRANSITIVE = "FORWARD_TRANSITIVE"
    FULL = "FULL"
    FULL_TRANSITIVE = "FULL_TRANSITIVE"


@dataclass(frozen=True)
class Incompatibility:
    """Why a schema can't read another's data.

    Attributes:
        path: The reader's field, dotted as in ``DatumError``: ``name.item`` for the items of an
            array, ``name.value`` for the values of a map. Empty: the schema itself.
        rule: The rule that is broken.
        message: One sentence with the field, both types and the remedy.
        direction: ``new_reads_old`` or ``old_reads_new``.
        against: Index into the old schemas that were given.
    """

    path: str
    rule: Rule
    message: str
    direction: Literal["new_reads_old", "old_reads_new"]
    against: int


def check(
    new: AvroSchema,
    olds: Sequence[AvroSchema],
    level: Level,
    *,
    words: tuple[str, str] = ("new", "old"),
) -> list[Incompatibility]:
    """Checks a new schema version against those before it.

    Args:
        new: The version to be published.
        olds: The versions before it, oldest first.
        level: What must hold.
        words: What messages call the new version and an old one.

    Returns:
        All findings, old version by old version; empty if the level holds.
    """
    if level is Level.NONE:
        return []
    first = 0 if level.value.endswith("_TRANSITIVE") else max(0, len(olds) - 1)
    found: list[Incompatibility] = []
    for against in range(first, len(olds)):
        old = olds[against]
        if not level.value.startswith("FORWARD"):
            reading = _Reading(*words)
            for path, rule, text in reading.run(new, old):
                found.append(Incompatibility(path, rule, text, "new_reads_old", against))
        if not level.value.startswith("BACKWARD"):
            reading = _Reading(*reversed(words), keeps=True)
            for path, rule, text in reading.run(old, new):
                found.append(Incompatibility(path, rule, text, "old_reads_new", against))
    return found


_Finding = tuple[str, Rule, str]

_PROMOTIONS = {
    ("int", "long"),
    ("int", "float"),
    ("int", "double"),
    ("long", "float"),
    ("long", "double"),
    ("float", "double"),
    ("string", "bytes"),
    ("bytes", "string"),
}


class _Reading:
    """One walk over a reader's and a writer's tree.

    ``reader`` and ``writer`` are their names in texts. ``keeps`` if the reader is the old version,
    which can't be mended any more: the remedy lies with the writer.
    """

    def __init__(self, reader: str, writer: str, *, keeps: bool = False) -> None:
        self._reader, self._writer = reader, writer
        self._keeps = keeps
        self._seen: set[tuple[Node, Node]] = set()  # recursive records end here

    def run(self, reader: AvroSchema, writer: AvroSchema) -> Iterator[_Finding]:
        yield from self._type(reader.root, writer.root, "")

    def _type(self, reader: Node, writer: Node, path: str) -> Iterator[_Finding]:
        if isinstance(writer, Union):
            for branch in writer.branches:
                yield from self._branch(reader, branch, path)
        elif isinstance(reader, Union):
            yield from self._branch(reader, writer, path)
        elif reader.kind == writer.kind:
            yield from self._logical(reader, writer, path)
            yield from self._same_kind(reader, writer, path)
        elif (writer.kind, reader.kind) in _PROMOTIONS:
            yield from self._logical(reader, writer, path)
        else:
            yield self._type_differs(reader, writer, path)

    def _same_kind(self, reader: Node, writer: Node, path: str) -> Iterator[_Finding]:
        match reader, writer:
            case (Fixed() | Enum() | Record(), Fixed() | Enum() | Record()) if not _same_name(
                reader, writer
            ):
                yield self._name_differs(reader, writer, path)
            case Record(), Record():
                yield from self._record(reader, writer, path)
            case Enum(), Enum():
                yield from self._enum(reader, writer, path)
            case Fixed(), Fixed() if reader.size != writer.size:
                yield self._fixed_size(reader, writer, path)
            case Array(), Array():
                yield from self._type(reader.items, writer.items, _within(path, "item"))
            case Map(), Map():
                yield from self._type(reader.values, writer.values, _within(path, "value"))

    def _branch(self, reader: Node, writer: Node, path: str) -> Iterator[_Finding]:
        """A value of one type, read by a union or by a type that isn't one.

        The first of the reader's branches that matches is taken, as the specification asks: what is
        wrong inside it is a finding even if a later branch would do.
        """
        if not isinstance(reader, Union):
            yield from self._lone(reader, writer, path)
            return
        for candidate in reader.branches:
            if _matches(candidate, writer):
                yield from self._type(candidate, writer, path)
                return
        yield (
            path,
            "union_branch",
            f"{_at(path)}: no branch of the {self._reader} {_text(reader)} can hold the "
            f"{self._writer} version's {_text(writer)}; add that branch to the "
            f"{self._reader} version",
        )

    def _lone(self, reader: Node, writer: Node, path: str) -> Iterator[_Finding]:
        if writer.kind == "null" and reader.kind != "null":
            yield (
                path,
                "union_branch",
                f"{_at(path)}: the {self._writer} version may write null, which the "
                f"{self._reader} {_text(reader)} can't hold; make it [null, {_text(reader)}]",
            )
        else:
            yield from self._type(reader, writer, path)

    def _record(self, reader: Record, writer: Record, path: str) -> Iterator[_Finding]:
        if (reader, writer) in self._seen:
            return
        self._seen.add((reader, writer))
        written = {field.name: field for field in writer.fields}
        for field in reader.fields:
            where = _within(path, field.name)
            names = (field.name, *field.aliases)
            source = next((written[name] for name in names if name in written), None)
            if source is not None:
                yield from self._type(field.node, source.node, where)
            elif not field.has_default:
                yield self._missing_default(field, where)

    def _enum(self, reader: Enum, writer: Enum, path: str) -> Iterator[_Finding]:
        lost = [symbol for symbol in writer.symbols if symbol not in reader.symbols]
        if lost and reader.default is None:
            yield (
                path,
                "enum_symbols",
                f"{_at(path)}: the {self._reader} enum {reader.name} doesn't know "
                f"{', '.join(lost)} and has no default; give it a default symbol or add these",
            )

    def _logical(self, reader: Node, writer: Node, path: str) -> Iterator[_Finding]:
        if _misread(reader.logical, writer.logical):
            yield (
                path,
                "logical_type",
                f"{_at(path)}: the {self._reader} {_text(reader)} would misread the "
                f"{self._writer} version's {_text(writer)}; keep the logical type, or add a "
                "new field for the new one",
            )

    def _missing_default(self, field: Field, where: str) -> _Finding:
        remedy = "give it a default, or an alias that names the field it replaces"
        if self._keeps:
            remedy = (
                f"keep it in the {self._writer} version: readers of the {self._reader} one need it"
            )
        return (
            where,
            "missing_default",
            f"{_at(where)}: the {self._writer} version doesn't write it and the {self._reader} "
            f"version has no default; {remedy}",
        )

    def _type_differs(self, reader: Node, writer: Node, path: str) -> _Finding:
        text = (
            f"{_at(path)}: the {self._reader} {_text(reader)} can't hold the {self._writer} "
            f"version's {_text(writer)}; keep the type, widen it, or add a new field"
        )
        return path, "type", text

    def _name_differs(self, reader: Named, writer: Named, path: str) -> _Finding:
        text = (
            f"{_at(path)}: the {self._reader} {reader.kind} is {reader.name}, the {self._writer} "
            f"one {writer.name}; add {short_name(writer.name)} to the {self._reader} one's aliases"
        )
        return path, "name", text

    def _fixed_size(self, reader: Fixed, writer: Fixed, path: str) -> _Finding:
        text = (
            f"{_at(path)}: fixed {reader.name} has {reader.size} bytes in the {self._reader} "
            f"version and {writer.size} in the {self._writer} one; add a new type of the new size"
        )
        return path, "fixed_size", text


def _matches(reader: Node, writer: Node) -> bool:
    """Whether a reader's branch is the one for a writer's type ("match" in the specification)."""
    match reader, writer:
        case (Union(), _) | (_, Union()):
            return True  # decided value by value
        case Array(), Array():
            return _matches(reader.items, writer.items)
        case Map(), Map():
            return _matches(reader.values, writer.values)
        case Fixed(), Fixed():
            return reader.size == writer.size and _same_name(reader, writer)
        case Enum(), Enum():
            return _same_name(reader, writer)
        case Record(), Record():
            return _same_name(reader, writer)
    return reader.kind == writer.kind or (writer.kind, reader.kind) in _PROMOTIONS


def _same_name(reader: Named, writer: Named) -> bool:
    """Unqualified names are equal, or an alias of the reader's is the writer's name."""
    return short_name(reader.name) == short_name(writer.name) or writer.name in reader.aliases


def _misread(reader: Logical | None, writer: Logical | None) -> bool:
    """A type without a meaning takes any, save that a decimal without its scale is just bytes."""
    if reader == writer:
        return False
    names = {logical.name for logical in (reader, writer) if logical}
    return (reader is not None and writer is not None) or "decimal" in names


def _text(node: Node) -> str:
    """The type as an author would name it."""
    match node:
        case Union():
            return f"[{', '.join(map(_text, node.branches))}]"
        case Array():
            return f"array of {_text(node.items)}"
        case Map():
            return f"map of {_text(node.values)}"
    if node.logical and node.logical.name == "decimal":
        return f"decimal({node.logical.precision},{node.logical.scale})"
    name = node.name if isinstance(node, Named) else node.kind
    return f"{name} ({node.logical.name})" if node.logical else name


def _within(path: str, step: str) -> str:
    return f"{path}.{step}" if path else step


def _at(path: str) -> str:
    return f"field {path}" if path else "the schema"
