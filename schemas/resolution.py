"""Schema resolution: the plan by which values of a writer's type become values of a reader's.

The rules are those of Avro 1.12, "Schema Resolution", with these decisions where it leaves room:

* A reader's union takes the *first* of its branches that fits (as ``fastavro`` does).
* Names match if their last parts do, or if an alias of the reader says so.
* Logical types must be equal, or be declared on one side only; then the numbers are taken as they
  are. A ``decimal`` can neither be added nor dropped: its scale is part of its meaning.

The plan is executed on raw values by ``schemas.resolution_values`` and on Arrow columns by
``schemas.columnar``.
"""

from dataclasses import dataclass, field

from schemas.errors import IncompatibleSchemaError
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

# writer's kind -> reader's kinds, besides its own.
PROMOTIONS = {
    "int": ("long", "float", "double"),
    "long": ("float", "double"),
    "float": ("double",),
    "string": ("bytes",),
    "bytes": ("string",),
}


@dataclass(frozen=True, eq=False)
class Leaf:
    """A value without parts: taken over, or promoted if the kinds differ."""

    writer: Node
    reader: Node


@dataclass(frozen=True, eq=False)
class EnumPlan:
    """``indexes[i]`` is the reader's index for the writer's symbol ``i``; -1: it has none."""

    writer: Enum
    reader: Enum
    indexes: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class ArrayPlan:
    """Each item by itself."""

    writer: Array
    reader: Array
    item: "Plan"


@dataclass(frozen=True, eq=False)
class MapPlan:
    """Each entry's value by itself."""

    writer: Map
    reader: Map
    value: "Plan"


@dataclass(frozen=True, eq=False)
class Source:
    """Where a reader's field comes from: the writer's field ``index`` by ``plan``, or a default."""

    field: Field
    index: int | None = None
    plan: "Plan | None" = None


@dataclass(eq=False)
class RecordPlan:
    """One source per field of the reader. Set after creation, since records may be recursive."""

    writer: Record
    reader: Record
    sources: tuple[Source, ...] = field(default=(), repr=False)


@dataclass(frozen=True, eq=False)
class UnionPlan:
    """One plan per branch of the writer's union; None: no value of that branch fits."""

    writer: Union
    reader: Node
    branches: tuple["Plan | None", ...]


@dataclass(frozen=True, eq=False)
class BranchPlan:
    """The writer's type goes to branch ``index`` of the reader's union."""

    writer: Node
    reader: Union
    index: int
    plan: "Plan"


Plan = Leaf | EnumPlan | ArrayPlan | MapPlan | RecordPlan | UnionPlan | BranchPlan


def resolve(writer: AvroSchema, reader: AvroSchema) -> Plan:
    """Finds how values of one schema become values of another.

    Args:
        writer: The schema that the data were written with.
        reader: The schema that they are wanted in.

    Returns:
        The plan. Single values may still not fit (a null, an unknown symbol, a branch).

    Raises:
        IncompatibleSchemaError: No value can ever fit.
    """
    try:
        return _Resolver().plan(writer.root, reader.root)
    except _MismatchError as error:
        raise IncompatibleSchemaError(
            writer.fullname, reader.fullname, error.path, error.rule
        ) from None


class _MismatchError(Exception):
    def __init__(self, path: str, rule: str) -> None:
        super().__init__(path, rule)
        self.path = path
        self.rule = rule

    def below(self, step: str) -> "_MismatchError":
        return _MismatchError(f"{step}.{self.path}" if self.path else step, self.rule)


