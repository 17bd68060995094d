"""Messages that retention deletes before they are read: a gap on record, never a silent jump."""

import signal

import pytest

from tests.integration.small import (
    LakeFactory,
    assert_holds_exactly,
    assert_proven,
    confluent,
    delete_records,
    fences,
    logged,
    send,
    small_lake,
)
from transforms.kafka import BrokerSettings
from transforms.kafka.client import PartitionConsumer

pytestmark = pytest.mark.faults


@pytest.fixture
def make_lake(launcher, kafka, s3, lake_root, config_factory) -> LakeFactory:
    return small_lake(launcher, kafka, s3, lake_root, config_factory)


def test_messages_deleted_between_two_runs_are_a_gap(kafka, topic_factory, make_lake):
    topic = topic_factory()
    lake = make_lake(topic)
    send(kafka, topic, confluent(range(20)))
    assert lake.drain().code == 0
    send(kafka, topic, confluent(range(20, 40)))
    messages = logged(kafka, topic)
    delete_records(kafka, topic, before=30)

    ended = lake.drain()

    assert ended.code == 4, ended
    assert _gaps(lake) == [(20, 30)]
    assert fences(lake, topic) == {0: 40}
    assert lake.drain().code == 0

    # Now all that is new is deleted: the gap is all that there is to commit.
    send(kafka, topic, confluent(range(40, 45)))
    delete_records(kafka, topic, before=45)
    assert lake.drain().code == 4
    assert _gaps(lake) == [(20, 30), (40, 45)]
    assert_holds_exactly(lake, topic, messages[:20] + messages[30:])
    assert_proven(lake)


def test_a_gap_of_a_run_that_died_is_told_by_the_next_one(kafka, topic_factory, make_lake):
    topic = topic_factory()
    lake = make_lake(topic)
    send(kafka, topic, confluent(range(10)))
    assert lake.drain().code == 0
    send(kafka, topic, confluent(range(10, 20)))
    delete_records(kafka, topic, before=20)

    # All is committed, and the run that did it tells nobody.
    assert lake.drain(crash="lake.after_commit:1").code == -signal.SIGKILL
    assert fences(lake, topic) == {0: 20}
    told, again = lake.drain(), lake.drain()

    assert told.code == 4, told
    assert f"{topic}[0]: the offsets 10 to 19 were deleted" in told.err
    assert again.code == 0, again


def test_messages_deleted_before_the_first_run_are_no_gap(kafka, topic_factory, make_lake):
    topic = topic_factory()
    lake = make_lake(topic)
    send(kafka, topic, confluent(range(20)))
    delete_records(kafka, topic, before=7)

    assert lake.drain().code == 0

    assert _gaps(lake) == []
    assert lake.commits()[0].start == 7
    assert_holds_exactly(lake, topic, logged(kafka, topic))
    assert_proven(lake)


def test_messages_deleted_under_the_reader_are_a_gap(kafka, topic_factory, make_lake):
    topic = topic_factory()
    lake = make_lake(topic, segment={"messages": 10})
    send(kafka, topic, confluent(range(40)))
    messages = logged(kafka, topic)

    run = lake.start(crash="read.before_segment:2:stop")
    run.wait_frozen()
    delete_records(kafka, topic, before=25)
    run.wake()
    ended = run.wait()

    assert ended.code == 4, ended
    # What the client had fetched ahead may still be given out; the rest is a gap.
    assert _gaps(lake) == [(10, 25)]
    assert_holds_exactly(lake, topic, messages[:10] + messages[25:])
    assert_proven(lake)
    assert lake.drain().code == 0


def test_a_fetch_of_a_deleted_offset_gives_nothing_and_does_not_jump(kafka, topic_factory):
    topic = topic_factory()
    send(kafka, topic, confluent(range(20)))
    delete_records(kafka, topic, before=15)
    settings = BrokerSettings(bootstrap_servers=kafka.bootstrap_servers, patience_s=30)
    consumer = PartitionConsumer(settings)
    try:
        lost = consumer.fetch(topic, 0, 3, 20, 100, 1 << 20)
        found = consumer.fetch(topic, 0, 15, 20, 100, 1 << 20)
    finally:
        consumer.close()

    assert (lost.messages.num_rows, lost.end) == (0, 3)
    assert (found.messages.num_rows, found.end) == (5, 20)


def _gaps(lake) -> list[tuple[int, int]]:
    return [gap for commit in lake.commits() for gap in commit.gaps]
