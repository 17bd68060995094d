"""Which partitions a stream reads, and from where."""

import logging
import pickle

import pytest
from apache_beam.io.watch import PollResult

from beam_pipelines.lake.adoption import adopt_topic
from tests.fakes.broker import FakeBroker, FakePartition, FakeTopic
from tests.fakes.object_store import FakeBucket, Fault
from tests.transforms.lake.lakes import LAKE_ID, new_lake
from transforms.errors import (
    BrokerUnavailableError,
    ConfigurationError,
    TopicMissingError,
    TopicReplacedError,
)
from transforms.kafka import BrokerSettings, ReadFromKafkaConfig, StartAt, StreamSettings
from transforms.kafka.stream import discovery, worker
from transforms.kafka.stream.discovery import TopicWatch, _Look, _name_of
from transforms.lake import CommitChain, PartitionId

LATEST = StartAt(how="latest")


def reading(**changed):
    values = {
        "broker": BrokerSettings(bootstrap_servers="h:1"),
        "topics": ["t"],
        "lake_root": "s3://bucket/lake",
        "mode": "stream",
        "stream": StreamSettings(disorder_s=60.0),
        **changed,
    }
    return ReadFromKafkaConfig(**values)


class World:
    """A cluster with one topic of two partitions, and a lake."""

    def __init__(self):
        logs = {0: FakePartition(100, first=10), 1: FakePartition(200, first=20)}
        self.broker = FakeBroker({"t": FakeTopic("id", logs)})
        self.store = FakeBucket().store()
        self.lake = new_lake(self.store)

    def watch(self, **config):
        return TopicWatch(self.broker, self.store, self.lake, reading(**config))

    def fence(self, topic, partition, topic_id="id"):
        tail = CommitChain(self.store, PartitionId(topic, topic_id, partition), LAKE_ID).tail()
        return tail and tail.fence


@pytest.fixture
def world():
    return World()


def names(tasks):
    return [(task.topic, task.partition) for task in tasks]


class TestNamedTopics:
    def test_each_partition_is_found_with_its_genesis_made_at_the_start(self, world):
        assert names(world.watch(start=LATEST).look()) == [("t", 0), ("t", 1)]
        assert (world.fence("t", 0), world.fence("t", 1)) == (100, 200)

    def test_an_empty_partition_is_found_too(self, world):
        world.broker.topics["t"].partitions[1].end = 20
        assert names(world.watch().look()) == [("t", 0), ("t", 1)]

    def test_a_partition_that_comes_later_begins_at_its_earliest_offset(self, world):
        watch = world.watch(start=LATEST)
        watch.look()
        world.broker.topics["t"].partitions[2] = FakePartition(9, first=3)
        assert names(watch.look()) == [("t", 0), ("t", 1), ("t", 2)]
        assert world.fence("t", 2) == 3

    def test_a_topic_that_is_made_later_begins_at_its_earliest_offset(self, world):
        made = world.broker.topics.pop("t")
        watch = world.watch(start=LATEST)
        (missing,) = watch.look()
        assert isinstance(missing.failure, TopicMissingError)
        world.broker.topics["t"] = made
        assert names(watch.look()) == [("t", 0), ("t", 1)]
        assert world.fence("t", 0) == 10

    def test_what_is_known_asks_s3_nothing_more(self, world):
        watch = world.watch()
        watch.look()
        before = sum(world.store.calls.values())
        assert names(watch.look()) == [("t", 0), ("t", 1)]
        assert sum(world.store.calls.values()) == before


