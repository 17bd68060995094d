"""An aggregate of every kind over the rows of ``tests.loads.wide``, and its table of partials."""

from typing import Any

import pyarrow as pa

from beam_pipelines.warehouse.partials import partials_tables
from tests.fakes.lake import DATASET, TOPIC, FakeLake, writer
from tests.loads import NOTE_BYTES, wide
from transforms.redshift import PartialsTable, RawTable
from transforms.segment import Segment
from transforms.windows import Aggregate, AggregateWindows

ORDERS = Aggregate.model_validate(
    {
        "name": "orders",
        "dataset": DATASET,
        "time": "event_time",
        "window": "1h",
        "dimensions": ["_partition", "note"],
        "measures": {
            "orders": {"count": ""},
            "revenue": {"sum": "price"},
            "first": {"min": "_offset"},
            "last": {"max": "event_time"},
            "all_even": {"min": "_offset % 2 = 0"},
            "any_even": {"max": "_offset % 2 = 0"},
            "nothing": {"sum": "CASE WHEN false THEN number END"},
            "each": {"distinct": "_offset"},
            "place": {"quantiles": "_offset", "at": [0.5]},
        },
    }
)


def changed(**changes: Any) -> Aggregate:
    """``ORDERS``, but for the changes."""
    return Aggregate.model_validate(ORDERS.model_dump(exclude_none=True) | changes)


def raw_table(note: int = NOTE_BYTES) -> RawTable:
    """The table of the rows that are counted."""
    schema = wide(0, 1).rows[DATASET].schema
    return RawTable(dataset=DATASET, topics=(TOPIC,), schema=schema, lengths={"note": note})


def partials_table(aggregate: Aggregate = ORDERS, raw: RawTable | None = None) -> PartialsTable:
    """The table of an aggregate's partials."""
    (found,) = partials_tables([AggregateWindows(aggregate)], {DATASET: raw or raw_table()})
    return found


def write(
    lake: FakeLake, *segments: Segment, aggregates: tuple[Aggregate, ...] = (ORDERS,)
) -> None:
    """Commits segments with the partials of aggregates."""
    derived = [AggregateWindows(each) for each in aggregates]
    for each in segments:
        writer(*derived).write(lake.lane(each.partition), each)


def noted(
    start: int, end: int, notes: tuple[str | None, ...] = ("a", "b", None), **more: Any
) -> Segment:
    """A segment with few notes, and with rows that have no time."""
    made = wide(start, end, **more)
    table = made.rows[DATASET]
    told = [notes[n % len(notes)] for n in range(table.num_rows)]
    times = table.column("event_time").to_pylist()
    untimed = [None if n % 7 == 3 else time for n, time in enumerate(times)]
    for name, values in (("note", told), ("event_time", untimed)):
        at = table.schema.get_field_index(name)
        table = table.set_column(at, name, pa.array(values, table.schema.field(name).type))
    return made.with_rows(DATASET, table)
