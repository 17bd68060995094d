"""``FirePanes``: committed partials in Beam's windows, fired early, on time and late."""

import apache_beam as beam
from apache_beam.pvalue import PCollection
from apache_beam.transforms.trigger import (
    AccumulationMode,
    AfterCount,
    AfterProcessingTime,
    AfterWatermark,
)
from apache_beam.transforms.window import GlobalWindows, SlidingWindows, WindowFn
from apache_beam.utils.timestamp import Duration

from transforms.lake import CommitBatch
from transforms.windows.cells import Cells, MergeCells
from transforms.windows.pane import Pane
from transforms.windows.pane_settings import PaneSettings
from transforms.windows.reading_off import ReadOffFn
from transforms.windows.spec import Aggregate
from transforms.windows.taking import CellKey, TakeCellsFn, beam_windows


class FirePanes(beam.PTransform[PCollection[CommitBatch], PCollection[Pane]]):
    """Counts an aggregate's committed partials in Beam's windows.

    Bounded or not, parallel over cells. In a stream each cell's pane is fired again when it has
    something new; in a drain once, at the end.

    Guarantees: what a pane says is what ``merge_totals`` says of the commits that it counts. Once
    all commits are read, the latest panes are the totals of all windows, but for rows without a
    time and for those that came later than the allowed lateness. Panes may come again after a
    restart; see ``transforms.windows.pane`` for which one counts.

    Args:
        aggregate: What is counted. Partials of another declaration under its name are left out.
        settings: When panes are fired.

    Raises:
        ConfigurationError: Windows that slide don't fit the aggregate.
    """

    def __init__(self, aggregate: Aggregate, settings: PaneSettings) -> None:
        super().__init__()
        for each in settings.sliding:
            each.check(aggregate)
        self._aggregate = aggregate
        self._settings = settings

    def expand(self, batches: PCollection[CommitBatch]) -> PCollection[Pane]:
        """Adds one branch a kind of window."""
        cells = batches | "TakeCells" >> beam.ParDo(TakeCellsFn(self._aggregate, self._settings))
        fired = [
            cells | name >> _Fire(self._aggregate, self._settings, window_fn)
            for name, window_fn in self._windows().items()
        ]
        panes: PCollection[Pane] = tuple(fired) | "Panes" >> beam.Flatten()
        return panes

    def _windows(self) -> dict[str, WindowFn]:
        sliding = {
            f"FireSliding{each.size_s}sEvery{each.every_s}s": SlidingWindows(
                each.size_s, each.every_s
            )
            for each in self._settings.sliding
        }
        return {"Fire": beam_windows(self._aggregate), **sliding}


class _Fire(beam.PTransform[PCollection[tuple[CellKey, Cells]], PCollection[Pane]]):
    """One kind of window."""

    def __init__(self, aggregate: Aggregate, settings: PaneSettings, window_fn: WindowFn) -> None:
        super().__init__()
        self._aggregate = aggregate
        self._settings = settings
        self._window_fn = window_fn

    def expand(self, cells: PCollection[tuple[CellKey, Cells]]) -> PCollection[Pane]:
        """Adds windows, counting and reading off."""
        settings = self._settings
        panes: PCollection[Pane] = (
            cells
            | "Window"
            >> beam.WindowInto(
                self._window_fn,
                trigger=AfterWatermark(early=self._early(cells), late=AfterCount(1)),
                accumulation_mode=AccumulationMode.ACCUMULATING,
                allowed_lateness=Duration(settings.allowed_lateness_s),
            )
            | "Merge" >> beam.CombinePerKey(MergeCells(self._aggregate))
            | "ReadOff" >> beam.ParDo(ReadOffFn(self._aggregate, settings))
            # A pane says of which window it is; those of several kinds flow together from here on.
            | "Unwindow" >> beam.WindowInto(GlobalWindows())
        )
        return panes

    def _early(self, cells: PCollection[tuple[CellKey, Cells]]) -> AfterProcessingTime | None:
        # A drain fires at its end, and some runners of drains have no clock for triggers.
        return None if cells.is_bounded else AfterProcessingTime(self._settings.early_s)
