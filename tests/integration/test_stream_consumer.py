"""The stream's consumer on a real broker: what comes after a start is what was asked for."""

import itertools
import time

import pytest

from tests.integration.small import aborted, confluent, delete_records, send
from transforms.kafka import BrokerSettings, SegmentLimits
from transforms.kafka.stream.client import StreamConsumer
from transforms.kafka.stream.shared_consumer import SharedConsumer

pytestmark = pytest.mark.operations

COUNT = 5_000
PATIENCE_S = 30


@pytest.fixture
def consumer(kafka):
    made = StreamConsumer(BrokerSettings(bootstrap_servers=kafka.bootstrap_servers))
    yield made
    made.close()


def arrivals(consumer, enough):
    """Polls until there is enough; returns all that came."""
    came, deadline = [], time.monotonic() + PATIENCE_S
    while not enough(came):
        assert time.monotonic() < deadline, came
        came += consumer.poll(500, 0.1)
    return came


def offsets(came):
    return [o for each in came for o in each.table.column("offset").to_pylist()]


def test_nothing_fetched_ahead_comes_after_a_partition_was_moved(kafka, topic_factory, consumer):
    topic = topic_factory()
    send(kafka, topic, confluent(range(COUNT)))
    consumer.start(topic, 0, 0)
    arrivals(consumer, offsets)
    # By now the client has fetched far ahead. A message of that, taken for the first after the
    # new start, would make a hole that nobody could tell from an aborted transaction.
    for start in itertools.islice(itertools.cycle((10, 4_000, 700, 2_500)), 40):
        consumer.stop(topic, 0)
        consumer.start(topic, 0, start)
        assert offsets(arrivals(consumer, offsets))[0] == start


def test_a_partition_that_is_stopped_gives_nothing_while_others_go_on(
    kafka, topic_factory, consumer
):
    topic = topic_factory(partitions=2)
    for partition in (0, 1):
        send(kafka, topic, confluent(range(COUNT)), partition=partition)
    for partition in (0, 1):
        consumer.start(topic, partition, 0)
    arrivals(consumer, lambda came: {0, 1} <= {each.partition for each in came})
    consumer.stop(topic, 0)
    rest = arrivals(consumer, lambda came: any(each.end == COUNT for each in came))
    assert {each.partition for each in rest} == {1}


def test_the_end_of_a_log_tells_of_aborted_transactions(kafka, topic_factory, consumer):
    topic = topic_factory()
    send(kafka, topic, confluent(range(3)))
    aborted(kafka, f"aborted-{topic}", topic, confluent(range(3, 6)))
    consumer.start(topic, 0, 0)
    came = arrivals(consumer, lambda came: any(each.end is not None for each in came))
    assert offsets(came) == [0, 1, 2]
    assert [each.end for each in came if each.end is not None] == [7]


def test_an_offset_that_retention_has_deleted_is_told_and_never_jumped_over(
    kafka, topic_factory, consumer
):
    topic = topic_factory()
    send(kafka, topic, confluent(range(20)))
    delete_records(kafka, topic, before=10)
    consumer.start(topic, 0, 5)
    came = arrivals(consumer, lambda came: any(each.lost for each in came))
    assert offsets(came) == []
    consumer.stop(topic, 0)
    consumer.start(topic, 0, 10)
    assert offsets(arrivals(consumer, offsets))[0] == 10


def test_pauses_and_moves_leave_no_hole(kafka, topic_factory, consumer):
    topic = topic_factory(partitions=2)
    for partition in (0, 1):
        send(kafka, topic, confluent(range(COUNT)), partition=partition)
    shared = SharedConsumer(consumer, SegmentLimits(messages=300), 1.0, 1 << 30, time.monotonic)
    buffers = {p: shared.follow(topic, p, 0, 0) for p in (0, 1)}
    seen = {0: [], 1: []}
    deadline = time.monotonic() + PATIENCE_S
    while any(len(each) < COUNT for each in seen.values()):
        assert time.monotonic() < deadline
        for partition, buffer in buffers.items():
            if not shared.gather(buffer):
                continue
            seen[partition] += shared.head(buffer).messages.column("offset").to_pylist()
            shared.drop(buffer, seen[partition][-1] + 1)
    assert seen == {0: list(range(COUNT)), 1: list(range(COUNT))}
