"""A bug must not stop the pharmacy."""

from dataclasses import replace

import pytest

from tests.transforms.segments import DATASET, raw_segment, rows, segment, with_verdicts
from transforms.errors import (
    ConfigurationError,
    ContentionError,
    OutcomeUnknownError,
    SegmentError,
    StoreUnavailableError,
)
from transforms.guard import ATTEMPTS, QUARANTINE_MESSAGES, QUARANTINED, guarded, halves, quarantine
from transforms.segment import DEAD_LETTER

SECRET = "patient John Doe"


class Function:
    """Gives rows to all messages, but has a bug for some offsets."""

    def __init__(self, bad=(), error=ValueError, times=10**9):
        self.bad, self.error, self.times = set(bad), error, times
        self.ranges = []

    def __call__(self, segment):
        self.ranges.append((segment.start, segment.end))
        if self.times and self.bad & set(segment.offsets.tolist()):
            self.times -= 1
            raise self.error(SECRET)
        return replace(segment, rows={DATASET: rows(segment.offsets.tolist())})


def quarantined(made):
    assert set(made.disposed.column("reason").to_pylist()) <= {QUARANTINED}
    assert set(made.disposed.column("disposition").to_pylist()) <= {DEAD_LETTER}
    return made.disposed.column("offset").to_pylist()


def test_the_numbers_are_those_of_the_design():
    assert (ATTEMPTS, QUARANTINE_MESSAGES) == (3, 1_000)


def test_a_quarantined_segment_passes_as_it_is():
    gone = quarantine(raw_segment(0, 10))
    assert guarded(lambda segment: pytest.fail("touched"), gone) is gone


def test_an_empty_segment_is_not_taken_for_a_quarantined_one():
    versions = {"schema": "1"}
    made = guarded(lambda segment: replace(segment, versions=versions), raw_segment(5, 9, []))
    assert made.versions == versions


def test_a_function_that_works_is_called_once():
    function = Function()
    made = guarded(function, raw_segment(0, 5))
    assert made.rows[DATASET] == rows(range(5))
    assert function.ranges == [(0, 5)]


def test_a_fault_that_passes_costs_nothing():
    function = Function(bad=[3], times=ATTEMPTS - 1)
    made = guarded(function, raw_segment(0, 5))
    assert quarantined(made) == []
    assert function.ranges == [(0, 5)] * ATTEMPTS


def test_a_small_segment_that_fails_three_times_is_quarantined_whole():
    function = Function(bad=[3])
    made = guarded(function, raw_segment(0, QUARANTINE_MESSAGES))
    assert quarantined(made) == list(range(QUARANTINE_MESSAGES))
    assert len(function.ranges) == ATTEMPTS
    made.check()


def test_a_large_one_is_bisected_and_the_rest_goes_on():
    function = Function(bad=[4_321])
    made = guarded(function, raw_segment(0, 10_000))
    made.check()
    lost = quarantined(made)
    assert 4_321 in lost
    assert len(lost) <= QUARANTINE_MESSAGES
    assert (made.start, made.end) == (0, 10_000)
    assert made.messages == raw_segment(0, 10_000).messages
    assert made.rows[DATASET].num_rows == 10_000 - len(lost)


def test_two_faults_are_cornered_apart():
    made = guarded(Function(bad=[10, 9_990]), raw_segment(0, 10_000))
    lost = quarantined(made)
    assert {10, 9_990} <= set(lost)
    assert len(lost) <= 2 * QUARANTINE_MESSAGES


def test_holes_do_not_hinder_bisecting():
    offsets = [*range(10), *range(9_000, 11_000)]
    made = guarded(Function(bad=[9_500]), raw_segment(0, 20_000, offsets))
    made.check()
    assert 9_500 in quarantined(made)
    assert len(quarantined(made)) <= QUARANTINE_MESSAGES


def test_an_empty_segment_that_fails_is_passed_on():
    def fails(_segment):
        raise ValueError(SECRET)

    assert guarded(fails, raw_segment(0, 5, [])).disposed.num_rows == 0


@pytest.mark.parametrize(
    "error", [ConfigurationError, StoreUnavailableError, OutcomeUnknownError, ContentionError]
)
def test_outages_and_refusals_are_passed_on_at_once_with_the_segment(error):
    function = Function(bad=[3], error=error)
    made = guarded(function, raw_segment(0, 5_000))
    assert type(made.failure) is error
    assert made.messages.num_rows == 5_000
    assert function.ranges == [(0, 5_000)]


def test_an_outage_in_a_half_stops_the_whole():
    class Both(Function):
        def __call__(self, segment):
            if segment.start > 0:
                raise StoreUnavailableError("away")
            return super().__call__(segment)

    made = guarded(Both(bad=[1]), raw_segment(0, 5_000))
    assert isinstance(made.failure, StoreUnavailableError)
    assert (made.start, made.end) == (0, 5_000)


def test_a_segment_that_has_failed_is_not_touched_again():
    failed = replace(raw_segment(0, 5), failure=StoreUnavailableError("away"))
    function = Function()
    assert guarded(function, failed) is failed
    assert function.ranges == []


def test_an_invariant_of_ours_that_breaks_is_the_segments_own_reason():
    made = guarded(Function(bad=[3], error=SegmentError), raw_segment(0, 5))
    assert quarantined(made) == list(range(5))


def test_the_log_names_place_and_type_but_no_text_of_the_error(caplog):
    guarded(Function(bad=[3]), raw_segment(0, 5))
    assert caplog.text.count("ALARM") == ATTEMPTS
    assert "shop.events[0] 0-5 with ValueError at test_guard.py:" in caplog.text
    assert SECRET not in caplog.text


def test_quarantine_forgets_what_was_decided_before():
    made = quarantine(with_verdicts(raw_segment(0, 6), dead=[1], gone=[2]))
    assert quarantined(made) == list(range(6))
    made.check()


def test_halves_hold_half_of_the_messages_each():
    left, right = halves(segment(0, 100, [*range(4), 50, 60, 99]))
    assert [part.messages.num_rows for part in (left, right)] == [3, 4]
    assert (left.start, left.end, right.start, right.end) == (0, 3, 3, 100)
