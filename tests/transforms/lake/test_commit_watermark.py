"""The watermark of a chain: bounded disorder, believed within reason, never back."""

from dataclasses import replace

import pytest
from apache_beam.utils.timestamp import MIN_TIMESTAMP, Timestamp

from tests.fakes.lake import BLANK
from transforms.lake import CommitBatch, FollowSettings, Tail
from transforms.lake.commit_watermark import after, after_quiet, stamp

FOLLOW = FollowSettings(disorder_s=60.0, idle_after_s=100.0)
NOW = 10_000.0


def batch(*times):
    """Commits whose youngest events are of these seconds; each began ten before it."""
    return CommitBatch(
        tuple(
            Tail(
                replace(
                    BLANK,
                    event_time=None if t is None else (int((t - 10) * 1e6), int(t * 1e6)),
                    broker_time=(int(t * 1e3) - 5, int(t * 1e3) + 5) if t is not None else None,
                ),
                "",
            )
            for t in times
        )
    )


class TestAfter:
    def test_it_is_the_youngest_event_less_the_disorder(self):
        assert after(batch(900, 950, 920), None, 60.0, NOW) == Timestamp(890)

    def test_it_never_moves_back(self):
        assert after(batch(900), Timestamp(880), 60.0, NOW) == Timestamp(880)

    def test_commits_without_rows_do_not_move_it(self):
        assert after(batch(None), Timestamp(880), 60.0, NOW) == Timestamp(880)
        assert after(batch(None), None, 60.0, NOW) is None

    def test_an_event_is_not_believed_beyond_the_time_at_which_the_broker_had_it(self):
        (tail,) = batch(900).tails
        ahead = replace(tail.commit, event_time=(0, int(5_000 * 1e6)))
        assert after(CommitBatch((Tail(ahead, ""),)), None, 60.0, NOW) == Timestamp(840.005)

    def test_nothing_is_believed_beyond_the_clock(self):
        assert after(batch(NOW * 2), None, 60.0, NOW) == Timestamp(NOW - 60)


class TestStamp:
    def test_it_is_the_earliest_event(self):
        assert stamp(batch(900, 950), None) == Timestamp(890)

    def test_but_not_below_the_watermark(self):
        assert stamp(batch(900), Timestamp(895)) == Timestamp(895)

    @pytest.mark.parametrize("watermark", [None, Timestamp(5)])
    def test_without_events_it_is_the_watermark(self, watermark):
        assert stamp(batch(None), watermark) == (watermark or MIN_TIMESTAMP)


class TestAfterQuiet:
    def test_it_moves_on_by_as_long_as_nothing_came(self):
        assert after_quiet(Timestamp(500), 7.0, FOLLOW, NOW) == Timestamp(507)

    def test_a_chain_that_never_had_a_message_goes_by_the_clock(self):
        assert after_quiet(None, 7.0, FOLLOW, NOW) == Timestamp(NOW - 160)

    def test_it_comes_no_nearer_to_the_clock_than_a_chain_that_gets_on(self):
        assert after_quiet(Timestamp(NOW - 162), 7.0, FOLLOW, NOW) == Timestamp(NOW - 160)

    def test_it_never_moves_back(self):
        assert after_quiet(Timestamp(NOW - 100), 7.0, FOLLOW, NOW) == Timestamp(NOW - 100)
