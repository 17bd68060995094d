"""Messages over broker time."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from beam_pipelines.report.facts import Arrival
from beam_pipelines.report.timeline import MOST_BINS, timeline

TIMES = st.integers(-(2**41), 2**43)


@st.composite
def arrivals(draw):
    first, last = sorted((draw(TIMES), draw(TIMES)))
    return Arrival(first, last, draw(st.integers(0, 10**6)))


@settings(max_examples=60, deadline=None)
@given(st.lists(arrivals(), min_size=1, max_size=8))
def test_no_message_is_lost_and_there_are_few_bins(listed):
    line = timeline({"t": listed})
    assert line.counts["t"].sum() == pytest.approx(sum(a.messages for a in listed))
    assert (line.counts["t"] >= 0).all()
    assert 1 <= len(line.counts["t"]) <= MOST_BINS + 2


def test_messages_of_one_instant_are_in_one_bin():
    line = timeline({"a": [Arrival(5_000, 5_000, 7)], "b": [Arrival(7_000, 7_999, 4)]})
    assert line.edges[0] == 5_000
    assert line.counts["a"].tolist() == [7, 0, 0]
    assert line.counts["b"].tolist() == [0, 0, 4]


def test_messages_are_spread_evenly_over_their_time():
    line = timeline({"a": [Arrival(0, 9_999, 100)]})
    assert np.allclose(line.counts["a"], 10)
    assert line.width_s == 1


def test_nothing_has_no_timeline():
    assert timeline({"a": []}) is None
