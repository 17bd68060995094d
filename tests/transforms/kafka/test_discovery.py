"""What there is to read, and what is refused."""

import pickle
from dataclasses import replace

import pytest

from tests.fakes.broker import FakeBroker, FakePartition, FakeTopic
from tests.fakes.object_store import CrashError, FakeBucket, Fault
from tests.transforms.lake.lakes import LAKE_ID, new_lake
from transforms.errors import (
    BrokerUnavailableError,
    ChainError,
    LogTooShortError,
    RefusedError,
    TopicMissingError,
    TopicReplacedError,
)
from transforms.kafka import StartAt, check_topics, fences
from transforms.kafka.discovery import discover
from transforms.lake import CommitChain, PartitionId
from transforms.topics import TopicName


def names_of(*topics, patterns=()):
    named = [TopicName(topic=topic) for topic in topics]
    return [*named, *(TopicName(pattern=pattern) for pattern in patterns)]


class World:
    """A cluster with one topic of two partitions, and a lake."""

    def __init__(self):
        logs = {0: FakePartition(100, first=10), 1: FakePartition(200, first=20)}
        self.broker = FakeBroker({"t": FakeTopic("id", logs)})
        self.store = FakeBucket().store()
        self.lake = new_lake(self.store)

    @property
    def logs(self):
        return self.broker.topics["t"].partitions

    def discover(self, how="earliest", topics=("t",), **start):
        start_at = StartAt(how=how, **start)
        return list(discover(self.broker, self.store, self.lake, names_of(*topics), start_at))

    def failed(self, *args, **kwargs):
        """The tasks that failed; there must be one."""
        found = [task for task in self.discover(*args, **kwargs) if task.failure is not None]
        assert found
        assert all((task.fence, task.wanted) == (0, 0) for task in found)
        return found

    def ranges(self, *args, **kwargs):
        return {(t.topic, t.partition): (t.fence, t.wanted) for t in self.discover(*args, **kwargs)}

    def chain(self, partition, topic_id="id"):
        return CommitChain(self.store, PartitionId("t", topic_id, partition), LAKE_ID)

    def advance(self, partition, end):
        chain = self.chain(partition)
        tail = chain.tail()
        assert chain.append(
            replace(tail.commit, seq=1, start=tail.fence, end=end, prev=tail.sha256, genesis=None)
        )


@pytest.fixture
def world():
    return World()


class TestNewTopic:
    def test_it_is_read_from_its_start_to_its_stable_end(self, world):
        assert world.ranges() == {("t", 0): (10, 100), ("t", 1): (20, 200)}

    def test_latest_makes_chains_and_leaves_nothing_to_read(self, world):
        assert world.ranges("latest") == {}
        assert world.chain(1).tail().fence == 200
        assert world.chain(0).tail().commit.genesis["how"] == "latest"

    def test_the_genesis_is_made_before_the_first_task(self, world):
        tasks = discover(world.broker, world.store, world.lake, names_of("t"), StartAt())
        next(tasks)
        assert world.chain(0).tail() is not None
        assert world.chain(1).tail() is not None

    def test_a_crash_between_two_geneses_does_not_move_the_start(self, world):
        world.store.fail(Fault.CRASH_BEFORE, "put_object", key="_commits/", skip=1)
        with pytest.raises(CrashError):
            world.discover("latest")
        world.logs[1].end = 500
        assert world.ranges("latest") == {("t", 1): (200, 500)}

    def test_given_offsets_are_taken(self, world):
        ranges = world.ranges("given", offsets={"t": {0: 30, 1: 200}})
        assert ranges == {("t", 0): (30, 100)}

    def test_topics_come_in_the_order_in_which_they_are_listed(self, world):
        world.broker.topics["a"] = FakeTopic("id-a", {0: FakePartition(5)})
        assert [t.topic for t in world.discover(topics=("t", "a"))] == ["t", "t", "a"]

    def test_a_topic_that_the_broker_does_not_know_is_named(self, world):
        (task,) = world.discover(topics=("t", "nothere"))
        assert task.owner == PartitionId("nothere", "", 0)
        assert isinstance(task.failure, TopicMissingError)
        assert world.chain(0).tail() is None


class TestPatterns:
    @pytest.fixture
    def several(self, world):
        for name in ("t2", "t1", "__t"):
            world.broker.topics[name] = FakeTopic(f"id-{name}", {0: FakePartition(5)})
        return world

    def found(self, world, *topics, patterns):
        names = names_of(*topics, patterns=patterns)
        return list(discover(world.broker, world.store, world.lake, names, StartAt()))

    def test_topics_that_match_are_read_after_those_that_are_named(self, several):
        tasks = self.found(several, "t2", patterns=["t1?"])
        assert [task.topic for task in tasks] == ["t2", "t", "t", "t1"]

    def test_where_none_matches_there_is_nothing_to_read(self, several):
        assert self.found(several, patterns=["x.*"]) == []

    def test_one_that_matches_twice_is_told_with_both_named_and_nothing_is_read(self, several):
        (task,) = self.found(several, "t2", patterns=["t.*"])
        assert "the topic t2 and the pattern t.*" in str(task.failure)

    def test_an_outage_is_told(self, several):
        several.broker.away = True
        (task,) = self.found(several, patterns=["t.*"])
        assert isinstance(task.failure, BrokerUnavailableError)


