"""What ``ReadFromKafka`` reads, and how."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import apache_beam as beam

from transforms.errors import ConfigurationError
from transforms.kafka.reader import SegmentLimits
from transforms.kafka.settings import BrokerSettings
from transforms.kafka.starts import StartAt
from transforms.lake.settings import StoreSettings, split_root
from transforms.settings import Mode, check_mode, check_positive
from transforms.topics import TopicName


@dataclass(frozen=True, kw_only=True)
class StreamSettings:
    """How a stream reads.

    Attributes:
        max_age_s: A segment is given out once its oldest message has waited so long, in seconds,
            even if it is not large enough.
        buffer_bytes: Messages that one process holds at most for segments not yet given out. With
            more partitions than fit, segments are given out before they are due.
        disorder_s: How far messages may come behind younger ones of their partition, in seconds
            of their Kafka timestamps, before they count as late.
        idle_after_s: A partition that had nothing new for so long, in seconds, moves its watermark
            with the clock.
        discover_every_s: How often new partitions and topics are looked for, in seconds.
    """

    max_age_s: float = 30.0
    buffer_bytes: int = 256 * 1024 * 1024
    disorder_s: float = 300.0
    idle_after_s: float = 30.0
    discover_every_s: float = 30.0

    def __post_init__(self) -> None:
        check_positive(self)


@dataclass(frozen=True, kw_only=True)
class ReadFromKafkaConfig:
    """What is read, and whose fences rule the reading.

    Attributes:
        broker: How to reach the cluster.
        topics: Topic names; a drain takes them up in this order: reference data first.
        patterns: Also read are all topics whose whole name matches one of these expressions; by a
            stream those made later, too. Kafka's own topics never match. A topic that matches two,
            or is named besides, is refused.
        lake_root: The lake that ``WriteToS3`` writes; its fences say where to go on.
        store: Address and credentials of the lake. The sink's must be the same. A stream tries
            again by itself after an outage, and a checkpoint waits for the store's patience: keep
            that below Flink's time-out of a checkpoint.
        start: Where topics that are new to the lake begin. Topics and partitions that are made
            while a stream runs begin at their earliest offset.
        limits: When a segment is large enough.
        mode: ``drain`` reads to the ends seen at the start; ``stream`` goes on for ever.
        stream: How a stream reads.
        rehearsal: The transforms that handle the segments, in their order, with ``RehearseWrite``
            for the sink. Where several runs have died at one segment they are tried on it in a
            process of its own, and what kills that process is quarantined. Empty: such a segment
            stops its partition until somebody looks.
    """

    broker: BrokerSettings
    topics: Sequence[str] = ()
    patterns: Sequence[str] = ()
    lake_root: str
    store: StoreSettings = field(default_factory=StoreSettings)
    start: StartAt = field(default_factory=StartAt)
    limits: SegmentLimits = field(default_factory=SegmentLimits)
    mode: Mode = "drain"
    stream: StreamSettings = field(default_factory=StreamSettings)
    rehearsal: Sequence[beam.PTransform[Any, Any]] = ()

    def __post_init__(self) -> None:
        split_root(self.lake_root)
        check_mode(self.mode)
        if not self.names:
            raise ConfigurationError("topics must name at least one topic", "Name yours")
        if len(set(self.topics)) != len(self.topics):
            raise ConfigurationError(
                f"topics must be names that differ, got {list(self.topics)}", "List each once"
            )

    @property
    def names(self) -> list[TopicName]:
        """All that is read: the topics, then the patterns."""
        named = [TopicName(topic=topic) for topic in self.topics]
        return [*named, *(TopicName(pattern=pattern) for pattern in self.patterns)]
