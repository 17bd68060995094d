from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.transforms.windows.rows import NOON, Row, declare, segment
from transforms.errors import ConfigurationError
from transforms.windows import CMS_THRESHOLD, AggregateWindows, merge, read_totals

AGGREGATE = declare(
    measures={
        "fills": {"count": "event_type = 'FILLED'"},
        "patients": {"distinct": "patient_id"},
        "revenue": {"sum": "total_paid"},
        "wait": {"quantiles": "turnaround_minutes", "at": [0.5]},
    }
)
#: Made once: an aggregate is checked and planned at its first rows.
HELD = AggregateWindows(AGGREGATE)


def totals(cells, below=CMS_THRESHOLD, **changes):
    """Totals of cells: (minutes after noon, store) -> rows."""
    rows = [
        Row(time=NOON + timedelta(minutes=minute), store=store, patient=f"p{n}", **changes)
        for (minute, store), count in cells.items()
        for n in range(count)
    ]
    return read_totals(HELD.derive(segment(rows)), suppress_below=below)


def hidden(table):
    return {row["pharmacy_ncpdp_id"] for row in table.to_pylist() if row["suppressed"]}


class TestSmallCells:
    def test_all_that_a_small_cell_measures_is_hidden(self):
        small = totals({(0, "a"): 10, (0, "b"): 20, (0, "c"): 30}).to_pylist()[0]
        assert small["suppressed"]
        assert small["pharmacy_ncpdp_id"] == "a"
        assert small["window_start"] == NOON
        measured = ("rows", "faults", "fills", "patients", "revenue", "wait_p50")
        assert [small[name] for name in measured] == [None] * 6

    def test_a_cell_of_the_threshold_is_shown(self):
        row = totals({(0, "a"): 11}).to_pylist()[0]
        assert (row["suppressed"], row["fills"], row["patients"]) == (False, 11, 11)

    def test_zero_is_shown(self):
        assert totals({(0, "a"): 11}, kind="READY").to_pylist()[0]["fills"] == 0

    def test_few_patients_of_many_rows_are_hidden(self):
        rows = [Row(patient=f"p{n % 3}") for n in range(50)]
        made = HELD.derive(segment(rows))
        assert read_totals(made, suppress_below=11).column("suppressed").to_pylist() == [True]

    def test_a_small_count_of_many_rows_is_hidden(self):
        rows = [Row(kind="FILLED" if n < 3 else "READY", patient=f"p{n}") for n in range(50)]
        made = HELD.derive(segment(rows))
        assert read_totals(made, suppress_below=11).column("suppressed").to_pylist() == [True]

    def test_without_being_asked_nothing_is_hidden(self):
        table = totals({(0, "a"): 1}, below=0)
        assert "suppressed" not in table.column_names
        assert table.column("fills").to_pylist() == [1]

    def test_a_negative_threshold_is_refused(self):
        with pytest.raises(ConfigurationError, match="suppress_below"):
            totals({(0, "a"): 1}, below=-1)

    def test_the_types_stay(self):
        cells = {(0, "a"): 1, (0, "b"): 30, (0, "c"): 40}
        shown, kept = totals(cells), totals(cells, below=0)
        assert shown.drop_columns(["suppressed"]).schema.equals(kept.schema)


class TestComplement:
    def test_a_lone_small_cell_takes_the_next_smallest_with_it(self):
        assert hidden(totals({(0, "a"): 40, (0, "b"): 3, (0, "c"): 30, (0, "d"): 50})) == {"b", "c"}

    def test_two_small_cells_hide_each_other(self):
        assert hidden(totals({(0, "a"): 2, (0, "b"): 3, (0, "c"): 30})) == {"a", "b"}

    def test_of_equals_the_first_by_dimension_goes(self):
        assert hidden(totals({(0, "c"): 20, (0, "b"): 20, (0, "z"): 1})) == {"b", "z"}

    def test_each_window_is_for_itself(self):
        table = totals({(0, "a"): 2, (0, "b"): 30, (10, "c"): 20, (10, "d"): 30})
        assert hidden(table) == {"a", "b"}

    def test_rows_without_a_time_are_a_window_too(self):
        rows = [Row(time=None, store=s, patient=f"p{n}") for n in range(30) for s in "ab"]
        rows += [Row(time=None, store="c"), *(Row(patient=f"p{n}") for n in range(20))]
        made = HELD.derive(segment(rows))
        assert hidden(read_totals(made, suppress_below=11)) == {"a", "c"}

    @settings(max_examples=25, deadline=None)
    @given(
        st.dictionaries(
            st.tuples(st.sampled_from([0, 5]), st.sampled_from("abcd")),
            st.integers(1, 25),
            min_size=1,
        )
    )
    def test_no_hidden_cell_is_alone_beside_a_shown_one(self, cells):
        table = totals(cells)
        for minute in (0, 5):
            start = NOON + timedelta(minutes=minute)
            flags = [r["suppressed"] for r in table.to_pylist() if r["window_start"] == start]
            assert not (flags.count(True) == 1 and False in flags)
        small = {store for (_, store), count in cells.items() if count < CMS_THRESHOLD}
        assert small <= hidden(table)

    def test_merging_comes_first(self):
        parts = [
            HELD.derive(segment([Row(patient=f"p{n}") for n in range(start, start + 6)]))
            for start in (0, 6)
        ]
        assert read_totals(merge(parts), suppress_below=11).column("suppressed").to_pylist() == [
            False
        ]
