"""Cells merge one by one to what tables of partials merge to."""

import math
from decimal import Decimal

import pytest
from apache_beam.coders.typecoders import registry
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.transforms.windows.rows import EVERY_KIND, Row, declare, segment
from tests.transforms.windows.test_partials import EVERY, ROWS
from transforms.windows import AggregateWindows, merge, read_totals
from transforms.windows.cells import Cells, CellsCoder, MergeCells, cells_of, read_values

DAY = EVERY["day"]


def cells(partials, aggregate):
    """The cells of a table, those of each window by its bounds."""
    found = {}
    for placed in cells_of(partials, aggregate):
        found.setdefault(placed.window, Cells()).held[placed.dimensions] = placed.values
    return found


def merged(aggregate, *parts):
    combine = MergeCells(aggregate)
    found = {}
    for part in parts:
        for window, each in part.items():
            found[window] = combine.merge_accumulators([found.get(window, Cells()), each])
    return found


class TestMerging:
    @settings(max_examples=40, deadline=None)
    @given(st.lists(ROWS, max_size=4), st.randoms())
    def test_in_any_order_they_merge_to_what_their_tables_do_to_the_byte(self, parts, order):
        tables = [t for rows in parts if (t := DAY.derive(segment(rows))).num_columns]
        expected = cells(merge(tables), DAY.aggregate) if tables else {}
        order.shuffle(tables)
        made = merged(DAY.aggregate, *(cells(table, DAY.aggregate) for table in tables))
        assert made == expected

    def test_dense_sketches_are_merged_to_the_byte_too(self):
        held = EVERY["5m"]
        parts = [
            held.derive(segment([Row(patient=f"p{n}", minutes=n + 1.0) for n in range(at, 999, 3)]))
            for at in range(3)
        ]
        both = merged(held.aggregate, *(cells(part, held.aggregate) for part in reversed(parts)))
        assert both == cells(merge(parts), held.aggregate)

    def test_a_sum_keeps_all_its_digits(self):
        aggregate = declare(measures={"n": {"sum": "days_supply"}})
        huge = Decimal(10**37 - 1)
        one = Cells({("a",): (1, 0, huge)})
        (values,) = MergeCells(aggregate).merge_accumulators([one] * 3).held.values()
        assert values == (3, 0, 3 * (10**37 - 1))

    @pytest.mark.parametrize("order", [(1.0, math.nan), (math.nan, 1.0)])
    def test_what_is_no_number_is_the_greatest_as_in_sql(self, order):
        aggregate = declare(
            measures={"least": {"min": "turnaround_minutes"}, "most": {"max": "turnaround_minutes"}}
        )
        each = [Cells({(): (1, 0, value, value)}) for value in order]
        (values,) = MergeCells(aggregate).merge_accumulators(each).held.values()
        assert (values[2], math.isnan(values[3])) == (1.0, True)

    def test_what_is_merged_is_not_changed(self):
        one = Cells({("a",): (1, 0, 5)})
        MergeCells(declare()).merge_accumulators([one, one])
        assert one == Cells({("a",): (1, 0, 5)})


class TestReading:
    @settings(max_examples=20, deadline=None)
    @given(ROWS.filter(bool))
    def test_what_they_say_is_what_totals_say(self, rows):
        held = EVERY["5m"]
        partials = held.derive(segment(rows))
        read = [read_values(held.aggregate, c.values) for c in cells_of(partials, held.aggregate)]
        expected = read_totals(partials).to_pylist()
        for row in expected:
            for name in ("window_start", "window_end", "pharmacy_ncpdp_id"):
                del row[name]
        assert read == expected

    def test_measures_are_found_by_name_whatever_their_order_in_the_table(self):
        turned = declare(measures=dict(reversed(EVERY_KIND.items())))
        partials = AggregateWindows(turned).derive(segment([Row()]))
        (cell,) = cells_of(partials, declare(measures=EVERY_KIND))
        assert read_values(declare(measures=EVERY_KIND), cell.values)["shortest"] == 30.0


class TestCoder:
    @settings(max_examples=20, deadline=None)
    @given(ROWS)
    def test_all_values_come_back(self, rows):
        for each in cells(DAY.derive(segment(rows or [Row()])), DAY.aggregate).values():
            assert CellsCoder().decode(CellsCoder().encode(each)) == each

    def test_it_is_the_one_that_beam_takes(self):
        assert isinstance(registry.get_coder(Cells), CellsCoder)
        assert isinstance(MergeCells(declare()).get_accumulator_coder(), CellsCoder)

    def test_sketches_are_in_it_as_they_are(self):
        aggregate = declare(measures={"patients": {"distinct": "patient_id"}})
        (one,) = cells(AggregateWindows(aggregate).derive(segment([Row()])), aggregate).values()
        encoded = CellsCoder().encode(one)
        assert one.held["0100001",][2] in encoded
        assert len(encoded) < 50
