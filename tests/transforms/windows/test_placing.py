from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.transforms.windows.rows import NOON, Row, declare, table
from transforms.windows.placing import day_start, place

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def windows(rows, **changes):
    """Start and end of each row's window."""
    placement = place(declare(**changes), table(rows))
    starts, ends = placement.bounds(placement.numbers)
    return list(zip(starts.to_pylist(), ends.to_pylist(), strict=True))


def faults(rows):
    placement = place(declare(window="day", zone="store_time_zone"), table(rows))
    return placement.faults.to_pylist()


def utc(*parts):
    return datetime(*parts, tzinfo=UTC)


def hours(zone, day):
    return (day_start(zone, day + timedelta(days=1)) - day_start(zone, day)) / 3_600_000_000


class TestFixedWindows:
    def test_they_are_aligned_to_midnight_utc(self):
        time = utc(2026, 3, 2, 13, 4, 59, 999_999)
        assert windows([Row(time)], window="5m") == [
            (utc(2026, 3, 2, 13), utc(2026, 3, 2, 13, 5)),
        ]
        assert windows([Row(time)], window="8h") == [(utc(2026, 3, 2, 8), utc(2026, 3, 2, 16))]

    def test_a_bound_belongs_to_the_window_that_it_starts(self):
        assert windows([Row(utc(2026, 3, 2, 13, 5))])[0][0] == utc(2026, 3, 2, 13, 5)

    def test_times_before_1970_are_rounded_down(self):
        assert windows([Row(utc(1969, 12, 31, 23, 59))])[0][0] == utc(1969, 12, 31, 23, 55)

    def test_no_time_is_no_window(self):
        assert windows([Row(None), Row(NOON)])[0] == (None, None)

    @pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
    def test_any_unit_of_time_is_the_same(self, unit):
        rows = table([Row(NOON + timedelta(minutes=7))])
        times = rows.column("event_time").cast(pa.timestamp(unit, "UTC"))
        placement = place(declare(), rows.set_column(2, "event_time", times))
        start = placement.bounds(placement.numbers)[0]
        assert start.to_pylist() == [NOON + timedelta(minutes=5)]

    @pytest.mark.parametrize("tick", [-(2**63), -(2**62), 2**62, 2**63 - 1])
    @pytest.mark.parametrize("unit", ["s", "us"])
    def test_a_time_that_no_calendar_has_is_none(self, tick, unit):
        times = pa.chunked_array([pa.array([tick], pa.timestamp(unit, "UTC"))])
        rows = table([Row()]).set_column(2, "event_time", times)
        for window in ("5m", "day"):
            assert place(declare(window=window), rows).numbers.to_pylist() == [None]


