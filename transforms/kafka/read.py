"""``ReadFromKafka``: the source of the exactly-once path."""

from collections.abc import Iterator
from typing import Any

import apache_beam as beam
from apache_beam.io.restriction_trackers import OffsetRange, OffsetRestrictionTracker
from apache_beam.pvalue import PBegin, PCollection
from apache_beam.transforms.core import RestrictionProvider

from transforms.kafka.client import Broker, PartitionConsumer
from transforms.kafka.config import ReadFromKafkaConfig
from transforms.kafka.discovery import PartitionTask, discover
from transforms.kafka.figures import tell_lag, tell_read
from transforms.kafka.messages import Fetched
from transforms.kafka.reader import SegmentLimits, Source, read_segments
from transforms.kafka.settings import TopicFacts
from transforms.kafka.stream import StreamSegmentsFn, WatchPartitions
from transforms.lake.client import ObjectStore
from transforms.lake.lanes import Lane, lane
from transforms.lake.manifest import require_lake
from transforms.rehearsal import Rehearsal
from transforms.segment import Segment


class ReadFromKafka(beam.PTransform[PBegin, PCollection[Segment]]):  # type: ignore[misc]
    """Reads topics from the lake's fences on, as segments.

    A drain is bounded: it stops at the last stable offset that each partition had when it was
    discovered. A stream is unbounded, and needs a runner that has unbounded splittable DoFns and
    lets them defer: Flink.

    Guarantees: each segment begins at the fence. Replays give what lies above the fence again and
    nothing else; with ``WriteToS3`` in the same fused stage each message is written exactly once.
    Parallel over partitions; one partition is read in order, by one worker at a time.
    """

    def __init__(self, config: ReadFromKafkaConfig) -> None:
        super().__init__()
        self._config = config

    def expand(self, begin: PBegin) -> PCollection[Segment]:
        """Adds discovery and reading to the graph."""
        config = self._config
        start = begin | "Start" >> beam.Impulse()
        if config.mode == "stream":
            tasks = start | "WatchPartitions" >> WatchPartitions(config)
            read: beam.DoFn = StreamSegmentsFn(config)
        else:
            tasks = start | "DiscoverPartitions" >> beam.ParDo(_DiscoverFn(config))
            read = _ReadFn(config)
        segments: PCollection[Segment] = (
            tasks
            # Without it Flink gives all partitions to one worker.
            | "SpreadPartitions" >> beam.Reshuffle()
            | "ReadSegments" >> beam.ParDo(read)
        )
        return segments

    def display_data(self) -> dict[str, Any]:
        """Shows addresses and topics; secrets are references or stay out."""
        return {
            "bootstrap_servers": self._config.broker.bootstrap_servers,
            "topics": ",".join(self._config.topics),
            "patterns": " ".join(self._config.patterns),
            "mode": self._config.mode,
        }


class _DiscoverFn(beam.DoFn):  # type: ignore[misc]
    def __init__(self, config: ReadFromKafkaConfig) -> None:
        self._config = config

    def process(self, _impulse: bytes) -> Iterator[PartitionTask]:
        config = self._config
        store = ObjectStore(config.lake_root, config.store)
        lake = require_lake(store)
        yield from discover(Broker(config.broker), store, lake, config.names, config.start)


class _WholeRangeTracker(OffsetRestrictionTracker):  # type: ignore[misc]
    """A partition is read by one worker, in order: it is never split."""

    def try_split(self, _fraction: float) -> None:
        return None


class _WholePartition(RestrictionProvider):  # type: ignore[misc]
    """The range from the fence at discovery to the wanted end. The start is a hint only."""

    def initial_restriction(self, task: PartitionTask) -> OffsetRange:
        return OffsetRange(task.fence, task.wanted)

    def create_tracker(self, restriction: OffsetRange) -> _WholeRangeTracker:
        return _WholeRangeTracker(restriction)

    def restriction_size(self, _task: PartitionTask, restriction: OffsetRange) -> int:
        return int(restriction.size())


class _ReadFn(beam.DoFn):  # type: ignore[misc]
    """Reads one partition to its end in one call: no deferral, which Spark does not have."""

    def __init__(self, config: ReadFromKafkaConfig) -> None:
        self._config = config

    def setup(self) -> None:
        config = self._config
        self._store = ObjectStore(config.lake_root, config.store)
        self._lake = require_lake(self._store)
        self._broker = Broker(config.broker)
        self._consumer = PartitionConsumer(config.broker)
        self._rehearse = Rehearsal(config.rehearsal).run if config.rehearsal else None

    def process(
        self,
        task: PartitionTask,
        tracker: Any = beam.DoFn.RestrictionParam(_WholePartition()),  # noqa: B008
    ) -> Iterator[Segment]:
        mine = lane(self._store, task.owner, self._lake.lake_id)
        if task.failure is not None:
            mine.reject(task.failure)
            return
        claimed = task.fence - 1
        source = _PartitionSource(task, self._broker, self._consumer)
        try:
            for segment in self._read(task, mine, source):
                # The real fence may lie below the restriction's start; claims only move on.
                if claimed < segment.end - 1 < task.wanted:
                    claimed = segment.end - 1
                    tracker.try_claim(claimed)
                tell_read(segment)
                yield segment
        except Exception as error:  # noqa: BLE001 - the lane reports it; other partitions go on
            mine.fail(error)
        if claimed < task.wanted - 1:
            tracker.try_claim(task.wanted - 1)

    def _read(self, task: PartitionTask, mine: Lane, source: Source) -> Iterator[Segment]:
        return read_segments(task, mine, source, self._config.limits, self._rehearse)

    def teardown(self) -> None:
        self._consumer.close()


class _PartitionSource:
    """The reader's view of Kafka, for one partition."""

    def __init__(self, task: PartitionTask, broker: Broker, consumer: PartitionConsumer) -> None:
        self._task = task
        self._broker = broker
        self._consumer = consumer
        self._facts = TopicFacts(
            topic=task.topic, topic_id=task.topic_id, cluster_id="", partitions=(task.partition,)
        )

    def topic_id(self) -> str:
        return self._broker.topic_id(self._task.topic)

    def earliest(self) -> int:
        return self._broker.earliest(self._facts)[self._task.partition]

    def fetch(self, start: int, wanted: int, limits: SegmentLimits) -> Fetched:
        return self._consumer.fetch(
            self._task.topic, self._task.partition, start, wanted, limits.messages, limits.bytes
        )

    def note_progress(self, fence: int) -> None:
        self._consumer.note_progress(self._task.topic, self._task.partition, fence)
        tell_lag(self._task, fence, self._task.wanted)
