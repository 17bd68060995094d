"""Numbers and times as people read them."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from beam_pipelines.report import wording


def test_a_share_is_never_rounded_to_all():
    assert wording.percent(999_999, 1_000_000) == "99.99 %"
    assert wording.percent(5, 5) == "100 %"
    assert wording.percent(1, 3) == "33.33 %"
    assert wording.percent(0, 0) == wording.NOTHING


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0.0 s"),
        (59.94, "59.9 s"),
        (60, "1 min"),
        (61.5, "1 min 1 s"),
        (3600, "1 h"),
        (5400, "1 h 30 min"),
        (86_400, "1 d"),
        (90_000_000, "1,041 d 16 h"),
        (-90, "1 min 30 s ahead"),
        (None, wording.NOTHING),
    ],
)
def test_a_span_has_its_two_largest_units(seconds, text):
    assert wording.span(seconds) == text


def test_times_are_utc():
    at = datetime(2026, 1, 31, 1, 30, 9, tzinfo=timezone(timedelta(hours=2)))
    assert wording.moment(at) == "2026-01-30 23:30:09"
    assert wording.moment(at, seconds=False) == "2026-01-30 23:30"
    assert wording.millis(0) == "1970-01-01 00:00:00"
    assert wording.micros(-1) == "1969-12-31 23:59:59"


def test_a_time_beyond_the_calendar_is_told_as_such():
    assert wording.micros(2**63 - 1) == "beyond the calendar"
    assert wording.micros(-(2**63)) == "beyond the calendar"
    assert wording.from_millis(2**62).year == 9999
    assert wording.from_millis(0) == datetime(1970, 1, 1, tzinfo=UTC)


def test_sizes_have_a_unit_that_fits():
    assert wording.size(0) == "0 kB"
    assert wording.size(999_499) == "999 kB"
    assert wording.size(12_345_678) == "12.3 MB"
