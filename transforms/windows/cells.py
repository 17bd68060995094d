"""Cells: partials as plain values, merged one by one, as a stream's state needs it.

A table of partials is merged by the table, for totals. A stream keeps a few cells a key, and merges
them each time that a pane fires: there a table's schema would be larger than what it holds. The
values merge to the same, in every byte of the sketches.
"""

import decimal
import itertools
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

import apache_beam as beam
import numpy as np
import pyarrow as pa
from apache_beam.coders.coders import Coder, FastPrimitivesCoder
from apache_beam.coders.typecoders import registry as coder_registry

from transforms.windows.sketches import estimate_distinct, merge_distinct, quantiles
from transforms.windows.spec import Aggregate, Kind, Measure

#: A cell's dimensions, in the order of the aggregate.
Dimensions = tuple[Any, ...]
#: What a cell counts: rows, faults and the measures, in the order of the aggregate.
Values = tuple[Any, ...]
Buckets = tuple[tuple[int, int], ...]

#: Python would round sums to 28 digits.
_EXACT: Final = decimal.Context(prec=100)
_PLAIN: Final = FastPrimitivesCoder()


@dataclass(frozen=True)
class Cells:
    """Cells of one window.

    Attributes:
        held: By dimensions.
    """

    held: dict[Dimensions, Values] = field(default_factory=dict)

    @property
    def rows(self) -> int:
        """The rows that were counted, in all of them."""
        return sum(values[0] for values in self.held.values())


class CellsCoder(Coder):
    """Cells as plain values: sketches are bytes and pairs of numbers."""

    def encode(self, value: Cells) -> bytes:
        """Returns the bytes of some cells."""
        encoded: bytes = _PLAIN.encode(list(value.held.items()))
        return encoded

    def decode(self, encoded: bytes) -> Cells:
        """Returns the cells that ``encode`` wrote."""
        return Cells(dict(_PLAIN.decode(encoded)))

    def is_deterministic(self) -> bool:
        """Cells are never keys."""
        return False


coder_registry.register_coder(Cells, CellsCoder)


@dataclass(frozen=True)
class Placed:
    """A cell and its window.

    Attributes:
        window: Start and end; None for rows without a time.
        dimensions: Of the cell.
        values: What it counts.
    """

    window: tuple[datetime, datetime] | None
    dimensions: Dimensions
    values: Values


def cells_of(partials: pa.Table, aggregate: Aggregate) -> Iterator[Placed]:
    """Yields the cells of a table of an aggregate's partials."""
    starts, ends = (partials.column(f"window_{end}").to_pylist() for end in ("start", "end"))
    keys = [partials.column(name).to_pylist() for name in aggregate.dimensions]
    counted = [partials.column(name).to_pylist() for name in ("rows", "faults")]
    measured = [_listed(partials.column(n), m.kind) for n, m in aggregate.measures.items()]
    for row, (start, end) in enumerate(zip(starts, ends, strict=True)):
        window = None if start is None else (start, end)
        values = tuple(column[row] for column in (*counted, *measured))
        yield Placed(window, tuple(column[row] for column in keys), values)


def _listed(column: pa.ChunkedArray, kind: Kind) -> list[Any]:
    listed: list[Any] = column.to_pylist()
    if kind != "quantiles":
        return listed
    return [
        None if each is None else tuple((entry["bucket"], entry["count"]) for entry in each)
        for each in listed
    ]


class MergeCells(beam.CombineFn):
    """Merges cells by their dimensions; exact, whatever the order.

    Args:
        aggregate: Whose cells they are.
    """

    def __init__(self, aggregate: Aggregate) -> None:
        kinds = [measure.kind for measure in aggregate.measures.values()]
        self._merges = [_MERGES[kind] for kind in ("count", "count", *kinds)]

    def create_accumulator(self) -> Cells:
        """Returns no cells."""
        return Cells()

    def add_input(self, accumulator: Cells, cells: Cells) -> Cells:
        """Adds cells to those that there are."""
        held = accumulator.held
        for dimensions, values in cells.held.items():
            before = held.get(dimensions)
            held[dimensions] = values if before is None else self._merged(before, values)
        return accumulator

    def merge_accumulators(self, accumulators: Iterable[Cells]) -> Cells:
        """Returns all cells together."""
        merged = self.create_accumulator()
        for each in accumulators:
            self.add_input(merged, each)
        return merged

    def extract_output(self, accumulator: Cells) -> Cells:
        """Returns the cells."""
        return accumulator

    def get_accumulator_coder(self) -> Coder:
        """Returns the coder of cells."""
        return CellsCoder()

    def _merged(self, first: Values, second: Values) -> Values:
        return tuple(
            b if a is None else a if b is None else merge(a, b)
            for merge, a, b in zip(self._merges, first, second, strict=True)
        )


def read_values(aggregate: Aggregate, values: Values) -> dict[str, Any]:
    """Returns what a cell counts as numbers, by the names of the totals' columns."""
    read: dict[str, Any] = {"rows": values[0], "faults": values[1]}
    for (name, measure), value in zip(aggregate.measures.items(), values[2:], strict=True):
        read |= _read(name, measure, value)
    return read


def _read(name: str, measure: Measure, value: Any) -> Mapping[str, Any]:
    if measure.kind == "distinct":
        return {name: 0 if value is None else estimate_distinct(value)}
    if measure.kind == "quantiles":
        both = np.array(value or (), np.int64).reshape(-1, 2)
        found = quantiles(both[:, 0], both[:, 1], measure.at, measure.accuracy)
        return dict(zip(measure.columns(name), found, strict=True))
    return {name: value}


def _sum(first: Decimal, second: Decimal) -> Decimal:
    return _EXACT.add(first, second)


def _least(first: Any, second: Any) -> Any:
    return min(first, second, key=_rank)


def _greatest(first: Any, second: Any) -> Any:
    return max(first, second, key=_rank)


def _rank(value: Any) -> tuple[bool, Any]:
    # As in SQL, what is no number is greater than all that are.
    return (value != value, value)


def _union(first: bytes, second: bytes) -> bytes:
    return first if first == second else merge_distinct((first, second))


def _buckets(first: Buckets, second: Buckets) -> Buckets:
    counts: Counter[int] = Counter()
    for bucket, count in itertools.chain(first, second):
        counts[bucket] += count
    return tuple(sorted(counts.items()))


_MERGES: Final[Mapping[Kind, Callable[[Any, Any], Any]]] = {
    "count": int.__add__,
    "sum": _sum,
    "min": _least,
    "max": _greatest,
    "distinct": _union,
    "quantiles": _buckets,
}
