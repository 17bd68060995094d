"""One partition of a stream with all that it meets: cluster, clock, lake and sink."""

from tests.fakes.broker import FakeBroker, FakePartition, FakeTopic
from tests.fakes.object_store import FakeBucket
from tests.fakes.stream_client import FakeClock, FakeStreamClient
from tests.transforms.lake.lakes import born, new_lane
from tests.transforms.lake.test_chain import grow
from tests.transforms.segments import LAYOUTS, OWNER, with_verdicts
from transforms.kafka import PartitionTask, SegmentLimits, StreamSettings
from transforms.kafka.stream.partition import PartitionStream, Surroundings
from transforms.kafka.stream.shared_consumer import SharedConsumer
from transforms.lake.writer import SegmentWriter

#: When the fake clock's 1,000 is, in seconds since 1970.
EPOCH = 1_770_000_000.0


class World:
    """A partition of some messages, a lake, one process and its sink.

    Args:
        end: End of its log.
        most: Messages of a large segment.
        bucket: Where the lake is kept; by default a new one.
        rehearse: Tries a segment that processes may have died of.
        clock: Of the process; by default one that only the test and idle polls move.
        broker: The cluster, of another process; by default a new one with a log of its own.
        log: More about the log.
    """

    def __init__(self, end=50, most=20, bucket=None, rehearse=None, clock=None, broker=None, **log):
        self.clock = clock or FakeClock()
        topic = FakeTopic(OWNER.topic_id, {OWNER.partition: FakePartition(end, **log)})
        self.broker = broker or FakeBroker({OWNER.topic: topic})
        self.client = FakeStreamClient(self.broker, self.clock)
        self.consumer = SharedConsumer(
            self.client, SegmentLimits(messages=most), 30.0, 1 << 30, self.clock
        )
        self.bucket = bucket or FakeBucket()
        born(self.bucket)
        self.store = self.bucket.store(patience_s=0.0)  # The first fault is an outage.
        self.lane = new_lane(self.store)
        self.task = PartitionTask(
            topic=OWNER.topic, topic_id=OWNER.topic_id, partition=OWNER.partition, fence=0, wanted=0
        )
        around = Surroundings(
            broker=self.broker,
            consumer=self.consumer,
            settings=StreamSettings(idle_after_s=60.0),
            rehearse=rehearse,
            clock=self.clock,
            now=lambda: EPOCH + self.clock(),
        )
        self.stream = PartitionStream(self.task, self.lane, around)
        self.hint = 0

    @property
    def log(self):
        return self.broker.topics[OWNER.topic].partitions[OWNER.partition]

    def turn(self):
        """One call, as a runner makes it: what was claimed last is the hint of the next."""
        turn = self.stream.turn(self.hint)
        if turn.segment is not None:
            self.hint = max(self.hint, turn.segment.end)
        return turn

    def given(self):
        """The range that a call gives out, or None."""
        segment = self.turn().segment
        return None if segment is None else (segment.start, segment.end)

    def write(self, segment):
        writer = SegmentWriter(LAYOUTS, [], "me")
        self.lane.submit(lambda: writer.write(self.lane, with_verdicts(segment)))

    def run(self, calls=10):
        """Makes calls a second apart and writes what they give; returns the ranges."""
        given = []
        for _ in range(calls):
            segment = self.turn().segment
            if segment is not None:
                given.append((segment.start, segment.end))
                self.write(segment)
            self.clock.move(1.0)
        return given

    def commits(self):
        return [tail.commit for tail in new_lane(self.bucket.store()).chain.read_from(1)]

    def foreign(self, commits=1):
        """Lets another writer commit ten messages, so many times."""
        grow(self.bucket.store(), commits)
