"""Schema resolution on Arrow columns: a plan compiled into steps over whole arrays.

A step returns the array in the reader's type and which values the reader cannot hold (None: it
holds all). Those values mean nothing in the array; their rows go to the strict path, which names
the reason.
"""

from collections.abc import Callable

import numpy as np
import pyarrow as pa

from schemas.arrow_types import arrow_type
from schemas.columnar import arrays
from schemas.columnar.arrays import Mask
from schemas.columnar.binary import invalid_utf8
from schemas.columnar.rows import build_array
from schemas.nodes import Node, Union
from schemas.raw_values import zero_value
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

Projected = tuple[pa.Array, Mask | None]
Step = Callable[[pa.Array], Projected]
Columns = Callable[[list[pa.Array], int], tuple[list[pa.Array], Mask | None]]


def compile_columns(plan: RecordPlan) -> Columns:
    """Compiles the plan of two record schemas.

    Args:
        plan: From ``schemas.resolution.resolve``; neither side is recursive.

    Returns:
        A function from the writer's columns and the number of rows to the reader's columns and the
        rows that the reader cannot hold.
    """
    sources = [(s, _compile(s.plan) if s.plan else None) for s in plan.sources]

    def project(columns: list[pa.Array], size: int) -> tuple[list[pa.Array], Mask | None]:
        wrong, made = None, []
        for source, step in sources:
            array, wrong_here = _from_source(source, step, columns, size)
            made.append(array)
            wrong = either(wrong, wrong_here)
        return made, wrong

    return project


def either(first: Mask | None, second: Mask | None) -> Mask | None:
    """Joins two masks of which None holds nothing."""
    if first is None or second is None:
        return second if first is None else first
    return first | second


def _from_source(
    source: Source, step: Step | None, columns: list[pa.Array], size: int
) -> Projected:
    if step is None or source.index is None:
        return _repeat(source.field.node, source.field.default, size), None
    return step(columns[source.index])


def _compile(plan: Plan) -> Step:
    if isinstance(plan, RecordPlan):
        return _record(plan)
    if isinstance(plan, ArrayPlan):
        return _array(plan)
    if isinstance(plan, MapPlan):
        return _map(plan)
    if isinstance(plan, UnionPlan):
        return _optional(plan) if plan.writer.optional is not None else _union(plan)
    if isinstance(plan, BranchPlan):
        return _branch(plan)
    return _enum(plan) if isinstance(plan, EnumPlan) else _leaf(plan)


def _repeat(node: Node, value: object, size: int) -> pa.Array:
    """The same raw value ``size`` times; None is null."""
    return build_array(node, [value]).take(pa.array(np.zeros(size, np.int32)))


def _zeros(node: Node, size: int) -> pa.Array:
    """Nulls where the type has them, else filler for rows that will be left out."""
    return _repeat(node, zero_value(node), size)


def _only_valid(wrong: Mask | None, array: pa.Array) -> Mask | None:
    """Leaves out what lies beneath nulls: it is filler."""
    valid = arrays.validity(array)
    return wrong if wrong is None or valid is None else wrong & valid


def _record(plan: RecordPlan) -> Step:
    kind, project = arrow_type(plan.reader), compile_columns(plan)

    def step(array: pa.Array) -> Projected:
        parts = [array.field(i) for i in range(array.type.num_fields)]
        made, wrong = project(parts, len(array))
        valid = arrays.validity(array)
        return arrays.structs(kind, made, valid, len(array)), _only_valid(wrong, array)

    return step


def _counts(array: pa.Array) -> arrays.Ints:
    counts: arrays.Ints = np.diff(array.offsets.to_numpy()).astype(np.int64)
    return counts


def _any_item(wrong: Mask | None, counts: arrays.Ints) -> Mask | None:
    if wrong is None:
        return None
    ends = np.cumsum(counts)
    before = np.concatenate(([0], np.cumsum(wrong)))
    return np.asarray(before[ends] != before[ends - counts])


def _array(plan: ArrayPlan) -> Step:
    kind, item = arrow_type(plan.reader), _compile(plan.item)

    def step(array: pa.Array) -> Projected:
        items, wrong = item(array.flatten())
        counts = _counts(array)
        made = arrays.lists(kind, counts, items, arrays.validity(array))
        return made, _any_item(wrong, counts)

    return step


def _map(plan: MapPlan) -> Step:
    kind, value = arrow_type(plan.reader), _compile(plan.value)

    def step(array: pa.Array) -> Projected:
        values, wrong = value(array.items)
        counts = _counts(array)
        made = arrays.maps(kind, counts, array.keys, values, arrays.validity(array))
        return made, _any_item(wrong, counts)

    return step


