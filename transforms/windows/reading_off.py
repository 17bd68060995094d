"""From merged cells to panes."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import apache_beam as beam
import pyarrow as pa
from apache_beam.utils.windowed_value import PaneInfoTiming

from transforms.windows.cells import Cells, Dimensions, read_values
from transforms.windows.pane import Pane, Timing, plain
from transforms.windows.pane_settings import PaneSettings
from transforms.windows.spec import Aggregate
from transforms.windows.suppression import SUPPRESSED, counted, suppress
from transforms.windows.taking import CellKey

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_TIMINGS: Final[Mapping[int, Timing]] = {
    PaneInfoTiming.EARLY: "early",
    PaneInfoTiming.ON_TIME: "on_time",
    PaneInfoTiming.LATE: "late",
}


class ReadOffFn(beam.DoFn):
    """Reads merged cells off as panes."""

    def __init__(self, aggregate: Aggregate, settings: PaneSettings) -> None:
        self._aggregate = aggregate
        self._below = settings.suppress_below

    def process(
        self,
        merged: tuple[CellKey, Cells],
        window: Any = beam.DoFn.WindowParam,
        fired: Any = beam.DoFn.PaneInfoParam,
    ) -> Iterator[Pane]:
        """Yields one pane a cell."""
        (lake, definition, start, end, _), cells = merged
        if self._aggregate.width_us is not None:
            start, end = window.start.micros, window.end.micros
        listed = sorted(cells.held.items(), key=lambda item: _order(item[0]))
        measured = [read_values(self._aggregate, values) for _, values in listed]
        hidden = self._hidden(measured)
        for (dimensions, _), measures, hide in zip(listed, measured, hidden, strict=True):
            yield Pane(
                lake=lake,
                definition=definition,
                aggregate=self._aggregate.name,
                window_start=_moment(start),
                window_end=_moment(end),
                dimensions={
                    name: plain(value)
                    for name, value in zip(self._aggregate.dimensions, dimensions, strict=True)
                },
                measures={n: None if hide else plain(value) for n, value in measures.items()},
                suppressed=hide,
                index=fired.index,
                timing=_TIMINGS[fired.timing],
                is_last=fired.is_last,
                version=self._version(cells.rows),
            )

    def _hidden(self, measured: list[dict[str, Any]]) -> list[bool]:
        """Returns which cells of a window are hidden, as in its totals."""
        if not self._below:
            return [False] * len(measured)
        bounds = pa.nulls(len(measured), pa.timestamp("us", "UTC"))
        columns = {
            name: pa.array([each[name] for each in measured], pa.int64())
            for name in counted(self._aggregate)
        }
        totals = pa.table({"window_start": bounds, "window_end": bounds, **columns})
        bare = self._aggregate.model_copy(update={"dimensions": ()})
        shown = suppress(totals, bare, self._below)
        hidden: list[bool] = shown.column(SUPPRESSED).to_pylist()
        return hidden

    def _version(self, rows: int) -> int:
        # Where all is hidden the number of rows is, too.
        return rows if rows >= self._below else 0


def _order(dimensions: Dimensions) -> list[tuple[bool, Any]]:
    """Orders cells as totals are: nulls last."""
    return [(value is None, value) for value in dimensions]


def _moment(micros: int) -> datetime:
    return _EPOCH + timedelta(microseconds=micros)
