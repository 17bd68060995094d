"""Schema resolution of single raw values, for the strict path."""

from collections.abc import Callable
from typing import Any

from schemas.errors import DatumError
from schemas.nodes import Union
from schemas.raw_reader import below
from schemas.resolution import (
    ArrayPlan,
    BranchPlan,
    EnumPlan,
    Leaf,
    MapPlan,
    Plan,
    RecordPlan,
    Source,
    UnionPlan,
)

Resolve = Callable[[Any], Any]


def compile_resolver(plan: Plan) -> Resolve:
    """Compiles a plan for single values.

    Args:
        plan: From ``schemas.resolution.resolve``.

    Returns:
        A function from the writer's raw value to the reader's. It raises ``DatumError`` with code
        ``unresolvable`` and the reader's field where the reader cannot hold the value.
    """
    return _Compiler().compile(plan)


class _Compiler:
    def __init__(self) -> None:
        self._records: dict[RecordPlan, Resolve] = {}

    def compile(self, plan: Plan) -> Resolve:
        if isinstance(plan, RecordPlan):
            return self._record(plan)
        if isinstance(plan, ArrayPlan):
            item = _in_step("item", self.compile(plan.item))
            return lambda raw: [item(v) for v in raw]
        if isinstance(plan, MapPlan):
            value = _in_step("value", self.compile(plan.value))
            return lambda raw: [(k, value(v)) for k, v in raw]
        if isinstance(plan, UnionPlan):
            return self._union(plan)
        if isinstance(plan, BranchPlan):
            return self._branch(plan)
        return _enum(plan) if isinstance(plan, EnumPlan) else _leaf(plan)

    def _record(self, plan: RecordPlan) -> Resolve:
        if plan not in self._records:
            self._records[plan] = lambda raw: made(raw)  # for a record that holds itself
            made = _record([self._source(s) for s in plan.sources])
            self._records[plan] = made
        return self._records[plan]

    def _source(self, source: Source) -> Resolve:
        if source.plan is None:
            default = source.field.default
            return lambda raw: default
        inner, index = self.compile(source.plan), source.index
        return _in_step(source.field.name, lambda raw: inner(raw[index]))

    def _union(self, plan: UnionPlan) -> Resolve:
        branches = [_refuse if b is None else self.compile(b) for b in plan.branches]
        if plan.writer.optional is None:
            return lambda raw: branches[raw[0]](raw[1])
        null = plan.writer.null_index
        assert null is not None
        at_null, at_value = branches[null], branches[1 - null]
        return lambda raw: at_null(raw) if raw is None else at_value(raw)

    def _branch(self, plan: BranchPlan) -> Resolve:
        inner, index = self.compile(plan.plan), plan.index
        if isinstance(plan.reader, Union) and plan.reader.optional is not None:
            return inner
        return lambda raw: (index, inner(raw))


def _refuse(raw: Any) -> Any:
    raise DatumError("unresolvable", "")


def _in_step(step: str, inner: Resolve) -> Resolve:
    def resolve(raw: Any) -> Any:
        try:
            return inner(raw)
        except DatumError as error:
            raise below(step, error) from None

    return resolve


def _record(sources: list[Resolve]) -> Resolve:
    return lambda raw: tuple([source(raw) for source in sources])


def _enum(plan: EnumPlan) -> Resolve:
    def resolve(raw: int) -> int:
        index = plan.indexes[raw]
        return index if index >= 0 else _refuse(raw)

    return resolve


def _leaf(plan: Leaf) -> Resolve:
    day = plan.reader.logical.day if plan.reader.logical else None
    if day and plan.writer.logical is None:
        return lambda raw: raw if 0 <= raw < day else _refuse(raw)
    writer, reader = plan.writer.kind, plan.reader.kind
    if writer == reader or reader == "long":
        return lambda raw: raw
    if reader in ("float", "double"):
        return float
    return _text if reader == "string" else str.encode


def _text(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        raise DatumError("unresolvable", "") from None
