"""Panes of Beam's own making: early, on time, late, and what is too late."""

from datetime import UTC, datetime, timedelta

import apache_beam as beam
import pytest
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.testing.test_stream import TestStream
from apache_beam.testing.util import assert_that, equal_to

from tests.transforms.windows.batches import batch, shown, totals
from tests.transforms.windows.rows import EVERY_KIND, NOON, Row, declare
from transforms.errors import ConfigurationError
from transforms.lake import CommitBatch
from transforms.windows import Aggregate, FirePanes, Pane, PaneSettings, Sliding

FILLS = declare(measures={"events": {"count": ""}})
LOCAL = declare(window="day", zone="store_time_zone")
SETTINGS = PaneSettings(early_s=10, allowed_lateness_s=3600)
MINUTES = timedelta(minutes=1)
OTHER = "0100002"


class Told:
    """A stream of batches, told step by step.

    Args:
        aggregate: What is counted.
    """

    def __init__(self, aggregate: Aggregate = FILLS) -> None:
        self.aggregate = aggregate
        self.stream = TestStream()
        self.commits: list[CommitBatch] = []

    def rows(self, *rows: Row) -> "Told":
        """Lets a commit of some rows come."""
        self.commits.append(batch(self.aggregate, rows))
        self.stream.add_elements([self.commits[-1]])
        return self

    def wait(self, seconds: float) -> "Told":
        """Lets time pass."""
        self.stream.advance_processing_time(seconds)
        return self

    def watermark(self, moment: datetime) -> "Told":
        """Lets the watermark come to a time."""
        self.stream.advance_watermark_to(moment.timestamp())
        return self

    def run(self, settings: PaneSettings, check) -> None:
        """Runs it to its end and checks the panes, each made into what the check expects."""
        self.stream.advance_watermark_to_infinity()
        with beam.Pipeline(options=PipelineOptions(["--streaming"])) as pipeline:
            panes = pipeline | self.stream | FirePanes(self.aggregate, settings)
            check(panes)

    def fires(self, expected, settings=SETTINGS, made=None) -> None:
        """Checks what each pane is, in any order."""
        self.run(
            settings,
            lambda panes: assert_that(
                panes | "Made" >> beam.Map(made or _counted), equal_to(expected)
            ),
        )

    def agrees(self, settings=SETTINGS) -> None:
        """Checks that the latest panes are the totals of all that came."""
        expected = totals(self.aggregate, self.commits, settings.suppress_below)

        def check(panes):
            assert_that(panes, lambda found: _assert_equal(shown(found), expected))

        self.run(settings, check)


def _assert_equal(found, expected):
    assert found == expected


def _counted(pane: Pane):
    return pane.dimensions["pharmacy_ncpdp_id"][-1], pane.measures["rows"], pane.index, pane.timing


class TestFiring:
    def test_early_panes_come_some_time_after_something_new_and_add_up(self):
        told = Told().watermark(NOON).rows(Row()).wait(11).rows(Row()).wait(5).rows(Row()).wait(6)
        told.fires([("1", 1, 0, "early"), ("1", 3, 1, "early"), ("1", 3, 2, "on_time")])

    def test_a_cell_with_nothing_new_is_not_fired_again_before_its_window_closes(self):
        told = Told().watermark(NOON).rows(Row(), Row(store=OTHER)).wait(11)
        told.rows(Row(store=OTHER)).wait(60)
        told.fires(
            [
                ("1", 1, 0, "early"),
                ("2", 1, 0, "early"),
                ("2", 2, 1, "early"),
                ("1", 1, 1, "on_time"),
                ("2", 2, 2, "on_time"),
            ]
        )

    def test_once_the_watermark_has_passed_each_late_commit_fires_at_once(self):
        told = Told().watermark(NOON).rows(Row()).watermark(NOON + 5 * MINUTES)
        told.rows(Row()).rows(Row())
        told.fires([("1", 1, 0, "on_time"), ("1", 2, 1, "late"), ("1", 3, 2, "late")])

    def test_what_comes_later_than_allowed_is_in_the_totals_only(self):
        told = Told().watermark(NOON).rows(Row()).watermark(NOON + 66 * MINUTES).rows(Row())
        told.fires([("1", 1, 0, "on_time")])
        assert next(iter(totals(FILLS, told.commits).values()))["rows"] == 2

    def test_windows_close_one_by_one(self):
        later = NOON + 7 * MINUTES
        told = Told().rows(Row(), Row(time=later)).watermark(NOON + 6 * MINUTES)
        told.rows(Row(), Row(time=later))
        told.fires(
            [
                ("1", 1, 0, "on_time"),
                ("1", 2, 1, "late"),
                ("1", 2, 0, "on_time"),
            ]
        )

    def test_a_local_day_closes_with_the_day(self):
        # Midnight in New York is five o'clock in UTC.
        end = datetime(2026, 3, 3, 5, tzinfo=UTC)
        told = Told(LOCAL).rows(Row(time=NOON)).watermark(end - timedelta(seconds=1))
        told.rows(Row(time=NOON)).watermark(end).rows(Row(time=NOON))
        told.fires(
            [
                (end - timedelta(days=1), end, 2, "on_time"),
                (end - timedelta(days=1), end, 3, "late"),
            ],
            made=lambda p: (p.window_start, p.window_end, p.version, p.timing),
        )


