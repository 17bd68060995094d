"""Lakes with window partials."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pyarrow as pa

from tests.fakes.lake import DATASET, KEY, LAYOUTS, FakeLake, segment
from transforms.lake.writer import SegmentWriter
from transforms.quality import SealDeadLetters
from transforms.quality.sealing import Seal
from transforms.segment import Segment
from transforms.windows import Aggregate, AggregateWindows

MIDNIGHT = datetime(2026, 1, 31, tzinfo=UTC)

#: A row of a test: hours after midnight, store, quantity.
Row = tuple[float | None, str | None, int]

SALES = Aggregate.model_validate(
    {
        "name": "sales_per_store",
        "dataset": DATASET,
        "time": "event_time",
        "window": "5m",
        "dimensions": ["store"],
        "measures": {"sales": {"count": ""}, "units": {"sum": "quantity"}},
    }
)
UNITS = SALES.model_copy(update={"name": "units_per_store", "window": "1h"})
DAYS = SALES.model_copy(update={"name": "units_a_day", "window": "day", "zone": "Asia/Tokyo"})
WAITS = Aggregate.model_validate(
    {
        "name": "waits",
        "dataset": DATASET,
        "time": "event_time",
        "window": "1h",
        "dimensions": ["store"],
        "measures": {
            "wait": {"quantiles": "quantity", "at": [0.95, 0.5]},
            "messages": {"distinct": "_offset"},
        },
    }
)
EVERY = (SALES, UNITS, DAYS, WAITS)


def rows(listed: Iterable[Row], start: int = 0) -> Segment:
    """Returns a segment with a row for each."""
    held = list(listed)
    made = segment(start, start + len(held))
    times = [None if hour is None else MIDNIGHT + timedelta(hours=hour) for hour, _, _ in held]
    table = made.rows[DATASET]
    table = table.set_column(
        table.column_names.index("event_time"),
        "event_time",
        pa.array(times, pa.timestamp("us", "UTC")),
    )
    table = table.append_column("store", pa.array([store for _, store, _ in held], pa.string()))
    table = table.append_column("quantity", pa.array([units for _, _, units in held], pa.int64()))
    return replace(made, rows={DATASET: table})


def partials(aggregate: Aggregate, listed: Iterable[Row]) -> pa.Table:
    """Returns an aggregate's partials of rows."""
    return AggregateWindows(aggregate).derive(rows(listed))


def lake_with(*parts: Sequence[Row], aggregates: Sequence[Aggregate] = EVERY) -> FakeLake:
    """Returns a lake of one segment a part, with the aggregates' partials."""
    lake, sealing, start = FakeLake(), SealDeadLetters("env:UNUSED"), 0
    sealing._seal = Seal(KEY)
    writer = SegmentWriter(LAYOUTS, (sealing, *map(AggregateWindows, aggregates)), "test/1")
    for part in parts:
        writer.write(lake.lane(), rows(part, start))
        start += len(part)
    return lake