class TestPattern:
    def test_topics_that_match_with_their_whole_names_are_found_each_once(self, world):
        for name in ("ta", "at", "ub", "u"):
            world.broker.topics[name] = FakeTopic(f"id-{name}", {0: FakePartition(5)})
        found = world.watch(topics=["ub"], patterns=["t.?", "u"]).look()
        assert names(found) == [("ub", 0), ("t", 0), ("t", 1), ("ta", 0), ("u", 0)]

    def test_one_that_matches_twice_is_refused_with_both_named_and_the_others_go_on(
        self, world, caplog
    ):
        watch = world.watch(topics=["t"], patterns=["u.*", ".*2"], start=LATEST)
        assert names(watch.look()) == [("t", 0), ("t", 1)]
        world.broker.topics["u2"] = FakeTopic("id2", {0: FakePartition(9)})
        *others, refused = watch.look()
        assert names(others) == [("t", 0), ("t", 1)]
        assert isinstance(refused.failure, ConfigurationError)
        assert "the pattern u.* and the pattern .*2" in str(refused.failure)
        assert "ALARM: u2 is not read" in caplog.text
        assert world.fence("u2", 0, "id2") is None

    def test_one_that_was_made_again_is_refused_until_it_is_adopted(self, world):
        watch = world.watch(topics=[], patterns=["t.*"])
        watch.look()
        world.broker.topics["t"].topic_id = "other"
        (refused,) = watch.look()
        assert isinstance(refused.failure, TopicReplacedError)
        adopt_topic(world.broker, world.store, "t")
        assert names(watch.look()) == [("t", 0), ("t", 1)]

    def test_at_the_first_start_of_a_lake_they_begin_where_start_says(self, world):
        world.watch(topics=[], patterns=["t"], start=LATEST).look()
        assert world.fence("t", 0) == 100

    def test_those_that_are_made_while_the_stream_runs_begin_at_their_earliest_offset(self, world):
        watch = world.watch(topics=[], patterns=["t.*"], start=LATEST)
        watch.look()
        world.broker.topics["t2"] = FakeTopic("id2", {0: FakePartition(9, first=3)})
        assert names(watch.look())[-1] == ("t2", 0)
        assert world.fence("t2", 0, "id2") == 3

    def test_those_that_were_made_while_it_was_down_do_too(self, world):
        world.watch(topics=[], patterns=["t.*"], start=LATEST).look()
        world.broker.topics["t2"] = FakeTopic("id2", {0: FakePartition(9, first=3)})
        world.watch(topics=[], patterns=["t.*"], start=LATEST).look()
        assert world.fence("t2", 0, "id2") == 3


class TestFailures:
    def test_a_topic_made_again_is_a_failed_task_and_the_others_go_on(self, world, caplog):
        watch = world.watch(topics=["t", "u"])
        world.broker.topics["u"] = FakeTopic("id-u", {0: FakePartition(5)})
        watch.look()
        world.broker.topics["t"].topic_id = "other"
        refused, other = watch.look()
        assert isinstance(refused.failure, TopicReplacedError)
        assert names([other]) == [("u", 0)]
        assert "ALARM: t is not read: the topic t was deleted and made again" in caplog.text
        assert world.fence("t", 0, "other") is None

    def test_an_alarm_that_goes_on_is_told_more_and_more_rarely(self, world, caplog):
        watch = world.watch(topics=["nothere"])
        with caplog.at_level(logging.ERROR):
            for _ in range(10):
                watch.look()
        assert len(caplog.records) == 4

    def test_an_outage_of_s3_is_no_task_and_the_next_look_goes_on(self, world, caplog):
        watch = world.watch(start=LATEST)
        world.store.fail(Fault.LOST_REQUEST, "put_object", times=999)
        assert watch.look() == []
        assert "t is not read: S3 did not answer" in caplog.text
        world.store._planned.clear()
        assert names(watch.look()) == [("t", 0), ("t", 1)]
        assert world.fence("t", 0) == 100

    def test_an_outage_of_the_cluster_is_raised(self, world):
        world.broker.away = True
        with pytest.raises(BrokerUnavailableError):
            world.watch().look()


class TestLook:
    @pytest.fixture
    def look(self, world, monkeypatch):
        monkeypatch.setattr(worker, "Broker", lambda _settings, patience_s: world.broker)
        monkeypatch.setattr(discovery, "ObjectStore", lambda _root, _settings: world.store)
        monkeypatch.setattr(discovery.time, "time", lambda: 1_000.0)
        return pickle.loads(pickle.dumps(_Look(reading())))

    def test_it_gives_all_partitions_and_moves_the_watermark_on(self, look):
        result = look(b"")
        assert isinstance(result, PollResult)
        assert [each.value.partition for each in result.outputs] == [0, 1]
        assert result.watermark == 940
        assert {each.timestamp for each in result.outputs} == {result.watermark}
        assert not result.is_complete

    def test_an_outage_gives_none_and_does_not_end_the_watch(self, look, world):
        world.broker.away = True
        assert look(b"").outputs == ()
        world.broker.away = False
        assert len(look(b"").outputs) == 2


def test_a_partition_keeps_its_name_and_a_failure_has_another(world):
    watch = world.watch()
    first, again = watch.look(), watch.look()
    assert [_name_of(task) for task in first] == [_name_of(task) for task in again]
    world.broker.topics["t"].topic_id = "other"
    (refused,) = watch.look()
    assert _name_of(refused) not in {_name_of(task) for task in first}
