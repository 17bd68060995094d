"""A chain is read on in short calls, which keep no position, and a failure ends none."""

import logging
from dataclasses import replace

import pytest

from tests.fakes.lake import FakeLake, segment
from tests.fakes.object_store import Fault
from tests.fakes.stream_client import FakeClock
from tests.transforms.lake.test_commit_starts import at
from tests.transforms.lake.test_new_commits import OWNER, lake_of
from transforms.lake import BatchLimits, FollowSettings, Mark, ReadCommitsConfig
from transforms.lake.following import ChainFollower
from transforms.lake.new_commits import mark_of

FOLLOW = FollowSettings(idle_after_s=60.0)
CONFIG = ReadCommitsConfig(lake_root="s3://bucket/lake", mode="stream", follow=FOLLOW)


class World:
    """A lake of one partition, and a process that follows its chain."""

    def __init__(self, *sizes, **config):
        self.lake = lake_of(*sizes, partitions=1)
        self.clock = FakeClock()
        self.config = replace(CONFIG, **config)
        self.taken = None
        self.restart()

    def restart(self):
        self.store = self.lake.bucket.store(patience_s=0.0)
        self.follower = ChainFollower(self.store, OWNER, self.config, self.clock)

    def call(self):
        return self.follower.turn(self.taken)

    def read(self):
        """One call that claims what it gets; the numbers of the commits."""
        turn = self.call()
        if turn.batch is None:
            return []
        self.taken = mark_of(turn.batch.tails[-1])
        return [tail.commit.seq for tail in turn.batch.tails]


class TestPosition:
    def test_it_begins_at_the_genesis_and_goes_on_behind_what_was_claimed(self):
        world = World(5, 5)
        assert [world.read(), world.read()] == [[0, 1, 2], []]
        world.lake.write(segment(10, 15))
        assert world.read() == [3]

    def test_what_was_not_claimed_comes_again(self):
        world = World(5, 5)
        assert [len(world.call().batch.tails) for _ in range(2)] == [3, 3]

    def test_a_position_of_the_configuration_counts_at_a_start_without_state_only(self):
        world = World(5, 5)
        mark = Mark(1, world.lake.lane().chain.read(1).sha256)
        world = World(5, 5, position={OWNER: mark})
        assert world.read() == [2]
        world.taken = Mark(0, world.lake.lane().chain.read(0).sha256)
        assert world.read() == [1, 2]

    def test_a_time_of_the_configuration_counts_likewise(self):
        assert World(5, 5, 5, since=at(7)).read() == [2, 3]

    def test_where_it_begins_is_looked_up_once(self):
        world = World(5, 5, 5, since=at(1_000))
        assert [world.read(), world.read()] == [[], []]
        before = len(world.store.keys)
        assert world.read() == []
        assert len(world.store.keys) == before + 1
        world.lake.write(segment(15, 20))
        assert world.read() == [4]

    def test_more_commits_than_one_look_finds_come_in_order(self):
        world = World(*[1] * 30)
        assert world.read() == list(range(31))


class TestCalls:
    def test_a_call_ends_in_time_and_says_that_there_is_more(self):
        world = World(*[1] * 30)
        world.store.before(lambda: world.clock.move(1.1), "get_object", key="05.json")
        turn = world.call()
        assert [tail.commit.seq for tail in turn.batch.tails] == list(range(8))
        assert turn.more

    def test_a_call_ends_where_the_batch_is_full(self):
        world = World(5, 5, 5, limits=BatchLimits(rows=10))
        turn = world.call()
        assert ([t.commit.seq for t in turn.batch.tails], turn.more) == ([0, 1, 2], True)

    def test_at_the_end_of_the_chain_there_is_no_more(self):
        assert not World(5, 5).call().more

    def test_a_chain_with_nothing_new_is_asked_once(self):
        world = World(5)
        world.read()
        world.read()
        before = len(world.store.keys)
        world.read()
        assert world.store.keys[before:] == [("get_object", OWNER.commit_key(2))]

    def test_one_that_was_made_while_those_before_it_were_asked_for_is_left_to_the_next_call(self):
        world = World(1, 1, 1)
        # The look ahead asks for 2 and 3 at once: 2 comes too late, 3 just in time.
        body = world.lake.store.content[OWNER.commit_key(2)]
        world.lake.store.plant(OWNER.commit_key(2), None)
        assert world.read() == [0, 1]
        world.lake.store.plant(OWNER.commit_key(2), body)
        assert world.read() == [2, 3]


