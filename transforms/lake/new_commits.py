"""New commits of all partitions from a position, oldest first.

Everything downstream of the lake reads commits, and nothing reads the stage that made the rows:
after a restart its state and the lake's fences differ, while the commits are the truth, and may be
read again as often as needed.
"""

import heapq
from collections.abc import Container, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

from transforms.errors import ConfigurationError, LakeMismatchError
from transforms.lake.chain import CommitChain, Tail
from transforms.lake.client import ObjectStore
from transforms.lake.manifest import LakeManifest
from transforms.lake.names import PartitionId
from transforms.lake.read import owners

#: Commits or sidecars that are read at a time: a GET takes tens of milliseconds, nearly all of it
#: waiting.
READERS: Final = 8


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


def mark_of(tail: Tail) -> Mark:
    """Returns how far a reader has come that took this commit last."""
    return Mark(tail.commit.seq, tail.sha256)


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
    topics: Container[str] | None = None,
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
    taken = Taken(limits)
    for tail in _merged(store, lake, position, topics, ends):
        if taken.is_full(tail):
            return
        yield tail


def chain_ends(
    store: ObjectStore, lake: LakeManifest, topics: Container[str] | None = None
) -> dict[PartitionId, int]:
    """Returns the number of each chain's last commit as of now."""
    chains = [CommitChain(store, owner, lake.lake_id) for owner in _owners(store, {}, topics)]
    with ThreadPoolExecutor(READERS) as pool:
        tails = list(pool.map(CommitChain.reload, chains))
    return {tail.commit.owner: tail.commit.seq for tail in tails if tail is not None}


def _owners(
    store: ObjectStore, position: Position, topics: Container[str] | None
) -> list[PartitionId]:
    # Those of the position too: a chain that is gone altogether must be noticed.
    known = {owner for owner in position if topics is None or owner.topic in topics}
    return sorted({*owners(store, topics), *known})


def _merged(
    store: ObjectStore,
    lake: LakeManifest,
    position: Position,
    topics: Container[str] | None,
    ends: Mapping[PartitionId, int] | None,
) -> Iterator[Tail]:
    found = [each for each in _owners(store, position, topics) if ends is None or each in ends]
    chains = [CommitChain(store, owner, lake.lake_id) for owner in found]
    with ThreadPoolExecutor(READERS) as pool:
        firsts = pool.map(lambda c: _first(c, position.get(c.owner, BEGINNING)), chains)
        heap = [_entry(n, tail) for n, tail in enumerate(firsts) if tail is not None]
    heapq.heapify(heap)
    while heap:
        _, at, tail = heapq.heappop(heap)
        owner = tail.commit.owner
        if ends is not None and tail.commit.seq > ends[owner]:
            continue
        yield tail
        after = following(chains[at], mark_of(tail))
        if after is not None:
            heapq.heappush(heap, _entry(at, after))


def _entry(at: int, tail: Tail) -> tuple[int, int, Tail]:
    # No two entries have the same number, so tails are never compared.
    time = tail.commit.broker_time
    return (time[0] if time else -1, at, tail)


def _first(chain: CommitChain, mark: Mark) -> Tail | None:
    tail = following(chain, mark)
    if tail is None and mark.seq >= 0:
        check_still_there(chain, mark)
    return tail


def following(chain: CommitChain, mark: Mark) -> Tail | None:
    """Returns the commit after a mark; None if there is none yet.

    Raises:
        LakeMismatchError: It follows from another commit than the one that was taken.
    """
    tail = chain.find(mark.seq + 1)
    if tail is not None:
        check_follows(chain, mark, tail)
    return tail


def check_follows(chain: CommitChain, mark: Mark, tail: Tail) -> None:
    """Checks that a commit is the next one after a mark.

    Raises:
        LakeMismatchError: It follows from another commit than the one that was taken.
    """
    if tail.commit.prev != mark.sha256:
        raise _mismatch(chain.owner, mark, "its next commit follows from another one")


def check_still_there(chain: CommitChain, mark: Mark) -> None:
    """Checks that the commit that was taken last is what it was.

    Raises:
        LakeMismatchError: It is gone, or another one.
    """
    tail = chain.find(mark.seq)
    if tail is None:
        raise _mismatch(chain.owner, mark, "that commit is gone")
    if tail.sha256 != mark.sha256:
        raise _mismatch(chain.owner, mark, "that commit is another one now")


def _mismatch(owner: PartitionId, mark: Mark, why: str) -> LakeMismatchError:
    return LakeMismatchError(
        f"the chain of {owner} doesn't go on from its commit {mark.seq}, which was taken: {why}",
        "The lake was restored, replaced by a fork, or begun anew: bring the lake back, or make "
        "what was loaded from it anew",
    )


class Taken:
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
