"""What there is to read, and what is refused."""

from dataclasses import replace

import pytest

from tests.fakes.broker import FakeBroker, FakePartition, FakeTopic
from tests.fakes.object_store import CrashError, FakeBucket, Fault
from tests.transforms.lake.lakes import LAKE_ID, new_lake
from transforms.errors import LogTooShortError, RefusedError, TopicMissingError, TopicReplacedError
from transforms.kafka import StartAt, check_topics, fences
from transforms.kafka.discovery import discover
from transforms.lake import CommitChain, PartitionId


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
        return list(discover(self.broker, self.store, self.lake, topics, start_at))

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
        tasks = discover(world.broker, world.store, world.lake, ["t"], StartAt())
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
        with pytest.raises(TopicMissingError, match="nothere"):
            world.discover(topics=("t", "nothere"))
        assert world.chain(0).tail() is None


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
        with pytest.raises(LogTooShortError, match=r"fence of t\[0\] is 60, its log ends at 59"):
            world.discover()

    def test_a_log_that_ends_at_the_fence_is_not(self, world):
        world.discover()
        world.advance(0, 60)
        world.logs[0].end = 60
        assert set(world.ranges()) == {("t", 1)}

    def test_a_topic_made_again_is_refused_longer_or_shorter(self, world):
        world.discover()
        for end in (5, 5_000):
            world.broker.topics["t"] = FakeTopic("id2", {0: FakePartition(end)})
            with pytest.raises(TopicReplacedError, match="adopt-topic --topic t") as caught:
                world.discover()
            assert "id2, the lake knows id" in str(caught.value)
        assert world.chain(0, "id2").tail() is None

    def test_another_cluster_is_refused(self, world):
        world.discover()
        world.broker.cluster_id = "cluster-2"
        with pytest.raises(RefusedError, match="cluster cluster-1, this one is cluster-2"):
            world.discover()

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
