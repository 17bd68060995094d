"""Totals: the partials of all commits, merged and read off."""

import itertools
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Final, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from transforms.errors import ConfigurationError
from transforms.lake import (
    ObjectStore,
    SegmentCommit,
    StoreSettings,
    commits,
    read_small_tables,
    require_lake,
)
from transforms.windows.merging import merge
from transforms.windows.sketches import estimate_distinct, quantiles
from transforms.windows.spec import Measure, aggregate_of
from transforms.windows.suppression import suppress

#: Sidecars in flight at a time. A GET takes tens of milliseconds, nearly all of it waiting.
_READERS: Final = 8
#: Tables that are merged at once: bounds what is held, whatever the lake's size.
_BATCH: Final = 256

T = TypeVar("T")


def merge_totals(
    lake_root: str,
    aggregate: str,
    *,
    store: StoreSettings | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    suppress_below: int = 0,
) -> pa.Table:
    """Returns an aggregate's totals over all that is committed.

    Replays never count twice and late rows count in their own window whenever they came, since
    partials are committed with the segment that they were made of.

    Args:
        lake_root: ``s3://bucket/prefix``.
        aggregate: Its name; its declaration is read from the lake.
        store: Address and credentials; the AWS environment by default.
        since: Leaves out windows that start before.
        until: Leaves out windows that start then or later. Either bound also leaves out the rows
            without a time.
        suppress_below: Hides cells of fewer than so many; see ``suppress``. Zero hides none.

    Returns:
        One row per window and dimensions, in their order; see ``read_totals`` for the columns.

    Raises:
        ConfigurationError: The lake has no partials of that name, or they were made by differing
            declarations.
        LakeMismatchError: There is no lake under ``lake_root``.
    """
    objects = ObjectStore(lake_root, store)
    merged = merge_committed(objects, aggregate, since=since, until=until)
    if not merged.num_columns:
        raise ConfigurationError(
            f"the lake {lake_root} has no partials of the aggregate {aggregate!r}",
            "Check the name; an aggregate counts what is read after it was declared",
        )
    return read_totals(merged, suppress_below=suppress_below)


def merge_committed(
    store: ObjectStore,
    aggregate: str,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
) -> pa.Table:
    """Returns the merged partials of all commits; without columns if there are none."""
    name = f"partials.{aggregate}"
    holding = (
        tail.commit for tail in commits(store, require_lake(store)) if _holds(tail.commit, name)
    )
    merged = pa.table({})
    with ThreadPoolExecutor(_READERS) as pool:
        for batch in _batches(holding):
            tables = pool.map(lambda commit: read_small_tables(store, commit)[name], batch)
            merged = merge([merged, *(_between(table, since, until) for table in tables)])
    return merged


def read_totals(partials: pa.Table, *, suppress_below: int = 0) -> pa.Table:
    """Reads merged partials off as numbers.

    Args:
        partials: What ``merge`` gave.
        suppress_below: Hides cells of fewer than so many; see ``suppress``. Zero hides none.

    Returns:
        The columns of the partials, but of a ``distinct`` the estimate (int64), and of a
        ``quantiles`` one column a quantile (float64), such as ``turnaround_p95``; and
        ``suppressed`` if asked for.
    """
    aggregate = aggregate_of(partials.schema)
    columns: dict[str, pa.ChunkedArray | pa.Array] = {}
    for name in partials.column_names:
        measure = aggregate.measures.get(name)
        columns |= _read(name, partials.column(name), measure)
    totals = pa.table(columns).replace_schema_metadata(partials.schema.metadata)
    return suppress(totals, aggregate, suppress_below) if suppress_below else totals


def _read(
    name: str, column: pa.ChunkedArray, measure: Measure | None
) -> dict[str, pa.ChunkedArray | pa.Array]:
    if measure is not None and measure.kind == "distinct":
        listed = column.to_pylist()
        found = [0 if sketch is None else estimate_distinct(sketch) for sketch in listed]
        return {name: pa.array(found, pa.int64())}
    if measure is not None and measure.kind == "quantiles":
        read = _quantiles(column, measure)
        return {
            title: pa.array([row[n] for row in read], pa.float64())
            for n, title in enumerate(measure.columns(name))
        }
    return {name: column}


def _quantiles(column: pa.ChunkedArray, measure: Measure) -> list[list[float | None]]:
    whole = column.combine_chunks()
    entries = whole.flatten()
    buckets = np.asarray(entries.field(0)).astype(np.int64)
    counts = np.asarray(entries.field(1))
    lengths = np.asarray(whole.value_lengths().fill_null(0))
    ends = np.cumsum(lengths)
    return [
        quantiles(buckets[a:b], counts[a:b], measure.at, measure.accuracy)
        for a, b in zip(ends - lengths, ends, strict=True)
    ]


def _between(table: pa.Table, since: datetime | None, until: datetime | None) -> pa.Table:
    starts = table.column("window_start")
    if since is not None:
        table = table.filter(pc.greater_equal(starts, _moment(since)))
        starts = table.column("window_start")
    return table if until is None else table.filter(pc.less(starts, _moment(until)))


def _moment(bound: datetime) -> pa.Scalar:
    if bound.tzinfo is None:
        raise ConfigurationError(f"the time {bound} has no zone", "Give an aware datetime")
    return pa.scalar(bound, pa.timestamp("us", "UTC"))


def _holds(commit: SegmentCommit, name: str) -> bool:
    return any(name in file.tables for file in commit.files)


def _batches(items: Iterable[T]) -> Iterator[list[T]]:
    iterator = iter(items)
    while batch := list(itertools.islice(iterator, _BATCH)):
        yield batch
