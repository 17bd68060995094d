"""Batches of commits with partials, and what panes must say of them."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from tests.fakes.lake import BLANK
from tests.transforms.windows.rows import Row, segment
from transforms.lake import CommitBatch, Tail
from transforms.segment import Segment
from transforms.windows import Aggregate, AggregateWindows, Pane, latest, merge, read_totals
from transforms.windows.pane import plain


def batch(aggregate: Aggregate, *commits: Sequence[Row]) -> CommitBatch:
    """A batch of commits of these rows."""
    derived = AggregateWindows(aggregate)
    tables = tuple(derived.derive(segment(rows)) for rows in commits)
    tails = tuple(Tail(BLANK, "") for _ in commits)
    return CommitBatch(tails, {aggregate.table_name: tables})


def totals(
    aggregate: Aggregate, batches: Iterable[CommitBatch], suppress_below: int = 0
) -> dict[tuple[Any, ...], dict[str, Any]]:
    """The totals of the commits, but for rows without a time: by window and dimensions."""
    tables = [table for each in batches for table in each.tables[aggregate.table_name]]
    merged = merge(tables)
    if not merged.num_columns:
        return {}
    rows = read_totals(merged, suppress_below=suppress_below).to_pylist()
    # Panes don't tell of rows without a time.
    timed = [row for row in rows if row["window_start"] is not None]
    return by_cell(timed, aggregate)


def by_cell(
    rows: Iterable[dict[str, Any]], aggregate: Aggregate
) -> dict[tuple[Any, ...], dict[str, Any]]:
    """Rows of totals as panes show them: by window, dimensions."""
    found = {}
    for row in rows:
        window = (row.pop("window_start"), row.pop("window_end"))
        dimensions = tuple(plain(row.pop(name)) for name in aggregate.dimensions)
        row.setdefault("suppressed", False)
        found[*window, *dimensions] = {name: plain(value) for name, value in row.items()}
    return found


def shown(panes: Iterable[Pane]) -> dict[tuple[Any, ...], dict[str, Any]]:
    """What the latest panes say, likewise."""
    return {
        (pane.window_start, pane.window_end, *pane.dimensions.values()): {
            **pane.measures,
            "suppressed": pane.suppressed,
        }
        for pane in latest(panes).values()
    }


def moved(made: Segment, after: timedelta) -> Segment:
    """A segment whose events and messages are of a later time."""
    rows = {name: _later(table, "event_time", after) for name, table in made.rows.items()}
    return replace(made, rows=rows, messages=_later(made.messages, "timestamp", after))


def _later(table: pa.Table, name: str, after: timedelta) -> pa.Table:
    at = table.schema.get_field_index(name)
    field = table.schema.field(at)
    return table.set_column(
        at, field, pc.add(table.column(at), pa.scalar(after, pa.duration(field.type.unit)))
    )
