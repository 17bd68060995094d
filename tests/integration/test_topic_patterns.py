"""Topics by pattern, on a real broker."""

import itertools

import pytest

from tests.fakes.object_store import FakeBucket
from tests.integration.small import (
    DATASET,
    assert_holds_exactly,
    assert_proven,
    confluent,
    fences,
    logged,
    recreate,
    send,
)
from tests.servers import make_topic
from tests.transforms.lake.lakes import new_lake
from transforms.errors import TopicReplacedError
from transforms.kafka import Broker, BrokerSettings, ReadFromKafkaConfig, StartAt
from transforms.kafka.stream.discovery import TopicWatch

pytestmark = pytest.mark.integration

_NUMBERS = itertools.count(1)
LAKE = "beam_pipelines.lake.cli:main"


@pytest.fixture
def prefix(kafka):
    """A prefix of names, and two topics that have it."""
    made = f"patterns{next(_NUMBERS)}"
    for number, name in enumerate(("north", "south")):
        make_topic(kafka, f"{made}.{name}", 1, {})
        send(kafka, f"{made}.{name}", confluent(range(10 * number, 10 * number + 10)))
    return made


def by_pattern(prefix, end=".*"):
    return {"pattern": rf"{prefix}\.{end}", "dataset": DATASET}


def test_a_drain_reads_all_that_match_those_made_later_too_and_refuses_what_matches_twice(
    kafka, prefix, make_lake, drain_here
):
    lake = make_lake(by_pattern(prefix))
    assert lake.drain("--start=latest").code == 0
    assert fences(lake, f"{prefix}.south") == {0: 10}

    late = make_topic(kafka, f"{prefix}.late", 1, {})
    for topic in (f"{prefix}.south", late):
        send(kafka, topic, confluent(range(20, 27)))
    assert lake.drain().code == 0

    assert_holds_exactly(lake, late, logged(kafka, late))
    assert_holds_exactly(lake, f"{prefix}.south", logged(kafka, f"{prefix}.south")[10:])
    assert_proven(lake)
    listed = lake.command(LAKE, "ls")
    assert DATASET in listed.out

    twice = make_lake(by_pattern(prefix), by_pattern(prefix, "(north|east)"))
    refused = drain_here(twice)
    assert refused.code == 2
    assert f"the topic {prefix}.north belongs to two entries" in refused.err
    assert rf"the pattern {prefix}\.(north|east)" in refused.err

    recreate(kafka, f"{prefix}.north")
    refused = drain_here(lake)
    assert refused.code == 2
    assert f"adopt-topic --topic {prefix}.north" in refused.err


def test_a_stream_finds_topics_that_are_made_while_it_runs_from_their_earliest_offset(
    kafka, prefix
):
    settings = BrokerSettings(bootstrap_servers=kafka.bootstrap_servers)
    store = FakeBucket().store()
    config = ReadFromKafkaConfig(
        broker=settings,
        patterns=[by_pattern(prefix)["pattern"]],
        lake_root="s3://bucket/lake",
        mode="stream",
        start=StartAt(how="latest"),
    )
    watch = TopicWatch(Broker(settings), store, new_lake(store), config)
    assert {task.topic for task in watch.look()} == {f"{prefix}.north", f"{prefix}.south"}

    make_topic(kafka, f"{prefix}.late", 2, {})
    late = [task for task in watch.look() if task.topic == f"{prefix}.late"]
    assert [task.partition for task in late] == [0, 1]
    assert all(task.failure is None for task in late)

    recreate(kafka, f"{prefix}.north")
    (refused,) = [task for task in watch.look() if task.topic == f"{prefix}.north"]
    assert isinstance(refused.failure, TopicReplacedError)
