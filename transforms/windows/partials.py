"""``AggregateWindows``: an aggregate's partials of each segment."""

import threading
from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa

from transforms.segment import Segment, one_array
from transforms.sql.engine import Engine, EvaluationError
from transforms.sql.functions import FUNCTIONS
from transforms.windows.placing import Placement, place
from transforms.windows.plan import FAULT, NUMBER, Plan, make_plan
from transforms.windows.sketches import list_buckets, sketch_distinct
from transforms.windows.spec import Aggregate, known_zones

_per_thread = threading.local()


def thread_engine() -> Engine:
    """Returns this thread's engine: the sink writes partitions in several threads."""
    if not hasattr(_per_thread, "engine"):
        _per_thread.engine = Engine(FUNCTIONS)
    engine: Engine = _per_thread.engine
    return engine


class AggregateWindows:
    """The table ``partials.<name>`` of a segment: one row per window and dimensions that occur.

    ==========================  ==================================================================
    ``window_start``, ``_end``  timestamp in microseconds, UTC; null for rows without a time
    the dimensions              as in the rows, enums as texts
    ``rows``                    rows that fell in, int64
    ``faults``                  rows counted whose zone is missing or unknown (they are in the day
                                of UTC), or on which an expression failed (it is null for them, and
                                a failing ``where`` keeps the row), int64
    a count                     int64
    a sum                       decimal128(38, scale of the expression); null if nothing was added
    a min, a max                the type of the expression
    a distinct                  binary: HyperLogLog in the compact format of Apache DataSketches
    a quantiles                 list of (bucket, count), ascending, of a DDSketch
    ==========================  ==================================================================

    Guarantees: a pure function of the segment's rows, the aggregate and the time zone database; the
    partials of any cut of a segment merge to the same totals. No row that ``where`` lets through is
    lost, whatever its time and zone. A sum can't overflow: wider summands are refused.

    Args:
        aggregate: What to count.
    """

    def __init__(self, aggregate: Aggregate) -> None:
        self.name = aggregate.table_name
        self.aggregate = aggregate
        self._plans: dict[pa.Schema, Plan] = {}

    def setup(self) -> None:
        """Looks for the time zones that a column may name.

        Raises:
            ConfigurationError: The worker has no database of them.
        """
        if self.aggregate.zone_column:
            known_zones()

    def check(self, schema: pa.Schema) -> None:
        """Checks the aggregate against the rows of its dataset, as they are when masked.

        Raises:
            ConfigurationError: It doesn't fit; names the aggregate, the place and the remedy.
        """
        self._plan(schema)

    def partials_schema(self, schema: pa.Schema) -> pa.Schema:
        """Returns the schema of the partials that rows of a schema give.

        Raises:
            ConfigurationError: The aggregate doesn't fit; see ``check``.
        """
        return _aggregated(self._plan(schema), schema.empty_table(), thread_engine()).schema

    def derive(self, segment: Segment) -> pa.Table:
        """Returns the partials of a segment; empty if it has no row that counts.

        Raises:
            ConfigurationError: The rows are not those that the aggregate was declared for.
        """
        rows = segment.rows.get(self.aggregate.dataset)
        return pa.table({}) if rows is None else self.partials_of(rows)

    def partials_of(self, rows: pa.Table) -> pa.Table:
        """Returns the partials of rows of the dataset, of whatever origin; without columns if none.

        Raises:
            ConfigurationError: The rows are not those that the aggregate was declared for.
        """
        if not rows.num_rows:
            return pa.table({})
        return _aggregated(self._plan(rows.schema), rows, thread_engine())

    def _plan(self, schema: pa.Schema) -> Plan:
        if schema not in self._plans:
            self._plans[schema] = make_plan(self.aggregate, schema, thread_engine())
        return self._plans[schema]

    def __getstate__(self) -> dict[str, Any]:
        """Plans are made again on the worker."""
        return {**self.__dict__, "_plans": {}}


def _aggregated(plan: Plan, rows: pa.Table, engine: Engine) -> pa.Table:
    placement = place(plan.aggregate, rows)
    placed = rows.select(plan.reads).append_column(NUMBER, placement.numbers)
    if placement.faults is not None:
        placed = placed.append_column(FAULT, placement.faults)
    try:
        made = _grouped(engine, placed, plan.keys, plan.measures, plan.where)
    except EvaluationError:
        # Microseconds for each row that an expression fails on, so only where one does.
        made = _grouped(engine, placed, plan.keys, plan.careful_measures, plan.careful_where)
    return _partials(plan.aggregate, placement, made)


def _grouped(
    engine: Engine, rows: pa.Table, keys: Mapping[str, str], measures: Mapping[str, str], where: str
) -> pa.Table:
    # Under names that no column of the rows has: a result's name must not hide one from the
    # expressions.
    made = engine.group(
        rows,
        {f"_key_{n}": sql for n, sql in enumerate(keys.values())},
        {f"_measure_{n}": sql for n, sql in enumerate(measures.values())},
        where,
    )
    return made.rename_columns([*keys, *measures])


def _partials(aggregate: Aggregate, placement: Placement, made: pa.Table) -> pa.Table:
    whole = made.combine_chunks()
    first, last = placement.bounds(one_array(whole.column(NUMBER)))
    columns = {"window_start": first, "window_end": last}
    for name in whole.column_names[1:]:
        measure = aggregate.measures.get(name)
        kind = measure.kind if measure is not None and name not in aggregate.dimensions else ""
        columns[name] = _packed(kind, one_array(whole.column(name)))
    return pa.table(columns).replace_schema_metadata(aggregate.to_metadata())


def _packed(kind: str, column: pa.Array) -> pa.Array:
    if kind == "distinct":
        listed = column.to_pylist()
        return pa.array(
            [None if values is None else sketch_distinct(values) for values in listed], pa.binary()
        )
    if kind == "quantiles":
        return _buckets(column)
    return column


def _buckets(column: pa.Array) -> pa.Array:
    entries = column.flatten()
    lengths = np.asarray(column.value_lengths().fill_null(0))
    counts = np.asarray(entries.field(1)).astype(np.int64)
    return list_buckets(np.asarray(entries.field(0)), counts, lengths, column.is_null())
