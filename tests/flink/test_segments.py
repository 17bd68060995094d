"""The stream on Flink: in one stage, with partitions that come later, through a failure."""

import re
import time
from collections import Counter
from collections.abc import Iterator

import apache_beam as beam
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests import plans
from tests.integration.small import add_partitions, send
from tests.transforms.segments import DATASET, LAYOUTS, with_verdicts
from transforms.kafka import BrokerSettings, ReadFromKafka, ReadFromKafkaConfig, StreamSettings
from transforms.lake import (
    LakeSettings,
    ObjectStore,
    WriteToS3,
    WriteToS3Config,
    commits,
    open_lake,
    require_lake,
)
from transforms.quality import SealDeadLetters
from transforms.segment import Segment

pytestmark = pytest.mark.flink

#: For a state to come about, on a busy machine.
PATIENCE_S = 180

SETTINGS = StreamSettings(max_age_s=1.0, idle_after_s=2.0, discover_every_s=2.0)


#: Places at which the job fails once: the workers live in this process.
FAILING = set()


class _Judge(beam.DoFn):
    def process(self, segment: Segment) -> Iterator[Segment]:
        place = (segment.partition, segment.start)
        if place in FAILING:
            FAILING.remove(place)
            raise RuntimeError("planned")
        yield with_verdicts(segment)


class Stream:
    """A topic, and the lake that it is streamed into."""

    def __init__(self, kafka, root, topic, streaming):
        self.kafka, self.root, self.topic = kafka, root, topic
        self._streaming = streaming
        self.store = ObjectStore(root)
        open_lake(self.store, LakeSettings())

    def running(self):
        """Runs the job while the body does."""
        return self._streaming(self.topic, self._build)

    def _build(self, pipeline):
        read = ReadFromKafkaConfig(
            broker=BrokerSettings(bootstrap_servers=self.kafka.bootstrap_servers),
            patterns=[re.escape(self.topic)],
            lake_root=self.root,
            mode="stream",
            stream=SETTINGS,
        )
        write = WriteToS3Config(
            lake_root=self.root,
            layouts=LAYOUTS,
            dead_letters=SealDeadLetters("env:DEAD_LETTER_KEY"),
        )
        _ = (
            pipeline
            | "ReadFromKafka" >> ReadFromKafka(read)
            | "Judge" >> beam.ParDo(_Judge())
            | "WriteToS3" >> WriteToS3(write)
        )

    def produce(self, count, *partitions):
        for partition in partitions:
            send(self.kafka, self.topic, [b"value"] * count, partition)

    def commits(self):
        return [tail.commit for tail in commits(self.store, require_lake(self.store))]

    def fences(self):
        found = Counter()
        for commit in self.commits():
            found[commit.partition] = max(found[commit.partition], commit.end)
        return found

    def await_fences(self, wanted):
        deadline = time.monotonic() + PATIENCE_S
        while self.fences() != wanted:
            assert time.monotonic() < deadline, self.fences()
            time.sleep(0.2)

    def assert_each_message_is_committed_once(self):
        rows = [
            (commit.partition, offset)
            for commit in self.commits()
            for file in commit.files
            if file.dataset == DATASET
            for offset in self._offsets(file.key)
        ]
        assert sorted(rows) == [
            (p, o) for p, end in sorted(self.fences().items()) for o in range(end)
        ]

    def _offsets(self, key):
        return pq.read_table(pa.BufferReader(self.store.get(key))).column("_offset").to_pylist()


@pytest.fixture
def stream(streaming, kafka, s3, lake_root, topic_factory, monkeypatch):
    for name, value in s3.environ().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("DEAD_LETTER_KEY", "ab" * 32)
    return Stream(kafka, lake_root, topic_factory(partitions=2), streaming)


def test_a_stream_takes_up_new_partitions_and_goes_on_after_a_failure(stream):
    stream.produce(1_000, 0, 1)
    with plans.encodings(Segment) as seen, stream.running():
        stream.await_fences({0: 1_000, 1: 1_000})
        add_partitions(stream.kafka, stream.topic, 3)
        stream.produce(500, 1, 2)
        stream.await_fences({0: 1_000, 1: 1_500, 2: 500})
        FAILING.add((2, 500))
        stream.produce(300, 0, 2)
        stream.await_fences({0: 1_300, 1: 1_500, 2: 800})
    assert not FAILING
    assert seen == []
    stream.assert_each_message_is_committed_once()
