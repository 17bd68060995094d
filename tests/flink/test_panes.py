"""Panes on Flink: early, on time, late; through a failure, and from a start without state."""

import time
from collections.abc import Iterator
from datetime import timedelta

import apache_beam as beam
import pytest
from confluent_kafka import Consumer

from beam_pipelines.pharmacy.kpi_pipeline import KpiJob, build_kpi
from tests.fakes.lake import CLUSTER, MIDNIGHT, TOPIC, TOPIC_ID, segment, writer
from tests.transforms.windows.batches import by_cell, moved, shown
from tests.transforms.windows.orders import ORDERS
from transforms.kafka import BrokerSettings
from transforms.kafka.publish import PublishConfig
from transforms.lake import (
    CommitChain,
    FollowSettings,
    LakeSettings,
    ObjectStore,
    PartitionId,
    open_lake,
)
from transforms.lake.genesis import TopicBirth, ensure_genesis
from transforms.lake.lanes import Lane
from transforms.windows import (
    AggregateWindows,
    Pane,
    PaneSettings,
    Sliding,
    latest,
    merge_totals,
    pane_of,
)

pytestmark = pytest.mark.flink

#: For a state to come about, on a busy machine.
PATIENCE_S = 180
HOUR = timedelta(hours=1)
FOLLOW = FollowSettings(
    poll_every_s=1.5, disorder_s=60.0, idle_after_s=3600.0, discover_every_s=2.0
)

#: Versions of panes at which the job fails once: the workers live in this process.
FAILING = set()


class _FailOnce(beam.DoFn):
    def process(self, pane: Pane) -> Iterator[Pane]:
        if pane.version in FAILING:
            FAILING.remove(pane.version)
            raise RuntimeError("planned")
        yield pane


class World:
    """A lake of two partitions, the job that counts it, and who reads the topic."""

    def __init__(self, kafka, root, topic, streaming):
        self.root, self._streaming = root, streaming
        self.store = ObjectStore(root)
        self.lake = open_lake(self.store, LakeSettings())
        self.ends = {0: 0, 1: 0}
        birth = TopicBirth(
            topic=TOPIC, topic_id=TOPIC_ID, cluster_id=CLUSTER, how="earliest", starts=self.ends
        )
        ensure_genesis(self.store, self.lake, birth, self.ends)
        settings = BrokerSettings(bootstrap_servers=kafka.bootstrap_servers)
        self.job = KpiJob(
            lake_root=root,
            aggregates=(ORDERS,),
            topics=frozenset({TOPIC}),
            publish=PublishConfig(broker=settings, topic=topic, call_s=5.0),
            panes=PaneSettings(
                early_s=1, sliding=(Sliding(size_s=7200, every_s=3600),), allowed_lateness_s=7200
            ),
            follow=FOLLOW,
        )
        self.consumer = Consumer(
            {
                "bootstrap.servers": kafka.bootstrap_servers,
                "group.id": "live",
                "auto.offset.reset": "earliest",
            }
        )
        self.consumer.subscribe([topic])
        self.panes: list[Pane] = []

    def commit(self, partition, count, after=timedelta(0)):
        """Commits some rows of a time after midnight."""
        start = self.ends[partition]
        self.ends[partition] = start + count
        made = moved(segment(start, start + count, partition=partition), after)
        owner = PartitionId(TOPIC, TOPIC_ID, partition)
        lane = Lane(CommitChain(self.store, owner, self.lake.lake_id), None)
        lane.begin(0)
        writer(AggregateWindows(ORDERS)).write(lane, made)

    def running(self):
        """Runs the job while the body does."""
        return self._streaming(self.job.publish.topic, self._build)

    def _build(self, pipeline):
        _ = build_kpi(pipeline, self.job) | "FailOnce" >> beam.ParDo(_FailOnce())

    def look(self):
        while batch := self.consumer.consume(500, 0.2):
            self.panes += [pane_of(message.value()) for message in batch]

    def hours(self):
        """The latest panes of the hours."""
        return [p for p in latest(self.panes).values() if p.window_end - p.window_start == HOUR]

    def totals(self):
        return by_cell(merge_totals(self.root, "orders").to_pylist(), ORDERS)

    def await_that(self, condition):
        deadline = time.monotonic() + PATIENCE_S
        while not condition():
            if time.monotonic() > deadline:
                # An assertion's message would be cut.
                pytest.fail(f"the topic says {self.panes}\n\nthe lake {self.totals()}")
            self.look()

    def await_totals(self):
        """Waits until the topic says what the lake does."""
        expected = self.totals()
        self.await_that(lambda: shown(self.hours()) == expected)

    def await_timings(self, *timings):
        """Waits until the panes of the first hour after midnight are of these timings."""

        def found():
            return {pane.timing for pane in self.hours() if pane.window_start == MIDNIGHT}

        self.await_that(lambda: found() == set(timings))


@pytest.fixture
def world(streaming, kafka, s3, lake_root, topic_factory, monkeypatch):
    for name, value in s3.environ().items():
        monkeypatch.setenv(name, value)
    made = World(kafka, lake_root, topic_factory(partitions=2), streaming)
    yield made
    made.consumer.close()


def test_panes_agree_with_the_totals_through_a_failure_and_from_a_start_without_state(world):
    world.commit(0, 50)
    world.commit(1, 30)
    with world.running():
        world.await_totals()
        FAILING.add(90)
        world.commit(0, 41)
        world.await_that(lambda: not FAILING)
        world.commit(1, 20)
        world.await_totals()
        # Of the chains one has passed the hour's end; the other holds the watermark back.
        world.commit(0, 5, after=HOUR + timedelta(minutes=2))
        world.await_totals()
        world.await_timings("early")
        world.commit(1, 5, after=HOUR + timedelta(minutes=2))
        world.await_timings("on_time")
        world.commit(1, 7)
        world.await_timings("on_time", "late")
        world.await_totals()

    world.commit(0, 3, after=HOUR)
    before, world.panes = latest(world.panes), []
    with world.running():
        world.await_totals()
        # Windows that slide have timers of their own.
        world.await_that(lambda: set(before) <= set(latest(world.panes)))
    again = latest(world.panes)
    assert all(again[key].version >= pane.version for key, pane in before.items())
