"""What there is to read: partitions, their fences and wanted ends, and what is refused.

The wanted end of a drain is the last stable offset, queried: a cached watermark lies under open
transactions.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from transforms.errors import (
    ChainError,
    LogTooShortError,
    PipelineError,
    RefusedError,
    RetryableError,
    TopicReplacedError,
)
from transforms.kafka.client import Broker
from transforms.kafka.settings import TopicFacts
from transforms.kafka.starts import StartAt
from transforms.lake.chain import CommitChain
from transforms.lake.client import ObjectStore
from transforms.lake.genesis import TopicBirth, ensure_genesis, find_birth, known_topic_ids
from transforms.lake.manifest import LakeManifest
from transforms.lake.names import PartitionId
from transforms.topics import TopicName, found, place_of


@dataclass(frozen=True, kw_only=True)
class PartitionTask:
    """One partition to be read to its wanted end: the element of the reading stage.

    Attributes:
        topic: Topic name.
        topic_id: Kafka's id of it; another one ends the reading.
        partition: Partition number.
        fence: The lake's fence at discovery, a hint only; 0 in a stream.
        wanted: Offset to stop before; 0 in a stream, which has no end.
        failure: Why the partition can't be read; partition 0 stands for the whole topic, whose id
            may be unknown. Nothing is wanted then.
    """

    topic: str
    topic_id: str
    partition: int
    fence: int
    wanted: int
    failure: PipelineError | None = None

    @property
    def owner(self) -> PartitionId:
        """The owner of the partition's chain."""
        return PartitionId(self.topic, self.topic_id, self.partition)


def check_topics(
    broker: Broker, store: ObjectStore, lake: LakeManifest | None, topics: Sequence[str]
) -> list[TopicFacts]:
    """Describes the topics and refuses what can't be read; touches nothing.

    Raises:
        TopicMissingError: The broker doesn't know one of them.
        TopicReplacedError: The lake knows a topic of that name with another id.
        RefusedError: The topic's chain was made from another cluster.
    """
    described = broker.describe(topics)
    for facts in described:
        _check_identity(store, lake, facts)
    return described


def read_topics(broker: Broker, names: Sequence[TopicName]) -> list[str]:
    """Returns the topics to read as of now, in the order of the names.

    Raises:
        PipelineError: A pattern asks for the topics that there are, and the cluster gives none.
    """
    by_pattern = any(name.pattern for name in names)
    return found(names, broker.names() if by_pattern else ())


def discover(
    broker: Broker,
    store: ObjectStore,
    lake: LakeManifest,
    names: Sequence[TopicName],
    start: StartAt,
) -> Iterator[PartitionTask]:
    """Yields the partitions that have something to read, in the order of the names.

    The genesis commits that are missing are made first: before the first message is read. A refusal
    or outage is not raised, but yielded as a task that failed, so that it reaches the run's report
    on every runner. No topic is read if one of them is refused. Later a topic or partition that
    fails stops no other, except in an outage, which would only be waited out for each anew.
    """
    described: list[TopicFacts] = []
    try:
        topics = read_topics(broker, names)
    except PipelineError as error:
        yield failed_task(PartitionId(names[-1].pattern, "", 0), error)
        return
    for topic in topics:
        try:
            place_of(topic, names)
            described += check_topics(broker, store, lake, [topic])
        except PipelineError as error:
            yield failed_task(PartitionId(topic, "", 0), error)
            return
    for facts in described:
        try:
            tasks = list(_tasks(broker, store, lake, facts, start))
        except PipelineError as error:
            yield failed_task(PartitionId(facts.topic, facts.topic_id, 0), error)
            if isinstance(error, RetryableError):
                return
        else:
            yield from tasks


def fences(
    store: ObjectStore, lake: LakeManifest | None, facts: TopicFacts
) -> dict[int, int | None]:
    """Returns the fence of each partition; None where there is no chain yet."""
    if lake is None:
        return dict.fromkeys(facts.partitions)
    tails = {
        p: CommitChain(store, PartitionId(facts.topic, facts.topic_id, p), lake.lake_id).tail()
        for p in facts.partitions
    }
    return {p: tail.fence if tail else None for p, tail in tails.items()}