class TestKnownTopic:
    def test_it_goes_on_from_the_fences_whatever_start_says(self, world):
        world.discover()
        world.advance(0, 60)
        assert world.ranges("latest") == {("t", 0): (60, 100), ("t", 1): (20, 200)}

    def test_with_nothing_new_there_is_no_task_and_no_commit(self, world):
        world.discover("latest")
        before = world.store.content
        assert world.discover() == []
        assert world.store.content == before

    def test_a_partition_added_later_begins_at_its_earliest_offset(self, world):
        world.discover("latest")
        world.logs[2] = FakePartition(9, first=3)
        assert world.ranges("latest") == {("t", 2): (3, 9)}

    def test_a_log_that_ends_before_the_fence_is_refused(self, world):
        world.discover()
        world.advance(0, 60)
        world.logs[0].end = 59
        (task,) = world.failed()
        assert isinstance(task.failure, LogTooShortError)
        assert "fence of t[0] is 60, its log ends at 59" in str(task.failure)

    def test_a_partition_that_fails_stops_no_other(self, world):
        world.discover()
        world.advance(0, 60)
        world.logs[0].end = 59
        tasks = {task.partition: task for task in world.discover()}
        assert tasks.keys() == {0, 1}
        assert (tasks[1].fence, tasks[1].wanted) == (20, 200)

    def test_a_partition_whose_chain_is_broken_stops_no_other(self, world):
        world.discover()
        world.store.plant(PartitionId("t", "id", 1).commit_key(0), b"no commit")
        (task,) = world.failed()
        assert isinstance(task.failure, ChainError)
        assert task.partition == 1

    def test_a_log_that_ends_at_the_fence_is_not(self, world):
        world.discover()
        world.advance(0, 60)
        world.logs[0].end = 60
        assert set(world.ranges()) == {("t", 1)}

    def test_a_topic_made_again_is_refused_longer_or_shorter(self, world):
        world.discover()
        for end in (5, 5_000):
            world.broker.topics["t"] = FakeTopic("id2", {0: FakePartition(end)})
            (task,) = world.discover()
            assert isinstance(task.failure, TopicReplacedError)
            assert "adopt-topic --topic t" in str(task.failure)
            assert "id2, the lake knows id" in str(task.failure)
        assert world.chain(0, "id2").tail() is None

    def test_another_cluster_is_refused(self, world):
        world.discover()
        world.broker.cluster_id = "cluster-2"
        (task,) = world.discover()
        assert isinstance(task.failure, RefusedError)
        assert "cluster cluster-1, this one is cluster-2" in str(task.failure)

    def test_an_adopted_topic_has_a_chain_of_its_own(self, world):
        world.discover()
        world.broker.topics["t"] = FakeTopic("id2", {0: FakePartition(7, first=2)})
        adopted = World()
        adopted.store, adopted.broker = world.store, world.broker
        birth = world.chain(0).read(0).commit
        adopted.chain(0, "id2").append(
            replace(
                birth,
                topic_id="id2",
                start=2,
                end=2,
                genesis={"how": "earliest", "starts": {"0": 2}},
            )
        )
        assert adopted.ranges() == {("t", 0): (2, 7)}


class TestOutage:
    @pytest.fixture
    def two(self, world):
        world.broker.topics["a"] = FakeTopic("id-a", {0: FakePartition(5)})
        return world

    def test_of_the_broker_is_told_of_the_topic_that_met_it_and_no_other_is_tried(self, two):
        def earliest(facts):
            raise BrokerUnavailableError("Kafka does not answer")

        two.broker.earliest = earliest
        (task,) = two.discover(topics=("t", "a"))
        assert task.owner == PartitionId("t", "id", 0)
        assert isinstance(task.failure, BrokerUnavailableError)

    def test_of_the_store_is_told_too(self, two):
        two.store.fail(Fault.LOST_REQUEST, "put_object", key="_commits/a/", times=9_999)
        tasks = two.discover(topics=("t", "a"))
        assert [(task.topic, task.failure is None) for task in tasks] == [
            ("t", True),
            ("t", True),
            ("a", False),
        ]

    def test_a_refusal_of_one_topic_stops_no_other(self, two):
        given = {"a": {0: 3}}
        tasks = two.discover("given", topics=("t", "a"), offsets=given)
        assert [(task.topic, task.failure is None) for task in tasks] == [("t", False), ("a", True)]

    def test_a_failed_task_survives_the_way_to_a_worker(self, world):
        (task,) = world.discover(topics=("nothere",))
        again = pickle.loads(pickle.dumps(task))
        assert (again.owner, str(again.failure)) == (task.owner, str(task.failure))


class TestPreview:
    def test_checking_topics_touches_nothing(self, world):
        before = world.store.content
        (facts,) = check_topics(world.broker, world.store, world.lake, ["t"])
        assert facts.partitions == (0, 1)
        assert world.store.content == before

    def test_there_are_no_fences_without_a_lake_or_a_chain(self, world):
        (facts,) = check_topics(world.broker, world.store, None, ["t"])
        assert fences(world.store, None, facts) == {0: None, 1: None}
        assert fences(world.store, world.lake, facts) == {0: None, 1: None}
        world.discover()
        assert fences(world.store, world.lake, facts) == {0: 10, 1: 20}
