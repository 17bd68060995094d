"""New commits of all partitions from a position: what everything downstream of the lake reads.

Nothing downstream reads the stage that made the rows: after a restart its state and the lake's
fences differ, while the commits are the truth, and may be read again as often as needed.
"""

import heapq
from collections.abc import Collection, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Final

import apache_beam as beam
from apache_beam.pvalue import PBegin, PCollection

from transforms.errors import ConfigurationError, LakeMismatchError, ObjectMissingError
from transforms.lake.chain import CommitChain, Tail
from transforms.lake.client import ObjectStore
from transforms.lake.manifest import LakeManifest, require_lake
from transforms.lake.names import PartitionId
from transforms.lake.read import owners
from transforms.lake.settings import StoreSettings

#: Chains whose next commit is looked up at a time: nearly all of a GET is waiting.
_READERS: Final = 8


@dataclass(frozen=True)
class Mark:
    """How far a reader has come in one chain.

    Attributes:
        seq: Number of the last commit that it took; -1 for none.
        sha256: Digest of that commit's bytes: what ``prev`` of the next one must say.
    """

    seq: int = -1
    sha256: str = ""


BEGINNING: Final = Mark()
Position = Mapping[PartitionId, Mark]


@dataclass(frozen=True, kw_only=True)
class BatchLimits:
    """How much one batch of commits may hold; a single commit may exceed it, alone.

    Attributes:
        rows: Rows of the commits' data files.
        bytes: Their bytes in the store.
        commits: How many commits.
    """

    rows: int = 5_000_000
    bytes: int = 1_000_000_000
    commits: int = 2_000

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if value < 1:
                raise ConfigurationError(f"{name} must be at least 1, got {value}", "Raise it")


def new_commits(
    store: ObjectStore,
    lake: LakeManifest,
    position: Position,
    *,
    limits: BatchLimits | None = None,
    topics: Collection[str] | None = None,
    ends: Mapping[PartitionId, int] | None = None,
) -> Iterator[Tail]:
    """Yields the commits after a position, those with the oldest messages first.

    Args:
        store: The lake's objects.
        lake: Its manifest.
        position: Per partition the last commit that was taken. A partition that isn't in it is
            read from its genesis.
        limits: Ends the batch before a commit that would exceed them; None for all there is.
        topics: Reads the partitions of these topics only.
        ends: Numbers of the last commits to yield; a partition that isn't in it is left out.

    Yields:
        Of each partition a contiguous run that begins right after the position, in order. Between
        partitions the one whose next commit has the oldest broker time comes first.

    Raises:
        LakeMismatchError: A chain doesn't go on from the position: the lake was deleted and begun
            anew, restored to an earlier state, or replaced by a fork.
        ChainError: A commit is not this lake's.
    """
    taken = _Taken(limits)
    for tail in _merged(store, lake, position, topics, ends):
        if taken.is_full(tail):
            return
        yield tail


def chain_ends(
    store: ObjectStore, lake: LakeManifest, topics: Collection[str] | None = None
) -> dict[PartitionId, int]:
    """Returns the number of each chain's last commit as of now."""
    chains = [CommitChain(store, owner, lake.lake_id) for owner in _owners(store, {}, topics)]
    with ThreadPoolExecutor(_READERS) as pool:
        tails = list(pool.map(CommitChain.reload, chains))
    return {tail.commit.owner: tail.commit.seq for tail in tails if tail is not None}


def _owners(
    store: ObjectStore, position: Position, topics: Collection[str] | None
) -> list[PartitionId]:
    # Those of the position too: a chain that is gone altogether must be noticed.
    known = sorted({*owners(store), *position})
    return [owner for owner in known if topics is None or owner.topic in topics]


def _merged(
    store: ObjectStore,
    lake: LakeManifest,
    position: Position,
    topics: Collection[str] | None,
    ends: Mapping[PartitionId, int] | None,
) -> Iterator[Tail]:
    found = [each for each in _owners(store, position, topics) if ends is None or each in ends]
    chains = [CommitChain(store, owner, lake.lake_id) for owner in found]
    with ThreadPoolExecutor(_READERS) as pool:
        firsts = pool.map(lambda c: _first(c, position.get(c.owner, BEGINNING)), chains)
        heap = [_entry(n, tail) for n, tail in enumerate(firsts) if tail is not None]
    heapq.heapify(heap)
    while heap:
        _, at, tail = heapq.heappop(heap)
        owner = tail.commit.owner
        if ends is not None and tail.commit.seq > ends[owner]:
            continue
        yield tail
        following = _following(chains[at], Mark(tail.commit.seq, tail.sha256))
        if following is not None:
            heapq.heappush(heap, _entry(at, following))