def check_log_reaches(facts: TopicFacts, partition: int, fence: int, end: int) -> None:
    """Refuses a log that is shorter than the lake.

    Raises:
        LogTooShortError: Names the partition, the fence and the log's end.
    """
    if fence > end:
        raise LogTooShortError(
            f"the lake's fence of {facts.topic}[{partition}] is {fence}, its log ends at {end}: "
            "the log is shorter than the lake",
            "The broker lost messages that the lake has (unclean election, restored disk). Let "
            "the producer send again what came after, to a new topic, and adopt that",
        )


def settle(
    broker: Broker, store: ObjectStore, lake: LakeManifest, facts: TopicFacts, start: StartAt
) -> None:
    """Makes the genesis commits that a topic's partitions lack: before their first message is read.

    Args:
        broker: The cluster.
        store: The lake's objects.
        lake: Its manifest.
        facts: The topic, checked.
        start: Where it begins if it is new to the lake.
    """
    earliest = broker.earliest(facts)
    if find_birth(store, lake, facts.topic, facts.topic_id) is None:
        starts = start.resolve(broker, facts)
    else:
        starts = earliest
    birth = TopicBirth(
        topic=facts.topic,
        topic_id=facts.topic_id,
        cluster_id=facts.cluster_id,
        how=start.label(),
        starts=starts,
    )
    ensure_genesis(store, lake, birth, earliest)


def _tasks(
    broker: Broker, store: ObjectStore, lake: LakeManifest, facts: TopicFacts, start: StartAt
) -> Iterator[PartitionTask]:
    settle(broker, store, lake, facts, start)
    for partition, end in sorted(broker.stable_end(facts).items()):
        try:
            task = _task(store, lake, facts, partition, end)
        except (ChainError, LogTooShortError) as error:
            yield failed_task(PartitionId(facts.topic, facts.topic_id, partition), error)
        else:
            if task.fence < task.wanted:
                yield task


def failed_task(owner: PartitionId, error: PipelineError) -> PartitionTask:
    """Returns the task that carries a failure to the run's report."""
    return PartitionTask(
        topic=owner.topic,
        topic_id=owner.topic_id,
        partition=owner.partition,
        fence=0,
        wanted=0,
        failure=error,
    )


def _task(
    store: ObjectStore, lake: LakeManifest, facts: TopicFacts, partition: int, end: int
) -> PartitionTask:
    owner = PartitionId(facts.topic, facts.topic_id, partition)
    tail = CommitChain(store, owner, lake.lake_id).tail()
    assert tail is not None
    check_log_reaches(facts, partition, tail.fence, end)
    return PartitionTask(
        topic=facts.topic,
        topic_id=facts.topic_id,
        partition=partition,
        fence=tail.fence,
        wanted=end,
    )


def _check_identity(store: ObjectStore, lake: LakeManifest | None, facts: TopicFacts) -> None:
    known = known_topic_ids(store, facts.topic) if lake else []
    if known and facts.topic_id not in known:
        raise TopicReplacedError(
            f"the topic {facts.topic} was deleted and made again (its id is {facts.topic_id}, the "
            f"lake knows {', '.join(known)})",
            "If that is meant, run: python -m beam_pipelines.lake adopt-topic --topic "
            f"{facts.topic}; it starts a chain of its own at the earliest offset",
        )
    birth = find_birth(store, lake, facts.topic, facts.topic_id) if lake and known else None
    if birth is not None and birth.commit.cluster_id != facts.cluster_id:
        raise RefusedError(
            f"the lake's chain of {facts.topic} comes from the Kafka cluster "
            f"{birth.commit.cluster_id}, this one is {facts.cluster_id}",
            "Check --kafka_bootstrap_servers",
        )
