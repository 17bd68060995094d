import itertools
from datetime import timedelta
from decimal import Decimal

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.transforms.windows.rows import EVERY_KIND, NOON, Row, declare, segment
from tests.transforms.windows.test_partials import ROWS
from transforms.errors import ConfigurationError, PipelineError
from transforms.windows import AggregateWindows, merge
from transforms.windows.spec import METADATA_KEY

DAY = AggregateWindows(declare(window="day", zone="store_time_zone", measures=EVERY_KIND))
FAILING = AggregateWindows(declare(where="CAST(note AS INTEGER) < 2", measures=EVERY_KIND))


def derive(rows, aggregate=None):
    return (AggregateWindows(aggregate) if aggregate else DAY).derive(segment(rows))


class TestMerging:
    @settings(max_examples=30, deadline=None)
    @given(ROWS, st.lists(st.integers(0, 30), max_size=4), st.sampled_from([DAY, FAILING]))
    def test_any_cut_gives_the_same_partials_to_the_byte(self, rows, cuts, held):
        bounds = [0, *sorted(min(cut, len(rows)) for cut in cuts), len(rows)]
        whole = segment(rows)
        parts = [held.derive(whole.slice(a, b)) for a, b in itertools.pairwise(bounds)]
        merged, at_once = merge(parts), merge([held.derive(whole)])
        assert merged.equals(at_once)
        assert held.derive(whole).equals(at_once)

    @settings(max_examples=20, deadline=None)
    @given(ROWS, ROWS, ROWS)
    def test_it_is_associative_and_commutative(self, a, b, c):
        x, y, z = (derive(rows) for rows in (a, b, c))
        flat = merge([x, y, z])
        assert merge([merge([x, y]), z]).equals(flat)
        assert merge([x, merge([z, y])]).equals(flat)
        assert merge([z, x, y]).equals(flat)

    def test_dense_sketches_know_no_order(self):
        parts = [
            derive([Row(patient=f"p{n}", minutes=n + 1.0) for n in range(start, 3_000, 3)])
            for start in range(3)
        ]
        assert merge(parts).equals(merge([merge(parts[1:]), parts[0]]))

    def test_nothing_merges_to_nothing(self):
        assert merge([]).num_columns == 0
        assert merge([pa.table({}), pa.table({})]).num_columns == 0

    def test_a_merged_table_has_the_schema_of_its_parts(self):
        part = derive([Row()])
        assert merge([part, part]).schema.equals(part.schema, check_metadata=True)

    def test_counts_add_up(self):
        part = derive([Row(), Row(zone=None)])
        row = merge([part, part, part]).to_pylist()[-1]
        assert row["rows"] + merge([part, part, part]).to_pylist()[0]["rows"] == 6

    def test_a_late_row_counts_in_its_own_window(self):
        late = derive([Row(time=NOON - timedelta(days=30))])
        merged = merge([derive([Row()]), late, derive([Row()])]).to_pylist()
        assert [row["rows"] for row in merged] == [1, 2]


class TestRefusals:
    def test_partials_of_a_changed_aggregate(self):
        other = declare(window="day", zone="store_time_zone", measures={"fills": {"count": ""}})
        with pytest.raises(ConfigurationError, match=r"counted.*don't all mean the same") as caught:
            merge([derive([Row()]), derive([Row()], other)])
        assert "a new name" in caught.value.remedy

    def test_partials_of_a_changed_column(self):
        part = derive([Row()])
        shape = part.schema.get_field_index("revenue")
        wider = part.set_column(shape, "revenue", part.column("revenue").cast(pa.decimal128(38, 4)))
        with pytest.raises(ConfigurationError, match="don't all mean the same"):
            merge([part, wider])

    def test_partials_of_another_aggregate(self):
        with pytest.raises(ConfigurationError, match="of other and of counted"):
            merge([derive([Row()], declare()), derive([Row()], declare(name="other"))])

    def test_tables_of_something_else(self):
        with pytest.raises(ConfigurationError, match="no partials"):
            merge([pa.table({"x": [1]})])

    @pytest.mark.parametrize("summand", [10**38 - 1, -(10**38) + 1, 8 * 10**37])
    def test_a_sum_of_more_than_38_digits(self, summand):
        measures = {"n": {"sum": "days_supply"}}
        part = derive([Row()], declare(measures=measures))
        huge = part.set_column(
            part.schema.get_field_index("n"),
            "n",
            pa.array([Decimal(summand)], pa.decimal128(38, 0)),
        )
        assert merge([huge]).column("n").to_pylist() == [summand]
        with pytest.raises(PipelineError, match=r"counted \(n\) has more than 38 digits"):
            merge([huge] * 2)

    def test_measures_in_another_order_are_the_same(self):
        turned = declare(measures=dict(reversed(EVERY_KIND.items())))
        first = derive([Row()], declare(measures=EVERY_KIND))
        merged = merge([first, derive([Row()], turned)])
        assert merged.column("fills").to_pylist() == [2]
        assert merged.schema.metadata[METADATA_KEY] == first.schema.metadata[METADATA_KEY]