def _optional(plan: UnionPlan) -> Step:
    null = plan.writer.null_index or 0
    takes_null = plan.branches[null] is not None
    value = plan.branches[1 - null]
    inner = _compile(value) if value is not None else None

    def step(array: pa.Array) -> Projected:
        valid = arrays.validity(array)
        made, wrong = inner(array) if inner else (_zeros(plan.reader, len(array)), None)
        if inner is None:
            wrong = np.ones(len(array), np.bool_) if valid is None else valid
        if not takes_null and valid is not None:
            wrong = either(wrong, ~valid)
            made = arrays.without_nulls(made)
        return made, wrong

    return step


def _union(plan: UnionPlan) -> Step:
    null = plan.writer.null_index
    held = [b for i, b in enumerate(plan.branches) if i != null]
    steps = [_compile(b) if b is not None else None for b in held]
    takes_null = null is not None and plan.branches[null] is not None

    def step(array: pa.Array) -> Projected:
        size = len(array)
        # Choice 0 is for rows that no branch fills: null, if the reader has it.
        made, choice = [_zeros(plan.reader, 1)], np.zeros(size, np.int64)
        wrong: Mask = np.zeros(size, np.bool_)
        filled = np.zeros(size, np.bool_)
        for index, inner in enumerate(steps):
            part = array.field(index)
            here = _present(array, part)
            filled |= here
            if inner is None:
                wrong |= here
                continue
            values, wrong_here = inner(part)
            if wrong_here is not None:
                wrong |= wrong_here & here
            rows = np.flatnonzero(here)
            choice[rows] = 1 + rows + size * (len(made) - 1)
            made.append(values)
        if not takes_null:
            wrong |= ~filled
        return pa.concat_arrays(made).take(pa.array(choice)), wrong if wrong.any() else None

    return step


def _present(parent: pa.Array, part: pa.Array) -> Mask:
    present = np.ones(len(part), np.bool_)
    for valid in (arrays.validity(parent), arrays.validity(part)):
        if valid is not None:
            present &= valid
    return present


def _branch(plan: BranchPlan) -> Step:
    inner = _compile(plan.plan)
    if plan.reader.optional is not None:
        return inner if plan.plan.writer.kind != "null" else _all_null(plan.reader)
    if plan.reader.branches[plan.index].kind == "null":
        return _all_null(plan.reader)
    kind, chosen = arrow_type(plan.reader), plan.index
    branches = [(i, b) for i, b in enumerate(plan.reader.branches) if b.kind != "null"]

    def step(array: pa.Array) -> Projected:
        size = len(array)
        made, wrong = inner(array)
        parts = [made if i == chosen else _repeat(b, None, size) for i, b in branches]
        return arrays.structs(kind, parts, arrays.validity(array), size), wrong

    return step


def _all_null(node: Union) -> Step:
    return lambda array: (_repeat(node, None, len(array)), None)


def _enum(plan: EnumPlan) -> Step:
    symbols = pa.array(plan.reader.symbols, pa.string())
    indexes = np.array(plan.indexes, np.int32)
    complete = bool((indexes >= 0).all())
    # The index of a symbol that the reader lacks stays legal, for Arrow's sake.
    legal = np.maximum(indexes, 0)

    def step(array: pa.Array) -> Projected:
        old = array.indices.fill_null(0).to_numpy()
        new = arrays.fixed_width(pa.int32(), legal[old], arrays.validity(array), len(array))
        made = pa.DictionaryArray.from_arrays(new, symbols, safe=False)
        return made, None if complete else _only_valid(indexes[old] < 0, array)

    return step


def _leaf(plan: Leaf) -> Step:
    day = plan.reader.logical.day if plan.reader.logical else None
    if day and plan.writer.logical is None:
        return _within_day(_convert(plan), day)
    return _convert(plan)


def _within_day(convert: Step, day: int) -> Step:
    def step(array: pa.Array) -> Projected:
        made, _ = convert(array)
        numbers = made.view(pa.int64() if made.type.bit_width == 64 else pa.int32())
        counts = numbers.fill_null(0).to_numpy()
        return made, _only_valid((counts < 0) | (counts >= day), array)

    return step


def _convert(plan: Leaf) -> Step:
    source, target = arrow_type(plan.writer), arrow_type(plan.reader)
    if source == target:
        return lambda array: (array, None)
    kind = plan.reader.kind
    if kind == plan.writer.kind or kind == "bytes":
        return lambda array: (array.view(target), None)
    if kind == "string":
        return _text
    storage = pa.int32() if plan.writer.kind == "int" else pa.int64()
    numbers = source if plan.writer.kind == "float" else storage
    if kind == "long":
        return lambda array: (array.view(numbers).cast(pa.int64()).view(target), None)
    # By way of double, as Python does it: rounding once or twice can differ in the last bit.
    return lambda array: (
        array.view(numbers).cast(pa.float64(), safe=False).cast(target, safe=False),
        None,
    )


def _text(array: pa.Array) -> Projected:
    return array.view(pa.string()), _only_valid(invalid_utf8(array), array)