def _entry(at: int, tail: Tail) -> tuple[int, int, Tail]:
    # No two entries have the same number, so tails are never compared.
    time = tail.commit.broker_time
    return (time[0] if time else -1, at, tail)


def _first(chain: CommitChain, mark: Mark) -> Tail | None:
    tail = _following(chain, mark)
    if tail is None and mark.seq >= 0:
        _check_still_there(chain, mark)
    return tail


def _following(chain: CommitChain, mark: Mark) -> Tail | None:
    try:
        tail = chain.read(mark.seq + 1)
    except ObjectMissingError:
        return None
    if tail.commit.prev != mark.sha256:
        raise _mismatch(chain.owner, mark, "its next commit follows from another one")
    return tail


def _check_still_there(chain: CommitChain, mark: Mark) -> None:
    try:
        same = chain.read(mark.seq).sha256 == mark.sha256
    except ObjectMissingError:
        raise _mismatch(chain.owner, mark, "that commit is gone") from None
    if not same:
        raise _mismatch(chain.owner, mark, "that commit is another one now")


def _mismatch(owner: PartitionId, mark: Mark, why: str) -> LakeMismatchError:
    return LakeMismatchError(
        f"the chain of {owner} doesn't go on from its commit {mark.seq}, which was taken: {why}",
        "The lake was restored, replaced by a fork, or begun anew: bring the lake back, or make "
        "what was loaded from it anew",
    )


class _Taken:
    """What a batch holds so far."""

    def __init__(self, limits: BatchLimits | None) -> None:
        self._limits = limits
        self._rows = self._bytes = self._commits = 0

    def is_full(self, tail: Tail) -> bool:
        """Counts a commit; True, and not counted, if the batch has no room for it."""
        limits, files = self._limits, tail.commit.files
        rows = self._rows + sum(file.rows for file in files)
        size = self._bytes + sum(file.bytes for file in files)
        if limits is not None and self._commits:
            over = rows > limits.rows or size > limits.bytes or self._commits >= limits.commits
            if over:
                return True
        self._rows, self._bytes, self._commits = rows, size, self._commits + 1
        return False


@dataclass(frozen=True)
class CommitBatch:
    """New commits: of each partition a contiguous run.

    Attributes:
        tails: The commits with their digests, in the order in which they were read.
    """

    tails: tuple[Tail, ...]

    def position_after(self, position: Position) -> dict[PartitionId, Mark]:
        """Returns the position behind this batch."""
        taken = {t.commit.owner: Mark(t.commit.seq, t.sha256) for t in self.tails}
        return {**position, **taken}


@dataclass(frozen=True, kw_only=True)
class ReadCommitsConfig:
    """What to read.

    Attributes:
        lake_root: ``s3://bucket/prefix``.
        store: Address and credentials; the AWS environment by default.
        position: Where to begin, per partition; from its genesis where nothing is said.
        limits: How much one batch may hold.
        topics: Reads the partitions of these topics only.
    """

    lake_root: str
    store: StoreSettings | None = None
    position: Position = field(default_factory=dict)
    limits: BatchLimits = field(default_factory=BatchLimits)
    topics: frozenset[str] | None = None


class ReadCommits(beam.PTransform[PBegin, PCollection[CommitBatch]]):
    """Reads the new commits of a lake, from a position to the ends that it finds at its start.

    Bounded, and not parallel: commits are small, and their order matters. A retry reads the same
    commits again, perhaps in other batches; whoever applies them must keep a fence.

    Args:
        config: What to read.
    """

    def __init__(self, config: ReadCommitsConfig) -> None:
        super().__init__()
        self._config = config

    def expand(self, pbegin: PBegin) -> PCollection[CommitBatch]:
        """Yields one element a batch."""
        found: PCollection[CommitBatch] = (
            pbegin
            | "Lake" >> beam.Create([self._config.lake_root])
            | "ReadCommits" >> beam.ParDo(_ReadCommitsFn(self._config))
        )
        return found


class _ReadCommitsFn(beam.DoFn):
    def __init__(self, config: ReadCommitsConfig) -> None:
        self._config = config

    def process(self, element: str) -> Iterator[CommitBatch]:
        yield from batches(ObjectStore(element, self._config.store), self._config)


def batches(store: ObjectStore, config: ReadCommitsConfig) -> Iterator[CommitBatch]:
    """Yields the batches of ``ReadCommits``."""
    lake = require_lake(store)
    ends, position = chain_ends(store, lake, config.topics), dict(config.position)
    # One with a position but without a chain is gone; asked for, so that it is noticed.
    ends |= {owner: mark.seq for owner, mark in position.items() if owner not in ends}
    while True:
        found = new_commits(store, lake, position, limits=config.limits, ends=ends)
        batch = CommitBatch(tuple(found))
        if not batch.tails:
            return
        yield batch
        position = batch.position_after(position)
