from datetime import datetime

import pytest

from tests.benchmarks.freshness import freshness

NOON = datetime(2026, 11, 28, 12)
#: The same moment, in seconds since 1970.
NOON_S = 1_795_867_200.0


def at(second: int) -> datetime:
    return NOON.replace(second=second)


class TestFreshness:
    def test_it_is_told_from_the_timestamp_to_the_moment_the_load_was_found(self):
        found = freshness([(1, at(0), 1), (1, at(10), 1)], {1: NOON_S + 30})
        assert (found.rows, found.p50, found.worst) == (2, 30.0, 30.0)

    def test_each_row_counts_once_however_they_are_grouped(self):
        rows = [(1, at(0), 1), (1, at(20), 197), (2, at(30), 2)]
        seen = {1: NOON_S + 25, 2: NOON_S + 70}
        found = freshness(rows, seen)
        # 197 rows took 5 s, one 25 s, two 40 s: of 200 rows the third last is below p99.
        assert (found.rows, found.p50, found.p99, found.worst) == (200, 5.0, 40.0, 40.0)

    def test_the_tail_of_one_in_a_hundred_is_left_out_of_p99(self):
        rows = [(1, at(20), 999), (2, at(20), 1)]
        found = freshness(rows, {1: NOON_S + 25, 2: NOON_S + 620})
        assert (found.p99, found.worst) == (5.0, 600.0)

    def test_what_no_reader_found_is_not_fresh(self):
        with pytest.raises(RuntimeError, match="2 brought rows"):
            freshness([(1, at(0), 1), (2, at(0), 1)], {1: NOON_S + 1})

    def test_clocks_that_disagree_are_noticed(self):
        with pytest.raises(RuntimeError, match=r"5\.000 s before"):
            freshness([(1, at(10), 1)], {1: NOON_S + 5})

    def test_no_rows_have_no_freshness(self):
        with pytest.raises(RuntimeError, match="no rows"):
            freshness([], {1: NOON_S})
