"""What ``ReadCommits`` gives out, and what it is told."""

from collections.abc import Collection, Container, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime

import pyarrow as pa

from transforms.errors import ConfigurationError
from transforms.lake.chain import Tail
from transforms.lake.client import ObjectStore
from transforms.lake.names import PartitionId
from transforms.lake.new_commits import READERS, BatchLimits, Mark, Position, mark_of
from transforms.lake.read import read_small_tables
from transforms.lake.settings import StoreSettings
from transforms.settings import Mode, check_mode, check_positive


@dataclass(frozen=True)
class CommitBatch:
    """New commits: of each partition a contiguous run.

    Attributes:
        tails: The commits with their digests, in the order in which they were read.
        tables: The small tables that were asked for, by name: those of the commits that have one.
    """

    tails: tuple[Tail, ...]
    tables: Mapping[str, tuple[pa.Table, ...]] = field(default_factory=dict)

    def position_after(self, position: Position) -> dict[PartitionId, Mark]:
        """Returns the position behind this batch."""
        return {**position, **{tail.commit.owner: mark_of(tail) for tail in self.tails}}


def read_batch(store: ObjectStore, tails: Iterable[Tail], names: Collection[str]) -> CommitBatch:
    """Returns a batch of commits, with their small tables of these names."""
    listed = tuple(tails)
    held = [t.commit for t in listed if any(set(names) & set(f.tables) for f in t.commit.files)]
    with ThreadPoolExecutor(READERS) as pool:
        found = list(pool.map(lambda commit: read_small_tables(store, commit), held))
    tables = {name: tuple(each[name] for each in found if name in each) for name in names}
    return CommitBatch(listed, tables)


@dataclass(frozen=True, kw_only=True)
class FollowSettings:
    """How a stream follows the chains.

    Attributes:
        poll_every_s: How often each chain is asked for its next commit when it had none, in
            seconds; each time costs a GET.
        disorder_s: How far rows may come behind younger ones of their partition, in seconds of
            event time, before they count as late.
        idle_after_s: A chain that had nothing new for so long, in seconds, moves its watermark on
            with the clock. Longer than a segment takes to be committed, or it would overtake it.
        discover_every_s: How often new chains are looked for, in seconds.
    """

    poll_every_s: float = 5.0
    disorder_s: float = 300.0
    idle_after_s: float = 120.0
    discover_every_s: float = 30.0

    def __post_init__(self) -> None:
        check_positive(self)


@dataclass(frozen=True, kw_only=True)
class ReadCommitsConfig:
    """What to read.

    Attributes:
        lake_root: ``s3://bucket/prefix``.
        store: Address and credentials; the AWS environment by default.
        position: Where to begin, per partition; from its genesis where nothing is said. A stream
            that goes on from a runner's state has its position there.
        since: Where nothing is said: begin a little before the first commit whose messages reach
            this time.
        limits: How much one batch may hold.
        topics: Reads the partitions of these topics only.
        tables: Names of small tables that are read with the commits.
        mode: ``drain`` reads to the ends that there are at the start; ``stream`` goes on for ever.
        follow: How a stream does that.
    """

    lake_root: str
    store: StoreSettings | None = None
    position: Position = field(default_factory=dict)
    since: datetime | None = None
    limits: BatchLimits = field(default_factory=BatchLimits)
    topics: Container[str] | None = None
    tables: frozenset[str] = frozenset()
    mode: Mode = "drain"
    follow: FollowSettings = field(default_factory=FollowSettings)

    def __post_init__(self) -> None:
        check_mode(self.mode)
        if self.since is not None and self.since.tzinfo is None:
            raise ConfigurationError(f"the time {self.since} has no zone", "Give an aware datetime")
