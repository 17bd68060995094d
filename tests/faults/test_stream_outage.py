"""A broker that goes away under a stream: waited out between the calls, with nothing claimed."""

import time

import pytest

from tests.fakes.object_store import FakeBucket
from tests.integration.small import confluent, send
from tests.transforms.lake.lakes import born, new_lane
from tests.transforms.segments import LAYOUTS, with_verdicts
from transforms.errors import RetryableError
from transforms.kafka import (
    Broker,
    BrokerSettings,
    PartitionTask,
    SegmentLimits,
    StreamSettings,
)
from transforms.kafka.stream.client import StreamConsumer
from transforms.kafka.stream.partition import PartitionStream, Surroundings
from transforms.kafka.stream.shared_consumer import SharedConsumer
from transforms.kafka.stream.worker import BROKER_PATIENCE_S
from transforms.lake.names import PartitionId
from transforms.lake.writer import SegmentWriter

pytestmark = pytest.mark.operations

PATIENCE_S = 60


class Stream:
    """One partition of a real broker, streamed into a lake in memory."""

    def __init__(self, kafka, topic):
        settings = BrokerSettings(bootstrap_servers=kafka.bootstrap_servers)
        broker = Broker(settings, patience_s=BROKER_PATIENCE_S)
        (facts,) = broker.describe([topic])
        owner = PartitionId(topic, facts.topic_id, 0)
        self.lane = new_lane(born(FakeBucket(), owner=owner), owner)
        client = StreamConsumer(settings)
        self.consumer = SharedConsumer(client, SegmentLimits(), 0.5, 1 << 30, time.monotonic)
        task = PartitionTask(topic=topic, topic_id=facts.topic_id, partition=0, fence=0, wanted=0)
        around = Surroundings(
            broker=broker, consumer=self.consumer, settings=StreamSettings(idle_after_s=0.1)
        )
        self.stream = PartitionStream(task, self.lane, around)
        self.hint = 0

    def turn(self):
        """Makes one call; returns whether it gave out a segment, which is written then."""
        segment = self.stream.turn(self.hint).segment
        if segment is None:
            return False
        self.hint = segment.end
        SegmentWriter(LAYOUTS, [], "me").write(self.lane, with_verdicts(segment))
        return True

    def turn_until(self, reached):
        """Makes calls until a state has come about; returns whether one gave out a segment."""
        deadline, given = time.monotonic() + PATIENCE_S, False
        while not reached():
            assert time.monotonic() < deadline, (self.lane.fence, self.lane.failure)
            given = self.turn() or given
            time.sleep(0.05)
        return given


def test_a_broker_that_is_killed_and_comes_back_costs_no_message(kafka, topic_factory):
    topic = topic_factory()
    send(kafka, topic, confluent(range(30)))
    stream = Stream(kafka, topic)
    stream.turn_until(lambda: stream.lane.fence == 30)

    kafka.kill()
    assert not stream.turn_until(lambda: isinstance(stream.lane.failure, RetryableError))
    kafka.start()
    kafka.wait_ready()
    send(kafka, topic, confluent(range(30, 40)))
    stream.turn_until(lambda: stream.lane.fence == 40)

    commits = [tail.commit for tail in stream.lane.chain.read_from(1)]
    assert sum(commit.messages for commit in commits) == 40
    stream.consumer.close()
