"""A topic that isn't the one that the lake knows is refused, before a run and within one."""

import pytest

from tests.integration.small import (
    CARRIED,
    LakeFactory,
    assert_equal,
    assert_holds_exactly,
    assert_proven,
    confluent,
    fences,
    keys_of,
    logged,
    recreate,
    send,
    small_lake,
)
from tests.oracle import expected_of
from transforms.lake import CommitChain, PartitionId, SegmentCommit, require_lake

pytestmark = pytest.mark.faults

LAKE = "beam_pipelines.lake.cli:main"


@pytest.fixture
def make_lake(launcher, kafka, s3, lake_root, config_factory) -> LakeFactory:
    return small_lake(launcher, kafka, s3, lake_root, config_factory)


def test_a_recreated_topic_is_refused_until_it_is_adopted(kafka, topic_factory, make_lake):
    topic = topic_factory()
    lake = make_lake(topic)
    send(kafka, topic, confluent(range(10)))
    assert lake.drain().code == 0
    old, old_ids = logged(kafka, topic), {c.topic_id for c in lake.commits()}
    before = keys_of(lake)

    for again in (3, 10, 25):  # shorter than the fence, equal, longer
        recreate(kafka, topic)
        send(kafka, topic, confluent(range(100, 100 + again)))
        refused = lake.drain()
        assert refused.code == 2, refused
        assert len(refused.err.splitlines()) == 1, refused
        assert "was deleted and made again" in refused.err
        assert f"adopt-topic --topic {topic}" in refused.err
        assert keys_of(lake) == before
    adopted = _adopt(lake, topic)
    assert adopted.code == 0, adopted
    drained = lake.drain()
    assert drained.code == 0, drained

    assert_proven(lake)
    made = lake.commits()
    for messages, mine in (
        (old, [c for c in made if c.topic_id in old_ids]),
        (logged(kafka, topic), [c for c in made if c.topic_id not in old_ids]),
    ):
        assert_equal(lake, mine, expected_of(topic, messages, carries=CARRIED))


def test_a_topic_recreated_under_the_reader_loses_its_segment_alone(
    kafka, topic_factory, make_lake
):
    topic, other = topic_factory(), topic_factory()
    lake = make_lake(topic, other, segment={"messages": 5})
    send(kafka, topic, confluent(range(20)))
    send(kafka, other, confluent(range(30)))
    old = logged(kafka, topic)

    run = lake.start(crash="read.before_segment:2:stop")
    run.wait_frozen()
    recreate(kafka, topic)
    send(kafka, topic, confluent(range(100, 140)))
    run.wake()
    ended = run.wait()

    assert ended.code == 1, ended
    assert len(ended.errors) == 1, ended
    assert f"{topic}[0] stopped at offset 5" in ended.err
    assert "made again while it was read" in ended.err
    assert fences(lake, topic) == {0: 5}
    assert_holds_exactly(lake, topic, old[:5])
    assert_holds_exactly(lake, other, logged(kafka, other))
    assert lake.drain().code == 2


def test_a_topic_deleted_under_the_reader_stops_alone(kafka, topic_factory, make_lake):
    topic, other = topic_factory(), topic_factory()
    lake = make_lake(topic, other, segment={"messages": 5})
    send(kafka, topic, confluent(range(20)))
    send(kafka, other, confluent(range(8)))

    run = lake.start(crash="read.before_segment:2:stop")
    run.wait_frozen()
    admin = kafka.admin()
    admin.delete_topics([topic])[topic].result(30)
    run.wake()
    ended = run.wait()

    assert ended.code == 1, ended
    assert f"the broker has no topic {topic}" in ended.errors[0]
    assert_holds_exactly(lake, other, logged(kafka, other))


def test_a_log_that_is_shorter_than_the_lake_is_refused(kafka, topic_factory, make_lake):
    topic = topic_factory()
    lake = make_lake(topic)
    send(kafka, topic, confluent(range(10)))
    assert lake.drain().code == 0
    _commit_more_than_there_is(lake, topic)
    before = keys_of(lake)

    refused = lake.drain()

    assert refused.code == 2, refused
    assert len(refused.err.splitlines()) == 1, refused
    assert "the log is shorter than the lake" in refused.err
    assert f"{topic}[0] is 110, its log ends at 10" in refused.err
    assert keys_of(lake) == before


def _commit_more_than_there_is(lake, topic: str) -> None:
    """Moves the fence on by hand: a broker that lost messages which the lake has looks so."""
    made = next(c for c in lake.commits() if c.topic == topic)
    owner = PartitionId(topic, made.topic_id, 0)
    chain = CommitChain(lake.store, owner, require_lake(lake.store).lake_id)
    tail = chain.reload()
    assert tail is not None
    appended = chain.append(
        SegmentCommit(
            lake_id=made.lake_id,
            cluster_id=made.cluster_id,
            topic=topic,
            topic_id=made.topic_id,
            partition=0,
            seq=tail.commit.seq + 1,
            start=tail.fence,
            end=tail.fence + 100,
            prev=tail.sha256,
        )
    )
    assert appended


def _adopt(lake, topic: str):
    servers = f"--kafka_bootstrap_servers={lake.kafka.bootstrap_servers}"
    argv = ["adopt-topic", f"--lake_root={lake.root}", f"--topic={topic}", servers]
    return lake.launcher.launch(argv, environ=dict(lake.s3.environ()), main=LAKE).wait()
