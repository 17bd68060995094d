"""Reading all commits of a lake once, many at a time, each with the time at which it was stored.

A chain is read by its numbers, without a hole: 10,000 commits cost 10 listings and 10,000 GETs.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Final, TypeVar

from transforms.errors import ChainError
from transforms.lake import CommitChain, LakeManifest, ObjectStore, PartitionId, SegmentCommit
from transforms.lake.names import COMMITS

In = TypeVar("In")
Out = TypeVar("Out")

#: The S3 client keeps 16 connections; a GET is waiting, mostly.
THREADS: Final = 12
#: What is read ahead of the counting; bounds memory.
AHEAD: Final = 240


@dataclass(frozen=True)
class StoredCommit:
    """A commit, and when it was stored by S3's clock."""

    commit: SegmentCommit
    stored: datetime


def read_commits(store: ObjectStore, lake: LakeManifest) -> Iterator[StoredCommit]:
    """Yields the commits of all partitions, chain by chain, in order.

    Raises:
        ChainError: A chain has a hole, or a commit is another lake's.
    """
    chains = _stored_chains(store)

    def read(place: tuple[PartitionId, int]) -> StoredCommit:
        owner, seq = place
        tail = CommitChain(store, owner, lake.lake_id).read(seq)
        return StoredCommit(tail.commit, chains[owner][seq])

    yield from in_parallel(
        read, ((owner, seq) for owner in sorted(chains) for seq in range(len(chains[owner])))
    )


def in_parallel(read: Callable[[In], Out], items: Iterator[In]) -> Iterator[Out]:
    """Yields ``read(item)`` for each item in order, reading a bounded number ahead."""
    with ThreadPoolExecutor(THREADS, thread_name_prefix="report") as pool:
        while batch := list(islice(items, AHEAD)):
            yield from pool.map(read, batch)


def _stored_chains(store: ObjectStore) -> dict[PartitionId, Sequence[datetime]]:
    """Returns per partition when each commit was stored, by number."""
    listed: dict[PartitionId, dict[int, datetime]] = {}
    for key, stored in store.stored(COMMITS):
        owner, seq = _place(key)
        listed.setdefault(owner, {})[seq] = stored
    return {owner: _in_order(owner, times) for owner, times in listed.items()}


def _place(key: str) -> tuple[PartitionId, int]:
    try:
        topic, topic_id, partition, name = key.removeprefix(COMMITS).split("/")
        return PartitionId(topic, topic_id, int(partition)), int(name.removesuffix(".json"))
    except ValueError as error:
        raise ChainError(f"{key} is no commit's key", "Look for whoever put it there") from error


def _in_order(owner: PartitionId, times: dict[int, datetime]) -> Sequence[datetime]:
    if set(times) != set(range(len(times))):
        raise ChainError(
            f"the chain of {owner} has a hole", "python -m beam_pipelines.verify tells where"
        )
    return [times[seq] for seq in range(len(times))]
