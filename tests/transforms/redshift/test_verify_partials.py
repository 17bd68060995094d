"""The proof of partials: what is missing, too much, or adds up to something else is found."""

from dataclasses import replace
from decimal import Decimal

import pytest

from tests.fakes.lake import TOPIC, TOPIC_ID, FakeLake
from tests.partials import ORDERS, changed, noted, partials_table, write
from transforms.lake import PartitionId
from transforms.redshift.fences import Fence
from transforms.redshift.verify_partials import sums_in_lake, wrong_commits

OWNER = PartitionId(TOPIC, TOPIC_ID, 0)
TABLE = partials_table()
FIRST, SECOND = (OWNER, 1), (OWNER, 2)


def summed(rejected=(), *, fence: int = 2):
    lake = FakeLake()
    write(lake, noted(0, 10), noted(10, 15))
    fences = {TABLE.table: {OWNER: Fence(15, fence, "")}}
    refused = {TABLE.table: {FIRST: rejected} if rejected else {}}
    found = sums_in_lake(lake.store, lake.manifest.lake_id, [TABLE], fences, refused)
    return found[TABLE.table]


def breaches(lake, there, rejected=None):
    return [breach.what for breach in wrong_commits(TABLE, lake, there, rejected or {})]


class TestLake:
    def test_each_commit_is_told_in_a_few_numbers(self):
        found = summed()
        assert [each.rows for each in found.values()] == [5, 4]
        assert {each.definitions for each in found.values()} == {(ORDERS.digest,) * 2}
        # rows, faults, orders, revenue, nothing
        assert found[SECOND].sums == (5, 0, 5, Decimal("0.10"), None)

    def test_commits_above_the_fence_do_not_count(self):
        assert set(summed(fence=1)) == {FIRST}

    def test_what_was_rejected_is_accepted_but_adds_nothing(self):
        whole, without = summed()[FIRST], summed([0, 1])[FIRST]
        assert without.rows == whole.rows
        assert without.sums[0] < whole.sums[0]

    def test_a_measure_that_older_partials_lack_adds_nothing(self):
        lake = FakeLake()
        write(lake, noted(0, 10))
        wider = changed(measures={"more": {"sum": "price"}, **ORDERS.measures})
        table = partials_table(wider)
        fences = {table.table: {OWNER: Fence(10, 1, "")}}
        found = sums_in_lake(lake.store, lake.manifest.lake_id, [table], fences, {table.table: {}})
        assert found[table.table][FIRST].sums[2:4] == (None, 10)


class TestDifferences:
    def test_the_same_is_no_breach(self):
        assert breaches(summed(), summed()) == []

    def test_what_was_rejected_makes_up_for_what_is_not_loaded(self):
        lake = summed([0, 1])
        there = {**lake, FIRST: replace(lake[FIRST], rows=3)}
        assert breaches(lake, there, {FIRST: [0, 1]}) == []
        assert breaches(lake, lake, {FIRST: [0, 1]}) == [
            "agg_orders: commit 1: 5 partials accepted, 5 loaded, 2 rejected"
        ]

    @pytest.mark.parametrize(
        ("change", "what"),
        [
            ({"rows": 3}, "4 partials accepted, 3 loaded, 0 rejected"),
            ({"rows": 8}, "4 partials accepted, 8 loaded, 0 rejected"),
            ({"definitions": (ORDERS.digest, "x")}, "the definition is another one"),
            ({"sums": (5, 0, 6, Decimal("0.10"), None)}, "the sum of orders is another one"),
            ({"sums": (5, 0, 5, Decimal("0.10"), 0)}, "the sum of nothing is another one"),
        ],
    )
    def test_another_number_is_found(self, change, what):
        lake = summed()
        there = {**lake, SECOND: replace(lake[SECOND], **change)}
        assert breaches(lake, there) == [f"agg_orders: commit 2: {what}"]

    def test_a_commit_that_is_missing_or_too_much_is_found(self):
        lake = summed()
        few = {FIRST: lake[FIRST]}
        assert breaches(lake, few) == [
            "agg_orders: commit 2: 4 partials accepted, 0 loaded, 0 rejected"
        ]
        assert breaches(few, lake) == [
            "agg_orders: commit 2: 0 partials accepted, 4 loaded, 0 rejected"
        ]
