"""Coarser totals from window partials: wider windows, fewer dimensions, the rest of them folded.

A page has room for some hundred windows and a handful of values. What is rolled up are partials
still, sketches included, so quantiles of a day are quantiles of its rows.
"""

from collections.abc import Collection, Sequence
from functools import lru_cache
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from transforms.windows import Aggregate, aggregate_of, merge
from transforms.windows.spec import METADATA_KEY

HOUR_US: Final = 3_600_000_000
DAY_US: Final = 24 * HOUR_US
#: The widths of windows on the page, in microseconds: the narrowest that gives few enough.
WIDTHS: Final = (HOUR_US, 6 * HOUR_US, DAY_US, 7 * DAY_US, 28 * DAY_US)
#: More can't be told apart in a plot.
MOST_WINDOWS: Final = 120
#: The name of the values that are not shown one by one, and of null.
OTHERS: Final = "all others"
NULL: Final = "(none)"

_STAMP: Final = pa.timestamp("us", "UTC")


def width_for(span_us: int) -> int:
    """Returns the width of windows, in microseconds, for a span of time."""
    return next((w for w in WIDTHS if span_us / w <= MOST_WINDOWS), WIDTHS[-1])


def widened(partials: pa.Table, width: int) -> pa.Table:
    """Returns partials with windows of at least a width; the dimensions stay.

    They are not merged: many such tables are merged at once in the time that one takes.

    Local days become the dates that they are: the date, in UTC, of twelve hours after midnight,
    which is right in all zones from UTC-11 to UTC+12.

    Args:
        partials: Of ``AggregateWindows``.
        width: In microseconds.
    """
    aggregate = _aggregate((partials.schema.metadata or {}).get(METADATA_KEY, b""))
    starts = partials.column("window_start").cast(pa.int64())
    missing = np.asarray(starts.is_null().to_numpy())
    micros = np.asarray(starts.fill_null(0).to_numpy())
    local_days = aggregate.width_us is None
    if local_days:
        micros = micros + 12 * HOUR_US
    width = max(width, DAY_US if local_days else aggregate.width_us or 0)
    first = micros // width * width
    return _moved(partials, _stamps(first, missing), _stamps(first + width, missing))


def over_all_time(partials: pa.Table) -> pa.Table:
    """Returns partials with one window, whose bounds are null."""
    nothing = pa.nulls(partials.num_rows, _STAMP)
    return merge([_moved(partials, nothing, nothing)])


def measuring(partials: pa.Table, measure: str) -> pa.Table:
    """Returns partials with one measure, and what decides whether it may be shown.

    That is the number of rows and of distinct things. A measure that isn't shown needs no hiding:
    few reversals in an hour are no reason to hide its many fills.

    Args:
        partials: The aggregate's.
        measure: One of its measures, or ``rows``, which is there in any case.
    """
    aggregate = aggregate_of(partials.schema)
    kept = {n: m for n, m in aggregate.measures.items() if n == measure or m.kind == "distinct"}
    if not kept:
        return partials
    gone = [name for name in aggregate.measures if name not in kept]
    fewer = aggregate.model_copy(update={"measures": kept})
    return partials.drop_columns(gone).replace_schema_metadata(fewer.to_metadata())


def by_dimensions(partials: pa.Table, dimensions: Sequence[str]) -> pa.Table:
    """Returns partials by fewer dimensions."""
    aggregate = aggregate_of(partials.schema)
    gone = [name for name in aggregate.dimensions if name not in dimensions]
    fewer = aggregate.model_copy(update={"dimensions": tuple(dimensions)})
    order = ["window_start", "window_end", *dimensions]
    names = [n for n in partials.column_names if n not in order and n not in gone]
    return _merged(partials.select([*order, *names]), fewer)


def folded(partials: pa.Table, dimension: str, kept: Collection[str]) -> pa.Table:
    """Returns partials by one dimension, as texts, whose values beyond the kept ones are one."""
    fewer = by_dimensions(partials, [dimension])
    texts = as_texts(fewer.column(dimension))
    shown = pc.is_in(texts, value_set=pa.array(sorted(kept), pa.string()))
    at = fewer.column_names.index(dimension)
    named = fewer.set_column(at, dimension, pc.if_else(shown, texts, OTHERS))
    return _merged(named, aggregate_of(partials.schema), [dimension])


def as_texts(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Returns a dimension's values as texts; null is a value."""
    plain = column.cast(column.type.value_type) if pa.types.is_dictionary(column.type) else column
    return plain.cast(pa.string()).fill_null(NULL)


@lru_cache(256)
def _aggregate(metadata: bytes) -> Aggregate:
    # The tables of 10,000 commits have the same few.
    return aggregate_of(pa.schema([], {METADATA_KEY: metadata}))


def _moved(partials: pa.Table, first: pa.Array, last: pa.Array) -> pa.Table:
    rest = partials.drop_columns(["window_start", "window_end"])
    return pa.table([first, last, *rest.columns], schema=partials.schema)


def _merged(
    table: pa.Table, aggregate: Aggregate, dimensions: Sequence[str] | None = None
) -> pa.Table:
    if dimensions is not None:
        aggregate = aggregate.model_copy(update={"dimensions": tuple(dimensions)})
    return merge([table.replace_schema_metadata(aggregate.to_metadata())])


def _stamps(micros: "np.ndarray[tuple[int], np.dtype[np.int64]]", missing: object) -> pa.Array:
    return pa.array(micros, mask=missing).cast(_STAMP)
