import math
import sys

import numpy as np
import pyarrow as pa
import pytest
from ddsketch import DDSketch
from ddsketch.mapping import LogarithmicMapping
from hypothesis import given, settings
from hypothesis import strategies as st

from transforms.sql.engine import Engine
from transforms.windows.sketches import (
    ORIGIN,
    bucket_sql,
    estimate_distinct,
    merge_distinct,
    quantiles,
    sketch_distinct,
)

ACCURACIES = [0.001, 0.01, 0.05]


@pytest.fixture(scope="module")
def engine():
    return Engine()


def buckets(engine, values, accuracy):
    rows = pa.table({"x": pa.array(values, pa.float64())})
    return engine.select(rows, {"b": bucket_sql("x", accuracy)}).column("b").to_pylist()


class TestBuckets:
    @pytest.mark.parametrize("accuracy", ACCURACIES)
    def test_they_are_the_librarys(self, engine, accuracy):
        mapping = LogarithmicMapping(accuracy)
        # Whole numbers, prices, anything, and values on the very bounds of buckets.
        values = [
            *map(float, range(1, 3_000)),
            *(n / 100 for n in range(1, 3_000)),
            *np.random.default_rng(1).lognormal(0, 30, 3_000).tolist(),
            *(mapping._pow_gamma(n) for n in range(-500, 500)),
            sys.float_info.max,
        ]
        expected = [mapping.key(value) + ORIGIN for value in values]
        assert buckets(engine, values, accuracy) == expected

    def test_negative_values_mirror_the_positive_ones(self, engine):
        assert buckets(engine, [-7.5], 0.01) == [-b for b in buckets(engine, [7.5], 0.01)]

    def test_zero_and_what_is_too_small_are_zero(self, engine):
        least = sys.float_info.min
        assert buckets(engine, [0.0, -0.0, least, -least, 5e-324], 0.01) == [0] * 5

    def test_null_is_null(self, engine):
        assert buckets(engine, [None], 0.01) == [None]

    def test_they_ascend_with_the_value(self, engine):
        values = [-1e300, -5.0, -0.01, 0.0, 1e-300, 0.01, 5.0, 1e300]
        found = buckets(engine, values, 0.001)
        assert found == sorted(found)
        assert all(-(2**31) <= bucket < 2**31 for bucket in found)


def read(engine, values, at, accuracy):
    held, counts = np.unique(buckets(engine, values, accuracy), return_counts=True)
    return quantiles(held.astype(np.int64), counts, at, accuracy)


class TestQuantiles:
    AT = (0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99, 1.0)

    def test_none_of_nothing(self):
        nothing = np.empty(0, np.int64)
        assert quantiles(nothing, nothing, (0.5, 0.9), 0.01) == [None, None]

    @settings(max_examples=60, deadline=None)
    @given(
        st.lists(st.floats(-1e6, 1e6).filter(lambda x: x == 0 or abs(x) > 1e-6), min_size=1),
        st.sampled_from(ACCURACIES),
    )
    def test_they_are_the_librarys_and_as_accurate_as_promised(self, engine, values, accuracy):
        library = DDSketch(accuracy)
        for value in values:
            library.add(value)
        ordered = sorted(values)
        for q, found in zip(self.AT, read(engine, values, self.AT, accuracy), strict=True):
            assert math.isclose(found, library.get_quantile_value(q), rel_tol=1e-12)
            exact = ordered[math.floor(q * (len(values) - 1))]
            assert abs(found - exact) <= accuracy * abs(exact) * (1 + 1e-9)


TEXTS = st.lists(st.text(min_size=1, max_size=4), max_size=30)


class TestDistinct:
    def test_few_are_counted_exactly(self):
        assert estimate_distinct(sketch_distinct(["a", "b", "a", "ä"])) == 3

    def test_many_are_estimated_within_four_standard_errors(self):
        sketch = sketch_distinct(f"patient {n}" for n in range(20_000))
        assert abs(estimate_distinct(sketch) / 20_000 - 1) < 4 * 1.04 / 64

    @settings(max_examples=40, deadline=None)
    @given(TEXTS, TEXTS, TEXTS)
    def test_merging_is_associative_commutative_and_idempotent(self, a, b, c):
        x, y, z = (sketch_distinct(each) for each in (a, b, c))
        assert merge_distinct([merge_distinct([x, y]), z]) == merge_distinct([z, y, x, y])
        assert merge_distinct([x, y, z]) == sketch_distinct([*c, *a, *b])

    @pytest.mark.parametrize("count", [383, 384, 385, 600, 5_000])
    def test_order_makes_no_difference_where_the_sketch_grows_dense(self, count):
        values = [f"p{n}" for n in range(count)]
        parts = [sketch_distinct(values[n::5]) for n in range(5)]
        whole = sketch_distinct(values)
        assert merge_distinct(parts) == whole
        assert merge_distinct([merge_distinct(parts[3:]), *reversed(parts[:3])]) == whole
        assert sketch_distinct(reversed(values)) == whole
