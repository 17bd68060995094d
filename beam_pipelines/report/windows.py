"""Window totals of a lake: partials read once, each rolled up to what a page can show."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from beam_pipelines.report.reading import AHEAD, in_parallel
from beam_pipelines.report.rollup import widened
from transforms.errors import PipelineError
from transforms.lake import ObjectStore, SegmentCommit, read_small_tables
from transforms.windows import Aggregate, aggregate_of, merge

#: What the names of partials among a commit's small tables begin with.
PARTIALS: Final = "partials."


@dataclass(frozen=True)
class WindowFacts:
    """An aggregate's totals, in windows that a page can show.

    Attributes:
        name: The aggregate's name.
        partials: Merged partials by window and all dimensions; without columns if there are none.
        problem: Why there are none, or empty text.
    """

    name: str
    partials: pa.Table
    problem: str = ""

    @property
    def aggregate(self) -> Aggregate:
        """The aggregate, as the lake declares it; only where there is no problem."""
        return aggregate_of(self.partials.schema)


@dataclass(frozen=True)
class Bounds:
    """Which windows to tell of, by their start, and how wide they are shown.

    Attributes:
        width: Least width, in microseconds.
        since: First start, milliseconds since 1970 UTC; None for any.
        until: Start that is not told of any more, likewise.
    """

    width: int
    since: int | None = None
    until: int | None = None

    def within(self, table: pa.Table) -> pa.Table:
        """Returns the windows within the bounds; those without a time only without bounds."""
        starts = table.column("window_start").cast(pa.int64())
        if self.since is not None:
            table = table.filter(pc.greater_equal(starts, self.since * 1000))
            starts = table.column("window_start").cast(pa.int64())
        return table if self.until is None else table.filter(pc.less(starts, self.until * 1000))


def aggregates_in(commit: SegmentCommit) -> set[str]:
    """Returns the names of the aggregates that a commit has partials of."""
    names = {name for file in commit.files for name in file.tables}
    return {name.removeprefix(PARTIALS) for name in names if name.startswith(PARTIALS)}


def gather_windows(
    store: ObjectStore, commits: Sequence[SegmentCommit], bounds: Bounds
) -> list[WindowFacts]:
    """Returns the totals of all aggregates that the commits have partials of, by name.

    Each sidecar file is read once; what is held is bounded by the windows of a page and the
    dimensions' values. An aggregate whose partials don't fit one another has a problem instead.
    """
    merging: dict[str, _Merging] = {}
    for tables in in_parallel(partial(_widened, store, bounds=bounds), iter(commits)):
        for name, found in tables.items():
            merging.setdefault(name, _Merging(name)).add(found)
    return [merging[name].facts() for name in sorted(merging)]


def _widened(
    store: ObjectStore, commit: SegmentCommit, bounds: Bounds
) -> dict[str, pa.Table | PipelineError]:
    """Returns a commit's partials, widened, or why they can't be."""
    found: dict[str, pa.Table | PipelineError] = {}
    for name, table in read_small_tables(store, commit).items():
        if name.startswith(PARTIALS):
            try:
                made = widened(bounds.within(table), bounds.width)
            except PipelineError as error:
                made = error
            found[name.removeprefix(PARTIALS)] = made
    return found


class _Merging:
    """Merges the partials of one aggregate, so many at a time that memory stays bounded."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._held: list[pa.Table] = []
        self._problem = ""

    def add(self, found: pa.Table | PipelineError) -> None:
        if isinstance(found, PipelineError):
            self._problem = self._problem or str(found)
            return
        self._held.append(found)
        if len(self._held) >= AHEAD:
            self._merge()

    def facts(self) -> WindowFacts:
        self._merge()
        merged = self._held[0] if self._held and not self._problem else pa.table({})
        return WindowFacts(self._name, merged, self._problem)

    def _merge(self) -> None:
        # Those of one schema as one table: what is done a table is what takes time.
        alike: dict[bytes, list[pa.Table]] = {}
        for table in self._held:
            alike.setdefault(table.schema.serialize().to_pybytes(), []).append(table)
        try:
            self._held = [merge(pa.concat_tables(tables) for tables in alike.values())]
        except PipelineError as error:
            # Told on the page in place of the totals: the other aggregates are right.
            self._problem = self._problem or str(error)
            self._held = []
