"""What of an aggregate is shown, and what is hidden."""

import numpy as np
import pytest

from beam_pipelines.report.rollup import HOUR_US, OTHERS, widened
from beam_pipelines.report.views import (
    NEWEST,
    View,
    by_first_dimension,
    main_measure,
    over_time,
    ranking,
    top_rows,
    view_of,
)
from tests.beam_pipelines.report.lakes import DAYS, SALES, UNITS, WAITS, partials
from transforms.windows import Measure


def sold(**stores: list[int]):
    """Partials with so many sales a store in the hours 0, 1, 2, ..."""
    listed = [
        (hour, store, 1)
        for store, hours in stores.items()
        for hour, number in enumerate(hours)
        for _ in range(number)
    ]
    return widened(partials(SALES, listed), HOUR_US)


def shown(values) -> list[float | None]:
    return [None if np.isnan(value) else float(value) for value in values]


@pytest.mark.parametrize(
    ("aggregate", "view"),
    [(SALES, View.LINES), (UNITS, View.RANKING), (DAYS, View.DAYS), (WAITS, View.BAND)],
)
def test_an_aggregates_shape_decides_on_its_view(aggregate, view):
    assert view_of(aggregate) is view


def test_without_dimensions_there_is_a_line():
    assert view_of(UNITS.model_copy(update={"dimensions": ()})) is View.LINES
    assert view_of(DAYS.model_copy(update={"dimensions": ()})) is View.LINES


def test_sums_are_plotted_before_counts_and_counts_before_rows():
    assert main_measure(SALES) == "units"
    assert main_measure(WAITS) == "rows"


class TestOverTime:
    def test_windows_without_rows_are_zero_and_small_ones_hidden(self):
        series = over_time(sold(a=[20, 0, 30, 4, 5, 40]), "units", absent=0.0)
        assert shown(series.values["units"]) == [20, 0, 30, None, None, 40]

    def test_a_window_is_never_hidden_alone(self):
        series = over_time(sold(a=[20, 0, 90, 4, 95]), "units", absent=0.0)
        assert shown(series.values["units"]) == [None, 0, 90, None, 95]

    def test_most_of_a_line_is_not_hidden_for_one_window(self):
        series = over_time(sold(a=[3, 90]), "units", absent=0.0)
        assert shown(series.values["units"]) == [None, 90]

    def test_stores_that_are_small_each_make_a_total_that_is_not(self):
        series = over_time(sold(a=[6], b=[7]), "units", absent=0.0)
        assert shown(series.values["units"]) == [13]

    def test_a_small_measure_that_is_not_shown_hides_nothing(self):
        listed = [(0.5, "a", int(n == 0)) for n in range(50)]
        rare = SALES.model_copy(
            update={"measures": {**SALES.measures, "returns": Measure(count="quantity > 0")}}
        )
        series = over_time(partials(rare, listed), "sales", absent=0.0)
        assert shown(series.values["sales"]) == [50]
        assert shown(
            over_time(partials(rare, listed), "returns", absent=0.0).values["returns"]
        ) == [None]

    def test_few_persons_hide_their_many_rows(self):
        listed = [(0.5, "a", n % 3) for n in range(50)]
        of_few = SALES.model_copy(
            update={"measures": {**SALES.measures, "people": Measure(distinct="quantity")}}
        )
        series = over_time(partials(of_few, listed), "sales", absent=0.0)
        assert shown(series.values["sales"]) == [None]

    def test_each_quantile_of_a_measure_has_a_line(self):
        listed = [(0.5, "a", n + 1) for n in range(100)]
        series = over_time(partials(WAITS, listed), "wait", absent=np.nan)
        assert set(series.values) == {"wait_p50", "wait_p95"}

    def test_one_row_far_off_in_time_does_not_hide_the_others(self):
        listed = [(-24.0 * 365 * 50, "a", 1)] * 12 + [(1.0, "a", 1)] * 12 + [(2.0, "a", 1)] * 12
        series = over_time(widened(partials(SALES, listed), HOUR_US), "units", absent=0.0)
        assert len(series.starts) == NEWEST
        assert shown(series.values["units"])[-2:] == [12, 12]

    def test_rows_without_a_time_have_no_window(self):
        assert over_time(partials(SALES, [(None, "a", 1)] * 20), "units", absent=0.0) is None


class TestByDimension:
    def test_the_greatest_come_first_and_the_others_last(self):
        series = by_first_dimension(sold(a=[20], b=[50], c=[30], d=[12]), "units", most=2)
        assert list(series.values) == ["b", "c", OTHERS]
        assert shown(series.values[OTHERS]) == [32]

    def test_a_small_cell_takes_the_next_smallest_of_its_window_along(self):
        series = by_first_dimension(sold(a=[40, 60], b=[50, 5], c=[30, 70]), "units", most=3)
        assert shown(series.values["b"]) == [50, None]
        assert shown(series.values["a"]) == [40, None]
        assert shown(series.values["c"]) == [30, 70]

    def test_what_is_left_over_is_not_given_away(self):
        series = by_first_dimension(sold(a=[50], b=[60], c=[3]), "units", most=2)
        assert {name: shown(values) for name, values in series.values.items()} == {
            "b": [60],
            OTHERS: [53],
        }


class TestRanking:
    def test_it_is_over_all_time_and_equal_ones_go_by_name(self):
        assert ranking(sold(b=[10, 10], a=[20], c=[11, 30]), "units", most=2) == [
            ("c", 41.0),
            ("a", 20.0),
        ]

    def test_small_values_are_left_out(self):
        assert ranking(sold(a=[20], b=[3], c=[4]), "units", most=5) == [("a", 20.0)]


def test_the_table_has_the_greatest_rows_and_hides_the_small():
    rows, listed = top_rows(sold(a=[20], b=[3], c=[4], d=[40]), "units")
    assert listed == 4
    assert rows.column("store").to_pylist()[:2] == ["d", "a"]
    assert rows.column("units").to_pylist()[2:] == [None, None]
    assert rows.column("rows").to_pylist()[2:] == [None, None]
