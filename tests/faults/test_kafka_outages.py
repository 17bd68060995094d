"""A broker that goes away: waited out while there is patience, told clearly when there is none."""

from dataclasses import replace

import pytest

from tests.integration.small import (
    LakeFactory,
    assert_holds_exactly,
    assert_proven,
    confluent,
    fences,
    logged,
    send,
    small_lake,
)

pytestmark = pytest.mark.faults


@pytest.fixture
def make_lake(launcher, kafka, s3, lake_root, config_factory) -> LakeFactory:
    return small_lake(launcher, kafka, s3, lake_root, config_factory)


def test_a_broker_killed_and_restarted_in_mid_run_is_waited_for(kafka, topic_factory, make_lake):
    topic = topic_factory(partitions=2)
    lake = make_lake(topic, segment={"messages": 5})
    for partition in range(2):
        send(kafka, topic, confluent(range(30)), partition=partition)

    run = lake.start(crash="read.before_segment:2:stop")
    run.wait_frozen()
    kafka.kill()
    run.wake()
    kafka.start()
    kafka.wait_ready()
    ended = run.wait()

    assert ended.code == 0, ended
    assert fences(lake, topic) == {0: 30, 1: 30}
    assert_holds_exactly(lake, topic, logged(kafka, topic))
    assert_proven(lake)


def test_a_broker_that_stays_away_ends_the_run_and_keeps_what_is_done(
    kafka, topic_factory, make_lake
):
    first, second = topic_factory(), topic_factory(partitions=2)
    lake = make_lake(first, second, segment={"messages": 5}, kafka={"patience_s": 1})
    # Another run, on a lake of its own, has made nothing but that lake.
    late = replace(lake, root=f"{lake.root}-late")
    send(kafka, first, confluent(range(10)))
    for partition in range(2):
        send(kafka, second, confluent(range(10)), partition=partition)

    # The first topic takes two looks, so the third is that of the second topic.
    run = lake.start(crash="read.before_segment:3:stop")
    late_run = late.start(crash="lake.before_genesis:1:stop")
    run.wait_frozen()
    late_run.wait_frozen()
    kafka.kill()
    run.wake()
    late_run.wake()
    ended, late_ended = run.wait(), late_run.wait()
    kafka.start()
    kafka.wait_ready()

    assert ended.code == 1, ended
    assert len(ended.errors) == 2, ended
    assert all("does not answer" in line and second in line for line in ended.errors)
    assert fences(lake, first) == {0: 10}
    assert late_ended.code == 1, late_ended
    assert len(late_ended.errors) == 1, late_ended
    assert late_ended.errors[0].startswith(f"error: {first}: ")
    assert "does not answer" in late_ended.errors[0]
    assert "Traceback" not in ended.err + late_ended.err
    for each in (lake, late):
        assert each.drain().code == 0
        for topic in (first, second):
            assert_holds_exactly(each, topic, logged(kafka, topic))
    assert_proven(lake)
