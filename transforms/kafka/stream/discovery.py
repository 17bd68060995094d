"""Which partitions a stream reads: looked for again and again, each given out once."""

import logging
import time
from collections import Counter

import apache_beam as beam
from apache_beam.io.watch import PollResult, Watch
from apache_beam.pvalue import PCollection

from transforms.errors import PipelineError, RefusedError, RetryableError
from transforms.kafka.client import Broker
from transforms.kafka.config import ReadFromKafkaConfig
from transforms.kafka.discovery import PartitionTask, check_topics, failed_task, settle
from transforms.kafka.settings import TopicFacts
from transforms.kafka.starts import StartAt
from transforms.kafka.stream.worker import open_broker
from transforms.lake.client import ObjectStore
from transforms.lake.manifest import LakeManifest, require_lake
from transforms.lake.names import COMMITS, PartitionId
from transforms.lake.setbacks import is_told
from transforms.metrics import ALARMS, tell
from transforms.topics import found, place_of

_log = logging.getLogger(__name__)

_EARLIEST = StartAt()


class WatchPartitions(beam.PTransform[PCollection[bytes], PCollection[PartitionTask]]):  # type: ignore[misc]
    """Gives out each partition once, those that come later within a minute.

    What was given out is part of the runner's state. A start without that state gives out all of
    them again; their fences make that harmless. A topic that is refused is given out as a task that
    failed, and the others go on.
    """

    def __init__(self, config: ReadFromKafkaConfig) -> None:
        super().__init__()
        self._config = config

    def expand(self, start: PCollection[bytes]) -> PCollection[PartitionTask]:
        """Adds the watch to the graph."""
        tasks: PCollection[PartitionTask] = (
            start
            | "LookAgain"
            >> Watch(
                _Look(self._config), self._config.stream.discover_every_s, output_key_fn=_name_of
            )
            | "TakeTask" >> beam.Values()
        )
        return tasks


class _Look:
    """One look at the cluster; what it needs is made on the worker."""

    def __init__(self, config: ReadFromKafkaConfig) -> None:
        self._config = config
        self._watch: TopicWatch | None = None

    def __call__(self, _start: bytes) -> PollResult[PartitionTask]:
        config = self._config
        settled = time.time() - config.stream.disorder_s
        return PollResult.incomplete(self._found(), settled).with_watermark(settled)

    def _found(self) -> list[PartitionTask]:
        config = self._config
        try:
            if self._watch is None:
                store = ObjectStore(config.lake_root, config.store)
                broker = open_broker(config)
                self._watch = TopicWatch(broker, store, require_lake(store), config)
            return self._watch.look()
        except RetryableError as error:
            _log.warning("partitions not looked for: %s", error)
            return []


def _name_of(task: PartitionTask) -> str:
    failure = type(task.failure).__name__ if task.failure else ""
    return f"{task.topic}/{task.topic_id}/{task.partition}/{failure}"


class TopicWatch:
    """The topics of a stream as they come and grow.

    Args:
        broker: The cluster.
        store: The lake's objects.
        lake: Its manifest.
        config: Which topics, and where those begin that are there from the first.
    """

    def __init__(
        self, broker: Broker, store: ObjectStore, lake: LakeManifest, config: ReadFromKafkaConfig
    ) -> None:
        self._broker = broker
        self._store = store
        self._lake = lake
        self._config = config
        self._names = config.names
        self._at_first: frozenset[str] | None = None
        self._lake_was_empty = False
        self._settled: dict[str, TopicFacts] = {}
        self._failures: Counter[str] = Counter()

    def look(self) -> list[PartitionTask]:
        """Returns all partitions that there are now, each with its genesis made.

        A topic that is refused is a task that failed. One that fails otherwise is left to the next
        look.

        Raises:
            RetryableError: The cluster or S3 does not answer.
        """
        tasks: list[PartitionTask] = []
        for topic in self._topics():
            try:
                tasks += self._tasks(topic)
            except PipelineError as error:
                self._tell(topic, error)
                if isinstance(error, RefusedError):
                    tasks.append(failed_task(PartitionId(topic, "", 0), error))
        return tasks

    def _topics(self) -> list[str]:
        if not self._config.patterns and self._at_first is not None:
            return list(self._config.topics)
        there = self._broker.names()
        if self._at_first is None:
            self._lake_was_empty = not self._store.folders(COMMITS)
            self._at_first = frozenset(there)
        return found(self._names, there)

    def _tasks(self, topic: str) -> list[PartitionTask]:
        place_of(topic, self._names)
        (facts,) = self._broker.describe([topic])
        if self._settled.get(topic) != facts:  # Else S3 would be asked of each of them every time.
            (facts,) = check_topics(self._broker, self._store, self._lake, [topic])
            settle(self._broker, self._store, self._lake, facts, self._start(topic))
            self._settled[topic] = facts
        return [
            PartitionTask(topic=topic, topic_id=facts.topic_id, partition=each, fence=0, wanted=0)
            for each in facts.partitions
        ]

    def _start(self, topic: str) -> StartAt:
        """Returns where a topic begins if it is new to the lake.

        What is made while the stream runs, or was down, begins at its earliest offset.
        """
        at_first = self._at_first is not None and topic in self._at_first
        asked_for = topic in self._config.topics or self._lake_was_empty
        return self._config.start if at_first and asked_for else _EARLIEST

    def _tell(self, topic: str, error: PipelineError) -> None:
        self._failures[topic] += 1
        count = self._failures[topic]
        if is_told(count):
            _log.error("ALARM: %s is not read: %s (look %d)", topic, error, count)
            tell(ALARMS, 1, alarm="topic")
