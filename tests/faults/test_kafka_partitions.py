"""Partitions that come later, and partitions that fail while others go on."""

import pytest

from tests.integration.small import (
    LakeFactory,
    add_partitions,
    assert_holds_exactly,
    assert_proven,
    confluent,
    fences,
    logged,
    send,
    small_lake,
)
from transforms.lake import PartitionId

pytestmark = pytest.mark.faults


@pytest.fixture
def make_lake(launcher, kafka, s3, lake_root, config_factory) -> LakeFactory:
    return small_lake(launcher, kafka, s3, lake_root, config_factory)


def test_a_partition_added_later_begins_at_its_earliest_offset(kafka, topic_factory, make_lake):
    topic = topic_factory()
    lake = make_lake(topic)
    send(kafka, topic, confluent(range(5)))
    assert lake.drain("--start=latest").code == 0
    assert fences(lake, topic) == {0: 5}

    add_partitions(kafka, topic, 2)
    send(kafka, topic, confluent(range(5, 9)), partition=1)
    send(kafka, topic, confluent(range(9, 11)), partition=0)
    assert lake.drain("--start=latest").code == 0

    assert fences(lake, topic) == {0: 7, 1: 4}
    assert_holds_exactly(
        lake, topic, [m for m in logged(kafka, topic) if m.offset >= 5 or m.partition]
    )
    assert_proven(lake)


def test_one_failing_partition_does_not_stop_the_others(kafka, topic_factory, make_lake):
    topic = topic_factory(partitions=3)
    lake = make_lake(topic, segment={"messages": 5})
    for partition in range(3):
        send(kafka, topic, confluent(range(10)), partition=partition)

    run = lake.start(crash="read.before_segment:1:stop")
    run.wait_frozen()
    _spoil_next_commit(lake, topic, partition=1)
    run.wake()
    ended = run.wait()

    assert ended.code == 1, ended
    assert len(ended.errors) == 1, ended
    assert f"{topic}[1] stopped" in ended.err
    assert "is no segment commit" in ended.err
    lake.store.delete([_next_key(lake, topic, 1)])
    assert fences(lake, topic) == {0: 10, 1: 0, 2: 10}
    assert lake.drain().code == 0
    assert_holds_exactly(lake, topic, logged(kafka, topic))
    assert_proven(lake)


def _spoil_next_commit(lake, topic: str, partition: int) -> None:
    lake.store.put(_next_key(lake, topic, partition), b"no commit")


def _next_key(lake, topic: str, partition: int) -> str:
    [topic_id] = lake.store.folders(f"_commits/{topic}/")
    return PartitionId(topic, topic_id, partition).commit_key(1)