class TestQuiet:
    def test_a_chain_is_quiet_once_nothing_came_for_long_and_says_each_second_once(self):
        world = World(5)
        world.read()
        told = []
        for _ in range(5):
            world.clock.move(25.0)
            told.append(world.call().quiet_s)
        assert told == [0, 0, 75, 25, 25]

    def test_a_commit_without_events_is_no_news(self):
        world = World(5)
        world.read()
        world.clock.move(59.0)
        world.lake.write(segment(5, 9, holes=range(5, 9)))
        assert world.call().quiet_s == 0
        world.clock.move(1.0)
        turn = world.call()
        assert (turn.batch is not None, turn.quiet_s) == (True, 60.0)

    def test_a_commit_with_events_is(self):
        world = World(5)
        world.read()
        world.clock.move(61.0)
        world.lake.write(segment(5, 9))
        assert world.call().quiet_s == 0

    def test_an_outage_is_not_quiet(self):
        world = World(5)
        world.read()
        world.store.fail(Fault.LOST_REQUEST, "get_object")
        world.clock.move(61.0)
        assert world.call().quiet_s == 0
        world.clock.move(59.0)
        assert world.call().quiet_s == 0


class TestFailures:
    def test_an_outage_ends_no_call_and_is_over_soon_after_its_end(self, caplog):
        world = World(5)
        world.store.fail(Fault.LOST_REQUEST, "get_object")
        with caplog.at_level(logging.WARNING):
            assert world.read() == []
        assert "commits of orders.v1[0]: S3 did not answer" in caplog.text
        world.clock.move(2.0)
        assert world.read() == [0, 1]

    def test_a_sidecar_that_can_not_be_read_leaves_its_commit_unclaimed(self):
        world = World(tables=frozenset(["dead_letters"]))
        world.lake.write(segment(0, 9, dead=[3]))
        world.store.fail(Fault.LOST_REQUEST, "get_object", key="_sidecar")
        assert world.read() == []
        world.clock.move(2.0)
        assert world.read() == [0, 1]

    def test_a_lake_that_is_not_there_yet_is_waited_for(self):
        world = World()
        body = world.store.content["_lake.json"]
        world.store.plant("_lake.json", None)
        assert world.read() == []
        world.store.plant("_lake.json", body)
        world.clock.move(601.0)
        assert world.read() == [0]

    @pytest.mark.parametrize("sizes", [(5, 6), (5, 6, 1)])
    def test_another_lakes_history_is_an_alarm_and_never_read(self, caplog, sizes):
        world = World(5, 5)
        world.read()
        world.lake = lake_of(*sizes, partitions=1)
        world.restart()
        assert world.read() == []
        assert "ALARM: commits of orders.v1[0]: the chain of orders.v1[0] doesn't go on" in (
            caplog.text
        )

    def test_a_chain_that_is_gone_is_an_alarm(self, caplog):
        world = World(5)
        world.read()
        world.lake = FakeLake({0: 0})
        world.restart()
        assert world.read() == []
        assert "that commit is gone" in caplog.text

    def test_a_commit_of_another_lake_under_the_same_prefix_is_an_alarm(self, caplog):
        world = World(5)
        world.lake.change(1, lambda commit: replace(commit, lake_id="lake-2"))
        assert world.read() == []
        assert "belongs to the lake lake-2, not to lake-1" in caplog.text
