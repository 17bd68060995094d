"""New commits from a position: contiguous, oldest first, bounded, and never from another lake."""

import itertools

import pytest

from tests.fakes.lake import TOPIC, TOPIC_ID, FakeLake, segment
from transforms.errors import ConfigurationError, LakeMismatchError
from transforms.lake import CommitBatch, PartitionId
from transforms.lake.new_commits import BatchLimits, new_commits

OWNER = PartitionId(TOPIC, TOPIC_ID, 0)


def lake_of(*sizes: int, partitions: int = 2) -> FakeLake:
    """A lake whose partitions have segments of these sizes, in turns."""
    lake = FakeLake(dict.fromkeys(range(partitions), 0))
    ends = dict.fromkeys(range(partitions), 0)
    for partition, size in zip(itertools.cycle(ends), sizes, strict=False):
        end = ends[partition] + size
        lake.write(segment(ends[partition], end, partition=partition))
        ends[partition] = end
    return lake


def read(lake: FakeLake, position=None, **arguments):
    return list(new_commits(lake.store, lake.manifest, position or {}, **arguments))


def named(tails):
    return [(tail.commit.partition, tail.commit.seq) for tail in tails]


class TestOrder:
    def test_all_commits_come_from_the_genesis_on(self):
        assert sorted(named(read(lake_of(5, 5, 5)))) == [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1)]

    def test_the_oldest_messages_come_first(self):
        lake = FakeLake({0: 100, 1: 0})
        lake.write(segment(100, 110), segment(0, 50, partition=1), segment(50, 200, partition=1))
        assert named(read(lake))[2:] == [(1, 1), (1, 2), (0, 1)]

    def test_a_position_is_gone_on_from(self):
        lake = lake_of(5, 5, 5, 5)
        position = CommitBatch(tuple(read(lake, limits=BatchLimits(commits=4)))).position_after({})
        rest = read(lake, position)
        assert len(rest) == 2
        assert named(read(lake)) == named(read(lake, limits=BatchLimits(commits=4))) + named(rest)

    def test_only_the_topics_that_are_asked_for_are_read(self):
        assert read(lake_of(5), topics=["another"]) == []
        assert named(read(lake_of(5, partitions=1), topics=[TOPIC])) == [(0, 0), (0, 1)]


class TestLimits:
    def test_a_batch_ends_before_it_exceeds_its_rows(self):
        lake = lake_of(6, 6, 6, 6, partitions=1)
        assert len(read(lake, limits=BatchLimits(rows=12))) == 3  # The genesis has none.

    def test_a_batch_ends_before_it_exceeds_its_bytes(self):
        lake = lake_of(6, 6, partitions=1)
        size = sum(file.bytes for file in lake.commit(1).files)
        assert len(read(lake, limits=BatchLimits(bytes=size))) == 2

    def test_a_commit_that_is_larger_than_a_batch_comes_alone(self):
        lake = lake_of(6, 6, partitions=1)
        limits = BatchLimits(rows=1)
        first = CommitBatch(tuple(read(lake, limits=limits)))
        second = read(lake, first.position_after({}), limits=limits)
        assert (named(first.tails), named(second)) == ([(0, 0)], [(0, 1)])

    @pytest.mark.parametrize("name", ["rows", "bytes", "commits"])
    def test_a_limit_of_nothing_is_refused(self, name):
        with pytest.raises(ConfigurationError, match=f"{name} must be at least 1, got 0"):
            BatchLimits(**{name: 0})


class TestOtherLakes:
    """A position is of one lake's history; another history is refused, never read."""

    def position(self, lake: FakeLake):
        return CommitBatch(tuple(read(lake))).position_after({})

    def refused(self, lake: FakeLake, position, why: str):
        with pytest.raises(LakeMismatchError, match=why) as caught:
            read(lake, position)
        assert "bring the lake back" in caught.value.remedy

    def test_a_lake_that_was_begun_anew_is_noticed(self):
        position = self.position(lake_of(5, 5, partitions=1))
        self.refused(lake_of(partitions=1), position, "that commit is gone")

    def test_a_lake_that_is_gone_is_noticed(self):
        position = self.position(lake_of(5, partitions=1))
        lake = lake_of(5, partitions=1)
        lake.store.plant(OWNER.commit_key(0), None)
        lake.store.plant(OWNER.commit_key(1), None)
        self.refused(lake, position, "that commit is gone")

    def test_a_lake_that_was_restored_and_went_on_otherwise_is_noticed(self):
        position = self.position(lake_of(5, 5, partitions=1))
        self.refused(lake_of(5, 6, partitions=1), position, "that commit is another one now")

    def test_a_fork_that_has_gone_further_is_noticed(self):
        position = self.position(lake_of(5, 5, partitions=1))
        self.refused(lake_of(5, 6, 1, partitions=1), position, "its next commit follows from")

    def test_the_same_lake_is_never_refused(self):
        lake = lake_of(5, 5, partitions=1)
        assert read(lake, self.position(lake)) == []