class _Resolver:
    def __init__(self) -> None:
        self._records: dict[tuple[Node, Node], RecordPlan] = {}

    def plan(self, writer: Node, reader: Node) -> Plan:
        if isinstance(writer, Union):
            return self._from_union(writer, reader)
        if isinstance(reader, Union):
            return self._into_union(writer, reader)
        if isinstance(writer, Array) and isinstance(reader, Array):
            return ArrayPlan(writer, reader, self._step("item", writer.items, reader.items))
        if isinstance(writer, Map) and isinstance(reader, Map):
            return MapPlan(writer, reader, self._step("value", writer.values, reader.values))
        if isinstance(writer, Named) and isinstance(reader, Named) and writer.kind == reader.kind:
            return self._named(writer, reader)
        return _leaf(writer, reader)

    def _step(self, step: str, writer: Node, reader: Node) -> Plan:
        try:
            return self.plan(writer, reader)
        except _MismatchError as error:
            raise error.below(step) from None

    def _attempt(self, writer: Node, reader: Node) -> Plan | None:
        known = dict(self._records)
        try:
            return self.plan(writer, reader)
        except _MismatchError:
            self._records = known
            return None

    def _from_union(self, writer: Union, reader: Node) -> Plan:
        branches = tuple(self._attempt(b, reader) for b in writer.branches)
        if all(b is None for b in branches):
            raise _MismatchError("", "no branch of the writer's union fits the reader's type")
        return UnionPlan(writer, reader, branches)

    def _into_union(self, writer: Node, reader: Union) -> Plan:
        for index, branch in enumerate(reader.branches):
            plan = self._attempt(writer, branch)
            if plan is not None:
                return BranchPlan(writer, reader, index, plan)
        raise _MismatchError("", f"no branch of the reader's union takes a {writer.kind}")

    def _named(self, writer: Named, reader: Named) -> Plan:
        if not _same_name(writer, reader):
            raise _MismatchError(
                "", f"the {writer.kind} {writer.name} is not {reader.name}, nor one of its aliases"
            )
        if isinstance(writer, Record) and isinstance(reader, Record):
            return self._record(writer, reader)
        if isinstance(writer, Enum) and isinstance(reader, Enum):
            return EnumPlan(writer, reader, _enum_indexes(writer, reader))
        if isinstance(writer, Fixed) and isinstance(reader, Fixed) and writer.size != reader.size:
            raise _MismatchError("", f"fixed({writer.size}) is not fixed({reader.size})")
        return _leaf(writer, reader)

    def _record(self, writer: Record, reader: Record) -> RecordPlan:
        if (writer, reader) not in self._records:
            plan = self._records[writer, reader] = RecordPlan(writer, reader)
            plan.sources = tuple(self._source(writer, f) for f in reader.fields)
        return self._records[writer, reader]

    def _source(self, writer: Record, wanted: Field) -> Source:
        positions = {f.name: i for i, f in enumerate(writer.fields)}
        for name in (wanted.name, *wanted.aliases):
            if name in positions:
                index = positions[name]
                plan = self._step(wanted.name, writer.fields[index].node, wanted.node)
                return Source(wanted, index, plan)
        if not wanted.has_default:
            raise _MismatchError(wanted.name, "the writer has no such field and it has no default")
        return Source(wanted)


def _same_name(writer: Named, reader: Named) -> bool:
    names = {short_name(reader.name), *map(short_name, reader.aliases)}
    return short_name(writer.name) in names


def _enum_indexes(writer: Enum, reader: Enum) -> tuple[int, ...]:
    known = {symbol: i for i, symbol in enumerate(reader.symbols)}
    default = known[reader.default] if reader.default is not None else -1
    return tuple(known.get(symbol, default) for symbol in writer.symbols)


def _leaf(writer: Node, reader: Node) -> Leaf:
    if writer.kind != reader.kind and reader.kind not in PROMOTIONS.get(writer.kind, ()):
        raise _MismatchError("", f"a {writer.kind} cannot be read as {reader.kind}")
    if not _logical_fits(writer.logical, reader.logical):
        raise _MismatchError("", "the logical types differ in kind, precision, scale or unit")
    return Leaf(writer, reader)


def _logical_fits(writer: Logical | None, reader: Logical | None) -> bool:
    declared = [logical for logical in (writer, reader) if logical]
    return writer == reader or (len(declared) == 1 and declared[0].name != "decimal")
