"""The plan is a function of the seed, and has what it promises."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from tests.chaos.plan import KILLS, LOST, OTHERS, TWO, plan
from transforms.crash_points import POINTS

SEEDS = st.integers(0, 1 << 40)
RUNNERS = st.sampled_from(sorted(KILLS))
COUNTS = st.integers(1, 80)


@given(SEEDS, RUNNERS, COUNTS)
def test_the_same_seed_gives_the_same_faults(seed, runner, kills):
    assert plan(seed, runner, kills) == plan(seed, runner, kills)


@given(SEEDS, RUNNERS, COUNTS)
def test_it_kills_as_often_as_told_and_no_kind_comes_again_before_each_has_come(
    seed, runner, kills
):
    counts = Counter(fault.kind for fault in plan(seed, runner, kills))
    killed = [counts[kind] for kind in KILLS[runner]]
    others = [counts[kind] for kind in OTHERS[runner]]
    assert sum(killed) == kills
    assert max(killed) - min(killed) <= 1
    assert max(others) - min(others) <= 1


@given(SEEDS, RUNNERS)
def test_faults_are_numbered_and_name_their_victims_and_points(seed, runner):
    faults = plan(seed, runner, 20)
    assert [fault.number for fault in faults] == list(range(1, len(faults) + 1))
    for fault in faults:
        assert len(set(fault.victims)) == (2 if fault.kind == TWO else 0)
        assert not fault.point or fault.point.partition(":")[0] in POINTS


@given(SEEDS, RUNNERS, COUNTS)
def test_of_several_brokers_one_is_lost_in_the_middle(seed, runner, kills):
    kinds = [fault.kind for fault in plan(seed, runner, kills, brokers=3)]
    where = kinds.index(LOST)
    assert abs(where - (len(kinds) - 1 - where)) <= 1
    assert kinds.count(LOST) == 1
    assert LOST not in [fault.kind for fault in plan(seed, runner, kills)]


def test_another_seed_gives_other_faults():
    assert len({plan(seed, "direct", 10) for seed in range(20)}) == 20
