"""Sets of offsets as ranges: what is there twice, what is missing, what is too much."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from transforms.redshift.verify import runs, twice, without

OFFSETS = st.sets(st.integers(0, 30))


def ranged(offsets):
    return runs(np.array(sorted(offsets), np.int64))


def listed(ranges):
    return [offset for first, end in ranges for offset in range(first, end)]


def test_consecutive_offsets_are_one_run():
    assert ranged([3, 4, 5, 9]) == [(3, 6), (9, 10)]
    assert ranged([]) == []


def test_an_offset_that_is_there_twice_makes_runs_overlap():
    assert twice(runs(np.array([1, 2, 2, 3]))) == [(2, 3)]
    assert twice([(0, 9), (2, 4), (3, 5)]) == [(2, 4), (3, 5)]
    assert twice([(0, 2), (2, 4)]) == []
    assert twice([]) == []


@given(OFFSETS)
def test_runs_are_the_set(offsets):
    assert listed(ranged(offsets)) == sorted(offsets)
    assert twice(ranged(offsets)) == []


@given(OFFSETS, OFFSETS)
def test_without_is_the_difference_of_sets(one, other):
    assert listed(without(ranged(one), ranged(other))) == sorted(one - other)


@given(st.lists(st.integers(0, 9), max_size=12))
def test_all_that_is_there_twice_is_found(offsets):
    found = set(listed(twice(sorted(runs(np.array(offsets, np.int64))))))
    assert found == {n for n in offsets if offsets.count(n) > 1}
