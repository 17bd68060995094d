"""Where a reader begins that is to begin at a time."""

from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fakes.lake import DAY_MS, MIDNIGHT, FakeLake, segment
from tests.transforms.lake.test_new_commits import OWNER
from transforms.lake import CommitChain
from transforms.lake.commit_starts import mark_before


def at(millis: int) -> datetime:
    """The time of an offset."""
    return MIDNIGHT + timedelta(milliseconds=millis)


def chain_of(*sizes: int) -> CommitChain:
    """A chain of segments that follow each other; a negative size is one without messages."""
    lake, end = FakeLake(), 0
    for size in sizes:
        span = range(end, end + abs(size))
        lake.write(segment(span.start, span.stop, holes=span if size < 0 else ()))
        end = span.stop
    return CommitChain(lake.store, OWNER, lake.manifest.lake_id)


class TestMarkBefore:
    @pytest.mark.parametrize(
        ("millis", "seq"), [(0, 0), (9, 0), (10, 1), (29, 2), (30, 3), (1_000, 3)]
    )
    def test_the_first_commit_that_reaches_the_time_is_the_next(self, millis, seq):
        chain = chain_of(10, 10, 10)
        mark = mark_before(chain, at(millis))
        assert (mark.seq, mark.sha256) == (seq, chain.read(seq).sha256)

    def test_a_chain_that_holds_nothing_yet_is_read_from_its_genesis_on(self):
        assert mark_before(chain_of(), at(5)).seq == 0

    def test_commits_that_are_made_later_change_nothing(self):
        lake = FakeLake()
        lake.write(segment(0, 10))
        chain = CommitChain(lake.store, OWNER, lake.manifest.lake_id)
        before = mark_before(chain, at(15))
        lake.write(segment(10, 15), segment(15, 20))
        # 15 is reached only by the third: the second is left out whether it is there or not.
        assert before.seq == 1
        assert mark_before(chain, at(15)).seq == 2

    @settings(max_examples=40, deadline=None)
    @given(st.lists(st.integers(-3, 3).filter(bool), max_size=9), st.integers(0, 30))
    def test_no_message_of_that_time_or_later_is_left_out(self, sizes, millis):
        chain = chain_of(*sizes)
        left_out = mark_before(chain, at(millis)).seq
        times = [tail.commit.broker_time for tail in chain.read_from()]
        assert all(t is None or t[1] < DAY_MS + millis for t in times[: left_out + 1])
        later = [t for t in times[left_out + 1 :] if t is not None]
        assert not later or later[0][1] >= DAY_MS + millis
