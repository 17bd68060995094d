"""Merging partials: the same operation for two segments, a lake, or a stream's panes.

It is associative and commutative, in every byte of the table that it gives: rows come ordered by
window and dimensions, sums are exact, and sketches are kept in a form that knows no order.
"""

from collections.abc import Iterable
from typing import Any

import numpy as np
import pyarrow as pa

from transforms.errors import ConfigurationError, PipelineError
from transforms.segment import one_array
from transforms.sql.engine import EvaluationError
from transforms.windows.partials import thread_engine
from transforms.windows.plan import SUM_DIGITS
from transforms.windows.sketches import list_buckets, merge_distinct
from transforms.windows.spec import Aggregate, Kind, aggregate_of


def merge(partials: Iterable[pa.Table]) -> pa.Table:
    """Merges partials of one aggregate into partials of the same columns.

    Args:
        partials: Tables that ``AggregateWindows`` derived or ``merge`` gave. A table without
            columns, which a segment without rows has, counts as none.

    Returns:
        One row per window and dimensions; a table without columns if there was nothing to merge.

    Raises:
        ConfigurationError: They are of different aggregates, or of one that was changed.
        PipelineError: A sum has more digits than a decimal holds.
    """
    tables = [table for table in partials if table.num_columns]
    if not tables:
        return pa.table({})
    aggregate = aggregate_of(tables[0].schema)
    same = [_aligned(table, tables[0].schema, aggregate) for table in tables]
    return _merged(aggregate, pa.concat_tables(same))


def _aligned(table: pa.Table, schema: pa.Schema, aggregate: Aggregate) -> pa.Table:
    other = aggregate_of(table.schema)
    if other.name != aggregate.name:
        raise ConfigurationError(
            f"partials of {other.name} and of {aggregate.name} can't be merged", "Merge each apart"
        )
    plain = table.select(schema.names) if set(schema.names) <= set(table.schema.names) else None
    if other != aggregate or plain is None or not plain.schema.equals(schema):
        raise ConfigurationError(
            f"the partials of the aggregate {aggregate.name} don't all mean the same: its "
            "declaration, or the type of a column that it reads, was changed on the way",
            "Give a changed aggregate a new name, and take its totals apart",
        )
    return plain.replace_schema_metadata(schema.metadata)


def _merged(aggregate: Aggregate, stacked: pa.Table) -> pa.Table:
    keys = ["window_start", "window_end", *aggregate.dimensions]
    results = stacked.column_names[len(keys) :]
    kinds = {name: m.kind for name, m in aggregate.measures.items()}
    plain = stacked.rename_columns([f"_{n}" for n in range(stacked.num_columns)])
    try:
        made = thread_engine().group(
            plain,
            {f"_key_{n}": f"_{n}" for n in range(len(keys))},
            {
                f"_measure_{n}": _sql(f"_{n}", kinds.get(name, "count"), plain.schema)
                for n, name in enumerate(results, len(keys))
            },
        )
    except EvaluationError as error:
        # From 39 digits on, though 128 bits would hold a few numbers of 39.
        if "OutOfRange" in error.what:
            raise _overflow(aggregate) from error
        raise
    whole = made.combine_chunks()
    columns = [one_array(column) for column in whole.columns]
    for n, name in enumerate(results, len(keys)):
        columns[n] = _packed(columns[n], kinds.get(name, "count"))
    return pa.table(columns, names=stacked.column_names).replace_schema_metadata(
        stacked.schema.metadata
    )


def _sql(name: str, kind: Kind, schema: pa.Schema) -> str:
    if kind == "count":
        return f"CAST(sum({name}) AS BIGINT)"
    if kind == "sum":
        return f"CAST(sum({name}) AS DECIMAL({SUM_DIGITS}, {schema.field(name).type.scale}))"
    if kind in ("min", "max"):
        return f"{kind}({name})"
    return f"list({name}) FILTER (WHERE {name} IS NOT NULL)"


def _packed(column: pa.Array, kind: Kind) -> pa.Array:
    if kind == "distinct":
        merged = [None if each is None else merge_distinct(each) for each in column.to_pylist()]
        return pa.array(merged, pa.binary())
    return merge_buckets(column) if kind == "quantiles" else column


def merge_buckets(lists: pa.Array) -> pa.Array:
    """Adds up the buckets of several sketches a row.

    Args:
        lists: Per row a list of sketches, each a list of (bucket, count); or null.

    Returns:
        Per row one list of (bucket, count), ascending by bucket; null for null.
    """
    rows = _parents(lists)
    sketches = lists.flatten()
    entries = sketches.flatten()
    owner = rows[_parents(sketches)]
    buckets = np.asarray(entries.field(0)).astype(np.int64)
    counts = np.asarray(entries.field(1))
    order = np.lexsort((buckets, owner))
    owner, buckets, counts = owner[order], buckets[order], counts[order]
    new = np.ones(len(owner), bool)
    new[1:] = (np.diff(owner) != 0) | (np.diff(buckets) != 0)
    firsts = np.flatnonzero(new)
    summed = np.add.reduceat(counts, firsts) if len(firsts) else counts
    lengths = np.bincount(owner[firsts], minlength=len(lists))
    return list_buckets(buckets[firsts], summed, lengths, lists.is_null())


def _parents(lists: pa.Array) -> np.ndarray[Any, Any]:
    lengths = np.asarray(lists.value_lengths().fill_null(0))
    return np.repeat(np.arange(len(lists)), lengths)


def _overflow(aggregate: Aggregate) -> PipelineError:
    sums = [name for name, m in aggregate.measures.items() if m.kind == "sum"]
    return PipelineError(
        f"a total of the aggregate {aggregate.name} ({', '.join(sums)}) has more than "
        f"{SUM_DIGITS} digits",
        "Take totals of a shorter time, or sum a decimal of fewer digits under a new name",
    )
