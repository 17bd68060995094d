"""Fences: where to read on, what moves, and never into another history."""

from dataclasses import replace
from datetime import datetime

import pytest

from tests.fakes.lake import DATASET, TOPIC, TOPIC_ID, FakeLake, segment
from tests.partials import noted, partials_table, write
from transforms.errors import LakeMismatchError, WarehouseError
from transforms.lake import Mark, PartitionId, commits
from transforms.redshift import LoadPlan, RawTable, Statements, batch
from transforms.redshift.fences import (
    NO_FENCE,
    Fence,
    ahead_of,
    moved,
    position_of,
    read_fences,
)

OWNER = PartitionId(TOPIC, TOPIC_ID, 0)
ROWS = segment(0, 1).rows[DATASET].schema
RAW = RawTable(dataset=DATASET, topics=(TOPIC,), schema=ROWS)
PLAN = LoadPlan((RAW,))
TWO = LoadPlan((RAW, RawTable(dataset="other", topics=(TOPIC,), schema=ROWS)))


@pytest.fixture
def tails():
    lake = FakeLake()
    lake.write(segment(0, 5), segment(5, 9))
    return list(commits(lake.store, lake.manifest))


def fence(tail) -> Fence:
    return Fence(tail.commit.end, tail.commit.seq, tail.sha256)


class TestPosition:
    def test_one_table_is_read_on_from_its_fence(self, tails):
        fences = {(OWNER, "raw_order"): fence(tails[1])}
        assert position_of(fences, PLAN) == {OWNER: Mark(1, tails[1].sha256)}

    def test_the_hindmost_table_decides(self, tails):
        fences = {(OWNER, "raw_order"): fence(tails[2]), (OWNER, "raw_other"): fence(tails[1])}
        assert position_of(fences, TWO) == {OWNER: Mark(1, tails[1].sha256)}

    def test_a_table_without_a_fence_begins_at_the_genesis(self, tails):
        assert position_of({(OWNER, "raw_order"): fence(tails[2])}, TWO) == {}


class TestAhead:
    def test_the_foremost_of_tables_that_differ_is_returned(self, tails):
        fences = {(OWNER, "raw_order"): fence(tails[2]), (OWNER, "raw_other"): fence(tails[1])}
        assert ahead_of(fences, TWO) == {OWNER: Mark(2, tails[2].sha256)}

    def test_a_table_without_a_fence_is_the_hindmost(self, tails):
        fences = {(OWNER, "raw_order"): fence(tails[1])}
        assert ahead_of(fences, TWO) == {OWNER: Mark(1, tails[1].sha256)}

    def test_nothing_is_ahead_where_all_are_equally_far(self, tails):
        both = {(OWNER, name): fence(tails[1]) for name in ("raw_order", "raw_other")}
        assert ahead_of(both, TWO) == ahead_of({}, TWO) == {}


class TestMoves:
    def test_fences_move_to_the_last_commit(self, tails):
        assert moved({}, tails, PLAN) == {(OWNER, "raw_order"): fence(tails[2])}

    def test_a_table_that_is_further_stays(self, tails):
        fences = {(OWNER, "raw_order"): fence(tails[2])}
        assert moved(fences, tails, TWO) == {(OWNER, "raw_other"): fence(tails[2])}

    def test_a_fork_is_noticed_by_the_table_that_is_further(self, tails):
        fences = {(OWNER, "raw_order"): replace(fence(tails[1]), sha256="ab")}
        for read in (tails, tails[2:]):
            with pytest.raises(LakeMismatchError, match="loaded into raw_order"):
                moved(fences, read, TWO)


class TestFiles:
    def test_only_what_lies_behind_the_fence_is_loaded(self, tails):
        fences = {(OWNER, "raw_order"): fence(tails[1])}
        (group,) = batch.groups(tails, fences, PLAN)
        assert [file for _, file in group.files] == list(tails[2].commit.files)
        counts = batch.counted(tails, fences, PLAN, 7).tables["raw_order"]
        assert (counts.commits, counts.accepted) == (1, 4)

    def test_files_of_other_datasets_are_let_be(self, tails):
        other = LoadPlan((replace(RAW, dataset="other"),))
        assert batch.groups(tails, {}, other) == []

    def test_broker_times_are_those_of_the_commits(self, tails):
        first, last = tails[1].commit.broker_time, tails[2].commit.broker_time
        assert batch.counted(tails, {}, PLAN, 1).broker_time == (first[0], last[1])

    def test_a_time_that_no_calendar_has_is_left_out(self):
        assert batch.moment(1) == datetime(1970, 1, 1, 0, 0, 0, 1000)
        assert [batch.moment(n) for n in (None, 2**53, -(2**53))] == [None] * 3


class TestSidecars:
    """Partials ride in the sidecar of their commit, and have fences of their own."""

    PLAN = LoadPlan((RAW,), partials=(partials_table(),))

    @pytest.fixture
    def tails(self):
        lake = FakeLake()
        write(lake, noted(0, 5), noted(5, 9))
        return list(commits(lake.store, lake.manifest))

    def test_those_behind_the_fence_are_loaded(self, tails):
        fences = {(OWNER, "raw_order"): fence(tails[2]), (OWNER, "agg_orders"): fence(tails[1])}
        (found,) = batch.sidecars(tails, fences, self.PLAN)
        assert (found.commit, [each.table for each in found.tables]) == (
            tails[2].commit,
            ["agg_orders"],
        )
        counts = batch.counted(tails, fences, self.PLAN, 7)
        assert counts.tables == {}
        partials = counts.partials["agg_orders"]
        assert (partials.commits, partials.accepted) == (1, 4)

    def test_a_table_that_comes_later_begins_at_the_genesis(self, tails):
        fences = {(OWNER, "raw_order"): fence(tails[2])}
        assert position_of(fences, self.PLAN) == {}
        assert moved(fences, tails, self.PLAN) == {(OWNER, "agg_orders"): fence(tails[2])}

    def test_a_commit_without_partials_is_passed_over(self):
        lake = FakeLake()
        lake.write(segment(0, 5), segment(5, 9, dead=[7]))
        tails = list(commits(lake.store, lake.manifest))
        assert list(batch.sidecars(tails, {}, self.PLAN)) == []
        assert batch.counted(tails, {}, self.PLAN, 1).partials["agg_orders"].commits == 3


class TestReading:
    class Rows:
        def __init__(self, *rows):
            self.rows = list(rows)

        def query(self, sql):
            return self.rows

    ROW = ("lake-1", TOPIC, TOPIC_ID, 0, "raw_order", 5, 1, "ab")

    def read(self, *rows):
        return read_fences(self.Rows(*rows), Statements("wh"), "lake-1")

    def test_a_row_is_a_fence(self):
        assert self.read(self.ROW) == {(OWNER, "raw_order"): Fence(5, 1, "ab")}
        assert NO_FENCE.seq == -1

    def test_another_lakes_fence_is_refused(self):
        with pytest.raises(LakeMismatchError, match="was loaded from the lake lake-2"):
            self.read(("lake-2", *self.ROW[1:]))

    def test_a_fence_that_is_there_twice_is_refused(self):
        with pytest.raises(WarehouseError, match="two rows of"):
            self.read(self.ROW, self.ROW)
