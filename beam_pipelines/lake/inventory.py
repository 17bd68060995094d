"""``lake ls``: what there is, counted from the commits."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from rich.table import Table

from transforms.lake import DataFile, ObjectStore, PartitionId, SegmentCommit, commits, require_lake
from transforms.lake.names import SIDECAR


@dataclass
class DatasetSize:
    """What commits hold of one dataset; times in microseconds since 1970 UTC."""

    commits: int = 0
    files: int = 0
    rows: int = 0
    bytes: int = 0
    event_time: tuple[int, int] | None = None

    def add(self, file: DataFile) -> None:
        """Counts a file."""
        self.files += 1
        self.rows += file.rows
        self.bytes += file.bytes
        times = [each for each in (self.event_time, file.event_time) if each is not None]
        if times:
            self.event_time = (min(t[0] for t in times), max(t[1] for t in times))


@dataclass
class ChainState:
    """Where one chain stands; ``broker_time`` is that of its newest message, milliseconds."""

    topic: str
    topic_id: str
    partition: int
    commits: int = 0
    fence: int = 0
    messages: int = 0
    gap_offsets: int = 0
    broker_time: int | None = None

    def add(self, commit: SegmentCommit) -> None:
        """Counts the chain's next commit."""
        self.commits += 1
        self.fence = commit.end
        self.messages += commit.messages
        self.gap_offsets += sum(end - start for start, end in commit.gaps)
        if commit.broker_time is not None:
            self.broker_time = max(self.broker_time or 0, commit.broker_time[1])


@dataclass
class Inventory:
    """Datasets, small tables and chains of a lake.

    Attributes:
        lake_id: The lake.
        policy: Its masking policy.
        datasets: Sizes by dataset; the sidecar files count as one.
        small_tables: Rows of the tables that ride in sidecar files.
        chains: State by partition.
    """

    lake_id: str
    policy: str
    datasets: dict[str, DatasetSize] = field(default_factory=dict)
    small_tables: Counter[str] = field(default_factory=Counter)
    chains: dict[PartitionId, ChainState] = field(default_factory=dict)

    def add(self, commit: SegmentCommit) -> None:
        """Counts a commit."""
        owner = commit.owner
        state = ChainState(owner.topic, owner.topic_id, owner.partition)
        self.chains.setdefault(owner, state).add(commit)
        for dataset in {file.dataset for file in commit.files}:
            self.datasets.setdefault(dataset, DatasetSize()).commits += 1
        for file in commit.files:
            self.datasets[file.dataset].add(file)
            self.small_tables.update(file.tables)

    def to_dict(self) -> dict[str, Any]:
        """Returns it as plain values."""
        return {
            "lake_id": self.lake_id,
            "policy": self.policy,
            "datasets": {name: vars(size) for name, size in sorted(self.datasets.items())},
            "small_tables": dict(self.small_tables),
            "chains": [vars(state) for _, state in sorted(self.chains.items())],
        }


def take_inventory(store: ObjectStore) -> Inventory:
    """Counts what the commits name; reads no data file."""
    lake = require_lake(store)
    inventory = Inventory(lake.lake_id, lake.policy)
    for tail in commits(store, lake):
        inventory.add(tail.commit)
    return inventory


def tables(inventory: Inventory, *, chains: bool) -> Iterable[Table]:
    """Yields the inventory as tables for people; the chains only on request, they may be many."""
    yield _datasets(inventory)
    if inventory.small_tables:
        small = _table("Small tables", "table", "rows")
        for name, rows in sorted(inventory.small_tables.items()):
            small.add_row(name, f"{rows:,}")
        yield small
    if not chains:
        return
    shown = _table("Chains", "partition", "topic id", "commits", "fence", "messages", "gaps", "to")
    for owner, state in sorted(inventory.chains.items()):
        shown.add_row(
            str(owner),
            owner.topic_id,
            f"{state.commits:,}",
            f"{state.fence:,}",
            f"{state.messages:,}",
            f"{state.gap_offsets:,}",
            "" if state.broker_time is None else _time(state.broker_time / 1e3),
        )
    yield shown


def _datasets(inventory: Inventory) -> Table:
    title = f"Lake {inventory.lake_id}, policy {inventory.policy}"
    table = _table(title, "dataset", "commits", "files", "rows", "MB", "events from", "to")
    for name, size in sorted(inventory.datasets.items()):
        first, last = size.event_time or (None, None)
        table.add_row(
            "(small tables)" if name == SIDECAR else name,
            f"{size.commits:,}",
            f"{size.files:,}",
            f"{size.rows:,}",
            f"{size.bytes / 1e6:,.1f}",
            "" if first is None else _time(first / 1e6),
            "" if last is None else _time(last / 1e6),
        )
    return table


def _table(title: str, first: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left")
    table.add_column(first, overflow="fold")
    for column in columns:
        table.add_column(column, justify="right")
    return table


def _time(seconds: float) -> str:
    try:
        return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M}"
    except (ValueError, OverflowError):
        return "?"  # A producer's clock may say anything.
