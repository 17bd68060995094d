"""New commits from a position: contiguous, oldest first, bounded, and never from another lake."""

import itertools
from collections import defaultdict
from dataclasses import replace

import apache_beam as beam
import pytest
from apache_beam.testing.test_pipeline import TestPipeline
from apache_beam.testing.util import assert_that, equal_to
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.lake import TOPIC, TOPIC_ID, FakeLake, segment
from transforms.errors import ConfigurationError, LakeMismatchError
from transforms.lake import PartitionId, read_commits
from transforms.lake.read_commits import (
    BatchLimits,
    CommitBatch,
    Mark,
    ReadCommits,
    ReadCommitsConfig,
    batches,
    chain_ends,
    new_commits,
)

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

    @given(st.lists(st.integers(1, 9), max_size=8), st.integers(1, 30), st.integers(1, 3))
    def test_batches_of_any_size_are_the_chains_cut_anywhere(self, sizes, rows, partitions):
        lake = lake_of(*sizes, partitions=partitions)
        config = ReadCommitsConfig(lake_root="s3://b/l", limits=BatchLimits(rows=rows))
        by_partition = defaultdict(list)
        for batch in batches(lake.store, config):
            for partition, seq in named(batch.tails):
                by_partition[partition].append(seq)
        ends = chain_ends(lake.store, lake.manifest)
        assert by_partition == {o.partition: list(range(end + 1)) for o, end in ends.items()}


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


class TestReadCommits:
    def test_each_batch_is_an_element(self, monkeypatch):
        lake = lake_of(5, 5, 5, partitions=1)
        monkeypatch.setattr(read_commits, "ObjectStore", lambda root, settings: lake.store)
        config = ReadCommitsConfig(lake_root="s3://b/l", limits=BatchLimits(commits=3))
        with TestPipeline() as pipeline:
            sizes = (
                pipeline
                | ReadCommits(config)
                | beam.Map(lambda batch: [tail.commit.seq for tail in batch.tails])
            )
            assert_that(sizes, equal_to([[0, 1, 2], [3]]))

    def test_what_is_committed_meanwhile_is_left_for_the_next_run(self):
        lake = lake_of(5, partitions=1)
        found = batches(lake.store, ReadCommitsConfig(lake_root="s3://b/l"))
        first = next(found)
        lake.write(segment(5, 9))
        assert (named(first.tails), list(found)) == ([(0, 0), (0, 1)], [])

    def test_a_position_of_a_chain_that_is_gone_is_refused(self):
        lake = lake_of(5, partitions=1)
        gone = replace(OWNER, partition=7)
        config = ReadCommitsConfig(lake_root="s3://b/l", position={gone: Mark(3, "ab")})
        with pytest.raises(LakeMismatchError):
            list(batches(lake.store, config))

    def test_only_the_topics_that_are_asked_for_are_read(self):
        lake = lake_of(5, partitions=1)
        config = ReadCommitsConfig(lake_root="s3://b/l", topics=frozenset({"another"}))
        assert list(batches(lake.store, config)) == []
        (batch,) = batches(lake.store, replace(config, topics=frozenset({TOPIC})))
        assert named(batch.tails) == [(0, 0), (0, 1)]
