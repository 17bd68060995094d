"""A Kafka cluster in memory, as discovery and the readers ask it.

Only facts and offsets: it stands for ``transforms.kafka.Broker`` and, by partition, for the source
of ``read_segments``.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from tests.transforms.segments import messages
from transforms.errors import BrokerUnavailableError, TopicMissingError
from transforms.kafka import SegmentLimits, TopicFacts
from transforms.kafka.messages import Fetched


@dataclass
class FakePartition:
    """A partition's log.

    Attributes:
        end: Offset after the last stable one.
        first: First offset that the broker still has.
        holes: Offsets in between that hold no message.
        open: Messages beyond the end, of transactions that are still open.
    """

    end: int
    first: int = 0
    holes: frozenset[int] = frozenset()
    open: int = 0

    def read(self, start: int, wanted: int, most: int) -> Fetched:
        """What a consumer gets: see ``PartitionConsumer.fetch``."""
        if start < self.first:
            return Fetched(messages([]), start)
        end = min(wanted, self.end)
        held = [o for o in range(start, end) if o not in self.holes]
        if len(held) > most:
            return Fetched(messages(held[:most]), held[most - 1] + 1)
        return Fetched(messages(held), end)


@dataclass
class FakeTopic:
    """A topic, which may be deleted and made again: another id."""

    topic_id: str
    partitions: dict[int, FakePartition]


@dataclass
class FakeBroker:
    """The cluster.

    Attributes:
        topics: By name; a test changes them at will.
        cluster_id: The cluster's id.
        at: Answer to ``at_time``, by partition.
        away: Whether nothing is answered.
    """

    topics: dict[str, FakeTopic] = field(default_factory=dict)
    cluster_id: str = "cluster-1"
    at: dict[int, int] = field(default_factory=dict)
    away: bool = False

    def names(self) -> list[str]:
        self._check_there()
        return sorted(self.topics)

    def describe(self, topics: Sequence[str]) -> list[TopicFacts]:
        self._check_there()
        for topic in topics:
            if topic not in self.topics:
                raise TopicMissingError(f"the broker has no topic {topic}", "Create it")
        return [
            TopicFacts(
                topic=topic,
                topic_id=self.topics[topic].topic_id,
                cluster_id=self.cluster_id,
                partitions=tuple(sorted(self.topics[topic].partitions)),
            )
            for topic in topics
        ]

    def topic_id(self, topic: str) -> str:
        self._check_there()
        return self.topics[topic].topic_id

    def earliest(self, facts: TopicFacts) -> dict[int, int]:
        return {p: log.first for p, log in self._logs(facts).items()}

    def stable_end(self, facts: TopicFacts) -> dict[int, int]:
        return {p: log.end for p, log in self._logs(facts).items()}

    def high_watermark(self, facts: TopicFacts) -> dict[int, int]:
        return {p: log.end + log.open for p, log in self._logs(facts).items()}

    def at_time(self, facts: TopicFacts, timestamp_ms: int) -> dict[int, int]:
        return {p: self.at[p] for p in facts.partitions}

    def _check_there(self) -> None:
        if self.away:
            raise BrokerUnavailableError("Kafka does not answer", "Look at it")

    def _logs(self, facts: TopicFacts) -> dict[int, FakePartition]:
        self._check_there()
        logs = self.topics[facts.topic].partitions
        return {p: logs[p] for p in facts.partitions}


class FakeSource:
    """One partition, as the reader sees it.

    Attributes:
        fetched: The ranges that were fetched, in order.
        progress: The fences that were shown to lag monitors.
    """

    def __init__(self, broker: FakeBroker, topic: str, partition: int) -> None:
        self._broker = broker
        self._topic = topic
        self._partition = partition
        self.fetched: list[tuple[int, int]] = []
        self.progress: list[int] = []

    @property
    def log(self) -> FakePartition:
        return self._broker.topics[self._topic].partitions[self._partition]

    def topic_id(self) -> str:
        return self._broker.topic_id(self._topic)

    def earliest(self) -> int:
        return self.log.first

    def fetch(self, start: int, wanted: int, limits: SegmentLimits) -> Fetched:
        made = self.log.read(start, wanted, limits.messages)
        self.fetched.append((start, made.end))
        return made

    def note_progress(self, fence: int) -> None:
        self.progress.append(fence)