class TestTotals:
    @pytest.mark.parametrize("window", ["5m", "1h", "day"])
    def test_the_latest_panes_are_the_totals(self, window):
        zone = {"zone": "store_time_zone"} if window == "day" else {}
        told = Told(declare(window=window, measures=EVERY_KIND, **zone)).watermark(NOON)
        told.rows(Row(), Row(store=OTHER, patient="p2")).wait(11)
        told.rows(Row(zone="Europe/Berlin"), Row(store=None, kind="REVERSED")).wait(11)
        told.watermark(NOON + 66 * MINUTES).rows(Row(time=NOON + 90 * MINUTES, minutes=None))
        told.rows(Row(time=NOON + 8 * MINUTES, patient="p3")).watermark(NOON + timedelta(days=3))
        told.agrees(PaneSettings(early_s=10))

    def test_small_cells_are_hidden_as_there(self):
        told = Told().watermark(NOON).rows(*[Row()] * 5, *[Row(store=OTHER)] * 20).wait(11)
        told.rows(Row(store=None)).wait(11).rows(*[Row()] * 9, Row(time=NOON + 5 * MINUTES))
        told.agrees(PaneSettings(early_s=10, suppress_below=11))


class TestSliding:
    def test_each_counts_the_windows_in_it(self):
        sliding = PaneSettings(sliding=(Sliding(size_s=600, every_s=300),))
        told = Told().rows(Row(), Row(time=NOON + 5 * MINUTES), Row(time=NOON + 6 * MINUTES))
        told.fires(
            [(0, 5, 1), (5, 10, 2), (-5, 5, 1), (0, 10, 3), (5, 15, 2)],
            sliding,
            lambda p: (
                (p.window_start - NOON) / MINUTES,
                (p.window_end - NOON) / MINUTES,
                p.measures["events"],
            ),
        )

    @pytest.mark.parametrize(
        ("size", "every"), [(300, 300), (600, 100), (700, 300), (600, 900), (600, 0)]
    )
    def test_windows_that_the_aggregates_do_not_fit_into_are_refused(self, size, every):
        settings = PaneSettings(sliding=(Sliding(size_s=size, every_s=every),))
        with pytest.raises(ConfigurationError, match="don't slide over those of the aggregate"):
            FirePanes(FILLS, settings)

    def test_over_local_days_nothing_slides(self):
        with pytest.raises(ConfigurationError, match="local days"):
            FirePanes(LOCAL, PaneSettings(sliding=(Sliding(size_s=172_800, every_s=86_400),)))


class TestSettings:
    @pytest.mark.parametrize("name", ["early_s", "allowed_lateness_s", "suppress_below"])
    def test_less_than_nothing_is_refused(self, name):
        with pytest.raises(ConfigurationError, match=f"{name} must not be negative, got -1"):
            PaneSettings(**{name: -1})


def test_a_drain_fires_each_cell_once():
    commits = [batch(FILLS, [Row(), Row(store=OTHER)], [Row()]), batch(FILLS, [Row()])]
    with beam.Pipeline(options=PipelineOptions(["--runner=FnApiRunner"])) as pipeline:
        panes = pipeline | beam.Create(commits) | FirePanes(FILLS, SETTINGS)
        assert_that(
            panes | beam.Map(_counted), equal_to([("1", 3, 0, "on_time"), ("2", 1, 0, "on_time")])
        )
