"""Whatever a runner does with its checkpoints, the latest panes are the totals.

A model of a runner: it keeps positions and cells in one checkpoint, fires what has something new,
and begins again where it likes. What it calls is the product's.
"""

import copy
from collections import defaultdict
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from apache_beam.transforms.window import SlidingWindows, WindowFn
from apache_beam.utils.windowed_value import PaneInfoTiming
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.transforms.windows.batches import batch, shown, totals
from tests.transforms.windows.rows import EVERY_KIND, Row, declare
from tests.transforms.windows.test_partials import ROWS
from transforms.windows import Aggregate, Pane, PaneSettings, latest, pane_of
from transforms.windows.cells import Cells, MergeCells
from transforms.windows.reading_off import ReadOffFn
from transforms.windows.taking import TakeCellsFn, beam_windows

FIXED = declare(measures=EVERY_KIND)
LOCAL = declare(window="day", zone="store_time_zone", measures=EVERY_KIND)

CHAINS = st.lists(st.lists(ROWS, max_size=4), min_size=1, max_size=3)
ACTIONS = st.lists(
    st.tuples(st.sampled_from(["read", "read", "fire", "checkpoint", "restore", "start"]),
              st.integers(0, 2), st.integers(1, 3)),
    max_size=25,
)  # fmt: skip


@dataclass
class State:
    """What a checkpoint holds."""

    position: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    cells: dict[Any, Cells] = field(default_factory=lambda: defaultdict(Cells))
    changed: set[Any] = field(default_factory=set)
    fired: dict[Any, int] = field(default_factory=lambda: defaultdict(int))


class Runner:
    """Runs the stream of some chains.

    Args:
        aggregate: What is counted.
        chains: Of each its commits, of each its rows.
        options: How panes are fired.
        windows: Beam's; the aggregate's own by default.
    """

    def __init__(
        self, aggregate: Aggregate, chains: list, options: PaneSettings, windows: WindowFn = None
    ) -> None:
        self.aggregate, self.chains = aggregate, chains
        self.windows = windows or beam_windows(aggregate)
        self.take = TakeCellsFn(aggregate, options)
        self.merge = MergeCells(aggregate)
        self.read_off = ReadOffFn(aggregate, options)
        self.state, self.kept = State(), State()
        self.log: list[bytes] = []

    def read(self, chain: int, count: int) -> None:
        """Reads the next commits of a chain."""
        if chain >= len(self.chains):
            return
        at = self.state.position[chain]
        commits = self.chains[chain][at : at + count]
        self.state.position[chain] = at + len(commits)
        if commits:
            for element in self.take.process(batch(self.aggregate, *commits)):
                key, cells = element.value
                context = WindowFn.AssignContext(element.timestamp, element.value)
                for window in self.windows.assign(context):
                    held = self.state.cells[key, window]
                    self.state.cells[key, window] = self.merge.merge_accumulators([held, cells])
                    self.state.changed.add((key, window))

    def fire(self, *_unused: int) -> None:
        """Fires what has something new."""
        for key, window in self.state.changed:
            fired = SimpleNamespace(
                index=self.state.fired[key, window], timing=PaneInfoTiming.EARLY, is_last=False
            )
            merged = (key, self.state.cells[key, window])
            self.log += [p.to_bytes() for p in self.read_off.process(merged, window, fired)]
            self.state.fired[key, window] += 1
        self.state.changed = set()

    def checkpoint(self, *_unused: int) -> None:
        """Keeps position and cells together."""
        self.kept = copy.deepcopy(self.state)

    def restore(self, *_unused: int) -> None:
        """Begins again at the last checkpoint."""
        self.state = copy.deepcopy(self.kept)

    def start(self, *_unused: int) -> None:
        """Begins again without state."""
        self.state = State()

    def run(self, actions: list) -> list[Pane]:
        """Does all that, then comes to the end of all chains; returns what was published."""
        for name, chain, count in actions:
            getattr(self, name)(chain, count)
        for chain, commits in enumerate(self.chains):
            self.read(chain, len(commits))
        self.fire()
        return [pane_of(value) for value in self.log]

    def expected(self, below: int = 0) -> dict:
        """The totals of all commits."""
        commits = [rows for chain in self.chains for rows in chain]
        return totals(self.aggregate, [batch(self.aggregate, *commits)], below)


@settings(max_examples=40, deadline=None)
@given(CHAINS, ACTIONS, st.sampled_from([FIXED, LOCAL]))
def test_the_latest_panes_are_the_totals(chains, actions, aggregate):
    runner = Runner(aggregate, chains, PaneSettings())
    assert shown(runner.run(actions)) == runner.expected()


@settings(max_examples=25, deadline=None)
@given(CHAINS, ACTIONS, st.integers(1, 12))
def test_so_they_are_where_small_cells_are_hidden(chains, actions, below):
    runner = Runner(FIXED, chains, PaneSettings(suppress_below=below))
    assert shown(runner.run(actions)) == runner.expected(below)


@settings(max_examples=12, deadline=None)
@given(CHAINS, ACTIONS)
def test_no_version_tells_what_is_hidden(chains, actions):
    runner = Runner(FIXED, chains, PaneSettings(suppress_below=11))
    for pane in runner.run(actions):
        assert pane.version == 0 or pane.version >= 11
        assert not pane.suppressed or set(pane.measures.values()) == {None}


@settings(max_examples=12, deadline=None)
@given(CHAINS, ACTIONS)
def test_a_start_without_state_and_a_restore_agree(chains, actions):
    ends = []
    for again in ("start", "restore"):
        runner = Runner(FIXED, chains, PaneSettings())
        runner.run([*actions, ("fire", 0, 0), (again, 0, 0)])
        ends.append(shown(pane_of(value) for value in runner.log))
    assert ends[0] == ends[1]


@settings(max_examples=12, deadline=None)
@given(CHAINS, ACTIONS)
def test_windows_that_slide_add_up_those_within(chains, actions):
    aggregate = declare(window="1h", measures={"events": {"count": ""}})
    runner = Runner(aggregate, chains, PaneSettings(), SlidingWindows(3 * 3600, 3600))
    panes = shown(runner.run(actions))
    hours = runner.expected()
    for (start, end, store), measures in panes.items():
        within = [
            m["events"] for (a, b, s), m in hours.items() if a >= start and b <= end and s == store
        ]
        assert measures["events"] == sum(within)
    assert sum(m["events"] for m in panes.values()) == 3 * sum(m["events"] for m in hours.values())


def test_the_number_of_a_pane_would_not_do():
    runner = Runner(FIXED, [[[Row()], [Row()], [Row()], [Row()]]], PaneSettings())
    first = [("read", 0, 1), ("fire", 0, 0), ("checkpoint", 0, 0)]
    lost = [("read", 0, 1), ("fire", 0, 0), ("read", 0, 1), ("fire", 0, 0)]
    panes = runner.run([*first, *lost, ("restore", 0, 0)])
    assert [(pane.index, pane.version) for pane in panes] == [(0, 1), (1, 2), (2, 3), (1, 4)]
    (counting,) = latest(panes).values()
    assert counting.measures["rows"] == 4