class TestLocalDays:
    @pytest.mark.parametrize(
        ("zone", "day", "length"),
        [
            ("America/New_York", date(2026, 3, 7), 24),
            ("America/New_York", date(2026, 3, 8), 23),
            ("America/New_York", date(2026, 11, 1), 25),
            ("Europe/Berlin", date(2026, 3, 29), 23),
            ("Europe/Berlin", date(2026, 10, 25), 25),
            ("Australia/Lord_Howe", date(2026, 4, 5), 24.5),
            ("UTC", date(2026, 3, 8), 24),
        ],
    )
    def test_a_day_is_as_long_as_its_clocks_make_it(self, zone, day, length):
        assert hours(zone, day) == length

    def test_the_hour_that_comes_twice_is_in_one_day(self):
        rows = [Row(utc(2026, 11, 1, hour, 30), zone="America/New_York") for hour in (5, 6)]
        day = (utc(2026, 11, 1, 4), utc(2026, 11, 2, 5))
        assert windows(rows, window="day", zone="store_time_zone") == [day, day]

    def test_each_row_is_in_its_own_zones_day(self):
        time = utc(2026, 3, 29, 3)
        rows = [Row(time, zone=zone) for zone in ("America/New_York", "Europe/Berlin", "UTC")]
        assert windows(rows, window="day", zone="store_time_zone") == [
            (utc(2026, 3, 28, 4), utc(2026, 3, 29, 4)),
            (utc(2026, 3, 28, 23), utc(2026, 3, 29, 22)),
            (utc(2026, 3, 29), utc(2026, 3, 30)),
        ]

    def test_days_of_one_start_and_two_ends_are_two_windows(self):
        # Both are five hours behind on the morning of March 8; only New York changes its clocks.
        rows = [Row(utc(2026, 3, 8, 6), zone=zone) for zone in ("America/New_York", "America/Lima")]
        ends = [end for _, end in windows(rows, window="day", zone="store_time_zone")]
        assert ends == [utc(2026, 3, 9, 4), utc(2026, 3, 9, 5)]

    def test_a_fixed_zone_needs_no_column(self):
        assert windows([Row(utc(2026, 7, 1, 23))], window="day", zone="Europe/Berlin") == [
            (utc(2026, 7, 1, 22), utc(2026, 7, 2, 22))
        ]

    @pytest.mark.parametrize(
        "zone", [None, "", "Mars/Olympus", "../../etc/passwd", "localtime", "America", "x" * 999]
    )
    def test_a_zone_that_nobody_knows_is_utc_and_counted(self, zone):
        rows = [Row(zone=zone), Row()]
        assert windows(rows, window="day", zone="store_time_zone")[0] == (
            utc(2026, 3, 2),
            utc(2026, 3, 3),
        )
        assert faults(rows) == [True, False]

    def test_utc_by_name_is_no_fault(self):
        assert faults([Row(zone="UTC")]) == [False]

    def test_a_column_of_dictionaries_is_the_same(self):
        rows = table([Row(zone="Europe/Berlin"), Row(zone=None)])
        encoded = rows.set_column(
            5, "store_time_zone", rows.column("store_time_zone").dictionary_encode()
        )
        aggregate = declare(window="day", zone="store_time_zone")
        assert place(aggregate, encoded).numbers.equals(place(aggregate, rows).numbers)

    def test_no_rows_have_no_windows(self):
        assert windows([], window="day", zone="store_time_zone") == []

    @settings(max_examples=60, deadline=None)
    @given(
        st.sampled_from(["America/New_York", "Europe/Berlin", "Asia/Kathmandu", "Pacific/Apia"]),
        st.datetimes(datetime(1990, 1, 1), datetime(2037, 12, 31)),
    )
    def test_a_time_is_within_its_day_and_has_its_date(self, zone, naive):
        time = naive.replace(tzinfo=UTC)
        start, end = windows([Row(time, zone=zone)], window="day", zone="store_time_zone")[0]
        assert start <= time < end
        assert start.astimezone(ZoneInfo(zone)).date() == time.astimezone(ZoneInfo(zone)).date()


class TestMissingMidnights:
    """Where clocks change at midnight."""

    def test_a_day_without_midnight_begins_at_one(self):
        start = EPOCH + timedelta(microseconds=day_start("America/Sao_Paulo", date(2018, 11, 4)))
        assert start.astimezone(ZoneInfo("America/Sao_Paulo")).hour == 1
        assert hours("America/Sao_Paulo", date(2018, 11, 4)) == 23

    def test_a_day_with_two_midnights_begins_at_the_first(self):
        assert hours("America/Havana", date(2026, 11, 1)) == 25
        start = EPOCH + timedelta(microseconds=day_start("America/Havana", date(2026, 11, 1)))
        assert start == utc(2026, 11, 1, 4)

    def test_a_gap_around_midnight_is_found_to_the_second(self):
        # Clocks went from 23:30 to 00:30.
        start = EPOCH + timedelta(microseconds=day_start("America/Toronto", date(1919, 3, 31)))
        there = ZoneInfo("America/Toronto")
        assert (start - timedelta(seconds=1)).astimezone(there).date() == date(1919, 3, 30)
        assert start.astimezone(there).replace(tzinfo=None) == datetime(1919, 3, 31, 0, 30)

    def test_a_day_that_was_skipped_has_no_rows_and_does_no_harm(self):
        assert hours("Pacific/Apia", date(2011, 12, 30)) == 0
        rows = [Row(utc(2011, 12, 30, hour), zone="Pacific/Apia") for hour in (9, 10)]
        assert windows(rows, window="day", zone="store_time_zone") == [
            (utc(2011, 12, 29, 10), utc(2011, 12, 30, 10)),
            (utc(2011, 12, 30, 10), utc(2011, 12, 31, 10)),
        ]


def test_numbers_ascend_with_the_windows_start():
    rows = [Row(NOON + timedelta(days=n), zone=z) for n in (3, 0) for z in ("UTC", "Asia/Tokyo")]
    placement = place(declare(window="day", zone="store_time_zone"), table(rows))
    starts = np.asarray(placement.bounds(placement.numbers)[0].cast(pa.int64()))
    assert (np.argsort(starts) == np.argsort(np.asarray(placement.numbers))).all()
