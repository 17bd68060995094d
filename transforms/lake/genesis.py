"""The genesis: commit number 0 of each chain, made before the first message is read.

The topic's start offsets are decided once, for all of its partitions, and stand in the genesis of
partition 0. The other partitions take theirs from there: a crash between two genesis commits
changes nothing. A partition that is not in that list came later: it begins at its earliest offset.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from transforms.crash_points import crash_point
from transforms.errors import ChainError
from transforms.lake.chain import CommitChain, Tail
from transforms.lake.client import ObjectStore
from transforms.lake.commit import SegmentCommit
from transforms.lake.manifest import LakeManifest
from transforms.lake.names import COMMITS, PartitionId


@dataclass(frozen=True, kw_only=True)
class TopicBirth:
    """How a topic enters the lake.

    Attributes:
        topic: Topic name.
        topic_id: Kafka's id of it.
        cluster_id: Kafka's id of the cluster.
        how: ``earliest``, ``latest``, ``timestamp ...`` or ``given``.
        starts: First offset to read, per partition.
    """

    topic: str
    topic_id: str
    cluster_id: str
    how: str
    starts: Mapping[int, int]


def known_topic_ids(store: ObjectStore, topic: str) -> list[str]:
    """Returns the topic ids that have a chain of this topic name."""
    return store.folders(f"{COMMITS}{topic}/")


def find_birth(store: ObjectStore, lake: LakeManifest, topic: str, topic_id: str) -> Tail | None:
    """Returns the genesis of the topic's partition 0, or None for a topic new to the lake."""
    return CommitChain(store, PartitionId(topic, topic_id, 0), lake.lake_id).find(0)


def ensure_genesis(
    store: ObjectStore, lake: LakeManifest, birth: TopicBirth, earliest: Mapping[int, int]
) -> None:
    """Makes the genesis commits that the topic's partitions still lack. Safe to repeat.

    Args:
        store: The lake's objects.
        lake: The lake's manifest.
        birth: Used only if the topic is new to the lake.
        earliest: Earliest offset of each partition that exists now.
    """
    if find_birth(store, lake, birth.topic, birth.topic_id) is None:
        _create(store, lake, birth, 0, birth.starts[0])
    settled = find_birth(store, lake, birth.topic, birth.topic_id)
    if settled is None or settled.commit.genesis is None:
        raise ChainError(f"the genesis of {birth.topic} was created and is gone")
    starts = {int(p): int(start) for p, start in settled.commit.genesis["starts"].items()}
    for partition, first in sorted(earliest.items()):
        owner = PartitionId(birth.topic, birth.topic_id, partition)
        if partition and store.size(owner.commit_key(0)) is None:
            _create(store, lake, birth, partition, starts.get(partition, first))


def _create(
    store: ObjectStore, lake: LakeManifest, birth: TopicBirth, partition: int, start: int
) -> None:
    genesis: dict[str, object] = {"how": birth.how}
    if partition == 0:
        genesis["starts"] = {str(p): offset for p, offset in sorted(birth.starts.items())}
    chain = CommitChain(store, PartitionId(birth.topic, birth.topic_id, partition), lake.lake_id)
    crash_point("lake.before_genesis")
    chain.append(
        SegmentCommit(
            lake_id=lake.lake_id,
            cluster_id=birth.cluster_id,
            topic=birth.topic,
            topic_id=birth.topic_id,
            partition=partition,
            seq=0,
            start=start,
            end=start,
            prev="",
            genesis=genesis,
        )
    )
    crash_point("lake.after_genesis")
