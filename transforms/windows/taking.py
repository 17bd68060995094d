"""From committed partials to cells, each with its key and the time that puts it into its window.

Beam's windows are of one width and aligned to 1970, as an aggregate's are, but for local days:
those have 23 to 25 hours, and begin when their zone says. They are no ``WindowFn`` of their own,
since portable runners can't look into one. Instead a day's bounds are part of the key, and its last
instant puts it into a quarter of an hour of Beam's. Today's zones all change days on a quarter, so
that one ends with the day; in a zone that is off by minutes it ends within the quarter. And it is
the same one for all cells of the day.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import apache_beam as beam
import orjson
import pyarrow as pa
from apache_beam.transforms.window import FixedWindows, TimestampedValue
from apache_beam.utils.timestamp import Timestamp

from transforms.lake import CommitBatch
from transforms.metrics import FOREIGN_PARTIALS, UNTIMED_ROWS, tell
from transforms.windows.cells import Cells, Dimensions, Placed, cells_of
from transforms.windows.merging import merge
from transforms.windows.pane import plain
from transforms.windows.pane_settings import PaneSettings
from transforms.windows.spec import Aggregate, aggregate_of

#: Lake, definition, the bounds of a local day in microseconds or zeros, and the dimensions as JSON
#: or, where a window's cells are published together, nothing.
CellKey = tuple[str, str, int, int, str]

#: All of today's zones begin their days on a quarter of an hour.
_QUARTER_S: Final = 900
#: The last instant of a window, as runners count time, before its end.
_TICK_US: Final = 1_000
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


def beam_windows(aggregate: Aggregate) -> FixedWindows:
    """Returns the windows of Beam's that close with those of an aggregate."""
    width = aggregate.width_us
    return FixedWindows(_QUARTER_S if width is None else width // 1_000_000)


class TakeCellsFn(beam.DoFn):
    """Takes an aggregate's cells out of batches of commits, in time and by key."""

    def __init__(self, aggregate: Aggregate, settings: PaneSettings) -> None:
        self._aggregate = aggregate
        self._settings = settings

    def process(self, batch: CommitBatch) -> Iterator[tuple[CellKey, Cells]]:
        """Yields cells, those of one batch merged already, at the last instant of their window."""
        for definition, partials in self._series(batch):
            lake = batch.tails[0].commit.lake_id
            together: dict[tuple[CellKey, int], Cells] = defaultdict(Cells)
            for cell in cells_of(partials, self._aggregate):
                if cell.window is None:
                    tell(UNTIMED_ROWS, cell.values[0], aggregate=self._aggregate.name)
                elif self._settings.since is None or cell.window[0] >= self._settings.since:
                    end = _micros(cell.window[1])
                    key = self._key(lake, definition, cell)
                    together[key, end].held[cell.dimensions] = cell.values
            for (key, end), cells in together.items():
                yield self._timed((key, cells), end)

    def _series(self, batch: CommitBatch) -> Iterator[tuple[str, pa.Table]]:
        """Yields partials that merge, by what tells them from those that don't."""
        series: dict[str, list[pa.Table]] = defaultdict(list)
        for table in batch.tables[self._aggregate.table_name]:
            if not table.num_columns:
                continue
            if aggregate_of(table.schema) != self._aggregate:
                tell(FOREIGN_PARTIALS, 1, aggregate=self._aggregate.name)
                continue
            series[_definition(table.schema, self._aggregate)].append(table)
        for definition, tables in series.items():
            yield definition, merge(tables)

    def _key(self, lake: str, definition: str, cell: Placed) -> CellKey:
        assert cell.window is not None
        own = self._aggregate.width_us is None
        start, end = (_micros(each) if own else 0 for each in cell.window)
        dimensions = "" if self._settings.suppress_below else _text(cell.dimensions)
        return lake, definition, start, end, dimensions

    def _timed(self, cells: tuple[CellKey, Cells], end: int) -> Any:
        return TimestampedValue(cells, Timestamp(micros=end - _TICK_US))


def _definition(schema: pa.Schema, aggregate: Aggregate) -> str:
    types = sorted((field.name, str(field.type)) for field in schema)
    text = orjson.dumps([aggregate.digest, types])
    return hashlib.sha256(text).hexdigest()[:16]


def _text(dimensions: Dimensions) -> str:
    return orjson.dumps([plain(value) for value in dimensions]).decode()


def _micros(moment: datetime) -> int:
    return (moment - _EPOCH) // _MICROSECOND
