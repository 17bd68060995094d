"""Committed partials become cells at the last instant of their window."""

from datetime import UTC, datetime, timedelta

import pytest
from apache_beam.transforms.window import IntervalWindow, WindowFn
from apache_beam.utils.timestamp import Timestamp

from tests.fakes.lake import BLANK
from tests.transforms.windows.batches import batch
from tests.transforms.windows.rows import NOON, Row, declare
from transforms.lake import CommitBatch, Tail
from transforms.windows import PaneSettings
from transforms.windows.taking import TakeCellsFn, beam_windows

LOCAL = declare(window="day", zone="store_time_zone")
FILLS = declare()


def taken(aggregate, *commits, **settings):
    fn = TakeCellsFn(aggregate, PaneSettings(**settings))
    return list(fn.process(batch(aggregate, *commits)))


def window_of(aggregate, element):
    context = WindowFn.AssignContext(element.timestamp, element.value)
    (window,) = beam_windows(aggregate).assign(context)
    return window


def interval(start, end):
    return IntervalWindow(Timestamp(start.timestamp()), Timestamp(end.timestamp()))


class TestFixedWindows:
    def test_a_cell_falls_into_the_window_of_its_rows(self):
        (element,) = taken(FILLS, [Row(), Row(time=NOON + timedelta(seconds=299))])
        assert window_of(FILLS, element) == interval(NOON, NOON + timedelta(minutes=5))
        assert (
            element.timestamp
            == Timestamp(NOON.timestamp() + 300) - Timestamp.of(0.001).micros / 1e6
        )

    @pytest.mark.parametrize("text", ["1m", "5m", "20m", "1h", "6h", "24h"])
    def test_whatever_its_width_and_even_before_1970(self, text):
        aggregate = declare(window=text)
        width = timedelta(microseconds=aggregate.width_us)
        start = datetime(1969, 12, 31, tzinfo=UTC)
        (element,) = taken(aggregate, [Row(time=start + width - timedelta(microseconds=1))])
        assert window_of(aggregate, element) == interval(start, start + width)

    def test_the_key_tells_lake_definition_and_dimensions(self):
        first, second = taken(FILLS, [Row(), Row(store=None)])
        assert {e.value[0][4] for e in (first, second)} == {'["0100001"]', "[null]"}
        assert first.value[0][:4] == second.value[0][:4]
        assert first.value[0][0] == "lake-1"

    def test_where_small_cells_are_hidden_those_of_a_window_are_together(self):
        (element,) = taken(FILLS, [Row(), Row(store=None)], suppress_below=11)
        key, cells = element.value
        assert key[4] == ""
        assert set(cells.held) == {("0100001",), (None,)}


class TestLocalDays:
    def day(self, time, zone):
        (element,) = taken(LOCAL, [Row(time=time, zone=zone)])
        _, _, start, end, _ = element.value[0]
        epoch = datetime(1970, 1, 1, tzinfo=UTC)
        bounds = [epoch + timedelta(microseconds=each) for each in (start, end)]
        return element, *bounds

    @pytest.mark.parametrize(
        ("zone", "start", "hours"),
        [
            ("America/New_York", datetime(2026, 3, 8, 5, tzinfo=UTC), 23),
            ("America/New_York", datetime(2026, 11, 1, 4, tzinfo=UTC), 25),
            ("Asia/Kathmandu", datetime(2026, 3, 7, 18, 15, tzinfo=UTC), 24),
            ("Australia/Eucla", datetime(2026, 3, 7, 15, 15, tzinfo=UTC), 24),
            ("Nowhere", datetime(2026, 3, 8, tzinfo=UTC), 24),
        ],
    )
    def test_the_windows_end_is_the_days(self, zone, start, hours):
        end = start + timedelta(hours=hours)
        for time in (start, end - timedelta(microseconds=1)):
            element, first, last = self.day(time, zone)
            assert (first, last) == (start, end)
            assert window_of(LOCAL, element).end == Timestamp(end.timestamp())

    def test_a_zone_that_was_off_by_minutes_closes_within_the_quarter(self):
        # Until 1972 Liberia was 44 minutes and 30 seconds behind UTC.
        element, _, end = self.day(datetime(1971, 5, 5, 12, tzinfo=UTC), "Africa/Monrovia")
        late = window_of(LOCAL, element).end - Timestamp(end.timestamp())
        assert 0 < float(late.micros) / 1e6 < 900

    def test_days_that_end_together_but_begin_apart_are_two(self):
        # On the day on which Chicago's clocks are put forward, into the hour of the other zone.
        noon = datetime(2026, 3, 8, 17, tzinfo=UTC)
        first, second = (self.day(noon, zone) for zone in ("America/Chicago", "Etc/GMT+5"))
        assert first[2] == second[2]
        assert window_of(LOCAL, first[0]) == window_of(LOCAL, second[0])
        assert first[0].value[0] != second[0].value[0]


class TestWhatIsLeftOut:
    def test_rows_without_a_time_have_no_window(self):
        assert taken(FILLS, [Row(time=None)]) == []
        assert len(taken(FILLS, [Row(time=None), Row()])) == 1

    def test_windows_that_start_before_the_beginning(self):
        rows = [Row(), Row(time=NOON + timedelta(minutes=5))]
        (element,) = taken(FILLS, rows, since=NOON + timedelta(minutes=1))
        assert window_of(FILLS, element).start == Timestamp(NOON.timestamp() + 300)
        assert len(taken(FILLS, rows, since=NOON)) == 2

    def test_partials_of_another_declaration(self):
        other = batch(declare(where="days_supply > 3"), [Row()])
        assert list(TakeCellsFn(FILLS, PaneSettings()).process(other)) == []

    def test_commits_without_rows(self):
        empty = CommitBatch((Tail(BLANK, ""),), {FILLS.table_name: ()})
        assert list(TakeCellsFn(FILLS, PaneSettings()).process(empty)) == []
        assert taken(FILLS, []) == []


class TestBatches:
    def test_commits_of_one_batch_are_merged_first(self):
        (element,) = taken(FILLS, [Row()], [Row(), Row()], [])
        assert list(element.value[1].held.values()) == [(3, 0, 3)]

    def test_partials_of_another_type_are_another_series(self):
        one, other = batch(FILLS, [Row()]), batch(FILLS, [Row()])
        (table,) = other.tables[FILLS.table_name]
        at = table.schema.get_field_index("pharmacy_ncpdp_id")
        large = table.column(at).cast("large_string")
        changed = table.set_column(at, "pharmacy_ncpdp_id", large)
        both = CommitBatch(
            (Tail(BLANK, ""),) * 2,
            {FILLS.table_name: (*one.tables[FILLS.table_name], changed)},
        )
        keys = {e.value[0] for e in TakeCellsFn(FILLS, PaneSettings()).process(both)}
        assert len({key[1] for key in keys}) == 2
