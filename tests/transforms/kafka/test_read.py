"""What the reading DoFn claims: the runner must never think that something is left, or was lost."""

import itertools
from dataclasses import replace

import pytest
from apache_beam.io.restriction_trackers import OffsetRange

from tests.fakes.broker import FakeBroker, FakePartition, FakeTopic
from tests.fakes.object_store import FakeBucket, Fault
from tests.transforms.lake.lakes import LAKE_ID, born, new_lane
from tests.transforms.segments import LAYOUTS, OWNER, raw_segment, with_verdicts
from transforms.errors import BrokerUnavailableError
from transforms.kafka import BrokerSettings, PartitionTask, ReadFromKafkaConfig, SegmentLimits
from transforms.kafka.read import _ReadFn, _WholePartition
from transforms.lake.lanes import lane
from transforms.lake.manifest import require_lake
from transforms.lake.names import PartitionId
from transforms.lake.writer import SegmentWriter

#: Lanes live as long as the process: each test has a partition of its own.
PARTITIONS = itertools.count(1_000)


class Process:
    """A worker that reads a partition of 50 messages and writes what it reads.

    Attributes:
        claims: Offsets in the order in which they were claimed.
        given: Per segment its range, and how many claims came before it.
    """

    def __init__(self, hint=0, wanted=50, most=20):
        self.owner = PartitionId(OWNER.topic, OWNER.topic_id, next(PARTITIONS))
        bucket = FakeBucket()
        born(bucket, owner=self.owner)
        self.store = bucket.store(patience_s=1.0)
        self.log = FakePartition(50)
        topic = FakeTopic(OWNER.topic_id, {self.owner.partition: self.log})
        self.task = PartitionTask(
            topic=OWNER.topic,
            topic_id=OWNER.topic_id,
            partition=self.owner.partition,
            fence=hint,
            wanted=wanted,
        )
        self.lane = lane(self.store, self.owner, LAKE_ID)
        self.claims, self.given = [], []
        self._fn = _ReadFn(
            ReadFromKafkaConfig(
                broker=BrokerSettings(bootstrap_servers="h:1"),
                topics=[OWNER.topic],
                lake_root=self.store.root,
                limits=SegmentLimits(messages=most),
            )
        )
        # In place of ``setup``, which connects.
        self._fn._store, self._fn._lake = self.store, require_lake(self.store)
        self._fn._broker, self._fn._consumer = FakeBroker({OWNER.topic: topic}), self
        self._fn._rehearse = None

    def fetch(self, topic, partition, start, wanted, messages, size):
        return self.log.read(start, wanted, messages)

    def note_progress(self, topic, partition, fence):
        pass

    def another_writes(self, start, end):
        """Lets another process commit a range."""
        theirs = new_lane(self.store, self.owner)
        theirs.begin(end)
        segment = with_verdicts(raw_segment(start, end, owner=self.owner))
        SegmentWriter(LAYOUTS, [], "other").write(theirs, segment)

    def run(self):
        """Reads to the end, with a tracker that checks each claim; returns the tracker."""
        provider = _WholePartition()
        tracker = provider.create_tracker(provider.initial_restriction(self.task))
        claim = tracker.try_claim
        tracker.try_claim = lambda offset: self.claims.append(offset) or claim(offset)
        writer = SegmentWriter(LAYOUTS, [], "me")
        for segment in self._fn.process(self.task, tracker):
            self.given.append((segment.start, segment.end, len(self.claims)))
            rows = with_verdicts(segment)
            self.lane.submit(lambda rows=rows: writer.write(self.lane, rows))
        tracker.check_done()
        return tracker


def test_each_segment_is_claimed_before_it_is_given_out_and_the_last_by_the_end():
    process = Process()
    process.run()
    assert process.given == [(0, 20, 1), (20, 40, 2), (40, 50, 3)]
    assert process.claims == [19, 39, 49]


def test_a_fence_above_the_restriction_skips_what_others_have_written():
    process = Process()
    process.another_writes(0, 30)
    process.run()
    assert process.given[0][:2] == (30, 50)
    assert process.claims == [49]


def test_a_fence_below_the_restriction_is_read_from_and_claims_only_move_on():
    process = Process(hint=30)
    process.run()
    assert [given[:2] for given in process.given] == [(0, 20), (20, 40), (40, 50)]
    assert process.claims == [39, 49]


def test_nothing_to_read_is_claimed_to_the_end():
    process = Process(wanted=30)
    process.another_writes(0, 30)
    process.run()
    assert process.given == []
    assert process.claims == [29]


def test_a_failure_ends_the_partition_and_not_the_bundle():
    process = Process()

    def fetch(topic, partition, start, wanted, messages, size):
        if start:
            raise BrokerUnavailableError("Kafka does not answer")
        return process.log.read(start, wanted, messages)

    process.fetch = fetch
    process.run()
    assert process.claims == [19, 49]
    process.lane.wait()
    outcome = process.lane.outcome()
    assert (outcome.fence, outcome.wanted, outcome.failure) == (20, 50, "failed")
    assert "does not answer" in outcome.reason


def test_a_partition_that_failed_when_it_was_discovered_is_reported_and_not_read():
    process = Process(wanted=0)
    process.task = replace(process.task, failure=BrokerUnavailableError("Kafka does not answer"))
    process.run()
    assert (process.given, process.claims) == ([], [])
    outcome = process.lane.outcome()
    assert (outcome.wanted, outcome.failure, outcome.messages) == (0, "failed", 0)
    # The next run on it does not inherit the failure.
    process.task = replace(process.task, failure=None, wanted=50)
    process.run()
    process.lane.wait()
    assert (process.lane.outcome().failure, process.given[-1][1]) == ("", 50)


def test_a_sink_that_fails_ends_the_partition_and_not_the_bundle():
    process = Process()
    process.store.fail(Fault.LOST_REQUEST, "put_object", key="data/", skip=1, times=99)
    process.run()
    assert process.claims[-1] == 49
    process.lane.wait()
    assert process.lane.outcome().failure == "failed"


@pytest.mark.parametrize("fraction", [0, 0.5, 1])
def test_a_partition_is_never_split(fraction):
    tracker = _WholePartition().create_tracker(OffsetRange(0, 50))
    tracker.try_claim(10)
    assert tracker.try_split(fraction) is None
    assert tracker.current_restriction() == OffsetRange(0, 50)


def test_a_partitions_size_is_what_is_left_to_read():
    task = Process(hint=10, wanted=50).task
    provider = _WholePartition()
    assert provider.restriction_size(task, provider.initial_restriction(task)) == 40
