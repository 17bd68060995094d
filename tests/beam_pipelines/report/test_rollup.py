"""Coarser totals from partials, against the rows themselves."""

from collections import Counter
from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from beam_pipelines.report.rollup import (
    DAY_US,
    HOUR_US,
    MOST_WINDOWS,
    NULL,
    OTHERS,
    WIDTHS,
    by_dimensions,
    folded,
    over_all_time,
    widened,
    width_for,
)
from tests.beam_pipelines.report.lakes import DAYS, MIDNIGHT, SALES, WAITS, partials
from transforms.windows import aggregate_of, merge, read_totals

ROWS = st.lists(
    st.tuples(
        st.one_of(st.none(), st.floats(0, 100)),
        st.sampled_from(["a", "b", "c", None]),
        st.integers(-5, 50),
    ),
    min_size=1,
    max_size=40,
)


def counts(table, *keys):
    return {tuple(row[key] for key in keys): row["sales"] for row in table.to_pylist()}


@settings(max_examples=15, deadline=None)
@given(ROWS)
def test_wider_windows_hold_the_same_rows(listed):
    wide = merge([widened(partials(SALES, listed), 6 * HOUR_US)])
    expected = Counter(
        (None if hour is None else MIDNIGHT + timedelta(hours=int(hour // 6) * 6), store)
        for hour, store, _ in listed
    )
    assert counts(wide, "window_start", "store") == expected
    ends = {r["window_end"] - r["window_start"] for r in wide.to_pylist() if r["window_start"]}
    assert ends <= {timedelta(hours=6)}


@settings(max_examples=15, deadline=None)
@given(ROWS)
def test_fewer_dimensions_hold_the_same_rows(listed):
    whole = over_all_time(by_dimensions(partials(SALES, listed), []))
    assert whole.column("sales").to_pylist() == [len(listed)]
    assert [int(u) for u in whole.column("units").to_pylist()] == [sum(q for *_, q in listed)]
    assert aggregate_of(whole.schema).dimensions == ()


@settings(max_examples=15, deadline=None)
@given(ROWS)
def test_what_is_not_kept_is_one_value_and_null_is_another(listed):
    shown = over_all_time(folded(partials(SALES, listed), "store", {"a", NULL}))
    expected = Counter((s if s == "a" else OTHERS if s else NULL,) for _, s, _ in listed)
    assert counts(shown, "store") == expected


def test_windows_never_get_narrower():
    wide = widened(partials(WAITS, [(1.5, "a", 1)]), 60_000_000)
    assert wide.column("window_start").to_pylist() == [MIDNIGHT + timedelta(hours=1)]


def test_local_days_become_their_dates():
    # 10:30 in Tokyo, and a quarter past midnight of the day after.
    wide = widened(partials(DAYS, [(1.5, "a", 1), (15.25, "a", 1)]), HOUR_US)
    starts = wide.column("window_start").to_pylist()
    assert starts == [MIDNIGHT, MIDNIGHT + timedelta(days=1)]


def test_quantiles_of_a_day_are_those_of_its_rows():
    listed = [(hour, store, hour * 10 + 1) for hour in range(24) for store in "abc"]
    day = read_totals(by_dimensions(widened(partials(WAITS, listed), DAY_US), []))
    (median,) = day.column("wait_p50").to_pylist()
    assert abs(median - 111) <= 0.011 * 111
    assert day.column("messages").to_pylist() == [72]


def test_a_page_has_few_windows_whatever_the_time():
    for days in (0, 1, 5, 30, 120, 365, 3000):
        width = width_for(days * DAY_US)
        assert width in WIDTHS
        assert days * DAY_US / width <= MOST_WINDOWS
    assert width_for(DAY_US) == HOUR_US
