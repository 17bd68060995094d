"""``ReadCommits`` as a drain, and what it is told."""

from collections import defaultdict
from dataclasses import replace
from datetime import UTC, datetime

import apache_beam as beam
import pytest
from apache_beam.testing.test_pipeline import TestPipeline
from apache_beam.testing.util import assert_that, equal_to
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fakes.lake import DATASET, DAY_MS, TOPIC, FakeLake, segment, writer
from tests.transforms.lake.test_new_commits import OWNER, lake_of, named
from transforms.errors import ConfigurationError, LakeMismatchError
from transforms.lake import (
    BatchLimits,
    FollowSettings,
    Mark,
    ReadCommits,
    ReadCommitsConfig,
    chain_ends,
    read_commits,
)
from transforms.lake.read_commits import batches
from transforms.windows import Aggregate, AggregateWindows

ROOT = "s3://b/l"
ORDERS = Aggregate.model_validate(
    {
        "name": "orders",
        "dataset": DATASET,
        "time": "event_time",
        "window": "1h",
        "measures": {"orders": {"count": ""}},
    }
)


class TestReadCommits:
    def test_each_batch_is_an_element(self, monkeypatch):
        lake = lake_of(5, 5, 5, partitions=1)
        monkeypatch.setattr(read_commits, "ObjectStore", lambda root, settings: lake.store)
        config = ReadCommitsConfig(lake_root=ROOT, limits=BatchLimits(commits=3))
        with TestPipeline() as pipeline:
            sizes = (
                pipeline
                | ReadCommits(config)
                | beam.Map(lambda batch: [tail.commit.seq for tail in batch.tails])
            )
            assert_that(sizes, equal_to([[0, 1, 2], [3]]))

    def test_what_is_committed_meanwhile_is_left_for_the_next_run(self):
        lake = lake_of(5, partitions=1)
        found = batches(lake.store, ReadCommitsConfig(lake_root=ROOT))
        first = next(found)
        lake.write(segment(5, 9))
        assert (named(first.tails), list(found)) == ([(0, 0), (0, 1)], [])

    def test_a_position_of_a_chain_that_is_gone_is_refused(self):
        lake = lake_of(5, partitions=1)
        gone = replace(OWNER, partition=7)
        config = ReadCommitsConfig(lake_root=ROOT, position={gone: Mark(3, "ab")})
        with pytest.raises(LakeMismatchError):
            list(batches(lake.store, config))

    def test_only_the_topics_that_are_asked_for_are_read(self):
        lake = lake_of(5, partitions=1)
        config = ReadCommitsConfig(lake_root=ROOT, topics=frozenset({"another"}))
        assert list(batches(lake.store, config)) == []
        (batch,) = batches(lake.store, replace(config, topics=frozenset({TOPIC})))
        assert named(batch.tails) == [(0, 0), (0, 1)]

    @settings(deadline=None)
    @given(st.lists(st.integers(1, 9), max_size=8), st.integers(1, 30), st.integers(1, 3))
    def test_batches_of_any_size_are_the_chains_cut_anywhere(self, sizes, rows, partitions):
        lake = lake_of(*sizes, partitions=partitions)
        config = ReadCommitsConfig(lake_root=ROOT, limits=BatchLimits(rows=rows))
        by_partition = defaultdict(list)
        for batch in batches(lake.store, config):
            for partition, seq in named(batch.tails):
                by_partition[partition].append(seq)
        ends = chain_ends(lake.store, lake.manifest)
        assert by_partition == {o.partition: list(range(end + 1)) for o, end in ends.items()}

    def test_those_from_a_time_on_are_read_where_no_position_is_given(self):
        lake = lake_of(5, 5, 5, partitions=1)
        # Offsets count in milliseconds from midnight.
        since = datetime.fromtimestamp((DAY_MS + 7) / 1000, UTC)
        config = ReadCommitsConfig(lake_root=ROOT, since=since)
        (batch,) = batches(lake.store, config)
        assert named(batch.tails) == [(0, 2), (0, 3)]
        taken = batch.position_after({})
        assert list(batches(lake.store, replace(config, position=taken))) == []


class TestTables:
    def batch(self, *aggregates, tables):
        lake = FakeLake({0: 0})
        for start, derived in zip((0, 10, 20), aggregates, strict=True):
            made = (AggregateWindows(derived),) if derived else ()
            writer(*made).write(lake.lane(), segment(start, start + 10))
        config = ReadCommitsConfig(lake_root=ROOT, tables=frozenset(tables))
        (batch,) = batches(lake.store, config)
        return batch

    def test_the_small_tables_that_are_asked_for_come_with_the_commits(self):
        batch = self.batch(ORDERS, None, ORDERS, tables=["partials.orders"])
        assert len(batch.tails) == 4
        held = [table.column("orders").to_pylist() for table in batch.tables["partials.orders"]]
        assert [sum(each) for each in held] == [10, 10]

    def test_no_sidecar_is_read_for_none(self):
        assert self.batch(ORDERS, ORDERS, ORDERS, tables=[]).tables == {}

    def test_a_name_that_no_commit_holds_has_no_tables(self):
        assert self.batch(ORDERS, None, None, tables=["another"]).tables == {"another": ()}


class TestSettings:
    def test_a_mode_that_there_is_not_is_refused(self):
        with pytest.raises(ConfigurationError, match="drain or stream"):
            ReadCommitsConfig(lake_root=ROOT, mode="batch")

    def test_a_time_without_a_zone_is_refused(self):
        with pytest.raises(ConfigurationError, match="no zone"):
            ReadCommitsConfig(lake_root=ROOT, since=datetime(2026, 1, 1))

    @pytest.mark.parametrize("name", vars(FollowSettings()))
    def test_times_of_nothing_are_refused(self, name):
        with pytest.raises(ConfigurationError, match=f"{name} must be positive, got 0"):
            FollowSettings(**{name: 0})
